"""Kannel 1.4.5 with its spool store, as Debian ships it: the yardstick of store-and-forward.

Kannel takes messages by HTTP (smsbox), keeps each as a file of its own (bearerbox), answers, and sends them over SMPP. Its
files are not synced: what it promises is less than `durability: os`.
"""
import http.client
import threading
import time
from pathlib import Path

from bench.harness.programs import BenchError, Workbench, free_port, wait_until
from bench.throughput.proxy import start_smppd

from .stored import STORES, case, one_run, row_of

BEARERBOX = "/usr/sbin/bearerbox"
SMSBOX = "/usr/sbin/smsbox"
CONNECTIONS = 10
SPOOL_EMPTY_SECONDS = 60
PATH = "/cgi-bin/sendsms?username=bench&password=bench&from=smppload&to=%2B2588{:08d}&text=Your+code+is+123456"
CONFIG = """group = core
admin-interface = 127.0.0.1
admin-port = {admin}
admin-password = bench
smsbox-interface = 127.0.0.1
smsbox-port = {boxes}
box-allow-ip = "127.0.0.1"
log-level = 3
store-type = spool
store-location = {spool}

group = smsc
smsc = smpp
smsc-id = carrier
host = 127.0.0.1
port = {sim}
transceiver-mode = true
smsc-username = bench
smsc-password = bench
system-type = ""
max-pending-submits = 1000

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {boxes}
sendsms-interface = 127.0.0.1
sendsms-port = {http}
log-level = 3

group = sendsms-user
username = bench
password = bench
"""


class Kannel:
    """bearerbox and smsbox; `send` talks to them, `cpu_seconds` is of both."""

    def __init__(self, bench, sim_port):
        if not (Path(BEARERBOX).exists() and Path(SMSBOX).exists()):
            raise BenchError("Kannel is missing: scripts/setup --bench")
        self.spool = bench.folder / "spool"
        self.spool.mkdir()
        ports = {name: free_port() for name in ("admin", "boxes", "http")}
        self.port = ports["http"]
        file = bench.write("kannel.conf", CONFIG.format(**ports, spool=self.spool, sim=sim_port))
        before = established(sim_port)
        self.programs = [bench.start("bearerbox", [BEARERBOX, file]).wait_listening(ports["boxes"])]
        self.programs.append(bench.start("smsbox", [SMSBOX, file]).wait_listening(self.port))
        wait_until(lambda: established(sim_port) > before, "Kannel is connected to the SMSC")

    def cpu_seconds(self):
        return sum(program.cpu_seconds() for program in self.programs)

    def rss(self):
        return sum(program.rss() for program in self.programs)

    def send(self, seconds):
        """Messages that were accepted in this time by some connections, each with one request open."""
        counts = [0] * CONNECTIONS
        failures = []
        end = time.monotonic() + seconds

        def talk(number):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                while time.monotonic() < end:
                    connection.request("GET", PATH.format(counts[number]))
                    answer = connection.getresponse()
                    text = answer.read()
                    if answer.status != 202:
                        raise BenchError(f"Kannel answered {answer.status}: {text[:200]!r}")
                    counts[number] += 1
            except (OSError, http.client.HTTPException, BenchError) as error:
                failures.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=talk, args=(number,)) for number in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise BenchError(f"Kannel: {failures[0]}")
        return sum(counts)

    def wait_empty(self):
        empty = lambda: not any(path.is_file() for path in self.spool.rglob("*"))
        wait_until(empty, "an empty spool", SPOOL_EMPTY_SECONDS, 0.05)


def established(port):
    """Connections to this port."""
    wanted = f":{port:04X}"
    fields = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for one in fields if one[3] == "01" and one[2].endswith(wanted))


def one_run_of(kannel, seconds):
    cpu, started = kannel.cpu_seconds(), time.monotonic()
    messages = kannel.send(seconds)
    kannel.wait_empty()
    spent = kannel.cpu_seconds() - cpu
    return {"messages_per_second": messages / (time.monotonic() - started), "cpu_us": spent / messages * 1e6}


def compare(plan):
    """smppd with rocksdb and fsync, and Kannel, in turns before the same SMSC."""
    label = "smppd, rocksdb, fsync"
    with Workbench(plan.tools) as bench:
        sim = bench.smppsim()
        ours = start_smppd(bench, case(STORES["rocksdb, fsync"], "kannel"), sim.port, plan.smppds[0][1], label)
        theirs = Kannel(bench, sim.port)
        runs = {label: [], "Kannel, spool": []}
        for _ in range(plan.rounds):
            runs[label].append(one_run(bench, plan, ours, []))
            runs["Kannel, spool"].append(one_run_of(theirs, plan.seconds))
        return {
            "rows": [
                row_of(label, runs[label], None, ours.program.rss()),
                row_of("Kannel, spool", runs["Kannel, spool"], runs[label], theirs.rss()),
            ]
        }
