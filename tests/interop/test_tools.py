"""smppsim and smppload alone, each against the libraries of others."""
import json

from harness import smpp
from harness.peer import Client, Server
from harness.process import BINARIES, Program, Smppsim
from scenarios import LONG_TEXTS, SOURCE, SUBMISSIONS, receipt_fields

DESTINATION = "258841234567"


def test_smppsim_is_an_smsc_to_each_client(start, tmp_path, client_library):
    simulator = start(Smppsim(tmp_path, "--receipts", "delay=50ms", system_id="client"))
    client = start(Client(client_library, simulator.port))
    assert client.bind("trx")["status"] == smpp.ROK
    for submission in SUBMISSIONS:
        answer = client.call("submit", source=SOURCE, destination=DESTINATION, registered_delivery=1, **submission.call)
        assert answer["status"] == smpp.ROK, submission.name
        receipt = client.wait_event("deliver_sm", receipted_message_id=answer["message_id"])
        fields = receipt_fields(receipt)
        assert (fields["id"], fields["stat"]) == (answer["message_id"], "DELIVRD"), submission.name
    for encoding, text in LONG_TEXTS.items():
        answer = client.call("submit_long", source=SOURCE, destination=DESTINATION, text=text, encoding=encoding)
        assert answer["status"] == smpp.ROK
    state = client.call("query", source=SOURCE, message_id=answer["message_ids"][0])
    assert state["status"] == smpp.ROK
    assert client.call("enquire_link")["status"] == smpp.ROK
    assert client.call("unbind")["status"] == smpp.ROK
    client.finish()
    simulator.stop()
    findings = [event for event in simulator.events() if event.get("malformed")]
    assert not findings, findings


def test_smppsim_refuses_a_wrong_password(start, tmp_path, client_library):
    simulator = start(Smppsim(tmp_path, system_id="client"))
    client = start(Client(client_library, simulator.port))
    assert client.bind("trx", password="wrong")["status"] == smpp.RINVPASWD
    client.finish()


def test_smppload_gets_every_response_and_receipt_of_each_server(start, tmp_path, server_library):
    server = start(Server(server_library))
    report = tmp_path / "report.json"
    load = start(
        Program(
            [BINARIES / "smppload", "--connect", f"127.0.0.1:{server.port}", "--system-id", "carrier", "--password", "secret"]
            + ["--messages", "200", "--window", "10", "--registered", "1", "--receipt-timeout", "20s", "--json", report]
        )
    )
    assert load.wait_exit(60) == 0, load.output
    assert len(server.events("submit_sm")) == 200
    assert len(server.wait_events("receipt_resp", 200)) == 200
    assert json.loads(report.read_text())
