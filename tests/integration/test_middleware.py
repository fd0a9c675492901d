"""Each filter of `middleware` in a configuration of its own, and their order."""
import re
import time

import pytest

from harness import smpp
from harness.gateway import config, to
from harness.process import Smppd, wait_until

ACME = {"system_id": "acme", "password": "secret"}
OTHER = {"system_id": "other", "password": "secret"}


def statuses(session, count, **fields):
    return [session.request(smpp.submit_sm(**fields)).status for _ in range(count)]


def test_logger_tells_each_message_and_its_outcome_and_hides_the_text(gateway, carrier):
    smppd = gateway(to(carrier), middleware=[{"type": "logger"}], mo_routes=[{"name": "all", "client": "client"}])
    session = smppd.bind()
    assert statuses(session, 1, short_message=b"the secret word") == [smpp.ROK]
    carrier.send(carrier.link(), smpp.deliver_sm(destination="1000", short_message=b"the secret answer"))
    session.send(session.receive_command(smpp.DELIVER_SM).response(0, b"\0"))
    smppd.wait_for_line(r"info  message: .*client=client.*258841234567")
    smppd.wait_for_line(r"message: .*status=ESME_ROK.*carrier-0*1")
    smppd.wait_for_line(r"message: .*upstream=carrier.*1000")
    assert "secret word" not in smppd.output and "secret answer" not in smppd.output


def test_logger_shows_the_text_when_asked_and_keeps_to_its_level(gateway, carrier):
    logging = {"level": "info", "format": "text", "output": "stdout"}
    shown = gateway(to(carrier), middleware=[{"type": "logger", "text": True}], logging=logging)
    assert statuses(shown.bind(), 1, short_message=b"the open word") == [smpp.ROK]
    shown.wait_for_line("message: .*the open word")
    quiet = gateway(to(carrier), middleware=[{"type": "logger", "level": "debug"}], logging=logging)
    assert statuses(quiet.bind(), 1) == [smpp.ROK]
    quiet.wait_for_line("session bound")
    assert " message: " not in quiet.output


def test_auth_lets_clients_pass_and_does_not_start_where_there_are_none(gateway, carrier, start, tmp_path):
    known = gateway(to(carrier), middleware=[{"type": "auth"}])
    assert statuses(known.bind(), 1) == [smpp.ROK]
    nobody = start(Smppd(tmp_path, config(to(carrier), middleware=[{"type": "auth"}], clients=[])))
    assert nobody.wait_exit() == 2
    assert re.search(r"yaml:\d+:\d+: error: middleware\[0\]: refuses everybody", nobody.output)


def test_rate_limit_holds_a_client_over_all_its_sessions_and_leaves_others_alone(gateway, carrier, shards):
    limited = {**ACME, "rate_limit": {"messages_per_second": 5, "burst": 10}}
    smppd = gateway(to(carrier), middleware=[{"type": "rate_limit"}], clients=[limited, OTHER], shards=shards)
    sessions = [smppd.bind(system_id="acme") for _ in range(4)]
    free = smppd.bind(system_id="other")
    began = time.monotonic()
    answered = [status for session in sessions for status in statuses(session, 10)]
    passed = answered.count(smpp.ROK)
    assert 10 <= passed <= 11 + 5 * (time.monotonic() - began)
    assert answered.count(smpp.RTHROTTLED) == 40 - passed
    assert statuses(free, 40) == [smpp.ROK] * 40
    assert smppd.metric("smppd_rate_limit_hits_total", client="acme") == 40 - passed
    wait_until(lambda: statuses(sessions[0], 1) == [smpp.ROK], "the rate comes back", 3)


def test_address_filter_holds_clients_to_their_addresses(gateway, carrier):
    addresses = {"source": {"allowed": ["ACME", "2588*"]}, "destination": {"blocked": ["+1900*"]}}
    smppd = gateway(to(carrier), middleware=[{"type": "address_filter"}], clients=[{**ACME, "addresses": addresses}, OTHER])
    acme, other = (smppd.bind(system_id=name) for name in ("acme", "other"))
    ask = lambda session, **fields: session.request(smpp.submit_sm(**fields)).status  # noqa: E731
    assert ask(acme, source="ACME", source_addr_ton=5) == smpp.ROK
    assert ask(acme, source="258841") == smpp.ROK
    assert ask(acme, source="BANK", source_addr_ton=5) == smpp.RINVSRCADR
    assert ask(acme, source="258841", destination="19005551234") == smpp.RINVDSTADR
    assert ask(other, source="BANK", source_addr_ton=5, destination="19005551234") == smpp.ROK
    assert len(carrier.received) == 3


def test_transform_sets_writes_and_removes_and_routes_see_it(gateway, carriers):
    carrier, local = carriers(), carriers()
    rules = [
        {
            "match": {"destination_addr": {"regex": "^0(8[0-9]{8})$"}},
            "transform": {"destination_addr": "258${1}"},
            "set": {"destination_addr_ton": 1, "registered_delivery": 1},
        },
        {"match": {"text": {"regex": "^PROMO ([a-z]+) "}}, "transform": {"tlv.campaign": "${1}"},
         "remove": ["tlv.source_port"]},
    ]  # fmt: skip
    smppd = gateway(
        to(carrier),
        to(local, "local"),
        middleware=[{"type": "transform", "rules": rules}],
        tlvs=[{"name": "campaign", "tag": 0x1500, "type": "cstring", "max_length": 20}],
        routes=[
            {"name": "mz", "match": {"destination_addr": "+258*"}, "upstream": "local"},
            {"name": "rest", "match": {"destination_addr": "*"}, "upstream": "carrier"},
        ],
    )
    session = smppd.bind()
    port = smpp.tlv(0x020A, b"\x0b\x84")
    assert statuses(session, 1, destination="0841234567", dest_addr_ton=2, tlvs=port) == [smpp.ROK]
    got = local.wait_received(1)[0].fields
    assert (got["destination_addr"], got["dest_addr_ton"], got["registered_delivery"]) == ("258841234567", 1, 1)
    assert got["tlvs"] == {0x020A: b"\x0b\x84"}
    assert statuses(session, 1, destination="447700900000", short_message=b"PROMO easter now", tlvs=port) == [smpp.ROK]
    assert carrier.wait_received(1)[0].fields["tlvs"] == {0x1500: b"easter\0"}


