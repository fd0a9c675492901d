"""What the documentation shows is true: its configurations load, and its list of metrics is the binary's."""
import os
import re
import subprocess
import sys

import pytest
import yaml

from harness import smpp
from harness.carrier import Carrier
from harness.gateway import config, port_of, upstream
from harness.process import BINARIES, ROOT, Program, Smppd, write_config

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])

# What a fragment may name: sections it does not show are taken from here.
SURROUNDINGS = {
    "listeners": [{"name": "smpp", "address": "127.0.0.1:2775"}],
    "upstreams": [
        {"name": name, "hosts": ["127.0.0.1:2776"], "bind": {"system_id": "a", "password": "b"}}
        for name in ("carrier-a", "carrier-b", "backup", "vodacom")
    ],
    "clients": [{"system_id": name, "password": "secret"} for name in ("acme", "game", "archive")],
}


def samples():
    """The YAML blocks of all pages, but those for other programs, which begin with a comment that names their file."""
    for page in PAGES:
        for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S), 1):
            if not block.startswith("# prometheus.yml"):
                yield pytest.param(block, id=f"{page.name}-{number}")


def completed(block):
    sections = yaml.safe_load(block)
    if "listeners" in sections and "upstreams" in sections:
        return block  # as it stands, so that its lines are the ones in messages
    if set(sections) == {"schedule"}:
        sections = {"routes": [{"match": sections, "upstream": "carrier-a"}]}
    return {**SURROUNDINGS, **sections}


def variables_of(text):
    return {name: "value" for name in re.findall(r"\$\{([A-Z][A-Z0-9_]*)\}", text)}


@pytest.mark.parametrize("block", samples())
def test_configurations_in_the_documentation_are_valid(tmp_path, block):
    path = write_config(tmp_path, completed(block))
    result = subprocess.run([BINARIES / "smppd", "validate", "--config", path], capture_output=True, text=True,
                            env={**os.environ, **variables_of(block)})
    assert result.returncode == 0, f"{result.stderr}\n{path.read_text()}"


def test_the_configuration_of_the_readme_is_as_short_as_it_says():
    block = re.search(r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)[1]
    assert 15 <= len(block.splitlines()) <= 20


def test_the_first_client_of_the_readme_sends_and_hears_of_it(tmp_path, start):
    """The Python snippet, as it stands but for its port."""
    with Carrier() as carrier:
        smppd = start(Smppd(tmp_path, config(upstream("carrier", carrier.port),
                                             client={"system_id": "shop", "password": "demo"}))).start()
        snippet = re.search(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)[1]
        assert snippet.count("2775") == 1
        (tmp_path / "client.py").write_text(snippet.replace("2775", str(port_of(smppd.config))))
        client = start(Program([sys.executable, "-u", tmp_path / "client.py"]))
        message_id = client.wait_for_line(r"accepted: b'(\w+)'")[1]
        client.wait_for_line(rf"received: b'id:{message_id} .*stat:DELIVRD")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_what_a_page_points_at_is_there(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), f"{page.name}: ({target})"
    for path in re.findall(r"`((?:src|apps|tests|scripts|configs|docs)/[\w./-]+\.\w+)`", text):
        assert (ROOT / path).exists(), f"{page.name}: {path}"


DECLARED = re.compile(
    r'\{\s*"((?:smppd|process)_[a-z_]+)",\s*(?:telemetry::)?(?:MetricKind::)?k(?:Counter|Gauge|Histogram)\b')


def declared_metrics():
    """Every metric the sources declare; several only show at /metrics once there is something to count."""
    sources = [path for path in (ROOT / "src").rglob("*.cc") if not path.stem.endswith(("_test", "_bench", "_fuzz"))]
    return {name for path in sources for name in DECLARED.findall(path.read_text())}


def documented_metrics():
    names = set()
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        if line.startswith("| `"):
            names |= set(re.findall(r"`((?:smppd|process)_[a-z_]+)[`{]", line))
    return names


def test_every_metric_in_the_manual_is_in_the_sources_and_the_reverse():
    declared, documented = declared_metrics(), documented_metrics()
    assert len(declared) > 100
    assert sorted(declared - documented) == [], "not in docs/metrics.md"
    assert sorted(documented - declared) == [], "in docs/metrics.md, and nowhere else"


def test_every_metric_a_running_smppd_exports_is_in_the_manual(tmp_path, start):
    carrier = Carrier()
    filters = [{"type": kind} for kind in ("logger", "auth", "rate_limit", "address_filter", "protocol", "metrics")]
    smppd = start(Smppd(tmp_path, config(upstream("carrier", carrier.port), middleware=filters))).start()
    with carrier, smpp.Connection.to(port_of(smppd.config)) as client:
        client.bind()
        assert client.request(smpp.submit_sm(registered_delivery=1)).status == smpp.ROK
        client.send(client.receive_command(smpp.DELIVER_SM).response())
        exported = set(re.findall(r"^# TYPE (\S+)", smppd.get("/metrics")[1], re.M))
        assert len(exported) > 80
        assert sorted(exported - documented_metrics()) == []
        assert smppd.metric("smppd_messages_total", status="accepted", upstream="carrier", client="client") == 1
        assert smppd.metric("smppd_upstream_requests_total", upstream="carrier") == 1
        assert smppd.metric("smppd_upstream_connections_active", upstream="carrier") == 1
