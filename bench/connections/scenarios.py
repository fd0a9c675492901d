"""Connections: how fast sessions come, together and after a fall of smppd; how fast it starts and takes new routes."""
import json
import signal
import socket
import subprocess
import time
from pathlib import Path

from bench.harness import subjects
from bench.harness.places import MODEST, SMSC, at_an_end, in_the_middle
from bench.harness.programs import BenchError, Program, Workbench, metric, wait_until
from bench.harness.scenario import Scenario, median
from bench.throughput.proxy import Case, start_smppd
from bench.throughput.scenarios import prefixes

BINDS = 2_000
STORM = 10_000
STORM_SECONDS = 40
PREFIXES = 100_000


def binds(plan):
    """Sessions that all connect at once, bind, and leave."""
    with Workbench(plan.tools) as bench:
        sim = bench.smppsim()
        standing = [start_smppd(bench, Case(BINDS, 1), sim.port, binary, name) for name, binary in plan.smppds]
        standing.append(subjects.haproxy(bench, sim.port, connections=4_000))
        heard = {subject.name: [] for subject in standing}
        for _ in range(plan.rounds):
            for subject in standing:
                before = subject.program.cpu_seconds()
                report = bench.smppload(subject.port, "--sessions", BINDS, "--bind", "rx", "--duration", "10ms")
                spent = subject.program.cpu_seconds() - before
                heard[subject.name].append((BINDS / report["bind_seconds"], spent / BINDS * 1e6))
    rows = [
        {"subject": name, "binds_per_second": round(median(v[0] for v in values)), "cpu_us": round(median(v[1] for v in values), 1)}
        for name, values in heard.items()
    ]
    return {"rows": rows}


def storm(plan):
    """10,000 bound sessions lose smppd, try again every 100 ms, and it comes back; then all of them vanish."""
    with Workbench(plan.tools) as bench:
        settings = subjects.config([{"name": "carrier", "mock": {}}], window=1)
        first = subjects.smppd(bench, plan.smppds[0][1], settings, "smppd")
        waiting = start_waiting(bench, first.port, STORM, "--reconnect", "100ms")
        bound = "smppd_connections_active"
        wait_until(lambda: metric(first.management, bound) >= STORM, f"{STORM} sessions bound", STORM_SECONDS)
        first.program.process.send_signal(signal.SIGKILL)
        first.program.process.wait()
        again = bench.start("smppd", first.program.process.args)
        started = time.monotonic()
        again.wait_listening(first.management)
        wait_until(lambda: metric(first.management, bound) >= STORM, f"{STORM} sessions bound again", STORM_SECONDS)
        took = time.monotonic() - started
        row = {
            "subject": "storm of 10,000",
            "seconds": round(took, 2),
            "binds_per_second": round(STORM / took),
            "cpu_us": round(again.cpu_seconds() / STORM * 1e6, 1),
        }
        before, started = again.cpu_seconds(), time.monotonic()
        waiting.process.send_signal(signal.SIGKILL)
        waiting.process.wait()
        wait_until(lambda: metric(first.management, bound) == 0, f"{STORM} sessions gone", STORM_SECONDS)
        gone = {
            "subject": "all of them gone at once",
            "seconds": round(time.monotonic() - started, 2),
            "cpu_ms": round((again.cpu_seconds() - before) * 1e3),
        }
    return {"rows": [row, gone]}


def start_waiting(bench, port, sessions, *more):
    """smppload with sessions that only wait to receive."""
    command = [bench.tool("smppload"), "--connect", f"127.0.0.1:{port}", "--password", "bench", "--bind", "rx"]
    command += ["--sessions", str(sessions), "--duration", "300s", "--quiet", "--connect-timeout", "60s", *more]
    return bench.start("smppload", command)


def start_and_reload(plan):
    """From exec to the first bound session, with a small configuration; and 100,000 prefixes exchanged under load."""
    rows = []
    with Workbench(plan.tools) as bench:
        sim = bench.smppsim()
        times = [serving_after(bench, plan, sim.port) for _ in range(plan.rounds + 2)]
        rows.append({"subject": "start to listening", "milliseconds": round(median(times) * 1e3, 1)})
    with Workbench(plan.tools) as bench:
        rows += reload_under_load(bench, plan)
    return {"rows": rows}


