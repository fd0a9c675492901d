"""Whatever TCP does to the octets, the messages are the same."""
import pytest

from harness.gate import Lane, Script
from harness.gateway import impatient
from harness.traffic import Sender, agree, tags

SHAPES = {
    "one octet a segment": lambda: Lane(slice=1),
    "seven octets a segment": lambda: Lane(slice=7),
    "in one piece every 20 ms": lambda: Lane(coalesce=0.02),
    "late": lambda: Lane(delay=0.01),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_messages_survive_every_shape_of_the_stream(smppd, carriers, gates, shape):
    carrier = carriers(stubborn=True)
    upstream_gate = gates(carrier.port)
    upstream_gate.script = lambda _: Script(forth=shape(), back=shape())
    gateway = smppd(impatient("carrier", upstream_gate.port, window={"size": 50}))
    gate = gates(gateway.port)
    gate.script = lambda _: Script(forth=shape(), back=shape())
    senders = [Sender(gate.port, tags(f"s{n}", 40), receipts=True) for n in range(2)]
    for sender in senders:
        sender.finish()
        assert sender.statuses() == {0: 40} and sender.connections == 1
    agree(senders, [carrier])


def test_the_gate_sustains_ten_thousand_messages_a_second(gates):
    """What the other tests rest on: the gate is not what is slow."""
    import socket
    import threading
    import time

    with socket.create_server(("127.0.0.1", 0)) as server:
        gate = gates(server.getsockname()[1])
        total = 10_000 * 80  # octets of as many submits

        def swallow():
            accepted, _ = server.accept()
            left = total
            while left > 0:
                left -= len(accepted.recv(1 << 16))
            accepted.sendall(b"x")

        threading.Thread(target=swallow, daemon=True).start()
        with socket.create_connection(("127.0.0.1", gate.port)) as client:
            client.settimeout(10)
            started = time.monotonic()
            for _ in range(1_000):
                client.sendall(b"m" * (total // 1_000))
            assert client.recv(1) == b"x"
        assert time.monotonic() - started < 1.0
