"""What a session of an audio room decides, without a loop, an engine or an SFU."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.deciding import LISTENS, ME, SPEAKS, Member, grid
from utd_stream.client.rules.audio_room import AudioRoomFact, NumberedSeat
from utd_stream.client.rules.facts import (
    AnswerRefused,
    AnswerUnknown,
    EventTold,
    GaveBack,
    GridTold,
    PlaceAnswered,
    RoomRead,
)
from utd_stream.client.rules.sending import AskFor, GiveBackPlace, Settle
from utd_stream.contract.answers import SeatAnswer, SeatedAnswer
from utd_stream.errors import (
    ConflictError,
    DisconnectedError,
    InvalidTransitionError,
    RefusedError,
)
from utd_stream.machines import connection as c
from utd_stream.machines import place as p
from utd_stream.machines import track as t
from utd_stream.models.failures import failure_of
from utd_stream.models.participants import (
    LocalParticipant,
    Permission,
    TrackKind,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.room_events import (
    LocalTrackRepublished,
    ParticipantPermissionsChanged,
)
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.ports import RoomState
from utd_stream.snapshots.audio_room import my_seat, right_of
from utd_stream.snapshots.session import GONE

MICROPHONE = TrackSource.MICROPHONE
PUBLISH = t.PublishTrack(MICROPHONE, 1)
SEATED = {
    SeatOccupancy.GRANTING,
    SeatOccupancy.PUBLISHING,
    SeatOccupancy.SPEAKING,
    SeatOccupancy.SILENT,
}


def seated(rev: int, grant: int = 0, *, speaks: bool = True) -> SeatedAnswer:
    """The engine's answer to a take of seat 0."""
    return SeatedAnswer(
        rev=rev, grid=grid(rev, ME, None, grant=grant), seat_index=0, speaks=speaks
    )


def speaking(grant: int = 1) -> Member:
    """Return one who sits and speaks."""
    member = Member.connected()
    member.ask()
    member.hear(PlaceAnswered(member.op, seated(1, grant)))
    member.permit(SPEAKS, grant)
    member.hear(t.Published(MICROPHONE, 1))
    member.effects.clear()
    return member


# Rights.


def test_a_take_publishes_once_the_right_counts() -> None:
    """The SFU allows the source, and the right has the number of the seat."""
    member = Member.connected()
    member.ask()
    member.hear(PlaceAnswered(member.op, seated(1, grant=7)))
    member.permit(SPEAKS)
    assert (member.of(t.PublishTrack), member.occupancy) == (
        [],
        SeatOccupancy.GRANTING,
    )

    member.permit(SPEAKS, grant=7)

    assert member.of(t.PublishTrack) == [PUBLISH]


def test_a_right_about_to_go_publishes_nothing() -> None:
    """Left and taken again at once: the SFU has not heard of the leave yet."""
    member = speaking(grant=4)
    member.hear(p.LeavePlace())
    freed = SeatAnswer(rev=2, grid=grid(2, None, None))
    member.hear(GaveBack(member.op, freed))
    member.ask()
    member.effects.clear()

    member.hear(PlaceAnswered(member.op, seated(3, grant=5)))
    assert member.occupancy is SeatOccupancy.GRANTING
    member.permit(LISTENS)
    member.permit(SPEAKS)
    assert member.of(t.PublishTrack) == []
    member.permit(SPEAKS, grant=5)

    assert len(member.of(t.PublishTrack)) == 1


def test_a_right_missed_in_an_outage_publishes_anew() -> None:
    """Another number is another right, though the SFU allows what it did before."""
    member = speaking(grant=4)
    member.hear(c.TransportLost(1, 1.0), c.Resumed(1, 3.0))
    local = LocalParticipant(identity=ME, permission=SPEAKS, metadata='{"grant": 6}')
    seats = '{"_seats": {"rev": 9, "count": 1, "seats": [%s]}}'
    mine = '{"index": 0, "identity": "me", "grant": 6}'

    member.hear(RoomRead(1, RoomState(metadata=seats % mine, local=local, remotes=())))

    unpublish, publish = t.UnpublishTrack(MICROPHONE), t.PublishTrack(MICROPHONE, 3)
    assert member.effects[-2:] == [unpublish, publish]


