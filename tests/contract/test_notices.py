"""The Sfu port: who is told to the engine to have come, and who is not."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.faults import Notices, comings_and_goings
from tests.patience import patiently
from tests.planes import Plane
from utd_stream.errors import SfuNotFoundError
from utd_stream.models import DisconnectReason
from utd_stream.models.room_events import Disconnected
from utd_stream.ports import ParticipantJoined, ParticipantLeft


async def remove_as_soon_as_there(plane: Plane, identity: str) -> None:
    """Remove somebody who is entering: there before being ready, for a moment."""
    async with patiently(10):
        while True:  # nothing tells that somebody is there
            try:
                await plane.sfu.remove_participant(plane.room(), identity)
                break
            except SfuNotFoundError:
                await asyncio.sleep(0.001)


async def test_who_is_removed_on_the_way_in_never_came(
    plane: Plane, notices: Notices
) -> None:
    """One removed before it is ready goes without having come, and is back (T15).

    Its client hears of nothing; it tries again after 15 s, and comes in.
    """
    await plane.sfu.create_room(plane.room(), metadata="", empty_timeout=300)
    for name in map("ana-{}".format, range(20)):
        ana = plane.guest()
        entering = asyncio.create_task(
            ana.room.connect(plane.url, plane.token(name), auto_subscribe=True)
        )
        await remove_as_soon_as_there(plane, name)
        # On a busy machine the moment passes, and it was ready: another one, then.
        if entering.done():
            continue
        async with patiently(30):
            await entering
        first, second = await comings_and_goings(notices, name, 2)
        if isinstance(first, ParticipantLeft):
            break
    else:
        pytest.fail("of twenty nobody could be removed on the way in")

    assert first.reason is DisconnectReason.PARTICIPANT_REMOVED
    assert isinstance(second, ParticipantJoined)
    assert first.participant.sid != second.participant.sid == ana.state.local.sid
    assert not ana.of(Disconnected)
