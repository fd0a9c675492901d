"""What every client library does in the interop tests, and what must have arrived at the SMSC after it."""
from dataclasses import dataclass

from harness import smpp

SOURCE = "1000"
GSM_TEXT = "Hello @£$¥ èéù [brackets] and a € sign"
GSM_OCTETS = bytes.fromhex("48656c6c6f200001020320040506201b3c627261636b6574731b3e20616e642061201b65207369676e")
LATIN1_TEXT = "Grüße, señor: ¿qué tal?"
UCS2_TEXT = "Привет, мир 👍"
BINARY = bytes(range(0, 140, 1))
WAP_PUSH_UDH = bytes.fromhex("0605040b8423f0")


@dataclass
class Submission:
    """One message a client hands over, and the octets and fields the SMSC must see."""

    name: str
    call: dict
    octets: bytes
    data_coding: int
    esm_class: int = 0


SUBMISSIONS = [
    Submission("gsm", {"text": GSM_TEXT, "encoding": "gsm"}, GSM_OCTETS, 0),
    Submission("latin1", {"text": LATIN1_TEXT, "encoding": "latin1"}, LATIN1_TEXT.encode("latin-1"), 3),
    Submission("ucs2", {"text": UCS2_TEXT, "encoding": "ucs2"}, UCS2_TEXT.encode("utf-16-be"), 8),
    Submission("binary", {"hex": BINARY.hex(), "data_coding": 4}, BINARY, 4),
    Submission(
        "binary with UDH",
        {"hex": (WAP_PUSH_UDH + b"\x01\x06push").hex(), "data_coding": 0xF5, "esm_class": 0x40},
        WAP_PUSH_UDH + b"\x01\x06push",
        0xF5,
        0x40,
    ),
    Submission("flash", {"hex": b"now".hex(), "data_coding": 0x10}, b"now", 0x10),
    Submission("ucs2 flash", {"hex": "041f0440", "data_coding": 0x18}, bytes.fromhex("041f0440"), 0x18),
    Submission("empty", {"hex": "", "data_coding": 0}, b"", 0),
    Submission("254 octets", {"hex": (b"x" * 254).hex(), "data_coding": 4}, b"x" * 254, 4),
    Submission("message_payload", {"hex": (b"y" * 258).hex(), "data_coding": 4, "payload": True}, b"y" * 258, 4),
]

LONG_TEXTS = {
    "gsm": "The quick brown fox jumps over the lazy dog. " * 9,
    "ucs2": "Съешь ещё этих мягких французских булок, да выпей чаю. " * 4,
}


def joined(records):
    """The parts of a long message in order, without their UDH, as one octet string."""
    parts = {}
    for record in records:
        octets = bytes.fromhex(record["hex"])
        assert record["esm_class"] & 0x40, record
        assert octets[:3] == b"\x05\x00\x03", record
        parts[octets[5]] = octets[6:]
        count = octets[4]
    assert sorted(parts) == list(range(1, count + 1)), f"parts {sorted(parts)} of {count}"
    return b"".join(parts[number] for number in sorted(parts))


def long_octets(encoding):
    text = LONG_TEXTS[encoding]
    return text.encode("ascii") if encoding == "gsm" else text.encode("utf-16-be")


def receipt_fields(record):
    """The fields of a receipt's text by their names in lower case."""
    text = bytes.fromhex(record["hex"]).decode("latin-1")
    found = {}
    for word in text.replace("submit date:", "submit_date:").replace("done date:", "done_date:").split():
        name, colon, value = word.partition(":")
        if colon:
            found[name.lower()] = value
    return found


def as_record(pdu):
    """A PDU of a raw SMSC in the words of the peers' events."""
    fields = pdu.fields()
    body = fields["tlvs"].get(smpp.TLV_MESSAGE_PAYLOAD, fields.get("short_message", b""))
    return {
        "source": fields["source_addr"],
        "destination": fields["destination_addr"],
        "esm_class": fields["esm_class"],
        "data_coding": fields["data_coding"],
        "registered_delivery": fields["registered_delivery"],
        "hex": body.hex(),
    }
