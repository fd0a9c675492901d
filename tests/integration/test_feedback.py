"""What becomes of messages changes where the next ones go, and can be looked at."""
import json
import subprocess
import urllib.request

from harness import smpp
from harness.gateway import to
from harness.process import BINARIES, wait_until

QUICK = {"half_life": "2s", "memory": 100, "explore": 0.05}


def refuse(carrier, prefix):
    """The carrier refuses what goes to this prefix and takes the rest."""
    carrier.answer = lambda one: (
        one.pdu.response(smpp.RINVDSTADR) if one.fields["destination_addr"].startswith(prefix) else carrier.accept(one)
    )


def taken(carriers, send, count, *numbers):
    """How many of `count` messages to each number each carrier was given, by number."""
    before = [len(one.received) for one in carriers]
    for _ in range(count):
        for number in numbers:
            send(number)
    return {
        number: [
            sum(one.fields["destination_addr"] == number for one in carrier.received[had:])
            for carrier, had in zip(carriers, before)
        ]
        for number in numbers
    }


def stats(smppd):
    address = smppd.config["management"]["address"]
    with urllib.request.urlopen(f"http://{address}/feedback/stats", timeout=10) as answer:
        return json.load(answer)


def of(document, upstream, prefix=None):
    one = next(one for one in document["upstreams"] if one["name"] == upstream)
    return one if prefix is None else next((each for each in one["prefixes"] if each["prefix"] == prefix), None)


def test_traffic_of_a_prefix_leaves_the_carrier_that_refuses_it_and_comes_back(gateway, carriers, shards):
    north, south = carriers(), carriers()
    route = {"name": "all", "split": {"north": 50, "south": 50}, "balance": "adaptive"}
    smppd = gateway(to(north, "north"), to(south, "south"), shards=shards, routes=[route], feedback=QUICK)
    wait_until(lambda: smppd.metric("smppd_upstream_links", state="bound") == 2, lambda: smppd.output)
    sessions = [smppd.bind() for _ in range(3)]
    turn = iter(range(10**9))

    def send(number):
        return sessions[next(turn) % 3].request(smpp.submit_sm(destination=number))

    bad, fine = "258841234567", "258821234567"
    counts = taken([north, south], send, 100, bad, fine)
    assert min(counts[bad]) > 25 and min(counts[fine]) > 25, f"cold carriers are equals: {counts}"

    refuse(north, "25884")
    shares = []

    def moved():
        counts = taken([north, south], send, 50, bad, fine)
        shares.append(counts)
        north_there = of(stats(smppd), "north", "25884")
        return counts[bad][0] <= 10 and north_there["score"] < 0.5 and north_there["share"] < 0.3

    wait_until(moved, lambda: f"{shares}\n{stats(smppd)}", timeout=20)
    counts = taken([north, south], send, 100, bad, fine)
    assert counts[bad][0] <= 25 and counts[fine][0] >= 25, f"only the bad prefix moved: {counts}"

    seen = stats(smppd)
    assert seen["enabled"] and seen["settings"]["half_life_seconds"] == 2
    assert of(seen, "south", "25884")["score"] > 0.9
    assert of(seen, "north", "25882")["score"] > 0.8
    assert of(seen, "north", "25884")["rates"]["refused"] > 0.5
    assert of(seen, "north")["total"]["refused"] > 0 == of(seen, "south")["total"]["refused"]
    scores = {name: smppd.metric("smppd_feedback_score", upstream=name, prefix="25884") for name in ("north", "south")}
    assert scores["north"] < scores["south"]

    north.answer = north.accept
    shares.clear()

    def returned():
        counts = taken([north, south], send, 50, bad)
        shares.append(counts)
        return counts[bad][0] >= 18

    wait_until(returned, lambda: f"{shares}\n{stats(smppd)}", timeout=40)


def test_an_adaptive_upstream_leaves_the_host_that_refuses(gateway, carriers):
    quick, bad = carriers(), carriers()
    upstream = to(quick, load_balancing="adaptive")
    upstream["hosts"] = [{"address": f"127.0.0.1:{one.port}"} for one in (quick, bad)]
    smppd = gateway(upstream, feedback=QUICK)
    wait_until(lambda: smppd.metric("smppd_upstream_links", state="bound") == 2, lambda: smppd.output)
    session = smppd.bind()
    refuse(bad, "258")

    def send(number):
        return session.request(smpp.submit_sm(destination=number))

    def hosts():
        by_name = {one["host"]: one for one in of(stats(smppd), "carrier")["hosts"]}
        return by_name[f"127.0.0.1:{quick.port}"], by_name[f"127.0.0.1:{bad.port}"]

    def moved():
        counts = taken([quick, bad], send, 50, "258841234567")["258841234567"]
        return counts[1] <= 10 and hosts()[1]["share"] < 0.3

    wait_until(moved, lambda: stats(smppd), timeout=20)
    assert hosts()[1]["score"] < 0.5 < hosts()[0]["score"]


def test_receipts_are_counted_by_state(gateway, carrier):
    carrier.receipts = False
    smppd = gateway(to(carrier), feedback=True)
    session = smppd.bind()
    for _ in range(20):
        assert session.request(smpp.submit_sm(destination="258841234567", registered_delivery=1)).status == smpp.ROK
    for one in carrier.wait_received(20, command=smpp.SUBMIT_SM):
        carrier.send_receipt(one, "UNDELIV", 5)
    wait_until(lambda: of(stats(smppd), "carrier")["total"]["undelivered"] == 20, lambda: stats(smppd))
    wait_until(lambda: of(stats(smppd), "carrier", "25884")["score"] < 0.6, lambda: stats(smppd))
    assert of(stats(smppd), "carrier")["total"]["delivered"] == 0


def test_the_command_prints_what_the_running_smppd_knows(gateway, carrier, tmp_path):
    smppd = gateway(to(carrier), feedback=True)
    session = smppd.bind()
    for _ in range(5):
        session.request(smpp.submit_sm(destination="258841234567"))
    wait_until(lambda: of(stats(smppd), "carrier", "25884"), lambda: stats(smppd))

    def says(*words):
        command = [BINARIES / "smppd", "feedback", "--config", smppd.path, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=20)

    table = says()
    assert table.returncode == 0, table.stderr
    assert table.stdout.splitlines()[0].split()[:4] == ["upstream", "host", "prefix", "score"]
    assert any(line.split()[:3] == ["carrier", "*", "25884"] for line in table.stdout.splitlines()), table.stdout
    assert of(json.loads(says("--json").stdout), "carrier")["total"]["accepted"] == 5
    smppd.stop()
    refused = says()
    assert refused.returncode == 1 and "is smppd running" in refused.stderr


def test_nothing_is_followed_unless_something_asks_for_it(gateway, carrier):
    smppd = gateway(to(carrier))
    session = smppd.bind()
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    seen = stats(smppd)
    assert seen["enabled"] is False and seen["upstreams"] == []
