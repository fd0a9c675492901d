"""Connections: how fast sessions come, together and after a fall of smppd; how fast it starts and takes new routes."""
import json
import signal
import socket
import subprocess
import time

from bench.harness import subjects
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
    """10,000 bound sessions lose smppd, try again every 100 ms, and it comes back."""
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
        waiting.stop()
    return {"rows": [row]}


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
        rows += reload_under_load(bench, plan, sim.port)
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


def reload_under_load(bench, plan, sim_port):
    def table(digit):
        lines = "".join(f"+{digit}588{prefix},carrier,0.01\n" for prefix in prefixes(PREFIXES))
        return str(bench.write(f"plan-{digit}.csv", "prefix,upstream,cost\n" + lines))

    settings = subjects.config([subjects.upstream("carrier", sim_port)])
    settings["routes"] = [{"name": "plan", "table": table(2), "upstream": "carrier"}]
    subject = subjects.smppd(bench, plan.smppds[0][1], settings)
    settings["routes"][0]["table"] = table(3)
    report = bench.folder / "reload.json"
    load = [bench.tool("smppload"), "--connect", f"127.0.0.1:{subject.port}", "--password", "bench", "--quiet"]
    load += ["--sessions", "4", "--rate", "1000", "--duration", "3s", "--warmup", "300ms", "--json", report]
    program = bench.start("smppload", load)
    time.sleep(1.5)
    file = next(bench.folder.glob("smppd-*.json"))
    bench.write(file.name, settings)
    before = subject.program.cpu_seconds()
    reload_now = ["curl", "-fsS", "-X", "POST", f"http://127.0.0.1:{subject.management}/config/reload"]
    started = time.monotonic()
    done = subprocess.run(reload_now, capture_output=True, text=True)
    took = time.monotonic() - started
    if done.returncode != 0:
        raise BenchError(f"reload: {done.stderr}{done.stdout}")
    spent = subject.program.cpu_seconds() - before
    program.process.wait(30)
    latency = json.loads(report.read_text())["latency_us"]
    return [
        {"subject": f"reload of {PREFIXES:,} prefixes", "milliseconds": round(took * 1e3, 1), "cpu_ms": round(spent * 1e3, 1)},
        {"subject": "slowest message meanwhile, 1,000 a second", "milliseconds": round(latency["max"] / 1e3, 2)},
        {"subject": "its p50", "milliseconds": round(latency["p50"] / 1e3, 3)},
    ]


SCENARIOS = [
    Scenario("binds", "connections", f"{BINDS:,} sessions connect and bind at once", binds),
    Scenario("storm", "connections", f"smppd is killed under {STORM:,} sessions and comes back", storm),
    Scenario("start", "connections", "start with a small configuration; reload of 100,000 prefixes under load", start_and_reload),
]
