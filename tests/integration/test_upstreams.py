"""How links to SMSCs are chosen, watched, slowed down, lost and brought back, and what clients are told meanwhile."""
from collections import Counter

import pytest

from harness import smpp
from harness.gateway import to
from harness.process import free_port, wait_until


def group(*carriers, name="carrier", hosts=None, **more):
    """An upstream with a host for each carrier; `hosts` are their options."""
    whole = to(carriers[0], name, **more)
    options = hosts or [{}] * len(carriers)
    whole["hosts"] = [{"address": f"127.0.0.1:{one.port}", **extra} for one, extra in zip(carriers, options)]
    return whole


def all_linked(smppd, count, upstream="carrier"):
    wait_until(
        lambda: smppd.metric("smppd_upstream_links", upstream=upstream, state="bound") == count,
        lambda: f"{count} links bound:\n{smppd.output}",
    )
    return smppd


def spread(session, carriers, count):
    """How many of `count` messages each carrier got."""
    before = [len(one.received) for one in carriers]
    for _ in range(count):
        assert session.request(smpp.submit_sm()).status == smpp.ROK
    return [len(one.received) - had for one, had in zip(carriers, before)]


def silent(*_):
    return None


@pytest.mark.parametrize("algorithm", ["round_robin", "weighted_round_robin", "random", "p2c", "least_connections"])
def test_messages_are_spread_over_the_hosts(gateway, carriers, shards, algorithm):
    smscs = [carriers() for _ in range(3)]
    # Of two idle hosts p2c takes the heavier, so its share is looked at between equals.
    weights = [{"weight": weight} for weight in ((1, 1, 1) if algorithm == "p2c" else (60, 30, 10))]
    smppd = gateway(group(*smscs, hosts=weights, load_balancing=algorithm), shards=shards)
    counts = spread(all_linked(smppd, 3).bind(), smscs, 120)
    assert sum(counts) == 120
    if algorithm == "round_robin":
        assert counts == [40, 40, 40]
    elif algorithm == "weighted_round_robin":
        assert counts == [72, 36, 12]
    elif algorithm in ("random", "p2c"):
        assert min(counts) >= 10
    assert sum(smppd.metric("smppd_endpoint_requests_total", endpoint=f"127.0.0.1:{one.port}") for one in smscs) == 120


def test_ip_hash_keeps_an_address_on_its_host(gateway, carriers):
    smscs = [carriers() for _ in range(3)]
    smppd = all_linked(gateway(group(*smscs, load_balancing="ip_hash")), 3)
    taken = set()
    for last in range(2, 14):
        session = smppd.bind(source=f"127.0.0.{last}")
        counts = spread(session, smscs, 3)
        assert sorted(counts) == [0, 0, 3]
        taken.add(counts.index(3))
    assert len(taken) > 1


def test_cost_based_takes_the_cheapest_host_for_the_destination(gateway, carriers):
    smscs = [carriers(), carriers()]
    costs = [{"cost": {"+258": 1, "*": 9}}, {"cost": {"+258": 2, "*": 3}}]
    smppd = all_linked(gateway(group(*smscs, hosts=costs, load_balancing="cost_based")), 2)
    session = smppd.bind()
    for destination, cheapest in [("258841234567", 0), ("12125551234", 1)]:
        before = len(smscs[cheapest].received)
        assert session.request(smpp.submit_sm(destination=destination)).status == smpp.ROK
        assert len(smscs[cheapest].received) == before + 1


def test_latency_prefers_the_host_that_answers_sooner(gateway, carriers):
    quick, slow = carriers(), carriers()
    slow.answer = lambda one: smpp.time.sleep(0.05) or slow.accept(one)
    smppd = all_linked(gateway(group(quick, slow, load_balancing="latency")), 2)
    counts = spread(smppd.bind(), [quick, slow], 40)
    assert counts[0] > counts[1]


def test_hosts_of_lower_priority_wait_until_the_others_are_gone(gateway, carriers, shards):
    first, second = carriers(), carriers()
    hosts = [{"priority": 1}, {"priority": 2}]
    smppd = all_linked(gateway(group(first, second, hosts=hosts), shards=shards), 2)
    session = smppd.bind()
    assert spread(session, [first, second], 10) == [10, 0]
    first.close()
    all_linked(smppd, 1)
    assert spread(session, [first, second], 10) == [0, 10]


