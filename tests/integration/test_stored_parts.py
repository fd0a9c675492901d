"""Long messages that are stored: one message in the queue, its parts sent one after the other, none of them twice."""
import pytest

from harness import smpp
from harness.gateway import impatient, storage, to, upstream
from harness.parts import SAR_REF, long_text, part, place
from harness.process import free_port, wait_until

GSM = bytes(b"abcdefgh" * 50)  # 400 characters, three parts
SEGMENTED = {"segmentation": {"enabled": True}}


def submit(session, pdu):
    answer = session.request(pdu)
    assert answer.status == smpp.ROK, answer
    return answer.fields()["message_id"]


def receipt_for(session, message_id, timeout=10.0):
    pdu = session.receive_command(smpp.DELIVER_SM, timeout)
    session.send(pdu.response(0, b"\0"))
    text = pdu.fields()["short_message"]
    assert text.startswith(b"id:" + message_id.encode()), text
    return text


def no_more_receipts(session):
    with pytest.raises(TimeoutError):
        session.receive(0.4)


def killed(smppd):
    smppd.kill()
    smppd.process.returncode = 0  # as asked


def empty(smppd):
    wait_until(lambda: smppd.metric("smppd_store_messages") == 0, "an empty store")


def places(carrier):
    return [place(one)[2] for one in carrier.received if one.pdu.command == smpp.SUBMIT_SM]


def on_part(carrier, number, answer, times=100):
    """`answer(one)` is what this part is told so often; the others are accepted."""
    left = [times]

    def decide(one):
        if one.pdu.command == smpp.SUBMIT_SM and place(one)[2] == number and left[0] > 0:
            left[0] -= 1
            return answer(one)
        return carrier.accept(one)

    carrier.answer = decide


def test_a_long_message_is_answered_while_the_smsc_is_away_and_goes_in_parts_later(gateway, carriers, store, shards):
    port = free_port()
    smppd = gateway(impatient("carrier", port), storage=store, bound=False, shards=shards, multipart=SEGMENTED)
    session = smppd.bind()
    first = submit(session, long_text(GSM, registered_delivery=1))
    submit(session, smpp.submit_sm(short_message=b"short"))
    carrier = carriers(port=port)
    told = receipt_for(session, first)
    assert b"stat:DELIVRD" in told
    parts = [place(one) for one in carrier.received if one.fields["esm_class"] & 0x40]
    assert [number for _, _, number, _ in parts] == [1, 2, 3]
    assert {(reference, total) for reference, total, _, _ in parts} == {(parts[0][0], 3)}
    assert b"".join(text for *_, text in parts) == GSM
    no_more_receipts(session)
    empty(smppd)
    assert smppd.metric("smppd_flow_long_messages_total") == 1
    assert smppd.metric("smppd_flow_long_parts_total") == 3
    assert smppd.metric("smppd_messages_total", status="accepted") == 2, "in parts, and one message all the same"


def test_a_long_message_that_finds_a_link_goes_at_once(gateway, carrier, store, shards):
    smppd = gateway(to(carrier), storage=store, shards=shards, multipart=SEGMENTED)
    session = smppd.bind()
    ids = [submit(session, long_text(GSM, registered_delivery=1)) for _ in range(5)]
    assert {receipt_for(session, "")[3:19].decode() for _ in ids} == set(ids)
    no_more_receipts(session)
    assert len(carrier.received) == 15
    empty(smppd)


def test_one_that_takes_more_parts_than_allowed_is_refused_while_its_client_is_there(gateway, store):
    multipart = {"segmentation": {"enabled": True, "max_parts": 2}}
    smppd = gateway(impatient("carrier", free_port()), storage=store, bound=False, multipart=multipart)
    session = smppd.bind()
    assert session.request(long_text(GSM)).status == smpp.RINVMSGLEN
    assert session.request(long_text(GSM[:300])).status == smpp.ROK


@pytest.mark.parametrize("policy, parts, dead", [("resend", [1, 2, 2, 3], 0), ("fail", [1, 2], 1)])
def test_after_kill_9_the_part_without_an_answer_is_uncertain_and_no_other_is_sent_again(
    gateway, carrier, tmp_path, shards, policy, parts, dead
):
    whole = dict(storage=storage(tmp_path), shards=shards, multipart=SEGMENTED)
    retry = {"uncertain": policy, "delay": "100ms"}
    on_part(carrier, 2, lambda one: None, times=1)
    smppd = gateway(to(carrier, retry=retry), **whole)
    session = smppd.bind()
    message_id = submit(session, long_text(GSM))
    carrier.wait_received(2)
    killed(smppd)
    again = gateway(to(carrier, retry=retry), **whole)
    session = again.bind()
    empty(again)
    carrier.stays_quiet()
    assert places(carrier) == parts
    assert len({place(one)[0] for one in carrier.received}) == 1, "under one reference"
    assert again.metric("smppd_flow_found_uncertain_messages_total") == 1
    assert again.metric("smppd_flow_dead_messages_total") == dead
    assert again.metric("smppd_flow_long_partial_total") == dead
    assert message_id


