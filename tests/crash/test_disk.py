"""A disk that does not answer delays those who wait for it, and nobody else."""
import contextlib

import pytest

from harness import gateway, smpp
from harness.carrier import Carrier
from harness.process import Smppd, wait_until
from harness.traffic import Sender, agree, tags

from .shim import Shim

CLIENTS = [
    {"system_id": "client", "password": "secret", "mode": "store_and_forward"},
    {"system_id": "other", "password": "secret", "mode": "transaction"},
]


@pytest.mark.parametrize("shards", [1, 2])
def test_while_no_sync_ends_stored_messages_wait_and_everybody_else_is_answered(start, tmp_path, shards):
    shim = Shim(tmp_path)
    store = tmp_path / "store"
    store.mkdir()
    with contextlib.closing(Carrier()) as carrier:
        config = gateway.config(
            gateway.to(carrier), clients=CLIENTS, runtime={"shards": shards, "drain_timeout": "3s"},
            storage={"backend": "rocksdb", "rocksdb": {"path": str(store)}},
        )  # fmt: skip
        smppd = start(Smppd(tmp_path, config, env=shim.env)).start()
        port = gateway.port_of(config)
        before = Sender(port, tags("before", 20), system_id="client").finish()
        assert before.statuses() == {smpp.ROK: 20}
        shim.hold_syncs()
        stored = [Sender(port, tags(f"stored{number}", 30), system_id="client") for number in range(2)]
        wait_until(lambda: all(len(sender.to_send) == 20 for sender in stored), "both windows are full")
        for number in range(4):  # on each shard
            passed = Sender(port, tags(f"passed{number}", 50), system_id="other").finish()
            assert passed.statuses() == {smpp.ROK: 50}
        assert smppd.get("/healthz")[0] == 200
        assert smppd.get("/store/stats")[0] == 200
        assert all(sender.statuses().total() == 0 for sender in stored), "nothing is answered that is not on the disk"
        shim.slow_syncs(0)
        for sender in stored:
            sender.finish()
            assert sender.statuses() == {smpp.ROK: 30}
        carrier.wait_received(20 + 200 + 60)
        carrier.stays_quiet()
        agree([before, *stored, passed], [carrier])
