"""Peers: programs around SMPP libraries that others wrote. tests/interop/peers/README.md has the protocol they share."""
import json
import subprocess
import threading
import time

from .process import ROOT, Program

PEERS = ROOT / "tests/interop/peers"

COMMANDS = {
    "node-smpp": ["node", PEERS / "node-smpp/peer.js"],
    "net-smpp": ["perl", PEERS / "net-smpp/peer.pl"],
    "smpplib": [ROOT / ".venv/bin/python", PEERS / "smpplib/peer.py"],
    "gosmpp": [PEERS / "gosmpp/.cache/peer"],
    "jsmpp": ["java", "-cp", f"{PEERS}/jvm/target/classes:{PEERS}/jvm/target/dependency/*", "interop.Jsmpp"],
    "cloudhopper": ["java", "-cp", f"{PEERS}/jvm/target/classes:{PEERS}/jvm/target/dependency/*", "interop.Cloudhopper"],
}


class Peer(Program):
    """Sends commands as JSON lines, reads answers and events as JSON lines."""

    def __init__(self, library, role, *arguments, env=None):
        self.library = library
        super().__init__([*COMMANDS[library], role, *arguments], stdin=subprocess.PIPE, env=env)
        self._number = 0
        self._sending = threading.Lock()

    def records(self):
        found = []
        for line in self.lines:
            if line.startswith("{"):
                found.append(json.loads(line))
        return found

    def _wait(self, matches, what, timeout):
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for line in self._lines:
                    if line.startswith("{"):
                        record = json.loads(line)
                        if matches(record):
                            return record
                left = deadline - time.monotonic()
                if left <= 0 or (not self._reader.is_alive() and not self.running()):
                    raise AssertionError(f"{self.library}: no {what} in {timeout} s:\n" + "\n".join(self._lines))
                self._changed.wait(min(left, 0.2))

    def call(self, do, timeout=20.0, **arguments):
        """One command and its answer; an answer with `error` fails the test."""
        answer = self.try_call(do, timeout, **arguments)
        assert "error" not in answer, f"{self.library}: {do} {arguments}: {answer['error']}\n{self.output}"
        return answer

    def try_call(self, do, timeout=20.0, **arguments):
        with self._sending:
            self._number += 1
            number = self._number
            self.process.stdin.write(json.dumps({"do": do, "call": number, **arguments}) + "\n")
            self.process.stdin.flush()
        return self._wait(lambda record: record.get("call") == number, f"answer to {do}", timeout)

    def events(self, name, **wanted):
        return [
            record
            for record in self.records()
            if record.get("event") == name and all(record.get(key) == value for key, value in wanted.items())
        ]

    def wait_event(self, name, timeout=20.0, **wanted):
        def matches(record):
            return record.get("event") == name and all(record.get(key) == value for key, value in wanted.items())

        return self._wait(matches, f"event {name} {wanted}", timeout)

    def wait_events(self, name, count, timeout=20.0, **wanted):
        deadline = time.monotonic() + timeout
        while len(self.events(name, **wanted)) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.library}: not {count} events {name} {wanted} in {timeout} s:\n{self.output}")
            time.sleep(0.05)
        return self.events(name, **wanted)

    def finish(self, timeout=20.0):
        """Closes the command stream; the peer must end by itself with status 0."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
        status = self.wait_exit(timeout)
        assert status == 0, f"{self.library} ended with {status}:\n{self.output}"


class Client(Peer):
    def __init__(self, library, port, env=None):
        super().__init__(library, "client", "127.0.0.1", str(port), env=env)

    def bind(self, kind="trx", system_id="client", password="secret", **rest):
        return self.call("bind", kind=kind, system_id=system_id, password=password, **rest)


class Server(Peer):
    """The library as an SMSC. Its port is chosen by the system and reported in the `listening` event."""

    def __init__(self, library, system_id="carrier", password="secret", env=None):
        super().__init__(library, "server", system_id, password, env=env)
        self.port = self.wait_event("listening", timeout=30)["port"]
