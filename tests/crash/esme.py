"""The clients: submit messages that carry their own names, and write down each word smppd says. They come again when it died."""
import random
import re
import socket
import time
from collections import Counter

from harness import smpp

from . import wire
from .ledger import Delivered, EsmeLedger, Submitted

RECONNECT = 0.02
PADDING_TLV = 0x1501  # of the range for vendors
REFUSED_SHARE = 0.01  # of what is delivered to the client, so that it has to come again
RECEIPT = re.compile(rb"id:(\S+) .*stat:(\w+) .*text:(.*)$", re.IGNORECASE)


class Session:
    def __init__(self, peer, client, destinations):
        self.peer, self.client = peer, client
        self.wire, self.bound, self.since, self.sequence, self.open = None, False, 0.0, 0, {}
        self.credit = 0.0
        self.bodies = [self._body(destination, registered) for destination in destinations for registered in (1, 1, 1, 0)]
        self.connect()

    def _body(self, destination, registered):
        """Everything before the text, whose length is always the same; and whether a receipt is asked for."""
        whole = smpp.submit_sm(destination=destination, registered_delivery=registered, short_message=self.peer.tag(0, "x"))
        return whole.body[: -len(self.peer.tag(0, "x"))], bool(registered)

    def connect(self):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", self.peer.port))
        self.wire = wire.Wire(self.peer.loop, sock, self, connecting=True)

    def on_connected(self, it):
        self.since = time.monotonic()
        self.sequence = 1
        request = smpp.bind("trx", system_id=self.client, password="secret")
        request.sequence = 1
        it.send(request.encode())

    def on_end(self, _):
        now = time.monotonic()
        for tag in self.open.values():
            self.peer.ledger.submitted[tag].lost = now
        self.open.clear()
        self.bound = False
        self.peer.loop.later(RECONNECT, self.connect)

    def submit(self, count):
        ledger, now = self.peer.ledger, time.monotonic()
        parts = []
        for _ in range(count):
            self.sequence += 1
            tag = self.peer.tag(self.peer.next(), self.client)
            body, registered = random.choice(self.bodies)
            parts.append(wire.pdu(wire.SUBMIT_SM, 0, self.sequence, body + tag + self.peer.padding))
            name = tag.decode()
            self.open[self.sequence] = name
            ledger.submitted[name] = Submitted(self.client, registered, now)
        self.wire.send(b"".join(parts))

    def on_pdu(self, it, command, status, sequence, body):
        if command == wire.SUBMIT_SM | wire.RESPONSE:
            self._answered(status, sequence, body)
        elif command == wire.DELIVER_SM:
            self._delivered(it, sequence, body)
        elif command == wire.ENQUIRE_LINK:
            it.send(wire.pdu(command | wire.RESPONSE, 0, sequence))
        elif command in (0x80000001, 0x80000002, 0x80000009):
            self.bound = status == 0
            if status:
                it.end()
        elif command == 6:
            it.send(wire.pdu(command | wire.RESPONSE, 0, sequence))
        else:
            self.peer.ledger.surprises.append(f"{self.client}: command {command:#x} status {status:#x}")

    def _answered(self, status, sequence, body):
        tag = self.open.pop(sequence, None)
        if tag is None:
            self.peer.ledger.surprises.append(f"{self.client}: a response to nothing, status {status:#x}")
            return
        one = self.peer.ledger.submitted[tag]
        one.status, one.answered, one.answers = status, time.monotonic(), one.answers + 1
        one.id = body.partition(b"\0")[0].decode("latin-1")

    def _delivered(self, it, sequence, body):
        text = wire.text_of(body)
        found = RECEIPT.match(text)
        take = random.random() >= REFUSED_SHARE
        if found:
            words = [word.decode("latin-1") for word in found.groups()]
        else:
            words = ["", "", text.decode("latin-1")]
        self.peer.ledger.delivered.append(Delivered(self.client, time.monotonic(), *words, take, self.since))
        it.send(wire.pdu(wire.DELIVER_SM | wire.RESPONSE, 0 if take else smpp.RX_T_APPN, sequence, b"\0"))


class Clients(wire.Peer):
    """`clients` by name: how many sessions each has. `rate`: messages a second of all together."""

    def __init__(self, line, *, port, clients, destinations, rate, window, padding):
        super().__init__(line)
        self.port, self.rate, self.window = port, rate, window
        self.padding = smpp.tlv(PADDING_TLV, bytes(padding)) if padding else b""
        self.ledger, self.number, self.active = EsmeLedger(), 0, False
        self.sessions = [Session(self, name, destinations) for name, count in clients.items() for _ in range(count)]
        self.last = time.monotonic()

    @staticmethod
    def tag(number, client):
        return f"{client[:1]}{number:010d}".encode()

    def next(self):
        self.number += 1
        return self.number

    def turn(self, now):
        share = self.rate * (now - self.last) / len(self.sessions)
        self.last = now
        for session in self.sessions:
            if not session.bound or not self.active:
                continue
            session.credit = min(session.credit + share, self.window)
            count = min(int(session.credit), self.window - len(session.open))
            if count > 0:
                session.credit -= count
                session.submit(count)

    def do_go(self, active):
        self.active = active

    def do_pace(self, rate):
        self.rate = rate

    def do_status(self):
        unanswered = sum(len(session.open) for session in self.sessions)
        answers = Counter(one.status == 0 for one in self.ledger.submitted.values() if one.status is not None)
        return {"unanswered": unanswered, "taken": answers[True], "refused": answers[False], "submitted": len(self.ledger.submitted), "delivered": len(self.ledger.delivered),
                "bound": sum(session.bound for session in self.sessions)}

    def do_ledger(self):
        return self.ledger
