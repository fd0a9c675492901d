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


PARAM_RETRIEVE, QUERY_LAST_MSGS, QUERY_MSG_DETAILS = 0x22, 0x23, 0x24
LAST_MSGS = smpp.Pdu(QUERY_LAST_MSGS, SOURCE + b"\x0a")
PARAMETER = smpp.Pdu(PARAM_RETRIEVE, b"version\0")
SPEAKS_33 = {"interface_version": 0x33}


def details(message_id):
    return smpp.Pdu(QUERY_MSG_DETAILS, smpp.cstring(message_id) + SOURCE + b"\xa0")


@pytest.fixture
def carrier_33(carriers):
    """It knows every message it ever had, and one of somebody else."""
    carrier = carriers(id_format="{:08x}")

    def answer(one):
        pdu = one.pdu
        if pdu.command == PARAM_RETRIEVE:
            return pdu.response(0, b"7.1\0")
        if pdu.command == QUERY_LAST_MSGS:
            ids = [each.message_id for each in carrier.received if each.message_id] + ["deadbeef"]
            return pdu.response(0, bytes([len(ids)]) + b"".join(map(smpp.cstring, ids)))
        if pdu.command == QUERY_MSG_DETAILS:
            wanted = pdu.body.partition(b"\0")[0]
            return pdu.response(0, b"\0" + SOURCE + b"\0" + bytes(6) + b"\x05hello" + wanted + b"\0" + b"\0\x02\0")
        return carrier.accept(one)

    carrier.answer = answer
    return carrier


def test_operations_of_33_pass_between_peers_that_speak_it(gateway, carrier_33, shards):
    smppd = gateway(to(carrier_33, bind=SPEAKS_33), shards=shards, clients=CLIENTS)
    session, other = (smppd.bind("tx", system_id=one["system_id"], **SPEAKS_33) for one in CLIENTS)
    own = [submitted(session, registered_delivery=wanted) for wanted in (0, 1)]
    submitted(other)
    answer = session.request(LAST_MSGS)
    assert (answer.command, answer.status) == (0x80000023, smpp.ROK)
    assert answer.body == b"\x02" + b"".join(map(smpp.cstring, own)), "the client's own messages, as it knows them"
    answer = session.request(PARAMETER)
    assert (answer.command, answer.status, answer.body) == (0x80000022, smpp.ROK, b"7.1\0")
    answer = session.request(details(own[1]))
    assert (answer.command, answer.status) == (0x80000024, smpp.ROK)
    assert answer.body.endswith(b"hello" + smpp.cstring(own[1]) + b"\0\x02\0")
    assert other.request(details(own[1])).status == smpp.RINVMSGID
    asked = [one.pdu for one in carrier_33.received if one.pdu.command != smpp.SUBMIT_SM]
    assert [pdu.body for pdu in asked] == [LAST_MSGS.body, PARAMETER.body, details(carrier_33.received[1].message_id).body]


def test_operations_of_33_go_to_the_clients_own_upstream(gateway, carriers, carrier_33):
    clients = [{"system_id": "client", "password": "secret", "upstream": "own"}]
    smppd = gateway(to(carriers(), bind=SPEAKS_33), to(carrier_33, "own", bind=SPEAKS_33), clients=clients)
    session = smppd.bind("tx", **SPEAKS_33)
    carrier_33.link()
    assert session.request(PARAMETER).body == b"7.1\0"


def test_operations_of_33_fail_where_the_smsc_does_not_speak_it(gateway, carrier_33, shards):
    session = gateway(to(carrier_33), shards=shards).bind("tx", **SPEAKS_33)
    message_id = submitted(session)
    for pdu, status in ((LAST_MSGS, smpp.RQUERYFAIL), (details(message_id), smpp.RQUERYFAIL), (PARAMETER, smpp.RSYSERR)):
        answer = session.request(pdu)
        assert (answer.command, answer.status) == (pdu.command | 1 << 31, status)
    assert [one.pdu.command for one in carrier_33.received] == [smpp.SUBMIT_SM]


def test_operations_of_33_are_no_command_of_later_versions(gateway, carrier_33):
    session = gateway(to(carrier_33, bind=SPEAKS_33)).bind()
    for pdu in (LAST_MSGS, details("1"), PARAMETER):
        answer = session.request(pdu)
        assert (answer.command, answer.status) == (smpp.GENERIC_NACK, smpp.RINVCMDID)


def test_a_query_shows_the_smscs_id_where_ids_are_passed_through(gateway, carrier):
    session = gateway(to(carrier, message_id="upstream")).bind()
    message_id = submitted(session)
    assert session.request(query(message_id)).fields()["message_id"] == message_id == carrier.received[0].message_id
