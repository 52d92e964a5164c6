"""A call that rings on this device, as the application sees it."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from utd_stream._border import HomeLoop, border
from utd_stream.errors import ConflictError, NotFoundError
from utd_stream.models.calls import EndInfo, UTDCall
from utd_stream.reactive import Latest

if TYPE_CHECKING:
    from utd_stream.client.call import UTDCallSession

__all__ = ["CallActions", "IncomingCall"]

# What the engine says of a call that rings no more.
_OVER = (ConflictError, NotFoundError)


class CallActions(Protocol):
    """What may be done with a call that rings."""

    async def answer(self, call: UTDCall) -> UTDCallSession:
        """Answer it in a session of its own."""
        ...

    async def reject(self, call: UTDCall) -> None:
        """Decline it."""
        ...

    async def busy(self, call: UTDCall) -> None:
        """Say that one is busy."""
        ...


@border
class IncomingCall:
    """One call that rings here.

    It comes from `UTDStreamClient.incoming_calls`.
    """

    def __init__(
        self,
        call: Latest[UTDCall],
        ended: Latest[EndInfo | None],
        actions: CallActions,
        home: HomeLoop,
    ) -> None:
        self._call = call
        self._ended = ended
        self._actions = actions
        self._home = home

    @property
    def call(self) -> Latest[UTDCall]:
        """The newest row.

        Completes:
            When the call is over, or the client is closed.
        """
        return self._call

    @property
    def ended(self) -> Latest[EndInfo | None]:
        """How it ended, or stopped ringing here; None while it does not.

        Completes:
            With `call`.
        """
        return self._ended

    async def answer(self) -> UTDCallSession:
        """Answer it; return the session once the microphone is published.

        In a video call the client's camera is, too, if it has one.

        Raises:
            InvalidArgumentError: If no microphone is set.
            ConflictError: If another device has answered (``answered_elsewhere``),
                or the call is over.
            PublishError: If microphone or camera cannot be played, or published.
            TransportError: If the engine cannot be reached.
            ConnectError: If the SFU cannot be reached, or refuses.
        """
        return await self._actions.answer(self._call.value)

    async def reject(self) -> None:
        """Decline it, on all devices; does nothing when it rings no more."""
        await _quietly(self._actions.reject(self._call.value))

    async def busy(self) -> None:
        """Say that one is busy, on all devices; does nothing when it rings no more."""
        await _quietly(self._actions.busy(self._call.value))

    def __repr__(self) -> str:
        call = self._call.value
        standing = call.status.value
        return f"<IncomingCall {call.call_id} of {call.caller_identity!r}: {standing}>"


async def _quietly(asked: Awaitable[None]) -> None:
    with suppress(*_OVER):  # it rings no more, which is what was wanted
        await asked
