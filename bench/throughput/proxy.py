"""CPU per message, closed loop: smppload -> subject -> smppsim, subjects in turns, so that all see the same machine."""
from dataclasses import dataclass, field, replace

from bench.harness import subjects
from bench.harness.places import MODEST, SMSC, at_an_end, in_the_middle
from bench.harness.programs import Workbench, cpu_seconds
from bench.harness.scenario import median, paired_ratio, spread
from bench.harness.syscalls import SyscallCount

SYSCALL_SECONDS = 0.7
COMPARED = 0.6  # length of a run of many configurations, to that of a few


@dataclass(frozen=True)
class Case:
    """What one scenario puts between load and sink."""

    sessions: int
    window: int
    shards: int = 1
    links: int = 4
    between: str = "smppd"  # who is in the middle when cases are compared; or haproxy
    haproxy: bool = True
    direct: bool = True
    receipts: bool = False
    sections: dict = field(default_factory=dict)  # of smppd's configuration
    upstream: dict = field(default_factory=dict)  # keys of the upstream
    mock: bool = False
    tls: str = ""  # clients: between smppload and smppd; both: to smppsim too
    load: tuple = ()
    counted: bool = True  # its syscalls; those of binding are among them, which a thousand sessions with few messages would show
    prepare: object = None  # prepare(bench, settings): the last word on the configuration
    numbers: object = None  # numbers(): the destinations, a line each; None: smppload's own


def start_smppd(bench, case, sim_port, binary, name):
    if case.tls:
        case = with_tls(bench, case)
    if case.mock:
        group = {"name": "carrier", "mock": {"message_id": "${counter}"}}
    else:
        group = subjects.upstream("carrier", sim_port, links=case.links, **case.upstream)
    settings = subjects.config([group], shards=case.shards, window=case.window, **case.sections)
    if case.prepare:
        case.prepare(bench, settings)
    return subjects.smppd(bench, binary, settings, name)


def with_tls(bench, case):
    """The same case with certificates in its configuration, and for both sides with an SMSC of its own."""
    cert, key = bench.certificate()

    def prepare(_, settings):
        settings["listeners"][0]["tls"] = {"cert": str(cert), "key": str(key)}
        if case.tls == "both":
            sim = bench.smppsim("--tls-cert", cert, "--tls-key", key)
            settings["upstreams"][0]["hosts"] = [{"address": f"127.0.0.1:{sim.port}"}]
            settings["upstreams"][0]["tls"] = {"ca": str(cert)}

    return replace(case, prepare=prepare)


def with_numbers(bench, label, case):
    """The same case with its destinations in a file for smppload."""
    if case.numbers is None:
        return case
    file = bench.write(f"numbers-{label.replace(' ', '-')}.txt", case.numbers())
    return replace(case, load=(*case.load, "--destination-file", file))


def tls_of_load(bench, case):
    return ("--tls", "--tls-ca", bench.certificate()[0]) if case.tls else ()


class Samples:
    def __init__(self, name):
        self.name = name
        self.cpu_us, self.rate, self.load_us = [], [], []
        self.rss = 0
        self.syscalls = None

    def row(self):
        row = {
            "subject": self.name,
            "messages_per_second": round(median(self.rate)),
            "load_cpu_us": round(median(self.load_us), 4),
        }
        if self.cpu_us:
            row["cpu_us"] = round(median(self.cpu_us), 4)
            row["cpu_us_spread"] = round(spread(self.cpu_us), 3)
            row["cpu_us_samples"] = [round(value, 4) for value in self.cpu_us]
            row["rss_mib"] = round(self.rss / 2**20, 1)
        if self.syscalls is not None:
            row["syscalls"] = round(self.syscalls, 4)
        return row


def arguments(plan, case, seconds=None):
    load = ["--sessions", case.sessions, "--window", case.window, "--duration", f"{seconds or plan.seconds}s"]
    if case.receipts:
        # Every message is followed to its receipt, so all count and none is warm-up.
        load += ["--registered", "--receipt-timeout", "10s"]
    elif seconds is None:
        load += ["--warmup", f"{plan.warmup}s"]
    return [*load, *case.load]


