"""A disk that does not answer delays those who wait for it, and nobody else."""
import contextlib
import re
import subprocess
from pathlib import Path

import pytest

from harness import gateway, smpp
from harness.carrier import Carrier
from harness.process import BINARIES, Smppd, wait_until, write_config
from harness.traffic import Sender, agree, tags

from .shim import Shim
from .small_disk import small_disk

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


SMALL = 352 << 20


def store_on(disk, folder, carrier):
    store = disk.path / "store"
    store.mkdir(exist_ok=True)
    return store, gateway.config(
        gateway.to(carrier), clients=CLIENTS[:1], runtime={"shards": 1, "drain_timeout": "3s"},
        storage={"backend": "rocksdb", "rocksdb": {"path": str(store)}},
    )  # fmt: skip


def files_in(store):
    return {path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def said_by_a_start_that_fails(folder, config):
    found = subprocess.run([BINARIES / "smppd", "--config", write_config(folder, config)], capture_output=True, text=True, timeout=30)
    assert found.returncode == 1, found
    return found.stderr + found.stdout


@pytest.mark.parametrize("kept", [True, False], ids=["which was here before", "which is new"])
def test_without_room_to_open_its_store_it_says_what_to_free_and_touches_nothing(start, tmp_path, kept):
    """Possible where the reserve is gone: a store of an older smppd, or one that is new."""
    with small_disk(SMALL) as disk, contextlib.closing(Carrier()) as carrier:
        store, config = store_on(disk, tmp_path, carrier)
        if kept:
            start(Smppd(tmp_path, config)).start().stop()
            (store / "reserve").unlink()
        disk.fill()
        before = files_in(store)
        said = said_by_a_start_that_fails(tmp_path, config)
        missing = int(re.search(r"nothing was touched and nothing is lost: free (\d+) octets there", said)[1])
        assert files_in(store) == {**before, **({} if kept else {Path("LOCK"): b""})}
        disk.give(missing)
        smppd = start(Smppd(tmp_path, config)).start()
        sent = Sender(gateway.port_of(config), tags("first", 5), system_id="client").finish()
        assert sent.statuses() == {smpp.RTHROTTLED: 5}
        disk.clear()
        later = Sender(gateway.port_of(config), tags("later", 5), system_id="client").finish()
        assert later.statuses() == {smpp.ROK: 5}
        carrier.wait_received(5)
        smppd.stop()
