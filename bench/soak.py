"""Mixed traffic for a while; then nothing may be lost, no receipt unmatched, and memory must have stayed flat.

Two shards between an smppsim with receipts, errors and messages from handsets, and a mock upstream. Each smppload checks its
own: every request answered once, every receipt exactly once. Meanwhile sessions come and go and the configuration is reloaded.
"""
import argparse
import json
import re
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from bench.harness import builds, subjects
from bench.harness.programs import BenchError, Workbench, metric, raise_file_limit

RELOAD_EVERY = 3.0
# Kept small, so that the tables of smppd are full long before memory is compared.
RECEIPTS = {"max_entries": 20_000, "untracked_entries": 10_000, "early_hold": "2s", "park": "5s"}
GROWTH, SPARE_OCTETS = 0.03, 4 * 2**20
BUFFERS = {"rocksdb": 64 * 2**20}  # of a store, which a run of a minute or two does not fill
MUST_BE_ZERO = (
    "smppd_flow_receipts_unmatched_total",
    "smppd_flow_uncertain_messages_total",
    "smppd_flow_never_sent_messages_total",
    "smppd_flow_malformed_pdus_total",
    "smppd_flow_late_responses_total",
    "smppd_flow_receipts_duplicate_total",
    "smppd_upstream_unknown_responses_total",
    "smppd_downstream_framing_lost_total",
    "smppd_downstream_unknown_responses_total",
    "smppd_telemetry_log_lines_dropped_total",
)
# What must be zero again when all have gone.
GAUGES = ("smppd_upstream_in_flight", "smppd_connections_active", "smppd_flow_receipts_waiting")
STORED = ("smppd_store_messages", "smppd_store_write_failures_total", "smppd_store_refused_total")
KEPT = {"submit_sm": {"retention": "5s"}}  # as the tables above: full long before memory is compared
STORES = {"memory": {"backend": "memory", **KEPT}, "rocksdb": {"backend": "rocksdb", "durability": "fsync", **KEPT}}