def one_run(bench, plan, case, port, samples, pid=None):
    load = arguments(plan, case)
    if pid is not None:
        load += ["--cpu-of", pid]
    before = cpu_seconds(pid) if pid is not None else 0.0
    report = bench.smppload(port, *load, *tls_of_load(bench, case))
    answered = report["counters"]["answered"]
    samples.rate.append(report["throughput"])
    samples.load_us.append(report["cpu_us_per_message"])
    if pid is not None:
        spent = cpu_seconds(pid) - before if case.receipts else report["other_cpu_seconds"]
        samples.cpu_us.append(spent / answered * 1e6)


def count_syscalls(bench, plan, case, subject):
    with SyscallCount(subject.pid) as count:
        report = bench.smppload(subject.port, *arguments(plan, case, SYSCALL_SECONDS), *tls_of_load(bench, case))
    return count.calls / report["counters"]["answered"]


def sim_arguments(case):
    return ["--receipts", "delay=0s", "--queue", "10000000"] if case.receipts else []


def run(plan, case):
    """smppd, the other revision if there is one, HAProxy and nothing at all, in turns."""
    with Workbench(plan.tools) as bench:
        case = with_numbers(bench, "all", case)
        sim = bench.smppsim(*sim_arguments(case))

        def carrier():
            """An SMSC that may give one smppd's receipts to another, which binds as the same account, is not for both."""
            return bench.smppsim(*sim_arguments(case)) if case.receipts else sim

        standing = [start_smppd(bench, case, carrier().port, binary, name) for name, binary in plan.smppds]
        if case.haproxy:
            standing.append(subjects.haproxy(bench, carrier().port, threads=case.shards))
        samples = {subject.name: Samples(subject.name) for subject in standing}
        if case.direct:
            samples["direct"] = Samples("direct")
        for _ in range(plan.rounds):
            for subject in standing:
                one_run(bench, plan, case, subject.port, samples[subject.name], subject.pid)
            if case.direct:
                one_run(bench, plan, case, sim.port, samples["direct"])
        for subject in standing:
            finish(bench, plan, case, subject, samples[subject.name])
    return result(plan, case, samples)


def finish(bench, plan, case, subject, samples):
    samples.rss = subject.program.rss()
    if case.counted and not case.receipts:  # their syscalls would be counted over the messages of another span
        samples.syscalls = count_syscalls(bench, plan, case, subject)


def result(plan, case, samples):
    rows = [sample.row() for sample in samples.values()]
    for row in rows:
        ours = samples[row["subject"]].cpu_us
        if case.haproxy and ours and row["subject"] != "haproxy":
            row["ratio_to_haproxy"] = round(paired_ratio(ours, samples["haproxy"].cpu_us), 3)
        if row["subject"] == plan.smppds[0][0] and len(plan.smppds) > 1:
            row["ratio_to_other"] = round(paired_ratio(ours, samples[plan.smppds[1][0]].cpu_us), 3)
    return {"sessions": case.sessions, "window": case.window, "shards": case.shards, "rows": rows}


def compare(plan, cases, own_cpu=False):
    """Configurations in turns; `cases` is Case by label and the first is the base of the ratios.

    With `own_cpu` whoever is in the middle has the first CPU, and clients and SMSC the others.
    """
    middle, smsc, client = (in_the_middle, at_an_end(SMSC), at_an_end(MODEST)) if own_cpu else (None, None, None)
    plan = replace(plan, seconds=plan.seconds * COMPARED)
    with Workbench(plan.tools) as bench:
        with bench.placed(smsc):
            sim = bench.smppsim()
        cases = {label: with_numbers(bench, label, case) for label, case in cases.items()}
        with bench.placed(middle):
            standing = {label: start_compared(bench, plan, case, sim.port, label) for label, case in cases.items()}
        samples = {label: Samples(label) for label in cases}
        with bench.placed(client):
            for _ in range(plan.rounds):
                for label, case in cases.items():
                    subject = standing[label]
                    one_run(bench, plan, case, subject.port, samples[label], subject.pid)
            for label, case in cases.items():
                finish(bench, plan, case, standing[label], samples[label])
    rows = [sample.row() for sample in samples.values()]
    base = next(iter(samples.values())).cpu_us
    for row in rows[1:]:
        row["ratio_to_base"] = round(paired_ratio(samples[row["subject"]].cpu_us, base), 3)
    return {"rows": rows}


def start_compared(bench, plan, case, sim_port, label):
    if case.between == "haproxy":
        return subjects.haproxy(bench, sim_port, threads=case.shards)
    return start_smppd(bench, case, sim_port, plan.smppds[0][1], label)
