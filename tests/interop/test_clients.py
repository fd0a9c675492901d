"""Each client library through smppd to a carrier that records octet by octet what reaches it."""
import time

import pytest

from harness import smpp
from harness.carrier import Carrier
from harness.gateway import config, port_of, upstream
from harness.peer import Client
from harness.process import Smppd, Smppsim
from scenarios import LONG_TEXTS, SOURCE, SUBMISSIONS, as_record, joined, long_octets, receipt_fields

DESTINATION = "258841234567"
ENQUIRE_LINK_SECONDS = 0.3


class Gateway:
    def __init__(self, smppd, carrier):
        self.smppd = smppd
        self.carrier = carrier
        self.port = port_of(smppd.config)


@pytest.fixture(scope="module")
def gateway(start_for_module, tmp_path_factory):
    with Carrier() as carrier:
        settings = config(
            upstream("carrier", carrier.port, window={"size": 10}),
            listener={"smpp": {"enquire_link_interval": f"{int(ENQUIRE_LINK_SECONDS * 1000)}ms", "enquire_link_timeout": "5s"}},
            clients=[
                {"system_id": "client", "password": "secret"},
                {"system_id": "slow", "password": "secret", "rate_limit": {"messages_per_second": 1}},
            ],
            routes=[{"name": "some", "match": {"destination_addr": "258*"}, "upstream": "carrier"}],
            mo_routes=[{"name": "back", "match": {"destination_addr": SOURCE}, "client": "client"}],
        )
        yield Gateway(start_for_module(Smppd(tmp_path_factory.mktemp("smppd"), settings)).start(), carrier)


@pytest.fixture
def client(start, gateway, client_library):
    gateway.carrier.received.clear()
    return start(Client(client_library, gateway.port))


@pytest.mark.parametrize("kind", ["tx", "rx", "trx"])
def test_binds_and_unbinds(client, kind):
    assert client.bind(kind)["status"] == smpp.ROK
    assert client.call("unbind")["status"] == smpp.ROK
    client.finish()


@pytest.mark.parametrize("kind", ["tx", "rx", "trx"])
def test_a_wrong_password_is_refused_with_its_status(client, kind):
    assert client.bind(kind, password="wrong")["status"] == smpp.RINVPASWD
    client.finish()


@pytest.mark.parametrize("kind", ["tx", "rx", "trx"])
def test_an_unknown_system_id_is_refused_with_its_status(client, kind):
    assert client.bind(kind, system_id="nobody")["status"] == smpp.RINVSYSID
    client.finish()


def test_every_encoding_reaches_the_carrier_octet_by_octet(client, gateway):
    assert client.bind("tx")["status"] == smpp.ROK
    ids = set()
    for number, submission in enumerate(SUBMISSIONS, 1):
        answer = client.call("submit", source=SOURCE, destination=DESTINATION, **submission.call)
        assert answer["status"] == smpp.ROK, submission.name
        ids.add(answer["message_id"])
        seen = as_record(gateway.carrier.wait_received(number)[-1].pdu)
        assert (seen["hex"], seen["data_coding"], seen["esm_class"], seen["source"], seen["destination"]) == (
            submission.octets.hex(),
            submission.data_coding,
            submission.esm_class,
            SOURCE,
            DESTINATION,
        ), submission.name
    assert len(ids) == len(SUBMISSIONS), f"message ids repeat: {ids}"


@pytest.mark.parametrize("encoding", LONG_TEXTS)
def test_the_parts_of_a_long_message_arrive_whole(client, gateway, encoding):
    assert client.bind("trx")["status"] == smpp.ROK
    answer = client.call("submit_long", source=SOURCE, destination=DESTINATION, text=LONG_TEXTS[encoding], encoding=encoding)
    assert answer["status"] == smpp.ROK
    received = gateway.carrier.wait_received(len(answer["message_ids"]))
    assert len({one.link for one in received}) == 1, "the parts took different links"
    assert joined([as_record(one.pdu) for one in received]) == long_octets(encoding)


def test_data_sm_goes_through_as_data_sm(client, gateway):
    assert client.bind("trx")["status"] == smpp.ROK
    answer = client.call("data_sm", source=SOURCE, destination=DESTINATION, hex="41c3a9", data_coding=4)
    assert (answer["status"], bool(answer["message_id"])) == (smpp.ROK, True)
    received = gateway.carrier.wait_received(1, command=smpp.DATA_SM)[0]
    assert (as_record(received.pdu)["hex"], received.fields["data_coding"]) == ("41c3a9", 4)


def check_receipt(answer, receipt):
    fields = receipt_fields(receipt)
    assert (fields["id"], fields["stat"]) == (answer["message_id"], "DELIVRD")
    assert receipt["esm_class"] & 0x3C == 0x04
    assert (receipt["source"], receipt["destination"]) == (DESTINATION, SOURCE)
    assert (receipt["receipted_message_id"], receipt["message_state"]) == (answer["message_id"], 2)


