"""Which upstream a message takes, what it is answered without one, and what the command line says about it."""
import json
import subprocess
from collections import Counter

import pytest

from harness import smpp
from harness.gateway import config, mock, upstream
from harness.process import BINARIES, free_port, write_config


def named(name, **outcomes):
    """An upstream inside smppd whose message ids tell its name."""
    return {**mock(name, message_id=f"{name}-${{counter}}", **outcomes), "message_id": "upstream"}


def taken_by(session, **fields):
    """The upstream that took the message, by the id it gave; or the status of the refusal."""
    answer = session.request(smpp.submit_sm(**fields))
    return answer.fields()["message_id"].partition("-")[0] if answer.status == smpp.ROK else answer.status


def nowhere(name, **more):
    """An upstream whose SMSC does not answer the phone."""
    return upstream(name, free_port(), **more)


def test_the_first_route_that_matches_takes_the_message(gateway, shards):
    clients = [{"system_id": "client", "password": "secret"}, {"system_id": "gold", "password": "secret", "tier": "gold"}]
    routes = [
        {"name": "last", "priority": 500, "match": {"destination_addr": "+1*"}, "upstream": "world"},
        {"name": "client", "match": {"client": "gold", "destination_addr": "+258*"}, "upstream": "gold"},
        {"name": "text", "match": {"text": {"regex": "(?i)\\burgent\\b"}}, "upstream": "fast"},
        {"name": "source", "match": {"source_addr": ["MYAPP", "OTHER*"]}, "upstream": "app"},
        {"name": "and", "match": {"destination_addr": "+25884*", "service_type": "WAP"}, "upstream": "wap"},
        {"name": "long", "match": {"destination_addr": {"prefix": "+25884"}}, "upstream": "vodacom"},
        {"name": "short", "match": {"destination_addr": "+258*"}, "upstream": "mozambique"},
        {"name": "tier", "match": {"client_tier": "gold"}, "upstream": "gold"},
        {"name": "binary", "match": {"data_coding": [4, 245]}, "upstream": "binary"},
    ]
    names = ["world", "gold", "fast", "app", "wap", "vodacom", "mozambique", "binary"]
    smppd = gateway(*map(named, names), shards=shards, routes=routes, clients=clients)
    session, gold = smppd.bind(), smppd.bind(system_id="gold")
    assert taken_by(session, destination="258841234567") == "vodacom"
    assert taken_by(session, destination="+258841234567") == "vodacom"
    assert taken_by(session, destination="00258841234567") == "vodacom"
    assert taken_by(session, destination="258821234567") == "mozambique"
    assert taken_by(session, destination="258841234567", service_type="WAP") == "wap"
    assert taken_by(session, source="MYAPP", source_addr_ton=5, source_addr_npi=0) == "app"
    assert taken_by(session, source="OTHERS", source_addr_ton=5, source_addr_npi=0) == "app"
    assert taken_by(session, short_message=b"This is URGENT, really") == "fast"
    assert taken_by(session, short_message="срочно urgent".encode("utf-16-be"), data_coding=8) == "fast"
    assert taken_by(gold, destination="258841234567") == "gold"
    assert taken_by(gold, destination="4912345678") == "gold"
    assert taken_by(session, destination="12125551234") == "world"
    assert taken_by(session, destination="4912345678", data_coding=4) == "binary"
    assert taken_by(session, destination="4912345678") == smpp.RINVDSTADR
    assert smppd.metric("smppd_flow_no_route_messages_total") == 1


def test_the_status_without_a_route_is_the_listeners(gateway):
    routes = [{"name": "one", "match": {"destination_addr": "+258*"}, "upstream": "one"}]
    smppd = gateway(named("one"), routes=routes, listener={"smpp": {"no_route_status": "ESME_RSUBMITFAIL"}})
    assert taken_by(smppd.bind(), destination="49123") == 0x45


def test_a_split_shares_by_weight(gateway):
    split = [{"upstream": "most", "weight": 90}, {"upstream": "some", "weight": 10}, {"upstream": "none", "weight": 0}]
    routes = [{"name": "split", "match": {"destination_addr": "*"}, "split": split}]
    smppd = gateway(named("most"), named("some"), named("none"), routes=routes)
    session = smppd.bind()
    # Six standard deviations around 360 of 400.
    shares = Counter(taken_by(session) for _ in range(400))
    assert set(shares) == {"most", "some"}
    assert 324 <= shares["most"] <= 396


def test_what_the_first_cannot_take_goes_down_the_failover_chain(gateway, shards):
    routes = [
        {"name": "chain", "match": {"destination_addr": "+1*"}, "upstream": "dead", "failover": ["dead2", "alive", "spare"]},
        {"name": "own", "match": {"destination_addr": "+2*"}, "upstream": "backed"},
        {"name": "lost", "match": {"destination_addr": "+3*"}, "upstream": "dead"},
    ]
    backed = nowhere("backed", failover={"fallback": "spare"})
    upstreams = [nowhere("dead"), nowhere("dead2"), backed, named("alive"), named("spare")]
    smppd = gateway(*upstreams, shards=shards, routes=routes, bound=False)
    session = smppd.bind()
    assert taken_by(session, destination="12345678") == "alive"
    assert taken_by(session, destination="22345678") == "spare"
    assert taken_by(session, destination="32345678") == smpp.RSYSERR
    assert smppd.metric("smppd_flow_no_upstream_messages_total") == 1


