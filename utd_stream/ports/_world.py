"""Time, chance, requests and the log of what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

import attrs

__all__ = [
    "Clock",
    "FactKind",
    "FactLog",
    "Http",
    "HttpAnswer",
    "Luck",
    "Websocket",
    "WebsocketEnd",
    "Websockets",
]

FactKind: TypeAlias = Literal["fact", "command", "effect", "revision", "refusal"]


class Clock(Protocol):
    """Time; everything that waits, waits here."""

    def now(self) -> datetime:
        """Return the date and time, UTC and aware."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait *seconds*; cancelling ends it at once."""
        ...

    def call_later(
        self, seconds: float, call: Callable[[], object]
    ) -> Callable[[], None]:
        """Call *call* after *seconds*; return what takes that back.

        In the thread of the loop, never within this call.

        Raises:
            UsageError: If no loop runs here.
        """
        ...

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[object]:
        """Bound the body: after *seconds* it is cancelled and TimeoutError raised.

        None bounds nothing.
        """
        ...


class Luck(Protocol):
    """Chance; whatever draws, draws here."""

    def fraction(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def token(self) -> str:
        """Return a text nobody can guess and nobody drew before."""
        ...


@attrs.frozen(kw_only=True)
class HttpAnswer:
    """What a server answered, whatever its status.

    Attributes:
        status: HTTP status.
        headers: Names in lower case.
        body: As it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http(Protocol):
    """Requests to the engine."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> HttpAnswer:
        """Send one request and return the whole answer.

        It is tried once.  Cancelling closes the connection; the server may
        have served the request all the same.

        Raises:
            ConnectError: If no connection could be made: nothing was asked.
            TransportError: If it broke afterwards: it may have been served.
            RemoteProtocolError: If the answer is far longer than any of ours.
            InvalidArgumentError: If *url* is none.
        """
        ...

    async def aclose(self) -> None:
        """Close connections of our own; those of a pool given stay."""
        ...


class FactLog(Protocol):
    """What happened, told as it happens; for whoever wants to read it later."""

    def note(self, who: str, kind: FactKind, what: object) -> None:
        """Take one fact, command, effect, revision or refusal.

        Called in the order in which things happen.  It must neither raise nor
        change anything.

        Args:
            who: Whose it is: ``engine``, ``faults``, or a client's session.
            kind: Of what it is.
            what: An attrs value, or an error; its fields are the data.
        """
        ...


@attrs.frozen(kw_only=True)
class WebsocketEnd:
    """How a websocket ended.

    Attributes:
        code: Of the close; 1006 where the wire broke.
        reason: In words of whoever closed it; empty for none.
    """

    code: int
    reason: str = ""


class Websocket(Protocol):
    """An open websocket of text."""

    async def send(self, text: str) -> None:
        """Send one message.

        Raises:
            TransportError: If it has ended, or the other end takes nothing.
        """
        ...

    async def receive(self) -> str | WebsocketEnd:
        """Return the next message, or how it has ended."""
        ...

    async def aclose(self) -> None:
        """Close it; idempotent."""
        ...


class Websockets(Protocol):
    """Websockets to the engine."""

    async def connect(self, url: str) -> Websocket:
        """Open one; it says itself that it lives, and ends where the other does not.

        Raises:
            ConnectError: If no connection could be made.
            TransportError: If the other end opens none.
            InvalidArgumentError: If *url* is none.
        """
        ...
