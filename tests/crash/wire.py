"""SMPP for peers that must be fast: whole buffers are cut into PDUs, answers are collected and written once a turn.

One thread, one loop; a peer is a process of its own, so that it outlives smppd and costs it nothing.
"""
import heapq
import selectors
import socket
import struct
import time

HEADER = struct.Struct(">IIII")
RESPONSE = 0x80000000
SUBMIT_SM, DELIVER_SM, ENQUIRE_LINK = 4, 5, 0x15
BINDS = (1, 2, 9)
TURN = 0.002


def pdu(command, status, sequence, body=b""):
    return HEADER.pack(16 + len(body), command, status, sequence) + body


def after_cstrings(body, layout):
    """The offset behind fields of a body: `c` for a string that ends with zero, a digit for so many octets."""
    at = 0
    for field in layout:
        at = body.index(b"\0", at) + 1 if field == "c" else at + int(field)
    return at


def text_of(body):
    """short_message of a submit_sm or deliver_sm."""
    at = after_cstrings(body, "c2c2c3cc4")
    return body[at + 1 : at + 1 + body[at]]


class Wire:
    """One connection. `peer.on_pdu(wire, command, status, sequence, body)` and `peer.on_end(wire)` are called."""

    def __init__(self, loop, sock, peer, connecting=False):
        self.loop, self.socket, self.peer = loop, sock, peer
        self.out, self.rest, self.open, self.connecting = [], b"", True, connecting
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop.watch(sock, self.on_event, write=connecting)

    def send(self, data):
        self.out.append(data)
        self.loop.dirty.add(self)

    def on_event(self, readable, writable):
        if self.connecting:
            if self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                return self.end()
            self.connecting = False
            self.loop.watch(self.socket, self.on_event)
            return self.peer.on_connected(self)
        if writable:
            self.flush()
        if readable and self.open:
            self.read()

    def read(self):
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            return self.end()
        data = self.rest + data
        at, size = 0, len(data)
        while size - at >= 16:
            length, command, status, sequence = HEADER.unpack_from(data, at)
            assert 16 <= length <= 65536, f"smppd sent a PDU of {length} octets"
            if size - at < length:
                break
            self.peer.on_pdu(self, command, status, sequence, data[at + 16 : at + length])
            if not self.open:
                return
            at += length
        self.rest = data[at:]

    def flush(self):
        if not self.open or self.connecting or not self.out:
            return
        data = b"".join(self.out)
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return self.end()
        self.out = [data[sent:]] if sent < len(data) else []
        self.loop.watch(self.socket, self.on_event, write=bool(self.out))

    def end(self):
        if self.open:
            self.open = False
            self.loop.forget(self.socket)
            self.socket.close()
            self.peer.on_end(self)


class Loop:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.dirty, self.timers, self.count = set(), [], 0
        self.running = True

    def watch(self, file, call, write=False):
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if write else 0)
        try:
            key = self.selector.get_key(file)
        except KeyError:
            self.selector.register(file, events, call)
            return
        if key.events != events:
            self.selector.modify(file, events, call)

    def forget(self, file):
        self.selector.unregister(file)

    def later(self, seconds, call, *arguments):
        self.count += 1
        heapq.heappush(self.timers, (time.monotonic() + seconds, self.count, call, arguments))

    def run(self, each_turn):
        while self.running:
            for key, events in self.selector.select(TURN):
                key.data(bool(events & selectors.EVENT_READ), bool(events & selectors.EVENT_WRITE))
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                _, _, call, arguments = heapq.heappop(self.timers)
                call(*arguments)
            each_turn(now)
            dirty, self.dirty = self.dirty, set()
            for wire in dirty:
                wire.flush()


class Peer:
    """A peer with a line to the driver: it is told one word at a time and answers each."""

    def __init__(self, line):
        self.loop, self.line = Loop(), line
        self.loop.watch(line, self._told)

    def _told(self, *_):
        try:
            word, arguments = self.line.recv()
        except EOFError:  # the driver is gone
            self.loop.running = False
            return
        self.line.send(getattr(self, "do_" + word)(*arguments))

    def do_leave(self):
        self.loop.running = False

    def run(self):
        self.loop.run(self.turn)
