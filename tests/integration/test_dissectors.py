"""Decoders that others wrote agree with what we encode: tshark's SMPP dissector and libsmpp34.

`pdu_samples` prints a full PDU of every kind in every version, as octets and as our own reading of them.
"""
import json
import re
import subprocess
from dataclasses import dataclass

import pytest

from harness.process import BINARIES

# tshark 4.0 knows 3.4 and 5.0; PDUs of 3.3 alone are not SMPP to it.
UNKNOWN_TO_TSHARK = {
    "query_last_msgs", "query_last_msgs_resp", "query_msg_details", "query_msg_details_resp",
    "param_retrieve", "param_retrieve_resp",
}
# It takes broadcast_rep_num for one octet (5.0 §4.8.4.12: two) and loses its place.
MISREAD_BY_TSHARK = {"0x0604"}
# Shown by tshark in parts or as a date; the lists have a test of their own.
NOT_COMPARED = {
    "esm_class", "registered_delivery", "schedule_delivery_time", "validity_period", "final_date",
    "number_of_dests", "no_unsuccess", "dest_address", "unsuccess_sme",
}


@dataclass
class Sample:
    version: str
    name: str
    mandatory: str
    tlvs: str
    reading: dict

    @property
    def label(self):
        return f"{self.name} of {self.version}"

    @property
    def octets(self):
        return self.mandatory + self.tlvs

    def each_tlv(self):
        at = 0
        while at < len(self.tlvs):
            end = at + 8 + 2 * int(self.tlvs[at + 4:at + 8], 16)
            yield self.tlvs[at:end]
            at = end

    def with_tlvs(self, tlvs):
        body = self.mandatory[8:] + "".join(tlvs)
        return f"{len(body) // 2 + 4:08X}" + body

    def in_pieces(self, tlvs_each):
        """The PDU as several, each with all mandatory fields and a few of the TLVs."""
        tlvs = list(self.each_tlv())
        for first in range(0, max(len(tlvs), 1), tlvs_each):
            yield self.with_tlvs(tlvs[first:first + tlvs_each])

    def for_tshark(self):
        return self.with_tlvs(tlv for tlv in self.each_tlv() if f"0x{tlv[:4]}" not in MISREAD_BY_TSHARK)


@pytest.fixture(scope="module")
def samples():
    lines = subprocess.run([BINARIES / "pdu_samples"], capture_output=True, text=True, check=True).stdout.splitlines()
    parts = [line.split("\t") for line in lines]
    return [Sample(version, name, mandatory, tlvs, json.loads(reading))
            for version, name, mandatory, tlvs, reading in parts]


def hexdump(octets):
    rows = [octets[at:at + 32] for at in range(0, len(octets), 32)]
    return "\n".join(f"{at * 16:06x} " + " ".join(re.findall("..", row)) for at, row in enumerate(rows)) + "\n"


@pytest.fixture(scope="module")
def dissected(samples, tmp_path_factory):
    """The samples tshark can know, each with its reading, one packet each."""
    samples = [sample for sample in samples if sample.name not in UNKNOWN_TO_TSHARK]
    folder = tmp_path_factory.mktemp("tshark")
    (folder / "pdus.txt").write_text("\n".join(hexdump(sample.for_tshark()) for sample in samples))
    subprocess.run(["text2pcap", "-q", "-T", "2775,2775", "pdus.txt", "pdus.pcap"], cwd=folder, check=True,
                   capture_output=True)
    output = subprocess.run(["tshark", "-r", "pdus.pcap", "-d", "tcp.port==2775,smpp", "-T", "ek"], cwd=folder,
                            check=True, capture_output=True, text=True).stdout
    packets = [json.loads(line)["layers"] for line in output.splitlines() if '"layers"' in line]
    return list(zip(samples, packets, strict=True))


def values(packet, name):
    value = packet["smpp"].get(f"smpp_smpp_{name}", [])
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def number(text):
    return int(text, 16) if text.startswith("0x") else int(text)


def test_tshark_finds_nothing_malformed(dissected):
    for sample, packet in dissected:
        assert "smpp" in packet, sample.label
        assert not [layer for layer in packet if "malformed" in layer], sample.label


def test_tshark_reads_the_same_header(dissected):
    for sample, packet in dissected:
        assert number(values(packet, "command_length")[0]) == len(sample.for_tshark()) // 2, sample.label
        assert number(values(packet, "command_id")[0]) == int(sample.octets[8:16], 16), sample.label
        assert number(values(packet, "sequence_number")[0]) == sample.reading["sequence_number"], sample.label


