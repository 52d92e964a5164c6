"""What the engine is asked for a session of a call: the shell around CALLING."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, assert_never

from utd_stream.client._connector import Link
from utd_stream.client._entrance import Ticket
from utd_stream.client._failures import Failures
from utd_stream.client._owner import Owner
from utd_stream.client._place import is_lasting_no, is_no
from utd_stream.client._signaling import Signaling
from utd_stream.client.rules.call import (
    AnswerCall,
    CallAnswered,
    CallDeclined,
    CallFact,
    CallState,
    DialCall,
    RowTold,
)
from utd_stream.contract.fields import Identity, RoomOrCall, Text256
from utd_stream.contract.requests import TokenRequest
from utd_stream.errors import UTDStreamException
from utd_stream.machines import calling as k
from utd_stream.machines import place as p
from utd_stream.models.calls import HangUpReason, UTDCall

__all__ = ["CallAsker", "CallEntrance"]

# Between two tries to end a call, and two looks for its end, in seconds.
_PAUSE = 1.0
# How long an outcome is looked for after the SFU has removed this client.
_LOOKS = 5

_Ended: TypeAlias = k.HangUpAnswered | k.RequestVoided
_Post: TypeAlias = Callable[[CallFact], None]


class CallEntrance:
    """The `Entrance` of a call's media room.

    Args:
        link: What the session is made of.
        party_id: Names this client.
    """

    def __init__(self, link: Link, party_id: str) -> None:
        self._link = link
        self._party_id = party_id
        self._call: UTDCall | None = None

    def open(self, call: UTDCall) -> None:
        """Enter by *call*, whose answer holds the way in."""
        self._call = call

    async def enter(self, number: int, *, resume: bool) -> Ticket:  # noqa: ARG002 -- the port's
        """Return the way in; after an outage a fresh one."""
        call = self._call
        assert call is not None  # noqa: S101 -- opened before the connection
        if not resume and call.token is not None and call.url is not None:
            return Ticket(url=call.url, token=call.token, connection=0)
        request = TokenRequest(
            type=call.type,
            room_name=RoomOrCall(call.call_id),
            identity=Identity(self._link.identity),
            resume=resume,
            party_id=Text256(self._party_id),
        )
        answer = await self._link.api.create_token(request)
        return Ticket(url=answer.url, token=answer.token, connection=0)

    async def say_goodbye(self, connection: int | None) -> None:
        """Say nothing: whoever leaves has hung up."""

    async def read_state(self) -> None:
        """Read nothing: the row is told by signaling, or asked for."""


class CallAsker:
    """Asks the engine what CALLING calls for, and posts what it answers.

    Args:
        link: What the session is made of.
        signaling: Of the client.
        entrance: Of the session.
        owner: Of the tasks.
        failures: Of the session.
        post: Takes facts.
        state: The session's now.
    """

    def __init__(  # noqa: PLR0913 -- what it works with
        self,
        link: Link,
        signaling: Signaling,
        entrance: CallEntrance,
        *,
        owner: Owner,
        failures: Failures,
        post: _Post,
        state: Callable[[], CallState],
    ) -> None:
        self._link = link
        self._signaling = signaling
        self._entrance = entrance
        self._owner = owner
        self._failures = failures
        self._post = post
        self._state = state
        self._again: Callable[[], Awaitable[_Ended]] | None = None

    def begin(self, effect: k.CallingEffect) -> None:
        """Begin what the machine calls for."""
        match effect:
            case k.AskCreate(op) | k.AskAccept(op):
                asked = self._state_asked()
                self._owner.start(self._ask(op, asked))
            case k.TakeBack(op, declines):
                asked = self._state_asked()
                self._end(op, lambda: self._take_back(op, asked, declines=declines))
            case k.AskEnd(op, is_lost):
                call_id = self._state().call_id
                self._end(op, lambda: self._hang_up(op, call_id, is_lost=is_lost))
            case k.AskEndAgain(op):
                assert self._again is not None  # noqa: S101 -- tried before
                self._owner.start(self._try(op, self._again, after=_PAUSE))
            case k.LookForEnd(op):
                self._owner.start(self._look(op, self._state().call_id))
            case k.EnterMedia() | k.LeaveMedia() | k.PublishAgain():
                pass  # by the core: the connection and the tracks do it
            case _:
                assert_never(effect)

    def _state_asked(self) -> DialCall | AnswerCall:
        asked = self._state().asked
        assert asked is not None  # noqa: S101 -- posted with the command
        return asked

    async def _ask(self, op: int, asked: DialCall | AnswerCall) -> None:
        if isinstance(asked, AnswerCall):
            self._signaling.answers(asked.call_id, here=True)
        try:
            call = await self._request(asked, void=False)
        except UTDStreamException as error:
            if isinstance(asked, AnswerCall):
                self._signaling.answers(asked.call_id, here=False)
            failure = self._failures.of(error)
            told = CallDeclined if is_no(error) else p.AskFailed
            self._post(told(op, failure))
            return
        self._entrance.open(call)
        self._signaling.tell(call)
        # What was told since is newer, and may be the end of it.
        newest = self._signaling.newest(call.call_id)
        if newest is not None and newest.rev > call.rev:
            self._post(CallAnswered(op, newest))
        else:
            self._post(CallAnswered(op, call))

    async def _request(self, asked: DialCall | AnswerCall, *, void: bool) -> UTDCall:
        api, party_id = self._link.api, self._signaling.party_id
        match asked:
            case DialCall():
                return await api.create_call(
                    asked.callee,
                    asked.type,
                    callee_name=asked.callee_name,
                    metadata=asked.metadata,
                    party_id=party_id,
                    key=asked.key,
                    void=void,
                )
            case AnswerCall(call_id=call_id, key=key):
                return await api.accept_call(
                    call_id, party_id=party_id, key=key, void=void
                )
            case _:
                assert_never(asked)

    # Ending.

    def _end(self, op: int, how: Callable[[], Awaitable[_Ended]]) -> None:
        self._again = how
        self._owner.start(self._try(op, how))

    async def _try(
        self,
        op: int,
        how: Callable[[], Awaitable[_Ended]],
        after: float = 0.0,
    ) -> None:
        await self._link.clock.sleep(after)
        try:
            answered = await how()
        except UTDStreamException:
            self._post(k.HangUpFailed(op))
            raise  # to the log
        self._post(answered)

    async def _take_back(
        self, op: int, asked: DialCall | AnswerCall, *, declines: bool
    ) -> _Ended:
        try:
            call = await self._request(asked, void=True)
        except UTDStreamException as error:
            if not is_lasting_no(error):
                raise
        else:
            self._signaling.tell(call)
            return await self._hang_up(op, call.call_id)
        if isinstance(asked, AnswerCall):
            self._signaling.answers(asked.call_id, here=False)
            if declines:
                return await self._hang_up(op, asked.call_id)
        return k.RequestVoided(op)

    async def _hang_up(self, op: int, call_id: str, *, is_lost: bool = False) -> _Ended:
        lost = HangUpReason.CONNECTION_LOST
        try:
            call = await self._link.api.end_call(
                call_id, reason=lost if is_lost else HangUpReason.HANGUP
            )
        except UTDStreamException as error:
            if not is_lasting_no(error):
                raise
            # It is over already, or there is none: ask which it was.
            await self._read(call_id)
        else:
            self._signaling.tell(call)
            self._post(RowTold(call))
        return k.HangUpAnswered(op)

    async def _look(self, op: int, call_id: str) -> None:
        for _ in range(_LOOKS):
            await self._read(call_id)
            if self._state().data.op != op:
                return
            await self._link.clock.sleep(_PAUSE)
        if self._state().data.op == op:
            self._post(k.HangUp())

    async def _read(self, call_id: str) -> None:
        try:
            call = await self._link.api.get_call(call_id)
        except UTDStreamException as error:
            if not is_lasting_no(error):
                return
        else:
            self._signaling.tell(call)
            self._post(RowTold(call))
