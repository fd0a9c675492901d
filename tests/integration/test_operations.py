"""query, cancel and replace by whom the message belongs to; submit_multi; data_sm."""
import struct

import pytest

from harness import smpp
from harness.gateway import to

CLIENTS = [{"system_id": name, "password": "secret"} for name in ("client", "other")]
SOURCE = b"\x01\x011000\0"


def query(message_id, source=SOURCE):
    return smpp.Pdu(smpp.QUERY_SM, smpp.cstring(message_id) + source)


def cancel(message_id):
    return smpp.Pdu(smpp.CANCEL_SM, b"\0" + smpp.cstring(message_id) + SOURCE + b"\x01\x01258841234567\0")


def replace(message_id):
    return smpp.Pdu(smpp.REPLACE_SM, smpp.cstring(message_id) + SOURCE + b"\0\0\x01\0\x03new")


def submitted(session, **fields):
    answer = session.request(smpp.submit_sm(**fields))
    assert answer.status == smpp.ROK
    return answer.fields()["message_id"]


@pytest.fixture
def pair(gateway, carrier, shards):
    smppd = gateway(to(carrier), shards=shards, clients=CLIENTS)
    return smppd.bind(), smppd.bind(system_id="other")


@pytest.mark.parametrize("registered_delivery", [0, 1])
def test_the_owner_asks_the_smsc_under_its_own_id(pair, carrier, registered_delivery):
    session, _ = pair
    message_id = submitted(session, registered_delivery=registered_delivery)
    theirs = carrier.received[0].message_id
    answer = session.request(query(message_id))
    assert (answer.command, answer.status) == (0x80000003, smpp.ROK)
    assert answer.body == smpp.cstring(message_id) + b"\0\x02\0"
    for pdu, command in [(cancel(message_id), 0x80000008), (replace(message_id), 0x80000007)]:
        answer = session.request(pdu)
        assert (answer.command, answer.status, answer.body) == (command, smpp.ROK, b"")
    asked = [one.pdu for one in carrier.received[1:]]
    assert [pdu.command for pdu in asked] == [smpp.QUERY_SM, smpp.CANCEL_SM, smpp.REPLACE_SM]
    assert all(smpp.cstring(theirs) in pdu.body and message_id.encode() not in pdu.body for pdu in asked)
    assert asked[2].body.endswith(b"\x03new")


def test_others_and_unknown_ids_do_not_reach_the_smsc(pair, carrier):
    session, other = pair
    message_id = submitted(session)
    for asked in (query, cancel, replace):
        assert other.request(asked(message_id)).status == smpp.RINVMSGID
        assert session.request(asked("4711")).status == smpp.RINVMSGID
    assert session.request(query(message_id, b"\x01\x019999\0")).status == smpp.RINVMSGID
    assert len(carrier.received) == 1


def test_the_smscs_refusal_of_an_operation_is_passed_on(pair, carrier):
    session, _ = pair
    message_id = submitted(session)
    carrier.answer = lambda one: one.pdu.response(smpp.RCANCELFAIL)
    assert session.request(cancel(message_id)).status == smpp.RCANCELFAIL


def multi(*destinations):
    listed = b"".join(b"\x01\x01\x01" + smpp.cstring(one) for one in destinations)
    body = b"\0" + SOURCE + bytes([len(destinations)]) + listed + b"\0\0\0\0\0\x01\0\0\0\x05hello"
    return smpp.Pdu(smpp.SUBMIT_MULTI, body)


def unsuccessful(answer):
    """message_id and {address: status} of a submit_multi_resp."""
    message_id, _, rest = answer.body.partition(b"\0")
    found, rest, count = {}, rest[1:], rest[0]
    for _ in range(count):
        address, _, rest = rest[2:].partition(b"\0")
        found[address.decode()], rest = struct.unpack(">I", rest[:4])[0], rest[4:]
    assert rest == b""
    return message_id.decode(), found


def test_submit_multi_tells_the_status_of_each_destination(gateway, carrier, shards):
    routes = [
        {"name": "no", "match": {"destination_addr": "+1*"}, "response": "ESME_RINVDSTADR"},
        {"name": "all", "match": {"destination_addr": "+258*"}, "upstream": "carrier"},
    ]
    carrier.answer = lambda one: (
        one.pdu.response(smpp.RMSGQFUL) if one.fields["destination_addr"] == "258000" else carrier.accept(one)
    )
    session = gateway(to(carrier), shards=shards, routes=routes).bind()
    answer = session.request(multi("258841", "1555", "258000", "258842"))
    assert (answer.command, answer.status) == (0x80000021, smpp.ROK)
    message_id, failed = unsuccessful(answer)
    assert message_id and failed == {"1555": smpp.RINVDSTADR, "258000": smpp.RMSGQFUL}
    assert sorted(one.fields["destination_addr"] for one in carrier.received) == ["258000", "258841", "258842"]
    receipts = [session.receive_command(smpp.DELIVER_SM).fields() for _ in range(2)]
    assert {one["tlvs"][0x1E] for one in receipts} == {smpp.cstring(message_id)}
    assert {one["source_addr"] for one in receipts} == {"258841", "258842"}


def test_submit_multi_that_nobody_takes_is_an_error(gateway, carrier):
    carrier.answer = lambda one: one.pdu.response(smpp.RINVDSTADR)
    session = gateway(to(carrier)).bind()
    answer = session.request(multi("258841", "258842"))
    assert (answer.command, answer.status) == (0x80000021, smpp.RINVDSTADR)
    assert len(carrier.received) == 2


def data_sm(payload, **more):
    body = b"\0" + SOURCE + b"\x01\x01258841234567\0" + bytes([0, more.get("registered_delivery", 0), 4])
    return smpp.Pdu(smpp.DATA_SM, body + smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, payload))


def test_data_sm_goes_through_and_its_receipt_comes_back(gateway, carrier, shards):
    session = gateway(to(carrier), shards=shards).bind()
    answer = session.request(data_sm(b"octets", registered_delivery=1))
    assert (answer.command, answer.status) == (0x80000103, smpp.ROK)
    (one,) = carrier.wait_received()
    assert one.pdu.command == smpp.DATA_SM
    assert one.fields["tlvs"][smpp.TLV_MESSAGE_PAYLOAD] == b"octets"
    receipt = session.receive_command(smpp.DELIVER_SM).fields()
    assert receipt["tlvs"][0x1E] == smpp.cstring(answer.fields()["message_id"])


@pytest.mark.parametrize("body", [b"", b"refused-id\0" + smpp.tlv(0x425, b"\x01")], ids=["bare", "id and TLV"])
def test_row_20_data_sm_errors_come_with_and_without_a_body(gateway, carrier, body):
    session = gateway(to(carrier)).bind()
    carrier.answer = lambda one: one.pdu.response(smpp.RX_T_APPN, body)
    assert session.request(data_sm(b"octets")).status == smpp.RX_T_APPN
    carrier.answer = carrier.accept
    assert session.request(data_sm(b"octets")).status == smpp.ROK
