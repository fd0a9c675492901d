"""Programs under test: started on free loopback ports, watched, and ended by process id."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("SMPPD_BIN_DIR", ROOT / "build/release/bin"))
START_SECONDS = 15


def _ports():
    """Below the range that connections get theirs from: a port that is given back for a moment stays free. Test processes that
    run side by side have every other one each."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports = range(12_000 + worker, 30_000, workers)
    return iter(random.SystemRandom().sample(ports, len(ports)))


_PORTS = _ports()


def free_port():
    for port in _PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is left")


def wait_until(condition, what, timeout=10.0, every=0.02):
    """Returns the first true value of condition(); fails the test with `what` when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {timeout} s: {what() if callable(what) else what}")
        time.sleep(every)


def is_listening(port):
    """Looks at the kernel's table instead of connecting, so that the program's counters stay what the test made them."""
    wanted = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[1].endswith(wanted):
                return True
    return False


class Program:
    """One running program; its output is kept whole and shown when a test fails."""

    def __init__(self, argv, *, env=None, cwd=None, stdin=None):
        self.argv = [str(word) for word in argv]
        self._lines = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            self.argv,
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            text=True,
            errors="replace",
            bufsize=1,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    @property
    def lines(self):
        with self._changed:
            return list(self._lines)

    @property
    def output(self):
        return "\n".join(self.lines)

    def running(self):
        return self.process.poll() is None

    def wait_for_line(self, pattern, timeout=10.0):
        expression = re.compile(pattern)
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for line in self._lines:
                    found = expression.search(line)
                    if found:
                        return found
                left = deadline - time.monotonic()
                if left <= 0 or (not self._reader.is_alive() and not self.running()):
                    raise AssertionError(f"{self.argv[0]}: no line like {pattern!r} in:\n" + "\n".join(self._lines))
                self._changed.wait(min(left, 0.2))

    def wait_listening(self, *ports, timeout=START_SECONDS):
        def ready():
            if not self.running():
                raise AssertionError(f"{self.argv} ended with {self.process.returncode}:\n{self.output}")
            return all(is_listening(port) for port in ports)

        wait_until(ready, lambda: f"{self.argv[0]} listening on {ports}:\n{self.output}", timeout)
        return self

    def wait_exit(self, timeout=20.0):
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.argv[0]} did not end in {timeout} s:\n{self.output}") from None
        self._reader.join(5)
        return status

    def stop(self, expect=0, timeout=20.0):
        """SIGTERM; the program must end in time with this exit status."""
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        status = self.wait_exit(timeout)
        assert status == expect, f"{self.argv[0]} ended with {status}, not {expect}:\n{self.output}"

    def kill(self):
        """Ends the program whatever state it is in; for cleaning up after a test."""
        if self.running():
            self.process.kill()
        self.process.wait(10)
        self._reader.join(5)


def write_config(folder, config, name="smppd.yaml"):
    """A dict is written as YAML, text as it stands."""
    path = Path(folder) / name
    path.write_text(config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False))
    path.chmod(0o600)  # it holds passwords
    return path


class Smppd(Program):
    """smppd with a configuration. Ready when its listeners listen and, if asked, when /readyz says so."""

    def __init__(self, folder, config, *arguments, env=None):
        self.config = yaml.safe_load(config) if isinstance(config, str) else config
        self.path = write_config(folder, config)
        super().__init__([BINARIES / "smppd", "--config", self.path, *arguments], env=env)

    def ports(self):
        listeners = [entry["address"] for entry in self.config.get("listeners", [])]
        management = self.config.get("management", {}).get("address")
        return [int(address.rsplit(":", 1)[1]) for address in listeners + ([management] if management else [])]

    def start(self, bound=True):
        self.wait_listening(*self.ports())
        if bound and self.config.get("management"):
            ready = lambda: self.get("/readyz")[0] == 200  # noqa: E731
            wait_until(ready, lambda: f"/readyz 200; output:\n{self.output[-3000:]}", START_SECONDS, every=0.05)
        return self

    def get(self, path, method="GET", body=None):
        """(status, text) of a request to the management listener."""
        address = self.config["management"]["address"]
        request = urllib.request.Request(f"http://{address}{path}", method=method, data=body)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name, **labels):
        """Sum over the series of this name that carry these labels; 0 when there is none."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            series = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)", line)
            if not series or series.group(1) != name:
                continue
            found = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', series.group(2) or ""))
            if all(found.get(key) == str(value) for key, value in labels.items()):
                total += float(series.group(3))
        return total

    def reload(self, config):
        self.config = yaml.safe_load(config) if isinstance(config, str) else config
        write_config(self.path.parent, config, self.path.name)
        self.process.send_signal(signal.SIGHUP)


class Smppsim(Program):
    """The simulator of this repository as an SMSC; what it saw is in messages()."""

    def __init__(self, folder, *arguments, port=None, system_id="carrier", password="secret", log="smppsim.jsonl"):
        self.port = port or free_port()
        self.log = Path(folder) / log
        super().__init__(
            [BINARIES / "smppsim", "--listen", f"127.0.0.1:{self.port}", "--system-id", system_id]
            + ["--password", password, "--log", self.log, *arguments]
        )
        self.wait_listening(self.port)

    def events(self):
        if not self.log.exists():
            return []
        whole = self.log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]
