"""A queue that grows while the SMSC is away, survives a restart, and leaves when the SMSC comes: does a message cost the same
at its beginning and at its end?"""
import time

from bench.harness import subjects
from bench.harness.programs import Workbench, free_port, metric, wait_until

from .stored import SESSIONS, STORES, WINDOW, Reading, cost, storage

STEP_SECONDS = 1_800


def settings_for(bench, sim_port, messages):
    section = {**storage(bench, STORES["rocksdb, fsync"], "queue"), "max_messages": messages + 1}
    return subjects.config([subjects.upstream("carrier", sim_port)], storage=section)


def fill(bench, subject, messages):
    """Costs of the messages from here on, which all stay."""
    before = Reading.of(subject)
    bench.smppload(
        subject.port, "--sessions", SESSIONS, "--window", WINDOW, "--messages", messages, timeout=STEP_SECONDS
    )
    return cost(before, Reading.of(subject), messages)


def restart(bench, subject, binary, settings, messages):
    """The same smppd again; seconds from its start until it serves with everything it had."""
    subject.program.stop()
    started = time.monotonic()
    again = subjects.smppd(bench, binary, settings, "smppd-again", bound=False, patience=STEP_SECONDS)
    seconds = time.monotonic() - started
    found = metric(again.management, "smppd_store_messages")
    wait_until(lambda: metric(again.management, "smppd_store_messages") >= messages, f"{messages} found, not {found:.0f}", 5)
    return again, seconds


def drain(subject, messages):
    """(label, costs) of the first tenth, the middle and the last tenth."""
    spans = (("sending, the first tenth", 0.9), ("sending, the middle", 0.1), ("sending, the last tenth", 0.0))
    before = Reading.of(subject)
    for label, left in spans:
        wait_until(
            lambda left=left: metric(subject.management, "smppd_store_messages") <= left * messages, label, STEP_SECONDS, 0.02
        )
        after = Reading.of(subject)
        if before.waiting > after.waiting:
            yield label, cost(before, after, before.waiting - after.waiting)
        before = after


def row_of(label, subject, figures):
    row = {"subject": label, "rss_mib": round(subject.program.rss() / 2**20, 1)}
    row |= {key: round(value, 3) for key, value in figures.items() if value is not None}
    row["messages_per_second"] = round(row["messages_per_second"])
    return row


def run(plan, messages):
    tenth = messages // 10
    name, binary = plan.smppds[0]
    with Workbench(plan.tools) as bench:
        port = free_port()
        settings = settings_for(bench, port, messages)
        subject = subjects.smppd(bench, binary, settings, name, bound=False)
        rows = [row_of("filling, the first tenth", subject, fill(bench, subject, tenth))]
        rows.append(row_of("filling, the middle", subject, fill(bench, subject, messages - 2 * tenth)))
        rows.append(row_of("filling, the last tenth", subject, fill(bench, subject, tenth)))
        subject, seconds = restart(bench, subject, binary, settings, messages)
        rows.append({"subject": "start", "seconds": round(seconds, 2), "rss_mib": round(subject.program.rss() / 2**20, 1)})
        bench.smppsim(port=port)
        rows += [row_of(label, subject, figures) for label, figures in drain(subject, messages)]
    return {"messages": messages, "rows": rows}
