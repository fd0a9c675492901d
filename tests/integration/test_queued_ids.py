"""The id that a client was given finds its message while it is queued: short ids, submit_multi, dead letters requeued."""
import json

import pytest

from harness import smpp
from harness.gateway import impatient, storage, to
from harness.process import free_port, wait_until

SPEAKS_33 = {"interface_version": 0x33}
SOURCE = bytes([1, 1]) + smpp.cstring("1000")
SUBMIT_MULTI = 0x21


def submit(session, **fields):
    answer = session.request(smpp.submit_sm(**fields))
    assert answer.status == smpp.ROK, answer
    return answer.fields()["message_id"]


def submit_multi(session, *destinations):
    listed = b"".join(b"\x01\x01\x01" + smpp.cstring(one) for one in destinations)
    body = b"\0" + SOURCE + bytes([len(destinations)]) + listed + b"\0\0\0\0\0\0\0\0\0\x05multi"
    answer = session.request(smpp.Pdu(SUBMIT_MULTI, body))
    assert answer.status == smpp.ROK, answer
    return answer.body.partition(b"\0")[0].decode()


def query(session, message_id):
    answer = session.request(smpp.Pdu(smpp.QUERY_SM, smpp.cstring(message_id) + SOURCE))
    return answer.status, answer.fields().get("message_state")


def cancel(session, message_id, destination=""):
    body = b"\0" + smpp.cstring(message_id) + SOURCE + bytes([1, 1]) + smpp.cstring(destination)
    return session.request(smpp.Pdu(smpp.CANCEL_SM, body)).status


def replace(session, message_id, text):
    body = smpp.cstring(message_id) + SOURCE + b"\0\0" + bytes([0, 0, len(text)]) + text
    return session.request(smpp.Pdu(smpp.REPLACE_SM, body)).status


def sent(carrier):
    return {
        (one.fields["destination_addr"], one.fields["short_message"])
        for one in carrier.received
        if one.pdu.command == smpp.SUBMIT_SM
    }


def killed(smppd):
    smppd.kill()
    smppd.process.returncode = 0  # as asked


@pytest.mark.parametrize("shards_after", [1, 2])
def test_after_kill_9_the_ids_find_what_is_queued(gateway, carriers, tmp_path, shards, shards_after):
    port = free_port()
    whole = dict(storage=storage(tmp_path), bound=False)
    smppd = gateway(impatient("carrier", port), shards=shards, **whole)
    old = smppd.bind(**SPEAKS_33)
    short = {text: submit(old, short_message=text) for text in (b"asked", b"replaced", b"cancelled")}
    assert {len(one) for one in short.values()} == {8}
    session = smppd.bind()
    several = submit_multi(session, "258841", "258842", "258843")
    assert query(session, several) == (smpp.ROK, 1)
    killed(smppd)
    smppd = gateway(impatient("carrier", port), shards=shards_after, **whole)
    old, session = smppd.bind(**SPEAKS_33), smppd.bind()
    assert query(old, short[b"asked"]) == (smpp.ROK, 1)
    assert replace(old, short[b"replaced"], b"new") == smpp.ROK
    assert cancel(old, short[b"cancelled"]) == smpp.ROK
    assert query(old, short[b"cancelled"]) == (smpp.ROK, 4)
    assert cancel(session, several, "258842") == smpp.ROK
    assert query(session, several) == (smpp.ROK, 1)
    carrier = carriers(port=port)
    carrier.wait_received(4)
    carrier.stays_quiet()
    assert sent(carrier) == {
        ("258841234567", b"asked"),
        ("258841234567", b"new"),
        ("258841", b"multi"),
        ("258843", b"multi"),
    }


def test_all_of_a_submit_multi_is_cancelled_by_its_id(gateway, carriers, store, shards):
    port = free_port()
    smppd = gateway(impatient("carrier", port), storage=store, bound=False, shards=shards)
    session, second = smppd.bind(), smppd.bind()
    several = submit_multi(session, *(f"25884{n:03}" for n in range(50)))
    submit(session, short_message=b"stays")
    assert cancel(second, several) == smpp.ROK
    assert query(second, several) == (smpp.ROK, 4)
    carrier = carriers(port=port)
    carrier.wait_received(1)
    carrier.stays_quiet()
    assert sent(carrier) == {("258841234567", b"stays")}


def ask(smppd, path, method="GET"):
    status, body = smppd.get(path, method, b"" if method == "POST" else None)
    assert status == 200, body
    return json.loads(body)


@pytest.mark.parametrize("version", [0x33, 0x34])
def test_what_was_queued_again_is_changed_by_the_id_its_client_has(gateway, carrier, carriers, tmp_path, shards, version):
    port = carrier.port
    carrier.answer = lambda one: one.pdu.response(smpp.RINVDSTADR)
    whole = dict(storage=storage(tmp_path), shards=shards)
    smppd = gateway(to(carrier), **whole)
    session = smppd.bind("tx", interface_version=version)
    ids = {text: submit(session, short_message=text) for text in (b"replaced", b"cancelled")}
    letters = wait_until(
        lambda: len(found := ask(smppd, "/api/dead-letters")["dead_letters"]) == 2 and found, "two dead letters"
    )
    carrier.close()
    for letter in letters:
        ask(smppd, f"/api/dead-letters/{letter['id']}/requeue", "POST")
    assert query(session, ids[b"cancelled"]) == (smpp.ROK, 1)
    assert ask(smppd, f"/api/messages/{ids[b'replaced']}")["state"] == "queued"
    killed(smppd)
    smppd = gateway(impatient("carrier", port), bound=False, **whole)
    session = smppd.bind("tx", interface_version=version)
    assert cancel(session, ids[b"cancelled"]) == smpp.ROK
    assert replace(session, ids[b"replaced"], b"new") == smpp.ROK
    again = carriers(port=port)
    again.wait_received(1)
    again.stays_quiet()
    assert sent(again) == {("258841234567", b"new")}
