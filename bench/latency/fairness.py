"""What a client that sends a little notices of one that sends all it can.

Everyone has their place (`bench.harness.places`): a modest message waits for the program in the middle, and for the SMSC where both
use the same, and not for a CPU behind those that keep the machine busy.
"""
import json
import time

from bench.harness import subjects
from bench.harness.places import GREEDY, MODEST, SMSC, at_an_end, in_the_middle, may_be_urgent
from bench.harness.programs import Workbench, established, wait_until
from bench.harness.scenario import median, paired_ratio
from bench.latency.percentiles import load, row_of

MODEST_RATE = 1_000
GREEDY_SHAPES = {"4 x 1,000": (4, 1000), "100 x 30": (100, 30)}  # sessions and window: few that bring much, many that bring some
ALONE, APART, SHARING = "alone", "to another SMSC", "to the same SMSC"


class Between:
    """A program in the middle, or none (no pid); where the modest client connects, and the greedy: (port, system_id) by how."""

    def __init__(self, name, pid, port, apart, sharing):
        self.name, self.pid, self.port = name, pid, port
        self.greedy = {APART: apart, SHARING: sharing}


def smppd(bench, binary, name, sim, other):
    clients = [{"system_id": who, "password": "bench"} for who in (subjects.SMPPLOAD_ID, "sharing")]
    clients.append({"system_id": "apart", "password": "bench", "upstream": "other"})
    carriers = [subjects.upstream("carrier", sim.port), subjects.upstream("other", other.port)]
    subject = subjects.smppd(bench, binary, subjects.config(carriers, clients=clients), name)
    return Between(name, subject.pid, subject.port, (subject.port, "apart"), (subject.port, "sharing"))


def haproxy(bench, sim, other):
    subject = subjects.haproxy(bench, sim.port, other.port)
    return Between("haproxy", subject.pid, subject.port, (subject.ports[1], "apart"), (subject.port, "sharing"))


def stand(bench, plan):
    with bench.placed(at_an_end(SMSC)):
        sim = bench.smppsim()
    with bench.placed(at_an_end(GREEDY)):
        other = bench.smppsim()
    with bench.placed(in_the_middle):
        standing = [smppd(bench, binary, name, sim, other) for name, binary in plan.smppds]
        standing.append(haproxy(bench, sim, other))
    return [*standing, Between("direct", None, sim.port, (other.port, "apart"), (sim.port, "sharing"))]


def modest_run(bench, plan, between):
    of = ["--cpu-of", between.pid] if between.pid else []
    with bench.placed(at_an_end(MODEST)):
        return bench.smppload(between.port, *load(plan, MODEST_RATE, 1), *of)


def run_beside(bench, plan, between, shape, how):
    """The modest client's report, with what the greedy one got in "greedy", messages a second."""
    port, system_id = between.greedy[how]
    report = bench.folder / "greedy.json"
    words = [bench.tool("smppload"), "--connect", f"127.0.0.1:{port}", "--system-id", system_id, "--password", "bench"]
    sessions, window = GREEDY_SHAPES[shape]
    words += ["--sessions", sessions, "--window", window, "--quiet", "--json", report, "--duration", "300s"]
    with bench.placed(at_an_end(GREEDY)):
        greedy = bench.start("greedy", words)
    wait_until(lambda: established(port) >= sessions, f"the greedy client's {sessions} sessions")
    time.sleep(plan.warmup)
    heard = modest_run(bench, plan, between)
    greedy.stop()
    return {**heard, "greedy": json.loads(report.read_text())["throughput"]}


def rows_of(between, shape, heard):
    for how in (ALONE, APART, SHARING):
        reports = heard[between.name, how]
        row = row_of(f"{between.name}, {how if how == ALONE else f'{shape} {how}'}", reports)
        if between.pid:
            row["busy"] = round(median(report["other_cpu_seconds"] / report["seconds"] for report in reports), 2)
        if how == ALONE:
            alone = row["p99_us_rounds"]
        else:
            row["greedy"] = round(median(report["greedy"] for report in reports))
            row["ratio_to_base"] = round(paired_ratio(row["p99_us_rounds"], alone), 2)
        yield row


def fairness(plan, shape):
    with Workbench(plan.tools) as bench:
        standing = stand(bench, plan)
        heard = {(between.name, how): [] for between in standing for how in (ALONE, APART, SHARING)}
        for _ in range(max(plan.rounds - 1, 1)):  # in turns, so that all see the same machine; each has eleven runs
            for between in standing:
                heard[between.name, ALONE].append(modest_run(bench, plan, between))
                for how in between.greedy:
                    heard[between.name, how].append(run_beside(bench, plan, between, shape, how))
    rows = [row for between in standing for row in rows_of(between, shape, heard)]
    return {"rate": MODEST_RATE, "real_time_priorities": may_be_urgent(), "rows": rows}
