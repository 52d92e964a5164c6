"""A wire in memory: order, flow control, and how it breaks."""

from __future__ import annotations

import asyncio

import pytest

from utd_stream.adapters.memory_wire import MemoryWire
from utd_stream.testing import run


class Told(asyncio.Protocol):
    """Whoever reads and writes at one end."""

    def __init__(self) -> None:
        self.told: list[bytes | str] = []

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.told.append(data)

    def pause_writing(self) -> None:
        """Keep that."""
        self.told.append("pause")

    def resume_writing(self) -> None:
        """Keep that, too."""
        self.told.append("go on")

    def connection_lost(self, exc: Exception | None) -> None:
        """And that."""
        self.told.append("closed" if exc is None else "reset")


def opened() -> tuple[MemoryWire, Told, Told]:
    """Return a wire, and who is at its client's and its server's end."""
    wire, near, far = MemoryWire(), Told(), Told()
    wire.client.attach(near)
    wire.server.attach(far)
    return wire, near, far


def test_nothing_is_told_in_the_stack_of_who_reads_on() -> None:
    """What was kept comes in a turn of its own, in order, as from a socket."""

    async def program() -> None:
        wire, near, far = opened()
        wire.client.pause_reading()
        wire.server.write(b"one")
        wire.server.write(b"two")
        wire.server.close()
        await asyncio.sleep(1)
        assert (near.told, far.told) == ([], ["closed"])
        wire.client.resume_reading()
        assert near.told == []
        await asyncio.sleep(1)
        assert near.told == [b"one", b"two", "closed"]

    run(program())


def test_a_writer_waits_for_a_slow_reader() -> None:
    """Above 64 KB that nobody has taken it pauses, and goes on below 16 KB."""

    async def program() -> None:
        wire, near, _ = opened()
        wire.server.pause_reading()
        for _ in range(5):
            wire.client.write(b"x" * 16_000)
            await asyncio.sleep(1)
        assert near.told == ["pause"]
        assert wire.client.get_write_buffer_size() == 80_000
        wire.server.resume_reading()
        await asyncio.sleep(1)
        assert near.told == ["pause", "go on"]
        assert wire.client.get_write_buffer_size() == 0

    run(program())


def test_nothing_overtakes() -> None:
    """However long each piece is under way."""

    async def program() -> None:
        wire, _, far = opened()
        wire.delay = 5.0
        wire.client.write(b"one")
        wire.delay = 0.0
        wire.client.write(b"two")
        wire.client.close()
        await asyncio.sleep(10)
        assert far.told == [b"one", b"two", "closed"]

    run(program())


def test_what_is_under_way_takes_its_time() -> None:
    """And arrives no sooner."""

    async def program() -> None:
        wire, _, far = opened()
        wire.delay = 5.0
        wire.client.write(b"one")
        await asyncio.sleep(4.9)
        assert far.told == []
        await asyncio.sleep(0.2)
        assert far.told == [b"one"]

    run(program())


@pytest.mark.parametrize("pieces", [0, 1, 2])
def test_a_wire_breaks_after_so_many_pieces(pieces: int) -> None:
    """Both ends are reset; whatever comes later is lost."""

    async def program() -> None:
        wire, near, far = opened()
        wire.cut_after(pieces)
        for piece in (b"one", b"two", b"three"):
            wire.client.write(piece)
        await asyncio.sleep(1)
        assert far.told == [*(b"one", b"two", b"three")[:pieces], "reset"]
        assert near.told == ["reset"]
        assert not wire.is_open

    run(program())


def test_neither_end_of_a_half_open_wire_hears_of_it() -> None:
    """What is written is gone, and so is a close, until the writer pauses."""

    async def program() -> None:
        wire, near, far = opened()
        wire.silence()
        wire.server.write(b"x" * 70_000)
        wire.client.close()
        await asyncio.sleep(1_000)
        assert far.told == ["pause"]
        assert near.told == ["closed"]
        wire.cut()
        await asyncio.sleep(1)
        assert far.told == ["pause", "reset"]

    run(program())