def test_a_host_that_is_down_does_not_cost_a_message(gateway, carriers, shards):
    alive = carriers()
    upstream = group(alive)
    upstream["hosts"].append({"address": f"127.0.0.1:{free_port()}"})
    smppd = gateway(upstream, shards=shards)
    assert spread(smppd.bind(), [alive], 20) == [20]


def test_each_host_may_have_credentials_of_its_own(gateway, carriers):
    one, other = carriers(), carriers()
    hosts = [{}, {"system_id": "second", "password": "better"}]
    all_linked(gateway(group(one, other, hosts=hosts)), 2)
    assert [smsc.binds[0].fields()["system_id"] for smsc in (one, other)] == ["carrier", "second"]
    assert other.binds[0].fields()["password"] == "better"


def test_row_36_all_bind_fields_are_the_upstreams(gateway, carrier):
    bind = {"system_type": "VMA", "addr_ton": 1, "addr_npi": 8, "address_range": "^258", "interface_version": "5.0"}
    all_linked(gateway(to(carrier, bind=bind)), 1)
    fields = carrier.binds[0].fields()
    assert carrier.binds[0].command == smpp.BIND_TRANSCEIVER
    assert fields == {
        "system_id": "carrier",
        "password": "secret",
        "system_type": "VMA",
        "interface_version": 0x50,
        "addr_ton": 1,
        "addr_npi": 8,
        "address_range": "^258",
        "tlvs": {},
    }


def test_a_lost_link_comes_back_with_growing_waits(gateway, carriers):
    carrier = carriers()
    reconnect = {"initial": "50ms", "max": "10s", "factor": 3, "jitter": 0}
    smppd = all_linked(gateway(to(carrier, reconnect=reconnect)), 1)
    port = carrier.port
    carrier.close()
    waits = lambda: [int(w) for w in smpp_retries(smppd)]  # noqa: E731
    wait_until(lambda: len(waits()) >= 4, "four attempts to connect")
    assert waits()[:4] == [50, 150, 450, 1350]
    returned = carriers(port=port)
    returned.link()
    all_linked(smppd, 1)
    assert spread(smppd.bind(), [returned], 3) == [3]


def smpp_retries(smppd):
    return [line.rpartition("retry_ms=")[2].split()[0] for line in smppd.lines if "retry_ms=" in line]


@pytest.mark.parametrize("status", [smpp.RINVPASWD, smpp.RINVSYSID, smpp.RINVSYSTYP])
def test_row_36_refused_credentials_are_not_tried_again(gateway, carriers, status):
    carrier = carriers(bind_status=status)
    smppd = gateway(to(carrier, reconnect={"initial": "10ms", "max": "10ms"}), bound=False)
    refused = lambda: smppd.metric("smppd_upstream_links", state="refused")  # noqa: E731
    wait_until(lambda: refused() == 1, "the link given up")
    session = smppd.bind()
    assert session.request(smpp.submit_sm()).status == smpp.RSYSERR
    carrier.stays_quiet(0.2)
    assert len(carrier.binds) == 1
    assert smppd.get("/readyz")[0] == 503


def test_row_35_a_bind_refused_because_the_old_one_lives_is_tried_again(gateway, carriers):
    carrier = carriers(bind_status=smpp.RALYBND)
    smppd = gateway(to(carrier, reconnect={"initial": "20ms", "max": "50ms"}), bound=False)
    wait_until(lambda: len(carrier.binds) >= 3, "three attempts to bind")
    carrier.bind_status = smpp.ROK
    all_linked(smppd, 1)


def test_row_35_an_smsc_that_says_unbind_is_answered_and_bound_again(gateway, carrier):
    smppd = all_linked(gateway(to(carrier)), 1)
    answer = carrier.response_to(carrier.link(), smpp.Pdu(smpp.UNBIND))
    assert (answer.command, answer.status, answer.body) == (0x80000006, smpp.ROK, b"")
    carrier.link(1)
    all_linked(smppd, 1)
    assert spread(smppd.bind(), [carrier], 3) == [3]


@pytest.mark.parametrize("status", [smpp.RTHROTTLED, smpp.RMSGQFUL])
def test_row_32_a_throttled_link_is_left_alone_for_a_while(gateway, carrier, status):
    throttling = {"pause": "400ms", "adaptive": False}
    smppd = all_linked(gateway(to(carrier, throttling=throttling)), 1)
    session = smppd.bind()
    carrier.answer = lambda one: one.pdu.response(status)
    assert session.request(smpp.submit_sm()).status == status
    carrier.answer = carrier.accept
    session.send(smpp.submit_sm())
    carrier.stays_quiet(0.15)
    assert session.receive().status == smpp.ROK
    assert smppd.metric("smppd_upstream_throttled_total") == 1


