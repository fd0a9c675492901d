"""A disk of few octets that is full to the last of them: a tmpfs in a namespace of its own, so that nobody needs to be root."""
import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

PAGE = 4096
HOLDER = 'mount -t tmpfs -o size="$1" none "$2" && echo mounted && exec sleep infinity'


class SmallDisk:
    def __init__(self, path):
        self.path = Path(path)
        self.filler = self.path / "filler"

    def free(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def fill(self):
        """Somebody else takes every octet that is left; returns how many that were."""
        taken = 0
        with self.filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                taken += file.write(bytes(max(PAGE, min(self.free(), 1 << 20))))
        assert self.free() == 0, f"{self.free()} octets are free"
        return taken

    def give(self, octets):
        """So many are free again."""
        with self.filler.open("r+b") as file:
            file.truncate(self.filler.stat().st_size - octets)

    def clear(self):
        self.filler.unlink()


@contextlib.contextmanager
def small_disk(size):
    with tempfile.TemporaryDirectory(prefix="smppd-disk-") as folder:
        holder = subprocess.Popen(["unshare", "-Urm", "sh", "-c", HOLDER, "holder", str(size), folder], stdout=subprocess.PIPE)
        try:
            assert holder.stdout.readline() == b"mounted\n", "no tmpfs can be mounted in a namespace of its own"
            yield SmallDisk(f"/proc/{holder.pid}/root{folder}")
        finally:
            holder.kill()
            holder.wait()
