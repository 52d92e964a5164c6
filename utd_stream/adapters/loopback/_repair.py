"""How a client gets back to the SFU when its line broke."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from utd_stream.adapters.loopback._people import Member
from utd_stream.adapters.loopback._server import Server
from utd_stream.adapters.loopback._timers import Timer
from utd_stream.adapters.loopback._view import Snapshot
from utd_stream.errors import ConnectError, DisconnectedError
from utd_stream.models import room_events as events
from utd_stream.models.rooms import DisconnectReason

if TYPE_CHECKING:
    from utd_stream.adapters.loopback._room import LoopbackRoom

__all__ = ["ANSWER_LIMIT", "READY_DELAY", "Repair"]

# How long things take, in seconds: what never gets an answer (T22), after a
# connect until the SFU knows that the client is ready, a resume, each half of a
# full reconnect (T29, T38), the pause before an attempt, and all of them
# together (T41).
ANSWER_LIMIT = 10.0
READY_DELAY = 0.001
_NOTICE_DELAY = 0.02
_RESUME = 3.0
_HALF_REJOIN = 0.06
_ATTEMPT_PERIOD = 1.0
_LIMIT = 23.0


class Repair:
    """One client's broken line, from its loss until it is mended or given up."""

    __slots__ = (
        "_deadline",
        "_is_back",
        "_is_cut",
        "_is_fresh",
        "_lost_at",
        "_room",
        "_server",
        "_step",
        "_waiting",
        "is_running",
    )

    def __init__(self, room: LoopbackRoom, server: Server) -> None:
        self._room = room
        self._server = server
        self.is_running: bool = False
        self._is_cut = False
        # A new connection whose answer has not come.
        self._is_fresh = False
        # In again, and only waiting for tracks that are not taken.
        self._is_back = False
        self._lost_at = 0.0
        self._step: Timer | None = None
        self._deadline: Timer | None = None
        self._waiting: list[asyncio.Future[None]] = []

    async def ended(self) -> None:
        """Return once the line works.

        Raises:
            DisconnectedError: If it was given up.
        """
        while self.is_running and not self._is_back:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
        if not self._room.is_there:
            message = "the connection to the SFU ended"
            raise DisconnectedError(message)

    def stop(self) -> None:
        """Repair no more."""
        self.is_running = False
        self._cancel()
        self._wake()

    # What breaks, and what may be mended.

    def cut(self) -> None:
        """Break the line for as long as it is not mended."""
        self._is_cut = True
        self._lose()

    def mend(self) -> None:
        """Let the next attempt succeed."""
        if self._is_cut:
            self._is_cut = False
            passed = self._server.clock.monotonic() - self._lost_at
            left = _ATTEMPT_PERIOD - math.fmod(passed, _ATTEMPT_PERIOD)
            self._after(left, self._attempt)

    def lose_server(self) -> None:
        """Notice that the SFU died, and try until it is back."""
        self._lose()
        if not self._is_cut:
            self._after(_ATTEMPT_PERIOD, self._attempt)

    def resume(self) -> None:
        """Lose the signal connection alone."""
        if not self.is_running:
            self._lose()
            self._after(_NOTICE_DELAY, self._attempt)

    def reconnect(self) -> None:
        """Be told by the SFU to connect anew."""
        if not self.is_running:
            self._room.view.line.post(self._room.view.forget)
            self._lose()
            self._after(_NOTICE_DELAY, self._leave)

    # Step by step.

    def _lose(self) -> None:
        view, member = self._room.view, self._room.member
        self._is_back = False
        view.line.cut()
        if member is not None:
            self._server.silence(member)
        for sent in self._room.sent.values():
            sent.feed.is_cut = True
        if not self.is_running:
            self.is_running = True
            self._lost_at = self._server.clock.monotonic()
            view.line.post(self._tell_lost)
        if self._step is not None:
            self._step.cancel()
        if self._deadline is None:
            self._deadline = self._server.timers.after(_LIMIT, self._give_up)

    def _leave(self) -> None:
        if self._room.member is not None:
            reason = DisconnectReason.CLIENT_INITIATED
            self._server.leave(self._room.member, reason)
        self._after(_HALF_REJOIN, self._join)

    def _attempt(self) -> None:
        member = self._room.member
        if self._is_cut or member is None:
            return
        if not self._server.url:
            self._after(_ATTEMPT_PERIOD, self._attempt)
        elif member.is_present and not self._is_fresh:
            self._resume(member)
        else:
            self._room.view.line.post(self._room.view.forget)
            self._leave()

    def _resume(self, member: Member) -> None:
        self._cancel()
        self._room.view.line.is_up = True
        for sid in tuple(member.tracks):
            sent = self._room.sent.get(sid)
            if sent is None:
                self._server.unpublish(member, sid)
            else:
                sent.feed.is_cut = False
                self._server.mute(member, sid, muted=sent.feed.is_muted)
        self._server.resume(member)
        self._server.activate(member)
        self._after(_RESUME, self._room.view.line.post, self._end)

    def _join(self) -> None:
        view = self._room.view
        try:
            member = self._server.join(view.newest_entry(), view)
        except ConnectError:
            self._after(_ATTEMPT_PERIOD, self._attempt)
            return
        self._cancel()
        self._room.member, self._is_fresh = member, True
        view.line.open()
        snapshot = Snapshot.of(member)
        self._after(_HALF_REJOIN, view.line.release, self._reenter, member, snapshot)

    def _reenter(self, member: Member, snapshot: Snapshot) -> None:
        self._is_fresh = False
        self._room.view.reenter(snapshot)
        self._server.timers.after(READY_DELAY, self._server.activate, member)
        if self._republish(member):
            self._end()
        else:
            self._is_back = True
            self._wake()
            self._after(ANSWER_LIMIT, self._end)

    def _republish(self, member: Member) -> bool:
        """Publish what was published; return whether the SFU answers each."""
        is_answered = True
        for sid, sent in tuple(self._room.sent.items()):
            sent.feed.is_cut = False
            before = sent.publication
            track = self._server.publish(
                member, sent.feed, name=before.name, source=before.source
            )
            if track is None:  # the right is gone (T22); it stays
                is_answered = False
            else:
                del self._room.sent[sid]
                self._room.sent[track.publication.sid] = sent
                sent.publication = attrs.evolve(track.publication, muted=False)
                self._room.tell(events.LocalTrackRepublished(sent.shown(), sid))
        return is_answered

    def _end(self) -> None:
        self.is_running = False
        self._room.tell(events.ConnectionStateChanged("connected"))
        self._room.tell(events.Reconnected())
        self._wake()

    def _give_up(self) -> None:
        self._room.end(DisconnectReason.UNKNOWN_REASON)

    def _tell_lost(self) -> None:
        self._room.tell(events.ConnectionStateChanged("reconnecting"))
        self._room.tell(events.Reconnecting())

    def _after(
        self, seconds: float, act: Callable[..., object], *given: object
    ) -> None:
        if self._step is not None:
            self._step.cancel()
        self._step = self._server.timers.after(seconds, act, *given)

    def _cancel(self) -> None:
        for timer in (self._step, self._deadline):
            if timer is not None:
                timer.cancel()
        self._step = self._deadline = None

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)
