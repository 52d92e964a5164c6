"""People with a room of their own, and what they were told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

import pytest_asyncio
from reactivex import Observable

from tests.planes import (
    MICROPHONE,
    SPEAKER,
    Plane,
    eventually,
)
from utd_stream.client.room import UTDRoom
from utd_stream.models import Permission
from utd_stream.models.room_events import (
    RoomEvent,
)

__all__ = ["Person", "ana", "ben"]

_T = TypeVar("_T")


class Person:
    """Somebody with a `UTDRoom`, and what it told."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.room = UTDRoom(media=plane.media, clock=plane.clock)
        self.watched: list[tuple[int, RoomEvent]] = []
        self.told: list[RoomEvent] = []
        self.room.watch(lambda number, event: self.watched.append((number, event)))
        events: Observable[RoomEvent] = self.room.events
        events.subscribe(self.told.append)

    async def enter(self, identity: str, *, permission: Permission = SPEAKER) -> None:
        """Connect with a token of one's own."""
        token = self.plane.token(identity, permission=permission)
        await self.room.connect(self.plane.url, token)

    def of(self, kind: type[_T]) -> list[_T]:
        """The events of one class, as they came."""
        return [event for event in self.told if isinstance(event, kind)]

    async def hears(self, kind: type[_T]) -> _T:
        """Wait for the first event of a class."""
        return (await eventually(lambda: self.of(kind)))[0]

    async def sees_remote(self, identity: str) -> None:
        """Wait until *identity* is announced."""
        await eventually(
            lambda: identity in {each.identity for each in self.room.state().remotes}
        )

    async def may_publish(self, *, expected: bool = True) -> None:
        """Wait until the right to publish a microphone is there, or gone."""
        await eventually(
            lambda: (
                self.room.state().local.permission.may_publish(MICROPHONE) is expected
            )
        )


@pytest_asyncio.fixture
async def ana(plane: Plane) -> AsyncIterator[Person]:
    """Somebody, not connected yet."""
    person = Person(plane)
    yield person
    await person.room.aclose()


@pytest_asyncio.fixture
async def ben(plane: Plane) -> AsyncIterator[Person]:
    """Somebody else, not connected yet."""
    person = Person(plane)
    yield person
    await person.room.aclose()
