"""smppsim and smppload against each other: what one is told to do wrong, the other reports, and the exit codes say so."""
import json
import subprocess

import pytest

from harness import smpp
from harness.process import BINARIES, Program, wait_until

GOOD, UNEXPECTED, USAGE, NOT_BOUND = 0, 1, 2, 3


class Simulator(Program):
    """smppsim on a port of its own choice."""

    def __init__(self, *arguments):
        super().__init__([BINARIES / "smppsim", "--listen", "127.0.0.1:0", "--stats-json", "-", *arguments])
        self.address = self.wait_for_line(r"smppsim: listening on (\S+)").group(1)
        self.port = int(self.address.rsplit(":", 1)[1])

    def report(self):
        self.stop()
        return json.loads(self.lines[-1])

    def counters(self):
        return self.report()["counters"]


def load(simulator, *arguments, expect=GOOD, timeout=60):
    """Runs smppload to its end, which must have this exit code unless None is given; its JSON report."""
    argv = [BINARIES / "smppload", "--connect", simulator.address, "--json", "-", "--quiet", *arguments]
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=timeout)
    assert expect in (None, done.returncode), f"exit {done.returncode}: {done.stdout[:3000]}{done.stderr}"
    return json.loads(done.stdout)


def log_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_message_is_answered_in_every_bind_mode(start):
    simulator = start(Simulator())
    for mode in ("trx", "tx", "pair"):
        report = load(simulator, "--bind", mode, "--sessions", 3, "--window", 50, "--messages", 3001)
        assert report["statuses"] == {"ESME_ROK": 3001}
        assert report["latency_us"]["count"] == 3001
    counters = simulator.counters()
    assert counters["messages"] == counters["accepted"] == 9003
    assert counters["binds"] == 3 + 3 + 6


@pytest.mark.parametrize("threads", [1, 2])
def test_each_receipt_comes_exactly_once(start, threads):
    simulator = start(Simulator("--receipts", "delay=10ms,early=0.1,state=DELIVRD:0.9,UNDELIV:0.1", "--threads", threads))
    report = load(
        simulator, "--bind", "pair", "--sessions", 4, "--messages", 4000, "--registered", "--threads", threads
    )
    assert report["counters"]["receipts_matched"] == 4000
    assert report["counters"]["receipts_early"] > 0 or threads == 2
    assert set(report["receipt_states"]) == {"DELIVRD", "UNDELIV"}
    counters = simulator.counters()
    assert counters["receipts_sent"] == counters["deliveries_accepted"] == 4000


@pytest.mark.parametrize(
    "setting,counter",
    [("missing=0.2", "receipts_missing"), ("duplicate=0.2", "receipts_duplicate")],
)
def test_receipts_that_are_missing_or_twice_are_counted_and_fail_the_run(start, setting, counter):
    simulator = start(Simulator("--receipts", setting))
    report = load(
        simulator, "--messages", 500, "--registered", "--receipt-timeout", "500ms", expect=UNEXPECTED
    )
    counters = simulator.counters()
    wanted = counters["receipts_withheld"] if "missing" in setting else counters["receipts_duplicated"]
    assert report["counters"][counter] == wanted > 50


def test_late_receipts_are_missing_only_to_the_impatient(start):
    for patience, verdict in (("200ms", UNEXPECTED), ("10s", GOOD)):
        simulator = start(Simulator("--receipts", "late=0.1/1s"))
        load(simulator, "--messages", 200, "--registered", "--receipt-timeout", patience, expect=verdict)


@pytest.mark.parametrize("state,registered,wanted", [("UNDELIV", 2, 100), ("DELIVRD", 2, 0), ("DELIVRD", 3, 100)])
def test_receipts_follow_registered_delivery(start, state, registered, wanted):
    simulator = start(Simulator("--receipts", f"state={state}"))
    load(
        simulator, "--messages", 100, "--registered", registered, "--receipt-timeout", "300ms",
        expect=GOOD if wanted else UNEXPECTED,
    )
    assert simulator.counters()["receipts_sent"] == wanted