def test_tshark_reads_the_same_mandatory_fields(dissected):
    compared = 0
    for sample, packet in dissected:
        for field, ours in sample.reading["body"].items():
            if field in NOT_COMPARED or ours == "":
                continue
            theirs = values(packet, "message" if field == "short_message" else field)
            assert theirs, f"{sample.label}: {field}"
            if field == "short_message":
                assert theirs[0].replace(":", "") == ours, sample.label
            elif isinstance(ours, int):
                assert number(theirs[0]) == ours, f"{sample.label}: {field}"
            else:
                assert theirs[0] == ours, f"{sample.label}: {field}"
            compared += 1
    assert compared > 300


def test_tshark_reads_the_same_lists(dissected):
    checked = 0
    for sample, packet in dissected:
        body = sample.reading["body"]
        if sample.name == "submit_multi":
            sme = [entry["destination_addr"] for entry in body["dest_address"] if "destination_addr" in entry]
            assert values(packet, "destination_addr") == sme
            assert values(packet, "dl_name") == ["friends"]
            checked += 1
        if sample.name == "submit_multi_resp":
            assert values(packet, "destination_addr") == [entry["destination_addr"] for entry in body["unsuccess_sme"]]
            assert [number(code) for code in values(packet, "error_status_code")] == [0x0B, 0x58]
            checked += 1
    assert checked == 6


def test_tshark_reads_the_same_tlvs(dissected):
    compared = 0
    for sample, packet in dissected:
        ours = [tlv for tlv in sample.reading.get("tlvs", []) if tlv["tag"] not in MISREAD_BY_TSHARK]
        tags = [number(tag) for tag in values(packet, "opt_param_tag")]
        assert tags == [int(tlv["tag"], 16) for tlv in ours], sample.label
        for tlv in ours:
            theirs = values(packet, tlv["name"])
            if isinstance(tlv["value"], int) and theirs and re.fullmatch(r"0x[0-9a-f]+|\d+", theirs[-1]):
                assert number(theirs[-1]) == tlv["value"], f"{sample.label}: {tlv['name']}"
                compared += 1
    assert compared > 50


def judged(octets):
    judge = BINARIES / "smpp34_judge"
    assert judge.exists(), "libsmpp34-dev was not there when the build was configured: scripts/setup --test"
    output = subprocess.run([judge], input="\n".join(octets) + "\n", capture_output=True, text=True, errors="replace",
                            check=True).stdout
    return [verdict.strip().split("\n") for verdict in output.split("\nend\n") if verdict.strip()]


def read_by_smpp34(lines):
    """Its reading of each mandatory field, numbers as numbers."""
    fields = {}
    for line in lines:
        match = re.match(r"(\w+) +\[([^]]*)\]( +- +\[.*\])?$", line)
        if match and match[1] not in fields:
            fields[match[1]] = int(match[2], 16) if match[3] else match[2]
    return fields


def test_libsmpp34_reads_the_same_fields(samples):
    # It keeps its notes in 2048 octets and writes past them when a PDU has many TLVs, and takes none in data_sm_resp
    # (3.4 §4.7.2 has them).
    of_34 = [(sample, octets) for sample in samples if sample.version == "3.4"
             for octets in ([sample.with_tlvs([])] if sample.name == "data_sm_resp" else sample.in_pieces(4))]
    compared = 0
    for (sample, _), verdict in zip(of_34, judged([octets for _, octets in of_34]), strict=True):
        assert verdict[0] == "ok", f"{sample.name}: {verdict[0]}"
        theirs = read_by_smpp34(verdict[1:])
        for field, ours in sample.reading["body"].items():
            if field in ("dest_address", "unsuccess_sme"):
                continue
            expected = bytes.fromhex(ours).decode() if field == "short_message" else ours
            assert theirs[field] == expected, f"{sample.name}: {field}"
            compared += 1
    assert compared > 100


def test_libsmpp34_refuses_every_cut_that_we_refuse(samples):
    octets = next(sample.octets for sample in samples if sample.version == "3.4" and sample.name == "cancel_sm")
    cuts = [f"{size:08X}" + octets[8:size * 2] for size in range(16, len(octets) // 2)]
    verdicts = judged(cuts)
    assert len(verdicts) == len(cuts)
    for verdict in verdicts:
        assert verdict[0].startswith("error"), verdict
