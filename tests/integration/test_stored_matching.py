"""Queued messages named by who sent them to whom: replace_if_present_flag and cancel_sm without an id. Row 51."""
import time

from harness import smpp
from harness.gateway import impatient, storage
from harness.process import free_port, wait_until


def submit(session, **fields):
    answer = session.request(smpp.submit_sm(**fields))
    assert answer.status == smpp.ROK, answer
    return answer.fields()["message_id"]


def receipt_for(session, message_id):
    pdu = session.receive_command(smpp.DELIVER_SM, 10)
    session.send(pdu.response(0, b"\0"))
    text = pdu.fields()["short_message"]
    assert text.startswith(b"id:" + message_id.encode()), text
    return text


def query(session, message_id):
    body = smpp.cstring(message_id) + bytes([1, 1]) + smpp.cstring("1000")
    answer = session.request(smpp.Pdu(smpp.QUERY_SM, body))
    return answer.status, answer.fields().get("message_state")


def cancel(session, destination="258841234567", service_type=""):
    body = smpp.cstring(service_type) + b"\0" + bytes([1, 1]) + smpp.cstring("1000")
    return session.request(smpp.Pdu(smpp.CANCEL_SM, body + bytes([1, 1]) + smpp.cstring(destination))).status


def texts(carrier):
    return [one.fields["short_message"] for one in carrier.received if one.pdu.command == smpp.SUBMIT_SM]


CLIENTS = [{"system_id": name, "password": "secret"} for name in ("client", "other")]


def test_row_51_a_queued_message_is_replaced(gateway, carriers, store, shards):
    port = free_port()
    smppd = gateway(impatient("carrier", port), storage=store, bound=False, shards=shards, clients=CLIENTS)
    session, second, other = smppd.bind(), smppd.bind(), smppd.bind(system_id="other")
    old = submit(session, short_message=b"old", registered_delivery=1)
    submit(other, short_message=b"other's")
    submit(session, short_message=b"elsewhere", destination="258840000000")
    new = submit(second, short_message=b"new", replace_if_present_flag=1)
    assert new != old
    assert query(session, old) == (smpp.ROK, 4)
    assert query(session, new) == (smpp.ROK, 1)
    assert smppd.metric("smppd_flow_replaced_messages_total") == 1
    carrier = carriers(port=port)
    carrier.wait_received(3)
    carrier.stays_quiet()
    assert sorted(texts(carrier)) == [b"elsewhere", b"new", b"other's"]
    session.close()
    assert b"stat:DELETED" in receipt_for(second, old)


def test_row_51_the_last_of_many_in_a_row_is_sent_and_the_smsc_is_told_to_replace(gateway, carriers, store, shards):
    port = free_port()
    smppd = gateway(impatient("carrier", port), storage=store, bound=False, shards=shards)
    session = smppd.bind()
    sent = [session.send(smpp.submit_sm(short_message=b"%d" % n, replace_if_present_flag=1)) for n in range(50)]
    for _ in sent:
        assert session.receive().status == smpp.ROK
    assert smppd.metric("smppd_flow_replaced_messages_total") == 49
    carrier = carriers(port=port)
    one = carrier.wait_received(1)[0]
    carrier.stays_quiet()
    assert (one.fields["short_message"], one.fields["replace_if_present_flag"]) == (b"49", 1)


def test_row_51_after_kill_9_there_is_the_old_or_the_new_and_never_both(gateway, carriers, tmp_path, shards):
    port = free_port()
    whole = dict(storage=storage(tmp_path), bound=False, shards=shards)
    smppd = gateway(impatient("carrier", port), **whole)
    session = smppd.bind()
    for n in range(20):
        submit(session, short_message=b"old", destination=f"25884{n:07}")
    for n in range(10):
        submit(session, short_message=b"new", destination=f"25884{n:07}", replace_if_present_flag=1)
    smppd.kill()
    smppd.process.returncode = 0  # as asked
    again = gateway(impatient("carrier", port), **whole)
    session = again.bind()
    for n in range(5, 15):
        submit(session, short_message=b"newest", destination=f"25884{n:07}", replace_if_present_flag=1)
    carrier = carriers(port=port)
    carrier.wait_received(20)
    carrier.stays_quiet()
    got = {one.fields["destination_addr"]: one.fields["short_message"] for one in carrier.received}
    assert got == {
        f"25884{n:07}": b"new" if n < 5 else b"newest" if n < 15 else b"old" for n in range(20)
    }


def test_cancel_by_addresses_ends_all_queued_messages_of_the_kind(gateway, carriers, store, shards):
    port = free_port()
    smppd = gateway(impatient("carrier", port), storage=store, bound=False, shards=shards, clients=CLIENTS)
    session, other = smppd.bind(), smppd.bind(system_id="other")
    mine = {submit(session, short_message=b"mine", registered_delivery=1) for _ in range(3)}
    submit(session, short_message=b"service", service_type="CMT")
    submit(other, short_message=b"other's")
    assert cancel(other, service_type="CMT") == smpp.RCANCELFAIL
    assert cancel(session, destination="258840000000") == smpp.RCANCELFAIL
    assert cancel(session) == smpp.ROK
    for message_id in mine:
        assert query(session, message_id) == (smpp.ROK, 4)
    told = [session.receive_command(smpp.DELIVER_SM, 10) for _ in mine]
    assert all(b"stat:DELETED" in pdu.fields()["short_message"] for pdu in told)
    for pdu in told:
        session.send(pdu.response(0, b"\0"))
    assert cancel(session) == smpp.RCANCELFAIL, "there is none left"
    carrier = carriers(port=port)
    carrier.wait_received(2)
    carrier.stays_quiet()
    assert sorted(texts(carrier)) == [b"other's", b"service"]


def test_messages_are_cancelled_while_the_queue_is_being_sent(gateway, carriers, store):
    """A claim is nobody's chance: what the client is told was cancelled is not sent, and the other way round."""
    port = free_port()
    smppd = gateway(impatient("carrier", port, window={"size": 1}), storage=store, bound=False)
    session = smppd.bind()
    ids = {n: submit(session, short_message=b"%d" % n, destination=f"25884{n:07}") for n in range(200)}
    carrier = carriers(port=port)

    def slowly(one):
        if one.pdu.command == smpp.CANCEL_SM:  # of a message that it has
            return one.pdu.response(smpp.RCANCELFAIL)
        time.sleep(0.003)
        return carrier.accept(one)

    carrier.answer = slowly
    carrier.wait_received(5)
    statuses = {}
    for n in reversed(range(200)):
        body = b"\0" + smpp.cstring(ids[n]) + bytes([1, 1]) + smpp.cstring("1000") + bytes([1, 1]) + b"\0"
        statuses[n] = session.request(smpp.Pdu(smpp.CANCEL_SM, body)).status
    wait_until(lambda: smppd.metric("smppd_store_messages") == 0, "an empty store")
    sent = {int(text) for text in texts(carrier)}
    cancelled = {n for n, status in statuses.items() if status == smpp.ROK}
    assert sent | cancelled == set(range(200))
    assert not sent & cancelled
    assert cancelled and sent
