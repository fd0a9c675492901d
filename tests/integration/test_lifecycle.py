"""Start, reload, drain; probes and statistics."""
import base64
import copy
import json
import signal
import urllib.error
import urllib.request

import pytest

from harness import smpp
from harness.gateway import config, mock, to
from harness.process import Smppd, free_port, wait_until


def ended(smppd, status):
    assert smppd.wait_exit() == status, smppd.output
    return smppd.output


def reloaded(smppd, whole, how):
    """Publishes a configuration through SIGHUP or POST; returns whether it was taken."""
    before = len([line for line in smppd.lines if is_verdict(line)])
    if how == "SIGHUP":
        smppd.reload(whole)
    else:
        smppd.config = whole
        smppd.path.write_text(json.dumps(whole))
        status, _ = smppd.get("/config/reload", "POST")
        assert status in (200, 400, 422), status
    wait_until(lambda: len([line for line in smppd.lines if is_verdict(line)]) > before, "a verdict on the new file")
    return "reloaded" in [line for line in smppd.lines if is_verdict(line)][-1]


def is_verdict(line):
    return "server: reloaded" in line or "old configuration stays in force" in line or "the old one stays" in line


HOW = ["SIGHUP", "POST"]


@pytest.mark.parametrize("how", HOW)
def test_a_reload_is_not_noticed_by_whom_it_does_not_concern(gateway, carriers, shards, how):
    carrier, other = carriers(), carriers()
    smppd = gateway(to(carrier), shards=shards)
    session = smppd.bind()
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    whole = copy.deepcopy(smppd.config)
    whole["upstreams"].append(to(other, "other"))
    whole["routes"].insert(0, {"name": "other", "match": {"destination_addr": "+1*"}, "upstream": "other"})
    whole["clients"].append({"system_id": "new", "password": "secret"})
    assert reloaded(smppd, whole, how)
    other.link()
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    wait_until(lambda: session.request(smpp.submit_sm(destination="12345")).status == smpp.ROK, "the new route works")
    assert [one.fields["destination_addr"] for one in other.received] == ["12345"]
    smppd.bind(system_id="new")
    assert (len(carrier.binds), len(other.binds)) == (1, 1)


@pytest.mark.parametrize("how", HOW)
def test_a_broken_configuration_changes_nothing(gateway, carrier, how):
    smppd = gateway(to(carrier))
    session = smppd.bind()
    good = smppd.config
    broken = copy.deepcopy(good)
    broken["clients"] = [{"system_id": "client", "password": "changed"}]
    broken["routes"][0]["upstream"] = "nowhere"
    assert not reloaded(smppd, broken, how)
    assert "there is no upstream `nowhere`" in smppd.output
    smppd.config = good
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    smppd.bind()
    assert len(carrier.binds) == 1


def test_a_client_that_is_removed_is_unbound_and_the_others_stay(gateway, carrier, shards):
    clients = [{"system_id": name, "password": "secret"} for name in ("client", "gone", "changed")]
    smppd = gateway(to(carrier), shards=shards, clients=clients)
    stays, gone, changed = (smppd.bind(system_id=one["system_id"]) for one in clients)
    whole = copy.deepcopy(smppd.config)
    whole["clients"] = [clients[0], {"system_id": "changed", "password": "other"}]
    assert reloaded(smppd, whole, "SIGHUP")
    for session in (gone, changed):
        unbind = session.receive_command(smpp.UNBIND)
        session.send(unbind.response())
        session.wait_closed()
    assert stays.request(smpp.submit_sm()).status == smpp.ROK
    smppd.bind(system_id="gone", expect=smpp.RINVSYSID)
    smppd.bind(system_id="changed", password="other")


def test_an_upstream_that_is_removed_is_unbound(gateway, carriers, shards):
    carrier, leaving = carriers(), carriers()
    smppd = gateway(to(carrier), to(leaving, "leaving"), shards=shards)
    leaving.link()
    whole = copy.deepcopy(smppd.config)
    whole["upstreams"].pop()
    assert reloaded(smppd, whole, "SIGHUP")
    wait_until(lambda: 'smppd_upstream_links{' not in "".join(
        line for line in smppd.get("/metrics")[1].splitlines(True) if '"leaving"' in line), "the link gone")
    assert smppd.bind().request(smpp.submit_sm()).status == smpp.ROK


def test_listeners_come_and_go_with_a_reload(gateway, shards):
    smppd = gateway(mock(), shards=shards)
    session = smppd.bind()
    whole = copy.deepcopy(smppd.config)
    whole["listeners"].append({"name": "second", "type": "smpp", "address": f"127.0.0.1:{free_port()}"})
    assert reloaded(smppd, whole, "SIGHUP")
    second = smppd.bind(listener=1)
    assert second.request(smpp.submit_sm()).status == smpp.ROK
    without = copy.deepcopy(whole)
    without["listeners"].pop()
    assert reloaded(smppd, without, "SIGHUP")
    second.send(second.receive_command(smpp.UNBIND).response())
    second.wait_closed()
    assert session.request(smpp.submit_sm()).status == smpp.ROK