def serving_after(bench, plan, sim_port):
    settings = subjects.config([subjects.upstream("carrier", sim_port, links=1)])
    file = bench.write("start.json", settings)
    port = int(settings["listeners"][0]["address"].rsplit(":", 1)[1])
    started = time.monotonic()
    program = Program("start", [plan.smppds[0][1], "--config", file], bench.folder)
    try:
        wait_until(lambda: answers(port), f"{program.name} listens", every=0.001)
        return time.monotonic() - started
    finally:
        program.stop()


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def reload_under_load(bench, plan):
    """smppd, its control thread too, on one CPU; client and SMSC go before everything else on the others (see places)."""
    with bench.placed(at_an_end(SMSC)):
        sim = bench.smppsim()

    def table(digit):
        lines = "".join(f"+{digit}588{prefix},carrier,0.01\n" for prefix in prefixes(PREFIXES))
        return str(bench.write(f"plan-{digit}.csv", "prefix,upstream,cost\n" + lines))

    settings = subjects.config([subjects.upstream("carrier", sim.port)])
    settings["routes"] = [{"name": "plan", "table": table(2), "upstream": "carrier"}]
    with bench.placed(in_the_middle):
        subject = subjects.smppd(bench, plan.smppds[0][1], settings)
    file = next(bench.folder.glob("smppd-*.json"))
    tables = [table(3), settings["routes"][0]["table"]]
    rounds = []
    for turn in range(plan.rounds):
        settings["routes"][0]["table"] = tables[turn % 2]
        bench.write(file.name, settings)
        rounds.append((under_load(bench, subject, lambda: time.sleep(0.1)), under_load(bench, subject, lambda: reload_now(subject))))
    return list(rows_of_reloads(rounds))


def under_load(bench, subject, work):
    """What `work` took, and what clients and shards noticed: (seconds, CPU seconds, seconds that shards waited for a CPU, latency)."""
    report = bench.folder / "reload.json"
    load = [bench.tool("smppload"), "--connect", f"127.0.0.1:{subject.port}", "--password", "bench", "--quiet"]
    load += ["--sessions", "4", "--rate", "1000", "--duration", "1s", "--warmup", "300ms", "--json", report]
    with bench.placed(at_an_end(MODEST)):
        program = bench.start("smppload", load)
    time.sleep(0.7)
    cpu, waited, started = subject.program.cpu_seconds(), shards_waited(subject.pid), time.monotonic()
    work()
    took = time.monotonic() - started
    cpu, waited = subject.program.cpu_seconds() - cpu, shards_waited(subject.pid) - waited
    program.process.wait(30)
    return took, cpu, waited, json.loads(report.read_text())["latency_us"]


def shards_waited(pid):
    """Seconds in which a shard's thread could have run and another had its CPU, as the kernel counts them."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    shards = [task for task in tasks if (task / "comm").read_text().startswith("shard-")]
    return sum(int((task / "schedstat").read_text().split()[1]) for task in shards) / 1e9


def reload_now(subject):
    command = ["curl", "-fsS", "-X", "POST", f"http://127.0.0.1:{subject.management}/config/reload"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"reload: {done.stderr}{done.stdout}")


def rows_of_reloads(rounds):
    idle, busy = ([both[which] for both in rounds] for which in (0, 1))

    def middle(of, scale=1e3):
        return round(median(of) * scale, 2)

    yield {
        "subject": f"reload of {PREFIXES:,} prefixes",
        "milliseconds": middle(heard[0] for heard in busy),
        "cpu_ms": middle(heard[1] for heard in busy),
    }
    for name, runs in (("meanwhile", busy), ("without a reload", idle)):
        yield {"subject": f"the shard waited for a CPU {name}", "milliseconds": middle(heard[2] for heard in runs)}
        for what, key in (("slowest message", "max"), ("p50", "p50")):
            yield {"subject": f"{what} {name}, 1,000 a second", "milliseconds": middle((heard[3][key] for heard in runs), 1e-3)}


SCENARIOS = [
    Scenario("binds", "connections", f"{BINDS:,} sessions connect and bind at once", binds),
    Scenario("storm", "connections", f"smppd is killed under {STORM:,} sessions and comes back; then they all vanish", storm),
    Scenario("start", "connections", "start with a small configuration; reload of 100,000 prefixes under load", start_and_reload),
]
