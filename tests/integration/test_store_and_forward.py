"""Messages that smppd answers for: kept before they are answered, sent when there is a way, and not lost by kill -9."""
import time

import pytest

from harness import smpp
from harness.gateway import impatient, to
from harness.process import free_port, wait_until

DELIVERED = b"stat:DELIVRD"


def storage(folder, **more):
    path = folder / "store"
    path.mkdir(exist_ok=True)
    return {"backend": "rocksdb", "rocksdb": {"path": str(path)}, **more}


def submit(session, **fields):
    answer = session.request(smpp.submit_sm(**fields))
    assert answer.status == smpp.ROK, answer
    return answer.fields()["message_id"]


def receipt_for(session, message_id, timeout=10.0):
    """The receipt the client gets, which it acknowledges."""
    pdu = session.receive_command(smpp.DELIVER_SM, timeout)
    session.send(pdu.response(0, b"\0"))
    fields = pdu.fields()
    assert fields["tlvs"][smpp.TLV_RECEIPTED_MESSAGE_ID] == smpp.cstring(message_id), fields
    return fields


def texts(carrier):
    return [one.fields["short_message"].decode() for one in carrier.received if one.pdu.command == smpp.SUBMIT_SM]


@pytest.fixture(params=["rocksdb", "memory"])
def store(request, tmp_path):
    return storage(tmp_path) if request.param == "rocksdb" else {"backend": "memory"}


def test_a_message_is_answered_under_our_id_sent_once_and_its_receipt_comes_back(gateway, carrier, store, shards):
    smppd = gateway(to(carrier), storage=store, shards=shards)
    session = smppd.bind()
    ids = [submit(session, short_message=f"m{number}".encode(), registered_delivery=1) for number in range(20)]
    assert len(set(ids)) == 20
    told = [session.receive_command(smpp.DELIVER_SM) for _ in ids]
    for pdu in told:
        session.send(pdu.response(0, b"\0"))
    assert sorted(pdu.fields()["tlvs"][smpp.TLV_RECEIPTED_MESSAGE_ID] for pdu in told) == sorted(map(smpp.cstring, ids))
    assert texts(carrier) == [f"m{number}" for number in range(20)]
    wait_until(lambda: smppd.metric("smppd_store_messages") == 0, "an empty store")


def test_messages_are_answered_while_the_smsc_is_away_and_sent_in_order_when_it_comes(gateway, carriers, store, shards):
    port = free_port()
    smppd = gateway(impatient("carrier", port), storage=store, bound=False, shards=shards)
    session = smppd.bind()
    wanted = [f"m{number}" for number in range(50)]
    for text in wanted:
        submit(session, short_message=text.encode())
    carrier = carriers(port=port)
    carrier.wait_received(50)
    assert texts(carrier) == wanted
    carrier.stays_quiet()


def test_what_was_answered_is_sent_after_kill_9(gateway, carriers, tmp_path, shards):
    port = free_port()
    whole = dict(storage=storage(tmp_path), bound=False, shards=shards)
    smppd = gateway(impatient("carrier", port), **whole)
    session = smppd.bind()
    wanted = [f"m{number}" for number in range(200)]
    for text in wanted:
        submit(session, short_message=text.encode())
    smppd.kill()
    smppd.process.returncode = 0  # as asked
    carrier = carriers(port=port)
    gateway(impatient("carrier", port), **{**whole, "bound": True})
    carrier.wait_received(200)
    assert texts(carrier) == wanted
    carrier.stays_quiet()


def test_a_receipt_finds_its_message_after_kill_9(gateway, carriers, tmp_path, shards):
    carrier = carriers(receipts=False)
    smppd = gateway(to(carrier), storage=storage(tmp_path), shards=shards)
    session = smppd.bind()
    message_id = submit(session, registered_delivery=1)
    one = carrier.wait_received(1)[0]
    wait_until(lambda: smppd.metric("smppd_store_messages") == 0, "the message is done")
    time.sleep(0.5)  # and its end is on the disk, which nobody is told of
    smppd.kill()
    smppd.process.returncode = 0
    again = gateway(to(carrier), storage=storage(tmp_path), shards=shards)
    session = again.bind()
    one.link = carrier.link(len(carrier.links) - 1)
    carrier.send_receipt(one)
    assert DELIVERED in receipt_for(session, message_id)["short_message"]