def test_transform_answers_what_cannot_stand_in_its_field(gateway, carrier):
    rules = [{"match": {"client": "client"}, "transform": {"source_addr": "${short_message}"}}]
    session = gateway(to(carrier), middleware=[{"type": "transform", "rules": rules}]).bind()
    assert statuses(session, 1, short_message=b"x" * 40) == [smpp.RINVSRCADR]
    assert statuses(session, 1, short_message=b"12345") == [smpp.ROK]
    assert carrier.wait_received(1)[0].fields["source_addr"] == "12345"


def test_protocol_lowers_what_a_version_brought(gateway, carrier):
    mapping = {"5.0": "3.4", "3.4": "3.3"}
    smppd = gateway(to(carrier), middleware=[{"type": "protocol", "version_mapping": mapping}])
    five, four = (smppd.bind(interface_version=version) for version in (0x50, 0x34))
    congestion, language, reference = 0x0428, 0x020D, 0x0204
    tlvs = smpp.tlv(reference, b"\0\1") + smpp.tlv(congestion, b"\1")
    assert statuses(five, 1, registered_delivery=3, tlvs=tlvs) == [smpp.ROK]
    got = carrier.wait_received(1)[0].fields
    assert got["registered_delivery"] == 1 and congestion not in got["tlvs"] and reference in got["tlvs"]
    assert statuses(four, 1, short_message=b"", tlvs=smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, b"payload")) == [smpp.ROK]
    got = carrier.wait_received(2)[1].fields
    assert (got["short_message"], got["tlvs"]) == (b"payload", {})
    assert statuses(four, 1, short_message=b"", tlvs=smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, b"x" * 300)) == [smpp.RINVMSGLEN]
    assert language not in got["tlvs"]


def test_metrics_counts_by_client_alphabet_and_outcome(gateway, carrier):
    smppd = gateway(to(carrier), middleware=[{"type": "metrics"}], mo_routes=[{"name": "all", "client": "client"}])
    session = smppd.bind()
    assert statuses(session, 3, short_message=b"hello") == [smpp.ROK] * 3
    assert statuses(session, 2, short_message="да".encode("utf-16-be"), data_coding=8) == [smpp.ROK] * 2
    carrier.answer = lambda one: one.pdu.response(smpp.RMSGQFUL)
    assert statuses(session, 1) == [smpp.RMSGQFUL]
    sent = carrier.send(carrier.link(), smpp.deliver_sm(destination="1000"))
    session.send(session.receive_command(smpp.DELIVER_SM).response(0, b"\0"))
    assert carrier.response_to_sent(sent).status == smpp.ROK
    lines = [line for line in smppd.get("/metrics")[1].splitlines() if line.startswith("smppd_filter_")]
    counts = {}
    for line in lines:
        name, labels, value = re.match(r"(\w+)\{(.*)\} (\S+)", line).groups()
        counts[name, tuple(sorted(re.findall(r'="([^"]*)"', labels)))] = float(value)
    by_message = {key[1]: value for key, value in counts.items() if key[0] == "smppd_filter_messages_total"}
    assert sorted(by_message.values()) == [1, 2, 4], counts
    assert smppd.metric("smppd_filter_messages_total", client="client") == 6
    outcomes = {key[1]: value for key, value in counts.items() if key[0] == "smppd_filter_outcomes_total"}
    assert sum(value for labels, value in outcomes.items() if "ESME_ROK" in labels) == 5, counts
    assert sum(value for labels, value in outcomes.items() if "ESME_RMSGQFUL" in labels) == 1, counts


def test_metrics_without_prometheus_exports_nothing(gateway, carrier):
    smppd = gateway(to(carrier), middleware=[{"type": "metrics", "prometheus": False}])
    assert statuses(smppd.bind(), 1) == [smpp.ROK]
    assert "smppd_filter_messages_total{" not in smppd.get("/metrics")[1]


@pytest.mark.parametrize("before", [True, False])
def test_filters_run_in_the_order_of_the_list(gateway, carrier, before):
    """What stands before the limit sees what was tried, what stands behind it what was let through."""
    pair = [{"type": "metrics"}, {"type": "rate_limit"}]
    limited = {**ACME, "rate_limit": {"messages_per_second": 1, "burst": 2}}
    smppd = gateway(to(carrier), middleware=pair if before else pair[::-1], clients=[limited])
    answered = statuses(smppd.bind(system_id="acme"), 8)
    let_through = answered.count(smpp.ROK)
    assert let_through < 8
    assert smppd.metric("smppd_filter_messages_total", client="acme") == (8 if before else let_through)


def test_a_reload_changes_the_chain_without_touching_sessions(gateway, carrier, shards):
    smppd = gateway(to(carrier), shards=shards)
    session = smppd.bind()
    assert statuses(session, 1) == [smpp.ROK]
    rules = [{"set": {"service_type": "CMT"}}]
    smppd.reload({**smppd.config, "middleware": [{"type": "transform", "rules": rules}]})
    smppd.wait_for_line("reloaded")
    assert statuses(session, 1) == [smpp.ROK]
    assert [one.fields["service_type"] for one in carrier.wait_received(2)] == ["", "CMT"]
