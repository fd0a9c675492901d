"""What clients read in receipts: carriers' codes made one, texts by template, addresses and intermediate ones by choice."""
import pytest

from harness import smpp
from harness.gateway import to
from harness.receipts import MESSAGE_ID, STATE, receipt, submitted, text_id, told

NETWORK_ERROR = 0x423
CODES = {
    "7": {"state": "REJECTED", "error": 42},
    "008/UNDELIV": {"state": "EXPIRED", "error": 3},
    "Absent": {"state": "UNDELIVERABLE"},
    "ENROUTE": {"state": "DELIVRD", "error": 0},
}


@pytest.fixture
def carrier(carriers):
    """Receipts are sent by the tests."""
    return carriers(receipts=False)


def tells(session, carrier, one, text, tlvs=b"", esm_class=4):
    """What the client reads when the carrier sends this; the carrier is told that it arrived."""
    sent = carrier.send(carrier.link(), receipt(one, text.encode(), tlvs, esm_class=esm_class))
    fields = told(session)
    assert carrier.response_to_sent(sent).status == smpp.ROK
    return fields


@pytest.mark.parametrize("text, shown, state", [
    ("id:{} stat:UNDELIV err:007 text:hi", "id:{} stat:REJECTD err:042 text:hi", 8),
    ("id:{} stat:UNDELIV err:8", "id:{} stat:EXPIRED err:003", 3),
    ("id:{} stat:absent err:Q9", "id:{} stat:UNDELIV err:Q9", 5),
    ("id:{} stat:DELIVRD err:000", "id:{} stat:DELIVRD err:000", 2),
])
def test_a_carriers_codes_reach_the_client_as_the_map_says(gateway, carrier, shards, text, shown, state):
    session = gateway(to(carrier, receipts={"map": CODES}), shards=shards).bind()
    message_id, one = submitted(session, carrier)
    fields = tells(session, carrier, one, text.format(one.message_id))
    assert fields["short_message"] == shown.format(message_id).encode()
    assert fields["tlvs"][STATE] == bytes([state])
    assert fields["tlvs"][MESSAGE_ID] == smpp.cstring(message_id)


def test_the_map_may_be_written_for_all_carriers_in_one_place(gateway, carrier):
    session = gateway(to(carrier), dlr_harmonization={"carriers": {"carrier": CODES}}).bind()
    _, one = submitted(session, carrier)
    assert b"stat:REJECTD err:042" in tells(session, carrier, one, f"id:{one.message_id} stat:UNDELIV err:7")["short_message"]


def test_the_network_error_is_mapped_where_the_text_has_none(gateway, carrier):
    session = gateway(to(carrier, receipts={"map": CODES})).bind()
    message_id, one = submitted(session, carrier)
    tlvs = smpp.tlv(MESSAGE_ID, smpp.cstring(one.message_id)) + smpp.tlv(STATE, b"\x05") + smpp.tlv(NETWORK_ERROR, b"\x03\0\x07")
    fields = tells(session, carrier, one, "", tlvs)
    assert text_id(fields) == message_id
    assert b"stat:REJECTD err:042" in fields["short_message"]
    assert (fields["tlvs"][STATE], fields["tlvs"][NETWORK_ERROR]) == (b"\x08", b"\x03\0\x2a")


def test_the_state_of_the_map_decides_what_is_final(gateway, carrier):
    """This carrier says ENROUTE when it has delivered: the client asked for the last state only, and hears it once."""
    smppd = gateway(to(carrier, receipts={"map": CODES}))
    session = smppd.bind()
    _, one = submitted(session, carrier, registered_delivery=1)
    fields = tells(session, carrier, one, f"id:{one.message_id} stat:ENROUTE err:000", esm_class=0x20)
    assert b"stat:DELIVRD" in fields["short_message"]
    assert fields["esm_class"] & 0x3C == 4
    again = carrier.response_to(carrier.link(), receipt(one, f"id:{one.message_id} stat:ENROUTE err:000".encode(), esm_class=0x20))
    assert again.status == smpp.ROK
    with pytest.raises(TimeoutError):
        session.receive(0.15)
    assert smppd.metric("smppd_flow_receipts_duplicate_total") == 1


def test_codes_are_counted_by_whether_the_map_knows_them(gateway, carrier, shards):
    smppd = gateway(to(carrier, receipts={"map": CODES}), shards=shards)
    session = smppd.bind()
    for text in ("id:{} stat:UNDELIV err:7", "id:{} stat:DELIVRD err:000", "id:{} stat:X err:99"):
        _, one = submitted(session, carrier)
        tells(session, carrier, one, text.format(one.message_id))
    counts = {result: smppd.metric("smppd_flow_receipt_codes_total", upstream="carrier", result=result)
              for result in ("mapped", "unmapped")}
    assert counts == {"mapped": 1, "unmapped": 2}
    smppd.wait_for_line("lacks.*99")


def test_a_template_makes_the_text_of_a_clients_receipts(gateway, carrier):
    style = {"template": "${stat}|${err}|${id}|${sub}|${dlvrd}|${submit_date}|${done_date}|${text}"}
    session = gateway(to(carrier), client={"receipts": style}).bind()
    message_id, one = submitted(session, carrier)
    fields = tells(session, carrier, one, smpp.receipt_text(one.message_id, "UNDELIV", "00B", "hello").decode())
    assert fields["short_message"] == f"UNDELIV|00B|{message_id}|001|001|2001010000|2001010001|hello".encode()
    assert fields["data_coding"] == 0


def test_row_18_a_client_may_have_the_addresses_as_it_sent_them(gateway, carrier):
    session = gateway(to(carrier), client={"receipts": {"swap_addresses": True}}).bind()
    message_id, one = submitted(session, carrier, source="MYAPP", source_addr_ton=5)
    fields = tells(session, carrier, one, f"id:{one.message_id} stat:DELIVRD err:000")
    assert (fields["source_addr"], fields["destination_addr"]) == ("MYAPP", "258841234567")
    assert text_id(fields) == message_id


def test_row_17_a_client_may_be_spared_intermediate_receipts(gateway, carrier):
    smppd = gateway(to(carrier), client={"receipts": {"intermediate": False}})
    session = smppd.bind()
    _, one = submitted(session, carrier, registered_delivery=0x11)
    answer = carrier.response_to(carrier.link(), receipt(one, smpp.receipt_text(one.message_id, "ENROUTE"), esm_class=0x20))
    assert answer.status == smpp.ROK
    assert smppd.metric("smppd_flow_receipts_unwanted_total") == 1
    assert b"stat:DELIVRD" in tells(session, carrier, one, smpp.receipt_text(one.message_id).decode())["short_message"]
