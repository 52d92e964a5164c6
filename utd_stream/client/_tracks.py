"""Publishes, mutes, switches and withdraws the tracks of one session.

Source: contract.md section 5, Microphone; lessons L20, L21.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias, assert_never

from utd_stream.client._failures import Failures
from utd_stream.client._owner import Owner
from utd_stream.client._sources import AnySource, check_given, check_source
from utd_stream.client.room import UTDRoom
from utd_stream.client.rules.facts import OwnMuteRead
from utd_stream.client.rules.sending import DisarmOverdue
from utd_stream.errors import (
    DisconnectedError,
    PublishError,
    UsageError,
    UTDStreamException,
)
from utd_stream.machines import track as t
from utd_stream.models.participants import TrackSource
from utd_stream.ports import Clock

__all__ = ["TrackEffect", "TrackFact", "Tracks"]

logger = logging.getLogger("utd_stream.client")

TrackFact: TypeAlias = (
    t.TurnOn | t.TurnOff | t.Overdue | t.Published | t.PublishFailed | OwnMuteRead
)
TrackEffect: TypeAlias = (
    t.PublishTrack
    | t.UnpublishTrack
    | t.MuteTrack
    | t.UnmuteTrack
    | t.ArmOverdue
    | DisarmOverdue
)


class Tracks:
    """The tracks of one session.

    Args:
        sources: What the client has, by its kind.
        room: Where it is published.
        clock: Time.
        limit: How long a right is waited for, in seconds.
        owner: Of the tasks.
        failures: Of the session.
        post: Takes facts.
    """

    def __init__(  # noqa: PLR0913 -- what it is made of
        self,
        sources: Mapping[TrackSource, AnySource],
        room: UTDRoom,
        *,
        clock: Clock,
        limit: float,
        owner: Owner,
        failures: Failures,
        post: Callable[[TrackFact], None],
    ) -> None:
        self._sources = dict(sources)
        self._room = room
        self._clock = clock
        self._limit = limit
        self._owner = owner
        self._failures = failures
        self._post = post
        self._publishing: dict[TrackSource, asyncio.Task[None]] = {}
        self._timers: dict[TrackSource, asyncio.Task[None]] = {}
        # Why the last try to send was in vain.
        self._failed: dict[TrackSource, UTDStreamException] = {}

    def check_given(self, source: TrackSource) -> None:
        """Refuse to send from *source* where the client has none.

        Raises:
            InvalidArgumentError: If it has none; the message names the choices.
        """
        check_given(source, self._sources.get(source))

    async def turn(
        self, source: TrackSource, *, on: bool, settled: Callable[[], Awaitable[object]]
    ) -> None:
        """Post the command, and wait until what it begins has ended.

        Cancelled while it publishes, it turns the source off.

        Args:
            source: Which.
            on: Whether to send from it.
            settled: Waits until nothing is on its way.

        Raises:
            InvalidArgumentError: If the client has no such source.
            RefusedError: If the place is not held.
            PublishError: If the source cannot be played, or published.
        """
        if on:
            self.check_given(source)
        self._failed.pop(source, None)
        under_way = self._publishing.get(source)
        self._post(t.TurnOn(source) if on else t.TurnOff(source))
        is_mine = self._publishing.get(source) is not under_way
        try:
            await settled()
        except asyncio.CancelledError:
            if is_mine:
                self._post(t.TurnOff(source))
            raise
        if on and (failure := self._failed.pop(source, None)) is not None:
            raise failure

    async def switch(
        self, source: TrackSource, given: AnySource, *, is_sent: bool
    ) -> None:
        """Send *given* from now on, in place of what the client had.

        Args:
            source: In place of which.
            given: What is sent.
            is_sent: Whether a track is published, or on its way.

        Raises:
            InvalidArgumentError: If it is no source of that kind.
            PublishError: If it cannot be played; what was sent goes on.
            DisconnectedError: If the room is left meanwhile.
        """
        check_source(source, given)
        check_given(source, given)
        if is_sent:
            await self._room.switch(source, given)
        self._sources[source] = given

    def begin(self, effect: TrackEffect) -> None:
        """Begin an effect of a track."""
        source = effect.source
        match effect:
            case t.PublishTrack(_, publication):
                work = self._publish(source, publication)
                self._publishing[source] = self._owner.task(work)
            case t.UnpublishTrack():
                _cancel(self._publishing.pop(source, None))
                self._owner.start(self._unpublish(source))
            case t.MuteTrack():
                self._mute(source, muted=True)
            case t.UnmuteTrack():
                self._mute(source, muted=False)
            case t.ArmOverdue(_, wait):
                _cancel(self._timers.pop(source, None))
                self._timers[source] = self._owner.task(self._time_out(source, wait))
            case DisarmOverdue():
                _cancel(self._timers.pop(source, None))
            case _:
                assert_never(effect)

    async def _publish(self, source: TrackSource, publication: int) -> None:
        try:
            await self._room.publish(source, self._sources[source])
        except UTDStreamException as error:
            self._failed[source] = error
            failure = self._failures.of(error)
            self._post(t.PublishFailed(source, publication, failure))
        except Exception:
            self._post(t.PublishFailed(source, publication))  # nobody waits for ever
            raise  # to the log
        else:
            self._post(t.Published(source, publication))

    async def _unpublish(self, source: TrackSource) -> None:
        try:
            await self._room.unpublish(source)
        except (DisconnectedError, UsageError) as error:
            logger.debug("nothing to unpublish: %s", error)

    async def _time_out(self, source: TrackSource, wait: int) -> None:
        await self._clock.sleep(self._limit)
        self._post(t.Overdue(source, wait))

    def _mute(self, source: TrackSource, *, muted: bool) -> None:
        try:
            self._room.mute(source, muted)
            for sent in self._room.state().local.publications:
                if sent.source is source:
                    self._post(OwnMuteRead(sent))
        except DisconnectedError as error:
            logger.debug("nothing to mute: %s", error)
        except PublishError as error:
            self._failed[source] = error
            logger.warning("the %s stays muted: %s", source.value, error)


def _cancel(task: asyncio.Task[None] | None) -> None:
    # A task that posts the fact which ends it is about to end.
    if task is not None and task is not asyncio.current_task():
        task.cancel()
