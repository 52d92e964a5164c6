"""Who is signed in, and the bearer that says so, renewed by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from utd_stream.client._owner import Owner
from utd_stream.client._rest import Rest
from utd_stream.client.api import UTDApi
from utd_stream.errors import (
    EngineError,
    InvalidArgumentError,
    TransportError,
    UTDStreamException,
)
from utd_stream.ports import Clock
from utd_stream.wire import bearer_expiry

__all__ = ["SessionProvider", "SignIn"]

SessionProvider: TypeAlias = Callable[[str], Awaitable[str]]

logger = logging.getLogger("utd_stream.client")

# A bearer is renewed when a fifth of its life is left, and at least a second
# before it ends; a failed renewal is tried again after a pause.
_LEFT = 0.2
_LEAST_LEAD = 1.0
_PAUSE = 5.0


class SignIn:
    """One user's bearer.

    Args:
        rest: Carries the bearer.
        api: Mints and refreshes it.
        clock: Time.
        provider: Mints for apps whose own back end does.
        can_mint: Whether an app key is at hand to mint with.
    """

    def __init__(
        self,
        rest: Rest,
        api: UTDApi,
        clock: Clock,
        provider: SessionProvider | None,
        *,
        can_mint: bool,
    ) -> None:
        self._rest = rest
        self._api = api
        self._clock = clock
        self._provider = provider
        self._can_mint = can_mint
        self._owner = Owner()
        self._renewing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._name: str | None = None
        self._device_id: str | None = None
        self._is_closed = False
        self._claims = 0
        self._is_fixed = False
        self.identity: str | None = None
        # Where the engine says that signaling is; empty where nobody has said so.
        self.ws_url: str = ""
        self.has_signaling: bool = True
        rest.renew = self.renew

    def claim(self, identity: str) -> None:
        """Be *identity*, until this is kept or released.

        Raises:
            InvalidArgumentError: If it is somebody else already.
        """
        if self.identity not in {None, identity}:
            message = (
                f"this client is {self.identity!r}; "
                "make another client for another identity"
            )
            raise InvalidArgumentError(message)
        self.identity = identity
        self._claims += 1

    def keep(self) -> None:
        """Fix who this client is: what it was claimed for has succeeded."""
        self._claims -= 1
        self._is_fixed = True

    def release(self) -> None:
        """Be nobody again, unless something else has succeeded or may do so."""
        self._claims -= 1
        if not (self._claims or self._is_fixed):
            self.identity = None
            self._rest.bearer = None
            if self._renewing is not None:
                self._renewing.cancel()

    async def authenticate(
        self, identity: str, name: str | None, device_id: str | None
    ) -> str:
        """Mint a bearer for *identity*, attach it, and return it."""
        self._name, self._device_id = name, device_id
        return await self._mint(identity)

    async def prepare(self, identity: str) -> None:
        """See that a bearer is attached where only a provider mints them."""
        if self._provider is not None and self._rest.bearer is None:
            await self._mint(identity)

    def adopt(self, token: str) -> None:
        """Use *token* from now on, and renew it before it ends."""
        self._rest.bearer = token
        before = self._renewing
        if before is not None and before is not asyncio.current_task():
            before.cancel()
        if not self._is_closed:
            self._renewing = self._owner.task(self._keep_fresh())

    async def aclose(self) -> None:
        """Renew no more."""
        self._is_closed = True
        await self._owner.aclose()

    async def _mint(self, identity: str) -> str:
        if self._provider is not None:
            token = await _provided(self._provider, identity)
        else:
            answer = await self._api.create_session(
                identity, name=self._name, device_id=self._device_id
            )
            token = answer.user_token
            self.ws_url = answer.ws_url
            self.has_signaling = answer.signaling_enabled
        self.adopt(token)
        return token

    async def _keep_fresh(self) -> None:
        token = self._rest.bearer
        ends_at = bearer_expiry(token or "")
        if ends_at is None:
            return  # not ours to read: renewed when the engine refuses it
        left = (ends_at - self._clock.now()).total_seconds()
        wait = left - max(left * _LEFT, _LEAST_LEAD)
        # If it came ended this machine's clock may be wrong, and so all will.
        await self._clock.sleep(wait if wait > 0 else _PAUSE)
        while not await self._renew(token):
            await self._clock.sleep(_PAUSE)

    async def renew(self) -> bool:
        """Get a newer bearer; return whether there is one."""
        return await self._renew(self._rest.bearer)

    async def _renew(self, stale: str | None) -> bool:
        async with self._turn:
            if self._rest.bearer != stale:
                return True  # somebody else did, while this one waited
            try:
                await self._refresh_or_mint()
            except UTDStreamException as error:
                logger.warning("the bearer could not be renewed: %s", error)
                return False
            return True

    async def _refresh_or_mint(self) -> None:
        try:
            answer = await self._api.refresh_session()
        except EngineError as error:
            mints = self._provider or self._can_mint
            if error.retryable or self.identity is None or not mints:
                raise
        else:
            self.adopt(answer.user_token)
            return
        await self._mint(self.identity)


async def _provided(provider: SessionProvider, identity: str) -> str:
    try:
        token: Any = await provider(identity)
    except UTDStreamException:
        raise
    except Exception as error:
        # The app's own code; as a rule its back end is away.
        message = f"the session_provider failed: {type(error).__name__}"
        raise TransportError(message) from error
    if not isinstance(token, str) or not token:
        message = "the session_provider returned no token; it must return a user_token"
        raise InvalidArgumentError(message)
    return token
