"""Latency, open loop: messages fall due on a schedule whether or not anybody keeps up, and each is timed from when it was
due, so a stall shows in all that waited for it (no coordinated omission).

On a machine with other work to do the percentiles are mostly that work's. Each subject therefore shows the quietest of its
rounds, the one with the lowest p99; what `direct` shows then is still the machine's and not the subjects'.
"""
import time

from bench.harness import subjects
from bench.harness.programs import Workbench
from bench.harness.scenario import Scenario, median, paired_ratio
from bench.throughput.proxy import Case, start_smppd

MODEST_RATE = 1_000
PERCENTILES = ("p50", "p90", "p99", "p99_9", "max")


def load(plan, rate, sessions):
    shape = ["--sessions", sessions, "--window", 1000, "--rate", f"{rate:.0f}"]
    return [*shape, "--warmup", f"{plan.warmup}s", "--duration", f"{plan.seconds}s"]


def measure(bench, plan, rate, sessions, targets):
    """One row a target, (port, pid) by name: the quietest of its rounds."""
    heard = {name: [] for name in targets}
    for _ in range(plan.rounds):
        for name, (port, pid) in targets.items():
            words = load(plan, rate, sessions) + (["--cpu-of", pid] if pid else [])
            heard[name].append(bench.smppload(port, *words))
    return [row_of(name, reports, targets[name][1]) for name, reports in heard.items()]


def row_of(name, reports, pid=None):
    """The quietest of the rounds."""
    quietest = min(reports, key=lambda report: report["latency_us"]["p99"])
    row = {"subject": name, "rate": round(quietest["throughput"])}
    for percentile in PERCENTILES:
        row[f"{percentile}_us"] = round(quietest["latency_us"][percentile], 1)
    row["p99_us_rounds"] = [round(report["latency_us"]["p99"], 1) for report in reports]
    if pid:
        spent = [report["other_cpu_seconds"] / report["counters"]["answered"] * 1e6 for report in reports]
        row["cpu_us"] = round(median(spent), 3)
    return row


def stand(bench, plan, sessions):
    sim = bench.smppsim()
    case = Case(sessions, 1000)
    standing = [start_smppd(bench, case, sim.port, binary, name) for name, binary in plan.smppds]
    standing.append(subjects.haproxy(bench, sim.port))
    targets = {subject.name: (subject.port, subject.pid) for subject in standing}
    return {**targets, "direct": (sim.port, None)}


def at_rate(plan, rate, sessions):
    with Workbench(plan.tools) as bench:
        return {"rate": rate, "rows": measure(bench, plan, rate, sessions, stand(bench, plan, sessions))}


def at_half_of_saturation(plan, sessions):
    with Workbench(plan.tools) as bench:
        targets = stand(bench, plan, sessions)
        port = targets[plan.smppds[0][0]][0]
        closed = ["--sessions", sessions, "--window", 100, "--warmup", f"{plan.warmup}s", "--duration", "1s"]
        rate = median(bench.smppload(port, *closed)["throughput"] for _ in range(3)) / 2
        return {"rate": round(rate), "rows": measure(bench, plan, rate, sessions, targets)}


BESIDE = "beside 4 x 1,000, closed loop"


def greedy(bench, port):
    """A client that sends all it can, until it is stopped."""
    words = [bench.tool("smppload"), "--connect", f"127.0.0.1:{port}", "--system-id", "greedy", "--password", "bench"]
    return bench.start("greedy", [*words, "--quiet", "--sessions", "4", "--window", "1000", "--duration", "300s"])


def fairness(plan):
    """What a client that sends a little notices of one that sends all it can: through smppd, HAProxy, and with nothing
    between, which is what load, SMSC and the machine's cores do to it by themselves."""
    with Workbench(plan.tools) as bench:
        sim = bench.smppsim()
        clients = [{"system_id": name, "password": "bench"} for name in ("smppload", "greedy")]
        case = Case(4, 1000, sections={"clients": clients})
        ports = {name: start_smppd(bench, case, sim.port, binary, name).port for name, binary in plan.smppds}
        ports["haproxy"] = subjects.haproxy(bench, sim.port).port
        ports["direct"] = sim.port
        heard = {f"{name}, {how}": [] for name in ports for how in ("alone", BESIDE)}
        for _ in range(plan.rounds):  # in turns, so that all see the same machine
            for name, port in ports.items():
                heard[f"{name}, alone"].append(bench.smppload(port, *load(plan, MODEST_RATE, 1)))
                other = greedy(bench, port)
                time.sleep(plan.warmup)
                heard[f"{name}, {BESIDE}"].append(bench.smppload(port, *load(plan, MODEST_RATE, 1)))
                other.stop()
        rows = [row_of(name, reports) for name, reports in heard.items()]
    for alone, beside in zip(rows[::2], rows[1::2]):
        beside["ratio_to_base"] = round(paired_ratio(beside["p99_us_rounds"], alone["p99_us_rounds"]), 2)
    return {"rate": MODEST_RATE, "rows": rows}


SCENARIOS = [
    Scenario(
        "latency-20k", "latency", "20,000 messages a second on 20 sessions, open loop", lambda plan: at_rate(plan, 20_000, 20)
    ),
    Scenario(
        "latency-half",
        "latency",
        "half of what smppd does at most with 20 x 100, open loop",
        lambda plan: at_half_of_saturation(plan, 20),
    ),
    Scenario("fairness", "latency", f"{MODEST_RATE:,} messages a second on one session, alone and beside a saturating client", fairness),
]
