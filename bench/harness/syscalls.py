"""System calls of a running process: counted by the kernel's tracepoint through perf, or by strace where perf may not.

strace stops the process at each call, so batches grow and the count falls; perf does not. The report says which it was.
"""
import re
import shutil
import signal
import subprocess
import time

from .programs import BenchError

_perf_works = None


def perf_works():
    global _perf_works
    if _perf_works is None:
        _perf_works = False
        if shutil.which("perf"):
            done = subprocess.run(["perf", "stat", "-e", "raw_syscalls:sys_enter", "true"], capture_output=True, text=True)
            _perf_works = done.returncode == 0 and counted(done.stderr) is not None
    return _perf_works


def counted(text):
    """The count in what perf stat printed, None when it could not count."""
    found = re.search(r"^\s*([\d,]+)\s+raw_syscalls:sys_enter", text, re.MULTILINE)
    return int(found.group(1).replace(",", "")) if found else None


def strace_total(text):
    """The calls in the last line of what strace -c printed."""
    found = re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)(?:\s+\d+)?\s+total", text, re.MULTILINE)
    return int(found.group(1)) if found else None


class SyscallCount:
    """Counts between `with` and its end; `calls` is there afterwards."""

    def __init__(self, pid):
        self.tool = "perf" if perf_works() else "strace"
        if self.tool == "strace" and not shutil.which("strace"):
            raise BenchError("neither perf nor strace: scripts/setup --bench")
        self._pid = str(pid)
        self.calls = None

    def __enter__(self):
        perf = ["perf", "stat", "-e", "raw_syscalls:sys_enter", "-p", self._pid]
        strace = ["strace", "-c", "-f", "-q", "-p", self._pid]
        self._process = subprocess.Popen(
            perf if self.tool == "perf" else strace, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        time.sleep(0.2)  # until it is attached
        return self

    def __exit__(self, *error):
        self._process.send_signal(signal.SIGINT)
        text = self._process.communicate(timeout=20)[1]
        if error[0] is not None:
            return
        self.calls = counted(text) if self.tool == "perf" else strace_total(text)
        if self.calls is None:
            raise BenchError(f"{self.tool} counted nothing:\n{text}")