@pytest.mark.parametrize(
    "formats,reading",
    [
        (["--id", "hex", "--receipt-id", "dec"], "hex-to-dec"),
        (["--id", "dec", "--receipt-id", "HEX"], "dec-to-hex"),
        (["--id", "hex:10", "--receipt-id", "HEX"], "same"),
        (["--id", "uuid"], "exact"),
        (["--id", "opaque"], "exact"),
        (["--id", "hex", "--receipt-id", "dec"], "auto"),
    ],
)
def test_receipt_ids_may_be_written_otherwise_than_response_ids(start, formats, reading):
    simulator = start(Simulator("--receipts", "on", "--first-id", 1000, *formats))
    load(simulator, "--messages", 300, "--registered", "--receipt-ids", reading)
    if formats[-1] == "dec":
        report = load(
            simulator, "--messages", 50, "--registered", "--receipt-timeout", "200ms", expect=UNEXPECTED
        )
        assert report["counters"]["receipts_unknown"] == report["counters"]["receipts_missing"] == 50


@pytest.mark.parametrize("form", ["text", "tlv", "both"])
def test_receipts_take_the_form_asked_for(start, form):
    simulator = start(Simulator("--receipts", f"form={form},date=YYMMDDhhmmss,flag=0x08,swapped"))
    with smpp.Connection.to(simulator.port) as link:
        link.bind()
        answer = link.request(smpp.submit_sm(source="1000", registered_delivery=1)).fields()
        fields = link.receive_command(smpp.DELIVER_SM).fields()
    message_id = answer["message_id"]
    assert fields["esm_class"] == 0x08
    assert (fields["source_addr"], fields["destination_addr"]) == ("1000", "258841234567")
    text = fields["short_message"].decode()
    assert (f"id:{message_id} " in text and "stat:DELIVRD" in text) == (form != "tlv")
    tlvs = fields["tlvs"]
    assert (tlvs.get(smpp.TLV_RECEIPTED_MESSAGE_ID) == message_id.encode() + b"\0") == (form != "text")
    assert (tlvs.get(smpp.TLV_MESSAGE_STATE) == b"\x02") == (form != "text")


def test_a_receipt_template_replaces_the_text(start):
    simulator = start(Simulator("--receipts", "form=text", "--receipt-template", "{id};{state};{destination}"))
    with smpp.Connection.to(simulator.port) as link:
        link.bind()
        message_id = link.request(smpp.submit_sm(registered_delivery=1)).fields()["message_id"]
        text = link.receive_command(smpp.DELIVER_SM).fields()["short_message"].decode()
    assert text == f"{message_id};DELIVRD;258841234567"


def test_receipts_wait_for_a_receiver(start):
    simulator = start(Simulator("--receipts", "on"))
    with smpp.Connection.to(simulator.port) as sender:
        sender.bind("tx")
        message_id = sender.request(smpp.submit_sm(registered_delivery=1)).fields()["message_id"]
    with smpp.Connection.to(simulator.port) as receiver:
        receiver.bind("rx")
        assert message_id.encode() in receiver.receive_command(smpp.DELIVER_SM).fields()["short_message"]


def test_refused_deliveries_come_again(start):
    simulator = start(Simulator("--mo", "count=1,text=again", "--redeliver", "50ms"))
    with smpp.Connection.to(simulator.port) as link:
        link.bind("rx")
        first = link.receive_command(smpp.DELIVER_SM)
        link.send(first.response(smpp.RSYSERR, b"\0"))
        second = link.receive_command(smpp.DELIVER_SM)
        link.send(second.response(smpp.ROK, b"\0"))
        assert first.body == second.body
    counters = simulator.counters()
    assert (counters["deliveries_refused"], counters["deliveries_repeated"], counters["deliveries_accepted"]) == (1, 1, 1)


def test_errors_come_in_their_share_and_by_prefix(start):
    simulator = start(Simulator("--error", "ESME_RSYSERR=0.2", "--error", "25884:ESME_RINVDSTADR"))
    report = load(simulator, "--messages", 2000, "--destination", "25882{7}", expect=UNEXPECTED)
    assert 300 < report["statuses"]["ESME_RSYSERR"] < 500
    load(simulator, "--messages", 100, "--destination", "25884{7}", "--expect-status", "ESME_RINVDSTADR")


