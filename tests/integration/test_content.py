"""What is inside a message arrives as it was sent, unless the configuration asks for something else: interop rows 14, 39 to 51."""
import pytest

from harness import smpp
from harness.carrier import Carrier
from harness.gateway import Gateway, config, to

MO_ROUTES = [{"name": "all", "client": "client"}]
SAR_REF, SAR_TOTAL, SAR_PART = 0x020C, 0x020E, 0x020F
NETWORK_ERROR_CODE = 0x0423


def udh(*elements):
    body = b"".join(bytes([identifier, len(value)]) + value for identifier, value in elements)
    return bytes([len(body)]) + body


def concatenated(reference, total, part, wide=False):
    value = reference.to_bytes(2 if wide else 1, "big") + bytes([total, part])
    return udh((8 if wide else 0, value))


def passed(smppd, carrier, **fields):
    """Submits and returns (sent, received) bodies."""
    session = smppd.connections[0] if smppd.connections else smppd.bind()
    pdu = smpp.submit_sm(**fields)
    had = len(carrier.received)
    assert session.request(pdu).status == smpp.ROK
    return pdu.body, carrier.wait_received(had + 1)[-1].pdu.body


# Every coding with octets that another alphabet would read otherwise.
BODIES = {
    "gsm-unpacked": dict(data_coding=0, short_message=bytes(range(0x80))),
    "gsm-escapes": dict(data_coding=0, short_message=b"\x1b\x65\x1b\x1b\x00"),
    "ascii": dict(data_coding=1, short_message=b"@$_ plain"),
    "octets-2": dict(data_coding=2, short_message=bytes(range(0x40, 0xA0))),
    "latin1": dict(data_coding=3, short_message="é@£ß".encode("latin-1")),
    "octets-4": dict(data_coding=4, short_message=bytes(reversed(range(0x60, 0x100)))),
    "cyrillic": dict(data_coding=6, short_message="Привет".encode("iso8859-5")),
    "ucs2": dict(data_coding=8, short_message="Olá да 漢".encode("utf-16-be")),
    "flash": dict(data_coding=0x10, short_message=b"flash"),
    "flash-ucs2": dict(data_coding=0x18, short_message="вспышка".encode("utf-16-be")),
    "class-0-group-f": dict(data_coding=0xF0, short_message=b"\x00\x05"),
    "class-2-octets": dict(data_coding=0xF6, short_message=b"\x80\xff\x00"),
    "mwi-discard": dict(data_coding=0xC8, short_message=b"\x00"),
    "mwi-store": dict(data_coding=0xD8, short_message=b"two voice mails"),
    "reserved": dict(data_coding=0x8F, short_message=b"\x01\x02\xfe"),
    "bom-big": dict(data_coding=8, short_message=b"\xfe\xff" + "да".encode("utf-16-be")),
    "bom-little": dict(data_coding=8, short_message=b"\xff\xfe" + "да".encode("utf-16-le")),
    "surrogates": dict(data_coding=8, short_message="😀😀".encode("utf-16-be")),
    "half-a-surrogate": dict(data_coding=8, short_message=b"\xd8\x3d"),
    "odd-ucs2": dict(data_coding=8, short_message=b"\x04\x34\x04"),
    "packed-after-udh": dict(data_coding=0, esm_class=0x40, short_message=concatenated(7, 2, 1) + b"\xd0\xe5\x3b\x0c"),
    "16-bit-reference": dict(esm_class=0x40, short_message=concatenated(0x1234, 3, 2, wide=True) + b"part"),
    "ports": dict(esm_class=0x40, data_coding=4, short_message=udh((5, b"\x0b\x84\x23\xf0")) + b"\x01\x02"),
    "unknown-element": dict(esm_class=0x40, short_message=udh((0x70, b"\1\2"), (0, b"\x09\2\1"), (0x7F, b"")) + b"x"),
    "broken-udh": dict(esm_class=0x40, short_message=b"\x20\x00\x03"),
    "payload": dict(short_message=b"", tlvs=smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, bytes(range(256)) * 4)),
    "unknown-tlvs": dict(tlvs=smpp.tlv(0x1403, b"vendor") + smpp.tlv(0x3FFF, b"") + smpp.tlv(0x0005, b"\1")),
    "absolute-validity": dict(validity_period="301231235959048+"),
    "relative-validity": dict(validity_period="000007000000000R"),
    "schedule": dict(schedule_delivery_time="301231235959032-"),
    "replace-if-present": dict(replace_if_present_flag=1, service_type="CMT"),
    "priority": dict(priority_flag=3, protocol_id=0x7F, sm_default_msg_id=9),
    "reply-path": dict(esm_class=0x80),
    "datagram-mode": dict(esm_class=0x01),
    "alphanumeric": dict(source="Shop & Co", source_addr_ton=5, source_addr_npi=0),
    "longest-text": dict(short_message=b"x" * 254),
}


