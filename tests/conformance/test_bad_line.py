"""On a line to the engine that fails: told by the grid, given back, asked again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import orjson
import pytest

from tests.planes import eventually
from tests.world import World
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import TransportError, TransportTimeoutError
from utd_stream.models import SeatMode, SeatOccupancy, UTDConnectionState
from utd_stream.ports import Http, HttpAnswer


class BadLine:
    """A line to the engine that fails as often as a test says.

    Args:
        http: The line, which is good by itself.

    Attributes:
        lost_asking: Takes that break on their way there.
        lost_answering: Takes that break on their way back.
        stuck: Requests that wait for `freed` on their way there, by their path's end.
        waiting: How many of those have not ended.
        refused: What the next request is answered by an engine too busy to look,
            by its path's end: a status and a code.
    """

    def __init__(self, http: Http) -> None:
        self._http = http
        self.lost_asking = 0
        self.lost_answering = 0
        self.stuck: Counter[str] = Counter()
        self.freed = asyncio.Event()
        self.waiting = 0
        self.refused: dict[str, tuple[int, str]] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> HttpAnswer:
        """Send a request, unless the line fails."""
        end = next((end for end in +self.stuck if url.endswith(end)), None)
        if end is None:
            return await self._request(method, url, headers=headers, body=body)
        self.stuck[end] -= 1
        self.waiting += 1
        try:
            await self.freed.wait()
            return await self._request(method, url, headers=headers, body=body)
        finally:
            self.waiting -= 1

    async def _request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None
    ) -> HttpAnswer:
        for end in tuple(self.refused):
            if url.endswith(end):
                status, code = self.refused.pop(end)
                said = orjson.dumps({"code": code})
                return HttpAnswer(status=status, headers={}, body=said)
        message = "the line broke"
        if url.endswith("/take") and self.lost_asking:
            self.lost_asking -= 1
            raise TransportError(message)
        answer = await self._http.request(method, url, headers=headers, body=body)
        if url.endswith("/take") and self.lost_answering:
            self.lost_answering -= 1
            raise TransportError(message)
        return answer

    async def aclose(self) -> None:
        """Close the line."""
        await self._http.aclose()


async def on_a_bad_line(
    world: World, **limits: Any
) -> tuple[BadLine, UTDAudioRoomSession]:
    line = BadLine(world.http())
    client = world.client(http=line, timeouts=attrs.evolve(world.timeouts, **limits))
    return line, await world.join("speaker", client=client)


async def test_a_lost_answer_is_told_by_the_grid(world: World) -> None:
    """A take that was served succeeds, though nobody heard the engine say so."""
    line, speaker = await on_a_bad_line(world)
    line.lost_answering = 3

    await speaker.take_seat(0)

    assert speaker.occupancy.value is SeatOccupancy.SPEAKING
    assert await world.seat_of("speaker") == 0


async def test_a_short_fault_is_not_noticed(world: World) -> None:
    """A take is asked again with its key until the third try."""
    line, speaker = await on_a_bad_line(world)
    line.lost_asking = 2

    await speaker.take_seat(0)

    assert await world.seat_of("speaker") == 0


@pytest.mark.parametrize("lost", [3, 6], ids=lambda n: f"{n} tries lost")
async def test_what_nobody_knows_is_given_back(world: World, lost: int) -> None:
    """A take that was served perhaps is taken back, and here never was (L1)."""
    line, speaker = await on_a_bad_line(world)
    line.lost_asking = lost

    with pytest.raises(TransportError):
        await speaker.take_seat(0)

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 20)
    await world.nothing_is_left("speaker")
    assert line.lost_asking == 0
    assert (await world.room()).rev == 0  # nobody saw them come and go


async def test_what_is_refused_late_needs_no_giving_back(world: World) -> None:
    """A take that failed because its answer was a lost no ends by itself (L23)."""
    host = await world.join("host", as_host=True)
    await host.take_seat(0)
    line, speaker = await on_a_bad_line(world)
    line.lost_answering = 3

    with pytest.raises(TransportError):
        await speaker.take_seat(0)

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 20)
    assert await world.seat_of("host") == 0


@pytest.mark.parametrize(
    "refusal", [(429, "rate_limited"), (503, "unavailable")], ids=lambda r: r[1]
)
async def test_a_seat_the_engine_could_not_free_is_left_again(
    world: World, refusal: tuple[int, str]
) -> None:
    """Who is asked to come again has freed nothing, and does so by itself."""
    line, speaker = await on_a_bad_line(world)
    await speaker.take_seat(0)
    line.refused["/seats/leave"] = refusal

    await speaker.leave_seat()

    assert await world.seat_of("speaker") is None


async def test_a_busy_engine_does_not_end_a_give_back(world: World) -> None:
    """A 503 to the second asking says nothing of the first one (L1)."""
    line, speaker = await on_a_bad_line(world)
    world.grants.hold()
    take = asyncio.create_task(speaker.take_seat(1))
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.GRANTING, 10)
    line.refused["/take"] = (503, "unavailable")

    take.cancel()
    world.grants.release()

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 20)
    await world.nothing_is_left("speaker")


async def test_a_timeout_of_a_request_is_told_as_such(world: World) -> None:
    """Whoever is told of a limit is told of the one that was over."""
    line, speaker = await on_a_bad_line(world, request=0.5, seat=60.0)
    line.stuck["/take"] = 3

    with pytest.raises(TransportTimeoutError, match="no answer from the engine"):
        await speaker.take_seat(0)

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 20)


async def test_a_cancelled_leave_leaves_all_the_same(world: World) -> None:
    """A cancelled leave goes on, also while a seat is still being given back."""
    line, speaker = await on_a_bad_line(world, goodbye=1.0)
    await speaker.take_seat(0)
    line.stuck["/seats/leave"] = 1
    standing_up = asyncio.create_task(speaker.leave_seat())
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LEAVING, 10)
    leaving = asyncio.create_task(speaker.leave())
    await asyncio.sleep(0)

    leaving.cancel()

    with pytest.raises(asyncio.CancelledError):
        await leaving
    gone = UTDConnectionState.DISCONNECTED
    await speaker.connection_state.until(lambda s: s is gone, 10)
    await standing_up
    await world.gone("speaker")


async def test_what_gave_a_seat_back_spares_the_next_one(world: World) -> None:
    """Asking to be unseated ends with the connection it was asked on."""
    line, speaker = await on_a_bad_line(world, goodbye=0.5)
    await speaker.take_seat(0)
    line.stuck["/seats/leave"] = 1
    standing_up = asyncio.create_task(speaker.leave_seat())
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LEAVING, 10)
    await speaker.leave()
    await standing_up
    await speaker.rejoin()
    await speaker.take_seat(1)

    line.freed.set()

    await eventually(lambda: not line.waiting)
    assert await world.seat_of("speaker") == 1
    assert speaker.occupancy.value is SeatOccupancy.SPEAKING


async def test_who_is_seated_while_giving_back_speaks(world: World) -> None:
    """A take that took nothing gives nothing back: the approved one keeps the seat."""
    host = await world.join("host", as_host=True, seat_mode=SeatMode.REQUEST)
    line, speaker = await on_a_bad_line(world)
    request_id = await speaker.request_to_speak()
    line.stuck["/take"] = 2
    take = asyncio.create_task(speaker.take_seat(3))
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.TAKING, 10)
    take.cancel()
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LEAVING, 10)
    await host.approve_speaker(request_id)
    await speaker.seat.until(lambda index: index == 0, 10)

    line.freed.set()

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)
    assert await world.seat_of("speaker") == 0


async def test_an_old_farewell_does_not_end_a_new_connection(world: World) -> None:
    """Of two leaves the slower one is waited for before one connects again (L8)."""
    line, session = await on_a_bad_line(world, goodbye=1.0)
    line.stuck["/leave"] = 1
    first = asyncio.create_task(session.leave())
    gone = UTDConnectionState.DISCONNECTED
    await session.connection_state.until(lambda s: s is gone, 10)
    between = asyncio.create_task(session.rejoin())
    connecting = UTDConnectionState.CONNECTING
    await session.connection_state.until(lambda s: s is connecting, 10)
    second = asyncio.create_task(session.leave())
    await session.connection_state.until(lambda s: s is gone, 10)

    again = asyncio.create_task(session.rejoin())

    await asyncio.gather(first, between, second, again, return_exceptions=True)
    assert session.connected.value
