"""A session of a 1:1 call: who is called, who answers, and what is heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, NoReturn, TypeAlias

from utd_stream.client._arguments import checked_json
from utd_stream.client._call import CallAsker, CallEntrance
from utd_stream.client._connector import Connector, Link
from utd_stream.client._failures import Failures
from utd_stream.client._grid import naming_arguments
from utd_stream.client._journal import Journal
from utd_stream.client._owner import Owner
from utd_stream.client._runner import Runner
from utd_stream.client._signaling import Signaling
from utd_stream.client._tracks import TrackEffect, Tracks
from utd_stream.client.rules.call import (
    AnswerCall,
    CallEffect,
    CallFact,
    CallFollowed,
    CallState,
    DialCall,
    RowTold,
)
from utd_stream.client.rules.signaling import KnownCall
from utd_stream.client.session import UTDSession
from utd_stream.errors import (
    ConflictError,
    RefusedError,
    TransportTimeoutError,
    UsageError,
    UTDErrorCode,
    UTDStreamException,
)
from utd_stream.machines import calling as k
from utd_stream.machines import connection as c
from utd_stream.machines import place as p
from utd_stream.machines import track as t
from utd_stream.models.calls import CallDirection, EndInfo, UTDCall, UTDCallStatus
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import UTDStreamType
from utd_stream.ports import VideoSource
from utd_stream.reactive import Latest
from utd_stream.snapshots import call as fold
from utd_stream.snapshots.call import CallSnapshot

__all__ = ["UTDCallSession"]

_Run: TypeAlias = Runner[CallSnapshot, None, CallFact, CallEffect]
_S = k.CallingState
_RESTING = frozenset({_S.IDLE, _S.OVER})
_SETTLED = frozenset({*_RESTING, _S.OPEN, _S.CLOSING})


class UTDCallSession(UTDSession[CallSnapshot]):
    """One client's part in a call, and in the next one.

    It comes from `UTDStreamClient.call_session`, or from `IncomingCall.answer`.
    Nothing is optimistic: `status` changes when the engine says so.
    """

    def __init__(self, link: Link, kind: UTDStreamType, signaling: Signaling) -> None:
        self._kind = kind
        self._signaling = signaling
        self._run: _Run = Runner(
            CallState.first(link.identity, kind, frozenset(link.sources)),
            self._begin,
            journal=Journal(link.log, f"{link.identity} in a call"),
            clock=link.clock,
        )
        self._post = self._run.post
        owner, failures = Owner(), Failures()
        self._failures = failures
        entrance = CallEntrance(link, signaling.party_id)
        connector = Connector(
            link,
            entrance,
            owner=owner,
            post=self._post,
            number=lambda: self._run.state.connecting.data.number,
        )
        self._asker = CallAsker(
            link,
            signaling,
            entrance,
            owner=owner,
            failures=failures,
            post=self._post,
            state=lambda: self._state,
        )
        self._tracks = Tracks(
            link.sources,
            link.room,
            clock=link.clock,
            limit=link.timeouts.call,
            owner=owner,
            failures=failures,
            post=self._post,
        )
        super().__init__(link, "", self._run, connector, owner)
        signaling.follow(self._hear)

    # What is seen.

    @property
    def type(self) -> UTDStreamType:
        """Audio call or video call, as the session was made for."""
        return self._kind

    @property
    def room_name(self) -> str:
        """The media room, which has the call's id; empty without a call."""
        return self._state.call_id

    @cached_property
    def call(self) -> Latest[UTDCall | None]:
        """The newest row of the call that is made, answered or followed."""
        return self.snapshot.derive(lambda s: s.call)

    @cached_property
    def status(self) -> Latest[UTDCallStatus | None]:
        """Where the call stands; None before the engine has first answered."""
        return self.snapshot.derive(fold.status_of)

    @cached_property
    def call_id(self) -> Latest[str | None]:
        """The call's id; None without one."""
        return self.snapshot.derive(lambda s: s.call.call_id if s.call else None)

    @cached_property
    def direction(self) -> Latest[CallDirection | None]:
        """Who began the call; None without one."""
        return self.snapshot.derive(lambda s: s.direction)

    @cached_property
    def end_info(self) -> Latest[EndInfo | None]:
        """How the newest call ended; None while it goes on."""
        return self.snapshot.derive(lambda s: s.end_info)

    # What is asked.

    async def start(
        self,
        callee_identity: str,
        callee_name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> UTDCall:
        """Call somebody, and return once the microphone is published.

        In a video call the client's camera is published, too, if it has one and
        `set_camera(False)` was not said.  Where the callee is calling this person
        at that moment, it answers their call, of whichever type that is.
        Cancelling takes the call back.

        Args:
            callee_identity: Whom; 1 to 256 bytes.
            callee_name: Shown to people; at most 128 bytes.
            metadata: The app's own, for both; at most 4,096 bytes of JSON.

        Returns:
            The row as it then stands, also when the call is over already.

        Raises:
            InvalidArgumentError: If an argument is malformed, or no microphone is
                set; nobody is called.
            ConflictError: If one of them is in a call (``caller_busy``,
                ``callee_busy``), or the call was ended meanwhile.
            InvalidTransitionError: If this session has a call.
            PublishError: If microphone or camera cannot be played, or published;
                the call is ended.  Say `set_camera(False)` first to begin without
                a camera that may fail.
            ConnectError: If the SFU cannot be reached, or refuses; likewise.
            TransportTimeoutError: If it took longer than `Timeouts.call`.
            TransportError: If the engine cannot be reached.
            ClosedError: If the session is disposed.
        """
        self._tracks.check_given(TrackSource.MICROPHONE)
        return await self._enter(
            DialCall(
                callee=callee_identity,
                callee_name=callee_name,
                type=self._kind,
                metadata=checked_json("metadata", metadata),
                key=self._link.new_key(),
            )
        )

    async def accept(self, call_id: str) -> UTDCall:
        """Answer a call, and return once the microphone is published.

        A camera is published as by `start`.  Cancelling takes the answer back, or
        ends the call.

        Returns:
            The row as it then stands, also when the call is over already.

        Raises:
            InvalidArgumentError: If there can be no such call, or no microphone
                is set.
            NotFoundError: If there is no such call for this person.
            ConflictError: If another device has answered (``answered_elsewhere``),
                or it is over.
            RefusedError: If the session follows another call.
            InvalidTransitionError: If this session has a call.
            PublishError: If microphone or camera cannot be played, or published;
                the call is ended.
            ConnectError: If the SFU cannot be reached, or refuses; likewise.
            TransportTimeoutError: If it took longer than `Timeouts.call`.
            TransportError: If the engine cannot be reached.
            ClosedError: If the session is disposed.
        """
        self._tracks.check_given(TrackSource.MICROPHONE)
        return await self._enter(AnswerCall(call_id=call_id, key=self._link.new_key()))

    async def ringing(self, call_id: str) -> None:
        """Say that the call rings here, and follow it.

        Raises:
            NotFoundError: If there is no such call for this person.
            ConflictError: If it is over, or the session follows another one.
        """
        await self._follow(call_id, self._link.api.ring_call)

    async def reject(self, call_id: str) -> None:
        """Decline the call, on all devices, and follow it.

        Raises:
            NotFoundError: If there is no such call for this person.
            ConflictError: If it was answered, or is over otherwise, or the session
                follows another one.
        """
        await self._follow(call_id, self._link.api.reject_call)

    async def busy(self, call_id: str) -> None:
        """Say that one is busy, on all devices, and follow the call.

        Raises:
            NotFoundError: If there is no such call for this person.
            ConflictError: If it was answered, or is over otherwise, or the session
                follows another one.
        """
        await self._follow(call_id, self._link.api.busy_call)

    async def end(self) -> None:
        """End the call; does nothing where there is none.

        A call that rings is taken back, or declined.  Cancelling ends the waiting,
        not the hanging up.

        Raises:
            TransportTimeoutError: If the engine did not answer within
                `Timeouts.call`; it is asked again until it does.
        """
        if self._state.part in _RESTING:
            return
        self._post(k.HangUp())
        await self._until_closed(self._link.timeouts.call)

    async def leave(self) -> None:
        """Do the same as `end`."""
        await self.end()

    async def rejoin(self) -> NoReturn:
        """Refuse: a call that is over is not entered again.

        Raises:
            UsageError: Always; `start` makes another call.
        """
        message = "a call is not joined again: start another one"
        raise UsageError(message)

    async def set_microphone(self, on: bool) -> None:  # noqa: FBT001 -- as elsewhere
        """Be heard or not; off mutes, the track stays.

        Raises:
            RefusedError: If there is no call (``forbidden``), unless this undoes
                `set_microphone(False)`.
            InvalidArgumentError: If no microphone is set.
            PublishError: If it cannot be played, or published; the call goes on.
        """
        self._check_open()
        await self._turn(TrackSource.MICROPHONE, on=on)

    async def set_camera(self, on: bool) -> None:  # noqa: FBT001 -- as elsewhere
        """Be seen or not; off withdraws the track.

        Said before a call, off holds for the calls that follow.  What is on is on
        again after a reconnect, and off after the call, unless the client was given
        a camera.  It returns once the track is published or withdrawn, or the call is
        over.  Cancelled while it publishes, it withdraws the track.

        Raises:
            RefusedError: If there is no call, or one of sound alone (``forbidden``).
            InvalidArgumentError: If no camera is set.
            PublishError: If it cannot be played, or published; the call goes on.
            ClosedError: If the session is disposed.
        """
        self._check_video("set_camera", on=on)
        await self._turn(TrackSource.CAMERA, on=on)

    async def set_screen_share(self, on: bool) -> None:  # noqa: FBT001 -- as elsewhere
        """Show the client's screen beside the camera, or no more.

        It is on only where this is said, and until the call is over.  Otherwise as
        `set_camera`.
        """
        self._check_video("set_screen_share", on=on)
        await self._turn(TrackSource.SCREEN_SHARE, on=on)

    async def switch_camera(self, source: VideoSource) -> None:
        """Film with *source* from now on, also in later calls of this session.

        A track that is published goes on and shows the new pictures.  One that is
        not stays off; `set_camera` turns it on.

        Args:
            source: Opened anew, also where it equals the camera before.

        Raises:
            InvalidArgumentError: If it is no video source.
            RefusedError: If the session is of an audio call (``forbidden``).
            PublishError: If it cannot be played; the camera before goes on.
            DisconnectedError: If the call ends meanwhile.
            ClosedError: If the session is disposed.
        """
        self._check_open()
        if not self._kind.has_video:
            self._refuse_video("switch_camera")
        kind = TrackSource.CAMERA
        sent = {t.TrackState.PUBLISHING, t.TrackState.UP}
        is_sent = self._snapshot.value.camera in sent
        await self._tracks.switch(kind, source, is_sent=is_sent)
        if self._snapshot.value.camera is t.TrackState.UP:
            self._post(t.TurnOn(kind))  # the one before may have ended

    # The shell.

    @property
    def _state(self) -> CallState:
        state = self._run.state
        assert isinstance(state, CallState)  # noqa: S101 -- as it was made
        return state

    def _begin(self, effect: CallEffect) -> None:
        if isinstance(effect, c.ConnectionEffect):
            self._connector.begin(effect)
        elif isinstance(effect, TrackEffect):
            self._tracks.begin(effect)
        elif isinstance(effect, k.CallingEffect):
            self._asker.begin(effect)

    def _hear(self, known: KnownCall) -> None:
        if known.call.call_id == self._state.call_id:
            self._post(RowTold(known.call, known.ended))

    async def _enter(self, asked: DialCall | AnswerCall) -> UTDCall:
        self._check_open()
        limit = self._link.timeouts.call
        await self._until_closed(limit)
        self._connector.forget()
        self._post(asked)
        op = self._state.data.op
        try:
            async with self._link.clock.timeout(limit):
                now = await self.snapshot.until(lambda s: s.part in _SETTLED)
        except UTDStreamException:
            raise
        except TimeoutError as error:
            self._post(p.Cancelled(op, p.WaitEnd.TIMED_OUT))
            message = f"no call within {limit:g} s; it is taken back"
            raise TransportTimeoutError(message) from error
        except asyncio.CancelledError:
            self._post(p.Cancelled(op, p.WaitEnd.CALLER_LEFT))
            raise
        if now.call is not None and now.part in {_S.OPEN, _S.OVER}:
            return now.call
        with naming_arguments():
            raise self._failed()

    def _failed(self) -> UTDStreamException:
        failure = self._state.failure
        if failure is not None:
            return self._failures.error(failure)
        if self._connector.failure is not None:
            return self._connector.failure
        message = "the call was ended while it was entered"
        return ConflictError(message)

    async def _follow(
        self, call_id: str, method: Callable[[str], Awaitable[UTDCall]]
    ) -> None:
        self._check_open()
        if self._state.part is _S.OFFERED and self._state.call_id != call_id:
            message = f"this session follows {self._state.call_id}; end it first"
            raise ConflictError(message)
        with naming_arguments():
            call = await method(call_id)
        self._signaling.tell(call)
        self._post(CallFollowed(call))

    async def _until_closed(self, limit: float) -> None:
        try:
            await self.snapshot.until(lambda s: s.part is not _S.CLOSING, limit)
        except TransportTimeoutError as error:
            message = f"the call was not ended within {limit:g} s; it is asked again"
            raise TransportTimeoutError(message) from error

    def _check_video(self, command: str, *, on: bool) -> None:
        self._check_open()
        call = self._snapshot.value.call
        is_sound = on and call is not None and not call.type.has_video
        if is_sound or not self._kind.has_video:
            self._refuse_video(command)

    def _refuse_video(self, command: str) -> NoReturn:
        code, part = UTDErrorCode.FORBIDDEN.value, self._state.part.value
        hint = "an audio call carries microphones only"
        raise RefusedError(code, "calling", command, part, hint)

    async def _turn(self, source: TrackSource, *, on: bool) -> None:
        async def settled() -> None:
            await self.snapshot.until(lambda s: fold.is_settled(s, source))

        await self._tracks.turn(source, on=on, settled=settled)

    async def _leave(self) -> None:
        if self._state.part not in _RESTING:
            self._post(k.HangUp())
            # The engine ends a call whose parties are gone.
            with suppress(TransportTimeoutError):
                await self._until_closed(self._link.timeouts.goodbye)
        self._say_leave()
        await self._connector.released()

    async def _dispose(self) -> None:
        try:
            await super()._dispose()
        finally:
            self._signaling.unfollow(self._hear)
