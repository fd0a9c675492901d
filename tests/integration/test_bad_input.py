"""Any octets on the port: the right nack or a close, a counter, and nobody else notices."""
import random
import struct

import pytest

from harness import smpp
from harness.gateway import mock
from harness.process import wait_until

HUGE = struct.pack(">IIII", 0x7FFFFFFF, smpp.SUBMIT_SM, 0, 1)
NOT_SMPP = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: smpp\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(193),
    "zeros": bytes(64),
    "a length below 16": struct.pack(">IIII", 15, smpp.ENQUIRE_LINK, 0, 1),
    "a huge length": HUGE,
    "ones": b"\xff" * 64,
    "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n",
}


@pytest.fixture
def pair(gateway, shards):
    """smppd and a session that must not notice anything."""
    smppd = gateway(mock(), shards=shards)
    other = smppd.bind()
    yield smppd, other
    assert other.request(smpp.submit_sm()).status == smpp.ROK


@pytest.mark.parametrize("octets", NOT_SMPP.values(), ids=NOT_SMPP)
def test_row_25_strangers_are_closed_without_a_word(pair, octets):
    smppd, _ = pair
    stranger = smppd.connect()
    stranger.send_bytes(octets)
    assert stranger.wait_closed() == []
    assert smppd.metric("smppd_downstream_framing_lost_total") == 1


@pytest.mark.parametrize("octets", NOT_SMPP.values(), ids=NOT_SMPP)
def test_row_25_a_session_that_loses_the_framing_is_told_and_closed(pair, octets):
    smppd, _ = pair
    session = smppd.bind()
    session.send_bytes(octets)
    (nack,) = session.wait_closed()
    assert (nack.command, nack.status, nack.body) == (smpp.GENERIC_NACK, smpp.RINVCMDLEN, b"")
    assert smppd.metric("smppd_downstream_framing_lost_total") == 1


def test_row_26_random_octets_do_no_harm(pair):
    smppd, other = pair
    draw = random.Random(1)
    for _ in range(60):
        stranger = smppd.connect()
        try:
            stranger.send_bytes(draw.randbytes(draw.randrange(1, 3000)))
        except OSError:
            pass
        stranger.close()
    for _ in range(60):
        session = smppd.bind()
        body = draw.randbytes(draw.randrange(0, 300))
        session.send(smpp.Pdu(draw.choice([3, 4, 5, 7, 8, 0x21, 0x103, 0x111, 0x80000004]), body))
        session.close()
    assert other.request(smpp.submit_sm()).status == smpp.ROK


def cut(pdu, count):
    """The PDU without its last octets, its command_length right for what is left."""
    return smpp.Pdu(pdu.command, pdu.body[:-count])


@pytest.mark.parametrize("lie", [-1, 1, 100])
def test_row_22_a_lying_sm_length_costs_the_message_and_not_the_session(pair, lie):
    smppd, _ = pair
    session = smppd.bind()
    answer = session.request(smpp.submit_sm(short_message=b"hello", sm_length=5 + lie))
    assert (answer.command, answer.status) == (0x80000004, smpp.RINVMSGLEN)
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    assert smppd.metric("smppd_flow_malformed_pdus_total") == 1


@pytest.mark.parametrize("left", [0, 1, 5, 20])
def test_row_26_truncated_bodies_are_refused_and_the_session_lives(pair, left):
    smppd, _ = pair
    session = smppd.bind()
    answer = session.request(smpp.Pdu(smpp.SUBMIT_SM, smpp.submit_sm().body[:left]))
    assert (answer.command, answer.body) == (0x80000004, b"")
    assert answer.status != smpp.ROK
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    assert smppd.metric("smppd_flow_malformed_pdus_total") == 1


def test_row_26_a_tlv_longer_than_its_pdu_is_refused(pair):
    smppd, _ = pair
    session = smppd.bind()
    answer = session.request(smpp.submit_sm(tlvs=struct.pack(">HH", smpp.TLV_MESSAGE_PAYLOAD, 0xFFFF) + b"abc"))
    assert answer.command == 0x80000004 and answer.status != smpp.ROK
    assert session.request(smpp.submit_sm()).status == smpp.ROK


def test_row_26_fields_longer_than_the_protocol_allows_are_refused(pair):
    smppd, _ = pair
    session = smppd.bind()
    answer = session.request(smpp.submit_sm(destination="9" * 500))
    assert answer.command == 0x80000004 and answer.status != smpp.ROK
    assert session.request(smpp.submit_sm()).status == smpp.ROK