def test_throttling_answers_what_is_too_much(start):
    simulator = start(Simulator("--max-rate", "100/s", "--rate-status", "ESME_RMSGQFUL"))
    report = load(simulator, "--messages", 1000, "--expect-status", "ESME_ROK,ESME_RMSGQFUL")
    assert report["statuses"]["ESME_RMSGQFUL"] > 500


def test_a_window_that_is_too_large_is_refused(start):
    simulator = start(Simulator("--max-window", 10, "--latency", "50ms"))
    load(simulator, "--messages", 50, "--window", 10)
    report = load(simulator, "--messages", 50, "--window", 20, "--expect-status", "ESME_ROK,ESME_RTHROTTLED")
    assert report["statuses"]["ESME_RTHROTTLED"] > 0


def test_latency_is_seen_by_the_client(start):
    simulator = start(Simulator("--latency", "30ms"))
    report = load(simulator, "--messages", 50, "--window", 5)
    assert report["latency_us"]["p50"] >= 29_000


def test_an_open_loop_counts_waiting_as_latency(start):
    simulator = start(Simulator("--latency", "20ms"))
    # 50 a second can be answered with a window of 1; 200 are due.
    report = load(simulator, "--rate", 200, "--messages", 100, "--window", 1)
    assert report["latency_us"]["max"] > 1_000_000
    assert report["latency_us"]["p50"] > 500_000


def test_an_open_loop_keeps_its_rate(start):
    simulator = start(Simulator())
    report = load(simulator, "--rate", 2000, "--duration", "1s", "--sessions", 4, "--warmup", "200ms")
    assert 1900 <= report["counters"]["answered"] <= 2100


MISBEHAVIOURS = [
    ("no-response=0.1", ["--response-timeout", "500ms"], "timed_out", "misbehaved_no_response"),
    ("wrong-seq=0.1", ["--response-timeout", "500ms"], "unexpected_responses", "misbehaved_wrong_sequence"),
    ("duplicate-response=0.1", [], "unexpected_responses", "misbehaved_duplicate"),
    ("generic-nack=0.1", [], "generic_nacks", "misbehaved_generic_nack"),
    ("late-response=0.1/1s", ["--response-timeout", "300ms"], "timed_out", "misbehaved_late"),
]


@pytest.mark.parametrize("fault,arguments,seen,done", MISBEHAVIOURS, ids=[row[0] for row in MISBEHAVIOURS])
def test_a_misbehaviour_is_what_the_client_sees(start, fault, arguments, seen, done):
    simulator = start(Simulator("--misbehave", fault))
    report = load(simulator, "--messages", 300, *arguments, expect=UNEXPECTED)
    assert report["counters"][seen] > 0
    counters = simulator.counters()
    assert counters[done] > 5
    if seen != "unexpected_responses" or fault.startswith("duplicate"):
        assert report["counters"][seen] == counters[done]


def test_garbage_ends_the_connection(start):
    simulator = start(Simulator("--misbehave", "garbage=0.05"))
    report = load(simulator, "--messages", 300, expect=UNEXPECTED)
    assert report["counters"]["framing_lost"] == 1


def test_responses_out_of_order_are_all_matched(start):
    simulator = start(Simulator("--misbehave", "out-of-order=0.3"))
    load(simulator, "--messages", 2000, "--window", 50)
    assert simulator.counters()["misbehaved_out_of_order"] > 400


@pytest.mark.parametrize("fault", ["slow-drip=7/1ms", "split-bytes", "split-bytes=3"])
def test_pdus_in_pieces_are_still_pdus(start, fault):
    simulator = start(Simulator("--misbehave", fault))
    load(simulator, "--messages", 50)


