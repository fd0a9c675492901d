"""smppd with a gate on either side. The tests here try to break the guarantees of docs/guarantees.md."""
import pytest

from harness import gateway
from harness.carrier import Carrier
from harness.gate import Gate
from harness.process import Smppd
from harness.traffic import NO_UPSTREAM, UNCERTAIN, StubbornCarrier

LISTENER = {
    "smpp": {"uncertain_status": UNCERTAIN, "no_upstream_status": NO_UPSTREAM},
    "timeouts": {"write": "1s", "response": "1s"},
}
CLIENTS = [{"system_id": name, "password": "secret"} for name in ("client", "other")]


@pytest.fixture
def gates():
    """gates(port) stands before that port; all are closed with the test."""
    made = []

    def make(port):
        made.append(Gate(port))
        return made[-1]

    yield make
    for gate in made:
        gate.close()


@pytest.fixture
def carriers():
    made = []

    def make(stubborn=False, **options):
        made.append(StubbornCarrier(**options) if stubborn else Carrier(**options))
        return made[-1]

    yield make
    for carrier in made:
        carrier.close()


@pytest.fixture
def smppd(start, tmp_path):
    """smppd(upstream, ..., shards=1, section=...) runs, and must still run when the test ends."""
    started = []

    def run(*upstreams, shards=1, listener=None, **sections):
        sections.setdefault("clients", CLIENTS)
        sections.setdefault("runtime", {"shards": shards, "drain_timeout": "3s"})
        sections.setdefault("logging", {"level": "info", "format": "text", "output": "stdout"})
        config = gateway.config(*upstreams, listener={**LISTENER, **(listener or {})}, **sections)
        started.append(start(Smppd(tmp_path, config)).start())
        started[-1].port = gateway.port_of(config)
        return started[-1]

    yield run
    for program in started:
        assert program.process.poll() is None, f"smppd ended with {program.process.poll()}:\n{program.output}"
