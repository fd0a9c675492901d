"""The run: peers that outlive smppd, smppd that dies again and again, and the verdict on what both ends wrote down."""
import json
import multiprocessing
import os
import random
import signal
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from harness import gateway
from harness.process import BINARIES, free_port, is_listening, wait_until, write_config

from .esme import Clients
from .judge import Case, Judge
from .smsc import Carriers

UNCERTAIN, NO_UPSTREAM = 0x402, 0x401
START_SECONDS = 60
STUCK_SECONDS = 30  # without anything that happens, though something is stored
CLIENTS = {"alpha": 2, "beta": 2, "gamma": 1}
DESTINATIONS = ("2580000001", "2590000001")
CARRIERS = {
    "north": {"latency": 0.001, "receipt_delay": 0.05, "mo_rate": 30, "id_format": "{:08X}", "first_id": 0xA0000000},
    "south": {"latency": 0.008, "receipt_delay": 0.02, "mo_rate": 10, "id_format": "{}", "first_id": 5_000_000_000},
}


@dataclass
class Plan:
    deaths: int = 10
    life: tuple = (0.05, 1.0)  # seconds after smppd listens
    at_birth: float = 0.2  # the share of lives that end within the first 100 ms after the start
    with_requests_out: float = 0.0  # the share of the others that end while carriers have requests they did not answer
    refused: float = 0.01  # the share of messages that carriers refuse in passing, after which their links pause
    taken_at_the_end: int = 600  # messages that the last life takes at least, whatever the disk's speed
    rate: float = 2000.0
    window: int = 200
    shards: int = 2
    mode: str = "store_and_forward"
    uncertain: str = "hold"
    uncertain_wait: float = 2.0
    refusals: tuple = ()
    storage: dict = field(default_factory=dict)
    in_hands: float = 2.0
    overload: str = "wait"
    padding: int = 0  # octets that each message carries besides its text
    seed: int = field(default_factory=lambda: random.SystemRandom().randrange(1 << 32))


class Line:
    """A peer in a process of its own."""

    def __init__(self, kind, **options):
        self.near, far = multiprocessing.get_context("fork").Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=self._run, args=(kind, far, options), daemon=True)
        self.process.start()
        far.close()

    def _run(self, kind, far, options):
        import gc

        self.near.close()
        gc.disable()  # the ledgers only grow
        kind(far, **options).run()

    def ask(self, word, *arguments):
        self.near.send((word, arguments))
        return self.near.recv()

    def end(self):
        self.process.kill()
        self.process.join(10)