@pytest.mark.parametrize("fault", ["close-after=10", "reset-after=10"])
def test_a_closed_connection_fails_the_run_unless_reconnecting(start, fault):
    simulator = start(Simulator("--misbehave", fault))
    report = load(simulator, "--messages", 30, "--window", 1, expect=UNEXPECTED)
    assert report["counters"]["disconnects"] == 1
    report = load(simulator, "--messages", 30, "--window", 1, "--reconnect", "10ms", "--duration", "5s", expect=None)
    assert report["counters"]["binds"] >= 3


def test_an_unbind_from_the_server_is_answered(start):
    simulator = start(Simulator("--misbehave", "unbind-after=10"))
    report = load(simulator, "--messages", 1000, "--window", 1, expect=UNEXPECTED)
    assert report["counters"]["peer_unbinds"] == 1
    assert simulator.report()["received"]["unbind_resp"] == 1


def test_silence_on_enquire_link_is_silence(start):
    simulator = start(Simulator("--misbehave", "no-enquire-response"))
    with smpp.Connection.to(simulator.port) as link:
        link.bind()
        link.send(smpp.Pdu(smpp.ENQUIRE_LINK, sequence=9))
        with pytest.raises(TimeoutError):
            link.receive(timeout=0.3)
    assert simulator.counters()["enquire_links_received"] == 1


def test_a_delivery_may_come_before_the_bind_response(start):
    simulator = start(Simulator("--misbehave", "deliver-before-bind-resp"))
    with smpp.Connection.to(simulator.port) as link:
        link.send(smpp.bind())
        assert link.receive().command == smpp.DELIVER_SM
        assert link.receive().command == smpp.BIND_TRANSCEIVER | 0x80000000


@pytest.mark.parametrize("fault,size", [("error-with-body", 17), ("error-without-body", 16)])
def test_error_responses_have_a_body_or_not(start, fault, size):
    simulator = start(Simulator("--error", "ESME_RSYSERR", "--misbehave", fault))
    with smpp.Connection.to(simulator.port) as link:
        link.bind()
        assert len(link.request(smpp.submit_sm()).encode()) == size


def test_wrong_credentials_are_refused_and_expected(start):
    simulator = start(Simulator("--system-id", "carrier", "--password", "secret"))
    load(simulator, "--messages", 1, "--system-id", "carrier", "--password", "secret")
    load(simulator, "--messages", 1, "--system-id", "other", expect=NOT_BOUND)
    report = load(
        simulator, "--messages", 1, "--system-id", "carrier", "--password", "wrong", "--expect-bind-status", "ESME_RINVPASWD"
    )
    assert report["bind_statuses"] == {"ESME_RINVPASWD": 1}
    load(simulator, "--messages", 1, "--system-id", "carrier", "--password", "secret",
         "--expect-bind-status", "ESME_RINVPASWD", expect=UNEXPECTED)  # fmt: skip


def test_more_binds_than_allowed_are_already_bound(start):
    simulator = start(Simulator("--max-binds", 1))
    report = load(simulator, "--messages", 10, "--sessions", 2, expect=UNEXPECTED)
    assert report["bind_statuses"] == {"ESME_RALYBND": 1}


@pytest.mark.parametrize("version,told", [("3.3", None), ("3.4", b"\x34"), ("5.0", b"\x50")])
def test_the_version_is_told_from_34_on(start, version, told):
    simulator = start(Simulator("--smpp-version", version))
    with smpp.Connection.to(simulator.port) as link:
        answer = link.request(smpp.bind("rx", interface_version=0x50))
        assert answer.fields()["tlvs"].get(smpp.TLV_SC_INTERFACE_VERSION) == told
    silent = start(Simulator("--smpp-version", version, "--no-sc-interface-version"))
    with smpp.Connection.to(silent.port) as link:
        assert link.request(smpp.bind("rx", interface_version=0x50)).fields()["tlvs"] == {}


def test_an_smsc_of_33_knows_no_transceiver(start):
    simulator = start(Simulator("--smpp-version", "3.3"))
    with smpp.Connection.to(simulator.port) as link:
        link.send(smpp.bind("trx"))
        answer = link.receive()
    assert (answer.command, answer.status) == (smpp.GENERIC_NACK, smpp.RINVCMDID)
    load(simulator, "--messages", 10, "--bind", "pair", "--smpp-version", "3.3")