@pytest.fixture(scope="module")
def untouched(start_for_module, tmp_path_factory):
    carrier = Carrier(receipts=False)
    middleware = [{"type": one} for one in ("logger", "auth", "rate_limit", "address_filter", "protocol", "metrics")]
    whole = config(to(carrier), middleware=middleware, mo_routes=MO_ROUTES)
    smppd = start_for_module(Gateway(tmp_path_factory.mktemp("untouched"), whole)).start()
    yield smppd, carrier
    for connection in smppd.connections:
        connection.close()
    carrier.close()


@pytest.mark.parametrize("name", BODIES)
def test_rows_39_to_51_octets_arrive_as_they_were_sent(untouched, name):
    sent, received = passed(*untouched, **BODIES[name])
    assert received == sent


@pytest.mark.parametrize("name", BODIES)
def test_rows_39_to_51_hold_for_messages_from_handsets(untouched, name):
    smppd, carrier = untouched
    session = smppd.connections[0] if smppd.connections else smppd.bind()
    pdu = smpp.deliver_sm(**{"source": "258841234567", "destination": "1000", **BODIES[name]})
    sent = carrier.send(carrier.link(), pdu)
    got = session.receive_command(smpp.DELIVER_SM)
    session.send(got.response(0, b"\0"))
    assert got.body == sent.body
    assert carrier.response_to_sent(sent).status == smpp.ROK


def test_row_14_a_network_error_code_of_three_digits_is_read_as_digits(gateway, carriers):
    carrier = carriers(receipts=False)
    session = gateway(to(carrier)).bind()
    for code, told in ((b"034", b"err:034"), (b"\x03\x00\x22", b"err:034"), (b"999", b"err:999")):
        had = len(carrier.received)
        assert session.request(smpp.submit_sm(registered_delivery=1)).status == smpp.ROK
        one = carrier.wait_received(had + 1)[-1]
        tlvs = smpp.tlv(smpp.TLV_RECEIPTED_MESSAGE_ID, smpp.cstring(one.message_id))
        tlvs += smpp.tlv(smpp.TLV_MESSAGE_STATE, b"\5") + smpp.tlv(NETWORK_ERROR_CODE, code)
        fields = one.fields
        sent = carrier.send(
            carrier.link(),
            smpp.deliver_sm(
                source=fields["destination_addr"], destination=fields["source_addr"], esm_class=4, short_message=b"",
                tlvs=tlvs,
            ),
        )
        got = session.receive_command(smpp.DELIVER_SM)
        session.send(got.response(0, b"\0"))
        assert told in got.fields()["short_message"] and b"stat:UNDELIV" in got.fields()["short_message"]
        assert got.fields()["tlvs"][NETWORK_ERROR_CODE] == code
        assert carrier.response_to_sent(sent).status == smpp.ROK


# --- row 39: between alphabets


@pytest.mark.parametrize(
    "client, upstream, sent, received",
    [
        ("gsm7", "latin1", b"\x00\x05\x01", "@é£".encode("latin-1")),
        ("latin1", "gsm7", "@é£".encode("latin-1"), b"\x00\x05\x01"),
        ("gsm7", "ascii", b"\x00 a\x02", b"@ a$"),
        ("ascii", "gsm7", b"@_{", b"\x00\x11\x1b\x28"),
        ("gsm7", "gsm7_packed", b"hello", bytes.fromhex("e8329bfd06")),
        ("gsm7_packed", "gsm7", bytes.fromhex("e8329bfd06"), b"hello"),
    ],
)
def test_row_39_data_coding_0_is_what_each_side_says_it_is(gateway, carrier, client, upstream, sent, received):
    whole = to(carrier, message={"default_encoding": upstream})
    smppd = gateway(whole, client={"default_alphabet": client}, mo_routes=MO_ROUTES)
    session = smppd.bind()
    assert session.request(smpp.submit_sm(short_message=sent)).status == smpp.ROK
    got = carrier.wait_received(1)[0].fields
    assert (got["data_coding"], got["short_message"]) == (0, received)
    # The way back, and what another data_coding says is left alone.
    carrier.send(carrier.link(), smpp.deliver_sm(destination="1000", short_message=received))
    assert session.receive_command(smpp.DELIVER_SM).fields()["short_message"] == sent
    assert session.request(smpp.submit_sm(short_message=sent, data_coding=4)).status == smpp.ROK
    assert carrier.wait_received(2)[1].fields["short_message"] == sent