def test_row_21_a_last_string_without_its_nul_is_read_to_the_end_of_the_pdu(pair):
    smppd, _ = pair
    session = smppd.connect()
    answer = session.request(cut(smpp.bind(address_range="258"), 1))
    assert answer.status == smpp.ROK
    assert session.request(smpp.submit_sm()).status == smpp.ROK


def test_row_23_stray_bodies_are_accepted_and_never_sent(pair):
    smppd, _ = pair
    session = smppd.bind()
    answer = session.request(smpp.Pdu(smpp.ENQUIRE_LINK, b"stray"))
    assert (answer.status, answer.body) == (smpp.ROK, b"")
    session.send(smpp.Pdu(0x80000015, b"stray", sequence=77))
    answer = session.request(smpp.Pdu(smpp.UNBIND, b"stray"))
    assert (answer.status, answer.body) == (smpp.ROK, b"")


@pytest.mark.parametrize("command", [0x00000000, 0x0000000A, 0x00000104, 0x00010200, 0x7FFFFFFF])
def test_unknown_commands_get_a_generic_nack_with_their_sequence_number(pair, command):
    smppd, _ = pair
    session = smppd.bind()
    answer = session.request(smpp.Pdu(command, b"whatever", sequence=4711))
    assert (answer.command, answer.status, answer.sequence) == (smpp.GENERIC_NACK, smpp.RINVCMDID, 4711)
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    assert smppd.metric("smppd_downstream_unknown_commands_total") == 1


def test_responses_to_nothing_are_counted_and_ignored(pair):
    smppd, _ = pair
    session = smppd.bind()
    for command in (0x80000005, 0x80000004, smpp.GENERIC_NACK, 0x80000103):
        session.send(smpp.Pdu(command, b"\0", sequence=99))
    assert session.request(smpp.submit_sm()).status == smpp.ROK
    assert smppd.metric("smppd_downstream_unknown_responses_total") == 4


def test_a_pdu_over_the_limit_of_the_listener_closes_the_session(gateway):
    smppd = gateway(mock(), listener={"smpp": {"max_pdu_size": 2000}})
    session = smppd.bind()
    tlvs = smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, b"x" * 1800)
    assert session.request(smpp.submit_sm(short_message=b"", tlvs=tlvs)).status == smpp.ROK
    session.send(smpp.submit_sm(short_message=b"", tlvs=smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, b"x" * 2000)))
    (nack,) = session.wait_closed()
    assert (nack.command, nack.status) == (smpp.GENERIC_NACK, smpp.RINVCMDLEN)


def test_row_27_pdus_may_come_in_pieces_and_many_at_once(pair):
    smppd, _ = pair
    session = smppd.connect()
    for octet in smpp.Pdu(smpp.BIND_TRANSCEIVER, smpp.bind().body, sequence=1).encode():
        session.send_bytes(bytes([octet]))
    assert session.receive().status == smpp.ROK
    requests = [smpp.Pdu(smpp.SUBMIT_SM, smpp.submit_sm().body, sequence=n).encode() for n in range(1, 51)]
    whole = b"".join(requests)
    session.send_bytes(whole[:777])
    session.send_bytes(whole[777:])
    assert sorted(session.receive().sequence for _ in requests) == list(range(1, 51))


@pytest.mark.parametrize("bound", [False, True])
def test_row_27_a_pdu_that_drips_is_not_waited_for(gateway, shards, bound):
    smppd = gateway(mock(), shards=shards, listener={"timeouts": {"read": "300ms"}})
    other = smppd.bind()
    session = smppd.bind() if bound else smppd.connect()
    octets = smpp.Pdu(smpp.SUBMIT_SM, bytes(200), sequence=1).encode()
    sent = iter(octets[:-1])

    def drip():
        try:
            session.send_bytes(bytes([next(sent)]))
        except OSError:
            return True
        return smppd.metric("smppd_downstream_read_timeouts_total") == 1

    wait_until(drip, "the dripping connection closed")
    assert other.request(smpp.submit_sm()).status == smpp.ROK


def test_a_session_that_reads_nothing_is_closed(gateway):
    smppd = gateway(mock(), listener={"timeouts": {"write": "300ms"}, "smpp": {"enquire_link_interval": "0"}})
    other = smppd.bind()
    session = smppd.bind()
    session.socket.settimeout(0.2)
    many = b"".join(smpp.Pdu(smpp.ENQUIRE_LINK, sequence=n + 1).encode() for n in range(4096))

    def flood():
        try:
            session.send_bytes(many)
        except TimeoutError:
            pass
        except OSError:
            return True
        return smppd.metric("smppd_downstream_write_timeouts_total") == 1

    wait_until(flood, "the session that reads nothing closed", timeout=30)
    assert other.request(smpp.submit_sm()).status == smpp.ROK
