"""Programs under measurement: started on free loopback ports, watched, ended by process id."""
import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

START_SECONDS = 20
PAGE = resource.getpagesize()


class BenchError(RuntimeError):
    """A run that gives no figure; the text says what went wrong."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port):
    """Read from the kernel's table: a connection would be counted by the program."""
    wanted = f":{port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[1].endswith(wanted):
            return True
    return False


def established(port):
    """Connections to a local port that the kernel knows."""
    ending = f":{port:04X}"
    with open("/proc/net/tcp") as table:
        next(table)
        return sum(1 for line in table if (fields := line.split())[3] == "01" and fields[1].endswith(ending))


def cpu_seconds(pid):
    """User and system time of all threads of a process, also of those that ended."""
    return time.clock_gettime((~pid << 3) | 2)  # the process clock as clock_getcpuclockid(3) numbers it


def rss_bytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def wait_until(condition, what, timeout=START_SECONDS, every=0.01):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(f"not in {timeout} s: {what}")
        time.sleep(every)


def metric(management_port, name):
    """Sum over the series of this name that smppd exports."""
    with urllib.request.urlopen(f"http://127.0.0.1:{management_port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    series = re.compile(rf"{name}(?:{{.*}})? (\S+)$")
    return sum(float(found.group(1)) for found in map(series.match, lines) if found)


class Program:
    """One running program with its output in a file."""

    def __init__(self, name, argv, folder, place=None):
        self.name = name
        self.output = Path(folder) / f"{re.sub(r'[^A-Za-z0-9.]+', '-', name)}.log"
        with self.output.open("wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=place,
            )

    @property
    def pid(self):
        return self.process.pid

    def tail(self):
        return self.output.read_text(errors="replace")[-2000:]

    def check(self):
        if self.process.poll() is not None:
            raise BenchError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")

    def wait_listening(self, port, timeout=START_SECONDS):
        def ready():
            self.check()
            return listening(port)

        wait_until(ready, f"{self.name} listens on {port}", timeout)
        return self

    def wait_output(self, pattern):
        def found():
            self.check()
            return re.search(pattern, self.output.read_text(errors="replace"))

        wait_until(found, f"{self.name} says {pattern}")

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def rss(self):
        return rss_bytes(self.pid)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Workbench:
    """A folder and the programs started in it; all of them end with the `with` block."""

    def __init__(self, binaries):
        self.binaries = Path(binaries)
        self._folder = tempfile.TemporaryDirectory(prefix="smppd-bench-")
        self.folder = Path(self._folder.name)
        self._programs = []
        self._place = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in reversed(self._programs):
            program.stop()
        self._folder.cleanup()

    @contextlib.contextmanager
    def placed(self, place):
        """What is started meanwhile begins as a process of its own with place(), which says where and when it runs."""
        before, self._place = self._place, place
        try:
            yield
        finally:
            self._place = before

    def start(self, name, argv):
        program = Program(f"{name}-{len(self._programs)}", argv, self.folder, self._place)
        self._programs.append(program)
        return program

    def tool(self, name):
        return self.binaries / name

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        path.chmod(0o600)
        return path

    def smppsim(self, *arguments, port=None):
        port = port or free_port()
        sim = self.start("smppsim", [self.tool("smppsim"), "--listen", f"127.0.0.1:{port}", *arguments])
        sim.wait_listening(port)
        sim.port = port
        return sim

    def certificate(self):
        """(certificate, key) for localhost; the certificate is its own authority."""
        cert, key = self.folder / "bench.crt", self.folder / "bench.key"
        if not cert.exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                 "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
                check=True, capture_output=True)
        return cert, key

    def smppload(self, port, *arguments, timeout=300, expect=(0,)):
        """The report of one run of the load generator."""
        report = self.folder / "smppload.json"
        report.unlink(missing_ok=True)
        command = [self.tool("smppload"), "--connect", f"127.0.0.1:{port}", "--password", "bench", "--quiet"]
        command += ["--json", report, *arguments]
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=timeout, preexec_fn=self._place
        )
        if not report.exists():
            raise BenchError(f"smppload ended with {done.returncode}: {done.stderr or done.stdout}")
        result = json.loads(report.read_text())
        if done.returncode not in expect:
            raise BenchError(f"smppload ended with {done.returncode}: {'; '.join(result['problems'])}")
        return result


def raise_file_limit():
    """As many descriptors as the process may have; the number it got."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def machine():
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "model": model.group(1) if model else "unknown",
        "kernel": os.uname().release,
        "load_average": os.getloadavg()[0],
    }
