"""A carrier that answers by itself: ids, receipts, queries. Records every PDU as it came, octet by octet."""
import threading
import time
from dataclasses import dataclass

from . import smpp


@dataclass
class Received:
    pdu: smpp.Pdu
    link: smpp.Connection
    message_id: str = ""

    @property
    def fields(self):
        return self.pdu.fields()


class Carrier(smpp.Smsc):
    """`answer` may be replaced: it is given what was received and returns the response, or None to stay silent."""

    def __init__(self, port=0, *, id_format="carrier-{:08x}", receipt_delay=0.05, receipts=True, **options):
        self.received = []
        self.id_format = id_format
        self.receipts = receipts
        self.receipt_delay = receipt_delay
        self.redeliver_after = 0.3  # a deliver_sm that was refused comes again, as from a real SMSC
        self.refused = []
        self._delivered = {}
        self.answer = self.accept
        self._responses = {}
        self._lock = threading.Condition()
        super().__init__(port, **options)

    def bound(self, link):
        threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        try:
            while True:
                try:
                    pdu = link.receive(timeout=60)
                except TimeoutError:
                    continue
                self._one(link, pdu)
        except (smpp.Closed, OSError):
            with self._lock:
                self._lock.notify_all()

    def _one(self, link, pdu):
        if pdu.is_response:
            with self._lock:
                self._responses[link, pdu.sequence] = pdu
                sent = self._delivered.pop((link, pdu.sequence), None)
                self._lock.notify_all()
            if sent is not None and pdu.status != smpp.ROK:
                self.refused.append(pdu)
                again = smpp.Pdu(sent.command, sent.body)
                threading.Timer(self.redeliver_after, self._send_receipt, (link, again)).start()
        elif pdu.command in (smpp.ENQUIRE_LINK, smpp.UNBIND):
            self.send(link, pdu.response())
        else:
            one = Received(pdu, link)
            with self._lock:
                if pdu.command in (smpp.SUBMIT_SM, smpp.DATA_SM):
                    one.message_id = self.id_format.format(len(self.received) + 1)
                self.received.append(one)
                self._lock.notify_all()
            response = self.answer(one)
            if response is not None:
                self.send(link, response)

    def accept(self, one):
        """The usual answer: a message id, and a receipt a little later when one was asked for."""
        pdu = one.pdu
        if pdu.command == smpp.QUERY_SM:
            wanted = pdu.body.partition(b"\0")[0]
            return pdu.response(0, wanted + b"\0" + b"\0" + bytes([2, 0]))
        if pdu.command not in (smpp.SUBMIT_SM, smpp.DATA_SM):
            return pdu.response()
        if self.receipts and one.fields["registered_delivery"] & 3 == 1:
            threading.Timer(self.receipt_delay, self._send_receipt_if_it_lives, (one,)).start()
        return pdu.response(0, smpp.cstring(one.message_id))

    def _send_receipt_if_it_lives(self, one):
        try:
            self.send_receipt(one)
        except OSError:
            pass

    def send_receipt(self, one, state="DELIVRD", number=2, message_id=None, tlvs=True, link=None):
        message_id = one.message_id if message_id is None else message_id
        fields = one.fields
        extra = smpp.tlv(smpp.TLV_RECEIPTED_MESSAGE_ID, smpp.cstring(message_id))
        extra += smpp.tlv(smpp.TLV_MESSAGE_STATE, bytes([number]))
        receipt = smpp.deliver_sm(
            source=fields["destination_addr"],
            destination=fields["source_addr"],
            esm_class=4,
            short_message=smpp.receipt_text(message_id, state),
            tlvs=extra if tlvs else b"",
        )
        self._send_receipt(link or one.link, receipt)

    def _send_receipt(self, link, receipt):
        with link.sending:
            link.sequence += 1
            receipt.sequence = link.sequence
            with self._lock:
                self._delivered[link, receipt.sequence] = receipt
            try:
                link.send(receipt)
            except OSError:
                pass  # the link is gone, and the receipt with it

    def send(self, link, pdu):
        with link.sending:
            return link.send(pdu)

    def deliver(self, timeout=5.0, link=None, **fields):
        """Sends an MO on a link (the newest) and returns the response."""
        return self.response_to(link or self.link(len(self.links) - 1), smpp.deliver_sm(**fields), timeout)

    def response_to(self, link, pdu, timeout=5.0):
        return self.response_to_sent(self.send(link, pdu), link, timeout)

    def response_to_sent(self, sent, link=None, timeout=5.0):
        """The response to what send() sent on a link (the first)."""
        key = (link or self.link(), sent.sequence)
        with self._lock:
            assert self._lock.wait_for(lambda: key in self._responses, timeout), f"no response in {timeout} s to {sent}"
            return self._responses.pop(key)

    def wait_received(self, count=1, timeout=10.0, command=None):
        """The first `count` requests (with this command_id), waited for."""

        def matching():
            return [one for one in self.received if command is None or one.pdu.command == command]

        with self._lock:
            assert self._lock.wait_for(lambda: len(matching()) >= count, timeout), (
                f"{len(matching())} of {count} requests in {timeout} s: {[str(one.pdu) for one in self.received]}"
            )
            return matching()[:count]

    def stays_quiet(self, seconds=0.3):
        """Fails if a request comes within this time."""
        before = len(self.received)
        time.sleep(seconds)
        assert len(self.received) == before, [str(one.pdu) for one in self.received[before:]]