def test_the_receipt_carries_the_id_the_client_was_given(client):
    assert client.bind("trx")["status"] == smpp.ROK
    for text in ("one", "two", "three"):
        answer = client.call(
            "submit", source=SOURCE, destination=DESTINATION, text=text, encoding="gsm", registered_delivery=1
        )
        assert answer["status"] == smpp.ROK
        check_receipt(answer, client.wait_event("deliver_sm", receipted_message_id=answer["message_id"]))


def test_the_receipt_of_a_transmitter_comes_on_the_receiver_of_the_same_client(start, client, gateway, client_library):
    receiver = start(Client(client_library, gateway.port))
    assert receiver.bind("rx")["status"] == smpp.ROK
    assert client.bind("tx")["status"] == smpp.ROK
    answer = client.call("submit", source=SOURCE, destination=DESTINATION, hex="4142", registered_delivery=1)
    check_receipt(answer, receiver.wait_event("deliver_sm", receipted_message_id=answer["message_id"]))
    assert not client.events("deliver_sm")


def test_a_message_from_the_handset_reaches_the_client(client, gateway):
    assert client.bind("trx")["status"] == smpp.ROK
    octets = "Olá, ação".encode("latin-1")
    response = gateway.carrier.deliver(source=DESTINATION, destination=SOURCE, short_message=octets, data_coding=3)
    assert response.status == smpp.ROK
    seen = client.wait_event("deliver_sm", hex=octets.hex(), data_coding=3)
    assert (seen["source"], seen["destination"], seen["esm_class"]) == (DESTINATION, SOURCE, 0)


def test_enquire_link_is_answered_both_ways(client):
    assert client.bind("trx")["status"] == smpp.ROK
    assert client.call("enquire_link")["status"] == smpp.ROK
    time.sleep(4 * ENQUIRE_LINK_SECONDS)  # smppd asks on the idle session, and would close one that does not answer
    assert client.call("enquire_link")["status"] == smpp.ROK
    assert not client.events("closed")


def test_query_sm_is_answered_by_the_carrier_that_has_the_message(client, gateway):
    assert client.bind("trx")["status"] == smpp.ROK
    answer = client.call("submit", source=SOURCE, destination=DESTINATION, hex="4142", registered_delivery=0)
    state = client.call("query", source=SOURCE, message_id=answer["message_id"])
    assert (state["status"], state["message_state"]) == (smpp.ROK, 2)
    submitted, query = gateway.carrier.wait_received(2)
    assert query.pdu.body.partition(b"\0")[0] == submitted.message_id.encode()


def test_over_the_rate_limit_the_client_is_told_to_slow_down(client):
    assert client.bind("tx", system_id="slow")["status"] == smpp.ROK
    statuses = [
        client.call("submit", source=SOURCE, destination=DESTINATION, hex="4142")["status"] for _ in range(3)
    ]
    assert smpp.RTHROTTLED in statuses, statuses
    assert set(statuses) <= {smpp.ROK, smpp.RTHROTTLED}, statuses


def test_without_a_route_the_destination_is_refused(client, gateway):
    assert client.bind("tx")["status"] == smpp.ROK
    answer = client.call("submit", source=SOURCE, destination="27821234567", hex="4142")
    assert answer["status"] == smpp.RINVDSTADR
    assert client.call("submit", source=SOURCE, destination=DESTINATION, hex="4142")["status"] == smpp.ROK


def test_an_error_of_the_carrier_reaches_the_client_as_it_is(client, gateway):
    gateway.carrier.answer = lambda one: one.pdu.response(0x45)  # ESME_RSUBMITFAIL
    try:
        assert client.bind("trx")["status"] == smpp.ROK
        assert client.call("submit", source=SOURCE, destination=DESTINATION, hex="4142")["status"] == 0x45
        assert client.call("enquire_link")["status"] == smpp.ROK
    finally:
        gateway.carrier.answer = gateway.carrier.accept


def test_a_stopping_smppd_says_good_bye(start, tmp_path, client_library):
    with Carrier() as carrier:
        smppd = start(Smppd(tmp_path, config(upstream("carrier", carrier.port)))).start()
        client = start(Client(client_library, port_of(smppd.config)))
        assert client.bind("trx")["status"] == smpp.ROK
        smppd.stop()
        client.wait_event("closed")


def test_through_smppd_to_smppsim(start, tmp_path, client_library):
    simulator = start(Smppsim(tmp_path, "--receipts", "delay=50ms"))
    smppd = start(Smppd(tmp_path, config(upstream("simulator", simulator.port)))).start()
    client = start(Client(client_library, port_of(smppd.config)))
    assert client.bind("trx")["status"] == smpp.ROK
    for submission in SUBMISSIONS:
        answer = client.call("submit", source=SOURCE, destination=DESTINATION, registered_delivery=1, **submission.call)
        assert answer["status"] == smpp.ROK, submission.name
        receipt = client.wait_event("deliver_sm", receipted_message_id=answer["message_id"])
        assert receipt_fields(receipt)["id"] == answer["message_id"]
    assert client.call("unbind")["status"] == smpp.ROK
    client.finish()
    smppd.stop()
