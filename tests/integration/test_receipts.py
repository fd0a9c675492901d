"""Receipts find the message they are about and the client that sent it, however the SMSC writes them."""
import re

import pytest

from harness import smpp
from harness.gateway import mock, to
from harness.process import wait_until
from harness.receipts import MESSAGE_ID, STATE, receipt, submitted, text_id, told


@pytest.fixture
def carrier(carriers):
    """Receipts are sent by the tests."""
    return carriers(receipts=False)


def is_told(session, carrier, message_id, pdu, link=None, state=b"stat:DELIVRD"):
    """The receipt reaches the client under its own id, and the SMSC hears that it did."""
    sent = carrier.send(link or carrier.link(), pdu)
    fields = told(session)
    assert text_id(fields) == message_id
    assert fields["tlvs"][MESSAGE_ID] == smpp.cstring(message_id)
    assert fields["esm_class"] & 0x3C == 4
    assert state in fields["short_message"]
    assert carrier.response_to_sent(sent).status == smpp.ROK
    return fields


def is_swallowed(session, carrier, pdu):
    """The receipt is acknowledged and nobody is told."""
    answer = carrier.response_to(carrier.link(), pdu)
    assert (answer.status, answer.body) == (smpp.ROK, b"\0")
    with pytest.raises(TimeoutError):
        session.receive(0.15)


@pytest.mark.parametrize(
    "id_format, given, reported",
    [
        ("auto", "1a2b3c", "1715004"),
        ("auto", "1715004", "1a2b3c"),
        ("hex_to_dec", "1A2B3C", "1715004"),
        ("dec_to_hex", "1715004", "1A2B3C"),
        ("as_is", "carrier-0001", "carrier-0001"),
        ("auto", "00000abc", "abc"),
        ("auto", "ABCDEF01", "abcdef01"),
        ("auto", "9f1c2d3e-0000-4aaa-8bbb-123456789abc", "9F1C2D3E-0000-4AAA-8BBB-123456789ABC"),
        ("auto", "SAR-4711-2-1", "SAR-4711-2-1"),
        ("auto", "x" * 64, "x" * 64),
    ],
)
def test_rows_2_3_4_ids_are_matched_however_the_carrier_writes_them(gateway, carrier, id_format, given, reported):
    carrier.id_format = given
    session = gateway(to(carrier, receipts={"id_format": id_format})).bind()
    message_id, one = submitted(session, carrier)
    is_told(session, carrier, message_id, receipt(one, smpp.receipt_text(reported)))


@pytest.mark.parametrize("given, reported", [("{}", "{:x}"), ("{:x}", "{}")], ids=["decimal-first", "hexadecimal-first"])
def test_row_58_small_ids_in_two_bases_are_told_apart_by_the_destination(gateway, carrier, given, reported):
    """One sender, ids that count from one: each receipt names the message of another one in the other base."""
    carrier.id_format = given
    session = gateway(to(carrier)).bind()
    count = 300
    sent = [submitted(session, carrier, destination=f"25884{1000000 + 977 * n}")[0] for n in range(1, count + 1)]
    for n, (message_id, one) in reversed(list(enumerate(zip(sent, carrier.received), 1))):
        carrier.send(carrier.link(), receipt(one, smpp.receipt_text(reported.format(n))))
        assert text_id(told(session)) == message_id, n


@pytest.mark.parametrize("hold", ["0", "2s"])
def test_row_1_a_receipt_before_the_response_is_parked_and_told(gateway, carrier, shards, hold):
    carrier.answer = lambda one: None
    smppd = gateway(to(carrier), shards=shards, receipts={"early_hold": hold})
    session = smppd.bind()
    session.send(smpp.submit_sm(registered_delivery=1))
    (one,) = carrier.wait_received()
    sent = carrier.send(one.link, receipt(one, smpp.receipt_text("early")))
    wait_until(lambda: smppd.metric("smppd_flow_receipts_parked_total") == 1, "the receipt parked")
    carrier.send(one.link, one.pdu.response(0, b"early\0"))
    answer = session.receive_command(0x80000004)
    assert text_id(told(session)) == answer.fields()["message_id"]
    assert carrier.response_to_sent(sent).status == smpp.ROK


