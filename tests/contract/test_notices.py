"""The Sfu port: who is told to the engine to have come, and who is not."""

from __future__ import annotations

import asyncio

from tests.contract.faults import Notices, comings_and_goings
from tests.planes import Plane
from utd_stream.errors import NotFoundError
from utd_stream.models import DisconnectReason
from utd_stream.models.room_events import Disconnected
from utd_stream.ports import ParticipantJoined, ParticipantLeft


async def test_who_is_removed_on_the_way_in_never_came(
    plane: Plane, notices: Notices
) -> None:
    """One removed before it is ready goes without having come, and is back (T15).

    Its client hears of nothing; it tries again after 15 s, and comes in.
    """
    await plane.sfu.create_room(plane.room(), metadata="", empty_timeout=300)
    ana = plane.guest()
    entering = asyncio.create_task(
        ana.room.connect(plane.url, plane.token("ana"), auto_subscribe=True)
    )
    async with asyncio.timeout(10):
        # It is there before it is ready, for a moment: nothing tells that it is.
        while True:
            try:
                await plane.sfu.remove_participant(plane.room(), "ana")
                break
            except NotFoundError:
                await asyncio.sleep(0.001)
    assert not entering.done()
    async with asyncio.timeout(30):
        await entering
    gone, came = await comings_and_goings(notices, "ana", 2)

    assert isinstance(gone, ParticipantLeft)
    assert gone.reason is DisconnectReason.PARTICIPANT_REMOVED
    assert isinstance(came, ParticipantJoined)
    assert gone.participant.sid != came.participant.sid == ana.state.local.sid
    assert not ana.of(Disconnected)
