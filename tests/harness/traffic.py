"""Traffic that keeps its own books: what clients were told, what carriers saw, and whether the two agree."""
import threading
import time
from collections import Counter

from . import smpp
from .carrier import Carrier

UNCERTAIN, NO_UPSTREAM = 0x402, 0x401  # what the configurations of these tests say, so that nobody else's status is meant


def tags(name, count):
    return [f"{name}-{number}" for number in range(count)]


class Sender(threading.Thread):
    """One client that sends each of its messages once, comes again when its connection is lost, and answers deliveries."""

    def __init__(self, port, tags, *, window=10, receipts=False, pace=0.0, destination="258841234567", **bind):
        super().__init__(daemon=True)
        self.port, self.window, self.receipts, self.pace = port, window, receipts, pace
        self.destination, self.fields = destination, bind
        self.to_send = list(reversed(tags))
        self.answers = {tag: [] for tag in tags}  # (status, message_id, seconds)
        self.lost = set()  # the connection went before the answer came
        self.delivered = []  # ids in receipts
        self.connections = 0
        self.surprises = []
        self.stay = threading.Event()  # set: leave once everything is answered
        self._open = {}
        self.stay.set()
        self.start()

    def run(self):
        while self.to_send or not self.stay.is_set():
            try:
                with smpp.Connection.to(self.port, timeout=5) as connection:
                    connection.bind("trx", **self.fields)
                    self.connections += 1
                    self._converse(connection)
            except (smpp.Closed, OSError, AssertionError, ValueError):
                time.sleep(0.05)
            self.lost.update(tag for tag, _ in self._open.values())
            self._open.clear()

    def _converse(self, connection):
        while self.to_send or self._open or not self.stay.is_set():
            while self.to_send and len(self._open) < self.window:
                self._submit(connection)
            try:
                self._one(connection, connection.receive(timeout=0.1))
            except TimeoutError:
                continue

    def _submit(self, connection):
        tag = self.to_send.pop()
        pdu = smpp.submit_sm(
            destination=self.destination, short_message=tag.encode(), registered_delivery=1 if self.receipts else 0
        )
        connection.sequence += 1
        pdu.sequence = connection.sequence
        self._open[pdu.sequence] = tag, time.monotonic()
        connection.send(pdu)
        if self.pace:
            time.sleep(self.pace)

    def _one(self, connection, pdu):
        if pdu.command == smpp.ENQUIRE_LINK:
            connection.send(pdu.response())
        elif pdu.command == smpp.DELIVER_SM:
            connection.send(pdu.response(0, b"\0"))
            tlv = pdu.fields()["tlvs"].get(smpp.TLV_RECEIPTED_MESSAGE_ID, b"")
            self.delivered.append(tlv.rstrip(b"\0").decode("latin-1"))
        elif pdu.is_response and pdu.sequence in self._open:
            tag, sent = self._open.pop(pdu.sequence)
            message_id = pdu.body.partition(b"\0")[0].decode("latin-1")
            self.answers[tag].append((pdu.status, message_id, time.monotonic() - sent))
        else:
            self.surprises.append(str(pdu))

    def finish(self, timeout=30):
        self.stay.set()
        self.join(timeout)
        assert not self.is_alive(), f"{len(self.to_send)} to send, {len(self._open)} unanswered after {timeout} s"
        return self

    def statuses(self):
        return Counter(answer[0] for answers in self.answers.values() for answer in answers)


class StubbornCarrier(Carrier):
    """Sends each receipt again, on whatever link there is, until it is accepted: as SMSCs do."""

    def __init__(self, **options):
        self._unacknowledged = {}
        self._closing = threading.Event()
        super().__init__(receipt_delay=0.0, **options)
        threading.Thread(target=self._insist, daemon=True).start()

    def send_receipt(self, one, *more, **rest):
        self._unacknowledged[one.message_id] = one

    def _insist(self):
        while not self._closing.wait(0.3):
            alive = [link for link in self.links if link.socket.fileno() >= 0]
            for message_id, one in list(self._unacknowledged.items()):
                for link in alive[-2:]:
                    try:
                        Carrier.send_receipt(self, one, link=link)
                        break
                    except OSError:
                        continue

    def _one(self, link, pdu):
        if pdu.is_response and pdu.status == smpp.ROK:
            with self._lock:
                receipt = self._delivered.get((link, pdu.sequence))
            if receipt is not None:
                message_id = receipt.fields()["tlvs"][smpp.TLV_RECEIPTED_MESSAGE_ID].rstrip(b"\0").decode()
                self._unacknowledged.pop(message_id, None)
        super()._one(link, pdu)

    @property
    def owed(self):
        return len(self._unacknowledged)

    def close(self):
        self._closing.set()
        super().close()


def seen(*carriers):
    """How often each message came to a carrier."""
    found = Counter()
    for carrier in carriers:
        for one in list(carrier.received):
            if one.pdu.command == smpp.SUBMIT_SM:
                found[one.fields["short_message"].decode("latin-1")] += 1
    return found


def agree(senders, carriers, refusals=()):
    """Fails unless clients were told what happened. `refusals`: statuses of messages that no carrier has seen."""
    at_carriers = seen(*carriers)
    again = {tag: count for tag, count in at_carriers.items() if count > 1}
    assert not again, f"came to a carrier more than once: {again}"
    ids = set()
    for sender in senders:
        assert not sender.surprises, sender.surprises[:5]
        for tag, answers in sender.answers.items():
            assert len(answers) <= 1, f"{tag} was answered {answers}"
            if not answers:
                assert tag in sender.lost, f"{tag} was never answered"
                continue
            status, message_id, _ = answers[0]
            if status == smpp.ROK:
                assert at_carriers[tag] == 1, f"{tag} was accepted, but no carrier has it"
                assert message_id and message_id not in ids, f"{tag} has no id of its own: {message_id!r}"
                ids.add(message_id)
            elif status != UNCERTAIN:
                assert status in refusals, f"{tag} was answered {status:#x}"
                assert at_carriers[tag] == 0, f"{tag} was answered {status:#x}, but a carrier has it"
    return at_carriers