def seconds_of(text):
    """`20s` or a number of minutes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", text)
    if not found:
        raise BenchError(f"'{text}' is no duration: minutes, or 20s, 5m, 2h")
    return float(found.group(1)) * {"s": 1, "m": 60, "h": 3600, None: 60}[found.group(2)]


def settings(sim_port, storage):
    mock = {"name": "laboratory", "mock": {"latency": "2ms", "receipt_delay": "50ms"}}
    carrier = subjects.upstream("carrier", sim_port, links=3, window=200)
    return subjects.config(
        [carrier, mock],
        shards=2,
        receipts=RECEIPTS,
        middleware=[{"type": "rate_limit"}, {"type": "address_filter"}, {"type": "metrics"}],
        routes=[
            {"name": "laboratory", "match": {"destination_addr": "+2587*"}, "upstream": "laboratory"},
            {"name": "all", "upstream": "carrier"},
        ],
        clients=[{"system_id": name, "password": "bench"} for name in ("busy", "steady", "long", "mixed", "listener", "guest")],
        mo_routes=[{"match": {"destination_addr": "4321"}, "client": "listener"}],
        **storage,
    )


def loads(seconds):
    """Arguments of the smppload processes that run all the time, by client.

    Receipts overtake responses, and those of the busy client are all to one number, so that only the id tells them apart.
    """
    run = ["--duration", f"{seconds}s", "--receipt-timeout", "20s"]
    return {
        "busy": [*run, "--sessions", "8", "--window", "50", "--rate", "4000", "--registered", "--destination", "258841234567"],
        "steady": [*run, "--sessions", "4", "--rate", "1000", "--destination", "2587{8}", "--registered"],
        "long": [*run, "--sessions", "2", "--rate", "100", "--long", "3", "--registered"],
        "mixed": [*run, "--sessions", "4", "--rate", "1500", "--data-sm", "30%", "--text", "Grüße aus Москва"],
        "listener": ["--bind", "rx", "--duration", f"{seconds}s"],
    }


class Run:
    def __init__(self, bench, seconds, store=None):
        self.bench, self.seconds, self.store = bench, seconds, store
        self.rss = []
        self.problems = []
        self.guests = 0
        self.reloads = 0

    def start(self):
        arguments = ["--receipts", "delay=20ms,early=10%", "--mo", "rate=50/s,destination=4321", "--latency", "uniform:1ms-5ms"]
        self.sim = self.bench.smppsim(*arguments)
        self.smppd = subjects.smppd(self.bench, self.bench.tool("smppd"), settings(self.sim.port, self.storage()))
        self.traffic = {name: self.load(name, words) for name, words in loads(self.seconds).items()}

    def storage(self):
        if self.store is None:
            return {}
        section = dict(STORES[self.store])
        if self.store == "rocksdb":
            folder = self.bench.folder / "store"
            folder.mkdir()
            section["rocksdb"] = {"path": str(folder)}
        return {"storage": section}

    def load(self, client, words):
        report = self.bench.folder / f"{client}.json"
        command = [self.bench.tool("smppload"), "--connect", f"127.0.0.1:{self.smppd.port}", "--system-id", client]
        command += ["--password", "bench", "--quiet", "--json", report, *words]
        return self.bench.start(f"smppload-{client}", command), report

    def guest(self):
        """Sessions that come, send a little and go."""
        name = f"guest-{self.guests % 2}"
        program, report = self.load("guest", ["--sessions", "20", "--window", "1", "--messages", "200", "--registered"])
        program.process.wait(60)
        self.judge(name, program, report)
        self.guests += 1

    def reload(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.smppd.management}/config/reload", method="POST")
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except urllib.error.HTTPError as error:
            self.problems.append(f"reload: {error.read().decode()[:300]}")
        self.reloads += 1

    def judge(self, name, program, report):
        if program.process.returncode != 0:
            said = "; ".join(json.loads(report.read_text())["problems"]) if report.exists() else program.tail()
            self.problems.append(f"{name}: {said}")

    def sample(self, stop):
        while not stop.wait(0.25):
            self.rss.append(self.smppd.program.rss())

    def carry_on(self):
        stop = threading.Event()
        sampler = threading.Thread(target=self.sample, args=(stop,))
        sampler.start()
        try:
            until = time.monotonic() + self.seconds
            while time.monotonic() < until:
                self.smppd.program.check()
                self.guest()
                self.reload()
                time.sleep(max(0.0, min(RELOAD_EVERY, until - time.monotonic())))
        finally:
            stop.set()
            sampler.join()
        for name, (program, report) in self.traffic.items():
            try:
                program.process.wait(60)
            except subprocess.TimeoutExpired:
                self.problems.append(f"{name} does not end")
                continue
            self.judge(name, program, report)

    def fetch_what_waits(self):
        """Messages from handsets that came when their listener had gone, and stay in the store for it."""
        self.sim.stop()
        program, report = self.load("listener", ["--bind", "rx", "--duration", "3s"])
        program.process.wait(60)
        self.judge("listener, again", program, report)

    def conclude(self):
        if self.store:
            self.fetch_what_waits()
        time.sleep(0.5)
        for name in (*MUST_BE_ZERO, *GAUGES, *(STORED if self.store else ())):
            value = metric(self.smppd.management, name)
            if value != 0:
                self.problems.append(f"{name} is {value:.0f}")
        moved = metric(self.smppd.management, "smppd_flow_mo_forwarded_total")
        if moved == 0:
            self.problems.append("no message from a handset was delivered")
        grown = growth(self.rss, BUFFERS.get(self.store, 0))
        if grown:
            self.problems.append(grown)
        return self.figures(moved)

    def figures(self, moved):
        total = {"messages": 0, "receipts": 0}
        for _, report in self.traffic.values():
            if report.exists():
                counters = json.loads(report.read_text())["counters"]
                total["messages"] += counters["answered"]
                total["receipts"] += counters["receipts_matched"]
        return {
            **total,
            "mo": round(moved),
            "guests": self.guests,
            "reloads": self.reloads,
            **({"stored": round(metric(self.smppd.management, "smppd_store_transactions_total"))} if self.store else {}),
            "rss_mib": [round(value / 2**20, 1) for value in thirds(self.rss)],
        }


def thirds(samples):
    """Medians of the first, second and last third."""
    size = max(1, len(samples) // 3)
    return [statistics.median(part) for part in (samples[:size], samples[size : 2 * size] or samples, samples[-size:])]


def growth(samples, buffers=0):
    """A sentence when memory grew from the second third to the last; the first is for filling tables."""
    _, second, last = thirds(samples)
    if last <= second * (1 + GROWTH) + SPARE_OCTETS + buffers:
        return None
    return f"RSS grew from {second / 2**20:.1f} to {last / 2**20:.1f} MiB"


def main(arguments):
    parser = argparse.ArgumentParser(prog="scripts/soak")
    parser.add_argument("duration", help="minutes, or 20s, 5m, 2h")
    parser.add_argument("--storage", choices=STORES, help="store and forward, where transactions are what is used else")
    parser.add_argument("--bin", metavar="DIR", help="programs that are built already")
    given = parser.parse_args(arguments)
    raise_file_limit()
    try:
        seconds = seconds_of(given.duration)
        binaries = given.bin or builds.build(builds.ROOT, builds.TARGETS[:3])
        with Workbench(binaries) as bench:
            run = Run(bench, seconds, given.storage)
            run.start()
            run.carry_on()
            figures = run.conclude()
    except BenchError as error:
        sys.exit(f"soak: {error}")
    print(json.dumps(figures))
    for problem in run.problems:
        print(f"soak: {problem}")
    print(f"soak: {seconds:g} s, " + ("nothing lost, memory flat" if not run.problems else f"{len(run.problems)} problems"))
    return 1 if run.problems else 0