def test_row_1_a_receipt_nobody_claims_is_acknowledged_in_the_end(gateway, carrier):
    smppd = gateway(to(carrier), receipts={"early_hold": "100ms", "park": "200ms"})
    session = smppd.bind()
    _, one = submitted(session, carrier)
    is_swallowed(session, carrier, receipt(one, smpp.receipt_text("unheard-of")))
    wait_until(lambda: smppd.metric("smppd_flow_receipts_unmatched_total") == 1, "the receipt given up")


def four_are_told(session, carrier, name):
    """Of messages to four numbers, with ids NAME-1 to NAME-4."""
    for number in range(1, 5):
        carrier.id_format = f"{name}-{number}"
        message_id, one = submitted(session, carrier, destination=f"25884000000{number}")
        is_told(session, carrier, message_id, receipt(one, smpp.receipt_text(one.message_id)))


def an_early_receipt_waits(smppd, session, carrier, upstream_id):
    """A message to another number has this id now, and its receipt comes before its response."""
    had = len(carrier.received)
    carrier.answer = lambda one: None
    session.send(smpp.submit_sm(registered_delivery=1, destination="258840000009"))
    one = carrier.wait_received(had + 1)[-1]
    sent = carrier.send(one.link, receipt(one, smpp.receipt_text(upstream_id)))
    wait_until(lambda: smppd.metric("smppd_flow_receipts_parked_total") == 1, "the receipt parked")
    carrier.send(one.link, one.pdu.response(0, upstream_id.encode() + b"\0"))
    answer = session.receive_command(0x80000004)
    assert text_id(told(session)) == answer.fields()["message_id"]
    assert carrier.response_to_sent(sent).status == smpp.ROK


@pytest.mark.parametrize("storage", [{}, {"storage": {"backend": "memory"}}], ids=["no-store", "memory"])
def test_row_1_an_early_receipt_of_an_id_that_is_given_again_waits_for_its_message(gateway, carrier, shards, storage):
    smppd = gateway(to(carrier), shards=shards, receipts={"untracked_entries": 0}, **storage)
    session = smppd.bind()
    four_are_told(session, carrier, "again")
    wait_until(lambda: smppd.metric("smppd_flow_receipts_told_marks") == 4, "the messages forgotten")
    an_early_receipt_waits(smppd, session, carrier, "again-1")
    assert smppd.metric("smppd_flow_receipts_duplicate_total") == 0


def test_row_1_an_early_receipt_of_an_id_that_a_message_without_one_had_waits_for_its_message(gateway, carrier, shards):
    smppd = gateway(to(carrier), shards=shards)
    session = smppd.bind()
    four_are_told(session, carrier, "before")
    carrier.id_format = "again"
    session.request(smpp.submit_sm(destination="258840000001"))
    an_early_receipt_waits(smppd, session, carrier, "again")
    assert smppd.metric("smppd_flow_receipts_unwanted_total") == 0


@pytest.mark.parametrize("held", [{"early_hold": "100ms"}, {"early_hold": "0", "park": "0"}, {"max_parked": 0}])
def test_rows_1_2_a_receipt_whose_id_is_nobodys_as_it_is_written_is_read_in_the_other_base_in_the_end(
    gateway, carrier, shards, held
):
    carrier.id_format = "7F3A21B0"
    smppd = gateway(to(carrier), shards=shards, receipts=held)
    session = smppd.bind()
    message_id, one = submitted(session, carrier)
    anonymous = smpp.deliver_sm(esm_class=4, short_message=smpp.receipt_text("2134516144"))
    is_told(session, carrier, message_id, anonymous)
    assert smppd.metric("smppd_flow_receipts_unmatched_total") == 0


def test_row_5_the_same_id_of_two_carriers_means_two_messages(gateway, carriers, shards):
    one, other = (carriers(receipts=False, id_format="same") for _ in range(2))
    routes = [
        {"name": "other", "match": {"destination_addr": "+1*"}, "upstream": "other"},
        {"name": "one", "upstream": "one"},
    ]
    session = gateway(to(one, "one"), to(other, "other"), shards=shards, routes=routes).bind()
    other.link()
    first, at_one = submitted(session, one)
    second, at_other = submitted(session, other, destination="12345")
    assert first != second
    is_told(session, other, second, receipt(at_other, smpp.receipt_text("same")))
    is_told(session, one, first, receipt(at_one, smpp.receipt_text("same")))


