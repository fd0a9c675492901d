"""Receipts that come long after their messages: does a full loop cost the same among millions of messages that wait for theirs?
Open loop, so that both ends of the comparison have the same work to do in a second."""
import time

from bench.harness import subjects
from bench.harness.programs import BenchError, Workbench, metric, wait_until

RATE = 50_000
WAITING = {"few": 5_000, "1 million": 1_000_000, "10 million": 10_000_000}
SPAN = 6.0  # seconds that are measured, once as many wait as shall
PATIENCE = 120


def forwarded(subject):
    return metric(subject.management, "smppd_flow_receipts_forwarded_total")


def measure(bench, binary, label, waiting):
    delay = waiting / RATE
    sim = bench.smppsim("--receipts", f"delay={delay:.3f}s", "--queue", "100000000", "--deliver-window", "10000")
    settings = subjects.config([subjects.upstream("carrier", sim.port)], receipts={"max_entries": 2 * max(WAITING.values())})
    subject = subjects.smppd(bench, binary, settings, label)
    empty = subject.program.rss()
    load = [bench.tool("smppload"), "--connect", f"127.0.0.1:{subject.port}", "--password", "bench", "--quiet", "--registered"]
    load += ["--sessions", "10", "--window", "1000", "--rate", str(RATE), "--duration", f"{delay + SPAN + PATIENCE:.0f}s"]
    client = bench.start("smppload", load)
    wait_until(lambda: forwarded(subject) > RATE, "receipts come", delay + PATIENCE, 0.1)
    rss = subject.program.rss()
    entries = metric(subject.management, "smppd_flow_receipt_map_entries")
    cpu, messages, started = subject.program.cpu_seconds(), forwarded(subject), time.monotonic()
    time.sleep(SPAN)
    cpu, messages, seconds = subject.program.cpu_seconds() - cpu, forwarded(subject) - messages, time.monotonic() - started
    lost = metric(subject.management, "smppd_flow_receipts_unmatched_total")
    for program in (client, subject.program, sim):
        program.stop()
    if lost:
        raise BenchError(f"{lost:.0f} receipts found no message")
    return {
        "subject": f"{label} wait",
        "cpu_us": cpu / messages * 1e6,
        "messages_per_second": round(messages / seconds),
        "rss_mib": round(rss / 2**20, 1),
        "waiting": round(entries),
        "octets_an_entry": round((rss - empty) / entries),
    }


def run(plan):
    rows = []
    for label, waiting in WAITING.items():
        with Workbench(plan.tools) as bench:
            rows.append(measure(bench, plan.smppds[0][1], label, waiting))
    for row in rows[1:]:
        row["ratio_to_base"] = round(row["cpu_us"] / rows[0]["cpu_us"], 3)
    for row in rows:
        row["cpu_us"] = round(row["cpu_us"], 4)
    return {"rate": RATE, "rows": rows}
