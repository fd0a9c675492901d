"""Shows PDUs to Wireshark's SMPP dissector, which was written by others from the same specification."""
import json
import struct
import subprocess

PORT = 2775
LINKTYPE_RAW = 101


def _packet(payload, position, from_server):
    """An IPv4 packet with one TCP segment. Checksums are left out; the dissector does not ask for them."""
    ports = (PORT, 40000) if from_server else (40000, PORT)
    tcp = struct.pack(">HHIIBBHHH", *ports, position, 1, 5 << 4, 0x18, 65535, 0, 0) + payload
    addresses = (b"\x7f\0\0\2", b"\x7f\0\0\1") if from_server else (b"\x7f\0\0\1", b"\x7f\0\0\2")
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + b"".join(addresses) + tcp


def write_capture(path, pdus):
    """pdus: (octets, from_server) in order; each becomes one packet of one conversation."""
    positions = {False: 1, True: 1}
    with open(path, "wb") as capture:
        capture.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, LINKTYPE_RAW))
        for number, (octets, from_server) in enumerate(pdus):
            packet = _packet(octets, positions[from_server], from_server)
            positions[from_server] += len(octets)
            capture.write(struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet)


def dissect(path):
    """One dictionary of layers per packet, as tshark prints them in JSON."""
    command = ["tshark", "-n", "-r", str(path), "-d", f"tcp.port=={PORT},smpp", "-o", "tcp.desegment_tcp_streams:FALSE"]
    command += ["-T", "json", "--no-duplicate-keys"]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120)
    assert result.returncode == 0, result.stderr
    return [packet["_source"]["layers"] for packet in json.loads(result.stdout)]


def find(layers, name):
    """All values of the fields with this name, however deep they are."""
    found = []
    if isinstance(layers, dict):
        for key, value in layers.items():
            if key == name:
                found += value if isinstance(value, list) else [value]
            found += find(value, name)
    elif isinstance(layers, list):
        for value in layers:
            found += find(value, name)
    return found
