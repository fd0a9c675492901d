"""Receipts that find no message: seen over HTTP and on the command line, and told after the format was put right."""
import copy
import json
import subprocess
import time

import pytest

from harness import smpp
from harness.gateway import storage, to
from harness.process import BINARIES, wait_until
from harness.receipts import receipt, submitted, text_id, told

SOON = {"early_hold": "0", "park": "0"}


@pytest.fixture
def carrier(carriers):
    """Receipts are sent by the tests."""
    return carriers(receipts=False)


def asked(smppd, path):
    status, body = smppd.get(path)
    assert status == 200, body
    return json.loads(body)


def ordered(smppd, path):
    status, body = smppd.get(path, method="POST")
    assert status == 200, body
    return json.loads(body)


def command(smppd, *words):
    done = subprocess.run([BINARIES / "smppd", "receipts", *words, "--config", smppd.path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def lost(smppd, carrier, one, text):
    """A receipt that finds nothing, and is acknowledged all the same."""
    had = asked(smppd, "/api/receipts/unmatched")["kept"]
    assert carrier.response_to(carrier.link(), receipt(one, text.encode())).status == smpp.ROK
    wait_until(lambda: asked(smppd, "/api/receipts/unmatched")["kept"] == had + 1, "the receipt kept")


def reconfigured(smppd, **receipts):
    config = copy.deepcopy(smppd.config)
    config["upstreams"][0]["receipts"] = receipts
    smppd.reload(config)
    assert ordered(smppd, "/config/reload")["status"] == "reloaded"


def test_a_wrong_format_is_put_right_and_the_receipts_are_told(gateway, carrier, shards):
    carrier.id_format = "1a2b{:02x}"
    smppd = gateway(to(carrier, receipts={"id_format": "as_is"}), receipts=SOON, shards=shards)
    session = smppd.bind()
    sent = [submitted(session, carrier) for _ in range(3)]
    for _, one in sent:
        lost(smppd, carrier, one, f"id:{int(one.message_id, 16)} stat:UNDELIV err:001 text:x")
    shown = asked(smppd, "/api/receipts/unmatched?upstream=carrier&limit=2")
    assert (len(shown["unmatched"]), shown["kept"], shown["dropped"]) == (2, 3, 0)
    newest = shown["unmatched"][0]
    assert newest["id"] == str(int(sent[2][1].message_id, 16))
    assert (newest["upstream"], newest["stat"], newest["err"]) == ("carrier", "UNDELIV", "001")
    assert newest["source_addr"] == "258841234567"
    nothing = ordered(smppd, "/api/receipts/unmatched/replay?upstream=carrier")
    assert nothing == {"tried": 3, "matched": 0, "client_away": 0, "left": 3}

    reconfigured(smppd, id_format="hex_to_dec")
    replayed = ordered(smppd, "/api/receipts/unmatched/replay?upstream=carrier")
    assert replayed == {"tried": 3, "matched": 3, "client_away": 0, "left": 0}
    assert {text_id(told(session)) for _ in sent} == {message_id for message_id, _ in sent}
    assert asked(smppd, "/api/receipts/unmatched")["kept"] == 0
    assert ordered(smppd, "/api/receipts/unmatched/replay")["tried"] == 0


def test_receipts_without_an_id_are_replayed_with_the_carriers_grammar(gateway, carrier):
    smppd = gateway(to(carrier), receipts=SOON)
    session = smppd.bind()
    message_id, one = submitted(session, carrier)
    lost(smppd, carrier, one, f"{one.message_id};done")
    assert asked(smppd, "/api/receipts/unmatched")["unmatched"][0]["id"] is None
    reconfigured(smppd, pattern="(?P<id>[^;]+);(?P<stat>.+)", states={"done": "DELIVRD"})
    assert ordered(smppd, "/api/receipts/unmatched/replay")["matched"] == 1
    fields = told(session)
    assert text_id(fields) == message_id and b"stat:DELIVRD" in fields["short_message"]


def test_a_receipt_whose_client_is_away_stays_until_it_is_back(gateway, carrier):
    smppd = gateway(to(carrier, receipts={"id_format": "as_is"}), receipts=SOON)
    carrier.id_format = "1a2b{:02x}"
    session = smppd.bind()
    message_id, one = submitted(session, carrier)
    lost(smppd, carrier, one, f"id:{int(one.message_id, 16)} stat:DELIVRD err:000")
    reconfigured(smppd, id_format="hex_to_dec")
    session.request(smpp.Pdu(smpp.UNBIND))
    session.wait_closed()
    wait_until(lambda: smppd.metric("smppd_connection_active", listener="smpp") == 0, "the session gone")
    assert ordered(smppd, "/api/receipts/unmatched/replay") == {"tried": 1, "matched": 0, "client_away": 1, "left": 1}
    back = smppd.bind()
    assert ordered(smppd, "/api/receipts/unmatched/replay")["matched"] == 1
    assert text_id(told(back)) == message_id


def test_formats_show_what_was_learned_and_from_what(gateway, carrier, shards):
    carrier.id_format = "7f3a21{:02x}"
    smppd = gateway(to(carrier), shards=shards)
    session = smppd.bind()
    before = asked(smppd, "/api/receipts/formats")["formats"][0]
    assert (before["configured"], before["learned"], before["last_pair"]) == ("auto", None, None)
    for _ in range(3):
        message_id, one = submitted(session, carrier)
        carrier.send(carrier.link(), receipt(one, smpp.receipt_text(int(one.message_id, 16))))
        assert text_id(told(session)) == message_id
    (one,) = asked(smppd, "/api/receipts/formats")["formats"]
    assert (one["upstream"], one["configured"], one["learned"]) == ("carrier", "auto", "hex_to_dec")
    assert one["evidence"] == {"as_is": 0, "hex_to_dec": 3, "dec_to_hex": 0, "ambiguous": 0}
    assert one["last_pair"]["response"].startswith("7f3**") and one["last_pair"]["receipt"].startswith("213****")


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_what_was_learned_of_an_upstreams_ids_is_known_after_a_restart(gateway, carrier, tmp_path, shards, end):
    carrier.id_format = "7f3a21{:02x}"
    whole = dict(storage=storage(tmp_path), shards=shards)
    smppd = gateway(to(carrier), **whole)
    session = smppd.bind()

    def one_more(session):
        message_id, one = submitted(session, carrier)
        carrier.send(carrier.link(len(carrier.links) - 1), receipt(one, smpp.receipt_text(int(one.message_id, 16))))
        assert text_id(told(session)) == message_id

    for _ in range(3):
        one_more(session)
    if end == "stop":
        one_more(session)  # more evidence, which is written at the end
        session.close()
        smppd.stop()
    else:
        time.sleep(0.5)  # what was learnt is written at the next tick, which nobody is told of
        smppd.kill()
        smppd.process.returncode = 0  # as asked
    smppd = gateway(to(carrier), **whole)

    def shown():
        (one,) = asked(smppd, "/api/receipts/formats")["formats"]
        return one["learned"], one["evidence"]["hex_to_dec"]

    before = 4 if end == "stop" else 3
    wait_until(lambda: shown() == ("hex_to_dec", before), lambda: f"the evidence of before, but {shown()}")
    one_more(smppd.bind())
    assert shown() == ("hex_to_dec", before + 1)


def test_questions_that_lead_nowhere_are_answered_so(gateway, carrier):
    smppd = gateway(to(carrier))
    for path in ("/api/receipts/unmatched?upstream=nobody", "/api/receipts/unmatched?limit=x", "/api/receipts/unmatched?limit=0"):
        status, body = smppd.get(path)
        assert status in (400, 404) and "error" in json.loads(body)
    assert smppd.get("/api/receipts/unmatched/replay?upstream=nobody", method="POST")[0] == 404


def test_the_command_line_shows_and_replays(gateway, carrier):
    smppd = gateway(to(carrier, receipts={"id_format": "as_is"}), receipts=SOON)
    carrier.id_format = "1a2b{:02x}"
    session = smppd.bind()
    message_id, one = submitted(session, carrier)
    lost(smppd, carrier, one, f"id:{int(one.message_id, 16)} stat:DELIVRD err:000")
    shown = command(smppd, "unmatched", "--upstream", "carrier")
    assert f"carrier id {int(one.message_id, 16)} from 258841234567" in shown and "1 kept, 0 dropped" in shown
    assert json.loads(command(smppd, "unmatched", "--json"))["kept"] == 1
    assert command(smppd, "formats").startswith("carrier: as_is, learned -; pairs as_is 0")
    reconfigured(smppd, id_format="hex_to_dec")
    assert command(smppd, "replay").startswith("1 tried, 1 matched, 0 left")
    assert text_id(told(session)) == message_id
    refused = subprocess.run([BINARIES / "smppd", "receipts", "formats", "--management", "127.0.0.1:1"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1 and "nothing answers at 127.0.0.1:1" in refused.stderr
