"""One bad peer delays only those who depend on it, and every queue has its bound."""
import random
import resource
import time
from pathlib import Path

from harness import smpp
from harness.gate import Lane, Script
from harness.gateway import impatient
from harness.process import wait_until
from harness.traffic import NO_UPSTREAM, UNCERTAIN, Sender, agree, tags

ROUTES = [
    {"name": "a", "match": {"destination_addr": "1*"}, "upstream": "a"},
    {"name": "b", "match": {"destination_addr": "2*"}, "upstream": "b"},
]


def damage(choice, share):
    def corrupt(_, octets):
        return bytes(octet ^ choice.randint(1, 255) if choice.random() < share else octet for octet in octets)

    return corrupt


def memory_octets(program):
    for line in Path(f"/proc/{program.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def test_a_carrier_that_stalls_stops_only_those_routed_to_it(smppd, carriers, gates):
    a, b = carriers(), carriers()
    gate = gates(a.port)
    gateway = smppd(impatient("a", gate.port), impatient("b", b.port), routes=ROUTES, shards=2)
    gate.conn(0).stall("back")
    to_a = Sender(gateway.port, tags("a", 30), destination="1000")
    to_b = Sender(gateway.port, tags("b", 500), destination="2000", system_id="other")
    to_b.finish()
    assert to_b.statuses() == {0: 500}
    slowest = max(answers[0][2] for answers in to_b.answers.values())
    assert slowest < 0.5, f"{slowest:.3f} s for a message that had nothing to do with the stall"
    to_a.finish()
    agree([to_a, to_b], [a, b], refusals=(NO_UPSTREAM, smpp.RTHROTTLED))
    assert to_a.statuses()[UNCERTAIN] >= 10, to_a.statuses()
    assert gateway.metric("smppd_flow_uncertain_messages_total") == to_a.statuses()[UNCERTAIN]


def test_corrupt_octets_of_one_session_never_disturb_another(smppd, carriers, gates):
    carrier = carriers()
    gateway = smppd(impatient("carrier", carrier.port, window={"size": 50}), shards=1)
    gate = gates(gateway.port)
    choice = random.Random(7)
    gate.script = lambda _: Script(forth=Lane(corrupt=damage(choice, 0.003)))
    sound = Sender(gateway.port, tags("sound", 1500), system_id="other", pace=0.001)
    while sound.is_alive():
        corrupt = Sender(gate.port, tags(f"corrupt{time.monotonic()}", 50))
        corrupt.join(0.7)
        for connection in gate.open_connections():
            connection.reset()
        corrupt.to_send.clear()
        if sound.to_send == []:
            break
    sound.finish()
    assert sound.statuses() == {0: 1500} and sound.connections == 1
    assert max(answers[0][2] for answers in sound.answers.values()) < 1.0


def test_corrupt_octets_of_one_carrier_never_disturb_another(smppd, carriers, gates):
    a, b = carriers(), carriers()
    gate = gates(a.port)
    choice = random.Random(8)
    gateway = smppd(impatient("a", gate.port), impatient("b", b.port), routes=ROUTES)
    gate.script = lambda _: Script(back=Lane(corrupt=damage(choice, 0.02)))
    gate.conn(0).reset()
    to_a = Sender(gateway.port, tags("a", 200), destination="1000", pace=0.002)
    to_b = Sender(gateway.port, tags("b", 500), destination="2000", system_id="other", pace=0.001)
    to_b.finish()
    assert to_b.statuses() == {0: 500} and to_b.connections == 1
    to_a.finish()
    assert all(len(answers) == 1 for answers in to_a.answers.values()), "each is answered once, whatever the carrier says"
    assert len(gate.connections) > 2, "links whose framing was lost were given up"


def test_a_client_that_reads_nothing_costs_a_bound_and_then_its_session(smppd, carriers, gates):
    carrier = carriers(receipts=False)
    gateway = smppd(impatient("carrier", carrier.port, window={"size": 100}), listener={"smpp": {"window_size": 100_000}})
    gate = gates(gateway.port)
    deaf = smpp.Connection.to(gate.port)
    deaf.bind()
    gate.conn(0).stall("back")
    sound = Sender(gateway.port, tags("sound", 300), system_id="other", pace=0.003)
    before = memory_octets(gateway)
    bare = smpp.Pdu(smpp.ENQUIRE_LINK)
    deaf.socket.settimeout(0.5)
    flood = b"".join(smpp.Pdu(bare.command, sequence=number + 1).encode() for number in range(50_000))
    try:
        for _ in range(40):  # 32 MB of requests, as many octets of answers that nobody reads
            deaf.send_bytes(flood)
    except OSError:
        pass  # back-pressure or the end of the session: both are a bound
    assert memory_octets(gateway) - before < 16 << 20, "what one client does not read is not kept"
    wait_until(lambda: gateway.metric("smppd_downstream_write_timeouts_total") >= 1, "the session is closed", timeout=5)
    sound.finish()
    assert sound.statuses() == {0: 300} and sound.connections == 1
    deaf.close()


def test_without_descriptors_those_who_are_connected_go_on(smppd, carriers):
    carrier = carriers()
    gateway = smppd(impatient("carrier", carrier.port))
    sender = Sender(gateway.port, tags("early", 1200), pace=0.002)
    wait_until(lambda: sender.connections == 1, "bound")
    used = len(list(Path(f"/proc/{gateway.pid}/fd").iterdir()))
    soft, hard = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (used + 4, hard))
    crowd = [smpp.Connection.to(gateway.port) for _ in range(20)]
    gateway.wait_for_line("cannot accept connections")
    sent_then = len(sender.to_send)
    time.sleep(0.3)
    assert len(sender.to_send) < sent_then, "the session that was there goes on"
    for connection in crowd:
        connection.close()
    late = Sender(gateway.port, tags("late", 20), system_id="other").finish()
    assert late.statuses() == {0: 20}, "when there are descriptors again, clients come in"
    sender.finish()
    assert sender.statuses() == {0: 1200} and sender.connections == 1
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (soft, hard))
