"""smppd as the client of SMSCs that others wrote."""
import threading
import time

import pytest

from harness import smpp
from harness.gateway import config, port_of, upstream
from harness.peer import Server
from harness.process import Smppd, wait_until
from scenarios import SOURCE, SUBMISSIONS, receipt_fields

DESTINATION = "258841234567"


@pytest.fixture
def server(start, server_library):
    return start(Server(server_library))


def through(start, folder, server, bound=True, **more):
    """smppd in front of the server."""
    return start(Smppd(folder, config(upstream("carrier", server.port, **more)))).start(bound)


def connected(smppd, **fields):
    connection = smpp.Connection.to(port_of(smppd.config))
    connection.bind("trx", **fields)
    return connection


@pytest.mark.parametrize("kind, binds", [("transceiver", ["trx"]), ("transmitter", ["tx"]), ("pair", ["rx", "tx"])])
def test_binds_as_configured(start, tmp_path, server, kind, binds):
    through(start, tmp_path, server, bind={"type": kind, "system_type": "VMA"})
    events = server.wait_events("bind", len(binds))
    assert sorted(event["kind"] for event in events) == binds
    assert {(event["system_id"], event["interface_version"], event["status"]) for event in events} == {("carrier", 0x34, 0)}


def test_a_refused_password_is_not_tried_again(start, tmp_path, server):
    smppd = through(start, tmp_path, server, bound=False, bind={"password": "wrong"})
    server.wait_event("bind", status=smpp.RINVPASWD)
    time.sleep(1.5)  # several times the reconnect interval of the configuration
    assert len(server.events("bind")) == 1
    assert smppd.get("/readyz")[0] == 503


def test_every_encoding_arrives_octet_by_octet(start, tmp_path, server):
    smppd = through(start, tmp_path, server)
    with connected(smppd) as client:
        for submission in SUBMISSIONS:
            in_payload = submission.call.get("payload", False)
            answer = client.request(
                smpp.submit_sm(
                    source=SOURCE,
                    destination=DESTINATION,
                    esm_class=submission.esm_class,
                    data_coding=submission.data_coding,
                    short_message=b"" if in_payload else submission.octets,
                    tlvs=smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, submission.octets) if in_payload else b"",
                )
            )
            assert answer.status == smpp.ROK, submission.name
            seen = wait_until(lambda: server.events("submit_sm", hex=submission.octets.hex()), submission.name)[-1]
            assert (seen["data_coding"], seen["esm_class"], seen["source"], seen["destination"]) == (
                submission.data_coding,
                submission.esm_class,
                SOURCE,
                DESTINATION,
            ), submission.name


@pytest.mark.parametrize("kind", ["transceiver", "pair"])
def test_receipts_find_their_message_whatever_the_ids_look_like(start, tmp_path, server, kind):
    smppd = through(start, tmp_path, server, bind={"type": kind})
    with connected(smppd) as client:
        ids = []
        for text in (b"one", b"two", b"three"):
            answer = client.request(smpp.submit_sm(source=SOURCE, short_message=text, registered_delivery=1))
            assert answer.status == smpp.ROK
            ids.append(answer.fields()["message_id"])
        receipted = set()
        for _ in ids:
            receipt = client.receive_command(smpp.DELIVER_SM)
            client.send(receipt.response(0, b"\0"))
            fields = receipt.fields()
            id = receipt_fields({"hex": fields["short_message"].hex()})["id"]
            assert fields["tlvs"][smpp.TLV_RECEIPTED_MESSAGE_ID] == smpp.cstring(id)
            receipted.add(id)
        assert receipted == set(ids)
        issued = {event["message_id"] for event in server.events("submit_sm")}
        assert not issued & set(ids), "the carrier's ids were passed through although message_id is own"
        assert {event["status"] for event in server.wait_events("receipt_resp", 3)} == {smpp.ROK}


def test_data_sm_arrives_as_data_sm(start, tmp_path, server):
    smppd = through(start, tmp_path, server)
    with connected(smppd) as client:
        body = smpp.cstring("") + b"\1\1" + smpp.cstring(SOURCE) + b"\1\1" + smpp.cstring(DESTINATION) + b"\0\0\4"
        body += smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, b"data")
        assert client.request(smpp.Pdu(smpp.DATA_SM, body)).status == smpp.ROK
    assert (server.wait_event("data_sm")["hex"], server.wait_event("data_sm")["data_coding"]) == (b"data".hex(), 4)


def test_a_message_from_the_handset_reaches_the_client(start, tmp_path, server):
    smppd = through(start, tmp_path, server)
    with connected(smppd, address_range=SOURCE) as client:
        answers = []
        calling = threading.Thread(
            target=lambda: answers.append(
                server.call("deliver", source=DESTINATION, destination=SOURCE, hex="c3a9", data_coding=3)
            )
        )
        calling.start()
        delivered = client.receive_command(smpp.DELIVER_SM)
        client.send(delivered.response(0, b"\0"))
        calling.join(20)
        assert (delivered.fields()["short_message"], delivered.fields()["data_coding"]) == (b"\xc3\xa9", 3)
        assert answers[0]["status"] == smpp.ROK


def test_enquire_link_is_answered_both_ways(start, tmp_path, server):
    smppd = through(start, tmp_path, server, enquire_link={"interval": "300ms", "timeout": "5s"})
    assert server.call("enquire_link")["status"] == smpp.ROK
    time.sleep(1.2)
    assert not server.events("closed")
    assert smppd.get("/readyz")[0] == 200


def test_query_sm_is_answered_by_the_server(start, tmp_path, server):
    smppd = through(start, tmp_path, server)
    with connected(smppd) as client:
        id = client.request(smpp.submit_sm(source=SOURCE, short_message=b"text")).fields()["message_id"]
        answer = client.request(smpp.Pdu(smpp.QUERY_SM, smpp.cstring(id) + b"\1\1" + smpp.cstring(SOURCE)))
        assert answer.status == smpp.ROK
        returned, _, rest = answer.body.partition(b"\0")
        assert (returned, rest.partition(b"\0")[2]) == (id.encode(), b"\2\0")


def test_binds_again_after_the_server_has_unbound_it(start, tmp_path, server):
    smppd = through(start, tmp_path, server)
    assert server.call("unbind")["status"] == smpp.ROK
    server.wait_events("bind", 2)
    # The server has answered the second bind; smppd may not have read that yet, and /readyz tells what was so lately.
    wait_until(lambda: smppd.output.count("link bound") == 2, "a second link")
    with connected(smppd) as client:
        assert client.request(smpp.submit_sm(short_message=b"after")).status == smpp.ROK


def test_a_stopping_smppd_unbinds(start, tmp_path, server):
    smppd = through(start, tmp_path, server)
    smppd.stop()
    server.wait_event("unbind")