def test_row_32_an_adaptive_link_slows_down_when_all_is_refused(gateway, carrier):
    throttling = {"pause": "50ms", "decrease": 0.01, "increase_per_second": 0.01}
    smppd = all_linked(gateway(to(carrier, throttling=throttling)), 1)
    session = smppd.bind()
    spread(session, [carrier], 40)
    carrier.answer = lambda one: one.pdu.response(smpp.RTHROTTLED)
    for _ in range(8):
        assert session.request(smpp.submit_sm()).status == smpp.RTHROTTLED
    carrier.answer = carrier.accept
    for _ in range(20):
        session.send(smpp.submit_sm())
    had = len(carrier.received)
    carrier.wait_received(had + 1)
    # Unhindered it took 40 messages at once; slowed to a hundredth it cannot take 20 in this time.
    smpp.time.sleep(0.5)
    assert len(carrier.received) - had < 20


def test_row_32_random_refusals_cost_no_more_than_themselves(gateway, carrier):
    smppd = all_linked(gateway(to(carrier, window={"size": 20})), 1)
    session = smppd.bind()
    spread(session, [carrier], 200)
    count = iter(range(1_000_000))
    carrier.answer = lambda one: (
        one.pdu.response(smpp.RTHROTTLED) if next(count) % 100 == 50 else carrier.accept(one)
    )
    for _ in range(2000):
        session.send(smpp.submit_sm())
    statuses = [session.receive().status for _ in range(2000)]
    assert statuses.count(smpp.RTHROTTLED) == 20
    assert statuses.count(smpp.ROK) == 1980
    # A link that pauses a second for each would have been overtaken by `overload_wait`, or by this test's patience.
    assert smppd.metric("smppd_downstream_throttled_total") == 0


def test_row_33_an_unanswered_message_is_uncertain_and_never_sent_again(gateway, carriers, shards):
    carrier, other = carriers(), carriers()
    carrier.answer = silent
    upstream = group(carrier, other, hosts=[{"priority": 1}, {"priority": 2}], timeouts={"response": "300ms"})
    listener = {"smpp": {"uncertain_status": "ESME_RX_P_APPN"}}
    smppd = all_linked(gateway(upstream, shards=shards, listener=listener), 2)
    session = smppd.bind()
    assert session.request(smpp.submit_sm()).status == 0x65
    carrier.stays_quiet(0.2)
    assert (len(carrier.received), len(other.received)) == (1, 0)
    assert smppd.metric("smppd_flow_uncertain_messages_total") == 1
    assert smppd.metric("smppd_messages_total", status="uncertain", upstream="carrier", client="client") == 1


def test_row_33_messages_in_flight_on_a_lost_link_are_uncertain(gateway, carriers, shards):
    carrier, other = carriers(), carriers()
    carrier.answer = silent
    upstream = group(carrier, other, hosts=[{"priority": 1}, {"priority": 2}])
    clients = [{"system_id": "client", "password": "secret", "uncertain_status": "ESME_RX_T_APPN"}]
    smppd = all_linked(gateway(upstream, shards=shards, clients=clients), 2)
    session = smppd.bind()
    sent = [session.send(smpp.submit_sm()).sequence for _ in range(3)]
    carrier.wait_received(3)
    carrier.close()
    answers = [session.receive() for _ in sent]
    assert sorted(answer.sequence for answer in answers) == sent
    assert {answer.status for answer in answers} == {smpp.RX_T_APPN}
    assert len(other.received) == 0
    assert smppd.metric("smppd_flow_uncertain_messages_total") == 3
    assert spread(session, [other], 2) == [2]


def test_row_30_responses_out_of_order_find_their_requests(gateway, carrier, shards):
    carrier.answer = silent
    smppd = all_linked(gateway(to(carrier, message_id="upstream"), shards=shards), 1)
    session = smppd.bind()
    sent = [session.send(smpp.submit_sm(destination=f"25884000000{n}")) for n in range(5)]
    received = carrier.wait_received(5)
    for one in reversed(received):
        carrier.send(one.link, one.pdu.response(0, smpp.cstring("id-" + one.fields["destination_addr"][-1])))
    for _ in sent:
        answer = session.receive()
        assert answer.fields()["message_id"] == f"id-{answer.sequence - sent[0].sequence}"


