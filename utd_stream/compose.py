"""The public client: it chooses the adapters and hands them to the sessions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from types import TracebackType
from typing import Self

import aiohttp
import attrs

from utd_stream._border import HomeLoop, border
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.http import AiohttpHttp
from utd_stream.adapters.luck import SystemLuck
from utd_stream.client._arguments import (
    checked_app_id,
    checked_kind,
    checked_url,
    request_of,
)
from utd_stream.client._audio_room import Mint
from utd_stream.client._connector import Link
from utd_stream.client._grid import check_mode, naming_arguments
from utd_stream.client._rest import Rest
from utd_stream.client._sign_in import SessionProvider, SignIn
from utd_stream.client._signaling import Signaling, signal_url
from utd_stream.client._sources import given_sources
from utd_stream.client._wishes import ungranted
from utd_stream.client.api import UTDApi
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.client.call import UTDCallSession
from utd_stream.client.incoming import IncomingCall
from utd_stream.client.room import UTDRoom as _Room
from utd_stream.client.timeouts import Timeouts
from utd_stream.contract.answers import UTDTokenResponse
from utd_stream.contract.requests import SessionRequest, TokenRequest
from utd_stream.errors import ClosedError, InvalidArgumentError, UsageError
from utd_stream.machines.signal import SignalState
from utd_stream.models.calls import UTDCall
from utd_stream.models.rooms import SeatMode, UTDRole, UTDStreamType
from utd_stream.ports import (
    AudioSource,
    Clock,
    FactLog,
    Http,
    Luck,
    Media,
    VideoSource,
    Websockets,
)
from utd_stream.reactive import Events, Latest

__all__ = ["DEFAULT_BASE_URL", "Ports", "UTDRoom", "UTDStreamClient"]

logger: logging.Logger = logging.getLogger("utd_stream.client")

DEFAULT_BASE_URL = "http://127.0.0.1:8080"


def _livekit() -> Media:
    # Its native library takes half a second, and an embedded world needs none.
    from utd_stream.adapters.livekit_rtc import LiveKitMedia  # noqa: PLC0415 -- above

    return LiveKitMedia()


@border
class UTDRoom(_Room):
    """One room at the SFU, over LiveKit unless told otherwise.

    Args:
        adaptive_stream: Take remote video at the quality its readers ask for.
        dynacast: Send no video layer that nobody receives.
        media: The media plane; LiveKit's client by default.
        clock: Time; the loop's by default.
    """

    def __init__(
        self,
        adaptive_stream: bool = True,  # noqa: FBT001, FBT002 -- as in the other SDKs
        dynacast: bool = True,  # noqa: FBT001, FBT002 -- as in the other SDKs
        *,
        media: Media | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(
            adaptive_stream,
            dynacast,
            media=media or _livekit(),
            clock=clock or AsyncioClock(),
        )


@attrs.frozen(kw_only=True)
class Ports:
    """The world, as a client sees it.

    Attributes:
        http: Requests to the engine.
        websockets: Signaling sockets to the engine; None for none.
        media: The media plane.
        clock: Time.
        luck: Chance.
        log: Told what happens; None for nobody.
        home: The event loop that all of it belongs to.
    """

    http: Http
    websockets: Websockets | None = None
    media: Media = attrs.field(factory=_livekit)
    clock: Clock = attrs.field(factory=AsyncioClock)
    luck: Luck = attrs.field(factory=SystemLuck)
    log: FactLog | None = None
    home: HomeLoop = attrs.field(factory=HomeLoop)


def _real(pool: aiohttp.ClientSession | None) -> Ports:
    http = AiohttpHttp(session=pool)
    return Ports(http=http, websockets=http)


@border
class UTDStreamClient:
    """One signed-in user of one app.

    An async context manager.  Sessions are disposed by themselves, before the
    client is closed.

    Args:
        app_id: Of the app.
        app_key: Its publishable key; None where `session_provider` mints.
        base_url: Of the engine.
        token_base_url: Of the engine that mints, where that is another one.
        microphone: What is heard of this client, such as ``Tone(440)``.
        camera: What is seen of it in video calls, such as ``TestPattern()``.
        screen: What `UTDCallSession.set_screen_share` shows.
        session_provider: ``async (identity) -> user_token``, for apps whose own
            back end mints.  What it raises is the cause of a `TransportError`,
            unless it is an error of this package.
        timeouts: Limits of waiting.
        session: An aiohttp session whose connector is shared: connections, TLS,
            and with its `trust_env` the environment's proxy.  Its settings of
            requests (headers, auth, cookies, timeouts, `raise_for_status`,
            `base_url`, `proxy` and others) do not count.  It stays open when
            the client closes.
        ports: The world; the real one by default.

    Raises:
        InvalidArgumentError: If an argument is malformed, a source cannot be
            opened, or neither a key nor a provider is given.
    """

    def __init__(  # noqa: PLR0913 -- the settings of a client
        self,
        app_id: str,
        app_key: str | None = None,
        *,
        base_url: str = DEFAULT_BASE_URL,
        token_base_url: str | None = None,
        microphone: AudioSource | None = None,
        camera: VideoSource | None = None,
        screen: VideoSource | None = None,
        session_provider: SessionProvider | None = None,
        timeouts: Timeouts | None = None,
        session: aiohttp.ClientSession | None = None,
        ports: Ports | None = None,
    ) -> None:
        if app_key is None and session_provider is None:
            message = "give app_key, or session_provider if your back end mints"
            raise InvalidArgumentError(message)
        self._app_id = checked_app_id(app_id)
        checked_kind("app_key", app_key, str)
        if session_provider is not None and not callable(session_provider):
            kind = type(session_provider).__name__
            message = f"session_provider must be a coroutine function, not {kind}"
            raise InvalidArgumentError(message)
        self._timeouts = checked_kind("timeouts", timeouts, Timeouts) or Timeouts()
        pool = checked_kind("session", session, aiohttp.ClientSession)
        self._ports = checked_kind("ports", ports, Ports) or _real(pool)
        self._home = self._ports.home
        self._sources = given_sources(
            microphone=microphone, camera=camera, screen=screen
        )
        self._base_url = base_url = checked_url("base_url", base_url)
        self._rest = Rest(
            http=self._ports.http,
            clock=self._ports.clock,
            luck=self._ports.luck,
            base_url=base_url,
            token_base_url=checked_url("token_base_url", token_base_url or base_url),
            app_id=app_id,
            app_key=app_key,
            timeout=self._timeouts.request,
        )
        self._api = UTDApi(self._rest)
        self._sign_in = SignIn(
            self._rest,
            self._api,
            self._ports.clock,
            session_provider,
            can_mint=app_key is not None,
        )
        self._signaling = Signaling(
            websockets=self._ports.websockets,
            rest=self._rest,
            api=self._api,
            sign_in=self._sign_in,
            clock=self._ports.clock,
            luck=self._ports.luck,
            log=self._ports.log,
            actions=_Actions(self),
        )
        self._closing: asyncio.Task[None] | None = None
        # Sessions that are joining.
        self._joining: dict[UTDAudioRoomSession, None] = {}
        # Tasks that end sessions whose join was cancelled, each with its room.
        self._left: dict[asyncio.Task[None], str] = {}

    @property
    def identity(self) -> str | None:
        """Who is signed in or joined; fixed once that has succeeded."""
        return self._sign_in.identity

    @property
    def incoming_calls(self) -> Events[IncomingCall]:
        """Each call that begins to ring here, once `authenticate` has signed in.

        After a lost socket none is lost, and none told twice.
        """
        return self._signaling.incoming.events

    @property
    def ringing_calls(self) -> Latest[tuple[IncomingCall, ...]]:
        """The calls that ring here now, oldest first."""
        return self._signaling.ringing.latest

    @property
    def signal_state(self) -> Latest[SignalState]:
        """Where the signaling socket stands."""
        return self._signaling.state.latest

    @property
    def api(self) -> UTDApi:
        """Every call of the contract, typed."""
        return self._api

    async def authenticate(
        self, identity: str, name: str | None = None, device_id: str | None = None
    ) -> str:
        """Sign in without a room and return the user token; it renews by itself.

        Args:
            identity: Who; 1 to 256 bytes.
            name: Shown to people; at most 128 bytes.
            device_id: The app's own name for the device.

        Raises:
            InvalidArgumentError: If an argument is malformed, or this client is
                somebody else already.
            FeatureDisabledError: If the app lets only its back end mint.
            EngineError: If the engine says no.
            TransportError: If it cannot be reached, or `session_provider` fails.
        """
        request = request_of(
            SessionRequest, identity=identity, name=name, device_id=device_id
        )
        await self._claim(request.identity)
        try:
            token = await self._sign_in.authenticate(identity, name, device_id)
        except BaseException:
            self._sign_in.release()
            raise
        self._sign_in.keep()
        self._open_signaling(identity)
        return token

    def call_session(self, type: UTDStreamType) -> UTDCallSession:  # noqa: A002 -- the other SDKs' name
        """Return a session for calls, with no call so far.

        Args:
            type: Audio call or video call.

        Raises:
            InvalidArgumentError: If *type* is no call's.
            UsageError: Before `authenticate`.
            ClosedError: If the client is closed.
        """
        kind = checked_kind("type", type, UTDStreamType)
        if kind is None or not kind.is_call:
            message = f"type must be AUDIO_CALL or VIDEO_CALL, not {type!r}"
            raise InvalidArgumentError(message)
        self._check_open()
        if self.identity is None or not self._signaling.is_open:
            message = "nobody is signed in: await authenticate() first"
            raise UsageError(message)
        return UTDCallSession(self._link(self.identity), kind, self._signaling)

    async def join_audio_room(  # noqa: PLR0913 -- what a host may seed
        self,
        identity: str,
        room_name: str,
        *,
        as_host: bool = False,
        name: str | None = None,
        device_id: str | None = None,
        seat_count: int | None = None,
        seat_mode: SeatMode | None = None,
        mode_id: str | None = None,
        host_seat: int | None = None,
        image: str | None = None,
    ) -> UTDAudioRoomSession:
        """Mint, connect, and return the session.

        A join that fails has given back what it got when it raises.  Cancelling
        leaves nobody in the room.

        Args:
            identity: Who; 1 to 256 bytes.
            room_name: Which room; it begins with the first who joins.
            as_host: Ask for the role of host; `is_host` says whether the engine
                granted it, and a warning in the log names who can.
            name: Shown to people; at most 128 bytes.
            device_id: The app's own name for the device.
            seat_count: Size of the grid, 1 to 100; from its first host only.
            seat_mode: Who may sit; from its first host only.
            mode_id: The app's own name for its layout; from its first host only.
            host_seat: Where the first host sits down at once.
            image: Address of a picture, shown on the seat; at most 256 bytes.

        Raises:
            InvalidArgumentError: If an argument is malformed, or this client is
                somebody else already.
            EngineError: If the engine says no.
            TransportError: If it cannot be reached, or `session_provider` fails.
            ConnectError: If the SFU cannot be reached, or refuses.
            DisconnectedError: If the SFU ended the connection, and why.
            DescriptorLimitError: If too few descriptors are left.
        """
        mode = check_mode(seat_mode)
        request = request_of(
            TokenRequest,
            type=UTDStreamType.AUDIO_ROOM.value,
            room_name=room_name,
            identity=identity,
            name=name,
            role=UTDRole.HOST.value if as_host else None,
            device_id=device_id,
            seat_count=seat_count,
            seat_mode=None if mode is None else mode.value,
            mode_id=mode_id,
            host_seat=host_seat,
            image=image,
        )
        await self._claim(identity)
        session = UTDAudioRoomSession(
            self._link(identity), room_name, self._minter(request)
        )
        self._joining[session] = None
        try:
            # A cancelled join of this room leaves first.
            while left := [
                task for task, room in self._left.items() if room == room_name
            ]:
                await asyncio.wait(left)
            with naming_arguments():
                await session.rejoin()
        except BaseException as error:
            # Cancelled or refused: the owned tasks free what was opened.
            closing = asyncio.create_task(self._give_up(session))
            self._left[closing] = room_name
            closing.add_done_callback(self._left.pop)
            if isinstance(error, Exception):
                await asyncio.wait([closing])  # whatever comes of it
                self._check_open()
            raise
        finally:
            del self._joining[session]
        self._sign_in.keep()
        return session

    def __repr__(self) -> str:
        who = "nobody" if self.identity is None else repr(self.identity)
        closed = ", closed" if self._is_closed() else ""
        return f"<{type(self).__name__} {who} of app {self._app_id!r}{closed}>"

    def dispose(self) -> Awaitable[None]:
        """Begin what `aclose` does at once, even where nobody awaits the rest.

        Raises:
            UsageError: Outside the client's own loop.
        """
        self._home.check("dispose()", needs_loop=True)
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        return asyncio.shield(self._closing)

    async def aclose(self) -> None:
        """Stop renewing and close the pool, unless it was given; idempotent.

        Joins that are under way raise `ClosedError`; it waits until they, and
        cancelled ones, have left.  Cancelling ends the waiting only.
        """
        await self.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _close(self) -> None:
        ending = [asyncio.create_task(each.aclose()) for each in self._joining]
        if ending:
            await asyncio.wait(ending)
        while self._left:
            await asyncio.wait(self._left)
        await self._signaling.aclose()
        await self._sign_in.aclose()
        await self._ports.http.aclose()

    def _open_signaling(self, identity: str) -> None:
        sign_in = self._sign_in
        url = signal_url(self._base_url, sign_in.ws_url)
        self._signaling.open(identity, url if sign_in.has_signaling else "")

    async def _claim(self, identity: str) -> None:
        # A join that was left says goodbye by its own name first.
        while self._left and self.identity not in {None, identity}:
            await asyncio.wait(self._left)
        self._check_open()
        self._sign_in.claim(identity)

    async def _give_up(self, session: UTDAudioRoomSession) -> None:
        try:
            await session.aclose()
        finally:
            self._sign_in.release()

    def _is_closed(self) -> bool:
        return self._closing is not None

    def _check_open(self) -> None:
        if self._is_closed():
            message = "the client is closed; make a new one"
            raise ClosedError(message)

    def _link(self, identity: str) -> Link:
        ports = self._ports
        return Link(
            identity=identity,
            api=self._api,
            room=UTDRoom(media=ports.media, clock=ports.clock),
            clock=ports.clock,
            timeouts=self._timeouts,
            sources=self._sources,
            new_key=self._rest.new_key,
            client_is_closed=self._is_closed,
            log=ports.log,
        )

    def _minter(self, request: TokenRequest) -> Mint:
        resuming = attrs.evolve(request, resume=True, host_seat=None)
        is_first = True

        async def mint(resume: bool) -> UTDTokenResponse:  # noqa: FBT001 -- a port
            nonlocal is_first
            await self._sign_in.prepare(request.identity)
            answer = await self._api.create_token(resuming if resume else request)
            self._sign_in.adopt(answer.user_token)
            # At the join only: later the room may have been changed.
            if is_first and (told := ungranted(request, answer)):
                logger.warning("%s", told)
            is_first = False
            return answer

        return mint


class _Actions:
    """What may be done with a call that rings at *client*."""

    def __init__(self, client: UTDStreamClient) -> None:
        self._client = client

    async def answer(self, call: UTDCall) -> UTDCallSession:
        """Answer it in a session of its own."""
        session = self._client.call_session(call.type)
        try:
            await session.accept(call.call_id)
        except BaseException:
            await session.aclose()
            raise
        return session

    async def reject(self, call: UTDCall) -> None:
        """Decline it."""
        await self._client.api.reject_call(call.call_id)

    async def busy(self, call: UTDCall) -> None:
        """Say that one is busy."""
        await self._client.api.busy_call(call.call_id)
