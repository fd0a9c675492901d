"""Long messages towards SMSCs: cut into parts, answered once, one receipt; clients' own parts kept together. Rows 40-42, 44."""
import threading

import pytest

from harness import smpp
from harness.gateway import impatient, to, upstream
from harness.parts import SAR_REF, long_text, part, place
from harness.process import wait_until

GSM = bytes(b"abcdefgh" * 50)  # 400 characters
UCS2 = ("Привет 😀 " * 20).encode("utf-16-be")  # 20 pairs of surrogates
PAYLOAD = smpp.TLV_MESSAGE_PAYLOAD


def segmented(carrier, method="udh", message=None, **sections):
    sections.setdefault("multipart", {"segmentation": {"enabled": True, "method": method}})
    return to(carrier, message=message or {}), sections


@pytest.mark.parametrize("method", ["udh", "sar_tlv"])
@pytest.mark.parametrize("coding, text, room", [(0, GSM, 153), (8, UCS2, 134), (4, bytes(range(256)) * 2, 134)])
def test_rows_40_42_a_long_text_goes_in_parts_that_join_to_it(gateway, carrier, shards, method, coding, text, room):
    whole, sections = segmented(carrier, method)
    session = gateway(whole, shards=shards, **sections).bind()
    response = session.request(long_text(text, data_coding=coding))
    assert response.status == smpp.ROK and response.fields()["message_id"]
    count = -(-len(text) // room)
    parts = [place(one) for one in carrier.wait_received(count)]
    carrier.stays_quiet()
    assert {(reference, total) for reference, total, _, _ in parts} == {(parts[0][0], count)}
    assert [number for _, _, number, _ in parts] == list(range(1, count + 1))
    assert all(len(octets) <= room for *_, octets in parts)
    assert b"".join(octets for *_, octets in parts) == text
    if coding == 8:
        for *_, octets in parts:
            octets.decode("utf-16-be")  # no pair is cut


def test_row_44_the_payload_method_sends_the_text_whole(gateway, carrier):
    whole, sections = segmented(carrier, "message_payload")
    session = gateway(whole, **sections).bind()
    assert session.request(smpp.submit_sm(short_message=GSM[:200])).status == smpp.ROK
    assert session.request(smpp.submit_sm(short_message=GSM[:160])).status == smpp.ROK
    long, short = (one.fields for one in carrier.wait_received(2))
    assert (long["short_message"], long["tlvs"]) == (b"", {PAYLOAD: GSM[:200]})
    assert (short["short_message"], short["tlvs"]) == (GSM[:160], {})


def test_row_41_a_3_3_smsc_gets_headers_whatever_the_method_is(gateway, carrier):
    multipart = {"segmentation": {"enabled": True, "method": "sar_tlv"}}
    smppd = gateway(to(carrier, bind={"interface_version": "3.3", "type": "transmitter"}), multipart=multipart)
    assert smppd.bind().request(long_text(GSM)).status == smpp.ROK
    parts = [place(one) for one in carrier.wait_received(3)]
    assert all(one.fields["esm_class"] == 0x40 and not one.fields["tlvs"] for one in carrier.received)
    assert b"".join(octets for *_, octets in parts) == GSM


def test_as_is_leaves_an_upstream_out(gateway, carrier):
    whole, sections = segmented(carrier, message={"long_messages": "as_is"})
    session = gateway(whole, **sections).bind()
    assert session.request(long_text(GSM)).status == smpp.ROK
    assert carrier.wait_received(1)[0].fields["tlvs"] == {PAYLOAD: GSM}


def test_more_parts_than_allowed_are_refused_and_nothing_is_sent(gateway, carrier):
    multipart = {"segmentation": {"enabled": True, "max_parts": 2}}
    session = gateway(to(carrier), multipart=multipart).bind()
    assert session.request(long_text(GSM)).status == smpp.RINVMSGLEN
    carrier.stays_quiet()


@pytest.mark.parametrize("receipts, told", [("all_parts", 1), ("each", 3), ("last", 1)])
def test_receipts_of_parts_are_told_by_the_rule(gateway, carrier, shards, receipts, told):
    multipart = {"segmentation": {"enabled": True, "receipts": receipts}}
    smppd = gateway(to(carrier), shards=shards, multipart=multipart)
    session = smppd.bind()
    message_id = session.request(long_text(GSM, registered_delivery=1)).fields()["message_id"]
    for _ in range(told):
        got = session.receive_command(smpp.DELIVER_SM)
        session.send(got.response(0, b"\0"))
        assert got.fields()["short_message"].startswith(b"id:" + message_id.encode())
        assert b"stat:DELIVRD" in got.fields()["short_message"]
    with pytest.raises(TimeoutError):
        session.receive(0.4)


def test_one_failed_part_is_the_messages_state(gateway, carriers):
    carrier = carriers(receipts=False)
    session = gateway(to(carrier), multipart={"segmentation": True}).bind()
    message_id = session.request(long_text(GSM, registered_delivery=1)).fields()["message_id"]
    one, two, three = carrier.wait_received(3)
    carrier.send_receipt(two, "UNDELIV", 5)
    carrier.send_receipt(three)
    with pytest.raises(TimeoutError):
        session.receive(0.3)
    carrier.send_receipt(one)
    got = session.receive_command(smpp.DELIVER_SM)
    session.send(got.response(0, b"\0"))
    assert got.fields()["short_message"].startswith(b"id:" + message_id.encode())
    assert b"stat:UNDELIV" in got.fields()["short_message"] and got.fields()["tlvs"][smpp.TLV_MESSAGE_STATE] == b"\5"


def refuse_part(carrier, number, status, times=100):
    left = [times]

    def answer(one):
        if one.pdu.command == smpp.SUBMIT_SM and place(one)[2] == number and left[0] > 0:
            left[0] -= 1
            return one.pdu.response(status)
        return carrier.accept(one)

    carrier.answer = answer


def test_a_refused_part_is_the_answer_and_the_last_that_was_sent(gateway, carrier):
    refuse_part(carrier, 2, smpp.RINVDSTADR)
    smppd = gateway(to(carrier), multipart={"segmentation": True})
    session = smppd.bind()
    assert session.request(long_text(GSM, registered_delivery=1)).status == smpp.RINVDSTADR
    carrier.stays_quiet()
    assert len(carrier.received) == 2
    assert smppd.metric("smppd_flow_long_partial_total") == 1
    wait_until(lambda: "only some parts of a long message" in smppd.output, lambda: smppd.output)
    with pytest.raises(TimeoutError):
        session.receive(0.3)  # the receipt of part 1 is of no message the client knows
    wait_until(lambda: smppd.metric("smppd_flow_receipts_unwanted_total") == 1, "the receipt is known as unwanted")


def test_a_busy_smsc_gets_the_part_again(gateway, carrier):
    refuse_part(carrier, 2, smpp.RMSGQFUL, times=1)
    whole = to(carrier, throttling={"adaptive": False, "pause": "0s"})
    session = gateway(whole, multipart={"segmentation": True}).bind()
    assert session.request(long_text(GSM)).status == smpp.ROK
    assert [place(one)[2] for one in carrier.wait_received(4)] == [1, 2, 2, 3]


def test_a_link_killed_under_a_part_makes_the_message_uncertain(gateway, carriers):
    carrier = carriers()

    def answer(one):
        if one.pdu.command == smpp.SUBMIT_SM and place(one)[2] == 2:
            smpp.close_now(one.link.socket)
            return None
        return carrier.accept(one)

    carrier.answer = answer
    smppd = gateway(impatient("carrier", carrier.port), multipart={"segmentation": True})
    assert smppd.bind().request(long_text(GSM)).status != smpp.ROK
    assert smppd.metric("smppd_flow_uncertain_messages_total") == 1
    assert smppd.metric("smppd_flow_long_partial_total") == 1
    assert [place(one)[2] for one in carrier.wait_received(2)] == [1, 2], "no part is sent twice"


def test_a_link_killed_between_parts_is_waited_for(gateway, carrier):
    def answer(one):
        if one.pdu.command == smpp.SUBMIT_SM and place(one)[2] == 1:
            threading.Timer(0.1, smpp.close_now, (one.link.socket,)).start()
        return carrier.accept(one)

    carrier.answer = answer
    slowly = {"messages_per_second": 2, "burst": 1}
    smppd = gateway(impatient("carrier", carrier.port, rate_limit=slowly), multipart={"segmentation": True})
    assert smppd.bind().request(long_text(GSM), timeout=12).status == smpp.ROK
    assert [place(one)[2] for one in carrier.wait_received(3)] == [1, 2, 3]
    assert smppd.metric("smppd_flow_long_partial_total") == 0


# --- parts that clients made


@pytest.mark.parametrize("by, method", [("udh", "sar_tlv"), ("sar", "udh"), ("udh", "udh"), ("sar", "sar_tlv")])
def test_row_42_clients_parts_are_marked_as_the_upstream_takes_them(gateway, carrier, by, method):
    session = gateway(to(carrier, message={"long_messages": method})).bind()
    for number in (1, 2):
        assert session.request(part(number, 2, by=by)).status == smpp.ROK
    got = carrier.wait_received(2)
    assert [place(one) for one in got] == [(7, 2, 1, b"part 1"), (7, 2, 2, b"part 2")]
    for one in got:
        assert bool(one.fields["esm_class"] & 0x40) == (method == "udh")
        assert (SAR_REF in one.fields["tlvs"]) == (method == "sar_tlv")


@pytest.mark.parametrize("mode", ["preserve", "regenerate", "sequential"])
def test_references_of_two_clients_to_one_handset(gateway, carrier, mode):
    clients = [{"system_id": name, "password": "secret"} for name in ("one", "two")]
    smppd = gateway(to(carrier), clients=clients, multipart={"reference": mode})
    sessions = [smppd.bind(system_id=name) for name in ("one", "two")]
    for number in (1, 2):
        for session in sessions:
            assert session.request(part(number, 2, source="SHOP")).status == smpp.ROK
    first, second, first_again, second_again = (place(one)[0] for one in carrier.wait_received(4))
    assert (first, second) == (first_again, second_again), "the parts of a message keep one reference"
    assert (first == second) == (mode == "preserve")


def test_row_42_parts_of_one_message_stay_on_one_host(gateway, carriers):
    hosts = [carriers() for _ in range(2)]
    whole = upstream("carrier", hosts[0].port)
    whole["hosts"] = [{"address": f"127.0.0.1:{one.port}"} for one in hosts]
    whole["load_balancing"] = "round_robin"
    smppd = gateway(whole)
    session = smppd.bind()
    wait_until(lambda: all(one.links for one in hosts), "both hosts are bound")
    for number in (1, 2, 3, 4):
        for reference in range(6):
            assert session.request(part(number, 4, reference)).status == smpp.ROK
    seen = [{place(one)[0] for one in host.received} for host in hosts]
    assert not seen[0] & seen[1], "a message is on one host"
    assert seen[0] and seen[1], "and messages are spread"
    assert sum(len(host.received) for host in hosts) == 24