def test_row_30_late_and_unknown_responses_harm_nobody(gateway, carrier):
    carrier.answer = silent
    smppd = all_linked(gateway(to(carrier, timeouts={"response": "200ms"})), 1)
    session = smppd.bind()
    assert session.request(smpp.submit_sm()).status == smpp.RSYSERR
    (one,) = carrier.received
    carrier.send(one.link, one.pdu.response(0, b"late\0"))
    carrier.send(one.link, smpp.Pdu(0x80000004, b"nobody\0", sequence=4711))
    wait_until(lambda: smppd.metric("smppd_upstream_late_responses_total") == 1, "the late response counted")
    wait_until(lambda: smppd.metric("smppd_upstream_unknown_responses_total") == 1, "the unknown response counted")
    carrier.answer = carrier.accept
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    assert smppd.metric("smppd_flow_late_responses_total") == 1


def test_row_31_no_link_ever_carries_more_than_its_window(gateway, carrier, shards):
    carrier.answer = silent
    smppd = all_linked(gateway(to(carrier, window=4), shards=shards), 1)
    sessions = [smppd.bind() for _ in range(4)]
    for session in sessions:
        for _ in range(5):
            session.send(smpp.submit_sm())
    carrier.wait_received(4)
    carrier.stays_quiet(0.15)
    for count in range(5, 21):
        one = carrier.received[count - 5]
        carrier.send(one.link, carrier.accept(one))
        carrier.wait_received(count)
        assert len(carrier.received) == count
    for one in carrier.received[16:]:
        carrier.send(one.link, carrier.accept(one))
    for session in sessions:
        assert [session.receive().status for _ in range(5)] == [smpp.ROK] * 5


@pytest.mark.parametrize("overload, status", [("throttle", smpp.RTHROTTLED), ("queue_full", smpp.RMSGQFUL)])
def test_row_31_a_full_window_may_be_told_to_the_client_at_once(gateway, carrier, overload, status, shards):
    carrier.answer = silent
    smppd = all_linked(gateway(to(carrier, window=2), shards=shards, listener={"smpp": {"overload": overload}}), 1)
    session = smppd.bind()
    for _ in range(2):
        session.send(smpp.submit_sm())
    carrier.wait_received(2)
    for other in [session, *(smppd.bind() for _ in range(4))]:  # on whatever shards
        assert other.request(smpp.submit_sm()).status == status
    for one in list(carrier.received):
        carrier.send(one.link, carrier.accept(one))
    assert [session.receive().status for _ in range(2)] == [smpp.ROK] * 2


def test_row_31_waiting_for_a_window_ends_with_throttled(gateway, carrier, shards):
    carrier.answer = silent
    listener = {"smpp": {"overload_wait": "200ms"}}
    smppd = all_linked(gateway(to(carrier, window=1), shards=shards, listener=listener), 1)
    first, *others = [smppd.bind() for _ in range(5)]  # on whatever shards
    first.send(smpp.submit_sm())
    carrier.wait_received(1)
    for other in others:
        assert other.request(smpp.submit_sm()).status == smpp.RTHROTTLED
    assert smppd.metric("smppd_downstream_throttled_total") == len(others)
    carrier.send(carrier.received[0].link, carrier.accept(carrier.received[0]))
    assert first.receive().status == smpp.ROK


def test_row_31_requests_that_wait_behind_each_other_end_together(gateway, carrier):
    """Each once had a wait of its own: what a client sent behind them, answers to its receipts too, was read that much later."""
    carrier.answer = silent
    listener = {"smpp": {"overload_wait": "300ms"}}
    smppd = all_linked(gateway(to(carrier, window=1), listener=listener), 1)
    first, other = smppd.bind(), smppd.bind()
    first.send(smpp.submit_sm())
    carrier.wait_received(1)
    requests = [*(smpp.submit_sm() for _ in range(20)), smpp.Pdu(smpp.ENQUIRE_LINK)]
    for number, one in enumerate(requests, 100):
        one.sequence = number
    other.send_bytes(b"".join(one.encode() for one in requests))
    assert [other.receive().status for _ in range(20)] == [smpp.RTHROTTLED] * 20
    assert other.receive().command == smpp.ENQUIRE_LINK | 0x80000000
    together = smppd.metric("smppd_flow_window_waits_total")
    # What comes later has a patience of its own, and looks for room as often as all those did.
    assert other.request(smpp.submit_sm()).status == smpp.RTHROTTLED
    alone = smppd.metric("smppd_flow_window_waits_total") - together
    assert 0 < together < 5 * alone
    carrier.send(carrier.received[0].link, carrier.accept(carrier.received[0]))
    assert first.receive().status == smpp.ROK