def test_a_receipt_waits_on_disk_for_a_client_that_is_away(gateway, carrier, tmp_path, shards):
    carrier.receipt_delay = 0.3
    smppd = gateway(to(carrier), storage=storage(tmp_path), shards=shards)
    session = smppd.bind("tx")
    message_id = submit(session, registered_delivery=1)
    session.close()
    wait_until(lambda: smppd.metric("smppd_flow_inbox_kept_total") == 1, "the receipt is in the inbox")
    assert not carrier.refused
    smppd.kill()
    smppd.process.returncode = 0
    again = gateway(to(carrier), storage=storage(tmp_path), shards=shards)
    session = again.bind("rx")
    receipt_for(session, message_id)
    wait_until(lambda: again.metric("smppd_store_messages") == 0, "an empty store")


def test_a_receipt_the_client_refuses_comes_again_and_no_more_once_it_is_taken(gateway, carrier, store):
    store = {**store, "inbox": {"delay": "200ms", "max_delay": "400ms"}}
    smppd = gateway(to(carrier), storage=store)
    session = smppd.bind()
    message_id = submit(session, registered_delivery=1)
    for _ in range(2):
        pdu = session.receive_command(smpp.DELIVER_SM)
        session.send(pdu.response(smpp.RX_T_APPN, b"\0"))
    receipt_for(session, message_id)
    with pytest.raises(TimeoutError):
        session.receive(0.6)
    assert not carrier.refused


def test_an_mo_waits_for_its_client_and_the_smsc_may_forget_it(gateway, carrier, store, shards):
    smppd = gateway(
        to(carrier),
        storage=store,
        shards=shards,
        mo_routes=[{"name": "all", "match": {"destination_addr": "*"}, "client": "client"}],
    )
    for number in range(5):
        answer = carrier.deliver(short_message=f"mo{number}".encode())
        assert answer.status == smpp.ROK
    session = smppd.bind("rx")
    for number in range(5):
        pdu = session.receive_command(smpp.DELIVER_SM)
        session.send(pdu.response(0, b"\0"))
        assert pdu.fields()["short_message"] == f"mo{number}".encode()


def test_a_refused_message_is_tried_again_and_then_accepted(gateway, carrier, store):
    refusals = iter([smpp.RSYSERR, smpp.RMSGQFUL])
    carrier.answer = lambda one: (
        one.pdu.response(status) if (status := next(refusals, None)) is not None else carrier.accept(one)
    )
    smppd = gateway(to(carrier, retry={"delay": "100ms", "max_delay": "1s"}), storage=store)
    session = smppd.bind()
    message_id = submit(session, registered_delivery=1)
    receipt_for(session, message_id)
    assert len(carrier.received) == 3
    assert smppd.metric("smppd_flow_retried_messages_total") == 2


def refusing_at_first(carrier, text, times):
    left = [times]

    def answer(one):
        if one.fields["short_message"] != text or left[0] == 0:
            return carrier.accept(one)
        left[0] -= 1
        return one.pdu.response(smpp.RSYSERR)

    carrier.answer = answer


def test_where_order_is_by_destination_none_passes_a_message_that_is_tried_again(gateway, carrier, store, shards):
    refusing_at_first(carrier, b"a0", 2)
    retry = {"order": "destination", "delay": "300ms", "max_delay": "300ms"}
    smppd = gateway(to(carrier, retry=retry), storage=store, shards=shards)
    session = smppd.bind()
    for number in range(3):
        submit(session, destination="258841111111", short_message=f"a{number}".encode())
    for number in range(3):
        submit(session, destination="258842222222", short_message=f"b{number}".encode())
    carrier.wait_received(8)
    order = texts(carrier)
    assert [text for text in order if text[0] == "a"] == ["a0", "a0", "a0", "a1", "a2"]
    assert [text for text in order if text[0] == "b"] == ["b0", "b1", "b2"]
    assert order.index("b2") < order.index("a1"), "another destination does not wait"
    wait_until(lambda: smppd.metric("smppd_store_messages") == 0, "an empty store")