def test_sigterm_waits_for_the_answers_in_flight_and_says_unbind(gateway, carrier, shards):
    carrier.answer = lambda one: None
    smppd = gateway(to(carrier), shards=shards)
    session = smppd.bind()
    submitted = session.send(smpp.submit_sm())
    (one,) = carrier.wait_received()
    smppd.process.send_signal(signal.SIGTERM)
    unbind = session.receive_command(smpp.UNBIND)
    carrier.send(one.link, carrier.accept(one))
    answer = session.receive_command(0x80000004)
    assert (answer.sequence, answer.status) == (submitted.sequence, smpp.ROK)
    session.send(unbind.response())
    session.wait_closed()
    ended(smppd, 0)


def test_sigterm_does_not_wait_longer_than_drain_timeout(gateway, carrier):
    carrier.answer = lambda one: None
    smppd = gateway(to(carrier), runtime={"shards": 1, "drain_timeout": "200ms"})
    smppd.bind().send(smpp.submit_sm())
    carrier.wait_received()
    smppd.stop(expect=0)
    assert "drain_timeout reached" in smppd.output


@pytest.mark.parametrize("which", ["listener", "management"])
def test_a_port_in_use_ends_the_start_with_one_message(start, tmp_path, which, carriers):
    taken = carriers()
    whole = config(mock())
    section = whole["listeners"][0] if which == "listener" else whole["management"]
    section["address"] = f"127.0.0.1:{taken.port}"
    output = ended(start(Smppd(tmp_path, whole)), 1)
    errors = [line for line in output.splitlines() if line.startswith("smppd: ")]
    assert len(errors) == 1 and str(taken.port) in errors[0] and "in use" in errors[0].lower(), output


def test_a_missing_file_is_one_message_and_2(start, tmp_path):
    whole = config(mock())
    program = Smppd(tmp_path, whole, "--config", tmp_path / "missing.yaml")
    output = ended(start(program), 2)
    assert output.strip()


def test_an_unreachable_smsc_is_not_ready_and_says_so(gateway):
    whole = to(type("nobody", (), {"port": free_port()}))
    unknown = {**to(type("nobody", (), {"port": 2775}), "unknown"), "hosts": ["no-such-host.invalid:2775"]}
    smppd = gateway(whole, unknown, bound=False)
    smppd.wait_for_line("link is down upstream=carrier .*Connection refused")
    smppd.wait_for_line("link is down upstream=unknown ")
    status, text = smppd.get("/readyz")
    assert status == 503 and "no upstream is bound" in text
    assert smppd.get("/livez")[0] == 200
    assert smppd.bind().request(smpp.submit_sm()).status == smpp.RSYSERR


def test_management_tells_health_statistics_and_the_configuration(gateway, carrier):
    smppd = gateway(to(carrier))
    assert smppd.bind().request(smpp.submit_sm()).status == smpp.ROK
    for path in ("/livez", "/readyz", "/healthz"):
        assert smppd.get(path)[0] == 200, path
    status, text = smppd.get("/config")
    assert status == 200 and "carrier" in text and "secret" not in text.replace("***", "")
    status, text = smppd.get("/stats")
    assert status == 200 and text.strip()
    assert smppd.metric("smppd_messages_total", status="accepted", upstream="carrier", client="client") == 1
    assert smppd.get("/nothing")[0] == 404
    carrier.close()
    wait_until(lambda: smppd.get("/readyz")[0] == 503, "not ready without an upstream")


def test_management_with_basic_auth_answers_probes_to_all_and_the_rest_to_who_knows_the_password(gateway, carrier):
    port = free_port()
    auth = {"type": "basic", "username": "ops", "password": "s3cret:word"}
    smppd = gateway(to(carrier), management={"address": f"127.0.0.1:{port}", "auth": auth})

    def status(path, credentials=None, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
        if credentials is not None:
            request.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert [status(path) for path in ("/livez", "/readyz")] == [200, 200]
    for path, method in (("/metrics", "GET"), ("/stats", "GET"), ("/config", "GET"), ("/config/reload", "POST")):
        for wrong in (None, "ops:wrong", "ops:", "other:s3cret:word", ":", "ops:s3cret:word2"):
            assert status(path, wrong, method) == 401, (path, wrong)
        assert status(path, "ops:s3cret:word", method) == 200, path
    assert "s3cret" not in smppd.output
