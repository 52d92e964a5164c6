"""One signaling socket: who signed in on it, and what it was told last.

It holds a number, not a queue: whatever is above that number it reads when it is
woken, and sends as fast as the client takes it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, NoReturn, Protocol, TypeVar

import orjson
from aiohttp import WSMsgType, web

from utd_stream.contract.endpoints import Who
from utd_stream.contract.signaling import (
    AUTH,
    AUTH_WITHIN,
    EXPIRING,
    EXPIRING_BEFORE,
    FRAMES_A_SECOND,
    READY,
    TAKEN_WITHIN,
    AuthFrame,
    CallSignal,
    ExpiringFrame,
    ReadyFrame,
    SignalClose,
)
from utd_stream.engine._births import PHONE
from utd_stream.engine._signal_table import News
from utd_stream.engine.auth import Caller
from utd_stream.engine.services import Services
from utd_stream.engine.store import Store
from utd_stream.engine.tokens import UserClaims
from utd_stream.errors import (
    FeatureDisabledError,
    InvalidRequestError,
    RateLimitedError,
    RemoteProtocolError,
    UnauthenticatedError,
    UnavailableError,
)
from utd_stream.wire import decode_json, decode_request, is_object, to_json

__all__ = ["ClosingError", "Directory", "SignalSocket"]

_T = TypeVar("_T")

# How many rows are read at once.
_PIECE = 100
_CLOSED_WITHIN = 5.0
_GONE = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED})


class ClosingError(Exception):
    """The socket is to be closed.

    Attributes:
        code: Why; None where the client has closed it, or it broke.
    """

    def __init__(self, code: SignalClose | None, why: str = "") -> None:
        super().__init__(why)
        self.code = code


class Directory(Protocol):
    """Where the sockets of everybody are found."""

    @property
    def epoch(self) -> str:
        """What names the engine's database."""
        ...

    def enter(self, socket: SignalSocket) -> None:
        """Take a socket that has signed in.

        Raises:
            ClosingError: If this person has too many.
        """
        ...