def query(message_id):
    return smpp.Pdu(smpp.QUERY_SM, smpp.cstring(message_id) + b"\1\1" + smpp.cstring("1000"))


def cancel(message_id):
    return smpp.Pdu(
        smpp.CANCEL_SM,
        smpp.cstring("") + smpp.cstring(message_id) + b"\1\1" + smpp.cstring("1000") + b"\1\1" + smpp.cstring("258841234567"),
    )


@pytest.mark.parametrize("arguments", [[], ["--receipts", "on", "--threads", "2"]], ids=["fast path", "records"])
def test_a_message_can_be_asked_for(start, arguments):
    simulator = start(Simulator(*arguments))
    with smpp.Connection.to(simulator.port) as link:
        link.bind("tx")
        message_id = link.request(smpp.submit_sm()).fields()["message_id"]
        answer = link.request(query(message_id))
        assert answer.status == smpp.ROK
        assert answer.body.startswith(smpp.cstring(message_id))
        assert answer.body[-2:] == b"\x02\x00", "DELIVERED"
        assert link.request(query("ffffffff")).status == 0x67
        assert link.request(cancel(message_id)).status == 0x11, "it has been delivered"


def test_a_message_on_its_way_can_be_cancelled(start):
    simulator = start(Simulator("--receipts", "delay=10s"))
    with smpp.Connection.to(simulator.port) as link:
        link.bind()
        message_id = link.request(smpp.submit_sm(registered_delivery=1)).fields()["message_id"]
        assert link.request(query(message_id)).body[-2:] == b"\x01\x00", "ENROUTE"
        link.send(cancel(message_id))
        first, second = link.receive(), link.receive()
        receipt = first if first.command == smpp.DELIVER_SM else second
        assert b"stat:DELETED" in receipt.fields()["short_message"]


def test_mo_in_parts_arrive_as_planned(start):
    simulator = start(Simulator("--mo", "rate=100/s,count=10,parts=3,order=reverse,destination=1234,source=2588{8}"))
    with smpp.Connection.to(simulator.port) as link:
        link.bind("rx")
        headers = []
        for _ in range(30):
            pdu = link.receive_command(smpp.DELIVER_SM)
            fields = pdu.fields()
            assert fields["esm_class"] == 0x40
            assert fields["destination_addr"] == "1234"
            headers.append(fields["short_message"][:6])
            link.send(pdu.response(body=b"\0"))
    assert [header[5] for header in headers] == [3, 2, 1] * 10
    assert len({header[3] for header in headers}) == 10


def test_mo_are_counted_by_the_client(start):
    simulator = start(Simulator("--mo", "rate=1000/s,count=200"))
    load(simulator, "--bind", "rx", "--sessions", 2, "--expect-mo", 200, "--duration", "10s")
    load(simulator, "--bind", "rx", "--expect-mo", 5, "--duration", "300ms", expect=UNEXPECTED)


def test_long_messages_and_data_sm_are_what_they_say(start, tmp_path):
    log = tmp_path / "sim.jsonl"
    simulator = start(Simulator("--log", log))
    load(simulator, "--messages", 4, "--long", 3, "--text", "naïve ☃ ", "--destination", "2588{8}")
    load(simulator, "--messages", 4, "--data-sm", "100%")
    events = log_of(log)
    commands = [event["pdu"]["command_id"] for event in events if event.get("direction") == "in" and "pdu" in event]
    assert commands.count("submit_sm") == 12
    assert commands.count("data_sm") == 4


def test_strict_refuses_what_the_specification_forbids(start):
    simulator = start(Simulator("--strict"))
    load(simulator, "--messages", 10)
    with smpp.Connection.to(simulator.port) as link:
        link.bind()
        assert link.request(smpp.submit_sm(source_addr_ton=99)).status != smpp.ROK
    assert simulator.counters()["strict_findings"] == 1


