"""What the room tells is told whatever it can say of itself meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import attrs
import pytest

from tests.client.people import Person
from tests.planes import LISTENER, loopback_plane
from utd_stream.adapters.loopback import Loopback, LoopbackRoom
from utd_stream.errors import DisconnectedError
from utd_stream.media import Silence
from utd_stream.models import TrackSource
from utd_stream.models.room_events import ParticipantPermissionsChanged
from utd_stream.ports import RoomState
from utd_stream.testing import VirtualLoop, run


class ShyRoom(LoopbackRoom):
    """A room that, as a port may, knows nothing of itself for a while."""

    is_shy = False

    def state(self) -> RoomState:
        """Return what it knows, or refuse."""
        if self.is_shy:
            message = "not connected for the moment"
            raise DisconnectedError(message)
        return super().state()


class ShyPlane(Loopback):
    """A plane of such rooms."""

    def open(self, **_: Any) -> LoopbackRoom:
        """Return a room that can be connected once."""
        return ShyRoom(self._server, self.lines, is_adaptive=True)


def test_a_change_of_rights_is_told_though_the_room_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whether it is one's own cannot be asked then; observers hear of it."""

    async def program() -> None:
        clock = cast("VirtualLoop", asyncio.get_running_loop()).clock
        sfu = ShyPlane(clock)
        plane = attrs.evolve(loopback_plane(clock, "app"), media=sfu, sfu=sfu)
        ana = Person(plane)
        await ana.enter("ana")
        await ana.room.publish(TrackSource.MICROPHONE, Silence())
        ana.room.room.is_shy = True
        await plane.allow("ana", LISTENER)
        await clock.settle()

        told = ParticipantPermissionsChanged("ana", LISTENER)
        assert ana.of(ParticipantPermissionsChanged) == [told]
        assert told in [event for _, event in ana.watched]
        await ana.room.aclose()
        await plane.aclose()

    run(program())
    assert not [each for each in caplog.records if each.levelname == "ERROR"]
