"""What is measured between smppload and smppsim: an smppd, or HAProxy as the yardstick. Each is a Subject on a Workbench."""
from pathlib import Path

from .programs import START_SECONDS, BenchError, free_port, metric, wait_until

SMPPLOAD_ID = "smppload"  # the system_id that smppload binds with


class Subject:
    """A running program that takes SMPP connections on `port`; `name` is its column in the tables."""

    def __init__(self, name, program, port):
        self.name = name
        self.program = program
        self.port = port

    @property
    def pid(self):
        return self.program.pid


def upstream(name, port, links=4, window=3000, **more):
    return {
        "name": name,
        "hosts": [{"address": f"127.0.0.1:{port}"}],
        "bind": {"system_id": "bench", "password": "bench"},
        "pool": {"min_connections": links, "max_connections": links},
        "window": {"size": window},
        "reconnect": {"initial": "50ms", "max": "500ms"},
        **more,
    }


def config(upstreams, *, shards=1, window=1000, max_connections=50_000, **sections):
    """One listener, one client, one catch-all route to the first upstream, no log lines; `sections` replace what is here."""
    whole = {
        "runtime": {"shards": shards, "drain_timeout": "1s"},
        "listeners": [
            {
                "name": "bench",
                "address": f"127.0.0.1:{free_port()}",
                "max_connections": max_connections,
                "smpp": {"window_size": window, "deliver_window": 1000},
            }
        ],
        "upstreams": upstreams,
        "routes": [{"name": "all", "match": {"destination_addr": "*"}, "upstream": upstreams[0]["name"]}],
        "clients": [{"system_id": SMPPLOAD_ID, "password": "bench"}],
        "management": {"address": f"127.0.0.1:{free_port()}"},
        "logging": {"level": "warn", "output": "stdout"},
    }
    whole.update(sections)
    return whole


def smppd(bench, binary, settings, name="smppd", bound=True, patience=START_SECONDS):
    """smppd with these settings, serving: its listener listens and, unless they are away, all its links are bound."""
    file = bench.write(f"smppd-{free_port()}.json", settings)
    program = bench.start(name, [binary, "--config", file])
    port = int(settings["listeners"][0]["address"].rsplit(":", 1)[1])
    program.wait_listening(port, patience)
    management = int(settings["management"]["address"].rsplit(":", 1)[1])
    program.wait_listening(management)
    if bound:
        wait_bound(program, management, sum(links_of(group) for group in settings["upstreams"]))
    subject = Subject(name, program, port)
    subject.management = management
    return subject


def links_of(group):
    return 0 if "mock" in group else len(group["hosts"]) * group["pool"]["min_connections"]


def wait_bound(program, management, links):
    """All links are bound, so that no run begins on a part of them."""

    def bound():
        program.check()
        return metric(management, "smppd_upstream_connections_active") >= links

    wait_until(bound, f"{links} links bound")


HAPROXY = """global
  nbthread {threads}
  maxconn {connections}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
"""
HAPROXY_WAY = """listen smpp{port}
  bind 127.0.0.1:{port} backlog 20000
  server sim 127.0.0.1:{sim}
"""


def haproxy(bench, sim_port, *more, threads=1, connections=2_000):
    """HAProxy before an SMSC; `more` are the ports of others, each with a port of HAProxy's own in `ports`."""
    if not Path("/usr/sbin/haproxy").exists():
        raise BenchError("haproxy is missing: scripts/setup --bench")
    ways = {free_port(): sim for sim in (sim_port, *more)}
    settings = HAPROXY.format(threads=threads, connections=connections)
    settings += "".join(HAPROXY_WAY.format(port=port, sim=sim) for port, sim in ways.items())
    ports = list(ways)
    program = bench.start("haproxy", ["/usr/sbin/haproxy", "-db", "-q", "-f", bench.write(f"haproxy-{ports[0]}.cfg", settings)])
    for port in ports:
        program.wait_listening(port)
    subject = Subject("haproxy", program, ports[0])
    subject.ports = ports
    return subject