def test_a_script_says_what_flags_say_and_rules_besides(start, tmp_path):
    script = tmp_path / "carrier.yaml"
    script.write_text(
        """
system-id: carrier
receipts: {delay: 5ms, form: text}
rules:
  - name: blocked
    match: {destination: "25884*"}
    action: {status: ESME_RINVDSTADR}
  - name: silent
    match: {text: "^drop"}
    action: {misbehave: no-response}
  - name: lost receipts
    match: {source: "lost*"}
    action: {receipts: {missing: 1}}
"""
    )
    simulator = start(Simulator("--script", script))
    common = ["--system-id", "carrier", "--messages", 20]
    load(simulator, *common, "--registered", "--destination", "25882{7}")
    load(simulator, *common, "--destination", "25884{7}", "--expect-status", "ESME_RINVDSTADR")
    load(simulator, *common, "--destination", "1", "--text", "drop it", "--response-timeout", "300ms", expect=UNEXPECTED)
    load(simulator, *common, "--destination", "1", "--source", "lost1", "--registered", "--receipt-timeout", "200ms",
         expect=UNEXPECTED)  # fmt: skip
    load(simulator, "--messages", 1, expect=NOT_BOUND)
    assert simulator.report()["rules"] == {"blocked": 20, "silent": 20, "lost receipts": 20}


def test_outbind_calls_the_client(start):
    with smpp.socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        start(Simulator("--outbind", f"127.0.0.1:{port}", "--password", "secret"))
        server.settimeout(10)
        accepted, _ = server.accept()
        link = smpp.Connection(accepted)
        outbind = link.receive()
        assert outbind.command == smpp.OUTBIND
        assert outbind.body == smpp.cstring("smppsim") + smpp.cstring("secret")
        link.bind("rx")
        link.close()


def test_hostile_bytes_end_only_their_own_connection(start):
    simulator = start(Simulator())
    with smpp.Connection.to(simulator.port) as good, smpp.Connection.to(simulator.port) as bad:
        good.bind()
        bad.send_bytes(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        bad.wait_closed()
        assert good.request(smpp.submit_sm()).status == smpp.ROK
    assert simulator.counters()["framing_lost"] == 1


def test_reports_of_several_processes_add_up(start, tmp_path):
    simulator = start(Simulator())
    files = []
    for number in (1, 2):
        file = tmp_path / f"{number}.json"
        load(simulator, "--messages", 1000 * number)
        subprocess.run(
            [BINARIES / "smppload", "--connect", simulator.address, "--messages", str(1000 * number), "--quiet", "--json", file],
            check=True, timeout=60,
        )  # fmt: skip
        files.append(file)
    merged = subprocess.run([BINARIES / "smppload", "merge", *files], capture_output=True, text=True, check=True)
    report = json.loads(merged.stdout)
    assert report["counters"]["answered"] == report["latency_us"]["count"] == 3000
    assert report["exit_code"] == GOOD


@pytest.mark.parametrize(
    "program,arguments",
    [
        ("smppload", []),
        ("smppload", ["--connect", "127.0.0.1:1"]),
        ("smppload", ["--connect", "nonsense", "--messages", "1"]),
        ("smppload", ["--connect", "127.0.0.1:1", "--messages", "1", "--destination", "{x}"]),
        ("smppload", ["--connect", "127.0.0.1:1", "--messages", "1", "--expect-status", "ESME_NOSUCH"]),
        ("smppsim", ["--receipts", "dealy=5ms"]),
        ("smppsim", ["--misbehave", "explode"]),
        ("smppsim", ["--script", "/nonexistent.yaml"]),
        ("smppsim", ["--id", "base64"]),
    ],
)
def test_a_wrong_command_line_is_explained(program, arguments):
    done = subprocess.run([BINARIES / program, *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode == USAGE
    assert done.stderr.strip()


def test_nobody_there_is_not_bound(start):
    simulator = start(Simulator())
    simulator.stop()
    report = load(simulator, "--messages", 1, expect=NOT_BOUND)
    assert report["counters"]["connect_failures"] == 1


def test_a_port_in_use_is_said(start):
    simulator = start(Simulator())
    done = subprocess.run(
        [BINARIES / "smppsim", "--listen", simulator.address], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 1
    assert simulator.address in done.stderr
    wait_until(simulator.running, "the first one is still there")
