"""The Media port: several connections of one identity, on the way in at once."""

from __future__ import annotations

import asyncio

from tests.planes import Guest, Plane, eventually
from utd_stream.errors import ClosedError
from utd_stream.models import DisconnectReason
from utd_stream.models.room_events import Disconnected

# From the begin of one connect to the begin of the next, in seconds.
GAPS = (0.004, 0.008, 0.012, 0.016, 0.02, 0.024, 0.028, 0.036)


async def entered(plane: Plane, identity: str, after: float = 0.0) -> Guest:
    """Somebody who entered after a while."""
    await plane.clock.sleep(after)
    return await plane.enter(identity)


async def test_of_two_on_the_way_in_one_stays_and_the_other_is_told(
    plane: Plane,
) -> None:
    """Both come in, the pushed out one 15 s later, and one stays (T10, T58)."""
    pairs = await asyncio.gather(
        *(
            asyncio.gather(entered(plane, f"{gap}"), entered(plane, f"{gap}", gap))
            for gap in GAPS
        )
    )

    for gap, both in zip(GAPS, pairs, strict=True):
        told = await eventually(lambda: [g for g in both if g.of(Disconnected)])  # noqa: B023 -- awaited here
        assert len(told) == 1, gap
        (left,) = told[0].of(Disconnected)
        assert left.reason is DisconnectReason.DUPLICATE_IDENTITY
    assert set(await plane.listed()) == {f"{gap}" for gap in GAPS}


async def test_leaving_on_the_way_in_ends_with_nobody_in_the_room(
    plane: Plane,
) -> None:
    """A connect goes on after `disconnect`, however late, and leaves (T58)."""
    ana = plane.guest()
    token = plane.token("ana")
    entering = asyncio.create_task(
        ana.room.connect(plane.url, token, auto_subscribe=True)
    )
    newer = asyncio.create_task(entered(plane, "ana", 0.012))
    await plane.clock.sleep(0.014)
    await ana.room.disconnect()

    try:
        await entering
    except ClosedError:
        await ana.room.disconnect()
    await (await newer).room.disconnect()
    await plane.sees()
