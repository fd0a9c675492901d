"""Long messages and their parts, as a client sends them and as a carrier sees them."""
from . import smpp

SAR_REF, SAR_TOTAL, SAR_PART = 0x020C, 0x020E, 0x020F


def long_text(text, **fields):
    return smpp.submit_sm(short_message=b"", tlvs=smpp.tlv(smpp.TLV_MESSAGE_PAYLOAD, text), **fields)


def place(one):
    """(reference, total, part, text) of a part, by header or by TLVs."""
    fields = one.fields
    if fields["esm_class"] & 0x40:
        header, text = fields["short_message"][:6], fields["short_message"][6:]
        assert header[:3] == b"\x05\x00\x03"
        return header[3], header[4], header[5], text
    tlvs = fields["tlvs"]
    return int.from_bytes(tlvs[SAR_REF], "big"), tlvs[SAR_TOTAL][0], tlvs[SAR_PART][0], fields["short_message"]


def part(number, total=4, reference=7, by="udh", text=None, **fields):
    """A part that a client made."""
    text = text or b"part %d" % number
    if by == "udh":
        return smpp.submit_sm(esm_class=0x40, short_message=bytes([5, 0, 3, reference, total, number]) + text, **fields)
    sar = smpp.tlv(SAR_REF, reference.to_bytes(2, "big")) + smpp.tlv(SAR_TOTAL, bytes([total]))
    return smpp.submit_sm(short_message=text, tlvs=sar + smpp.tlv(SAR_PART, bytes([number])), **fields)