def test_a_route_may_answer_by_itself(gateway):
    routes = [
        {"name": "no", "match": {"destination_addr": "+1*"}, "response": {"status": "ESME_RINVDSTADR"}},
        {"name": "short", "match": {"destination_addr": "+2*"}, "response": "RTHROTTLED"},
        {"name": "id", "match": {"destination_addr": "+3*"}, "response": {"status": "ESME_ROK", "message_id": "canned"}},
        {"name": "own", "match": {"destination_addr": "+4*"}, "response": {"status": 0}},
    ]
    smppd = gateway(named("unused"), routes=routes)
    session = smppd.bind()
    assert taken_by(session, destination="12345678") == smpp.RINVDSTADR
    assert taken_by(session, destination="22345678") == smpp.RTHROTTLED
    assert taken_by(session, destination="32345678") == "canned"
    ids = {taken_by(session, destination="42345678") for _ in range(3)}
    assert len(ids) == 3 and all(ids)
    assert smppd.metric("smppd_flow_canned_responses_total") == 6


def test_a_client_may_be_forced_to_an_upstream(gateway):
    smppd = gateway(named("usual"), named("special"), client={"upstream": "special"})
    assert taken_by(smppd.bind(), destination="258841234567") == "special"


def test_the_longest_prefix_of_a_table_decides(gateway, tmp_path, shards):
    plan = tmp_path / "plan.csv"
    lines = ["258,country", "25884,operator", "258841,special,0.5"] + [f"99{n:05},filler" for n in range(20000)]
    plan.write_text("\n".join(lines) + "\n")
    routes = [
        {"name": "plan", "table": str(plan)},
        {"name": "rest", "match": {"destination_addr": "+1*"}, "upstream": "rest"},
    ]
    upstreams = [named(name) for name in ("country", "operator", "special", "filler", "rest")]
    smppd = gateway(*upstreams, shards=shards, routes=routes)
    session = smppd.bind()
    for destination, taker in [
        ("258000000", "country"),
        ("258840000", "operator"),
        ("+258841000", "special"),
        ("991234567", "filler"),
        ("12345", "rest"),
        ("44123", smpp.RINVDSTADR),
    ]:
        assert taken_by(session, destination=destination) == taker, destination


def test_a_mock_answers_and_reports_as_its_outcomes_say(gateway, shards):
    outcomes = [
        {"weight": 0, "status": "ESME_RSYSERR"},
        {"weight": 1, "status": "ESME_ROK", "receipt_state": "UNDELIV", "receipt_error": "042"},
    ]
    refusing = named("no", outcomes=[{"status": "ESME_RMSGQFUL"}])
    routes = [
        {"name": "no", "match": {"destination_addr": "+1*"}, "upstream": "no"},
        {"name": "all", "match": {}, "upstream": "yes"},
    ]
    smppd = gateway(named("yes", outcomes=outcomes), refusing, shards=shards, routes=routes)
    session = smppd.bind()
    assert taken_by(session, destination="12345") == smpp.RMSGQFUL
    answer = session.request(smpp.submit_sm(registered_delivery=1))
    receipt = session.receive_command(smpp.DELIVER_SM).fields()
    assert receipt["esm_class"] & 0x3C == 4
    assert b"stat:UNDELIV" in receipt["short_message"] and b"err:042" in receipt["short_message"]
    assert receipt["short_message"].startswith(b"id:" + answer.fields()["message_id"].encode() + b" ")
    assert (receipt["source_addr"], receipt["destination_addr"]) == ("258841234567", "1000")


# The command line

ROUTES = [
    {"name": "app", "match": {"destination_addr": "+258*", "source_addr": "MYAPP"}, "upstream": "one"},
    {"name": "vip", "match": {"client": "client", "text": "*VIP*"}, "upstream": "two"},
    {"name": "night", "match": {"schedule": {"hours": "22:00-06:00", "timezone": "Africa/Maputo"}}, "response": "ESME_RSYSERR"},
    {"name": "rest", "match": {"destination_addr": "+2588*"}, "upstream": "two", "failover": ["one"]},
]
NOON = ["--at", "2026-01-31T10:00:00Z"]


def smppd_says(*words):
    return subprocess.run([BINARIES / "smppd", *map(str, words)], capture_output=True, text=True, timeout=20)


@pytest.fixture
def routed(tmp_path):
    return write_config(tmp_path, config(named("one"), named("two"), routes=ROUTES))