def test_a_track_published_anew_stays_muted() -> None:
    """The media plane publishes it unmuted after a reconnect; off is off (L68)."""
    member = speaking()
    sent = TrackPublication(sid="TR_2", kind=TrackKind.AUDIO, source=MICROPHONE)
    member.hear(t.TurnOff(MICROPHONE))
    member.effects.clear()

    member.hear(EventTold(1, LocalTrackRepublished(sent, "TR_1")))

    assert member.effects == [t.MuteTrack(MICROPHONE)]


# Answers.


def test_a_late_answer_still_tells_its_grid() -> None:
    """Who has left does not sit again, but learns what the engine knows."""
    member = Member.connected()
    member.ask()
    asked = member.op
    member.hear(p.LeavePlace())

    member.hear(PlaceAnswered(asked, seated(3)))

    assert member.state.snapshot.grid.rev == 3
    assert member.occupancy is SeatOccupancy.LEAVING


def test_a_seat_lost_before_its_answer_is_refused() -> None:
    """A newer grid is known, and does not name me."""
    member = Member.connected()
    member.ask()
    op = member.op
    member.hear(GridTold(grid(5, None, None)))

    member.hear(PlaceAnswered(op, seated(4)))

    (told,) = member.of(Settle)
    assert told.error is not None
    assert isinstance(told.error.error(), ConflictError)
    assert member.occupancy is SeatOccupancy.LISTENING


def test_a_seat_given_between_two_connections_is_given_back() -> None:
    """While another connection is made nobody can sit, and nobody stays seated."""
    member = Member.connected()
    member.ask()
    op = member.op
    member.state = Member.connected().state
    member.ask()
    member.hear(c.Connect())
    assert member.op == op

    member.hear(PlaceAnswered(op, seated(1)))

    (told,) = member.of(Settle)
    assert told.error is not None
    assert isinstance(told.error.error(), DisconnectedError)
    assert member.of(GiveBackPlace) == [GiveBackPlace(op + 1, None)]


def test_the_answer_of_a_muted_seat_ends_the_take_in_silence() -> None:
    """No right will come, so nobody waits for one."""
    member = Member.connected()
    member.ask()

    member.hear(PlaceAnswered(member.op, seated(1, speaks=False)))

    assert [told.error for told in member.of(Settle)] == [None]
    assert member.occupancy is SeatOccupancy.SILENT


def test_an_error_is_told_to_whoever_waits() -> None:
    """As it was; a refusal ends the take, an unknown end is given back first."""
    error = failure_of(ConflictError("taken", code="seat_taken"))
    refused, unknown = Member.connected(), Member.connected()
    for member in (refused, unknown):
        member.ask()
    asked = AskFor(NumberedSeat(0), "key")

    refused.hear(AnswerRefused(1, error))
    unknown.hear(AnswerUnknown(1, error))

    assert refused.effects[1:] == [Settle(1, error)]
    assert unknown.effects[1:] == [GiveBackPlace(2, asked), Settle(1, error)]


def test_a_seat_given_by_somebody_else_meanwhile_is_kept() -> None:
    """The give-back freed another seat, or was served before."""
    member = speaking()
    member.hear(p.LeavePlace())
    told = SeatAnswer(rev=3, grid=grid(3, None, ME))

    member.hear(GaveBack(member.op, told))

    assert member.occupancy in SEATED


def test_nothing_is_heard_of_a_connection_that_is_gone() -> None:
    """Its events are late, whatever they say."""
    member = speaking()
    before = member.state

    member.hear(EventTold(0, ParticipantPermissionsChanged(ME, LISTENS)))

    assert member.state is before


# Any order.

steps = st.one_of(
    st.builds(
        lambda rev, who, muted, grant: GridTold(
            grid(rev, *who, muted=muted, grant=grant)
        ),
        st.integers(0, 9),
        st.sampled_from([(None, None), (ME, None), (None, ME), ("ann", "bob")]),
        st.booleans(),
        st.integers(0, 3),
    ),
    st.tuples(st.sampled_from([SPEAKS, LISTENS]), st.none() | st.integers(0, 3)),
    st.sampled_from([c.Connect, c.Leave, c.Admitted, c.TransportLost, c.Resumed]),
    st.sampled_from([c.GaveUp, c.Rejoined, c.ExitDue, c.Removed]),
)
commands = st.sampled_from(
    [
        *(AskFor(NumberedSeat(0), "key"), AskFor(NumberedSeat(1), "key")),
        *(p.LeavePlace(), t.TurnOn(MICROPHONE), t.TurnOff(MICROPHONE)),
    ]
)
answers = st.sampled_from(
    [
        *(PlaceAnswered, GaveBack, AnswerRefused, AnswerUnknown, p.Cancelled),
        *(p.GiveBackFailed, t.Published, t.PublishFailed, t.Overdue),
    ]
)