def test_rows_6_59_a_receipt_may_come_on_any_link_of_the_group(gateway, carriers, shards):
    first, second = carriers(receipts=False), carriers(receipts=False)
    upstream = to(first)
    upstream["hosts"].append({"address": f"127.0.0.1:{second.port}", "priority": 2})
    session = gateway(upstream, shards=shards).bind()
    message_id, one = submitted(session, first)
    is_told(session, second, message_id, receipt(one, smpp.receipt_text(one.message_id)))


def test_row_7_a_receipt_in_tlvs_alone_gets_a_text(gateway, carrier):
    session = gateway(to(carrier)).bind()
    message_id, one = submitted(session, carrier)
    tlvs = smpp.tlv(MESSAGE_ID, smpp.cstring(one.message_id)) + smpp.tlv(STATE, b"\x05")
    fields = is_told(session, carrier, message_id, receipt(one, tlvs=tlvs), state=b"stat:UNDELIV")
    assert fields["tlvs"][STATE] == b"\x05"


def test_row_8_the_id_may_be_in_the_tlv_and_the_state_in_the_text(gateway, carrier):
    session = gateway(to(carrier)).bind()
    message_id, one = submitted(session, carrier)
    tlvs = smpp.tlv(MESSAGE_ID, smpp.cstring(one.message_id))
    fields = is_told(session, carrier, message_id, receipt(one, b"id:ignored stat:EXPIRED", tlvs), state=b"stat:EXPIRED")
    assert fields["tlvs"][STATE] == b"\x03"


@pytest.mark.parametrize(
    "text, state",
    [
        ("id:{} stat:DELIVRD", "DELIVRD"),
        ("Stat:UNDELIV   ERR:00A  ID:{}  Text:hello", "UNDELIV"),
        ("id:{} sub:1 dlvrd:0 submit date:20260131120000 done date:000000000000 stat:EXPIRED err:nul text:", "EXPIRED"),
    ],
)
def test_rows_9_11_12_texts_come_in_any_order_and_shape(gateway, carrier, text, state):
    session = gateway(to(carrier)).bind()
    message_id, one = submitted(session, carrier)
    carrier.send(carrier.link(), receipt(one, text.format(one.message_id).encode()))
    fields = told(session)
    assert fields["tlvs"][MESSAGE_ID] == smpp.cstring(message_id)
    assert message_id.encode() in fields["short_message"] and state.encode() in fields["short_message"]


def test_rows_10_13_a_carriers_own_grammar_and_words(gateway, carrier):
    receipts = {"pattern": "^(?P<id>[^,]+),(?P<stat>[^,]+),(?P<err>[^,]*)$", "states": {"ok": "DELIVRD", "dead": "UNDELIV"}}
    session = gateway(to(carrier, receipts=receipts)).bind()
    message_id, one = submitted(session, carrier)
    is_told(session, carrier, message_id, receipt(one, f"{one.message_id},dead,7".encode()), state=b"stat:UNDELIV")


@pytest.mark.parametrize("esm_class", [0x44, 0x04, 0x08, 0x20])
def test_row_15_flags_of_a_receipt_are_taken_as_carriers_set_them(gateway, carrier, esm_class):
    session = gateway(to(carrier)).bind()
    message_id, one = submitted(session, carrier, registered_delivery=0x11)
    udh = b"\x05\x00\x03\x01\x01\x01" if esm_class & 0x40 else b""
    carrier.send(carrier.link(), receipt(one, udh + smpp.receipt_text(one.message_id), esm_class=esm_class))
    fields = told(session)
    assert fields["tlvs"][MESSAGE_ID] == smpp.cstring(message_id)


def test_row_15_an_unflagged_receipt_is_known_by_its_text_where_the_upstream_says_so(gateway, carrier):
    session = gateway(to(carrier, receipts={"detect_unflagged": True})).bind()
    message_id, one = submitted(session, carrier)
    is_told(session, carrier, message_id, receipt(one, smpp.receipt_text(one.message_id), esm_class=0))


