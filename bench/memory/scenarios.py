"""Memory: what a bound session that does nothing keeps, and what the program needs before anybody comes."""
import time

from bench.connections.scenarios import start_waiting
from bench.harness import subjects
from bench.harness.programs import Workbench, established, metric, raise_file_limit, wait_until
from bench.harness.scenario import Scenario

SPARE_FILES = 1_000
BIND_SECONDS = 60


def settled_rss(program):
    time.sleep(0.5)
    return program.rss()


def smppd_row(plan, name, binary, sessions):
    with Workbench(plan.tools) as bench:
        subject = subjects.smppd(bench, binary, subjects.config([{"name": "carrier", "mock": {}}]), name)
        empty = settled_rss(subject.program)
        # Eighteen thousand at once overflow the listen queue; those that it drops come again.
        start_waiting(bench, subject.port, sessions, "--reconnect", "200ms")
        bound = lambda: metric(subject.management, "smppd_connections_active") >= sessions  # noqa: E731
        wait_until(bound, f"{sessions} sessions bound", BIND_SECONDS)
        full = settled_rss(subject.program)
    return row(name, sessions, empty, full)


def tls_row(plan, sessions):
    """As above, with TLS; handshakes take their time, and what they need meanwhile is given back."""
    name, binary = plan.smppds[0]
    with Workbench(plan.tools) as bench:
        cert, key = bench.certificate()
        settings = subjects.config([{"name": "carrier", "mock": {}}])
        settings["listeners"][0]["tls"] = {"cert": str(cert), "key": str(key)}
        subject = subjects.smppd(bench, binary, settings, name)
        empty = settled_rss(subject.program)
        start_waiting(bench, subject.port, sessions, "--reconnect", "200ms", "--tls", "--tls-ca", cert)
        bound = lambda: metric(subject.management, "smppd_downstream_tls_connections") >= sessions  # noqa: E731
        wait_until(bound, f"{sessions} sessions bound", BIND_SECONDS)
        full = settled_rss(subject.program)
    return row(f"{name} with TLS", sessions, empty, full)


def idle_with_tls(plan, sessions):
    sessions = min(sessions, raise_file_limit() - SPARE_FILES)
    return {"rows": [smppd_row(plan, *plan.smppds[0], sessions), tls_row(plan, sessions)]}


def haproxy_row(plan, sessions):
    with Workbench(plan.tools) as bench:
        sim = bench.smppsim()
        subject = subjects.haproxy(bench, sim.port, connections=sessions + 100)
        empty = settled_rss(subject.program)
        load = start_waiting(bench, subject.port, sessions)
        wait_until(lambda: established(subject.port) >= sessions, f"{sessions} sessions through HAProxy", BIND_SECONDS)
        time.sleep(1)
        load.check()
        full = settled_rss(subject.program)
    return row("haproxy", sessions, empty, full)


def row(name, sessions, empty, full):
    return {
        "subject": name,
        "sessions": sessions,
        "bytes_per_session": round((full - empty) / sessions),
        "empty_mib": round(empty / 2**20, 1),
        "rss_mib": round(full / 2**20, 1),
    }


def idle(plan, sessions):
    sessions = min(sessions, raise_file_limit() - SPARE_FILES)
    rows = [smppd_row(plan, name, binary, sessions) for name, binary in plan.smppds]
    # HAProxy needs two descriptors a session.
    rows.append(haproxy_row(plan, min(sessions, raise_file_limit() // 2 - SPARE_FILES)))
    return {"rows": rows}


SCENARIOS = [
    Scenario("idle-1k", "memory", "1,000 bound sessions that do nothing", lambda plan: idle(plan, 1_000)),
    Scenario("idle-tls-5k", "memory", "5,000 bound sessions that do nothing, with TLS", lambda plan: idle_with_tls(plan, 5_000)),
    Scenario("idle-18k", "memory", "18,000 bound sessions that do nothing", lambda plan: idle(plan, 18_000)),
]