def step(member: Member, told: Any) -> None:
    """Let *member* hear one step."""
    number = member.state.connecting.data.number
    match told:
        case (Permission() as permission, grant):
            if member.state.snapshot.connection_state not in GONE:
                member.permit(permission, grant)
            return  # nobody tells of rights without a connection
        case type():
            told = made(member, told, number)
        case _:
            pass
    with suppress(RefusedError, InvalidTransitionError):
        member.hear(told)


def made(member: Member, kind: type, number: int) -> AudioRoomFact:
    """Return a fact of *kind* that is not late."""
    track = member.state.sending.track(MICROPHONE).data
    known: UTDSeatGrid = member.state.snapshot.grid
    error = failure_of(ConflictError("no"))
    facts: dict[type, AudioRoomFact] = {
        c.Connect: c.Connect(),
        c.Leave: c.Leave(),
        c.Admitted: c.Admitted(number),
        c.TransportLost: c.TransportLost(number, 1.0),
        c.Resumed: c.Resumed(number, 2.0),
        c.GaveUp: c.GaveUp(number, 3.0),
        c.Rejoined: c.Rejoined(number),
        c.ExitDue: c.ExitDue(),
        c.Removed: c.Removed(number, "room_deleted"),
        PlaceAnswered: PlaceAnswered(member.op, seated(known.rev + 1, grant=2)),
        GaveBack: GaveBack(member.op, SeatAnswer(rev=0, grid=known)),
        AnswerRefused: AnswerRefused(member.op, error),
        AnswerUnknown: AnswerUnknown(member.op, error),
        p.Cancelled: p.Cancelled(member.op),
        p.GiveBackFailed: p.GiveBackFailed(member.op),
        t.Published: t.Published(MICROPHONE, track.publication),
        t.PublishFailed: t.PublishFailed(MICROPHONE, track.publication),
        t.Overdue: t.Overdue(MICROPHONE, track.wait),
    }
    return facts[kind]


@given(told=st.lists(steps, max_size=30))
def test_i_sit_exactly_when_the_grid_says_so(told: list[Any]) -> None:
    """Whatever the SFU and the engine tell, in any order."""
    member = Member()
    for each in told:
        step(member, each)

        has_seat = my_seat(member.state.snapshot) is not None
        assert (member.occupancy in SEATED) == has_seat


@given(told=st.lists(steps | commands | answers, max_size=40))
def test_i_never_sit_where_the_grid_does_not(told: list[Any]) -> None:
    """Also not after takes, leaves and everything that becomes of them."""
    member = Member()
    for each in told:
        step(member, each)

        if member.occupancy in SEATED:
            assert my_seat(member.state.snapshot) is not None


@given(told=st.lists(steps | commands | answers, max_size=40))
def test_nothing_is_published_by_a_right_that_does_not_count(told: list[Any]) -> None:
    """The track knows the right, and is up by it alone."""
    member = Member()
    for each in told:
        step(member, each)

        right = right_of(member.state.snapshot, MICROPHONE) is not None
        track = member.state.sending.track(MICROPHONE)
        assert track.data.right == right
        assert right or track.state not in {t.TrackState.PUBLISHING, t.TrackState.UP}


@pytest.mark.parametrize("has_microphone", [True, False])
@given(told=st.lists(steps | commands | answers, max_size=40))
def test_the_snapshot_says_where_seat_and_microphone_stand(
    told: list[Any],
    has_microphone: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    """A word for each place and track; without a microphone none is published."""
    member = Member(has_microphone=has_microphone)
    for each in told:
        if isinstance(each, t.TurnOn) and not has_microphone:
            continue  # an argument error, before it is a command
        step(member, each)

        held = member.state.sending.place is p.PlaceState.HELD
        assert (member.occupancy in SEATED) == held
    assert has_microphone or member.of(t.PublishTrack) == []