def test_rows_39_45_a_header_is_never_transcoded_on_the_way_back_either(gateway, carrier):
    smppd = gateway(to(carrier, message={"default_encoding": "latin1"}), mo_routes=MO_ROUTES)
    session = smppd.bind()
    header = concatenated(0, 2, 1)
    pdu = smpp.deliver_sm(destination="1000", esm_class=0x40, short_message=header + "@é".encode("latin-1"))
    carrier.send(carrier.link(), pdu)
    got = session.receive_command(smpp.DELIVER_SM).fields()
    assert (got["esm_class"], got["short_message"]) == (0x40, header + b"\x00\x05")


# --- row 43: long messages from handsets


def part(number, total=3, text=None, reference=9, wide=False, by="udh", **more):
    text = text if text is not None else b"part %d. " % number
    fields = {"source": "258841234567", "destination": "1000", **more}
    if by == "udh":
        return smpp.deliver_sm(
            esm_class=0x40, short_message=concatenated(reference, total, number, wide) + text, **fields
        )
    sar = smpp.tlv(SAR_REF, reference.to_bytes(2, "big")) + smpp.tlv(SAR_TOTAL, bytes([total]))
    return smpp.deliver_sm(short_message=text, tlvs=sar + smpp.tlv(SAR_PART, bytes([number])), **fields)


def whole_text(fields):
    return fields["short_message"] or fields["tlvs"][smpp.TLV_MESSAGE_PAYLOAD]


@pytest.mark.parametrize("by, wide", [("udh", False), ("udh", True), ("sar", False)])
@pytest.mark.parametrize("order", [(1, 2, 3), (3, 3, 2, 1)])
def test_row_43_parts_in_any_order_become_one_message(gateway, carrier, shards, order, by, wide):
    smppd = gateway(to(carrier), mo_routes=MO_ROUTES, multipart={"reassembly": True}, shards=shards)
    session = smppd.bind()
    sent = [carrier.send(carrier.link(), part(number, by=by, wide=wide)) for number in order]
    got = session.receive_command(smpp.DELIVER_SM)
    session.send(got.response(0, b"\0"))
    assert [carrier.response_to_sent(one).status for one in sent] == [smpp.ROK] * len(order)
    fields = got.fields()
    assert whole_text(fields) == b"part 1. part 2. part 3. "
    assert fields["esm_class"] & 0x40 == 0 and SAR_REF not in fields["tlvs"]
    with pytest.raises(TimeoutError):
        session.receive(0.2)
    assert smppd.metric("smppd_flow_mo_reassembled_total") == 1


def test_row_43_parts_that_stay_alone_are_passed_on_after_their_time(gateway, carrier):
    smppd = gateway(to(carrier), mo_routes=MO_ROUTES, multipart={"reassembly": {"enabled": True, "timeout": "1s"}})
    session = smppd.bind()
    pdus = [part(1), part(3)]
    for pdu in pdus:
        assert carrier.response_to(carrier.link(), pdu).status == smpp.ROK
    with pytest.raises(TimeoutError):
        session.receive(0.3)
    got = [session.receive_command(smpp.DELIVER_SM) for _ in pdus]
    for one in got:
        session.send(one.response(0, b"\0"))
    assert sorted(one.body for one in got) == sorted(pdu.body for pdu in pdus)


def test_row_43_messages_of_two_senders_with_the_same_reference_are_two(gateway, carrier):
    smppd = gateway(to(carrier), mo_routes=MO_ROUTES, multipart={"reassembly": True})
    session = smppd.bind()
    for number in (1, 2):
        for sender in ("258841111111", "258842222222"):
            carrier.send(carrier.link(), part(number, 2, sender[-1].encode() * 5, source=sender))
    texts = {}
    for _ in range(2):
        got = session.receive_command(smpp.DELIVER_SM)
        session.send(got.response(0, b"\0"))
        texts[got.fields()["source_addr"]] = whole_text(got.fields())
    assert texts == {"258841111111": b"1" * 10, "258842222222": b"2" * 10}


