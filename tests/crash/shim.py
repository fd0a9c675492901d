"""The test's side of shim.c: builds it, moves the clock, slows the syncs, and cuts the power."""
import mmap
import random
import struct
import subprocess
from pathlib import Path

HEAD = struct.Struct("=qqq")
FILE = struct.Struct("=48sqq")
FILES = 256


class Shim:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.library = self.folder / "shim.so"
        source = Path(__file__).with_name("shim.c")
        subprocess.run(["gcc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", self.library, source], check=True)
        path = self.folder / "control"
        path.write_bytes(bytes(HEAD.size + FILES * FILE.size))
        with path.open("r+b") as file:
            self.control = mmap.mmap(file.fileno(), 0)
        self.env = {"LD_PRELOAD": str(self.library), "CRASH_CONTROL": str(path)}

    def _set(self, field, value):
        struct.pack_into("=q", self.control, 8 * field, int(value))

    def clock(self, seconds):
        """The wall clock shows so much more than it is, from now on."""
        self._set(0, seconds * 1e9)

    def slow_syncs(self, seconds):
        self._set(1, seconds * 1e6)

    def hold_syncs(self):
        """From now on no sync ends, until slow_syncs() says how long one takes."""
        self._set(1, -1)

    def cut_power(self, store, chance: random.Random):
        """smppd is dead. What was not synced is gone, in part or garbled; returns how many octets that were."""
        taken = 0
        used = HEAD.unpack_from(self.control)[2]
        for number in range(used):
            name, written, synced = FILE.unpack_from(self.control, HEAD.size + number * FILE.size)
            path = Path(store) / name.rstrip(b"\0").decode()
            if written > synced and path.exists():
                self._damage(path, synced, written, chance)
                taken += written - synced
            FILE.pack_into(self.control, HEAD.size + number * FILE.size, b"", 0, 0)
        self._set(2, 0)
        return taken

    @staticmethod
    def _damage(path, start, end, chance):
        whole = chance.random() < 0.3
        kept = start if whole else chance.randrange(start, end)
        filling = chance.choice((bytes, chance.randbytes))
        with path.open("r+b") as file:
            file.seek(kept)
            file.write(filling(end - kept))