def test_row_31_a_clients_window_holds_its_further_requests_back(gateway, carrier):
    carrier.answer = silent
    smppd = all_linked(gateway(to(carrier, window=50), client={"window_size": 2}), 1)
    session = smppd.bind()
    for _ in range(5):
        session.send(smpp.submit_sm())
    carrier.wait_received(2)
    carrier.stays_quiet(0.15)
    carrier.send(carrier.received[0].link, carrier.accept(carrier.received[0]))
    carrier.wait_received(3)


def test_an_upstreams_rate_limit_is_kept(gateway, carrier, shards):
    limit = {"messages_per_second": 5, "burst": 3}
    smppd = all_linked(gateway(to(carrier, rate_limit=limit), shards=shards), 1)
    session = smppd.bind()
    started = smpp.time.monotonic()
    for _ in range(6):
        session.send(smpp.submit_sm())
    carrier.wait_received(6)
    # Three at once, three more at five a second.
    assert smpp.time.monotonic() - started >= 0.5
    assert [session.receive().status for _ in range(6)] == [smpp.ROK] * 6


def test_transmitter_and_receiver_pairs_send_on_one_and_receive_on_the_other(gateway, carrier, shards):
    smppd = all_linked(gateway(to(carrier, bind={"type": "pair"}), shards=shards), 2)
    assert sorted(bind.command for bind in carrier.binds) == [smpp.BIND_RECEIVER, smpp.BIND_TRANSMITTER]
    receiver = carrier.links[[bind.command for bind in carrier.binds].index(smpp.BIND_RECEIVER)]
    session = smppd.bind()
    answer = session.request(smpp.submit_sm(registered_delivery=1))
    (one,) = carrier.wait_received()
    assert one.link is not receiver
    carrier.receipts = False
    carrier.send_receipt(one, link=receiver)
    receipt = session.receive_command(smpp.DELIVER_SM)
    assert receipt.fields()["tlvs"][0x1E] == smpp.cstring(answer.fields()["message_id"])


def test_row_34_a_link_that_does_not_answer_enquire_link_is_bound_again(gateway, carriers):
    carrier = carriers()
    serve = carrier._one
    carrier._one = lambda link, pdu: None if pdu.command == smpp.ENQUIRE_LINK else serve(link, pdu)
    upstream = to(carrier, enquire_link={"interval": "100ms", "timeout": "100ms"}, health={"threshold": 2})
    smppd = gateway(upstream, bound=False)
    wait_until(lambda: any("enquire_link was not answered" in line for line in smppd.lines), "the dead link noticed")
    carrier._one = serve
    carrier.link(1)
    all_linked(smppd, 1)
    assert spread(smppd.bind(), [carrier], 2) == [2]


def test_row_34_the_smscs_enquire_link_is_answered(gateway, carrier):
    all_linked(gateway(to(carrier)), 1)
    answer = carrier.response_to(carrier.link(), smpp.Pdu(smpp.ENQUIRE_LINK, b"stray"))
    assert (answer.command, answer.status, answer.body) == (0x80000015, smpp.ROK, b"")


def test_row_29_sequence_numbers_of_the_client_are_echoed_and_ours_are_positive(gateway, carrier):
    smppd = all_linked(gateway(to(carrier)), 1)
    session = smppd.bind()
    for sequence in (0, 0x7FFFFFFF, 0xFFFFFFFF, 1):
        session.send_bytes(smpp.Pdu(smpp.SUBMIT_SM, smpp.submit_sm().body, sequence=sequence).encode())
        assert session.receive().sequence == sequence
    assert all(1 <= one.pdu.sequence <= 0x7FFFFFFF for one in carrier.received)