def test_row_16_a_receipt_nobody_asked_for_is_acknowledged_and_not_told(gateway, carrier):
    smppd = gateway(to(carrier), receipts={"early_hold": "50ms"})
    session = smppd.bind()
    _, one = submitted(session, carrier, registered_delivery=0)
    is_swallowed(session, carrier, receipt(one, smpp.receipt_text(one.message_id)))


@pytest.mark.parametrize("asked, state, wanted", [
    (0x01, "ACCEPTD", False),
    (0x11, "ENROUTE", True),
    (0x01, "DELIVRD", True),
    (0x02, "DELIVRD", False),
    (0x02, "UNDELIV", True),
])
def test_rows_17_57_only_the_receipts_that_were_asked_for_are_told(gateway, carrier, asked, state, wanted):
    session = gateway(to(carrier)).bind()
    message_id, one = submitted(session, carrier, registered_delivery=asked)
    pdu = receipt(one, smpp.receipt_text(one.message_id, state), esm_class=0x20 if state == "ENROUTE" else 4)
    if not wanted:
        is_swallowed(session, carrier, pdu)
        return
    carrier.send(carrier.link(), pdu)
    assert told(session)["tlvs"][MESSAGE_ID] == smpp.cstring(message_id)


def test_row_18_exchanged_addresses_are_put_right(gateway, carrier):
    session = gateway(to(carrier, receipts={"swap_addresses": True})).bind()
    message_id, one = submitted(session, carrier, source="MYAPP", source_addr_ton=5, source_addr_npi=0)
    pdu = receipt(one, smpp.receipt_text(one.message_id), swapped=True)
    fields = is_told(session, carrier, message_id, pdu)
    assert (fields["source_addr"], fields["destination_addr"]) == ("258841234567", "MYAPP")


def test_row_57_no_receipt_is_made_up_from_a_response(gateway, carrier):
    session = gateway(to(carrier)).bind()
    submitted(session, carrier)
    with pytest.raises(TimeoutError):
        session.receive(0.3)


def test_row_54_a_transmitter_gets_its_receipts_on_a_receiver_of_the_same_client(gateway, carrier, shards):
    clients = [{"system_id": name, "password": "secret"} for name in ("client", "other")]
    smppd = gateway(to(carrier), shards=shards, clients=clients)
    sender, receiver, stranger = smppd.bind("tx"), smppd.bind("rx"), smppd.bind("rx", system_id="other")
    for _ in range(4):
        message_id, one = submitted(sender, carrier)
        is_told(receiver, carrier, message_id, receipt(one, smpp.receipt_text(one.message_id)))
    for quiet in (sender, stranger):
        with pytest.raises(TimeoutError):
            quiet.receive(0.1)


def test_row_54_while_the_client_is_away_the_smsc_keeps_the_receipt(gateway, carrier, shards):
    smppd = gateway(to(carrier), shards=shards)
    session = smppd.bind()
    message_id, one = submitted(session, carrier)
    session.request(smpp.Pdu(smpp.UNBIND))
    session.wait_closed()
    pdu = lambda: receipt(one, smpp.receipt_text(one.message_id))  # noqa: E731
    wait_until(
        lambda: carrier.response_to(carrier.link(), pdu()).status == smpp.RX_T_APPN, "the receipt left with the SMSC"
    )
    is_told(smppd.bind("rx"), carrier, message_id, pdu())


@pytest.mark.parametrize("status", [smpp.RX_T_APPN, 0x65, smpp.RSYSERR])
def test_row_55_the_clients_refusal_is_passed_on_and_the_smsc_may_try_again(gateway, carrier, shards, status):
    session = gateway(to(carrier), shards=shards).bind()
    message_id, one = submitted(session, carrier)
    sent = carrier.send(carrier.link(), receipt(one, smpp.receipt_text(one.message_id)))
    assert text_id(told(session, status)) == message_id
    assert carrier.response_to_sent(sent).status == status
    is_told(session, carrier, message_id, receipt(one, smpp.receipt_text(one.message_id)))
    is_swallowed(session, carrier, receipt(one, smpp.receipt_text(one.message_id)))