class SignalSocket:
    """A socket from its opening to its end.

    Args:
        ws: Open.
        services: Of the engine.
        directory: Told who has signed in.

    Attributes:
        app_id: Whose; empty before the sign-in.
        identity: Likewise.
        party_id: Names the client; likewise.
    """

    def __init__(
        self, ws: web.WebSocketResponse, services: Services, directory: Directory
    ) -> None:
        self.app_id: str = ""
        self.identity: str = ""
        self.party_id: str = ""
        self._ws = ws
        self._services = services
        self._clock = services.clock
        self._directory = directory
        self._seq = 0
        self._expires = 0.0
        self._news = asyncio.Event()
        self._prolonged = asyncio.Event()
        self._told: asyncio.Future[ClosingError] = (
            asyncio.get_running_loop().create_future()
        )
        # When the newest frames came.
        self._came: deque[float] = deque(maxlen=FRAMES_A_SECOND)

    def wake(self) -> None:
        """Say that there is news."""
        self._news.set()

    def close(self, code: SignalClose, why: str) -> None:
        """Close it soon; the first word counts."""
        if not self._told.done():
            self._told.set_result(ClosingError(code, why))

    async def serve(self) -> None:
        """Serve it until it is closed."""
        closing: BaseException = ClosingError(None)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._end_when_told())
                tasks.create_task(self._hear(tasks))
        except* ClosingError as group:
            closing = group.exceptions[0]
        assert isinstance(closing, ClosingError)  # noqa: S101 -- of that group
        if closing.code is not None:
            await self._close(closing.code, str(closing))

    async def _end_when_told(self) -> NoReturn:
        raise await self._told

    async def _hear(self, tasks: asyncio.TaskGroup) -> NoReturn:
        try:
            async with self._clock.timeout(AUTH_WITHIN):
                first = await self._frame()
        except TimeoutError:
            why = f"send auth within {AUTH_WITHIN:g} s"
            raise ClosingError(SignalClose.SIGNED_OUT, why) from None
        if first.get("event") != AUTH:
            why = "the first frame must be auth"
            raise ClosingError(SignalClose.SIGNED_OUT, why)
        await self._sign_in(first)
        tasks.create_task(self._tell())
        tasks.create_task(self._expire())
        while True:
            frame = await self._frame()
            if frame.get("event") == AUTH:
                await self._sign_in(frame)

    # What the client says.

    async def _frame(self) -> dict[str, Any]:
        while True:
            message = await self._ws.receive()
            if message.type in _GONE or message.type is WSMsgType.ERROR:
                raise ClosingError(None)
            self._count()
            match message.type:
                case WSMsgType.TEXT:
                    return _read(message.data)
                case WSMsgType.PING:
                    await self._bounded(self._ws.pong(message.data))
                case WSMsgType.BINARY:
                    why = "frames are text"
                    raise ClosingError(SignalClose.NO_FRAME, why)
                case _:
                    pass

    def _count(self) -> None:
        now = self._clock.monotonic()
        if len(self._came) == FRAMES_A_SECOND and now - self._came[0] < 1:
            why = f"more than {FRAMES_A_SECOND} frames a second"
            raise ClosingError(SignalClose.TOO_MUCH, why)
        self._came.append(now)

    async def _sign_in(self, frame: dict[str, Any]) -> None:
        asked, claims = self._asked(frame)
        is_first = not self.identity
        if is_first:
            self.app_id, self.identity = claims.app, claims.identity
            self.party_id = asked.party_id
            self._directory.enter(self)
        elif (claims.app, claims.identity, asked.party_id) != (
            *(self.app_id, self.identity, self.party_id),
        ):
            why = "auth names another person or client: open another socket"
            raise ClosingError(SignalClose.SIGNED_OUT, why)
        self._expires = claims.exp
        self._prolonged.set()
        await self._send_ready(asked, is_first=is_first)

    def _asked(self, frame: dict[str, Any]) -> tuple[AuthFrame, UserClaims]:
        try:
            asked = decode_request(AuthFrame, frame.get("data"))
        except InvalidRequestError as error:
            raise ClosingError(SignalClose.NO_FRAME, f"auth: {error}") from None
        try:
            caller = self._caller(asked.token)
            self._services.rates.check(caller)
        except FeatureDisabledError as error:
            raise ClosingError(SignalClose.FORBIDDEN, str(error)) from None
        except UnauthenticatedError as error:
            raise ClosingError(SignalClose.SIGNED_OUT, str(error)) from None
        except RateLimitedError as error:
            raise ClosingError(SignalClose.TOO_MUCH, str(error)) from None
        assert caller.user is not None  # noqa: S101 -- a bearer names one
        return asked, caller.user

    def _caller(self, token: str) -> Caller:
        shown = {"Authorization": f"Bearer {token}"}
        return self._services.authenticator.caller(shown, Who.BEARER)

    # What the client is told.

    async def _send_ready(self, asked: AuthFrame, *, is_first: bool) -> None:
        epoch = self._directory.epoch

        def read(store: Store) -> tuple[int, int, list[str]]:
            signals = store.signals
            return signals.floor(), signals.newest(), self._live(store)

        floor, newest, calls = await self._look(read)
        resumed = not is_first
        if is_first:
            seq = asked.seq if asked.epoch == epoch else None
            resumed = seq is not None and floor <= seq <= newest
            self._seq = seq if seq is not None and resumed else newest
        ready = ReadyFrame(
            epoch=epoch,
            seq=self._seq,
            resumed=resumed,
            calls=(),
            expires_at=self._expires_at,
        )
        told = [orjson.Fragment(call) for call in calls]
        await self._send({"event": READY, "data": {**to_json(ready), "calls": told}})

    def _live(self, store: Store) -> list[str]:
        """Return the calls of this person that ring or go on: one at most."""
        phone = store.aggregate(PHONE, (self.app_id, self.identity))
        if phone is None or not phone.call_id:
            return []
        call = store.calls.row(self.app_id, phone.call_id)
        return [call.state] if call is not None and call.is_live else []

    async def _tell(self) -> NoReturn:
        while True:
            self._news.clear()
            news, self._seq, is_more = await self._look(
                lambda store: store.signals.above(
                    self.app_id, self.identity, self._seq, _PIECE
                )
            )
            for each in news:
                await self._send(
                    {
                        "event": self._event(each),
                        "data": orjson.Fragment(each.state),
                        "seq": each.seq,
                    }
                )
            if not is_more:
                await self._news.wait()

    def _event(self, news: News) -> str:
        """Return how *news* sounds at this client."""
        is_answer = news.event == CallSignal.ACCEPTED.value
        if not is_answer or news.device == self.party_id:
            return news.event
        row = orjson.loads(news.state)
        is_mine = row["callee_identity"] == self.identity
        elsewhere = CallSignal.ANSWERED_ELSEWHERE.value
        return elsewhere if is_mine else news.event

    async def _expire(self) -> NoReturn:
        while True:
            end = self._expires
            if await self._is_prolonged_by(end - EXPIRING_BEFORE):
                continue
            expiring = ExpiringFrame(expires_at=self._expires_at)
            await self._send({"event": EXPIRING, "data": to_json(expiring)})
            if await self._is_prolonged_by(end):
                continue
            why = "the sign-in has expired: sign in again"
            raise ClosingError(SignalClose.SIGNED_OUT, why)

    async def _is_prolonged_by(self, end: float) -> bool:
        left = end - self._clock.now().timestamp()
        try:
            async with self._clock.timeout(max(left, 0.0)):
                await self._prolonged.wait()
        except TimeoutError:
            return False
        self._prolonged.clear()
        return True

    @property
    def _expires_at(self) -> datetime:
        return datetime.fromtimestamp(self._expires, UTC)

    async def _look(self, read: Callable[[Store], _T]) -> _T:
        try:
            return await self._services.writer.transact(read)
        except UnavailableError as error:
            raise ClosingError(SignalClose.STOPPING, str(error)) from None

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._bounded(self._ws.send_str(orjson.dumps(frame).decode()))

    async def _bounded(self, sending: Awaitable[None]) -> None:
        try:
            async with self._clock.timeout(TAKEN_WITHIN):
                await sending
        except TimeoutError:
            why = f"a frame was not read within {TAKEN_WITHIN:g} s"
            raise ClosingError(SignalClose.TOO_MUCH, why) from None
        except ConnectionError:
            raise ClosingError(None) from None

    async def _close(self, code: SignalClose, why: str) -> None:
        try:
            async with self._clock.timeout(_CLOSED_WITHIN):
                await self._ws.close(code=code, message=_short(why))
        except TimeoutError:
            pass  # its transport is closed by then


def _read(text: str) -> dict[str, Any]:
    try:
        frame = decode_json(text.encode())
    except (RemoteProtocolError, UnicodeEncodeError):
        raise ClosingError(SignalClose.NO_FRAME, "a frame is JSON") from None
    if not is_object(frame):
        raise ClosingError(SignalClose.NO_FRAME, "a frame is a JSON object")
    return frame


def _short(why: str) -> bytes:
    """Return *why* as the reason of a close, which has 123 bytes at most."""
    return why.encode()[:123].decode(errors="ignore").encode()
