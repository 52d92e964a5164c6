"""The shell around SIGNAL: the socket, what it tells, and what is asked without it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import assert_never
from urllib.parse import urlsplit

import attrs
import orjson

from utd_stream._border import HomeLoop
from utd_stream.client._journal import Journal
from utd_stream.client._mailbox import Mailbox
from utd_stream.client._owner import Owner
from utd_stream.client._rest import Rest
from utd_stream.client._sign_in import SignIn
from utd_stream.client.api import UTDApi
from utd_stream.client.incoming import CallActions, IncomingCall
from utd_stream.client.rules.signaling import (
    AnsweringHere,
    AskForCall,
    CallUnknown,
    KnownCall,
    NewsCame,
    ReadyCame,
    RowCame,
    SignalingEffect,
    SignalingFact,
    SignalingState,
    TellCall,
)
from utd_stream.contract.signaling import (
    AUTH,
    AUTH_WITHIN,
    EXPIRING,
    READY,
    SIGNAL_PATH,
    CallSignal,
    ReadyFrame,
    SignalClose,
)
from utd_stream.errors import (
    InvalidTransitionError,
    NotFoundError,
    RemoteProtocolError,
    UTDStreamException,
)
from utd_stream.machines import signal as s
from utd_stream.models.calls import EndInfo, UTDCall
from utd_stream.ports import Clock, FactLog, Luck, Websocket, WebsocketEnd, Websockets
from utd_stream.reactive import EventsSource, LatestSource
from utd_stream.wire import decode, decode_json, is_object

__all__ = ["Signaling", "signal_url"]

logger = logging.getLogger("utd_stream.client")

# Between two sockets, in seconds: doubled with each that was lost, up to the last.
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
# Between two looks at calls that go on while no socket tells, and two tries to
# renew a sign-in, in seconds.
_POLL = 5.0
_SIGNALS = {signal.value: signal for signal in CallSignal}


class Signaling:
    """One client's signaling.

    Args:
        websockets: Opens sockets; None where there can be none.
        rest: Holds the bearer, which sockets show, too.
        api: The engine.
        sign_in: Renews the bearer.
        clock: Time.
        luck: Draws the name of this client, and jitter.
        log: Told what happens; None for nobody.
        actions: What may be done with calls that ring.

    Attributes:
        party_id: Names this client at the engine.
        state: Where the socket stands.
        ringing: The calls that ring here now, oldest first.
        incoming: Each call that begins to ring here.
    """

    def __init__(  # noqa: PLR0913 -- ports, and what it works with
        self,
        *,
        websockets: Websockets | None,
        rest: Rest,
        api: UTDApi,
        sign_in: SignIn,
        clock: Clock,
        luck: Luck,
        log: FactLog | None,
        actions: CallActions,
    ) -> None:
        self._websockets = websockets
        self._rest = rest
        self._api = api
        self._sign_in = sign_in
        self._clock = clock
        self._luck = luck
        self._actions = actions
        self._owner = Owner()
        self._home = HomeLoop()
        self._journal = Journal(log, "signaling")
        self._mailbox: Mailbox[SignalingFact] = Mailbox(self._take, self._home)
        self._now = SignalingState(identity="")
        self._url = ""
        self._socket: asyncio.Task[None] | None = None
        self._ws: Websocket | None = None
        self._token: str | None = None
        self._pause: asyncio.Task[None] | None = None
        self._polling: asyncio.Task[None] | None = None
        self._rings: dict[str, _Ring] = {}
        self._followers: dict[Callable[[KnownCall], None], None] = {}
        self.party_id: str = luck.token()
        self.state: LatestSource[s.SignalState] = LatestSource(
            self._now.socket, clock, self._home
        )
        self.ringing: LatestSource[tuple[IncomingCall, ...]] = LatestSource(
            (), clock, self._home
        )
        self.incoming: EventsSource[IncomingCall] = EventsSource(clock, self._home)

    @property
    def is_open(self) -> bool:
        """Whether somebody is signed in."""
        return bool(self._now.identity)

    def open(self, identity: str, url: str) -> None:
        """Open the socket for *identity*; does nothing when it is open."""
        if not self.is_open:
            self._now = SignalingState(identity=identity)
        self._url = url
        if self._websockets is not None and url:
            self._post(s.Open())

    async def aclose(self) -> None:
        """Close it, and complete every value; idempotent."""
        if self.is_open:
            self._post(s.Close())
        ws, self._ws = self._ws, None
        await self._owner.aclose()
        if ws is not None:
            await ws.aclose()
        for ring in self._rings.values():
            ring.close()
        self.ringing.close()
        self.incoming.close()
        self.state.close()

    # What sessions say and hear.

    def newest(self, call_id: str) -> UTDCall | None:
        """Return the newest row of a call that is known."""
        known = self._now.known(call_id)
        return None if known is None else known.call

    def tell(self, call: UTDCall) -> None:
        """Take a row that REST answered."""
        self._post(RowCame(call))

    def answers(self, call_id: str, *, here: bool) -> None:
        """Hear that a session of this client answers the call, or does no more."""
        self._post(AnsweringHere(call_id, here))

    def follow(self, follower: Callable[[KnownCall], None]) -> None:
        """Tell *follower* all that becomes known of every call."""
        self._followers[follower] = None

    def unfollow(self, follower: Callable[[KnownCall], None]) -> None:
        """Tell *follower* no more."""
        self._followers.pop(follower, None)

    # Facts.

    def _post(self, fact: SignalingFact) -> None:
        self._mailbox.post(fact)

    def _take(self, fact: SignalingFact) -> None:
        if self._now.is_late(fact):
            logger.debug("late: %r", fact)
            return
        self._journal.take(fact)
        try:
            taken = self._now.take(fact)
        except InvalidTransitionError as error:
            self._journal.refuse(error)
            logger.debug("late: %s", error)
            return
        self._now = taken.state
        for derived in taken.derived:
            self._mailbox.post(derived)
        self._tell(taken.effects)
        for effect in taken.effects:
            self._journal.begin(effect)
            self._begin(effect)
        self._poll_or_not()

    def _tell(self, effects: Sequence[SignalingEffect]) -> None:
        """Show what is known now; the calls first, then that they ring."""
        told = [
            (known, each.is_incoming)
            for each in effects
            if isinstance(each, TellCall) and (known := self._now.known(each.call_id))
        ]
        for known, is_incoming in told:
            call_id = known.call.call_id
            if is_incoming:
                self._rings[call_id] = self._ring(known)
            if (ring := self._rings.get(call_id)) is not None:
                ring.see(known)
        for call_id in [i for i in self._rings if self._now.known(i) is None]:
            self._rings.pop(call_id).close()
        rings = [self._rings[i] for i in self._now.ringing if i in self._rings]
        self.ringing.set(tuple(ring.shown for ring in rings))
        self.state.set(self._now.socket)
        for known, is_incoming in told:
            call_id = known.call.call_id
            if is_incoming:
                self.incoming.emit(self._rings[call_id].shown)
                if self.incoming.listener_count or self.ringing.is_watched:
                    self._owner.start(self._say_ringing(call_id))
            for follower in list(self._followers):
                follower(known)
            if known.call.status.is_final:
                self._rings.pop(call_id, None)

    def _ring(self, known: KnownCall) -> _Ring:
        call = LatestSource(known.call, self._clock, self._home)
        ended = LatestSource(known.ended, self._clock, self._home)
        shown = IncomingCall(call.latest, ended.latest, self._actions, self._home)
        return _Ring(call, ended, shown)

    # Effects.

    def _begin(self, effect: SignalingEffect) -> None:
        match effect:
            case s.DialSocket(number, renews):
                self._drop()
                work = self._serve(number, renews=renews)
                self._socket = self._owner.task(work)
            case s.StartPause(number, tries):
                self._drop()
                self._pause = self._owner.task(self._wait(number, tries))
            case s.RenewSignIn(number):
                self._owner.start(self._prolong(number))
            case s.RenewLater(number):
                self._owner.start(self._prolong(number, after=_POLL))
            case s.DropSocket():
                self._drop()
            case AskForCall(call_id):
                self._owner.start(self._ask(call_id))
            case TellCall():
                pass  # by `_tell`, before
            case _:
                assert_never(effect)

    def _drop(self) -> None:
        for task in (self._socket, self._pause):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        self._pause = None

    async def _wait(self, number: int, tries: int) -> None:
        pause = min(_FIRST_PAUSE * 2 ** min(tries - 1, 10), _LONGEST_PAUSE)
        await self._clock.sleep(pause * (0.5 + self._luck.fraction() / 2))
        self._post(s.PauseOver(number))

    async def _serve(self, number: int, *, renews: bool) -> None:
        if renews and not await self._sign_in.renew():
            self._post(s.RenewFailed(number))
            return
        ws: Websocket | None = None
        try:
            async with self._clock.timeout(AUTH_WITHIN):
                assert self._websockets is not None  # noqa: S101 -- or nothing dials
                ws = await self._websockets.connect(self._url)
                self._ws = ws
                await self._sign_in_on(ws)
                came = await ws.receive()
            while isinstance(came, str):
                self._hear(number, came)
                came = await ws.receive()
            self._post(_end(number, came))
        except (UTDStreamException, TimeoutError) as error:
            logger.info("the signaling socket: %s", str(error) or "no answer in time")
            self._post(s.SocketLost(number))
        finally:
            if ws is not None:
                if self._ws is ws:
                    self._ws = None
                await ws.aclose()

    async def _sign_in_on(self, ws: Websocket) -> None:
        self._token = self._rest.bearer
        data: dict[str, object] = {"token": self._token, "party_id": self.party_id}
        if self._now.epoch is not None and self._now.seq is not None:
            data |= {"epoch": self._now.epoch, "seq": self._now.seq}
        await ws.send(orjson.dumps({"event": AUTH, "data": data}).decode())

    async def _prolong(self, number: int, after: float = 0.0) -> None:
        await self._clock.sleep(after)
        ws = self._ws
        if number != self._now.data.number or ws is None:
            return
        is_newer = self._rest.bearer != self._token
        if not (is_newer or await self._sign_in.renew()):
            self._post(s.RenewFailed(number))
            return
        await self._sign_in_on(ws)

    # What the socket tells.

    def _hear(self, number: int, text: str) -> None:
        try:
            fact = _read(number, text)
        except RemoteProtocolError as error:
            logger.warning("a signal that cannot be read is dropped: %s", error)
            return
        if fact is not None:
            self._post(fact)

    # What is asked while it tells nothing.

    def _poll_or_not(self) -> None:
        polls = self._now.polls
        if polls and self._polling is None:
            self._polling = self._owner.task(self._poll())
        elif not polls and self._polling is not None:
            if self._polling is not asyncio.current_task():
                self._polling.cancel()
            self._polling = None

    async def _poll(self) -> None:
        while True:
            for call_id in tuple(self._now.going):
                await self._ask(call_id)
            await self._clock.sleep(_POLL)

    async def _say_ringing(self, call_id: str) -> None:
        try:
            self._post(RowCame(await self._api.ring_call(call_id)))
        except UTDStreamException as error:
            logger.info("the engine was not told that a call rings: %s", error)

    async def _ask(self, call_id: str) -> None:
        try:
            self._post(RowCame(await self._api.get_call(call_id)))
        except NotFoundError:
            self._post(CallUnknown(call_id))
        except UTDStreamException as error:
            logger.info("a call could not be read: %s", error)


@attrs.frozen
class _Ring:
    """A call that rings or rang here, and what is seen of it."""

    call: LatestSource[UTDCall]
    ended: LatestSource[EndInfo | None]
    shown: IncomingCall

    def see(self, known: KnownCall) -> None:
        """Show what is known now."""
        self.call.set(known.call)
        self.ended.set(known.ended)
        if known.call.status.is_final:
            self.close()

    def close(self) -> None:
        """Complete both."""
        self.call.close()
        self.ended.close()


def signal_url(base_url: str, ws_url: str) -> str:
    """Return the URL of the signaling socket.

    Args:
        base_url: Of the engine, as this client reaches it.
        ws_url: As the engine told it, or empty.  Where it names the same host, the
            way by *base_url* is the better one: an engine behind a proxy knows
            neither its TLS nor its path.
    """
    told, known = urlsplit(ws_url), urlsplit(base_url)
    if told.hostname not in {None, known.hostname}:
        return ws_url
    return "ws" + base_url.rstrip("/").removeprefix("http") + SIGNAL_PATH


def _read(number: int, text: str) -> SignalingFact | None:
    frame = decode_json(text.encode())
    if not is_object(frame):
        message = "a frame is an object"
        raise RemoteProtocolError(message)
    event, data = frame.get("event"), frame.get("data")
    if event == READY:
        return ReadyCame(number, decode(ReadyFrame, data))
    if event == EXPIRING:
        return s.SignInDue(number)
    signal, seq = _SIGNALS.get(str(event)), frame.get("seq")
    if signal is None or not isinstance(seq, int):
        return None  # of an engine of tomorrow
    return NewsCame(number, seq, signal, decode(UTDCall, data))


def _end(number: int, end: WebsocketEnd) -> s.SignalEvent:
    logger.info("the signaling socket was closed: %s %s", end.code, end.reason)
    match end.code:
        case SignalClose.SIGNED_OUT:
            return s.SignInRefused(number)
        case SignalClose.FORBIDDEN:
            return s.SocketBanned(number)
        case SignalClose.REPLACED:
            return s.SocketReplaced(number)
        case _:
            return s.SocketLost(number)
