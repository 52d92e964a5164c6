"""Media planes under test, and people in their rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import attrs
import numpy as np
import pytest
import pytest_asyncio

from tests.engine.manual_clock import ServingLoop
from tests.patience import PatientClock, patient, patiently
from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.adapters.livekit_rtc import LiveKitMedia
from utd_stream.adapters.loopback import Loopback
from utd_stream.errors import DisconnectedError
from utd_stream.media import Tone
from utd_stream.models import (
    AudioFrame,
    Permission,
    TrackSource,
    VideoFrame,
    VideoQuality,
)
from utd_stream.models.room_events import RoomEvent, TokenRefreshed
from utd_stream.ports import Clock, Media, MediaRoom, RoomState, Sfu
from utd_stream.testing import VirtualLoop

__all__ = [
    "LISTENER",
    "MICROPHONE",
    "ON_EVERY_PLANE",
    "SPEAKER",
    "Guest",
    "Plane",
    "eventually",
    "heard_hz",
    "livekit_plane",
    "loopback_plane",
    "plane",
    "pytest_asyncio_loop_factories",
    "pytest_itemcollected",
    "token_claims",
]

_T = TypeVar("_T")

MICROPHONE = TrackSource.MICROPHONE
LISTENER = Permission(can_publish_sources=(MICROPHONE,))
SPEAKER = Permission(can_publish=True, can_publish_sources=(MICROPHONE,))


async def eventually(question: Callable[[], _T | None], *, timeout: float = 10.0) -> _T:
    """Return the first true answer to *question*, asked again and again."""
    async with patiently(timeout):
        while not (answer := question()):  # noqa: ASYNC110 -- not all has its event
            await asyncio.sleep(0.01)
    return answer


def token_claims(
    identity: str,
    room: str,
    permission: Permission,
    *,
    valid_for: float = 600.0,
    now: datetime | None = None,
) -> dict[str, object]:
    """What a media token says, but for its issuer."""
    made_at = now or datetime.now(UTC)
    return {
        "sub": identity,
        "nbf": int((made_at - timedelta(hours=1)).timestamp()),
        "exp": int((made_at + timedelta(seconds=valid_for)).timestamp()),
        "video": {
            "roomJoin": True,
            "room": room,
            "canPublish": permission.can_publish,
            "canPublishSources": [
                each.value for each in permission.can_publish_sources
            ],
            "canPublishData": permission.can_publish_data,
            "canSubscribe": permission.can_subscribe,
            "hidden": permission.hidden,
        },
    }


class Guest:
    """Somebody in a room, through the Media port alone, and what they were told."""

    def __init__(self, room: MediaRoom) -> None:
        self.room = room
        self.told: list[RoomEvent] = []
        room.watch(self.told.append)

    @property
    def state(self) -> RoomState:
        """What the room knows now."""
        return self.room.state()

    async def publish_tone(self, hz: float = 440.0) -> None:
        """Publish a tone as the microphone."""
        await self.room.publish_audio(Tone(hz), name="mic", track_source=MICROPHONE)

    def video(
        self,
        identity: str,
        source: TrackSource,
        quality: VideoQuality = VideoQuality.HIGH,
    ) -> AsyncIterator[VideoFrame]:
        """Return somebody's pictures."""
        return self.room.video(identity, source, quality)

    def of(self, kind: type[_T]) -> list[_T]:
        """The events of one class, as they came."""
        return [event for event in self.told if isinstance(event, kind)]

    async def hears(self, kind: type[_T], *, timeout: float = 10.0) -> _T:
        """Wait for the first event of a class."""
        return (await eventually(lambda: self.of(kind), timeout=timeout))[0]

    async def sees(
        self, question: Callable[[RoomState], object], *, timeout: float = 10.0
    ) -> None:
        """Wait until the answer, read from the state, is true."""

        def answer() -> object:
            try:
                return question(self.room.state())
            except DisconnectedError:
                return False

        await eventually(answer, timeout=timeout)

    async def sees_remote(self, identity: str) -> None:
        """Wait until *identity* is announced."""
        await self.sees(lambda now: identity in {each.identity for each in now.remotes})

    async def has(self, permission: Permission) -> None:
        """Wait until just these rights are there."""
        await self.sees(lambda now: now.local.permission == permission)

    async def may_publish(self, *, expected: bool = True) -> None:
        """Wait until the right to publish a microphone is there, or gone."""
        await self.sees(
            lambda now: now.local.permission.may_publish(MICROPHONE) is expected
        )


