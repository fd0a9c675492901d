"""Links over their life: pools, breakers, recovery, and an SMSC that is killed with requests in flight."""
import threading
import time

import pytest

from harness import smpp
from harness.gateway import to
from harness.process import Smppsim, wait_until


def links(smppd, state, upstream="carrier"):
    return smppd.metric("smppd_upstream_links", upstream=upstream, state=state)


def keep_submitting(session, seconds, pause=0.01):
    """The statuses of requests sent one after the other for so long."""
    answered, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        answered.append(session.request(smpp.submit_sm()).status)
        time.sleep(pause)
    return answered


# --- the pool


def test_a_link_is_replaced_after_its_lifetime_and_no_message_suffers(gateway, carriers, shards):
    carrier = carriers(receipts=False)
    smppd = gateway(to(carrier, pool={"min_connections": 2, "max_connections": 2, "max_lifetime": "500ms"}), shards=shards)
    wait_until(lambda: links(smppd, "bound") == 2, "both links bound")
    session = smppd.bind()
    assert set(keep_submitting(session, 2.5)) == {smpp.ROK}
    assert len(carrier.links) >= 5
    assert smppd.metric("smppd_upstream_lost_total") == 0


def test_a_link_that_is_always_busy_is_replaced_too(gateway, carriers):
    """The window of a loaded link is never empty by itself: the link must stop taking requests first."""
    carrier = carriers(receipts=False)
    carrier.answer = lambda one: time.sleep(0.005) or carrier.accept(one)
    smppd = gateway(to(carrier, window=20, pool={"max_lifetime": "500ms"}))
    session = smppd.bind()
    stop = time.monotonic() + 3
    sent = answered = 0
    while time.monotonic() < stop:
        while sent - answered < 20:
            session.send(smpp.submit_sm())
            sent += 1
        assert session.receive().status == smpp.ROK
        answered += 1
    while answered < sent:
        assert session.receive().status == smpp.ROK
        answered += 1
    assert len(carrier.links) >= 3
    assert smppd.metric("smppd_upstream_lost_total") == 0


def test_links_over_the_minimum_leave_after_the_idle_timeout(gateway, carriers, shards):
    carrier = carriers(receipts=False)
    carrier.answer = lambda one: None
    pool = {"min_connections": 1, "max_connections": 3, "idle_timeout": "400ms"}
    smppd = gateway(to(carrier, window=1, pool=pool), shards=shards)
    session = smppd.bind()
    for _ in range(3):
        session.send(smpp.submit_sm())
    wait_until(lambda: links(smppd, "bound") == 3, "the pool has grown")
    for one in carrier.wait_received(3):
        carrier.send(one.link, carrier.accept(one))
    assert [session.receive().status for _ in range(3)] == [smpp.ROK] * 3
    wait_until(lambda: links(smppd, "bound") == 1, "the pool has shrunk")
    time.sleep(0.6)
    assert links(smppd, "bound") == 1, "the minimum stays"
    carrier.answer = carrier.accept
    assert session.request(smpp.submit_sm()).status == smpp.ROK


# --- the breaker


def failing(carrier):
    carrier.answer = lambda one: one.pdu.response(smpp.RSYSERR)


def test_a_breaker_lets_one_message_try_and_closes_when_it_succeeds(gateway, carriers):
    carrier = carriers(receipts=False)
    smppd = gateway(to(carrier, failover={"threshold": 3, "recovery_time": "700ms"}))
    session = smppd.bind()
    failing(carrier)
    answered = [session.request(smpp.submit_sm()).status for _ in range(10)]
    assert answered == [smpp.RSYSERR] * 10
    assert len(carrier.received) == 3, "the others did not leave smppd"
    assert smppd.metric("smppd_upstream_breaker_open") == 1
    # Half open: of many at once a single one goes out, and its failure closes the door again.
    time.sleep(0.8)
    for _ in range(10):
        session.send(smpp.submit_sm())
    assert [session.receive().status for _ in range(10)] == [smpp.RSYSERR] * 10
    assert len(carrier.received) == 4
    carrier.answer = carrier.accept
    time.sleep(0.8)
    answered = [session.request(smpp.submit_sm()).status for _ in range(10)]
    assert answered == [smpp.ROK] * 10
    assert smppd.metric("smppd_upstream_breaker_open") == 0


