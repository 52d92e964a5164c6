"""A microphone is the app's own code: what it does wrong is told, and costs no seat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sources import BEGINS_WRONG, ENDS_LATER, Source
from tests.world import World
from utd_stream.errors import InvalidArgumentError, PublishError
from utd_stream.media import Tone
from utd_stream.models import SeatOccupancy, TrackSource


@pytest.mark.parametrize(
    ("give", "said"),
    [BEGINS_WRONG[name] for name in ("of another rate", "a coroutine")],
    ids=["of another rate", "a coroutine"],
)
async def test_a_wrong_microphone_is_refused_before_anybody_speaks(
    world: World, give: Callable[[], Any], said: str
) -> None:
    """`take_seat` says what is wrong with the source, and gives the seat back."""
    client = world.client(microphone=Source(give))
    speaker = await world.join("speaker", client=client)
    seen: list[SeatOccupancy] = []
    speaker.occupancy.subscribe(seen.append)

    with pytest.raises(PublishError, match=said):
        await speaker.take_seat(0)

    await speaker.occupancy.until(SeatOccupancy.LISTENING, timeout=10)
    assert SeatOccupancy.SPEAKING not in seen
    await world.nothing_is_left("speaker")


@pytest.mark.parametrize("way", ["ends", "fails"])
async def test_a_microphone_that_ends_is_seen_muted(world: World, way: str) -> None:
    """The seat stays, everybody sees it muted, and turning it on opens it anew."""
    source = Source(ENDS_LATER[way])
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker", client=world.client(microphone=source))
    await speaker.take_seat(0)

    await speaker.microphone_muted.until(True, timeout=10)  # noqa: FBT003 -- the value
    await host.remote_participants.until(
        lambda all_: any(sent.muted for each in all_ for sent in each.publications),
        timeout=10,
    )
    assert speaker.occupancy.value is SeatOccupancy.SPEAKING
    assert speaker.connected.value
    await speaker.set_microphone(True)
    assert source.opened == 2
    await speaker.leave_seat()


async def test_a_microphone_that_is_gone_cannot_be_turned_on(world: World) -> None:
    """`set_microphone(True)` says why, and the session goes on."""
    source = Source(lambda: ENDS_LATER["ends"]() if source.opened == 1 else 3)
    speaker = await world.join("speaker", client=world.client(microphone=source))
    await speaker.take_seat(0)
    await speaker.microphone_muted.until(True, timeout=10)  # noqa: FBT003 -- the value

    for _ in range(2):
        with pytest.raises(PublishError, match="async iterator of AudioFrame, not int"):
            await speaker.set_microphone(True)
    await speaker.set_microphone(False)

    assert speaker.microphone_muted.value
    await speaker.leave_seat()


@pytest.mark.parametrize(
    "source", [Tone, "default", b"", 440, Tone(440).open()], ids=lambda s: repr(s)[:12]
)
async def test_what_is_no_microphone_is_refused_where_it_is_given(
    world: World, source: Any
) -> None:
    """The client, and the room, say at once what a microphone is."""
    with pytest.raises(InvalidArgumentError, match=r"Tone\(440\)"):
        world.client(microphone=source)
    speaker = await world.join("speaker")
    with pytest.raises(InvalidArgumentError, match=r"Tone\(440\)"):
        await speaker.room.publish(TrackSource.MICROPHONE, source)
    with pytest.raises(InvalidArgumentError, match=r"Tone\(440\)"):
        await speaker.room.set_microphone(True, source)  # noqa: FBT003 -- the API
