"""The carriers: take messages, answer a little later, and insist on their receipts and messages from handsets until smppd
takes them. They accept binds again and again, and keep what they owe when a link breaks."""
import random
import socket
import time
from collections import deque

from harness import smpp

from . import wire
from .ledger import Reception, Sent, SmscLedger

RECEIPT_WINDOW = 50  # requests open on a link
AGAIN = 0.2  # seconds until what was refused is sent again


class Carrier:
    def __init__(self, peer, name, port, options):
        self.peer, self.name, self.links = peer, name, []
        self.latency, self.receipt_delay = options["latency"], options["receipt_delay"]
        self.refused_share, self.mo_rate = options.get("refused", 0.0), options.get("mo_rate", 0.0)
        self.format = options["id_format"]
        self.number = options["first_id"]
        self.answers, self.due, self.owed = deque(), deque(), deque()
        self.mo_credit, self.mo_number, self.last = 0.0, 0, time.monotonic()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.listener.setblocking(False)
        peer.loop.watch(self.listener, self._accept)

    def _accept(self, *_):
        while True:
            try:
                sock, _ = self.listener.accept()
            except BlockingIOError:
                return
            self.links.append(Link(self, sock))

    def received(self, link, sequence, body):
        tag = wire.text_of(body).decode("latin-1")
        self.number += 1
        message_id = self.format.format(self.number)
        now = time.monotonic()
        status = 0
        if random.random() < self.refused_share:
            status = random.choice((smpp.RTHROTTLED, smpp.RMSGQFUL, smpp.RSYSERR))
        self.peer.ledger.received.setdefault(tag, []).append(Reception(now, self.name, message_id, status, link.since))
        answer = b"" if status else message_id.encode() + b"\0"
        self.answers.append((now + self.latency, link, wire.pdu(wire.SUBMIT_SM | wire.RESPONSE, status, sequence, answer)))
        registered = body[wire.after_cstrings(body, "c2c2c3cc")]
        if status == 0 and registered & 3 == 1:
            state = "DELIVRD" if random.random() < 0.9 else "UNDELIV"
            one = self.peer.ledger.receipts[self.name, message_id] = Sent(self.name, tag, message_id, state)
            self.due.append((now + self.receipt_delay, one, self._receipt(one, body)))

    def _receipt(self, one, body):
        source_at = wire.after_cstrings(body, "c2")
        destination_at = wire.after_cstrings(body, "c2c2")
        source = body[source_at : body.index(b"\0", source_at)].decode()
        destination = body[destination_at : body.index(b"\0", destination_at)].decode()
        extra = smpp.tlv(smpp.TLV_RECEIPTED_MESSAGE_ID, smpp.cstring(one.id))
        extra += smpp.tlv(smpp.TLV_MESSAGE_STATE, bytes([2 if one.state == "DELIVRD" else 5]))
        text = smpp.receipt_text(one.id, one.state, text=one.tag)
        return smpp.deliver_sm(source=destination, destination=source, esm_class=4, short_message=text, tlvs=extra).body

    def turn(self, now):
        while self.answers and not self.peer.holding and self.answers[0][0] <= now:
            _, link, answer = self.answers.popleft()
            if link.wire.open:
                link.wire.send(answer)
        while self.due and self.due[0][0] <= now:
            _, one, body = self.due.popleft()
            self.owed.append((one, body))
        if self.peer.active and self.mo_rate and self.links:
            self._make_mo(now)
        self.last = now
        for link in self.links if self.owed else ():
            while self.owed and link.bound and len(link.open) < RECEIPT_WINDOW:
                link.deliver(*self.owed.popleft())

    def _make_mo(self, now):
        self.mo_credit = min(self.mo_credit + self.mo_rate * (now - self.last), 50)
        while self.mo_credit >= 1:
            self.mo_credit -= 1
            self.mo_number += 1
            tag = f"{self.name}-{self.mo_number:08d}"
            one = self.peer.ledger.incoming[tag] = Sent(self.name, tag, "", "")
            self.owed.append((one, smpp.deliver_sm(source="2588", destination="4321", short_message=tag.encode()).body))

    def ended(self, link):
        self.links.remove(link)
        self.owed.extendleft(reversed(link.open.values()))


class Link:
    def __init__(self, carrier, sock):
        self.carrier, self.bound, self.since, self.open, self.sequence = carrier, False, 0.0, {}, 0
        self.wire = wire.Wire(carrier.peer.loop, sock, self)

    def on_end(self, _):
        self.carrier.ended(self)

    def deliver(self, one, body):
        self.sequence += 1
        one.sent += 1
        self.open[self.sequence] = (one, body)
        self.wire.send(wire.pdu(wire.DELIVER_SM, 0, self.sequence, body))

    def on_pdu(self, it, command, status, sequence, body):
        if command == wire.SUBMIT_SM:
            self.carrier.received(self, sequence, body)
        elif command == wire.DELIVER_SM | wire.RESPONSE:
            self._answered(status, sequence)
        elif command in wire.BINDS and self.carrier.peer.shut:
            it.send(wire.pdu(command | wire.RESPONSE, smpp.RBINDFAIL, sequence))
        elif command in wire.BINDS:
            self.bound, self.since = True, time.monotonic()
            it.send(wire.pdu(command | wire.RESPONSE, 0, sequence, b"carrier\0"))
        elif command in (wire.ENQUIRE_LINK, 6):
            it.send(wire.pdu(command | wire.RESPONSE, 0, sequence))
        elif command != wire.ENQUIRE_LINK | wire.RESPONSE:
            self.carrier.peer.ledger.surprises.append(f"{self.carrier.name}: command {command:#x} status {status:#x}")

    def _answered(self, status, sequence):
        found = self.open.pop(sequence, None)
        if found is None:
            self.carrier.peer.ledger.surprises.append(f"{self.carrier.name}: a response to nothing")
            return
        one = found[0]
        if status == 0:
            one.taken = one.taken or time.monotonic()
            one.takings += 1
        else:
            one.refused += 1
            self.carrier.peer.loop.later(AGAIN, self.carrier.owed.append, found)


class Carriers(wire.Peer):
    """`carriers` by name: their ports and options."""

    def __init__(self, line, *, carriers):
        super().__init__(line)
        self.ledger, self.active, self.shut, self.holding = SmscLedger(), False, False, False
        self.carriers = [Carrier(self, name, port, options) for name, (port, options) in carriers.items()]

    def turn(self, now):
        for carrier in self.carriers:
            carrier.turn(now)

    def do_go(self, active):
        self.active = active

    def do_hold(self, holding):
        """Messages are taken and not answered, until this is over."""
        self.holding = holding

    def do_shut(self, shut):
        """Refuses binds and ends the links, or takes binds again."""
        self.shut = shut
        for carrier in self.carriers:
            for link in list(carrier.links) if shut else ():
                link.wire.end()

    def do_status(self):
        owed = sum(len(carrier.owed) + len(carrier.due) for carrier in self.carriers)
        owed += sum(len(link.open) for carrier in self.carriers for link in carrier.links)
        refused = sum(1 for one in self.ledger.receipts.values() if not one.taken)
        open_requests = sum(link.wire.open for carrier in self.carriers for _, link, _ in carrier.answers)
        return {"owed": owed, "untaken": refused, "open requests": open_requests,
                "received": sum(map(len, self.ledger.received.values()))}

    def do_ledger(self):
        return self.ledger