def test_the_fallback_takes_over_while_the_breaker_is_open(gateway, carriers, shards):
    carrier, spare = carriers(receipts=False), carriers(receipts=False)
    failing(carrier)
    failover = {"threshold": 2, "recovery_time": "600ms", "fallback": "spare"}
    smppd = gateway(to(carrier, failover=failover), to(spare, "spare"), shards=shards)
    wait_until(lambda: links(smppd, "bound", "spare") == 1, "the spare is bound")
    session = smppd.bind()
    answered = [session.request(smpp.submit_sm()).status for _ in range(10)]
    assert answered == [smpp.RSYSERR] * 2 + [smpp.ROK] * 8
    carrier.answer = carrier.accept
    had = len(carrier.received)
    time.sleep(0.7)
    assert [session.request(smpp.submit_sm()).status for _ in range(5)] == [smpp.ROK] * 5
    assert len(carrier.received) == had + 5, "traffic is back where it belongs"


# --- recovery


def test_a_link_that_was_lost_proves_itself_before_it_gets_traffic(gateway, carriers):
    carrier = carriers(receipts=False)
    asked = []
    plain = carrier._one

    def count_enquiries(link, pdu):
        if pdu.command == smpp.ENQUIRE_LINK:
            asked.append(link)
            time.sleep(0.1)
        plain(link, pdu)

    carrier._one = count_enquiries
    health = {"interval": "60s", "recovery_threshold": 4}
    smppd = gateway(to(carrier, health=health, enquire_link="60s"))
    session = smppd.bind()
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    assert not asked, "a first bind needs no proof"
    carrier.link().close()
    again = carrier.link(1)
    wait_until(lambda: links(smppd, "warming") == 1, "the new link warms up")
    assert session.request(smpp.submit_sm()).status == smpp.RSYSERR
    wait_until(lambda: links(smppd, "bound") == 1, "bound")
    assert asked == [again] * 3
    assert session.request(smpp.submit_sm()).status == smpp.ROK


# --- an SMSC that is killed


@pytest.mark.parametrize("uncertain", [None, "ESME_RSUBMITFAIL"])
def test_rows_33_an_smsc_killed_with_requests_in_flight_leaves_them_uncertain(gateway, start, tmp_path, shards, uncertain):
    sim = start(Smppsim(tmp_path, "--latency", "10s"))
    upstream = {
        "name": "carrier",
        "hosts": [f"127.0.0.1:{sim.port}"],
        "bind": {"system_id": "carrier", "password": "secret"},
        "reconnect": {"initial": "100ms", "max": "300ms"},
        "window": 50,
    }
    client = {"uncertain_status": uncertain} if uncertain else {}
    smppd = gateway(upstream, client=client, shards=shards)
    sessions = [smppd.bind() for _ in range(4)]
    for session in sessions:
        for _ in range(10):
            session.send(smpp.submit_sm())
    wait_until(lambda: smppd.metric("smppd_upstream_in_flight") == 40, "all are in flight")
    sim.kill()
    expected = 0x45 if uncertain else smpp.RSYSERR
    for session in sessions:
        answers = [session.receive() for _ in range(10)]
        assert [answer.status for answer in answers] == [expected] * 10
        assert sorted(answer.sequence for answer in answers) == list(range(2, 12))
    assert smppd.metric("smppd_messages_total", status="uncertain", client="client") == 40
    assert smppd.metric("smppd_upstream_lost_total") == 40
    smppd.wait_for_line("outcome unknown.*link lost")
    # A new SMSC on the same port gets none of them, and new traffic.
    log = "second.jsonl"
    again = start(Smppsim(tmp_path, port=sim.port, log=log))
    wait_until(lambda: links(smppd, "bound") == 1, "bound again")
    assert sessions[0].request(smpp.submit_sm()).status == smpp.ROK
    wait_until(lambda: smppd.metric("smppd_messages_total", status="accepted") == 1, "counted")
    submits = [event for event in again.events() if event.get("direction") == "in" and "'submit_sm'" in str(event)]
    assert len(submits) == 1