@attrs.define(eq=False)
class Plane:
    """A media plane from both sides, and everybody who came through it."""

    media: Media
    sfu: Sfu
    url: str
    app_id: str
    clock: Clock = attrs.field(factory=PatientClock)
    guests: list[Guest] = attrs.field(factory=list)

    def room(self, name: str = "room") -> str:
        """The SFU's name of a room which no other test uses."""
        return f"p{self.app_id}_{name}"

    def token(
        self,
        identity: str,
        *,
        room: str = "room",
        permission: Permission = SPEAKER,
        valid_for: float = 600.0,
    ) -> str:
        """A media token."""
        claims = self.claims(
            identity, room=room, permission=permission, valid_for=valid_for
        )
        return self.sfu.sign_token(claims)

    def claims(
        self,
        identity: str,
        *,
        room: str = "room",
        permission: Permission = SPEAKER,
        valid_for: float = 600.0,
    ) -> dict[str, object]:
        """What a media token says."""
        return token_claims(
            identity,
            self.room(room),
            permission,
            valid_for=valid_for,
            now=self.clock.now(),
        )

    def guest(self) -> Guest:
        """Somebody who is not in a room yet."""
        guest = Guest(self.media.open(adaptive_stream=True, dynacast=True))
        self.guests.append(guest)
        return guest

    async def enter(
        self, identity: str, *, room: str = "room", permission: Permission = SPEAKER
    ) -> Guest:
        """Somebody who has entered."""
        guest = self.guest()
        token = self.token(identity, room=room, permission=permission)
        await guest.room.connect(self.url, token, auto_subscribe=True)
        return guest

    async def listed(self, room: str = "room") -> dict[str, str]:
        """The sid of everybody in the room, by identity, as the SFU lists them."""
        present = await self.sfu.list_participants(self.room(room))
        return {each.identity: each.sid for each in present}

    async def until(
        self, question: Callable[[], Awaitable[object]], *, timeout: float = 10.0
    ) -> None:
        """Wait until the SFU's answer is true; it is asked: it tells nobody."""
        async with self.clock.timeout(timeout):
            while not await question():
                await self.clock.sleep(0.01)

    async def sees(
        self, *identities: str, room: str = "room", timeout: float = 25.0
    ) -> None:
        """Wait until the SFU lists just these people.

        As a rule at once; it takes 20 s where a busy machine lost a farewell.
        """

        async def is_listed() -> bool:
            return set(await self.listed(room)) == set(identities)

        await self.until(is_listed, timeout=timeout)

    async def sees_tracks(
        self, identity: str, *sources: TrackSource, room: str = "room"
    ) -> None:
        """Wait until the SFU lists just these tracks; it does when sound comes."""

        async def is_listed() -> bool:
            present = await self.sfu.list_participants(self.room(room))
            listed = {each.identity: each.track_sources for each in present}
            return sorted(listed[identity], key=str) == sorted(sources, key=str)

        await self.until(is_listed)

    async def allow(
        self, identity: str, permission: Permission, *, metadata: str = ""
    ) -> None:
        """Grant by the engine's side."""
        await self.sfu.update_participant(
            self.room(), identity, permission=permission, metadata=metadata
        )

    async def regrant(
        self, guest: Guest, permission: Permission, *, metadata: str = ""
    ) -> None:
        """Grant, and wait for the token that says so: by it one connects anew (T9)."""
        await guest.hears(TokenRefreshed)  # the one that every newcomer gets
        before = len(guest.of(TokenRefreshed))
        identity = guest.state.local.identity
        await self.allow(identity, permission, metadata=metadata)
        await guest.has(permission)
        await eventually(lambda: len(guest.of(TokenRefreshed)) > before)

    async def aclose(self) -> None:
        """Everybody leaves."""
        for guest in self.guests:
            await guest.room.disconnect()
        await self.sfu.aclose()


def livekit_plane(server: LiveKitProcess, app_id: str) -> Plane:
    """The plane of one LiveKit server."""
    sfu = LiveKitSfu(
        server.http_url, server.api_key, server.api_secret, timeout=patient(10)
    )
    return Plane(media=LiveKitMedia(), sfu=sfu, url=server.url, app_id=app_id)


def loopback_plane(clock: Clock, app_id: str) -> Plane:
    """A plane in memory."""
    sfu = Loopback(clock)
    return Plane(media=sfu, sfu=sfu, url=sfu.URL, app_id=app_id, clock=clock)


# Sockets need real time; what is in memory has its own.
_LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "livekit": asyncio.new_event_loop,
    "loopback": VirtualLoop,
}

# Fixtures that ask their loop which plane they are on.
ON_EVERY_PLANE = frozenset({"plane", "mortal", "world", "hasty_world", "mortal_world"})


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run each test with a plane over every plane, on the loop it needs."""
    if _has_plane(item):
        return _LOOPS
    is_virtual = item.get_closest_marker("virtual_time") is not None
    return {"plain": ServingLoop if is_virtual else asyncio.new_event_loop}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs a LiveKit server."""
    called = getattr(item, "callspec", None)
    in_memory = called is not None and VirtualLoop in called.params.values()
    if _has_plane(item) and not in_memory:
        item.add_marker("livekit")


def _has_plane(item: pytest.Item) -> bool:
    return not ON_EVERY_PLANE.isdisjoint(getattr(item, "fixturenames", ()))


@pytest_asyncio.fixture
async def plane(request: pytest.FixtureRequest, app_id: str) -> AsyncIterator[Plane]:
    """The media plane of the loop: in memory where time is virtual."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, VirtualLoop):
        opened = loopback_plane(loop.clock, app_id)
    else:
        opened = livekit_plane(request.getfixturevalue("livekit"), app_id)
    yield opened
    await opened.aclose()


async def heard_hz(frames: AsyncIterator[AudioFrame], *, seconds: float = 0.5) -> float:
    """The strongest frequency among the next frames that are no silence."""
    heard = bytearray()
    async with patiently(10):
        async for frame in frames:
            samples = np.frombuffer(frame.samples, "<i2")
            if np.abs(samples).max(initial=0) > 1_000 or heard:
                heard += frame.samples
            if len(heard) >= 2 * 48_000 * seconds:
                break
    samples = np.frombuffer(bytes(heard), "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / 48_000)[spectrum.argmax()])
