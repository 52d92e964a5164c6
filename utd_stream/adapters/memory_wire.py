"""A wire in memory: two ends of a connection, flow control, and faults.

What one end writes arrives at the other in the loop's next turn, in order.  Parsers,
routing, limits and time-outs of whoever uses it are the real ones.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Iterable

__all__ = ["MemoryTransport", "MemoryWire"]

# What may wait at the other end before the writer is told to pause, in bytes.
_HIGH = 65_536
_LOW = 16_384


class MemoryWire:
    """Both ends, and what may become of what is between them.

    Attributes:
        client: The end of whoever dialed.
        server: The other end.
        delay: How long what is written is under way, in seconds.
    """

    def __init__(self) -> None:
        self.client: MemoryTransport = MemoryTransport(self, "engine")
        self.server: MemoryTransport = MemoryTransport(self, "client")
        self.delay: float = 0.0
        self._is_silent = False
        self._left: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether neither end is closed."""
        return not (self.client.is_closing() or self.server.is_closing())

    def cut(self) -> None:
        """Break it: both ends are reset, what is under way is lost."""
        self.client.reset()
        self.server.reset()

    def cut_after(self, pieces: int) -> None:
        """Break it when *pieces* more have arrived, at either end; 0 for the next."""
        self._left = pieces

    def silence(self) -> None:
        """Let nothing arrive any more, and tell neither end: it is half open."""
        self._is_silent = True

    def peer(self, end: MemoryTransport) -> MemoryTransport:
        """Return the other end."""
        return self.server if end is self.client else self.client

    def lets_arrive(self) -> bool:
        """Whether one more piece arrives; counts it."""
        if self._is_silent:
            return False
        if self._left is None:
            return True
        if self._left == 0:
            self.cut()
            return False
        self._left -= 1
        return True


class MemoryTransport(asyncio.Transport):
    """One end of a wire.

    Closing arrives at the other end after all that was written, when that was read.

    Args:
        wire: Whose end.
        name: Of the other end, as ``get_extra_info("peername")`` tells it.
    """

    def __init__(self, wire: MemoryWire, name: str) -> None:
        super().__init__({"peername": (name, 0), "sockname": ("memory", 0)})
        self._loop = asyncio.get_running_loop()
        self._wire = wire
        self._protocol: asyncio.Protocol | None = None
        self._is_closing = False
        self._is_paused = False
        self._under_way: deque[bytes | None] = deque()
        self._arrived: deque[bytes | None] = deque()
        # Bytes that this end wrote and the other has not taken.
        self._untaken = 0
        self._high, self._low = _HIGH, _LOW
        self._writer_waits = False

    def attach(self, protocol: asyncio.Protocol) -> None:
        """Begin to tell *protocol* what happens here."""
        self._protocol = protocol
        protocol.connection_made(self)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who is told."""
        assert self._protocol is not None  # noqa: S101 -- attached by whoever made it
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Tell another protocol from now on."""
        assert isinstance(protocol, asyncio.Protocol)  # noqa: S101 -- no buffered ones here
        self._protocol = protocol

    def is_closing(self) -> bool:
        """Whether this end is closed, or about to be."""
        return self._is_closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*; after closing it is lost, as on any wire."""
        if not data or self._is_closing:
            return
        self._send(bytes(data))
        self._untaken += len(data)
        if self._untaken > self._high and not self._writer_waits:
            self._writer_waits = True
            self.get_protocol().pause_writing()

    def writelines(
        self, list_of_data: Iterable[bytes | bytearray | memoryview]
    ) -> None:
        """Send all of it as one."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Whether the other end can be told that no more comes."""
        return True

    def write_eof(self) -> None:
        """Tell the other end that no more comes."""
        if not self._is_closing:
            self._send(None)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the other end has not taken."""
        return self._untaken

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return when the writer goes on, and when it pauses, in bytes."""
        return self._low, self._high

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        """Say when the writer pauses, and when it goes on, in bytes."""
        if high is None:
            high = _HIGH if low is None else 4 * low
        self._high, self._low = high, high // 4 if low is None else low

    def is_reading(self) -> bool:
        """Whether what arrives is told."""
        return not self._is_paused

    def pause_reading(self) -> None:
        """Keep what arrives."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Tell what was kept, in the next turn, and what arrives."""
        self._is_paused = False
        self._loop.call_soon(self._tell)

    def close(self) -> None:
        """Close both ends."""
        if not self._is_closing:
            self._is_closing = True
            self._loop.call_soon(self.lose, None)
            self._send(None)

    def abort(self) -> None:
        """Break the wire: both ends are reset, what is under way is lost."""
        self._wire.cut()

    def reset(self) -> None:
        """Lose this end at once."""
        if not self._is_closing:
            self._is_closing = True
            error = ConnectionResetError(errno.ECONNRESET, "the wire was cut")
            self._loop.call_soon(self.lose, error)

    def arrive(self) -> None:
        """Take the next of what the other end wrote; None is its end."""
        data = self._wire.peer(self).sent()
        if self._wire.lets_arrive():
            self._arrived.append(data)
            self._tell()

    def sent(self) -> bytes | None:
        """Return what was written first of what is under way."""
        return self._under_way.popleft()

    def taken(self, size: int) -> None:
        """Hear that the other end has taken *size* bytes."""
        self._untaken -= size
        if self._writer_waits and self._untaken <= self._low:
            self._writer_waits = False
            if self._protocol is not None:
                self._protocol.resume_writing()

    def lose(self, error: Exception | None) -> None:
        """Tell the protocol that this end is closed."""
        protocol, self._protocol = self._protocol, None
        self._arrived.clear()
        if protocol is not None:
            protocol.connection_lost(error)

    def _send(self, data: bytes | None) -> None:
        # Each arrival takes the first that is under way, so that none overtakes.
        self._under_way.append(data)
        peer = self._wire.peer(self)
        if self._wire.delay:
            self._loop.call_later(self._wire.delay, peer.arrive)
        else:
            self._loop.call_soon(peer.arrive)

    def _tell(self) -> None:
        while self._arrived and not self._is_paused and not self._is_closing:
            data = self._arrived.popleft()
            assert self._protocol is not None  # noqa: S101 -- attached before any write
            if data is not None:
                self._wire.peer(self).taken(len(data))
                self._protocol.data_received(data)
            elif not self._protocol.eof_received():
                self.close()
