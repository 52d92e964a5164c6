"""What a session of an audio room decides.

`AudioRoomState.take` is all of it: a fact goes in; the state, the effects and the
facts that follow come out.  A log of the facts can be replayed through it.

Source: contract.md section 5, Seats and Microphone.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

import attrs

from utd_stream.client.rules.facts import (
    AnswerRefused,
    AnswerUnknown,
    EventTold,
    GaveBack,
    GridTold,
    OwnMuteRead,
    PlaceAnswered,
    RoleTold,
    RoomRead,
    SessionFact,
    TokenMinted,
)
from utd_stream.client.rules.sending import (
    AskFor,
    Sending,
    SendingEffect,
    SendingFact,
    Track,
)
from utd_stream.client.rules.session import (
    Connecting,
    RoomFact,
    Taken,
    fold_connection,
    fold_room_fact,
)
from utd_stream.contract.answers import SeatAnswer, SeatedAnswer
from utd_stream.errors import DisconnectedError
from utd_stream.machines import connection as c
from utd_stream.machines import place as p
from utd_stream.machines import track as t
from utd_stream.models.failures import failure_of
from utd_stream.models.participants import LocalParticipant, TrackSource
from utd_stream.models.room_events import LocalTrackRepublished, RoomMetadataChanged
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.snapshots import audio_room as fold
from utd_stream.snapshots.audio_room import AudioRoomSnapshot
from utd_stream.snapshots.session import (
    changed,
    fold_room_facts,
    json_object,
    muted_sources,
)
from utd_stream.wire import read_grid

__all__ = [
    "AudioRoomEffect",
    "AudioRoomFact",
    "AudioRoomState",
    "AudioRoomTaken",
    "InvitedSeat",
    "NumberedSeat",
    "SeatRequest",
    "fold_metadata",
]

_MICROPHONE = TrackSource.MICROPHONE


@attrs.frozen
class NumberedSeat:
    """The seat *index*."""

    index: int


@attrs.frozen
class InvitedSeat:
    """The seat that the invitation *invitation_id* offers."""

    invitation_id: int


SeatRequest: TypeAlias = NumberedSeat | InvitedSeat

AudioRoomFact: TypeAlias = (
    SessionFact
    | TokenMinted
    | GridTold
    | AskFor[SeatRequest]
    | PlaceAnswered[SeatedAnswer]
    | AnswerRefused
    | AnswerUnknown
    | GaveBack[SeatAnswer]
    | SendingFact
)
AudioRoomEffect: TypeAlias = c.ConnectionEffect | SendingEffect[SeatRequest]


@attrs.frozen(kw_only=True)
class AudioRoomState:
    """All that a session of an audio room decides by.

    Attributes:
        snapshot: What observers see.
        connecting: The connection.
        sending: The seat and the microphone.
    """

    snapshot: AudioRoomSnapshot
    connecting: Connecting = attrs.field(factory=Connecting)
    sending: Sending[SeatRequest]

    @classmethod
    def first(cls, identity: str, *, has_microphone: bool) -> AudioRoomState:
        """Return the state of a session before its first connection."""
        microphone = Track(data=t.TrackData(default=has_microphone))
        return cls(
            snapshot=AudioRoomSnapshot(local=LocalParticipant(identity=identity)),
            sending=Sending(name="seat", tracks=(microphone,)),
        )

    def is_late(self, fact: AudioRoomFact) -> bool:
        """Whether *fact* belongs to something that has ended, and is no news."""
        match fact:
            case PlaceAnswered() | GaveBack():
                return False  # the grid in it may be news
            case AnswerRefused(op) | AnswerUnknown(op):
                return op != self.sending.place_data.op
            case _ if isinstance(fact, SendingFact):
                return self.sending.is_late(fact)
            case _:
                return c.is_late(self.connecting.data, fact)

    def take(self, fact: AudioRoomFact) -> AudioRoomTaken:  # noqa: PLR0911 -- a line each
        """Take one fact.

        Raises:
            InvalidTransitionError: If no row of a machine takes it.
            RefusedError: If the row that takes it refuses.
        """
        if isinstance(fact, c.ConnectionEvent):
            return _connect(self, fact)
        if isinstance(fact, SendingFact):
            return _send(self, fact)
        match fact:
            case AskFor():
                return _ask(self, fact)
            case PlaceAnswered():
                return _answer(self, fact)
            case AnswerRefused(op, error):
                return _send(self, p.Refused(op, error))
            case AnswerUnknown(op, error):
                return _send(self, p.AskFailed(op, error))
            case GaveBack():
                return _give_back(self, fact)
            case EventTold(_, LocalTrackRepublished(publication)):
                return _republish(self, fact, publication.source)
            case _:
                return _see(self, _folded(self.snapshot, fact))


AudioRoomTaken: TypeAlias = Taken[AudioRoomState, AudioRoomEffect, AudioRoomFact]


def _connect(state: AudioRoomState, event: c.ConnectionEvent) -> AudioRoomTaken:
    connecting, effects = state.connecting.take(event)
    before = state.snapshot
    after = fold_connection(before, event, connecting)
    taken = AudioRoomState(snapshot=after, connecting=connecting, sending=state.sending)
    if isinstance(event, c.Rejoined):
        # Whatever else changed belongs to the connection that was replaced.
        return Taken(taken, effects, (p.ConnectionReplaced(),))
    return Taken(taken, effects, fold.sending_facts(before, after))


def _see(
    state: AudioRoomState, after: AudioRoomSnapshot, *more: SendingFact
) -> AudioRoomTaken:
    before = state.snapshot
    if after is before and not more:
        return Taken(state)
    derived = (*fold.sending_facts(before, after), *more)
    return Taken(attrs.evolve(state, snapshot=after), (), derived)


def _republish(
    state: AudioRoomState, fact: EventTold, source: TrackSource
) -> AudioRoomTaken:
    after = fold_room_fact(state.snapshot, fact)
    known = source in {track.data.source for track in state.sending.tracks}
    return _see(state, after, *((t.Republished(source),) if known else ()))


def _send(state: AudioRoomState, fact: SendingFact) -> AudioRoomTaken:
    return _sent(state, *state.sending.take(fact))


def _sent(
    state: AudioRoomState,
    sending: Sending[SeatRequest],
    effects: tuple[SendingEffect[SeatRequest], ...],
) -> AudioRoomTaken:
    after = changed(state.snapshot, occupancy=_occupancy(sending))
    return Taken(attrs.evolve(state, snapshot=after, sending=sending), effects)


def _ask(state: AudioRoomState, asked: AskFor[SeatRequest]) -> AudioRoomTaken:
    mine = fold.my_seat(state.snapshot)
    is_held = mine is not None and asked.request == NumberedSeat(mine.seat_index)
    is_taken = _MICROPHONE in muted_sources(state.snapshot)
    speaks = mine is None or not (mine.muted or is_taken)
    return _sent(state, *state.sending.ask(asked, is_held=is_held, speaks=speaks))


def _answer(state: AudioRoomState, fact: PlaceAnswered[SeatedAnswer]) -> AudioRoomTaken:
    before, answer = state.snapshot, fact.answer
    after = fold.fold_grid(before, answer.grid)
    if fact.op != state.sending.place_data.op:
        return _see(state, after)
    state = attrs.evolve(state, snapshot=after, sending=state.sending.answered())
    # A right that is about to go is gone before the seat is there.
    rights, seats = fold.right_facts(before, after), fold.seat_facts(before, after)
    if fold.my_seat(after) is not None:
        silenced = () if answer.speaks else (t.Silenced(_MICROPHONE),)
        muted = (*silenced, *fold.mute_facts(after))
        return Taken(state, (), (*rights, p.Confirmed(answer.speaks), *muted, *seats))
    if after.grid.seat_of(after.local.identity) is None:
        taken = _send(state, p.Refused(fact.op))  # lost already
    else:
        message = "the connection ended while the seat was taken"
        error = failure_of(DisconnectedError(message))
        taken = _send(state, p.AskFailed(fact.op, error))  # so that it is given back
    return attrs.evolve(taken, derived=(*rights, *seats))


def _give_back(state: AudioRoomState, fact: GaveBack[SeatAnswer]) -> AudioRoomTaken:
    before, answer = state.snapshot, fact.answer
    after = before if answer is None else fold.fold_grid(before, answer.grid)
    if fact.op != state.sending.place_data.op:
        return _see(state, after)
    taken = _send(attrs.evolve(state, snapshot=after), p.Freed(fact.op))
    mine = fold.my_seat(after)  # given by somebody else meanwhile
    muted = fold.mute_facts(after)
    given: tuple[SendingFact, ...] = ()
    if mine is not None:
        given = (p.Confirmed(speaks=not (mine.muted or muted)), *muted)
    return attrs.evolve(taken, derived=(*fold.sending_facts(before, after), *given))


def _folded(
    now: AudioRoomSnapshot, fact: RoomFact | TokenMinted | GridTold
) -> AudioRoomSnapshot:
    match fact:
        case EventTold(_, RoomMetadataChanged(metadata)):
            return fold_metadata(now, metadata)
        case RoomRead(_, state):
            return fold_metadata(fold_room_fact(now, fact), state.metadata)
        case EventTold() | OwnMuteRead() | RoleTold():
            return fold_room_fact(now, fact)
        case TokenMinted(_, answer, resumes):
            owner = answer.owner_identity
            now = changed(now, role=answer.role, owner_identity=owner)
            if answer.seats is None:
                return now
            # A name that was forgotten since begins anew, at a lower revision.
            known = now if resumes else fold.forget_grid(now)
            return fold.fold_grid(known, answer.seats)
        case GridTold(grid):
            return fold.fold_grid(now, grid)
        case _:
            assert_never(fact)


def fold_metadata(snapshot: AudioRoomSnapshot, metadata: str) -> AudioRoomSnapshot:
    """Return the snapshot after the room's metadata was told.

    Without a grid nothing changes: a restarted SFU tells an empty metadata
    before the engine has written it anew (T39).
    """
    snapshot = fold_room_facts(snapshot, metadata)
    grid = read_grid(json_object(metadata).get("_seats"))
    return snapshot if grid is None else fold.fold_grid(snapshot, grid)


def _occupancy(sending: Sending[SeatRequest]) -> SeatOccupancy:
    """Return where seat and microphone stand, in one word."""
    match sending.place:
        case p.PlaceState.NONE:
            return SeatOccupancy.LISTENING
        case p.PlaceState.ASKING:
            return SeatOccupancy.TAKING
        case p.PlaceState.LEAVING:
            return SeatOccupancy.LEAVING
        case p.PlaceState.HELD:
            return _SEATED[sending.track(_MICROPHONE).state]


_SEATED = {
    t.TrackState.OFF: SeatOccupancy.SILENT,
    t.TrackState.WAITING: SeatOccupancy.GRANTING,
    t.TrackState.PUBLISHING: SeatOccupancy.PUBLISHING,
    t.TrackState.UP: SeatOccupancy.SPEAKING,
}
