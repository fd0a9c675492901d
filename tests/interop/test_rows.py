"""What smppd does to what is inside a message: the rows of docs/interop.md that tests/integration leaves to this file.

A carrier and clients of our own make, octet by octet, because no library misbehaves on request.
"""
import threading

import pytest

from harness import smpp
from harness.carrier import Carrier
from harness.gateway import config, port_of, upstream
from harness.process import Smppd
from scenarios import SOURCE, receipt_fields

DESTINATION = "258841234567"
VERSION_3_3 = {"bind": {"interface_version": "3.3", "type": "transmitter"}}


class Lab:
    """smppd between one or more carriers and the clients a test opens."""

    def __init__(self, smppd, carriers):
        self.smppd = smppd
        self.carriers = carriers
        self.connections = []

    @property
    def carrier(self):
        return self.carriers[0]

    def open(self):
        connection = smpp.Connection.to(port_of(self.smppd.config))
        self.connections.append(connection)
        return connection

    def client(self, kind="trx", **fields):
        connection = self.open()
        connection.bind(kind, **fields)
        return connection

    def submit(self, client, expect=smpp.ROK, **fields):
        fields = {"source": SOURCE, "destination": DESTINATION, "registered_delivery": 1, **fields}
        answer = client.request(smpp.submit_sm(**fields))
        assert answer.status == expect, f"submit_sm answered {answer}"
        return answer.fields().get("message_id", "")

    def receipt(self, client, timeout=5.0):
        """The next receipt, acknowledged, as fields of its text; its addresses and TLVs are added."""
        delivered = client.receive_command(smpp.DELIVER_SM, timeout)
        client.send(delivered.response(0, b"\0"))
        fields = delivered.fields()
        assert fields["esm_class"] & 0x3C == 0x04, f"not a receipt: {delivered}"
        text = receipt_fields({"hex": fields["short_message"].hex()})
        return {**text, "source": fields["source_addr"], "destination": fields["destination_addr"], "tlvs": fields["tlvs"]}


@pytest.fixture
def lab(start, tmp_path):
    """lab(carrier options..., upstream={}, **sections of the configuration) starts everything."""
    labs = []

    def make(*, carriers=1, carrier=None, upstream_keys=None, bound=True, **sections):
        made = [Carrier(**(carrier or {})) for _ in range(carriers)]
        upstreams = [
            upstream(f"carrier{number or ''}", one.port, **(upstream_keys or {})) for number, one in enumerate(made)
        ]
        one = Lab(start(Smppd(tmp_path, config(*upstreams, **sections))), made)
        labs.append(one)
        one.smppd.start(bound)
        if bound:
            for each in made:
                each.link()
        return one

    yield make
    for one in labs:
        for connection in one.connections:
            connection.close()
        for carrier in one.carriers:
            carrier.close()


def custom_receipts(carrier, write):
    """The carrier answers submits with its id, then sends the deliver_sm that write(received) makes."""

    def answer(one):
        if one.pdu.command == smpp.SUBMIT_SM:
            threading.Timer(0.03, lambda: carrier.send(one.link, write(one))).start()
            return one.pdu.response(0, smpp.cstring(one.message_id))
        return carrier.accept(one)

    carrier.answer = answer


def receipt_with(text, tlvs=b"", esm_class=4):
    def write(one):
        fields = one.fields
        content = text(one.message_id) if callable(text) else text
        return smpp.deliver_sm(
            source=fields["destination_addr"],
            destination=fields["source_addr"],
            esm_class=esm_class,
            short_message=content,
            tlvs=tlvs(one.message_id) if callable(tlvs) else tlvs,
        )

    return write


@pytest.mark.parametrize("text", ["id={}&stat=DELIVRD", "stat=DELIVRD;id={};err=000", "ID:{} STAT:DELIVRD ERR:000 TEXT:"])
def test_row_09_receipts_of_another_grammar_reach_the_client_in_the_usual_one(lab, text):
    it = lab()
    custom_receipts(it.carrier, receipt_with(lambda id: text.format(id).encode()))
    client = it.client()
    id = it.submit(client)
    receipt = it.receipt(client)
    assert (receipt["id"], receipt["stat"]) == (id, "DELIVRD")


def test_row_10_a_receipt_in_a_grammar_of_the_carriers_own(lab):
    it = lab(
        upstream_keys={
            "receipts": {"pattern": r"^(?P<stat>\w+),(?P<done_date>\d+),(?P<id>[^,]+)$", "states": {"OK": "DELIVRD"}}
        }
    )
    custom_receipts(it.carrier, receipt_with(lambda id: f"OK,200101000100,{id}".encode()))
    client = it.client()
    id = it.submit(client)
    receipt = it.receipt(client)
    assert (receipt["id"], receipt["stat"]) == (id, "DELIVRD")


@pytest.mark.parametrize("word, told", [("FAILED", "UNDELIV"), ("WHATEVER", "UNKNOWN"), ("BUFFRED", "ENROUTE")])
def test_row_13_an_odd_state_is_delivered_in_the_words_of_the_specification(lab, word, told):
    it = lab()
    custom_receipts(it.carrier, receipt_with(lambda id: smpp.receipt_text(id, word, err="042")))
    client = it.client()
    id = it.submit(client, registered_delivery=0x11)
    receipt = it.receipt(client)
    assert (receipt["id"], receipt["stat"], receipt["err"]) == (id, told, "042")


