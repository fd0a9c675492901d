"""A TCP gate for faults: stands between two peers and does to their octets what networks do, connection by connection.

    gate = Gate(carrier.port)                  # smppd connects to gate.port
    gate.script = lambda number: Script(back=Lane(cut_after=100))
    gate.conn(0).stall(BACK)

FORTH is from who connected to who listens, BACK the other way. Octets are moved in chunks, so that tens of thousands of
messages a second pass; a lane that slices them into segments of one octet is slower, as it is in life.
"""
import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field

FORTH, BACK = "forth", "back"


@dataclass
class Lane:
    """What happens to one direction of a connection."""

    delay: float = 0.0  # seconds each chunk waits
    slice: int = 0  # octets a segment, 0: as they come
    coalesce: float = 0.0  # what comes within so many seconds goes in one piece
    corrupt: object = None  # corrupt(offset, octets) -> octets
    cut_after: int = None  # the connection is reset when so many octets have passed, in the middle of what they say
    stalled: bool = False


@dataclass
class Script:
    forth: Lane = field(default_factory=Lane)
    back: Lane = field(default_factory=Lane)
    refuse: bool = False  # reset at once, before anything reaches the other side


class Connection:
    """One connection through the gate. Its methods may be called from the test's thread at any time."""

    def __init__(self, gate, number, script):
        self.gate, self.number, self.script = gate, number, script
        self.passed = {FORTH: 0, BACK: 0}
        self.closed = threading.Event()
        self.writers = {}
        self._running = {}

    def lane(self, direction):
        return getattr(self.script, direction)

    def stall(self, direction):
        """Nothing is read any more, so that the sender feels it when its buffers are full."""
        self.lane(direction).stalled = True

    def release(self, direction):
        self.lane(direction).stalled = False
        self.gate.call(lambda: self._running[direction].set())

    def reset(self):
        """Both sides get a RST; what was on its way is lost."""
        self.gate.call(self._reset)

    def half_close(self, direction):
        """The receiver of this direction gets a FIN; the other direction goes on."""
        self.gate.call(lambda: self.writers[direction].write_eof())

    def close(self):
        self.gate.call(self._close)

    def _close(self):
        for writer in self.writers.values():
            writer.close()

    def _reset(self):
        for writer in self.writers.values():
            raw = writer.get_extra_info("socket")
            if raw is not None:
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def run(self, reader, writer):
        if self.script.refuse:
            self.writers = {BACK: writer}
            self._reset()
            self.closed.set()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.gate.target)
        except OSError:
            self.writers = {BACK: writer}
            self._reset()
            self.closed.set()
            return
        self.writers = {FORTH: far_writer, BACK: writer}
        for one in (writer, far_writer):
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._running = {FORTH: asyncio.Event(), BACK: asyncio.Event()}
        pumps = [self._pump(FORTH, reader, far_writer), self._pump(BACK, far_reader, writer)]
        await asyncio.gather(*pumps, return_exceptions=True)
        self._close()
        self.closed.set()

    async def _pump(self, direction, reader, writer):
        try:
            while True:
                await self._let_run(direction)
                data = await reader.read(65536)
                await self._let_run(direction)  # what was read when the stall came waits too
                if not data:
                    break
                if not await self._pass_on(direction, data, reader, writer):
                    return
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof()
        except OSError:
            self._reset()  # one side is gone: the other learns it the same way

    async def _let_run(self, direction):
        while self.lane(direction).stalled:
            self._running[direction].clear()
            await self._running[direction].wait()

    async def _pass_on(self, direction, data, reader, writer):
        """False when the connection was cut."""
        lane = self.lane(direction)
        if lane.coalesce:
            await asyncio.sleep(lane.coalesce)
            with contextlib.suppress(asyncio.TimeoutError):
                data += await asyncio.wait_for(reader.read(1 << 20), 0.001)
        if lane.delay:
            await asyncio.sleep(lane.delay)
        if lane.corrupt is not None:
            data = lane.corrupt(self.passed[direction], data)
        cut = lane.cut_after is not None and self.passed[direction] + len(data) >= lane.cut_after
        if cut:
            data = data[: max(lane.cut_after - self.passed[direction], 0)]
        self.passed[direction] += len(data)
        for at in range(0, len(data), lane.slice or max(len(data), 1)):
            writer.write(data[at : at + lane.slice] if lane.slice else data)
            await writer.drain()
        if cut:
            await asyncio.sleep(0.002)  # so that the first part of the PDU arrives
            self._reset()
        return not cut


class Gate:
    """Listens on a port of its own; every connection goes on to `target` as its script says."""

    def __init__(self, target):
        self.target = target
        self.connections = []
        self.script = lambda number: Script()
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._server = None
        self.port = None
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def _run(self, ready):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        ready.set()
        self._loop.run_forever()

    async def _listen(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port or 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader, writer):
        with self._changed:
            connection = Connection(self, len(self.connections), self.script(len(self.connections)))
            self.connections.append(connection)
            self._changed.notify_all()
        await connection.run(reader, writer)

    def call(self, work):
        """Runs on the gate's own thread and waits for it."""
        done = threading.Event()

        def do():
            with contextlib.suppress(OSError, RuntimeError, KeyError):
                work()
            done.set()

        self._loop.call_soon_threadsafe(do)
        assert done.wait(10), "the gate does not turn"

    def conn(self, number, timeout=10.0):
        """The number-th connection so far, waited for."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.connections) > number, timeout), (
                f"{len(self.connections)} connections through the gate"
            )
            return self.connections[number]

    def open_connections(self):
        with self._changed:
            return [connection for connection in self.connections if connection.writers and not connection.closed.is_set()]

    def refuse(self):
        """Nobody listens any more; what is connected stays."""
        self._wait_for(self._stop_listening())

    def listen_again(self):
        self._wait_for(self._listen())

    async def _stop_listening(self):
        self._server.close()

    async def _end_tasks(self):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _wait_for(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self):
        self.call(self._server.close)
        for connection in self.open_connections():
            connection.reset()
        self._wait_for(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
