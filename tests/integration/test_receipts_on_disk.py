"""Receipts over kill -9: those without a message are kept and found again, and a client gets one final receipt."""
import json

import pytest

from harness import smpp
from harness.gateway import impatient, to
from harness.process import wait_until
from harness.receipts import killed, receipt, submitted, text_id, told

WRONG, RIGHT = {"id_format": "as_is"}, {"id_format": "hex_to_dec"}
SOON = {"early_hold": "0", "park": "0"}


@pytest.fixture
def storage(tmp_path):
    path = tmp_path / "store"
    path.mkdir()
    return {"backend": "rocksdb", "rocksdb": {"path": str(path)}}


@pytest.fixture
def carrier(carriers):
    """Receipts are sent by the tests."""
    return carriers(receipts=False)


def asked(smppd, path, method="GET"):
    status, body = smppd.get(path, method=method)
    assert status == 200, body
    return json.loads(body)


def misunderstood(gateway, carrier, storage, shards, receipts):
    """A message whose receipt was acknowledged and found nothing, and a smppd that was killed then."""
    carrier.id_format = "1a2b{:02x}"
    smppd = gateway(to(carrier, receipts=WRONG), storage=storage, shards=shards, receipts=receipts)
    message_id, one = submitted(smppd.bind(), carrier)
    text = f"id:{int(one.message_id, 16)} stat:DELIVRD err:000"
    assert carrier.response_to(carrier.link(), receipt(one, text.encode())).status == smpp.ROK
    return smppd, message_id


def test_a_parked_receipt_that_was_acknowledged_is_told_after_kill_9(gateway, carrier, storage, shards):
    smppd, message_id = misunderstood(gateway, carrier, storage, shards, {"early_hold": "100ms", "park": "60s"})
    killed(smppd)
    again = gateway(to(carrier, receipts=RIGHT), storage=storage, shards=shards)
    session = again.bind()
    assert text_id(told(session)) == message_id
    killed(again)
    last = gateway(to(carrier, receipts=RIGHT), storage=storage, shards=shards)
    with pytest.raises(TimeoutError):
        last.bind().receive(0.5)
    assert asked(last, "/api/receipts/unmatched")["kept"] == 0


def test_unmatched_receipts_are_listed_and_replayed_after_kill_9(gateway, carrier, storage, shards):
    smppd, message_id = misunderstood(gateway, carrier, storage, shards, SOON)
    assert asked(smppd, "/api/receipts/unmatched")["kept"] == 1
    killed(smppd)
    still = gateway(to(carrier, receipts=WRONG), storage=storage, shards=shards, receipts=SOON)
    wait_until(lambda: asked(still, "/api/receipts/unmatched")["kept"] == 1, "it is listed")
    assert asked(still, "/api/receipts/unmatched/replay", "POST")["left"] == 1
    killed(still)
    again = gateway(to(carrier, receipts=RIGHT), storage=storage, shards=shards, receipts=SOON)
    session = again.bind()
    wait_until(lambda: asked(again, "/api/receipts/unmatched")["kept"] == 1, "it is listed")
    wait_until(lambda: asked(again, "/api/receipts/unmatched/replay", "POST")["left"] == 0, "it is told")
    assert text_id(told(session)) == message_id
    assert asked(again, "/api/receipts/unmatched")["kept"] == 0


@pytest.mark.parametrize("dies_between", [False, True])
def test_a_message_that_is_with_the_smsc_twice_has_one_final_receipt(gateway, carrier, storage, shards, dies_between):
    first = []

    def answer(one):
        if first:
            return carrier.accept(one)
        first.append(one)
        return None

    carrier.answer = answer
    retry = {"uncertain": "resend", "uncertain_wait": "300ms", "delay": "100ms", "max_delay": "100ms"}
    whole = dict(storage=storage, shards=shards)
    smppd = gateway(impatient("carrier", carrier.port, retry=retry), **whole)
    session = smppd.bind()
    message_id = session.request(smpp.submit_sm(registered_delivery=1)).fields()["message_id"]
    second = carrier.wait_received(2)[1]
    # The late answer to the first, which makes its id known.
    carrier.send(first[0].link, first[0].pdu.response(0, smpp.cstring(first[0].message_id)))
    wait_until(lambda: smppd.metric("smppd_store_messages") == 0, "the message is done")
    carrier.send_receipt(second)
    assert text_id(told(session)) == message_id
    if dies_between:
        killed(smppd)
        smppd = gateway(impatient("carrier", carrier.port, retry=retry), **whole)
        session = smppd.bind()
        carrier.send_receipt(second, link=carrier.link(len(carrier.links) - 1))
        with pytest.raises(TimeoutError):
            session.receive(0.5)
    else:
        carrier.send_receipt(first[0])
        wait_until(lambda: smppd.metric("smppd_flow_receipts_duplicate_total") == 1, "it is counted")
        with pytest.raises(TimeoutError):
            session.receive(0.3)
    assert not carrier.refused


def test_after_our_own_final_receipt_the_smscs_is_not_told(gateway, carrier, storage, shards):
    late = []
    carrier.answer = late.append
    smppd = gateway(
        impatient("carrier", carrier.port, retry={"uncertain": "fail"}), storage=storage, shards=shards
    )
    session = smppd.bind()
    session.request(smpp.submit_sm(registered_delivery=1))
    assert b"stat:UNKNOWN" in told(session)["short_message"]
    wait_until(lambda: smppd.metric("smppd_store_messages") == 0, "it was taken")
    carrier.send(late[0].link, late[0].pdu.response(0, smpp.cstring(late[0].message_id)))
    carrier.send_receipt(late[0])
    wait_until(lambda: smppd.metric("smppd_flow_receipts_duplicate_total") == 1, "it is counted")
    with pytest.raises(TimeoutError):
        session.receive(0.3)
    assert not carrier.refused
