"""One final receipt for a message that went in parts, and one for each destination of a submit_multi, over kill -9."""

import pytest

from harness import smpp
from harness.gateway import storage, to
from harness.parts import long_text, place
from harness.process import wait_until
from harness.receipts import killed, receipt, told

GSM = bytes(b"abcdefgh" * 50)  # 400 characters, three parts
SEGMENTED = {"segmentation": {"enabled": True}}


@pytest.fixture
def carrier(carriers):
    """Receipts are sent by the tests."""
    return carriers(receipts=False)


def report(carrier, one, stat="DELIVRD", err="000"):
    text = f"id:{one.message_id} stat:{stat} err:{err}".encode()
    link = carrier.link(len(carrier.links) - 1)  # those before are of smppds that were killed
    assert carrier.response_to(link, receipt(one, text)).status == smpp.ROK


def no_more_receipts(session):
    with pytest.raises(TimeoutError):
        session.receive(0.4)


def sent_in_parts(session, carrier, count=3):
    answer = session.request(long_text(GSM, registered_delivery=1))
    assert answer.status == smpp.ROK
    parts = {}
    for one in carrier.wait_received(count):
        parts.setdefault(place(one)[2], []).append(one)
    return answer.fields()["message_id"], parts


def test_what_parts_reported_before_kill_9_counts_after_it(gateway, carrier, tmp_path, shards):
    whole = dict(storage=storage(tmp_path), shards=shards, multipart=SEGMENTED)
    smppd = gateway(to(carrier), **whole)
    message_id, parts = sent_in_parts(smppd.bind(), carrier)
    report(carrier, parts[1][0])
    killed(smppd)
    smppd = gateway(to(carrier), **whole)
    report(carrier, parts[1][0])  # again
    report(carrier, parts[2][0], "UNDELIV", "012")
    killed(smppd)
    smppd = gateway(to(carrier), **whole)
    session = smppd.bind()
    report(carrier, parts[3][0])
    text = told(session)["short_message"].decode()
    assert text.startswith(f"id:{message_id} ") and "stat:UNDELIV err:012" in text
    for part in parts.values():
        report(carrier, part[0])
    no_more_receipts(session)
    killed(smppd)
    again = gateway(to(carrier), **whole).bind()
    report(carrier, parts[2][0])
    no_more_receipts(again)


@pytest.mark.parametrize("killed_after", [None, 1, 3])
def test_a_part_that_was_sent_twice_counts_once(gateway, carrier, tmp_path, shards, killed_after):
    """`retry.uncertain: resend`: the first copy's answer comes late, so that both copies have receipts."""
    whole = dict(storage=storage(tmp_path), shards=shards, multipart=SEGMENTED)
    policy = to(carrier, retry={"uncertain": "resend", "delay": "100ms"}, timeouts={"response": "500ms"})
    late = []

    def answer(one):
        if place(one)[2] == 2 and not late:
            late.append(one)
            return None
        return carrier.accept(one)

    carrier.answer = answer
    smppd = gateway(policy, **whole)
    session = smppd.bind()
    message_id, parts = sent_in_parts(session, carrier, 4)
    first, second = parts[2]
    late[0].link.send(carrier.accept(first))
    wait_until(lambda: smppd.metric("smppd_flow_late_responses_total") == 1, "the late answer")
    reports = [parts[1][0], first, second, parts[3][0]]
    for number, one in enumerate(reports):
        report(carrier, one)
        if number == killed_after:
            session.close()
            killed(smppd)
            smppd = gateway(policy, **whole)
            session = smppd.bind()
    assert told(session)["short_message"].startswith(b"id:" + message_id.encode())
    for one in reports:
        report(carrier, one)
    no_more_receipts(session)


def test_each_destination_of_a_submit_multi_has_its_final_receipt_after_kill_9(gateway, carrier, tmp_path, shards):
    whole = dict(storage=storage(tmp_path), shards=shards)
    smppd = gateway(to(carrier), **whole)
    listed = b"".join(b"\x01\x01\x01" + smpp.cstring(one) for one in ("258841111111", "258842222222"))
    body = b"\0" + bytes([1, 1]) + smpp.cstring("1000") + b"\x02" + listed + b"\0\0\0\0\0\x01\0\0\0\x05multi"
    assert smppd.bind().request(smpp.Pdu(0x21, body)).status == smpp.ROK
    both = carrier.wait_received(2)
    killed(smppd)
    smppd = gateway(to(carrier), **whole)
    session = smppd.bind()
    for one in both:
        report(carrier, one)
    got = {told(session)["source_addr"] for _ in both}
    assert got == {"258841111111", "258842222222"}
    report(carrier, both[0])
    no_more_receipts(session)
