"""Latency, open loop: messages fall due on a schedule whether or not anybody keeps up, and each is timed from when it was
due, so a stall shows in all that waited for it (no coordinated omission).

On a machine with other work to do the percentiles are mostly that work's. Each subject therefore shows the quietest of its
rounds, the one with the lowest p99; what `direct` shows then is still the machine's and not the subjects'.
"""
from bench.harness import subjects
from bench.harness.programs import Workbench
from bench.harness.scenario import Scenario, median
from bench.latency.fairness import MODEST_RATE, fairness
from bench.latency.percentiles import load, row_of
from bench.throughput.proxy import Case, start_smppd


def measure(bench, plan, rate, sessions, targets):
    """One row a target, (port, pid) by name: the quietest of its rounds."""
    heard = {name: [] for name in targets}
    for _ in range(plan.rounds):
        for name, (port, pid) in targets.items():
            words = load(plan, rate, sessions) + (["--cpu-of", pid] if pid else [])
            heard[name].append(bench.smppload(port, *words))
    return [row_of(name, reports, targets[name][1]) for name, reports in heard.items()]


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


def modest(name, shape):
    question = f"{MODEST_RATE:,} messages a second on one session, alone and beside a client that saturates with {shape}"
    return Scenario(name, "latency", question, lambda plan: fairness(plan, shape))


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
    modest("fairness", "4 x 1,000"),
    modest("fairness-crowd", "100 x 30"),
]