def test_the_order_by_destination_holds_over_kill_9(gateway, carrier, tmp_path, shards):
    refusing_at_first(carrier, b"a0", 1)
    whole = dict(storage=storage(tmp_path), shards=shards)
    upstream = to(carrier, retry={"order": "destination", "delay": "4s", "jitter": 0})
    smppd = gateway(upstream, **whole)
    session = smppd.bind()
    for number in range(3):
        submit(session, destination="258841111111", short_message=f"a{number}".encode())
    wait_until(lambda: smppd.metric("smppd_flow_retried_messages_total") == 1, "the first was refused")
    time.sleep(0.3)  # and that is on the disk, which nobody is told of
    smppd.kill()
    smppd.process.returncode = 0
    gateway(upstream, **whole)
    carrier.wait_received(4, timeout=15)
    assert texts(carrier) == ["a0", "a0", "a1", "a2"]


def test_a_message_that_is_refused_for_good_is_a_dead_letter_and_its_sender_gets_a_receipt(gateway, carrier, store):
    carrier.answer = lambda one: one.pdu.response(smpp.RINVDSTADR)
    smppd = gateway(to(carrier), storage=store)
    session = smppd.bind()
    message_id = submit(session, registered_delivery=1)
    assert b"stat:UNDELIV" in receipt_for(session, message_id)["short_message"]
    assert len(carrier.received) == 1
    assert smppd.metric("smppd_flow_dead_messages_total") == 1


def test_a_message_whose_time_is_over_is_not_sent_and_its_sender_gets_a_receipt(gateway, carriers, store):
    port = free_port()
    smppd = gateway(impatient("carrier", port), storage=store, bound=False)
    session = smppd.bind()
    message_id = submit(session, registered_delivery=1, validity_period="000000000001000R")
    assert b"stat:EXPIRED" in receipt_for(session, message_id, 15)["short_message"]
    carrier = carriers(port=port)
    carrier.link()
    carrier.stays_quiet(1)


def test_a_message_for_later_is_held(gateway, carrier, store):
    smppd = gateway(to(carrier), storage=store)
    session = smppd.bind()
    submit(session, schedule_delivery_time="000000000002000R", short_message=b"later")
    submit(session, short_message=b"now")
    carrier.wait_received(1)
    assert texts(carrier) == ["now"]
    carrier.wait_received(2)
    assert texts(carrier) == ["now", "later"]


def test_urgent_messages_go_first_and_the_others_are_not_starved(gateway, carriers, store):
    port = free_port()
    smppd = gateway(impatient("carrier", port, window={"size": 1}), storage=store, bound=False)
    session = smppd.bind()
    for number in range(40):
        submit(session, short_message=f"0-{number}".encode(), priority_flag=0)
    for number in range(40):
        submit(session, short_message=f"3-{number}".encode(), priority_flag=3)
    carrier = carriers(port=port)
    carrier.wait_received(80)
    order = texts(carrier)
    for priority in "03":
        mine = [text for text in order if text[0] == priority]
        assert mine == [f"{priority}-{number}" for number in range(40)]
    first_half = order[:40]
    assert sum(text[0] == "3" for text in first_half) > 25
    assert any(text[0] == "0" for text in first_half)


