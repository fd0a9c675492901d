"""What store-and-forward costs: smppd with each kind of store and without one, in turns, until the SMSC has every message.

CPU is that of the whole process, so that the threads that write and sync count, and it is read when the store is empty: what a
message costs after it was answered counts, too.
"""
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench.harness.programs import Workbench, metric, wait_until
from bench.harness.scenario import median, paired_ratio, spread
from bench.latency.scenarios import measure
from bench.throughput.proxy import Case, start_smppd

SESSIONS = 10
WINDOW = 100
EMPTY_SECONDS = 120
LATENCY_RATE = 2_000
# The first is what the others are compared with.
STORES = {
    "transaction": None,
    "memory": {"backend": "memory"},
    "rocksdb, none": {"backend": "rocksdb", "durability": "none"},
    "rocksdb, os": {"backend": "rocksdb", "durability": "os"},
    "rocksdb, fsync": {"backend": "rocksdb", "durability": "fsync"},
}


def storage(bench, store, name):
    """The section `storage`, with a directory of its own where there is one."""
    if store["backend"] != "rocksdb":
        return store
    folder = bench.folder / f"store-{name}"
    folder.mkdir()
    return {**store, "rocksdb": {"path": str(folder)}}


def case(store, name):
    def prepare(bench, settings):
        if store is not None:
            settings["storage"] = storage(bench, store, name)

    return Case(SESSIONS, WINDOW, prepare=prepare)


def stand(bench, plan, *sim_options):
    """Every kind of store, and the one that survives crashes in the other revision, too. Each has an SMSC of its own: what one
    does not take at once would go to another that is bound with the same account."""
    chosen = [(label, store, plan.smppds[0][1]) for label, store in STORES.items()]
    for name, binary in plan.smppds[1:]:
        chosen.append((f"rocksdb, fsync: {name}", STORES["rocksdb, fsync"], binary))
    return {
        label: start_smppd(bench, case(store, str(number)), bench.smppsim(*sim_options).port, binary, label)
        for number, (label, store, binary) in enumerate(chosen)
    }


@dataclass(frozen=True)
class Reading:
    """Where a process stands."""

    at: float
    cpu: float
    syncs: float
    written: int
    waiting: float  # messages in the store

    @staticmethod
    def of(subject):
        return Reading(
            time.monotonic(),
            subject.program.cpu_seconds(),
            metric(subject.management, "smppd_store_syncs_total"),
            written_bytes(subject.pid),
            metric(subject.management, "smppd_store_messages"),
        )


def written_bytes(pid):
    """What the process made the kernel write to disks."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["write_bytes"])


def wait_empty(subject):
    wait_until(lambda: metric(subject.management, "smppd_store_messages") == 0, "an empty store", EMPTY_SECONDS, 0.02)


def cost(before, after, messages):
    """Figures of a span in which so many messages went all their way."""
    seconds = after.at - before.at
    syncs = after.syncs - before.syncs
    return {
        "messages_per_second": messages / seconds,
        "cpu_us": (after.cpu - before.cpu) / messages * 1e6,
        "syncs_per_second": syncs / seconds,
        "messages_per_sync": messages / syncs if syncs else None,
        "disk_bytes": (after.written - before.written) / messages,
    }


def one_run(bench, plan, subject, load):
    before = Reading.of(subject)
    report = bench.smppload(
        subject.port, "--sessions", SESSIONS, "--window", WINDOW, "--duration", f"{plan.seconds}s", *load
    )
    wait_empty(subject)
    return cost(before, Reading.of(subject), report["counters"]["answered"])


def row_of(label, runs, base, rss):
    row = {"subject": label, "rss_mib": round(rss / 2**20, 1)}
    for key in runs[0]:
        values = [run[key] for run in runs if run[key] is not None]
        row[key] = round(median(values), 3) if values else None
    row["messages_per_second"] = round(row["messages_per_second"])
    cpu = [run["cpu_us"] for run in runs]
    row["cpu_us_spread"] = round(spread(cpu), 3)
    row["cpu_us_samples"] = [round(value, 4) for value in cpu]
    if base is not None:
        row["ratio_to_base"] = round(paired_ratio(cpu, [run["cpu_us"] for run in base]), 3)
    return row


def compare(plan, receipts):
    with Workbench(plan.tools) as bench:
        # As a real SMSC does, it sends again what was refused.
        standing = stand(bench, plan, *(["--receipts", "delay=0s", "--queue", "10000000", "--redeliver", "500ms"] if receipts else []))
        load = ["--registered", "--receipt-timeout", "30s"] if receipts else []
        runs = {label: [] for label in standing}
        for _ in range(plan.rounds):
            for label, subject in standing.items():
                runs[label].append(one_run(bench, plan, subject, load))
        first = next(iter(runs.values()))
        rows = [
            row_of(label, values, None if values is first else first, standing[label].program.rss())
            for label, values in runs.items()
        ]
    return {"sessions": SESSIONS, "window": WINDOW, "rows": rows}


def latency(plan):
    """What a client waits longer for an answer than in transaction mode."""
    with Workbench(plan.tools) as bench:
        targets = {label: (subject.port, subject.pid) for label, subject in stand(bench, plan).items()}
        shorter = replace(plan, rounds=max(plan.rounds - 1, 1))  # five stores take long
        rows = measure(bench, shorter, LATENCY_RATE, SESSIONS, targets)
    for row in rows[1:]:
        for percentile in ("p50", "p99"):
            row[f"{percentile}_added_us"] = round(row[f"{percentile}_us"] - rows[0][f"{percentile}_us"], 1)
    return {"rate": LATENCY_RATE, "rows": rows}
