"""smppd between raw peers: carriers that answer, clients that say what the test wants, on one shard and on two."""
import pytest

from harness.carrier import Carrier
from harness.gateway import Gateway, config, storage

# Sharding must not be noticed: what it could break runs on one shard and on two.
SHARDS = [1, 2]


@pytest.fixture(params=SHARDS, ids=lambda count: f"{count}-shard")
def shards(request):
    return request.param


@pytest.fixture(params=["rocksdb", "memory"])
def store(request, tmp_path):
    """The section `storage` of each backend; files whose stores differ have a fixture of this name of their own."""
    return storage(tmp_path) if request.param == "rocksdb" else {"backend": "memory"}


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