@pytest.mark.parametrize("policy, sent", [("hold", 1), ("fail", 1), ("resend", 2)])
def test_an_uncertain_message_is_sent_again_only_where_the_policy_says_so(gateway, carrier, store, policy, sent):
    silent = iter([True])
    carrier.answer = lambda one: None if next(silent, False) else carrier.accept(one)
    smppd = gateway(
        impatient("carrier", carrier.port, retry={"uncertain": policy, "uncertain_wait": "500ms"}), storage=store
    )
    session = smppd.bind()
    submit(session)
    wait_until(lambda: smppd.metric("smppd_flow_uncertain_messages_total") == 1, "uncertain")
    if policy == "resend":
        carrier.wait_received(2)
    else:
        wait_until(lambda: smppd.metric("smppd_flow_dead_messages_total") == 1, "a dead letter")
    carrier.stays_quiet()
    assert len(carrier.received) == sent


def test_a_late_answer_is_adopted_and_its_receipt_finds_the_message(gateway, carrier, store):
    late = []
    carrier.answer = lambda one: late.append(one)
    smppd = gateway(impatient("carrier", carrier.port, retry={"uncertain_wait": "20s"}), storage=store)
    session = smppd.bind()
    message_id = submit(session, registered_delivery=1)
    wait_until(lambda: smppd.metric("smppd_flow_uncertain_messages_total") == 1, "uncertain")
    carrier.send(late[0].link, late[0].pdu.response(0, smpp.cstring(late[0].message_id)))
    carrier.send_receipt(late[0])
    receipt_for(session, message_id)
    assert len(carrier.received) == 1
    assert smppd.metric("smppd_flow_adopted_answers_total") == 1


def test_the_mode_is_the_clients_the_routes_or_what_the_message_asks_for(gateway, carrier, store):
    """In transaction mode the answer is the SMSC's own."""
    carrier.answer = lambda one: one.pdu.response(smpp.RINVDSTADR)
    smppd = gateway(
        to(carrier),
        storage=store,
        clients=[
            {"system_id": "client", "password": "secret"},
            {"system_id": "direct", "password": "secret", "mode": "transaction"},
        ],
        routes=[
            {"name": "direct", "match": {"destination_addr": "27*"}, "upstream": "carrier", "mode": "transaction"},
            {"name": "all", "match": {"destination_addr": "*"}, "upstream": "carrier"},
        ],
    )
    session = smppd.bind()
    status = lambda **fields: session.request(smpp.submit_sm(**fields)).status  # noqa: E731
    assert status() == smpp.ROK
    assert status(destination="27821234567") == smpp.RINVDSTADR
    assert status(esm_class=2) == smpp.RINVDSTADR
    assert status(esm_class=3) == smpp.ROK
    session = smppd.bind(system_id="direct")
    assert status() == smpp.RINVDSTADR


def test_a_clean_stop_leaves_nothing_uncertain_and_nothing_is_sent_twice(gateway, carrier, tmp_path, shards):
    carrier.receipts = False
    smppd = gateway(to(carrier, window={"size": 4}), storage=storage(tmp_path), shards=shards)
    session = smppd.bind()
    wanted = [f"m{number}" for number in range(300)]
    for text in wanted:
        submit(session, short_message=text.encode())
    session.close()
    smppd.stop()
    again = gateway(to(carrier), storage=storage(tmp_path), shards=shards)
    wait_until(lambda: again.metric("smppd_store_messages") == 0, "everything is sent")
    assert texts(carrier) == wanted
    assert again.metric("smppd_flow_found_uncertain_messages_total") == 0


