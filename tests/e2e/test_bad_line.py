"""A take on a line to the engine that fails: told by the grid, or given back."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.world import World
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.compose import Ports
from utd_stream.errors import TransportError
from utd_stream.models import SeatOccupancy
from utd_stream.ports import HttpAnswer

pytestmark = pytest.mark.livekit


class BadLine(AiohttpHttp):
    """A line to the engine that fails a take on its way there, or on its way back."""

    lost_asking = 0
    lost_answering = 0

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> HttpAnswer:
        """Send a request, unless the line fails."""
        message = "the line broke"
        if url.endswith("/take") and self.lost_asking:
            self.lost_asking -= 1
            raise TransportError(message)
        answer = await super().request(method, url, headers=headers, body=body)
        if url.endswith("/take") and self.lost_answering:
            self.lost_answering -= 1
            raise TransportError(message)
        return answer


async def on_a_bad_line(world: World) -> tuple[BadLine, UTDAudioRoomSession]:
    line = BadLine()
    client = await world.client(ports=Ports(http=line))
    return line, await world.join("speaker", client=client)


async def test_a_lost_answer_is_told_by_the_grid(world: World) -> None:
    """A take that was served succeeds, though nobody heard the engine say so."""
    line, speaker = await on_a_bad_line(world)
    line.lost_answering = 3

    await speaker.take_seat(0)

    assert speaker.occupancy.value is SeatOccupancy.SPEAKING
    assert (await world.room()).seat_index_of("speaker") == 0


async def test_a_short_fault_is_not_noticed(world: World) -> None:
    """A take is asked again with its key until the third try."""
    line, speaker = await on_a_bad_line(world)
    line.lost_asking = 2

    await speaker.take_seat(0)

    assert (await world.room()).seat_index_of("speaker") == 0


@pytest.mark.parametrize("lost", [3, 6], ids=lambda n: f"{n} tries lost")
async def test_what_nobody_knows_is_given_back(world: World, lost: int) -> None:
    """L1: the take is asked once more with its key, and what it took is left."""
    line, speaker = await on_a_bad_line(world)
    line.lost_asking = lost

    with pytest.raises(TransportError):
        await speaker.take_seat(0)

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 20)
    await world.nothing_is_left("speaker")
    assert line.lost_asking == 0
    assert (await world.room()).rev == 2  # taken and left


async def test_what_is_refused_late_needs_no_giving_back(world: World) -> None:
    """L23: a take that failed because its answer was a lost no ends by itself."""
    host = await world.join("host", as_host=True)
    await host.take_seat(0)
    line, speaker = await on_a_bad_line(world)
    line.lost_answering = 3

    with pytest.raises(TransportError):
        await speaker.take_seat(0)

    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 20)
    assert (await world.room()).seat_index_of("host") == 0
