"""smppd between raw peers: carriers that answer, clients that say what the test wants, on one shard and on two."""
import pytest

from harness import smpp
from harness.carrier import Carrier
from harness.gateway import config, port_of
from harness.process import Smppd

# Sharding must not be noticed: what it could break runs on one shard and on two.
SHARDS = [1, 2]


@pytest.fixture(params=SHARDS, ids=lambda count: f"{count}-shard")
def shards(request):
    return request.param


@pytest.fixture
def carriers():
    """carriers() starts an SMSC that answers by itself; all are closed with the test."""
    started = []

    def start_carrier(**options):
        started.append(Carrier(**options))
        return started[-1]

    yield start_carrier
    for carrier in started:
        carrier.close()


@pytest.fixture
def carrier(carriers):
    return carriers()


class Gateway(Smppd):
    """smppd and the connections a test made to it."""

    def __init__(self, folder, whole):
        self.connections = []
        super().__init__(folder, whole)

    @property
    def port(self):
        return port_of(self.config)

    def connect(self, listener=0, source="127.0.0.1"):
        self.connections.append(smpp.Connection.to(port_of(self.config, listener), source=source))
        return self.connections[-1]

    def turned_away(self, source="127.0.0.1"):
        """Fails unless a connection from this address is ended without an octet."""
        try:
            assert self.connect(source=source).wait_closed() == []
        except ConnectionResetError:
            pass

    def bind(self, kind="trx", listener=0, source="127.0.0.1", expect=smpp.ROK, **fields):
        """A connection that has asked to bind, and was answered as expected."""
        connection = self.connect(listener, source)
        connection.bind(kind, expect=expect, **fields)
        return connection


@pytest.fixture
def gateway(start, tmp_path):
    """gateway(upstream, ..., shards=1, bound=True, section=...) is a running smppd; it must still run when the test ends."""
    started = []

    def start_gateway(*upstreams, shards=1, bound=True, **sections):
        sections.setdefault("runtime", {"shards": shards, "drain_timeout": "5s"})
        folder = tmp_path / f"smppd-{len(started)}"
        folder.mkdir()
        started.append(start(Gateway(folder, config(*upstreams, **sections))))
        return started[-1].start(bound)

    yield start_gateway
    for smppd in started:
        for connection in smppd.connections:
            connection.close()
        ended = smppd.process.poll()
        assert ended in (None, 0), f"smppd ended with {ended}:\n{smppd.output}"
