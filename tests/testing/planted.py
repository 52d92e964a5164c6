"""Faults planted into engine and client, each as somebody could have made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from utd_stream.client._tracks import Tracks
from utd_stream.client.rules.audio_room import (
    AudioRoomFact,
    AudioRoomState,
    AudioRoomTaken,
    fold_metadata,
)
from utd_stream.client.rules.facts import EventTold, GridTold
from utd_stream.engine._batch import Batch
from utd_stream.engine._rows import ROOM
from utd_stream.engine.rules import roster
from utd_stream.engine.rules.audio_room import audio_room as content_of
from utd_stream.engine.rules.audio_room import waiting
from utd_stream.engine.rules.audio_room.kind import AudioRoomKind
from utd_stream.engine.rules.audio_room.state import speaks
from utd_stream.engine.rules.commands import MemberLeft
from utd_stream.engine.rules.decide import _FACTS
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.effects import Effect, SyncParticipant
from utd_stream.engine.rules.state import Room
from utd_stream.engine.store import RoomKey
from utd_stream.machines.track import RightGranted
from utd_stream.models import DisconnectReason, SeatOccupancy, UTDSeatGrid
from utd_stream.models.participants import TrackSource
from utd_stream.models.room_events import DataReceived
from utd_stream.snapshots import audio_room as folds
from utd_stream.snapshots.audio_room import AudioRoomSnapshot, RightFact, SeatFact
from utd_stream.snapshots.session import changed

__all__ = ["FAULTS", "Fault"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@attrs.frozen
class Fault:
    """A fault, and what a walk says of it.

    Attributes:
        plant: Puts it in.
        found: In the words of the law that it breaks; a regular expression.
        steps: What the walk that looks for it may do; all else would cost time
            alone.
        is_calm: Whether none of the steps is a fault, so that more must hold.
    """

    plant: Callable[[pytest.MonkeyPatch], None]
    found: str
    steps: frozenset[str] = attrs.field(converter=_words)
    is_calm: bool = False


def lost_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second command of a batch is decided on the room before the first."""
    newest = Batch._room

    def stale(self: Batch, key: RoomKey) -> Room | None:
        decided = self._unit._after.pop((ROOM, key), None)
        room = newest(self, key)
        if decided is not None:
            self._unit._after[ROOM, key] = decided
        return room

    monkeypatch.setattr(Batch, "_room", stale)


def double_grant(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room's owner shares the right of whoever sits."""
    granted = AudioRoomKind.granted

    def shared(
        self: AudioRoomKind, room: Room, identity: str
    ) -> tuple[TrackSource, ...]:
        somebody = any(seat.data.occupant for seat in content_of(room).seats)
        if room.owner == identity and somebody:
            return self.sources
        return granted(self, room, identity)

    monkeypatch.setattr(AudioRoomKind, "granted", shared)


def forgotten_revoke(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SFU is told of rights that come, and not of those that go."""
    effect = Draft.effect

    def grants_only(self: Draft, wanted: Effect) -> None:
        match wanted:
            case SyncParticipant(who) if self.member(who):
                if speaks(self.room, who):
                    effect(self, wanted)
            case _:
                effect(self, wanted)

    monkeypatch.setattr(Draft, "effect", grants_only)


def stale_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client believes whichever grid comes last."""

    def fold(snapshot: AudioRoomSnapshot, grid: UTDSeatGrid) -> AudioRoomSnapshot:
        return changed(snapshot, grid=grid)

    monkeypatch.setattr(folds, "fold_grid", fold)


def wrong_sid(monkeypatch: pytest.MonkeyPatch) -> None:
    """A webhook about an older connection counts for the newer one."""
    left = roster.left

    def trusting(draft: Draft, fact: MemberLeft) -> None:
        member = draft.members.get(fact.identity)
        sid = member.sid if member is not None and member.sid else fact.sid
        left(draft, attrs.evolve(fact, sid=sid))

    table: Any = _FACTS
    monkeypatch.setitem(table, MemberLeft, trusting)


def reconnect_frees(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's own goodbye to the SFU frees its seat at once."""
    at_once = roster._FREES_AT_ONCE | {DisconnectReason.CLIENT_INITIATED}
    monkeypatch.setattr(roster, "_FREES_AT_ONCE", at_once)


def forgery_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A data message that seems to be the engine's changes the grid."""
    take = AudioRoomState.take

    def believing(self: AudioRoomState, fact: AudioRoomFact) -> AudioRoomTaken:
        match fact:
            case EventTold(_, DataReceived(data=data)):
                forged = fold_metadata(self.snapshot, data.decode())
                return take(self, GridTold(forged.grid))
            case _:
                return take(self, fact)

    monkeypatch.setattr(AudioRoomState, "take", believing)


def muted_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is unmuted by the host is not heard again."""
    facts = folds.sending_facts

    def forgetful(
        before: AudioRoomSnapshot, after: AudioRoomSnapshot
    ) -> tuple[SeatFact | RightFact, ...]:
        told = facts(before, after)
        if before.occupancy is SeatOccupancy.SILENT:
            return tuple(each for each in told if not isinstance(each, RightGranted))
        return told

    monkeypatch.setattr(folds, "sending_facts", forgetful)


def open_microphone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was switched off while the SFU was asked is heard all the same."""

    def ignoring(self: Tracks, source: TrackSource, *, muted: bool) -> None:
        assert muted in {True, False}

    monkeypatch.setattr(Tracks, "_mute", ignoring)


def endless_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request waits until somebody answers it."""
    monkeypatch.setattr(waiting, "expire", lambda _: None)


FAULTS = {
    "a lost update": Fault(
        lost_update, "committed twice|went back", "lock_seat leave_seat wait"
    ),
    "a double grant": Fault(
        double_grant, "may publish, against the grid", "take_seat leave_seat wait"
    ),
    "a forgotten revoke": Fault(
        forgotten_revoke, "may publish, against the grid", "take_seat leave_seat wait"
    ),
    "a stale grid accepted": Fault(
        stale_grid,
        "went back to revision|knows revision",
        "flip slow",
    ),
    "a webhook for the wrong sid": Fault(
        wrong_sid, "is there and was unseated", "kick come_back lag"
    ),
    "a seat freed by a full reconnect": Fault(
        reconnect_frees, "s away", "take_seat reconnect wait"
    ),
    "a microphone that stays off": Fault(
        muted_for_good,
        "wants to, and is not heard",
        "flip take_seat wait",
        is_calm=True,
    ),
    "a microphone that stays on": Fault(
        open_microphone, "heard against their wish", "set_microphone wait"
    ),
    "a request without an end": Fault(
        endless_requests, "asks for ever", "ask_first request_to_speak wait"
    ),
    "a forged message believed": Fault(
        forgery_believed, "never committed", "forge wait"
    ),
}