# --- a client that reads slowly


def resident(smppd):
    with open(f"/proc/{smppd.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024


def test_a_client_that_reads_nothing_costs_a_window_and_nobody_else(gateway, carriers, shards):
    """Its deliver_sm stay unanswered: the window fills, the rest stays with the SMSC, other clients get theirs."""
    carrier = carriers(receipts=False)
    mo_routes = [
        {"name": "slow", "match": {"destination_addr": "1000"}, "client": "slow"},
        {"name": "other", "match": {"destination_addr": "2000"}, "client": "other"},
    ]
    clients = [{"system_id": name, "password": "secret"} for name in ("slow", "other")]
    listener = {"timeouts": {"response": "60s"}, "smpp": {"deliver_window": 20, "enquire_link_interval": "60s"}}
    smppd = gateway(to(carrier), clients=clients, mo_routes=mo_routes, listener=listener, shards=shards)
    slow, other = (smppd.bind("rx", system_id=name) for name in ("slow", "other"))
    payload = smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, b"x" * 20_000)
    link = carrier.link()
    carrier.redeliver_after = 3600
    before = resident(smppd)
    sent = []
    for _ in range(400):
        sent.append(carrier.send(link, smpp.deliver_sm(destination="1000", short_message=b"", tlvs=payload)))
    refused = [carrier.response_to_sent(pdu).status for pdu in sent[20:]]
    assert refused == [smpp.RX_T_APPN] * 380
    began = time.monotonic()
    for number in range(50):
        pdu = carrier.send(link, smpp.deliver_sm(destination="2000", short_message=b"%d" % number))
        got = other.receive_command(smpp.DELIVER_SM)
        assert got.fields()["short_message"] == b"%d" % number
        other.send(got.response(0, b"\0"))
        assert carrier.response_to_sent(pdu).status == smpp.ROK
    assert time.monotonic() - began < 5
    assert resident(smppd) - before < 16 << 20, "8 MB came, 20 windows of 20 kB stay"
    for pdu in sent[:20]:
        slow.send(slow.receive_command(smpp.DELIVER_SM).response(0, b"\0"))
        assert carrier.response_to_sent(pdu).status == smpp.ROK


def test_a_client_that_submits_and_never_reads_its_answers_is_stopped_and_closed(gateway, carriers):
    carrier = carriers(receipts=False)
    listener = {"timeouts": {"write": "1s"}, "smpp": {"window_size": 100_000}}
    smppd = gateway({"name": "carrier", "mock": {"latency": "1ms"}}, listener=listener)
    deaf, other = smppd.bind(), smppd.bind()
    before = resident(smppd)
    pdus = b"".join(smpp.Pdu(0x99, b"", 0, n + 10).encode() for n in range(20_000))
    deaf.socket.settimeout(0.5)
    blocked = threading.Event()

    def flood():
        try:
            for _ in range(60):
                deaf.send_bytes(pdus)
        except (OSError, TimeoutError):
            blocked.set()

    flooding = threading.Thread(target=flood, daemon=True)
    flooding.start()
    began = time.monotonic()
    while time.monotonic() - began < 1:
        asked = time.monotonic()
        assert other.request(smpp.submit_sm()).status == smpp.ROK
        assert time.monotonic() - asked < 1
    flooding.join(10)
    assert blocked.is_set(), "19 MB went in although nothing was read"
    assert resident(smppd) - before < 32 << 20
    wait_until(lambda: smppd.metric("smppd_downstream_write_timeouts_total") == 1, "the deaf session is closed", 5)
    assert other.request(smpp.submit_sm()).status == smpp.ROK
    assert not carrier.received