def test_a_queued_message_is_asked_after_replaced_and_cancelled_by_its_sender_alone(gateway, carriers, store, shards):
    port = free_port()
    smppd = gateway(
        impatient("carrier", port),
        storage=store,
        bound=False,
        shards=shards,
        clients=[{"system_id": name, "password": "secret"} for name in ("client", "other")],
    )
    session, other = smppd.bind(), smppd.bind(system_id="other")
    first, second, third = (submit(session, short_message=text, registered_delivery=1) for text in (b"a", b"b", b"c"))

    def ask(who, command, message_id, **more):
        body = smpp.cstring(message_id) + bytes([1, 1]) + smpp.cstring("1000")
        if command == smpp.REPLACE_SM:
            body += b"\0\0" + bytes([1, 0, len(more["text"])]) + more["text"]
        if command == smpp.CANCEL_SM:
            body = b"\0" + body + bytes([1, 1]) + smpp.cstring("258841234567")
        return who.request(smpp.Pdu(command, body))

    queried = ask(session, smpp.QUERY_SM, first)
    assert (queried.status, queried.fields()["message_state"]) == (smpp.ROK, 1)
    for command in (smpp.QUERY_SM, smpp.CANCEL_SM):
        assert ask(other, command, first).status == smpp.RINVMSGID
    assert ask(session, smpp.REPLACE_SM, second, text=b"new").status == smpp.ROK
    assert ask(session, smpp.CANCEL_SM, third).status == smpp.ROK
    assert b"stat:DELETED" in receipt_for(session, third)["short_message"]
    queried = ask(session, smpp.QUERY_SM, third)
    assert (queried.status, queried.fields()["message_state"]) == (smpp.ROK, 4)
    carrier = carriers(port=port)
    carrier.wait_received(2)
    assert texts(carrier) == ["a", "new"]
    carrier.stays_quiet()


def test_parts_of_a_long_mo_that_were_acknowledged_survive_kill_9(gateway, carrier, tmp_path, shards):
    whole = dict(
        storage=storage(tmp_path),
        shards=shards,
        multipart={"reassembly": {"enabled": True}},
        mo_routes=[{"name": "all", "match": {"destination_addr": "*"}, "client": "client"}],
    )
    smppd = gateway(to(carrier), **whole)
    part = lambda number: bytes([5, 0, 3, 7, 3, number]) + f"part {number} ".encode()  # noqa: E731
    for number in (1, 2):
        assert carrier.deliver(esm_class=0x40, short_message=part(number)).status == smpp.ROK
    smppd.kill()
    smppd.process.returncode = 0
    again = gateway(to(carrier), **whole)
    assert carrier.deliver(esm_class=0x40, short_message=part(3)).status == smpp.ROK
    session = again.bind("rx")
    pdu = session.receive_command(smpp.DELIVER_SM)
    session.send(pdu.response(0, b"\0"))
    assert pdu.fields()["short_message"] == b"part 1 part 2 part 3 "
    wait_until(lambda: again.metric("smppd_store_messages") == 0, "nothing is left of the parts")


@pytest.mark.parametrize("slow", ["refuses one of 20", "has a rate limit"])
def test_row_32_what_a_carrier_is_too_slow_for_stays_where_it_is_in_the_store(gateway, carrier, store, slow):
    """Whatever was waiting was read, written and put back for each message that could go."""
    refuses = slow == "refuses one of 20"
    limit = {} if refuses else {"rate_limit": {"messages_per_second": 200, "burst": 5}}
    retry = {"throttled_pause": "100ms"}
    smppd = gateway(to(carrier, retry=retry, window={"size": 50}, **limit), storage=store)
    count = iter(range(1_000_000))
    carrier.answer = lambda one: (
        one.pdu.response(smpp.RTHROTTLED) if refuses and next(count) % 20 == 10 else carrier.accept(one)
    )
    session = smppd.bind()
    wanted = [f"m{number}" for number in range(300)]
    for text in wanted:
        submit(session, short_message=text.encode())
    wait_until(lambda: smppd.metric("smppd_store_messages") == 0, "an empty store", 60)
    refused = smppd.metric("smppd_upstream_throttled_total")
    assert (refused > 0) == refuses
    assert len(texts(carrier)) == len(wanted) + refused
    assert sorted(set(texts(carrier))) == sorted(wanted)
    assert smppd.metric("smppd_flow_retried_messages_total") == refused
    # Kept, on its way, ended; and for a refusal back to the queue and on its way again.
    assert smppd.metric("smppd_store_transactions_total") <= 3.2 * len(wanted) + 3 * refused