def test_rows_40_47_pairs_cut_between_parts_are_whole_again(gateway, carrier):
    smppd = gateway(to(carrier), mo_routes=MO_ROUTES, multipart={"reassembly": True})
    session = smppd.bind()
    for first, second, coding, reference in ((b"a\x1b", b"\x65b", 0, 1), (b"\xd8\x3d", b"\xde\x00", 8, 2)):
        carrier.send(carrier.link(), part(1, 2, first, reference, data_coding=coding))
        carrier.send(carrier.link(), part(2, 2, second, reference, data_coding=coding))
        got = session.receive_command(smpp.DELIVER_SM)
        session.send(got.response(0, b"\0"))
        assert whole_text(got.fields()) == first + second


# --- row 42, 44: what one side lacks


def test_row_42_concatenation_by_tlvs_becomes_a_header_for_a_3_3_smsc(gateway, carrier):
    smppd = gateway(to(carrier, bind={"interface_version": "3.3", "type": "transmitter"}))
    session = smppd.bind()
    sar = smpp.tlv(SAR_REF, b"\x12\x34") + smpp.tlv(SAR_TOTAL, b"\2") + smpp.tlv(SAR_PART, b"\1")
    assert session.request(smpp.submit_sm(short_message=b"one", tlvs=sar)).status == smpp.ROK
    got = carrier.wait_received(1)[0].fields
    assert got["esm_class"] == 0x40 and not got["tlvs"]
    assert got["short_message"] in (concatenated(0x1234, 2, 1, wide=True) + b"one", concatenated(0x34, 2, 1) + b"one")


def test_row_44_a_text_longer_than_the_carrier_takes_moves_to_message_payload(gateway, carrier):
    smppd = gateway(to(carrier, message={"max_length": 140}))
    session = smppd.bind()
    assert session.request(smpp.submit_sm(short_message=b"x" * 140)).status == smpp.ROK
    assert session.request(smpp.submit_sm(short_message=b"y" * 141)).status == smpp.ROK
    short, long = (one.fields for one in carrier.wait_received(2))
    assert (short["short_message"], short["tlvs"]) == (b"x" * 140, {})
    assert (long["short_message"], long["tlvs"]) == (b"", {smpp.TLV_MESSAGE_PAYLOAD: b"y" * 141})


# --- rows 45, 46: transform works on the text


def transformed(gateway, carrier, *rules, **sections):
    return gateway(to(carrier), middleware=[{"type": "transform", "rules": list(rules)}], **sections)


def test_rows_45_46_transform_keeps_the_header_and_the_class(gateway, carrier):
    smppd = transformed(gateway, carrier, {"transform": {"short_message": "${short_message}!"}})
    header = concatenated(3, 2, 1)
    _, body = passed(smppd, carrier, esm_class=0x40, short_message=header + b"\x00\x05")
    assert carrier.received[-1].fields["short_message"] == header + b"\x00\x05!"
    passed(smppd, carrier, data_coding=0x10, short_message=b"flash")
    assert (carrier.received[-1].fields["data_coding"], carrier.received[-1].fields["short_message"]) == (0x10, b"flash!")
    passed(smppd, carrier, data_coding=8, short_message="да".encode("utf-16-be"))
    assert carrier.received[-1].fields["short_message"] == "да!".encode("utf-16-be")
    sent, body = passed(smppd, carrier, data_coding=4, short_message=b"\x01\x80")
    assert body == sent, "binary content is not text"


def test_row_46_a_class_survives_the_change_to_another_alphabet(gateway, carrier):
    smppd = transformed(gateway, carrier, {"transform": {"short_message": "${short_message} да"}})
    passed(smppd, carrier, data_coding=0x10, short_message=b"flash")
    got = carrier.received[-1].fields
    assert (got["data_coding"], got["short_message"]) == (0x18, "flash да".encode("utf-16-be"))


def test_row_48_transform_can_empty_a_validity_period(gateway, carrier):
    smppd = transformed(gateway, carrier, {"set": {"validity_period": ""}})
    passed(smppd, carrier, validity_period="000007000000000R")
    assert carrier.received[-1].fields["validity_period"] == ""
