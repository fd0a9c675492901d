"""Receipts between a carrier that the test speaks for and a session of a client."""
import time

from . import smpp

MESSAGE_ID, STATE = smpp.TLV_RECEIPTED_MESSAGE_ID, smpp.TLV_MESSAGE_STATE


def submitted(session, carrier, **fields):
    """The id the client was given, and what the carrier received."""
    had = len(carrier.received)
    answer = session.request(smpp.submit_sm(**{"registered_delivery": 1, **fields}))
    assert answer.status == smpp.ROK
    return answer.fields()["message_id"], carrier.wait_received(had + 1)[-1]


def receipt(one, text=b"", tlvs=b"", esm_class=4, swapped=False, **more):
    """A deliver_sm about what the carrier received."""
    source, destination = one.fields["destination_addr"], one.fields["source_addr"]
    if swapped:
        source, destination = destination, source
    return smpp.deliver_sm(
        source=source, destination=destination, esm_class=esm_class, short_message=text, tlvs=tlvs, **more
    )


def told(session, status=smpp.ROK):
    """The fields of the receipt the client gets, which it answers."""
    pdu = session.receive_command(smpp.DELIVER_SM)
    session.send(pdu.response(status, b"\0"))
    return pdu.fields()


def text_id(fields):
    text = fields["short_message"].decode("latin-1")
    return text.partition("id:")[2].split()[0]


def killed(smppd):
    time.sleep(0.5)  # the end of messages is on the disk, which nobody is told of
    smppd.kill()
    smppd.process.returncode = 0  # as asked
