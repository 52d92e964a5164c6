"""Where the demo of calls is played: devices of two people, each of them watched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import attrs

from utd_stream.cli._demo_call_script import CAMERA, SCREEN, TONES_HZ, WHOSE
from utd_stream.cli._demo_screen import Screen
from utd_stream.cli._demo_stage import Place, Watching
from utd_stream.cli._demo_trace import Change
from utd_stream.client.call import UTDCallSession
from utd_stream.client.incoming import IncomingCall
from utd_stream.compose import UTDStreamClient
from utd_stream.media import Tone
from utd_stream.models import (
    AudioFrame,
    EndInfo,
    TrackPublication,
    TrackSource,
    UTDCallStatus,
    UTDStreamType,
    VideoFrame,
)
from utd_stream.reactive import Latest

__all__ = ["CallStage"]


@attrs.frozen
class _Device:
    client: UTDStreamClient
    session: UTDCallSession


def _plain(identity: str | None) -> str:
    """Return a name without what makes it this demo's own."""
    return (identity or "the app").partition("-")[0]


def _status(status: UTDCallStatus | None) -> str:
    return "none" if status is None else status.value


def _end(end: EndInfo | None) -> str:
    if end is None:
        return "none"
    return (
        end.reason.value if end.by is None else f"{end.reason.value}, {_plain(end.by)}"
    )


def _ringing(calls: tuple[IncomingCall, ...]) -> str:
    names = [_plain(each.call.value.caller_identity) for each in calls]
    return f"{', '.join(names)} calls" if names else "nothing"


def _sources(publications: Iterable[TrackPublication]) -> str:
    names = sorted(each.source.value.replace("_", " ") for each in publications)
    return ", ".join(names) or "nothing"


_VIEWS: Mapping[str, Callable[[_Device], Latest[str]]] = {
    "signal_state": lambda own: own.client.signal_state.derive(lambda s: s.value),
    "ringing_calls": lambda own: own.client.ringing_calls.derive(_ringing),
    "status": lambda own: own.session.status.derive(_status),
    "end_info": lambda own: own.session.end_info.derive(_end),
    "connection_state": lambda own: own.session.connection_state.derive(
        lambda state: state.value
    ),
    "muted": lambda own: own.session.microphone_muted.derive(
        lambda m: "yes" if m else "no"
    ),
}
_VIDEO_VIEWS: Mapping[str, Callable[[_Device], Latest[str]]] = {
    **_VIEWS,
    "sends": lambda own: own.session.snapshot.derive(
        lambda now: _sources(now.local.publications)
    ),
    "is sent": lambda own: own.session.remote_participants.derive(
        lambda others: _sources(p for other in others for p in other.publications)
    ),
}


class CallStage(Watching):
    """The `Callers` of the demo."""

    def __init__(
        self,
        place: Place,
        on_change: Callable[[Change], None],
        patience: float,
        *,
        kind: UTDStreamType = UTDStreamType.AUDIO_CALL,
    ) -> None:
        super().__init__(place, on_change, patience)
        self._kind = kind
        self._views = _VIDEO_VIEWS if kind.has_video else _VIEWS
        self._devices: dict[str, _Device] = {}

    def identity(self, who: str) -> str:
        """Return whom the engine knows the owner of *who* as: nobody else there."""
        suffix = self._place.room_name.rpartition("-")[2]
        return f"{WHOSE[who]}-{suffix}"

    async def sign_in(self, who: str) -> None:
        """Let the device *who* be signed in; from then on it is watched."""
        client = self._place.client(
            microphone=Tone(TONES_HZ[who]), camera=CAMERA, screen=SCREEN
        )
        await self._stack.enter_async_context(client)
        await client.authenticate(self.identity(who))
        session = client.call_session(self._kind)
        await self._stack.enter_async_context(session)
        self._devices[who] = _Device(client, session)
        for what in self._views:
            self._watch(who, what, self.view(who, what))

    def __getitem__(self, who: str) -> UTDCallSession:
        return self._devices[who].session

    def rings_at(self, who: str) -> str:
        """Return the id of the call that rings at *who*; empty for none."""
        calls = self._devices[who].client.ringing_calls.value
        return calls[0].call.value.call_id if calls else ""

    def view(self, who: str, what: str) -> Latest[str]:
        """Return an observable of *who* as words."""
        return self._views[what](self._devices[who])

    def audio(self, who: str, of: str) -> AsyncIterator[AudioFrame]:
        """Return what *who* hears of *of*."""
        return self[who].audio(self.identity(of))

    def video(
        self, who: str, of: str, source: TrackSource
    ) -> AsyncIterator[VideoFrame]:
        """Return what *who* sees of *of*."""
        return self[who].video(self.identity(of), source)

    async def conclude(self, screen: Screen) -> None:
        """Show what became of every call."""
        if not self._devices:
            return
        first = next(iter(self._devices.values())).client
        page = await first.api.list_calls()
        screen.calls(
            [
                (
                    f"{_plain(call.caller_identity)} -> {_plain(call.callee_identity)}",
                    call.status.value,
                    call.end_reason.value if call.end_reason else "-",
                    "-"
                    if call.duration_seconds is None
                    else f"{call.duration_seconds} s",
                )
                for call in reversed(page.data)
            ]
        )
