"""SMPP byte by byte, small on purpose: what a test wants to send it can send, right or wrong.

Independent of the implementation under test, so that both would have to make the same mistake to agree.
"""
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

GENERIC_NACK = 0x80000000
BIND_RECEIVER, BIND_TRANSMITTER, QUERY_SM, SUBMIT_SM, DELIVER_SM, UNBIND = 1, 2, 3, 4, 5, 6
REPLACE_SM, CANCEL_SM, BIND_TRANSCEIVER, OUTBIND, ENQUIRE_LINK = 7, 8, 9, 0x0B, 0x15
SUBMIT_MULTI, ALERT_NOTIFICATION, DATA_SM = 0x21, 0x102, 0x103
BINDS = {"rx": BIND_RECEIVER, "tx": BIND_TRANSMITTER, "trx": BIND_TRANSCEIVER}

ROK, RINVMSGLEN, RINVCMDLEN, RINVCMDID, RINVBNDSTS, RALYBND = 0, 1, 2, 3, 4, 5
RSYSERR, RINVSRCADR, RINVDSTADR, RBINDFAIL, RINVPASWD, RINVSYSID = 8, 0x0A, 0x0B, 0x0D, 0x0E, 0x0F
RMSGQFUL, RTHROTTLED = 0x14, 0x58
RINVMSGID, RCANCELFAIL, RREPLACEFAIL, RQUERYFAIL, RINVSYSTYP = 0x0C, 0x11, 0x13, 0x67, 0x53
RX_T_APPN, RX_R_APPN = 0x64, 0x66

TLV_RECEIPTED_MESSAGE_ID, TLV_MESSAGE_PAYLOAD, TLV_MESSAGE_STATE, TLV_SC_INTERFACE_VERSION = 0x1E, 0x424, 0x427, 0x210


def cstring(value):
    return (value.encode("latin-1") if isinstance(value, str) else value) + b"\0"


def tlv(tag, value):
    return struct.pack(">HH", tag, len(value)) + value


@dataclass
class Pdu:
    command: int
    body: bytes = b""
    status: int = 0
    sequence: int = 0

    def encode(self):
        return struct.pack(">IIII", 16 + len(self.body), self.command, self.status, self.sequence) + self.body

    @property
    def is_response(self):
        return bool(self.command & 0x80000000)

    def response(self, status=0, body=b""):
        return Pdu(self.command | 0x80000000, body, status, self.sequence)

    def fields(self):
        """The mandatory fields and TLVs of a message or of a response with a message_id, by their names."""
        return _Reader(self.body).read(self.command)

    def __str__(self):
        return f"command {self.command:#010x} status {self.status:#x} sequence {self.sequence} body {self.body.hex()}"


class _Reader:
    MESSAGE = (
        "service_type:c source_addr_ton:1 source_addr_npi:1 source_addr:c dest_addr_ton:1 dest_addr_npi:1 "
        "destination_addr:c esm_class:1 protocol_id:1 priority_flag:1 schedule_delivery_time:c validity_period:c "
        "registered_delivery:1 replace_if_present_flag:1 data_coding:1 sm_default_msg_id:1 short_message:s"
    )
    DATA = (
        "service_type:c source_addr_ton:1 source_addr_npi:1 source_addr:c dest_addr_ton:1 dest_addr_npi:1 "
        "destination_addr:c esm_class:1 registered_delivery:1 data_coding:1"
    )
    BIND = "system_id:c password:c system_type:c interface_version:1 addr_ton:1 addr_npi:1 address_range:c"
    QUERY = "message_id:c source_addr_ton:1 source_addr_npi:1 source_addr:c"
    QUERY_RESP = "message_id:c final_date:c message_state:1 error_code:1"
    LAYOUTS = {
        QUERY_SM: QUERY,
        QUERY_SM | 1 << 31: QUERY_RESP,
        **dict.fromkeys((BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER), BIND),
        **dict.fromkeys((BIND_RECEIVER | 1 << 31, BIND_TRANSMITTER | 1 << 31, BIND_TRANSCEIVER | 1 << 31), "system_id:c"),
        OUTBIND: "system_id:c password:c",
        **dict.fromkeys((SUBMIT_SM, DELIVER_SM), MESSAGE),
        **dict.fromkeys((SUBMIT_SM | 1 << 31, DELIVER_SM | 1 << 31, DATA_SM | 1 << 31), "message_id:c"),
        DATA_SM: DATA,
    }

    def __init__(self, body):
        self.body = body
        self.at = 0

    def take(self, count):
        if self.at + count > len(self.body):
            raise ValueError(f"body ends after {len(self.body)} octets, {self.at + count} wanted: {self.body.hex()}")
        self.at += count
        return self.body[self.at - count : self.at]

    def read(self, command):
        found = {}
        layout = self.LAYOUTS.get(command, "")
        for name, kind in (word.split(":") for word in layout.split()):
            if not self.body and command & 0x80000000:
                break  # an error response may come without a body
            if kind == "1":
                found[name] = self.take(1)[0]
            elif kind == "s":
                found[name] = self.take(self.take(1)[0])
            else:
                end = self.body.index(b"\0", self.at)
                found[name] = self.take(end - self.at).decode("latin-1")
                self.take(1)
        found["tlvs"] = {}
        while self.at < len(self.body):
            tag, length = struct.unpack(">HH", self.take(4))
            found["tlvs"][tag] = self.take(length)
        return found