@pytest.mark.parametrize(
    "words, route, upstreams",
    [
        (["+258841234567", "--source", "MYAPP"], "app", ["one"]),
        (["+258841234567", "--source", "OTHER"], "rest", ["two", "one"]),
        (["+258841234567", "--client", "client", "--text", "a VIP speaks"], "vip", ["two"]),
        (["0034911234567", "--client", "client", "--text", "VIP"], "vip", ["two"]),
    ],
)
def test_route_test_tells_the_route_and_why_not_the_others(routed, words, route, upstreams):
    told = smppd_says("route", "test", "-c", routed, *NOON, *words)
    assert told.returncode == 0, told.stderr
    assert f"route {route}: upstream {', then '.join(upstreams)}" in told.stdout
    answer = json.loads(smppd_says("route", "test", "-c", routed, "--json", *NOON, *words).stdout)
    assert (answer["route"], answer["upstreams"]) == (route, upstreams)
    *refused, taken = answer["tried"]
    assert taken["route"] == route and taken["matches"]
    assert [one["route"] for one in refused] == [one["name"] for one in ROUTES[: len(refused)]]
    assert all(not one["matches"] and one["condition"] and one["why"] for one in refused)


def test_route_test_knows_the_time_of_day(routed):
    late = smppd_says("route", "test", "-c", routed, "+258841234567", "--at", "2026-01-31T21:30:00Z", "--json")
    assert late.returncode == 0
    assert (json.loads(late.stdout)["route"], json.loads(late.stdout)["command_status"]) == ("night", smpp.RSYSERR)


def test_route_test_ends_with_3_when_no_route_matches_and_2_when_it_is_asked_nonsense(routed):
    told = smppd_says("route", "test", "-c", routed, "+1555", *NOON)
    assert told.returncode == 3
    assert "no route" in told.stdout
    for words in [["+1555", "--client", "nobody"], ["+1555", "--at", "noon"], []]:
        told = smppd_says("route", "test", "-c", routed, *words)
        assert told.returncode == 2 and told.stderr.strip(), words


BAD = """\
listeners:
  - {name: smpp, address: "127.0.0.1:277544"}
upstreams:
  - name: one
    hosts: ["127.0.0.1:2775"]
    bindd: {system_id: x}
routes:
  - match: {source_addr: "^["}
    upstream: two
clients:
  - password: x
storage: {backend: rocksdb}
runtime:
  shards: many
"""


def test_validate_tells_every_mistake_at_once_with_line_and_key(tmp_path):
    path = write_config(tmp_path, BAD)
    told = smppd_says("validate", "-c", path)
    assert told.returncode == 2
    errors = [line for line in told.stderr.splitlines() if ": error: " in line]
    expected = {
        2: "listeners[0].address",
        6: "upstreams[0].bindd",
        8: "routes[0].match.source_addr",
        9: "routes[0].upstream",
        11: "clients[0].system_id",
        12: "storage.rocksdb.path",
        14: "runtime.shards",
    }
    found = {int(line.removeprefix(f"{path}:").split(":")[0]): line for line in errors}
    assert sorted(found) == sorted(expected), told.stderr
    for line, key in expected.items():
        assert f"error: {key}: " in found[line]
    assert "did you mean `bind`?" in found[6]
    assert smppd_says("--config", path).returncode == 2


def test_validate_accepts_what_the_daemon_would_run(routed):
    told = smppd_says("validate", "-c", routed)
    assert told.returncode == 0, told.stderr
    assert "is valid" in told.stdout
    unreadable = smppd_says("validate", "-c", routed.parent / "missing.yaml")
    assert unreadable.returncode == 2
    assert "missing.yaml" in unreadable.stderr


def test_validate_tells_that_the_store_has_no_directory_yet(tmp_path):
    """It is no error: the configuration may be looked at where it is written, not where it runs."""
    folder = tmp_path / "store"
    storage = {"backend": "rocksdb", "rocksdb": {"path": str(folder)}}
    path = write_config(tmp_path, config(mock("one"), storage=storage))
    missing = smppd_says("validate", "-c", path)
    assert missing.returncode == 0 and f"warning: storage.rocksdb.path: {folder} is not there" in missing.stderr
    folder.write_text("")
    assert f"{folder} is no directory" in smppd_says("validate", "-c", path).stderr
    folder.unlink()
    folder.mkdir()
    assert "storage" not in smppd_says("validate", "-c", path).stderr


def test_config_dump_is_a_configuration_that_means_the_same_and_hides_secrets(routed):
    dumped = smppd_says("config", "dump", "-c", routed, "--format", "json")
    assert dumped.returncode == 0
    assert "secret" not in dumped.stdout.replace('"***"', "")
    whole = json.loads(dumped.stdout)
    assert [route["name"] for route in whole["routes"]] == ["app", "vip", "night", "rest"]
    again = write_config(routed.parent, dumped.stdout.replace("***", "secret"), "again.json")
    assert json.loads(smppd_says("config", "dump", "-c", again, "--format", "json").stdout) == whole


def test_version_names_the_protocol_versions():
    told = smppd_says("version")
    assert told.returncode == 0
    assert "3.3, 3.4, 5.0" in told.stdout
