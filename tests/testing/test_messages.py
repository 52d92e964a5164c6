"""Whatever may be said has a strategy, and each strategy says all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any, get_args

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from utd_stream.client._data import is_system_message
from utd_stream.client.rules.audio_room import fold_metadata
from utd_stream.contract import answers as answer_models
from utd_stream.contract import requests as request_models
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules import effects as e
from utd_stream.machines import (
    call,
    calling,
    connection,
    invitation,
    live,
    place,
    request,
    seat,
    signal,
    stage,
    track,
)
from utd_stream.models import calls, media, participants, room_events, seats
from utd_stream.models.failures import Failure
from utd_stream.models.participants import LocalParticipant
from utd_stream.models.rooms import UTDConnectionState
from utd_stream.models.stage import LiveState, StageState
from utd_stream.ports import RoomState, SfuNotice, _media, _sfu
from utd_stream.snapshots import AudioRoomSnapshot, audio_room, session
from utd_stream.testing import messages as m
from utd_stream.testing import strategies as s
from utd_stream.testing.laws import grid_laws
from utd_stream.testing.models import values
from utd_stream.wire import read_grid

Strategy = st.SearchStrategy[Any]
_Classes = tuple[type, ...]


def heard(
    events: Callable[[Any], Strategy], data: Callable[..., Strategy], *states: Any
) -> Strategy:
    """What a machine may hear, whatever it remembers."""
    remembered = st.sampled_from(states).flatmap(data) if states else data()
    return remembered.flatmap(lambda known: st.tuples(st.just(known), events(known)))


def classes(module: ModuleType) -> _Classes:
    """The classes of values that a module promises."""
    promised = (getattr(module, name) for name in module.__all__)
    return tuple(
        each for each in promised if isinstance(each, type) and attrs.has(each)
    )


# What each strategy is to say, every one of them.
SPOKEN: dict[str, tuple[Strategy, _Classes]] = {
    "orders": (m.orders(), get_args(c.Order)),
    "call orders": (m.call_orders(), get_args(c.CallCommand | c.CreateCall)),
    "entries": (m.entries(), (c.Enter, c.LeaveRoom)),
    "facts": (m.facts(), get_args(c.Fact)),
    "effects": (m.effects(), get_args(e.Effect)),
    "notices": (m.notices(), get_args(SfuNotice)),
    "room events": (m.room_events(), get_args(room_events.RoomEvent)),
    "requests": (m.requests(), classes(request_models)),
    "answers": (m.answers(), classes(answer_models)),
    "seat": (
        st.sampled_from(seat.SeatState).flatmap(s.seat_data) | s.seat_events(),
        (*get_args(seat.SeatEvent), seat.SeatData),
    ),
    "request": (
        st.sampled_from(request.RequestState).flatmap(s.request_data)
        | s.request_events(),
        (*get_args(request.RequestEvent), request.RequestData),
    ),
    "invitation": (
        heard(s.invitation_events, s.invitation_data),
        (*get_args(invitation.InvitationEvent), invitation.InvitationData),
    ),
    "connection": (
        heard(s.connection_events, s.connection_data, *UTDConnectionState),
        (*get_args(connection.ConnectionEvent), connection.ConnectionData),
    ),
    "place": (
        heard(s.place_events, s.place_data, *place.PlaceState),
        (*get_args(place.PlaceEvent), place.PlaceData, Failure),
    ),
    "track": (
        heard(s.track_events, s.track_data, *track.TrackState),
        (*get_args(track.TrackEvent), track.TrackData, Failure),
    ),
    "call": (
        st.sampled_from(calls.UTDCallStatus).flatmap(s.call_data) | s.call_events(),
        (*get_args(call.CallEvent), call.CallData),
    ),
    "live": (
        st.sampled_from(LiveState).flatmap(s.live_data) | s.live_events(),
        (*get_args(live.LiveEvent), live.LiveData),
    ),
    "stage": (
        st.sampled_from(StageState).flatmap(s.stage_data) | s.stage_events(),
        (*get_args(stage.StageEvent), stage.StageData),
    ),
    "calling": (
        heard(s.calling_events, s.calling_data, *calling.CallingState),
        (*get_args(calling.CallingEvent), calling.CallingData),
    ),
    "signal": (
        heard(s.signal_events, s.signal_data, *signal.SignalState),
        (*get_args(signal.SignalEvent), signal.SignalData),
    ),
    "what is known": (
        st.one_of(
            *map(
                values,
                (AudioRoomSnapshot, RoomState, *classes(media), *classes(calls)),
            )
        ),
        (
            *(*classes(participants), *classes(seats), *classes(media), RoomState),
            *classes(calls),
        ),
    ),
}
# Where the words of the package are, and those which only machines say.
MODULES = (
    *(c, e, request_models, answer_models, room_events, seats, participants, media),
    *(seat, request, invitation, connection, place, track, _sfu, _media),
    *(call, calling, signal, calls, live, stage),
    *(session, audio_room),
)
SAID_BY_MACHINES = frozenset(
    effect
    for union in (
        *(seat.SeatEffect, request.RequestEffect, invitation.InvitationEffect),
        *(connection.ConnectionEffect, place.PlaceEffect, track.TrackEffect),
        *(live.LiveEffect, stage.StageEffect),
        *(call.CallEffect, calling.CallingEffect, signal.SignalEffect),
    )
    for effect in get_args(union) or (union,)
)

# Who speaks says nothing, nor does what an audio room's snapshot begins with.
SILENT = {c.Actor, session.SessionSnapshot}


def parts(value: Any) -> Iterator[type]:
    """Yield the classes of *value* and of all that it holds."""
    if attrs.has(type(value)):
        yield type(value)
        for field in attrs.fields(type(value)):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from parts(tuple(value.values()))
    elif isinstance(value, tuple):
        for each in value:
            yield from parts(each)


def drawn(strategy: Strategy, number: int = 100) -> list[Any]:
    """Many values of a strategy, always the same ones."""
    found: list[Any] = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(value=strategy)
    def draw(value: Any) -> None:
        found.append(value)

    draw()
    return found


@cache
def said(name: str) -> frozenset[type]:
    """The classes of whatever a strategy gives, drawn often enough for each."""
    strategy, words = SPOKEN[name]
    told = drawn(strategy, 40 * len(words))
    return frozenset(part for value in told for part in parts(value))


@pytest.mark.parametrize("name", SPOKEN)
def test_a_strategy_says_each_of_its_words(name: str) -> None:
    """No class of its vocabulary is left out."""
    words = SPOKEN[name][1]

    assert words
    assert set(words) - said(name) == set()


def test_every_word_has_a_strategy() -> None:
    """What the package can say or be told, some strategy draws."""
    words = {word for module in MODULES for word in classes(module)}
    assert len(words) > 100

    spoken = frozenset[type]().union(*map(said, SPOKEN))
    assert words - spoken - SAID_BY_MACHINES == SILENT


# What is text or bytes is more than one thing, too.


def test_metadata_are_those_of_engines_and_of_others() -> None:
    """Some tell a newer grid, some do not; none can be more than ignored."""
    before = AudioRoomSnapshot(local=LocalParticipant(identity="ana"))

    after = [fold_metadata(before, told) for told in drawn(m.metadata_frames())]

    assert {each.grid == before.grid for each in after} == {True, False}
    assert all(each.grid.rev >= before.grid.rev for each in after)


def test_grids_come_whole_and_disturbed() -> None:
    """In both spellings; what the reader makes of it may break the laws of a grid."""
    frames = drawn(m.grid_frames())
    read = [read_grid(frame) for frame in frames]

    assert {"count" in frame for frame in frames} == {True, False}
    assert {any(grid_laws(each)) for each in read if each is not None} == {True, False}


def test_data_are_forged_and_honest() -> None:
    """Some would pass for the engine's, some would not."""
    told = drawn(m.data_messages())

    assert {is_system_message(data) for data in told} == {True, False}
    assert any(len(data) > 0 and data[:1] != b"{" for data in told)


def test_few_names_meet() -> None:
    """What fields are drawn from is chosen by name, or by what it stands for."""
    pools = {"identity": st.just("ana"), "seats": st.just(2), "ids": st.just(7)}
    told = [attrs.asdict(each) for each in drawn(m.orders(**pools), 400)]

    def at(*names: str) -> set[Any]:
        return {fields[name] for fields in told for name in names if name in fields}

    assert at("identity") == {"ana"}
    assert at("index", "target", "a", "b") == {2}
    assert at("seat_index") == {2, None}
    assert at("request_id", "invitation_id") == {7}
