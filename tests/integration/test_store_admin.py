"""What an operator sees of stored messages and orders there: over HTTP, and by the commands that ask over HTTP."""
import json
import subprocess

import pytest

from harness import smpp
from harness.gateway import impatient, to
from harness.process import BINARIES, free_port, wait_until


@pytest.fixture(params=["rocksdb", "memory"])
def store(request, tmp_path):
    if request.param == "memory":
        return {"backend": "memory"}
    path = tmp_path / "store"
    path.mkdir()
    return {"backend": "rocksdb", "rocksdb": {"path": str(path)}}


def submit(session, **fields):
    answer = session.request(smpp.submit_sm(**fields))
    assert answer.status == smpp.ROK, answer
    return answer.fields()["message_id"]


def ask(smppd, path, method="GET", expect=200):
    status, body = smppd.get(path, method, b"" if method == "POST" else None)
    assert status == expect, body
    return json.loads(body)


def command(smppd, *words, expect=0):
    done = subprocess.run(
        [BINARIES / "smppd", *words, "--config", smppd.path], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout if expect == 0 else done.stderr


def letters(smppd, query=""):
    return ask(smppd, "/api/dead-letters" + query)["dead_letters"]


def wait_letters(smppd, count):
    return wait_until(lambda: len(found := letters(smppd)) == count and found, f"{count} dead letters")


class Moody:
    """A carrier that refuses for good until it is told to be kind."""

    def __init__(self, carrier):
        self.carrier = carrier
        self.kind = False
        carrier.answer = self.answer

    def answer(self, one):
        return self.carrier.accept(one) if self.kind else one.pdu.response(smpp.RINVDSTADR)


def test_the_queues_are_shown_by_the_names_of_whom_they_wait_for(gateway, store, shards):
    smppd = gateway(impatient("carrier", free_port()), storage=store, bound=False, shards=shards)
    session = smppd.bind("tx")
    for number in range(5):
        submit(session, priority_flag=2 if number < 2 else 0)
    stats = wait_until(
        lambda: (now := ask(smppd, "/store/stats"))["total"]["items"] == 5 and now, "five messages are in the store"
    )
    assert stats["storage"] == "on" and stats["backend"] == store["backend"]
    assert len(stats["shards"]) == shards
    assert sum(shard["items"] for shard in stats["shards"]) == 5
    assert stats["total"]["room"] == "open"
    assert {(queue["upstream"], queue["priority"], queue["waiting"]) for queue in stats["queues"]} == {
        ("carrier", 0, 3),
        ("carrier", 2, 2),
    }
    assert stats["inboxes"] == []
    assert "upstream carrier priority 2: 2 waiting" in command(smppd, "queue")
    assert json.loads(command(smppd, "queue", "--json"))["total"]["items"] == 5


def test_what_waits_for_a_client_is_shown_by_its_name(gateway, carrier, store):
    mo = [{"name": "all", "match": {"destination_addr": "*"}, "client": "client"}]
    smppd = gateway(to(carrier), storage=store, mo_routes=mo)
    assert carrier.deliver(short_message=b"mo").status == smpp.ROK
    (inbox,) = ask(smppd, "/store/stats")["inboxes"]
    assert inbox["client"] == "client" and inbox["waiting"] == 1


def test_a_queue_whose_upstream_is_gone_is_shown_as_unknown(gateway, store):
    smppd = gateway(impatient("carrier", free_port()), storage=store, bound=False)
    submit(smppd.bind("tx"))
    other = impatient("other", free_port())
    routes = [{"name": "all", "match": {"destination_addr": "*"}, "upstream": "other"}]
    smppd.reload({**smppd.config, "upstreams": [other], "routes": routes})
    queue = wait_until(
        lambda: [one for one in ask(smppd, "/store/stats")["queues"] if one["upstream"] is None], "an unknown queue"
    )[0]
    assert queue["unknown"] and queue["waiting"] == 1


def test_without_storage_the_answers_say_that_it_is_off(gateway, carrier):
    smppd = gateway(to(carrier))
    assert ask(smppd, "/store/stats")["storage"] == "off"
    for method, path in [
        ("GET", "/api/dead-letters"),
        ("POST", "/api/dead-letters/0102030405060708/requeue"),
        ("POST", "/api/dead-letters/requeue?all=true"),
        ("DELETE", "/api/dead-letters/0102030405060708"),
        ("GET", "/api/messages/0102030405060708"),
    ]:
        assert "storage is off" in ask(smppd, path, method, expect=409)["error"]
    assert "storage is off" in command(smppd, "queue")
    assert "storage is off" in command(smppd, "dead-letters", "list", expect=1)


def test_a_dead_letter_is_listed_with_its_reason_and_without_its_text(gateway, carrier, store, shards):
    Moody(carrier)
    smppd = gateway(to(carrier), storage=store, shards=shards)
    message_id = submit(smppd.bind("tx"), source="1234", destination="258841234567", short_message=b"a secret")
    (letter,) = wait_letters(smppd, 1)
    assert letter["id"] == letter["message_id"] == message_id
    assert (letter["client"], letter["upstream"]) == ("client", "carrier")
    assert (letter["reason"], letter["command_status"], letter["attempts"]) == ("refused", "ESME_RINVDSTADR", 1)
    assert (letter["source"], letter["destination"]) == ("1234", "258841234567")
    assert letter["arrived"] <= letter["given_up"] < letter["kept_until"]
    assert "secret" not in smppd.get("/api/dead-letters")[1]
    assert letters(smppd, "?text=true")[0]["text"] == "a secret"
    line = command(smppd, "dead-letters", "list")
    assert message_id in line and "client -> carrier" in line and "secret" not in line
    assert "a secret" in command(smppd, "dead-letters", "list", "--text")


def test_dead_letters_are_listed_page_by_page_and_by_client_upstream_and_reason(gateway, carrier, store):
    Moody(carrier)
    smppd = gateway(to(carrier), storage=store)
    session = smppd.bind("tx")
    ids = [submit(session) for _ in range(5)]
    wait_letters(smppd, 5)
    seen, place = [], ""
    for size in (2, 2, 1):
        page = ask(smppd, f"/api/dead-letters?limit=2{place}")
        assert len(page["dead_letters"]) == size
        seen += [letter["id"] for letter in page["dead_letters"]]
        place = f"&from={page['next']}"
    assert page["next"] is None
    assert seen == ids
    assert len(letters(smppd, "?client=client&upstream=carrier&reason=refused")) == 5
    assert letters(smppd, "?client=another") == letters(smppd, "?reason=gave_up") == []
    for wrong in ("limit=0", "limit=1001", "limit=x", "from=x", "reason=boredom"):
        assert "error" in ask(smppd, "/api/dead-letters?" + wrong, expect=400)


def test_a_dead_letter_that_is_queued_again_is_sent_once_and_is_none_any_more(gateway, carrier, store, shards):
    mood = Moody(carrier)
    smppd = gateway(to(carrier), storage=store, shards=shards)
    message_id = submit(smppd.bind("tx"), short_message=b"again", validity_period="000000010000000R")
    wait_letters(smppd, 1)
    mood.kind = True
    assert ask(smppd, f"/api/dead-letters/{message_id}/requeue", "POST")["status"] == "queued"
    assert carrier.wait_received(2)[1].fields["short_message"] == b"again"
    assert "no dead letter" in ask(smppd, f"/api/dead-letters/{message_id}/requeue", "POST", expect=404)["error"]
    wait_until(lambda: letters(smppd) == [], "no dead letter")
    outcome = wait_until(
        lambda: (now := ask(smppd, f"/api/messages/{message_id}")).get("reason") == "accepted" and now, "it is accepted"
    )
    assert outcome["state"] == "ENROUTE" and outcome["upstream"] == "carrier"
    assert smppd.metric("smppd_flow_requeued_messages_total") == 1
    carrier.stays_quiet()
    assert len(carrier.received) == 2


def test_a_requeued_message_survives_kill_9_and_the_letter_does_not(gateway, carrier, carriers, tmp_path):
    mood = Moody(carrier)
    path = tmp_path / "store"
    path.mkdir()
    whole = dict(storage={"backend": "rocksdb", "rocksdb": {"path": str(path)}})
    smppd = gateway(to(carrier), **whole)
    message_id = submit(smppd.bind("tx"))
    wait_letters(smppd, 1)
    carrier.close()
    ask(smppd, f"/api/dead-letters/{message_id}/requeue", "POST")
    smppd.kill()
    smppd.process.returncode = 0  # as asked
    assert not mood.kind
    other = carriers()
    again = gateway(to(other), **whole)
    other.wait_received(1)
    assert letters(again) == []
    other.stays_quiet()


def test_all_dead_letters_of_an_upstream_are_queued_again_by_one_order(gateway, carrier, store, shards):
    mood = Moody(carrier)
    smppd = gateway(to(carrier), storage=store, shards=shards)
    session = smppd.bind("tx")
    wanted = {f"m{number}" for number in range(20)}
    for text in sorted(wanted):
        submit(session, short_message=text.encode())
    wait_letters(smppd, 20)
    assert "which" in ask(smppd, "/api/dead-letters/requeue", "POST", expect=400)["error"]
    assert ask(smppd, "/api/dead-letters/requeue?upstream=other", "POST")["queued"] == 0
    mood.kind = True
    answer = ask(smppd, "/api/dead-letters/requeue?upstream=carrier&reason=refused", "POST")
    assert answer == {"queued": 20, "failed": 0, "more": False}
    carrier.wait_received(40)
    assert {one.fields["short_message"].decode() for one in carrier.received[20:]} == wanted
    wait_until(lambda: letters(smppd) == [], "no dead letter")
    carrier.stays_quiet()


def test_what_is_given_up_again_is_a_dead_letter_again(gateway, carrier, store):
    Moody(carrier)
    smppd = gateway(to(carrier), storage=store)
    first = submit(smppd.bind("tx"))
    wait_letters(smppd, 1)
    assert "1 queued again" in command(smppd, "dead-letters", "requeue", "--all")
    again = wait_until(lambda: [one for one in letters(smppd) if one["id"] != first], "a new letter")[0]
    assert again["message_id"] == first


def test_without_a_route_a_dead_letter_stays_one(gateway, carrier, store):
    Moody(carrier)
    smppd = gateway(to(carrier), storage=store)
    message_id = submit(smppd.bind("tx"))
    wait_letters(smppd, 1)
    match = {"destination_addr": "999*"}
    smppd.reload({**smppd.config, "routes": [{"name": "none", "match": match, "upstream": "carrier"}]})
    smppd.wait_for_line("reloaded")
    assert "no route" in ask(smppd, f"/api/dead-letters/{message_id}/requeue", "POST", expect=409)["error"]
    assert ask(smppd, "/api/dead-letters/requeue?all=true", "POST") == {"queued": 0, "failed": 1, "more": False}
    assert len(letters(smppd)) == 1


def test_a_dropped_dead_letter_is_gone(gateway, carrier, store, shards):
    Moody(carrier)
    smppd = gateway(to(carrier), storage=store, shards=shards)
    session = smppd.bind("tx")
    one, other = submit(session), submit(session)
    wait_letters(smppd, 2)
    assert ask(smppd, f"/api/dead-letters/{one}", "DELETE") == {"id": one, "status": "dropped"}
    assert command(smppd, "dead-letters", "drop", other) == f"{other} dropped\n"
    wait_until(lambda: letters(smppd) == [], "no dead letter")
    assert "no dead letter" in command(smppd, "dead-letters", "drop", other, expect=3)
    for unknown in ("0102030405060708", "nonsense"):
        assert "no dead letter" in ask(smppd, f"/api/dead-letters/{unknown}", "DELETE", expect=404)["error"]


@pytest.mark.parametrize("form", ["hex", "decimal", "uuid"])
def test_a_message_is_found_by_the_id_its_client_was_shown_where_it_waits_and_when_it_ended(
    gateway, carriers, store, shards, form
):
    port = free_port()
    clients = [{"system_id": "client", "password": "secret", "message_id_format": form}]
    smppd = gateway(impatient("carrier", port), storage=store, bound=False, shards=shards, clients=clients)
    session = smppd.bind("tx")
    queued = submit(session, source="1234", destination="258841234567", priority_flag=1)
    later = submit(session, schedule_delivery_time="000000010000000R")
    found = ask(smppd, f"/api/messages/{queued}")
    assert (found["kind"], found["state"], found["message_id"]) == ("message", "queued", queued)
    assert (found["client"], found["upstream"], found["priority"]) == ("client", "carrier", 1)
    assert (found["source"], found["destination"]) == ("1234", "258841234567")
    assert found["arrived"] < found["expires"]
    assert ask(smppd, f"/api/messages/{later}")["state"] == "scheduled"
    carrier = carriers(port=port)
    one = carrier.wait_received(1)[0]
    ended = wait_until(
        lambda: "reason" in (now := ask(smppd, f"/api/messages/{queued}")) and now, "the message has left the queue"
    )
    assert (ended["reason"], ended["state"], ended["attempts"]) == ("accepted", "ENROUTE", 1)
    assert ended["upstream_message_id"] == one.message_id
    assert "reason: accepted" in command(smppd, "message", queued)
    assert json.loads(command(smppd, "message", queued, "--json"))["client"] == "client"


def test_a_message_nobody_knows_is_404_with_a_sentence(gateway, carrier, store):
    smppd = gateway(to(carrier), storage=store)
    assert "nothing is known" in ask(smppd, "/api/messages/0102030405060708", expect=404)["error"]
    assert "no message id" in ask(smppd, "/api/messages/nonsense", expect=404)["error"]
    assert "nothing is known" in command(smppd, "message", "0102030405060708", expect=3)


def test_the_commands_take_an_address_and_a_password(gateway, carrier, store):
    smppd = gateway(to(carrier), storage=store)
    address = smppd.config["management"]["address"]
    run = lambda *words: subprocess.run(  # noqa: E731
        [BINARIES / "smppd", "queue", *words], capture_output=True, text=True, timeout=60
    )
    assert run("--management", address).stdout.startswith("0 of 10000000 messages")
    nobody = run("--management", f"127.0.0.1:{free_port()}")
    assert nobody.returncode == 1 and "nothing answers" in nobody.stderr
    assert run("--management", "nonsense").returncode == 2
    assert run("--management", address, "--user", "admin").returncode == 2


def test_a_listener_with_a_password_is_asked_with_the_one_of_the_configuration(gateway, carrier):
    port = free_port()
    smppd = gateway(to(carrier))
    auth = {"type": "basic", "username": "admin", "password": "pass:word"}
    smppd.reload({**smppd.config, "management": {"address": f"127.0.0.1:{port}", "auth": auth}})
    smppd.wait_for_line("reloaded")
    assert "storage is off" in command(smppd, "queue")


def test_a_store_that_no_smppd_uses_is_looked_at_by_its_configuration(gateway, tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    store = {"backend": "rocksdb", "rocksdb": {"path": str(folder)}}
    smppd = gateway(impatient("carrier", free_port()), storage=store, bound=False)
    session = smppd.bind("tx")
    for _ in range(3):
        submit(session)
    assert f"{folder} is in use by another smppd" in command(smppd, "store", "stats", expect=1)
    smppd.stop()
    journals = json.loads(command(smppd, "store", "stats", "--json"))["journals"]
    assert sum(journal["items"] for journal in journals) == 3
    assert command(smppd, "store", "check").startswith(f"{folder}: ")
    assert "say which store" in command(smppd, "store", "check", str(folder), expect=2)


def test_a_store_in_memory_is_none_that_can_be_looked_at(gateway, carrier):
    smppd = gateway(to(carrier), storage={"backend": "memory"})
    assert "keeps nothing on disk" in command(smppd, "store", "check", expect=2)
