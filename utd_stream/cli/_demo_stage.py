"""Where the demo is played: real clients in a real room, each of them watched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol, Self

import attrs
from reactivex.abc import DisposableBase

from utd_stream.cli._demo_screen import Screen
from utd_stream.cli._demo_script import TONES_HZ
from utd_stream.cli._demo_trace import Change
from utd_stream.cli._demo_views import VIEWS
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.compose import UTDStreamClient
from utd_stream.media import Tone
from utd_stream.models import AudioFrame, SeatMode
from utd_stream.ports import AudioSource, Clock, VideoSource
from utd_stream.reactive import Latest

__all__ = ["Place", "Stage", "Watching"]


class Client(Protocol):
    """Makes a client."""

    def __call__(
        self,
        *,
        microphone: AudioSource,
        camera: VideoSource | None = None,
        screen: VideoSource | None = None,
    ) -> UTDStreamClient:
        """Make one."""
        ...


@attrs.frozen(kw_only=True)
class Place:
    """Where to play.

    Attributes:
        plane: What carries the sound, in words.
        engine: Where the engine is.
        room_name: A room that nobody else is in.
        client: Makes a client of one person, heard and seen as told, in an app that
            lets its key sign anybody in.
        clock: Of the people there.
    """

    plane: str
    engine: str
    room_name: str
    client: Client
    clock: Clock


class Watching:
    """Watches those who act in a place.

    Args:
        place: Where.
        on_change: Told of each change as it comes, the first value of each
            observable included.
        patience: How long an expectation may take to come true, in seconds.
    """

    def __init__(
        self, place: Place, on_change: Callable[[Change], None], patience: float
    ) -> None:
        self.patience = patience
        self._place = place
        self._on_change = on_change
        self._changes: list[Change] = []
        self._watches: list[DisposableBase] = []
        self._stack = AsyncExitStack()
        self._started_at = place.clock.monotonic()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return self._place.clock.monotonic() - self._started_at

    def changes(self) -> tuple[Change, ...]:
        """Return what has been seen, in order."""
        return tuple(self._changes)

    def look_away(self) -> None:
        """Watch nobody any more: what comes now is the clearing up."""
        for watch in self._watches:
            watch.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.look_away()
        await self._stack.aclose()

    def _watch(self, who: str, what: str, view: Latest[str]) -> None:
        told: list[str] = []

        def tell(value: str) -> None:
            change = Change(self.now, who, what, told[-1] if told else None, value)
            told[:] = [value]
            self._changes.append(change)
            self._on_change(change)

        self._watches.append(view.subscribe(tell))


class Stage(Watching):
    """The `Troupe` of one room."""

    def __init__(
        self, place: Place, on_change: Callable[[Change], None], patience: float
    ) -> None:
        super().__init__(place, on_change, patience)
        self._sessions: dict[str, UTDAudioRoomSession] = {}

    async def enter(
        self,
        who: str,
        *,
        as_host: bool = False,
        seat_count: int | None = None,
        seat_mode: SeatMode | None = None,
    ) -> None:
        """Let *who* join the room; from then on they are watched."""
        client = self._place.client(microphone=Tone(TONES_HZ[who]))
        await self._stack.enter_async_context(client)
        session = await client.join_audio_room(
            who,
            self._place.room_name,
            as_host=as_host,
            seat_count=seat_count,
            seat_mode=seat_mode,
        )
        await self._stack.enter_async_context(session)
        self._sessions[who] = session
        for what in VIEWS:
            self._watch(who, what, self.view(who, what))

    def __getitem__(self, who: str) -> UTDAudioRoomSession:
        return self._sessions[who]

    def view(self, who: str, what: str) -> Latest[str]:
        """Return an observable of *who* as words."""
        return VIEWS[what](self._sessions[who])

    def audio(self, who: str, of: str) -> AsyncIterator[AudioFrame]:
        """Return what *who* hears of *of*."""
        return self._sessions[who].audio(of)

    async def conclude(self, screen: Screen) -> None:
        """Show who sat where, and when."""
        changes = self.changes()
        if changes:
            host = changes[0].who
            title = f"the grid, as {host} saw it last"
            screen.grid(self._sessions[host].seats.value, title)
            screen.timeline(changes, self.now)
