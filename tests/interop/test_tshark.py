"""Every octet smppd sends, towards the carrier and towards the client, as Wireshark reads it."""
import pytest

from harness import smpp, tshark
from harness.carrier import Carrier
from harness.gateway import config, port_of, upstream
from harness.process import Smppd
from scenarios import SOURCE, SUBMISSIONS

DESTINATION = "258841234567"


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_wireshark_would_have_noticed(tmp_path, cut):
    whole = smpp.submit_sm(short_message=b"text")
    judge(tmp_path, "whole", [smpp.Pdu(whole.command, whole.body, 0, 1)], from_server=False)
    with pytest.raises((AssertionError, ValueError)):
        judge(tmp_path, "cut", [smpp.Pdu(whole.command, whole.body[:-cut], 0, 1)], from_server=False)


def judge(folder, name, pdus, from_server):
    """Nothing malformed, and the header and addresses as our own reader sees them."""
    path = folder / f"{name}.pcap"
    tshark.write_capture(path, [(pdu.encode(), from_server) for pdu in pdus])
    packets = tshark.dissect(path)
    assert len(packets) == len(pdus)
    for pdu, layers in zip(pdus, packets):
        assert "smpp" in layers, f"not taken for SMPP: {pdu}"
        # What is carried inside, a WAP push for one, is not ours to judge.
        complaints = tshark.find(layers["smpp"], "_ws.expert.message") + tshark.find(layers, "_ws.malformed")
        assert not complaints, f"{complaints}: {pdu}"
        value = lambda field: tshark.find(layers["smpp"], field)  # noqa: E731
        assert [int(text, 0) for text in value("smpp.command_id")] == [pdu.command]
        assert [int(text, 0) for text in value("smpp.sequence_number")] == [pdu.sequence]
        assert [int(text, 0) for text in value("smpp.command_length")] == [16 + len(pdu.body)]
        if pdu.is_response:
            assert [int(text, 0) for text in value("smpp.command_status")] == [pdu.status]
        fields = pdu.fields()
        for ours, theirs in (("source_addr", "smpp.source_addr"), ("destination_addr", "smpp.destination_addr")):
            if fields.get(ours):
                assert value(theirs) == [fields[ours]], pdu
        if fields.get("message_id"):
            assert value("smpp.message_id") == [fields["message_id"]], pdu
        if "data_coding" in fields:
            assert [int(text, 0) for text in value("smpp.data_coding")] == [fields["data_coding"]], pdu
        assert len(value("smpp.opt_params")) <= 1
        assert [int(text, 0) for text in value("smpp.opt_param_tag")] == list(fields["tlvs"]), pdu


def test_wireshark_agrees_with_everything_smppd_sends(start, tmp_path):
    with Carrier() as carrier:
        smppd = start(Smppd(tmp_path, config(upstream("carrier", carrier.port)))).start()
        to_client = []
        with smpp.Connection.to(port_of(smppd.config)) as client:
            to_client.append(client.bind("trx"))
            for submission in SUBMISSIONS:
                in_payload = submission.call.get("payload", False)
                submit = smpp.submit_sm(
                    source=SOURCE,
                    destination=DESTINATION,
                    registered_delivery=1,
                    esm_class=submission.esm_class,
                    data_coding=submission.data_coding,
                    short_message=b"" if in_payload else submission.octets,
                    tlvs=smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, submission.octets) if in_payload else b"",
                )
                to_client.append(client.request(submit))
                receipt = client.receive_command(smpp.DELIVER_SM)
                client.send(receipt.response(0, b"\0"))
                to_client.append(receipt)
            id = to_client[-2].fields()["message_id"]
            to_client.append(client.request(smpp.Pdu(smpp.QUERY_SM, smpp.cstring(id) + b"\1\1" + smpp.cstring(SOURCE))))
            data = smpp.cstring("") + b"\1\1" + smpp.cstring(SOURCE) + b"\1\1" + smpp.cstring(DESTINATION) + b"\0\0\4"
            data += smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, b"data")
            to_client.append(client.request(smpp.Pdu(smpp.DATA_SM, data)))
            to_client.append(client.request(smpp.Pdu(smpp.SUBMIT_SM, b"\0\0\0")))
            to_client.append(client.request(smpp.Pdu(0x777)))
            to_client.append(client.request(smpp.Pdu(smpp.ENQUIRE_LINK)))
            to_client.append(client.request(smpp.Pdu(smpp.UNBIND)))
        judge(tmp_path, "to-client", to_client, from_server=True)
        judge(tmp_path, "to-carrier", [carrier.binds[0]] + [one.pdu for one in carrier.received], from_server=False)