class Ordeal:
    """`env`: added to smppd's environment. `store`: where its store's folder is to be, if not in `folder`."""

    def __init__(self, folder, plan, env=None, store=None):
        self.folder, self.plan, self.env = Path(folder), plan, {**os.environ, **(env or {})}
        self.chance = random.Random(plan.seed)
        self.log = self.folder / "smppd.log"
        self.store = Path(store or folder) / "store"
        self.store.mkdir(exist_ok=True)
        self.deaths, self.starts, self.process = [], [], None
        ports = {name: (free_port(), {**options, "refused": plan.refused}) for name, options in CARRIERS.items()}
        self.config = self._config({name: port for name, (port, _) in ports.items()})
        self.port = gateway.port_of(self.config)
        self.path = write_config(self.folder, self.config)
        self.smsc = Line(Carriers, carriers=ports)
        wishes = {"rate": plan.rate, "window": plan.window, "padding": plan.padding}
        self.esme = Line(Clients, port=self.port, clients=CLIENTS, destinations=DESTINATIONS, **wishes)

    def _config(self, ports):
        plan = self.plan
        patience = {"response": "10s", "bind": "2s", "connect": "2s", "write": "2s"}
        more = {"timeouts": patience, "pool": {"min_connections": 2, "max_connections": 2}, "window": {"size": 100}}
        if plan.mode == "store_and_forward":
            retry = {"uncertain": plan.uncertain, "uncertain_wait": f"{plan.uncertain_wait}s", "delay": "200ms", "max_delay": "1s"}
            more["retry"] = retry
        upstreams = [gateway.impatient(name, port, reconnect={"initial": "20ms", "max": "100ms"}, **more) for name, port in ports.items()]
        sections = {
            "clients": [{"system_id": name, "password": "secret"} for name in CLIENTS],
            "routes": [
                {"name": "north", "match": {"destination_addr": "258*"}, "upstream": "north"},
                {"name": "south", "match": {"destination_addr": "259*"}, "upstream": "south"},
            ],
            "mo_routes": [{"name": "short-code", "match": {"destination_addr": "4321"}, "client": "alpha"}],
            "runtime": {"shards": plan.shards, "drain_timeout": "3s"},
            "logging": {"level": "debug" if plan.mode == "store_and_forward" else "info", "format": "json", "output": "stdout"},
        }
        if plan.mode == "store_and_forward":
            sections["storage"] = {"backend": "rocksdb", "rocksdb": {"path": str(self.store)}, **plan.storage}
        smpp = {"uncertain_status": UNCERTAIN, "no_upstream_status": NO_UPSTREAM, "window_size": 1000, "overload": plan.overload, "overload_wait": "1s"}
        listener = {"smpp": smpp}
        return gateway.config(*upstreams, listener=listener, **sections)

    def start(self, wait=True):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [BINARIES / "smppd", "--config", self.path], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.env,
            )  # fmt: skip
        self.starts.append(time.monotonic())
        if wait:
            self.wait_listening()

    def wait_listening(self):
        deadline = time.monotonic() + START_SECONDS
        while not is_listening(self.port):
            self.check()
            assert time.monotonic() < deadline, f"smppd does not start: {self.tail()}"
            time.sleep(0.005)

    def check(self):
        """smppd runs; it may end by our hand only."""
        status = self.process.poll()
        assert status is None, f"smppd ended by itself with {status}: {self.tail()}"

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:]

    def kill(self):
        self.check()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)
        self.deaths.append(time.monotonic())

    def stop(self):
        self.check()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self.deaths.append(time.monotonic())
        assert status == 0, f"smppd ended with {status}: {self.tail()}"

    def go(self, active=True):
        self.esme.ask("go", active)
        self.smsc.ask("go", active)

    def live(self):
        """One life and its end."""
        if self.chance.random() < self.plan.at_birth:
            self.start(wait=False)
            time.sleep(self.chance.uniform(0.0, 0.1))
        else:
            self.start()
            time.sleep(self.chance.uniform(*self.plan.life))
            if self.chance.random() < self.plan.with_requests_out:
                self.let_requests_out()
        self.kill()
        self.smsc.ask("hold", False)

    def let_requests_out(self, enough=10):
        self.smsc.ask("hold", True)
        wait_until(lambda: self.smsc.ask("status")["open requests"] >= enough, "requests that carriers have", START_SECONDS)

    def run(self, between=lambda: None):
        """All lives, with something done after each, then one in which everything comes to its end, and the verdict. Where
        some are to end with requests out, the last but one does."""
        self.go()
        for _ in range(self.plan.deaths):
            self.live()
            between()
        if self.plan.with_requests_out:
            self.start()
            self.let_requests_out()
            self.kill()
            self.smsc.ask("hold", False)
            between()
        self.start()
        return self.conclude()

    def status(self):
        return {**self.esme.ask("status"), **self.smsc.ask("status")}

    def wait_refused(self, what):
        """Another message is refused, and management answers."""
        before = self.status()["refused"]
        wait_until(lambda: self.status()["refused"] > before, lambda: f"{what}: {self.status()}: {self.tail()}", START_SECONDS)
        self.stored()

    def wait_taken(self, count):
        enough = self.status()["taken"] + count
        said = lambda: f"{count} messages taken: {self.status()}: {self.tail()}"  # noqa: E731
        wait_until(lambda: self.status()["taken"] >= enough, said, START_SECONDS)

    def drain(self):
        """Nobody sends any more; returns when nothing happens any more: with a store, when that is empty or stuck."""
        self.go(False)
        quiet_for = self.plan.uncertain_wait + 1.5
        before, since = None, time.monotonic()
        while True:
            now = self.status()
            if now != before:
                before, since = now, time.monotonic()
            still = time.monotonic() - since
            if still > STUCK_SECONDS or (still > quiet_for and not now["unanswered"] and not self.stored()):
                return now
            self.check()
            time.sleep(0.05)

    def stored(self):
        """How many messages and receipts smppd has."""
        if self.plan.mode != "store_and_forward":
            return 0
        address = self.config["management"]["address"]
        with urllib.request.urlopen(f"http://{address}/store/stats", timeout=START_SECONDS) as answer:
            return json.load(answer)["total"]["items"]

    def conclude(self):
        self.wait_taken(self.plan.taken_at_the_end)
        self.drain()
        self.stop()
        verdict = self.judge()
        if self.plan.mode == "store_and_forward":
            self.judge_store(verdict)
        return verdict

    def judge(self):
        plan = self.plan
        durable = plan.mode == "store_and_forward"
        return Judge(
            Case(
                self.esme.ask("ledger"),
                self.smsc.ask("ledger"),
                self.deaths,
                self.uncertain_ids(),
                {line["id"] for line in self.log_lines() if "its answer never came" in line.get("msg", "")},
                durable=durable,
                uncertain_may_end=plan.uncertain != "resend",
                refusals=plan.refusals if durable else (*plan.refusals, NO_UPSTREAM, 0x58, 0x14, 0x08),
                uncertain_status=None if durable else UNCERTAIN,
                in_hands=plan.in_hands,
            )
        ).judge()

    def judge_store(self, verdict):
        """Nothing is damaged, and nothing waits any more."""
        checked = self.tool("store", "check", self.store)
        if checked.returncode:
            verdict.find("store damaged", checked.stdout + checked.stderr)
        stats = json.loads(self.tool("store", "stats", "--json", self.store).stdout)
        left = sum(journal["items"] for journal in stats["journals"])
        if left:
            verdict.find("left in the store", f"{left} items: {stats}")

    def tool(self, *words):
        return subprocess.run([BINARIES / "smppd", *words], capture_output=True, text=True, timeout=60)

    def log_lines(self):
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue  # cut by a death, or not of the log

    def uncertain_ids(self):
        """What smppd said itself: when it found or lost a request without an answer, and when it gave such a one up."""
        return {
            line["id"]
            for line in self.log_lines()
            if line.get("msg", "").startswith("outcome unknown")
            or (line.get("msg") == "message given up" and line.get("reason") == "uncertain")
        }

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self.esme.end()
        self.smsc.end()
