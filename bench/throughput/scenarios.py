"""Throughput: what a message costs, by the shape of the load and by what smppd has to do with it."""
import random

from bench.harness.scenario import Scenario

from . import late_receipts
from .proxy import Case, compare, run

SHAPES = ((4, 1000), (20, 100), (50, 10), (200, 1), (1, 1), (1000, 10))
EQUAL_RATE = 20_000
ALONE_RATE = 5_000  # a message has left before the next comes

LIMITED = {"system_id": "smppload", "password": "bench", "rate_limit": {"messages_per_second": 100_000_000}}
ADDRESSES = {**LIMITED, "addresses": {"source": {"allowed": ["smppload", "SHOP*"]}, "destination": {"blocked": ["+27*"]}}}
TRANSFORM = {"type": "transform", "rules": [{"match": {"destination_addr": "+2588*"}, "set": {"service_type": "OTP"}}]}
FILTERS = {
    "logger, its lines off": [{"type": "logger"}],
    "auth": [{"type": "auth"}],
    "rate_limit": [{"type": "rate_limit"}],
    "address_filter": [{"type": "address_filter"}],
    "metrics": [{"type": "metrics"}],
    "protocol": [{"type": "protocol", "version_mapping": {"5.0": "3.4"}}],
    "transform, every message": [TRANSFORM],
}


def proxy(name, question, case):
    return Scenario(name, "throughput", question, lambda plan: run(plan, case))


def comparison(name, question, cases, **how):
    return Scenario(name, "throughput", question, lambda plan: compare(plan, cases, **how))


def shapes():
    for sessions, window in SHAPES:
        question = f"{sessions} sessions x window {window} over 4 links, against HAProxy"
        yield proxy(f"proxy-{sessions}x{window}", question, Case(sessions, window))


def shard_cases():
    return {
        "1 shard, 4 links": Case(20, 100),
        "2 shards, 4 links": Case(20, 100, shards=2),
        "4 shards, 4 links": Case(20, 100, shards=4),
        "4 shards, 4 links, 80 x 100": Case(80, 100, shards=4),  # as much for each shard as the first has
        "1 shard, 1 link": Case(20, 100, links=1),
        "4 shards, 1 link": Case(20, 100, shards=4, links=1),
        "4 shards, 16 links": Case(20, 100, shards=4, links=16),
    }


def filter_cases():
    cases = {"no filter": Case(20, 100)}
    for label, chain in FILTERS.items():
        cases[label] = Case(20, 100, sections={"middleware": chain, "clients": [ADDRESSES]})
    everything = [entry for chain in FILTERS.values() for entry in chain]
    cases["all of them"] = Case(20, 100, sections={"middleware": everything, "clients": [ADDRESSES]})
    return cases


NUMBERS = 200_000


def prefixes(count):
    """Distinct prefixes of five to eight digits, by their number."""
    drawn = random.Random(1)
    found = set()
    while len(found) < count:
        digits = drawn.randint(5, 8)
        found.add(str(drawn.randrange(10 ** (digits - 1), 10**digits)))
    return sorted(found)


def numbers(count):
    """Numbers of twelve digits without order, as many for each of the prefixes: every message has its route."""

    def lines():
        drawn = random.Random(2)
        listed = [prefix + f"{drawn.randrange(10**12):012}"[len(prefix):] for prefix in prefixes(count) * (NUMBERS // count)]
        drawn.shuffle(listed)
        return "".join(f"{number}\n" for number in listed)

    return lines


def routes(count):
    listed = [
        {"name": f"r{prefix}", "match": {"destination_addr": f"+{prefix}*"}, "upstream": "carrier"}
        for prefix in prefixes(count)
    ]
    return {"routes": [*listed, {"name": "all", "upstream": "carrier"}]}


def number_plan(count):
    def prepare(bench, settings):
        lines = "".join(f"+{prefix},carrier,0.01\n" for prefix in prefixes(count))
        table = bench.write(f"plan-{count}.csv", "prefix,upstream,cost\n" + lines)
        settings["routes"] = [{"name": "plan", "table": str(table), "upstream": "carrier"}]

    return prepare


def route_cases():
    cases = {"1 route": Case(20, 100, numbers=numbers(10))}
    for count in (10, 1_000, 100_000):
        cases[f"{count:,} routes"] = Case(20, 100, sections=routes(count), numbers=numbers(count))
    cases["table of 100,000"] = Case(20, 100, prepare=number_plan(100_000), numbers=numbers(100_000))
    return cases


def named(count):
    return "1 session" if count == 1 else f"{count:,} sessions"


def session_cases():
    return {named(count): Case(count, 100, load=("--rate", EQUAL_RATE)) for count in (1, 10, 100, 1000)}


def lone_message_cases():
    """Each message when it is due, as no step of the schedule holds two; what is left is what a session costs."""
    how = {"load": ("--rate", ALONE_RATE, "--tick", "1us"), "counted": False}
    cases = {named(count): Case(count, 100, **how) for count in (1, 10, 100, 1000)}
    for count in (1, 1000):
        cases[f"HAProxy, {named(count)}"] = Case(count, 100, between="haproxy", **how)
    return cases


def tls_cases():
    return {
        "plain": Case(20, 100),
        "TLS to clients": Case(20, 100, tls="clients"),
        "TLS to both": Case(20, 100, tls="both"),
    }


def overload_cases():
    chain = {"middleware": [{"type": "rate_limit"}]}
    slow = {**LIMITED, "rate_limit": {"messages_per_second": 1, "burst": 1}}
    either = ("--expect-status", "ESME_ROK,ESME_RTHROTTLED")
    return {
        "served": Case(20, 100, sections={**chain, "clients": [LIMITED]}),
        "throttled": Case(20, 100, sections={**chain, "clients": [slow]}, load=either),
    }


SCENARIOS = [
    *shapes(),
    proxy("full-loop-10x100", "submit, response, receipt and its response, 10 x 100", Case(10, 100, receipts=True)),
    comparison("shards", "more shards, and the hop to the shard of the link, 20 x 100", shard_cases()),
    comparison("filters", "each filter alone, then all, 20 x 100", filter_cases()),
    comparison("routes", "from one route to 100,000 by prefix, 20 x 100", route_cases()),
    comparison("sessions", f"{EQUAL_RATE:,} messages a second in all, from ever more sessions", session_cases()),
    comparison(
        "sessions-alone", f"{ALONE_RATE:,} a second, every message by itself, who is in the middle with a CPU of its own",
        lone_message_cases(), own_cpu=True,
    ),
    comparison("proxy-tls", "TLS off, to clients, and to clients and SMSC, 20 x 100", tls_cases()),
    comparison("overload", "an answer that says throttled, beside a message served, 20 x 100", overload_cases()),
    comparison(
        "mock", "without the second hop: answers made by a mock upstream, 20 x 100",
        {"smppsim": Case(20, 100), "mock": Case(20, 100, mock=True)},
    ),
    Scenario(
        "late-receipts", "throughput", "a full loop while few, a million and ten million messages wait for their receipts",
        late_receipts.run, on_request=True,
    ),
]