def bind(kind="trx", system_id="client", password="secret", system_type="", interface_version=0x34, address_range="", **rest):
    body = cstring(system_id) + cstring(password) + cstring(system_type)
    body += bytes([interface_version, rest.get("addr_ton", 0), rest.get("addr_npi", 0)]) + cstring(address_range)
    return Pdu(BINDS[kind], body)


def message(command, source="1000", destination="258841234567", short_message=b"hello", tlvs=b"", **rest):
    """submit_sm or deliver_sm. Every field can be given; `sm_length` too, to lie about it."""
    byte = lambda name, default=0: bytes([rest.get(name, default)])  # noqa: E731
    body = cstring(rest.get("service_type", ""))
    body += byte("source_addr_ton", 1) + byte("source_addr_npi", 1) + cstring(source)
    body += byte("dest_addr_ton", 1) + byte("dest_addr_npi", 1) + cstring(destination)
    body += byte("esm_class") + byte("protocol_id") + byte("priority_flag")
    body += cstring(rest.get("schedule_delivery_time", "")) + cstring(rest.get("validity_period", ""))
    body += byte("registered_delivery") + byte("replace_if_present_flag") + byte("data_coding") + byte("sm_default_msg_id")
    return Pdu(command, body + byte("sm_length", len(short_message)) + short_message + tlvs)


def submit_sm(**fields):
    return message(SUBMIT_SM, **fields)


def deliver_sm(**fields):
    return message(DELIVER_SM, **fields)


def outbind(system_id="raw-smsc", password="door"):
    return Pdu(OUTBIND, cstring(system_id) + cstring(password))


def receipt_text(message_id, state="DELIVRD", err="000", text=""):
    return (
        f"id:{message_id} sub:001 dlvrd:001 submit date:2001010000 done date:2001010001 stat:{state} err:{err} text:{text}"
    ).encode("latin-1")


def close_now(it):
    """close() alone waits for a thread that is still in accept() or recv()."""
    try:
        it.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    it.close()


class Closed(Exception):
    """The other side closed the connection."""


