"""Silence is no failure.

The demo found every idle link and session closed after thirty seconds: the write timeout ran from the last octets the
kernel had taken, so an enquire_link after a longer silence looked, in the turn that wrote it, like a peer that reads nothing.
"""
import time

from harness import smpp
from harness.carrier import Carrier
from harness.gateway import config, port_of, upstream
from harness.process import Smppd


def test_silence_longer_than_the_write_timeout_closes_neither_session_nor_link(tmp_path, start):
    listener = {"timeouts": {"write": "200ms"}, "smpp": {"enquire_link_interval": "400ms"}}
    with Carrier() as carrier:
        group = upstream("carrier", carrier.port, timeouts={"write": "200ms"}, enquire_link={"interval": "400ms"})
        smppd = start(Smppd(tmp_path, config(group, listener=listener))).start()
        with smpp.Connection.to(port_of(smppd.config)) as client:
            client.bind()
            asked = 0
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                try:
                    pdu = client.receive(0.1)
                except TimeoutError:
                    continue
                assert pdu.command == smpp.ENQUIRE_LINK
                asked += 1
                client.send(pdu.response())
            assert asked >= 2
            assert client.request(smpp.submit_sm()).status == smpp.ROK
            assert smppd.metric("smppd_downstream_write_timeouts_total") == 0
            assert smppd.metric("smppd_upstream_connects_total") == 1