@pytest.mark.parametrize("status", [smpp.ROK, smpp.RX_T_APPN])
def test_a_final_receipt_that_comes_twice_before_the_client_answered_is_told_once(gateway, carrier, shards, status):
    """Both are answered with what the client said; what it refused may be told again."""
    smppd = gateway(to(carrier), shards=shards)
    session = smppd.bind()
    message_id, one = submitted(session, carrier)
    sent = [carrier.send(carrier.link(), receipt(one, smpp.receipt_text(one.message_id))) for _ in range(3)]
    pdu = session.receive_command(smpp.DELIVER_SM)
    assert text_id(pdu.fields()) == message_id
    wait_until(lambda: smppd.metric("smppd_flow_receipts_duplicate_total") == 2, "the others seen")
    with pytest.raises(TimeoutError):
        session.receive(0.2)
    session.send(pdu.response(status, b"\0"))
    assert [carrier.response_to_sent(each).status for each in sent] == [status] * 3
    if status == smpp.ROK:
        is_swallowed(session, carrier, receipt(one, smpp.receipt_text(one.message_id)))
    else:
        is_told(session, carrier, message_id, receipt(one, smpp.receipt_text(one.message_id)))


def test_a_final_receipt_that_comes_again_when_its_message_is_forgotten_is_told_once(gateway, carrier, shards):
    """Of all but the last messages that were told of it is only known that they were."""
    smppd = gateway(to(carrier), receipts={"untracked_entries": 1}, shards=shards)
    session = smppd.bind()
    seen = []
    for _ in range(4):
        message_id, one = submitted(session, carrier)
        is_told(session, carrier, message_id, receipt(one, smpp.receipt_text(one.message_id)))
        seen.append(one)
    wait_until(lambda: smppd.metric("smppd_flow_receipts_told_marks") == 3, "all but the last forgotten")
    for one in seen:
        is_swallowed(session, carrier, receipt(one, smpp.receipt_text(one.message_id)))
    assert smppd.metric("smppd_flow_receipts_duplicate_total") == 4
    assert smppd.metric("smppd_flow_receipts_unmatched_total") == 0


def test_row_55_a_client_that_does_not_answer_leaves_the_receipt_with_the_smsc(gateway, carrier):
    smppd = gateway(to(carrier), listener={"timeouts": {"response": "200ms"}})
    session = smppd.bind()
    message_id, one = submitted(session, carrier)
    sent = carrier.send(carrier.link(), receipt(one, smpp.receipt_text(one.message_id)))
    session.receive_command(smpp.DELIVER_SM)
    assert carrier.response_to_sent(sent).status == smpp.RX_T_APPN
    assert smppd.metric("smppd_downstream_delivery_timeouts_total") == 1


@pytest.mark.parametrize("form, looks", [("hex", r"[0-9a-f]+"), ("decimal", r"[0-9]+"), ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")])
def test_our_ids_look_as_the_client_wants_them(gateway, carrier, form, looks):
    session = gateway(to(carrier), client={"message_id_format": form}).bind()
    message_id, one = submitted(session, carrier)
    assert re.fullmatch(looks, message_id)
    is_told(session, carrier, message_id, receipt(one, smpp.receipt_text(one.message_id)))


def test_the_smscs_own_ids_may_be_passed_through(gateway, carrier, shards):
    session = gateway(to(carrier, message_id="upstream"), shards=shards).bind()
    message_id, one = submitted(session, carrier)
    assert message_id == one.message_id
    is_told(session, carrier, message_id, receipt(one, smpp.receipt_text(one.message_id)))


@pytest.mark.parametrize("chaos, receipts", [
    ({"missing_receipts": 1}, 0),
    ({"early_receipts": 1}, 1),
    ({"late_receipts": 1, "late_by": "100ms"}, 1),
])
def test_a_mocks_chaos_reaches_the_client_as_one_receipt_at_most(gateway, shards, chaos, receipts):
    session = gateway(mock(chaos=chaos), shards=shards).bind()
    session.send(smpp.submit_sm(registered_delivery=1))
    answer = session.receive_command(0x80000004)
    for _ in range(receipts):
        assert text_id(told(session)) == answer.fields()["message_id"]
    with pytest.raises(TimeoutError):
        session.receive(0.3)