def test_row_13_a_state_as_configured(lab):
    it = lab(upstream_keys={"receipts": {"states": {"WHATEVER": "REJECTD"}}})
    custom_receipts(it.carrier, receipt_with(lambda id: smpp.receipt_text(id, "WHATEVER")))
    client = it.client()
    id = it.submit(client)
    receipt = it.receipt(client)
    assert (receipt["id"], receipt["stat"], receipt["tlvs"][smpp.TLV_MESSAGE_STATE]) == (id, "REJECTD", b"\x08")


@pytest.mark.parametrize("body", [b"", b"id\0" + smpp.tlv(0x0425, b"\x01"), b"id\0", smpp.tlv(0x0425, b"\x01")])
def test_row_20_an_error_response_to_data_sm_whatever_it_carries(lab, body):
    it = lab()
    it.carrier.answer = lambda one: one.pdu.response(0xFE, body)
    client = it.client()
    data = smpp.cstring("") + b"\1\1" + smpp.cstring(SOURCE) + b"\1\1" + smpp.cstring(DESTINATION) + b"\0\0\4"
    answer = client.request(smpp.Pdu(smpp.DATA_SM, data + smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, b"x")))
    assert answer.status == 0xFE
    assert client.request(smpp.Pdu(smpp.ENQUIRE_LINK)).status == smpp.ROK


@pytest.mark.parametrize("body", [b"", b"\0", b"0123456789\0", b"0" * 64 + b"\0"])
def test_row_24_a_deliver_sm_response_with_any_message_id(lab, body):
    it = lab()
    client = it.client(address_range=SOURCE)
    sent = []
    delivering = threading.Thread(
        target=lambda: sent.append(it.carrier.deliver(source=DESTINATION, destination=SOURCE, short_message=b"mo"))
    )
    delivering.start()
    delivered = client.receive_command(smpp.DELIVER_SM)
    client.send(delivered.response(0, body))
    delivering.join(10)
    assert (sent[0].status, sent[0].body) == (smpp.ROK, b"\0")


def test_row_39_data_coding_0_is_what_each_side_says_it_is(lab):
    it = lab(upstream_keys={"message": {"default_encoding": "latin1"}})
    client = it.client()
    it.submit(client, short_message=b"\x00 \x05")  # GSM 7-bit: at sign, space, e acute
    assert it.carrier.wait_received(1)[0].fields["short_message"] == "@ é".encode("latin-1")


def test_row_39_a_user_data_header_is_never_transcoded(lab):
    it = lab(upstream_keys={"message": {"default_encoding": "latin1"}})
    client = it.client()
    header = b"\x05\x00\x03\x00\x02\x01"
    it.submit(client, short_message=header + b"\x00\x05", esm_class=0x40)
    seen = it.carrier.wait_received(1)[0].fields
    assert (seen["esm_class"], seen["short_message"]) == (0x40, header + "@é".encode("latin-1"))


def test_row_42_concatenation_by_tlvs_goes_through(lab):
    it = lab()
    client = it.client()
    for part in (1, 2):
        sar = smpp.tlv(0x020C, b"\x12\x34") + smpp.tlv(0x020E, b"\2") + smpp.tlv(0x020F, bytes([part]))
        it.submit(client, short_message=b"part %d" % part, tlvs=sar)
    parts = [one.fields for one in it.carrier.wait_received(2)]
    assert [fields["tlvs"][0x020F] for fields in parts] == [b"\1", b"\2"]
    assert {fields["tlvs"][0x020C] for fields in parts} == {b"\x12\x34"}


def test_row_44_message_payload_becomes_short_message_for_a_carrier_of_version_3_3(lab):
    it = lab(upstream_keys=VERSION_3_3, carrier={"bind_tlvs": b""})
    client = it.client()
    it.submit(client, short_message=b"", tlvs=smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, b"in the payload"))
    assert it.carrier.wait_received(1)[0].fields["short_message"] == b"in the payload"


@pytest.mark.parametrize("validity", ["200101000000000+", "000002000000000R", ""])
def test_row_48_a_validity_period_goes_through_as_it_is(lab, validity):
    it = lab()
    it.submit(it.client(), validity_period=validity)
    assert it.carrier.wait_received(1)[0].fields["validity_period"] == validity


@pytest.mark.parametrize("priority", [0, 1, 2, 3])
def test_row_50_a_priority_goes_through_as_it_is(lab, priority):
    it = lab()
    it.submit(it.client(), priority_flag=priority)
    assert it.carrier.wait_received(1)[0].fields["priority_flag"] == priority


def test_row_52_an_alphanumeric_sender(lab):
    it = lab()
    it.submit(it.client(), source="My Brand 11", source_addr_ton=5, source_addr_npi=0)
    seen = it.carrier.wait_received(1)[0].fields
    assert (seen["source_addr_ton"], seen["source_addr_npi"], seen["source_addr"]) == (5, 0, "My Brand 11")


