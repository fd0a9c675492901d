"""The control: the peers understand each other without smppd between them, so what fails through smppd is smppd's."""
import pytest

from harness import smpp
from harness.carrier import Carrier
from harness.peer import Client, Server
from scenarios import LONG_TEXTS, SOURCE, SUBMISSIONS, as_record, joined, long_octets, receipt_fields

DESTINATION = "258841234567"


def bound_pair(start, client_library, server_library):
    server = start(Server(server_library, system_id="client"))
    client = start(Client(client_library, server.port))
    assert client.bind("trx")["status"] == smpp.ROK
    return client, server


def everything(client, server):
    for submission in SUBMISSIONS:
        answer = client.call("submit", source=SOURCE, destination=DESTINATION, **submission.call)
        assert answer["status"] == smpp.ROK, submission.name
        seen = server.wait_event("submit_sm", message_id=answer["message_id"])
        assert (seen["hex"], seen["data_coding"], seen["esm_class"]) == (
            submission.octets.hex(),
            submission.data_coding,
            submission.esm_class,
        ), submission.name
    for encoding, text in LONG_TEXTS.items():
        answer = client.call("submit_long", source=SOURCE, destination=DESTINATION, text=text, encoding=encoding)
        assert answer["status"] == smpp.ROK
        parts = [server.wait_event("submit_sm", message_id=id) for id in answer["message_ids"]]
        assert joined(parts) == long_octets(encoding)
    answer = client.call("submit", source=SOURCE, destination=DESTINATION, hex="4142", registered_delivery=1)
    receipt = client.wait_event("deliver_sm", receipted_message_id=answer["message_id"])
    assert receipt_fields(receipt)["stat"] == "DELIVRD"
    assert server.wait_event("receipt_resp", message_id=answer["message_id"])["status"] == smpp.ROK
    assert server.call("deliver", source=DESTINATION, destination=SOURCE, hex="c3a9", data_coding=3)["status"] == smpp.ROK
    client.wait_event("deliver_sm", hex="c3a9", data_coding=3)
    assert client.call("enquire_link")["status"] == smpp.ROK
    assert server.call("enquire_link")["status"] == smpp.ROK
    assert client.call("unbind")["status"] == smpp.ROK
    client.finish()
    server.finish()


def test_each_client_gets_along_with_a_server_of_another_library(start, client_library):
    other = "net-smpp" if client_library == "node-smpp" else "node-smpp"
    everything(*bound_pair(start, client_library, other))


def test_each_server_gets_along_with_a_client_of_another_library(start, server_library):
    other = "net-smpp" if server_library == "smpplib" else "smpplib"
    everything(*bound_pair(start, other, server_library))


@pytest.mark.parametrize("kind", ["tx", "rx", "trx"])
def test_our_own_octets_are_understood_by_each_server(start, server_library, kind):
    server = start(Server(server_library))
    with smpp.Connection.to(server.port) as connection:
        connection.bind(kind, system_id="carrier", expect=smpp.ROK)
        seen = server.wait_event("bind", status=smpp.ROK)
        assert (seen["kind"], seen["system_id"], seen["interface_version"]) == (kind, "carrier", 0x34)
        if kind != "rx":
            answer = connection.request(smpp.submit_sm(short_message=b"octets", data_coding=4))
            submitted = server.wait_event("submit_sm", message_id=answer.fields()["message_id"])
            assert (submitted["hex"], submitted["data_coding"]) == (b"octets".hex(), 4)
        assert connection.request(smpp.Pdu(smpp.ENQUIRE_LINK)).status == smpp.ROK
        assert connection.request(smpp.Pdu(smpp.UNBIND)).status == smpp.ROK


def test_our_own_carrier_understands_each_client(start, client_library):
    with Carrier() as carrier:
        client = start(Client(client_library, carrier.port))
        assert client.bind("trx")["status"] == smpp.ROK
        carrier.link()
        fields = carrier.binds[0].fields()
        assert (fields["system_id"], fields["password"]) == ("client", "secret")
        for number, submission in enumerate(SUBMISSIONS, 1):
            answer = client.call("submit", source=SOURCE, destination=DESTINATION, **submission.call)
            received = carrier.wait_received(number)[-1]
            assert (answer["status"], answer["message_id"]) == (smpp.ROK, received.message_id), submission.name
            seen = as_record(received.pdu)
            assert (seen["hex"], seen["data_coding"]) == (submission.octets.hex(), submission.data_coding), submission.name
        answer = client.call("submit", source=SOURCE, destination=DESTINATION, hex="4142", registered_delivery=1)
        receipt = client.wait_event("deliver_sm", receipted_message_id=answer["message_id"])
        assert receipt_fields(receipt)["id"] == answer["message_id"]
        assert carrier.deliver(source=DESTINATION, destination=SOURCE, short_message=b"first").status == smpp.ROK
        client.wait_event("deliver_sm", hex=b"first".hex())
        state = client.call("query", source=SOURCE, message_id=answer["message_id"])
        assert (state["status"], state["message_state"]) == (smpp.ROK, 2)
        assert client.call("unbind")["status"] == smpp.ROK
        client.finish()