@dataclass(eq=False)
class Connection:
    """One TCP connection that carries SMPP, from either side."""

    socket: socket.socket
    sequence: int = 0
    sending: threading.Lock = field(default_factory=threading.Lock)
    _pending: bytes = b""
    _put_back: list = field(default_factory=list)

    @classmethod
    def to(cls, port, timeout=5.0, source="127.0.0.1"):
        return cls(socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0)))

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, pdu):
        """Sends a PDU; a request without a sequence number gets the next one."""
        if not pdu.sequence and not pdu.is_response:
            self.sequence += 1
            pdu.sequence = self.sequence
        self.send_bytes(pdu.encode())
        return pdu

    def receive(self, timeout=5.0):
        if self._put_back:
            return self._put_back.pop(0)
        deadline = time.monotonic() + timeout
        while True:
            if len(self._pending) >= 16:
                length, command, status, sequence = struct.unpack(">IIII", self._pending[:16])
                assert 16 <= length <= 1 << 20, f"nonsense length {length} received: {self._pending[:64].hex()}"
                if len(self._pending) >= length:
                    pdu = Pdu(command, self._pending[16:length], status, sequence)
                    self._pending = self._pending[length:]
                    return pdu
            self._fill(deadline - time.monotonic())

    def _fill(self, left):
        if left <= 0:
            raise TimeoutError(f"no PDU in time; pending octets: {self._pending.hex()}")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            raise Closed from None
        if not data:
            raise Closed(f"pending octets: {self._pending.hex()}")
        self._pending += data

    def receive_command(self, command, timeout=5.0, answer_enquiries=True):
        """The next PDU with this command_id; others are kept for later, enquire_link is answered on the way."""
        kept = []
        deadline = time.monotonic() + timeout
        try:
            while True:
                pdu = self.receive(deadline - time.monotonic())
                if pdu.command == command:
                    return pdu
                if pdu.command == ENQUIRE_LINK and answer_enquiries:
                    self.send(pdu.response())
                else:
                    kept.append(pdu)
        except TimeoutError:
            raise AssertionError(f"no {command:#x} in {timeout} s, but: {[str(pdu) for pdu in kept]}") from None
        finally:
            self._put_back = kept + self._put_back

    def request(self, pdu, timeout=5.0):
        """Sends and returns the response with the same sequence number."""
        sent = self.send(pdu)
        kept = []
        deadline = time.monotonic() + timeout
        try:
            while True:
                answer = self.receive(deadline - time.monotonic())
                if answer.is_response and answer.sequence == sent.sequence:
                    return answer
                if answer.command == ENQUIRE_LINK:
                    self.send(answer.response())
                else:
                    kept.append(answer)
        finally:
            self._put_back = kept + self._put_back

    def bind(self, kind="trx", expect=ROK, **fields):
        answer = self.request(bind(kind, **fields))
        assert answer.status == expect, f"bind answered {answer}"
        return answer

    def wait_closed(self, timeout=5.0):
        """The PDUs that came before the other side closed; fails when it does not close."""
        seen = []
        try:
            while True:
                seen.append(self.receive(timeout))
        except Closed:
            return seen
        except TimeoutError:
            raise AssertionError(f"still open after {timeout} s; received {[str(pdu) for pdu in seen]}") from None

    def close(self):
        close_now(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Smsc:
    """A listening socket whose links the test answers by hand, but for binds and enquiries."""

    def __init__(self, port=0, system_id="raw-smsc", bind_status=ROK, bind_tlvs=tlv(TLV_SC_INTERFACE_VERSION, b"\x34")):
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.system_id = system_id
        self.bind_status = bind_status
        self.bind_tlvs = bind_tlvs
        self.binds = []
        self.links = []
        self._changed = threading.Condition()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self):
        while True:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            try:
                self._answer_bind(self.connection_of(accepted))
            except (Closed, TimeoutError, OSError) as error:
                self.not_bound(accepted, error)

    def connection_of(self, accepted):
        return Connection(accepted)

    def not_bound(self, accepted, error):
        """Who connected went away, or sent no bind."""

    def _answer_bind(self, link):
        request = link.receive()
        body = cstring(self.system_id) + self.bind_tlvs if self.bind_status == ROK else b""
        link.send(request.response(self.bind_status, body))
        with self._changed:
            self.binds.append(request)
            self.links.append(link)
            self._changed.notify_all()
        self.bound(link)

    def call(self, port, **fields):
        """Calls an ESME with outbind and answers its bind; returns the link."""
        link = Connection.to(port)
        link.send(outbind(**fields))
        self._answer_bind(link)
        return link

    def bound(self, link):
        """A link has bound; nothing happens on it unless the test, or a class derived from this one, does it."""

    def link(self, number=0, timeout=10.0):
        """The number-th link that has bound so far, waited for."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.links) > number, timeout), f"{len(self.links)} links bound"
            return self.links[number]

    def close(self):
        close_now(self.listener)
        for link in self.links:
            link.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
