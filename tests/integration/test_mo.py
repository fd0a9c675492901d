"""Messages from handsets go to the client they are for, or stay with the SMSC."""
import pytest

from harness import smpp
from harness.gateway import to
from harness.process import wait_until

CLIENTS = [{"system_id": name, "password": "secret"} for name in ("one", "two", "three")]


def sent(carrier, **fields):
    return carrier.send(carrier.link(), smpp.deliver_sm(**{"source": "258841234567", "destination": "1000", **fields}))


def taken(session, status=smpp.ROK):
    pdu = session.receive_command(smpp.DELIVER_SM)
    session.send(pdu.response(status, b"\0"))
    return pdu.fields()


def goes_to(session, carrier, **fields):
    pdu = sent(carrier, **fields)
    got = taken(session)
    answer = carrier.response_to_sent(pdu)
    assert (answer.status, answer.body) == (smpp.ROK, b"\0")
    return got


def is_refused(carrier, **fields):
    assert carrier.response_to_sent(sent(carrier, **fields)).status == smpp.RX_T_APPN


def test_mo_routes_decide_by_destination_keyword_and_upstream(gateway, carriers, shards):
    carrier, other = carriers(), carriers()
    mo_routes = [
        {"name": "upstream", "match": {"upstream": "other"}, "client": "three"},
        {"name": "keyword", "match": {"destination_addr": "1000", "text": {"regex": "(?i)^vote\\b"}}, "client": "two"},
        {"name": "number", "match": {"destination_addr": ["1000", "2*"]}, "client": "one"},
    ]
    smppd = gateway(to(carrier), to(other, "other"), shards=shards, clients=CLIENTS, mo_routes=mo_routes)
    other.link()
    one, two, three = (smppd.bind("rx", system_id=client["system_id"]) for client in CLIENTS)
    assert goes_to(one, carrier)["short_message"] == b"hello"
    goes_to(one, carrier, destination="2345")
    goes_to(two, carrier, short_message=b"VOTE yes")
    goes_to(two, carrier, short_message="vote да".encode("utf-16-be"), data_coding=8)
    goes_to(three, other, destination="1000")
    is_refused(carrier, destination="3000")
    assert smppd.metric("smppd_flow_mo_forwarded_total") == 5
    assert smppd.metric("smppd_flow_mo_refused_total") == 1


def test_the_first_client_of_the_list_that_receives_takes_it(gateway, carrier, shards):
    mo_routes = [{"name": "list", "client": ["one", "two"]}]
    smppd = gateway(to(carrier), shards=shards, clients=CLIENTS, mo_routes=mo_routes)
    smppd.bind("tx", system_id="one")
    two = smppd.bind("rx", system_id="two")
    goes_to(two, carrier)
    one = smppd.bind("trx", system_id="one")
    goes_to(one, carrier)


@pytest.mark.parametrize("address_range", ["1000", "10", "^10[0-9]*$"])
def test_without_a_route_the_address_range_of_the_bind_decides(gateway, carrier, shards, address_range):
    smppd = gateway(to(carrier), shards=shards, clients=CLIENTS)
    smppd.bind("rx", system_id="one", address_range="2")
    smppd.bind("trx", system_id="three")
    two = smppd.bind("rx", system_id="two", address_range=address_range)
    goes_to(two, carrier)
    is_refused(carrier, destination="3000")
    two.request(smpp.Pdu(smpp.UNBIND))
    two.wait_closed()
    is_refused(carrier)


def test_sessions_of_a_client_share_its_messages_on_every_shard(gateway, carrier, shards):
    smppd = gateway(to(carrier), shards=shards, mo_routes=[{"name": "all", "client": "client"}])
    sessions = [smppd.bind("rx") for _ in range(6)]
    pdus = [sent(carrier, short_message=f"{n}".encode()) for n in range(24)]
    seen = []
    for session in sessions:
        try:
            while True:
                pdu = session.receive(0.3)
                session.send(pdu.response(0, b"\0"))
                seen.append(int(pdu.fields()["short_message"]))
        except TimeoutError:
            pass
    assert sorted(seen) == list(range(24))
    assert all(carrier.response_to_sent(pdu).status == smpp.ROK for pdu in pdus)


def test_the_clients_refusal_reaches_the_smsc(gateway, carrier, shards):
    smppd = gateway(to(carrier), shards=shards, mo_routes=[{"name": "all", "client": "client"}])
    session = smppd.bind()
    pdu = sent(carrier)
    taken(session, smpp.RX_R_APPN)
    assert carrier.response_to_sent(pdu).status == smpp.RX_R_APPN


def test_a_session_that_leaves_without_answering_leaves_the_message_with_the_smsc(gateway, carrier, shards):
    smppd = gateway(to(carrier), shards=shards, mo_routes=[{"name": "all", "client": "client"}])
    session = smppd.bind()
    pdu = sent(carrier)
    session.receive_command(smpp.DELIVER_SM)
    session.close()
    assert carrier.response_to_sent(pdu).status == smpp.RX_T_APPN


def test_row_24_a_response_may_carry_an_id_or_nothing(gateway, carrier):
    smppd = gateway(to(carrier), mo_routes=[{"name": "all", "client": "client"}])
    session = smppd.bind()
    for body in (b"", b"\0", b"some-id\0", b"x" * 70):
        pdu = sent(carrier)
        session.send(session.receive_command(smpp.DELIVER_SM).response(0, body))
        answer = carrier.response_to_sent(pdu)
        assert (answer.status, answer.body) == (smpp.ROK, b"\0")


def test_an_alert_goes_to_the_receiver_of_its_esme_and_nothing_answers_it(gateway, carrier, shards):
    mo_routes = [{"name": "number", "match": {"destination_addr": "1000"}, "client": "one"}]
    smppd = gateway(to(carrier), shards=shards, clients=CLIENTS, mo_routes=mo_routes)
    one, two = smppd.bind("rx", system_id="one"), smppd.bind("trx", system_id="two", address_range="2")
    old = smppd.bind("rx", system_id="three", address_range="3", interface_version=0x33)
    availability = smpp.tlv(0x0422, b"\1")
    for esme, session in (("1000", one), ("2345", two), ("3000", None), ("4000", None)):
        body = b"\1\1" + smpp.cstring("258841234567") + b"\0\1" + smpp.cstring(esme) + availability
        carrier.send(carrier.link(), smpp.Pdu(smpp.ALERT_NOTIFICATION, body))
        if session is not None:
            assert session.receive_command(smpp.ALERT_NOTIFICATION).body == body
    unclaimed = "smppd_flow_alert_notifications_unclaimed_total"
    wait_until(lambda: smppd.metric(unclaimed) == 2, "the alerts nobody takes")
    assert smppd.metric("smppd_flow_alert_notifications_forwarded_total") == 2
    assert smppd.metric("smppd_flow_alert_notifications_total") == 4
    carrier.stays_quiet(0.2)
    with pytest.raises(TimeoutError):
        old.receive(0.1)
    for session in (one, two):
        assert session.request(smpp.Pdu(smpp.ENQUIRE_LINK)).status == smpp.ROK
    assert carrier._responses == {}