def test_after_kill_9_between_two_parts_the_next_one_goes_and_nothing_is_uncertain(gateway, carrier, tmp_path, shards):
    whole = dict(storage=storage(tmp_path), shards=shards, multipart=SEGMENTED)
    busy = to(carrier, retry={"delay": "5s"}, throttling={"adaptive": False, "pause": "0s"})
    on_part(carrier, 2, lambda one: one.pdu.response(smpp.RMSGQFUL), times=1)
    smppd = gateway(busy, **whole)
    session = smppd.bind()
    submit(session, long_text(GSM))
    carrier.wait_received(2)
    wait_until(lambda: smppd.metric("smppd_flow_retried_messages_total") == 1, "part 2 waits")
    # Things become durable in order: with the answer to this one, which is for later, that part 2 waits is on disk.
    submit(session, smpp.submit_sm(schedule_delivery_time="000000010000000R"))
    killed(smppd)
    again = gateway(busy, **whole)
    carrier.wait_received(4, timeout=20)
    wait_until(lambda: again.metric("smppd_flow_long_messages_total") == 1, "all parts are accepted")
    assert places(carrier) == [1, 2, 2, 3]
    assert again.metric("smppd_flow_found_uncertain_messages_total") == 0


def test_a_part_that_is_refused_for_good_ends_the_message(gateway, carrier, store):
    on_part(carrier, 2, lambda one: one.pdu.response(smpp.RINVDSTADR))
    smppd = gateway(to(carrier), storage=store, multipart=SEGMENTED)
    session = smppd.bind()
    message_id = submit(session, long_text(GSM, registered_delivery=1))
    assert b"stat:UNDELIV" in receipt_for(session, message_id)
    assert places(carrier) == [1, 2]
    no_more_receipts(session)  # the one of part 1 is of no message that arrived
    assert smppd.metric("smppd_flow_dead_messages_total") == 1
    assert smppd.metric("smppd_flow_long_partial_total") == 1
    wait_until(lambda: "only some parts of a long message" in smppd.output, lambda: smppd.output)


def test_a_message_some_of_whose_parts_are_sent_is_asked_after_and_not_cancelled(gateway, carrier, store):
    on_part(carrier, 2, lambda one: one.pdu.response(smpp.RMSGQFUL))
    smppd = gateway(to(carrier, retry={"delay": "30s", "max_delay": "1m"}), storage=store, multipart=SEGMENTED)
    session = smppd.bind()
    message_id = submit(session, long_text(GSM))
    wait_until(lambda: smppd.metric("smppd_flow_retried_messages_total") == 1, "part 2 waits")
    body = smpp.cstring(message_id) + bytes([1, 1]) + smpp.cstring("1000")
    cancelled = session.request(smpp.Pdu(smpp.CANCEL_SM, b"\0" + body + bytes([1, 1]) + smpp.cstring("258841234567")))
    assert cancelled.status == smpp.RCANCELFAIL


# --- parts that clients made


def test_row_42_clients_parts_in_the_queue_are_marked_as_the_upstream_takes_them(gateway, carriers, store):
    port = free_port()
    smppd = gateway(impatient("carrier", port, message={"long_messages": "sar_tlv"}), storage=store, bound=False)
    session = smppd.bind()
    for number in (1, 2):
        submit(session, part(number, 2))
    carrier = carriers(port=port)
    got = carrier.wait_received(2)
    assert [place(one) for one in got] == [(7, 2, 1, b"part 1"), (7, 2, 2, b"part 2")]
    assert all(SAR_REF in one.fields["tlvs"] for one in got)


def test_row_42_parts_in_the_queue_stay_on_one_host(gateway, carriers, store):
    ports = [free_port(), free_port()]
    whole = impatient("carrier", ports[0])
    whole["hosts"] = [{"address": f"127.0.0.1:{port}"} for port in ports]
    whole["load_balancing"] = "round_robin"
    smppd = gateway(whole, storage=store, bound=False)
    session = smppd.bind()
    for number in (1, 2, 3, 4):
        for reference in range(20):
            submit(session, part(number, 4, reference))
    hosts = [carriers(port=port) for port in ports]
    empty(smppd)
    for number in (1, 2, 3, 4):
        for reference in range(100, 120):
            submit(session, part(number, 4, reference))
    empty(smppd)
    seen = [{place(one)[0] for one in host.received} for host in hosts]
    assert sum(len(host.received) for host in hosts) == 160
    assert seen[0] and seen[1], "and messages are spread"
    assert not seen[0] & seen[1], "a message is on one host"


def test_row_42_parts_in_the_queue_stay_on_one_upstream_after_kill_9(gateway, carriers, tmp_path, shards):
    ports = {name: free_port() for name in ("one", "two")}
    whole = dict(
        storage=storage(tmp_path),
        shards=shards,
        bound=False,
        routes=[{"name": "all", "match": {"destination_addr": "*"}, "split": {"one": 50, "two": 50}}],
    )
    upstreams = [impatient(name, port) for name, port in ports.items()]
    smppd = gateway(*upstreams, **whole)
    session = smppd.bind()
    for number in (1, 2, 3, 4):
        for reference in range(20):
            submit(session, part(number, 4, reference))
    killed(smppd)
    both = [carriers(port=port) for port in ports.values()]
    empty(gateway(*upstreams, **{**whole, "bound": True}))
    assert sum(len(one.received) for one in both) == 80
    seen = [{place(one)[0] for one in carrier.received} for carrier in both]
    assert seen[0] and seen[1], "messages are split"
    assert not seen[0] & seen[1], "a message is with one upstream"