@pytest.mark.parametrize("version", ["3.3", "3.4", "5.0"])
@pytest.mark.parametrize("interface_version", [0x33, 0x34, 0x50])
def test_row_37_every_version_of_client_reaches_every_version_of_smsc(gateway, carrier, version, interface_version):
    if version == "3.3":
        carrier.bind_tlvs = b""
    kind = "trx"
    smppd = all_linked(gateway(to(carrier, bind={"interface_version": version})), 1)
    session = smppd.bind(kind, interface_version=interface_version)
    tlvs = b"" if interface_version == 0x33 else smpp.tlv(0x0204, b"\x12\x34")
    answer = session.request(smpp.submit_sm(tlvs=tlvs, registered_delivery=1))
    assert answer.status == smpp.ROK
    fields = carrier.wait_received()[0].fields
    assert fields["short_message"] == b"hello"
    assert fields["tlvs"] == ({0x0204: b"\x12\x34"} if tlvs and version != "3.3" else {})
    receipt = session.receive_command(smpp.DELIVER_SM).fields()
    assert receipt["short_message"].startswith(b"id:" + answer.fields()["message_id"].encode())
    assert bool(receipt["tlvs"]) == (interface_version != 0x33)


def test_row_37_a_payload_becomes_short_message_for_a_3_3_smsc_and_too_long_ones_are_refused(gateway, carrier):
    smppd = all_linked(gateway(to(carrier, bind={"interface_version": "3.3"})), 1)
    session = smppd.bind()
    payload = lambda size: smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, b"p" * size)  # noqa: E731
    assert session.request(smpp.submit_sm(short_message=b"", tlvs=payload(200))).status == smpp.ROK
    fields = carrier.received[0].fields
    assert (fields["short_message"], fields["tlvs"]) == (b"p" * 200, {})
    assert session.request(smpp.submit_sm(short_message=b"", tlvs=payload(300))).status == smpp.RINVMSGLEN
    assert len(carrier.received) == 1


@pytest.mark.parametrize("status", [0x400, 0x4FF, 0x94, 0x0B, 0x45, 0xFE])
def test_row_53_the_smscs_own_status_reaches_the_client(gateway, carrier, status):
    smppd = all_linked(gateway(to(carrier)), 1)
    carrier.answer = lambda one: one.pdu.response(status)
    answer = smppd.bind().request(smpp.submit_sm())
    assert (answer.command, answer.status, answer.body) == (0x80000004, status, b"")


@pytest.mark.parametrize("body", [b"", b"\0", b"id\0", b"id"], ids=["none", "nul", "id", "id without nul"])
def test_row_19_error_responses_come_with_and_without_a_body(gateway, carrier, body):
    smppd = all_linked(gateway(to(carrier)), 1)
    session = smppd.bind()
    carrier.answer = lambda one: one.pdu.response(smpp.RINVDSTADR, body)
    answer = session.request(smpp.submit_sm())
    assert (answer.status, answer.body) == (smpp.RINVDSTADR, b"")
    carrier.answer = carrier.accept
    assert session.request(smpp.submit_sm()).status == smpp.ROK


def test_a_generic_nack_from_the_smsc_answers_the_request(gateway, carrier):
    smppd = all_linked(gateway(to(carrier)), 1)
    carrier.answer = lambda one: smpp.Pdu(smpp.GENERIC_NACK, b"", smpp.RINVCMDID, one.pdu.sequence)
    session = smppd.bind()
    answer = session.request(smpp.submit_sm())
    assert answer.status == smpp.RINVCMDID


def test_an_smsc_that_talks_nonsense_is_left_and_bound_again(gateway, carrier):
    smppd = all_linked(gateway(to(carrier)), 1)
    session = smppd.bind()
    carrier.link().send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    carrier.link(1)
    all_linked(smppd, 1)
    assert spread(session, [carrier], 1) == [1]
    assert smppd.metric("smppd_upstream_malformed_total") == 1


def test_a_busy_pool_grows_to_its_maximum_and_no_further(gateway, carrier, shards):
    carrier.answer = silent
    pool = {"min_connections": 1, "max_connections": 3}
    smppd = all_linked(gateway(to(carrier, window=1, pool=pool), shards=shards), 1)
    session = smppd.bind()
    for _ in range(5):
        session.send(smpp.submit_sm())
    carrier.wait_received(3)
    carrier.stays_quiet(0.15)
    assert len(carrier.links) == 3


def test_five_failures_in_a_row_keep_traffic_away_from_a_host(gateway, carriers):
    bad, good = carriers(), carriers()
    bad.answer = lambda one: one.pdu.response(smpp.RSYSERR)
    failover = {"threshold": 5, "recovery_time": "1h"}
    smppd = all_linked(gateway(group(bad, good, failover=failover)), 2)
    session = smppd.bind()
    statuses = Counter(session.request(smpp.submit_sm()).status for _ in range(30))
    assert statuses == {smpp.RSYSERR: 5, smpp.ROK: 25}
    assert smppd.metric("smppd_upstream_breaker_open") == 1
