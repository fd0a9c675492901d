"""Connections that break, at any octet: transaction mode never lies, and nothing is sent twice."""
import random
import time

import pytest

from harness.gate import Lane, Script
from harness.gateway import impatient
from harness.process import wait_until
from harness.traffic import NO_UPSTREAM, UNCERTAIN, Sender, agree, tags


def cut_somewhere(choice, low, high):
    """Each connection is cut after some octets of one direction, so mostly in the middle of a PDU."""

    def script(_):
        cut = choice.randint(low, high)
        return Script(forth=Lane(cut_after=cut)) if choice.random() < 0.5 else Script(back=Lane(cut_after=cut))

    return script


@pytest.mark.parametrize("shards", [1, 2])
def test_the_books_agree_however_links_are_cut(smppd, carriers, gates, shards):
    choice = random.Random(shards)
    both = [carriers(), carriers()]
    before = [gates(carrier.port) for carrier in both]
    for gate in before:
        gate.script = cut_somewhere(choice, 300, 6000)
    hosts = [{"address": f"127.0.0.1:{gate.port}"} for gate in before]
    pool = {"min_connections": 2, "max_connections": 2}
    gateway = smppd(impatient("carrier", before[0].port, hosts=hosts, pool=pool), shards=shards)
    senders = [Sender(gateway.port, tags(f"s{n}", 300), pace=0.001) for n in range(3)]
    for sender in senders:
        sender.finish()
    agree(senders, both, refusals=(NO_UPSTREAM,))
    told = sum((sender.statuses() for sender in senders), start=senders[0].statuses().__class__())
    assert told[0] > 100 and told[UNCERTAIN] > 5, told
    assert not any(sender.lost for sender in senders), "no session was cut"
    assert gateway.metric("smppd_flow_uncertain_messages_total") == told[UNCERTAIN]
    assert gateway.metric("smppd_flow_never_sent_messages_total") + gateway.metric(
        "smppd_flow_no_upstream_messages_total"
    ) == told[NO_UPSTREAM]


@pytest.mark.parametrize("shards", [1, 2])
def test_the_books_agree_however_sessions_are_cut(smppd, carriers, gates, shards):
    choice = random.Random(shards + 10)
    carrier = carriers()
    gateway = smppd(impatient("carrier", carrier.port, window={"size": 50}), shards=shards)
    gate = gates(gateway.port)
    gate.script = cut_somewhere(choice, 500, 8000)
    senders = [Sender(gate.port, tags(f"s{n}", 300)) for n in range(3)]
    for sender in senders:
        sender.finish()
    at_carrier = agree(senders, [carrier])
    lost = set().union(*(sender.lost for sender in senders))
    assert len(lost) > 10, "sessions were cut with requests open"
    told = senders[0].statuses() + senders[1].statuses() + senders[2].statuses()
    assert told[0] + len(lost) == 900, told
    assert sum(at_carrier.values()) >= told[0]
    # smppd's books are closed too: nobody is left, nothing is in flight.
    wait_until(lambda: gateway.metric("smppd_connection_active") == 0, "no session is left")
    wait_until(lambda: gateway.metric("smppd_upstream_in_flight") == 0, "nothing is in flight")
    with_new = Sender(gateway.port, tags("new", 10)).finish()
    assert with_new.statuses() == {0: 10}


def test_receipts_reach_their_client_however_links_are_cut(smppd, carriers, gates):
    choice = random.Random(5)
    carrier = carriers(stubborn=True)
    gate = gates(carrier.port)
    gate.script = cut_somewhere(choice, 2000, 9000)
    gateway = smppd(impatient("carrier", gate.port, pool={"min_connections": 2, "max_connections": 2}), shards=2)
    senders = [Sender(gateway.port, tags(name, 150), receipts=True, system_id=name) for name in ("client", "other")]
    for sender in senders:
        sender.stay.clear()
    wait_until(lambda: not any(sender.to_send for sender in senders), "everything is sent", timeout=20)
    time.sleep(1.2)
    gate.script = lambda _: Script()  # from now on links live
    for connection in gate.open_connections():
        connection.reset()
    wait_until(lambda: carrier.owed == 0, lambda: f"{carrier.owed} receipts are owed", timeout=20)
    for sender in senders:
        sender.finish()
    agree(senders, [carrier], refusals=(NO_UPSTREAM,))
    for sender in senders:
        accepted = {answers[0][1] for answers in sender.answers.values() if answers and answers[0][0] == 0}
        assert len(accepted) > 50
        missing = accepted - set(sender.delivered)
        assert not missing, f"{len(missing)} of {len(accepted)} without their receipt"
        assert set(sender.delivered) <= accepted, "a receipt for a message that was not accepted, or of another client"


def test_a_client_that_only_stops_sending_is_answered_or_closed(smppd, carriers, gates):
    """Half-closed by the client with requests open: no answer is invented, nothing is sent twice, nothing stays behind."""
    carrier = carriers()
    gateway = smppd(impatient("carrier", carrier.port))
    gate = gates(gateway.port)
    sender = Sender(gate.port, tags("half", 200), pace=0.002)
    wait_until(lambda: len(carrier.received) > 20, "traffic flows")
    gate.conn(0).half_close("forth")
    sender.finish()
    agree([sender], [carrier])
    assert sender.connections >= 2
    wait_until(lambda: gateway.metric("smppd_upstream_in_flight") == 0, "nothing is in flight")
