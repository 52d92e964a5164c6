"""Taking, leaving, moving, swapping, locking, muting, kicking, resizing."""

from __future__ import annotations

import pytest

from tests.engine.rules.scene import BACK_END, Scene, stage
from utd_stream.contract.answers import SeatAnswer, SeatedAnswer
from utd_stream.engine.rules import Command
from utd_stream.engine.rules import commands as c
from utd_stream.models.rooms import SeatMode, UTDRole

REQUEST = SeatMode.REQUEST


def take(scene: Scene, who: str, index: int) -> SeatedAnswer:
    """Let somebody sit down."""
    answer = scene.does(who, c.TakeSeat(index=index))
    assert isinstance(answer, SeatedAnswer)
    return answer


def reserved(index: int = 1, *, mode: SeatMode = REQUEST) -> Scene:
    """A room in which a seat is held for ann."""
    scene = stage("ann", "bob", mode=mode)
    scene.does("hal", c.InviteToSpeak(identity="ann", seat_index=index))
    return scene


# Taking and leaving.


def test_an_open_seat_is_anybodys_in_free_mode() -> None:
    """Whoever takes it sits, speaks, and is granted the right."""
    scene = stage("ann")

    answer = take(scene, "ann", 1)

    assert (answer.seat_index, answer.speaks, answer.identity) == (1, True, None)
    assert scene.sits == {"ann": 1}
    assert scene.synced == {"ann"}


def test_answers_show_the_grid_after_them() -> None:
    """The revision and the grid of an answer are those of its own commit."""
    scene = stage("ann")

    answer = take(scene, "ann", 1)

    assert (answer.rev, answer.grid) == (scene.rev, scene.grid)
    assert answer.grid.rev == scene.rev


@pytest.mark.parametrize("who", ["hal", "ada"])
def test_moderators_sit_unasked_in_request_mode(who: str) -> None:
    """Host and admin need nobody's leave."""
    scene = stage(mode=REQUEST)

    take(scene, who, 0)

    assert scene.sits == {who: 0}


def test_others_ask_in_request_mode() -> None:
    """403: seats are given on request."""
    stage("ann", mode=REQUEST).refuses("ann", c.TakeSeat(index=0), "forbidden")


@pytest.mark.parametrize("mode", SeatMode, ids=lambda mode: mode.value)
def test_the_invited_takes_the_seat_held_for_him(mode: SeatMode) -> None:
    """Taking it accepts the invitation, in either mode."""
    scene = reserved(1, mode=mode)

    take(scene, "ann", 1)

    assert scene.sits == {"ann": 1}
    assert scene.grid.seats[1].reserved_for is None
    assert scene.grid.invitations == ()
    scene.refuses("ann", c.AcceptInvitation(invitation_id=1), "settled")


@pytest.mark.parametrize("who", ["bob", "hal", "ada"])
def test_a_reserved_seat_is_closed_to_others(who: str) -> None:
    """409 seat_taken, naming whom it waits for; hosts included (L28)."""
    error = reserved().refuses(who, c.TakeSeat(index=1), "seat_taken")

    assert error.details == {"reserved_for": "ann"}


def test_a_taken_seat_is_taken() -> None:
    """One seat, one person."""
    scene = stage("ann", "bob")
    take(scene, "ann", 1)

    scene.refuses("bob", c.TakeSeat(index=1), "seat_taken")


@pytest.mark.parametrize("index", [1, 2])
def test_one_person_sits_once(index: int) -> None:
    """Who sits takes no second seat, nor his own again."""
    scene = stage("ann")
    take(scene, "ann", 1)

    error = scene.refuses("ann", c.TakeSeat(index=index), "already_seated")

    assert error.details == {"seat_index": 1}


def test_a_locked_seat_is_nobodys() -> None:
    """Not even the host's."""
    scene = stage("ann")
    scene.does("hal", c.LockSeat(index=1))

    scene.refuses("ann", c.TakeSeat(index=1), "seat_locked")
    scene.refuses("hal", c.TakeSeat(index=1), "seat_locked")


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (c.TakeSeat(index=4), "$.index"),
        (c.TakeSeat(index=-1), "$.index"),
        (c.LockSeat(index=4), "$.index"),
        (c.MoveSeat(target=4), "$.target_seat"),
        (c.SwapSeats(a=4, b=0), "$.a"),
        (c.SwapSeats(a=0, b=4), "$.b"),
        (c.SwapSeats(a=0, b=0), "$.b"),
        (c.InviteToSpeak(identity="ann", seat_index=4), "$.seat_index"),
    ],
    ids=repr,
)
def test_a_seat_that_is_not_there_is_an_error_of_its_field(
    command: Command, path: str
) -> None:
    """422 with the path of what was out of range."""
    error = stage("ann").refuses("hal", command, "invalid")

    assert error.details["errors"][0]["path"] == path


def test_leaving_frees_the_seat_and_the_right() -> None:
    """And who sits nowhere leaves in peace: nothing changes."""
    scene = stage("ann")
    take(scene, "ann", 1)

    answer = scene.does("ann", c.LeaveSeat())
    assert isinstance(answer, SeatAnswer)
    assert (scene.sits, scene.synced, scene.speakers) == ({}, {"ann"}, set())

    before = scene.room
    scene.does("ann", c.LeaveSeat())
    assert (scene.room is before, scene.effects) == (True, ())


# Moving.


def test_a_move_is_one_change_and_keeps_the_right() -> None:
    """No gap: nothing is rewritten at the SFU (L27)."""
    scene = stage("ann")
    take(scene, "ann", 0)
    rev = scene.rev

    scene.does("ann", c.MoveSeat(target=2))

    assert scene.sits == {"ann": 2}
    assert scene.rev == rev + 1
    assert scene.synced == set()


@pytest.mark.parametrize(("of", "to"), [(0, 2), (2, 0)], ids=["into", "out of"])
def test_a_move_across_a_mute_rewrites_the_right(of: int, to: int) -> None:
    """The right is kept unless the target is muted, and comes back after it."""
    scene = stage("ann")
    scene.does("hal", c.MuteSeat(index=2))
    take(scene, "ann", of)

    scene.does("ann", c.MoveSeat(target=to))

    assert scene.synced == {"ann"}
    assert scene.speakers == ({"ann"} if to == 0 else set())


@pytest.mark.parametrize(
    ("obstacle", "code"),
    [
        (c.LockSeat(index=2), "seat_locked"),
        (c.TakeSeat(index=2), "seat_taken"),
        (c.InviteToSpeak(identity="bob", seat_index=2), "seat_taken"),
    ],
    ids=["locked", "taken", "reserved"],
)
def test_a_lost_race_leaves_the_old_seat(obstacle: Command, code: str) -> None:
    """A move whose target is lost changes nothing (L27)."""
    scene = stage("ann", "bob")
    take(scene, "ann", 0)
    scene.does("hal", obstacle)

    error = scene.refuses("ann", c.MoveSeat(target=2), code)

    assert scene.sits["ann"] == 0
    held = isinstance(obstacle, c.InviteToSpeak)
    assert error.details == ({"reserved_for": "bob"} if held else {})


def test_a_move_to_ones_own_seat_is_no_move() -> None:
    """200, the same room, nothing to do."""
    scene = stage("ann")
    take(scene, "ann", 0)
    before = scene.room

    scene.does("ann", c.MoveSeat(target=0))

    assert (scene.room is before, scene.effects) == (True, ())


def test_who_sits_nowhere_cannot_move() -> None:
    """409: take a seat instead."""
    stage("ann").refuses("ann", c.MoveSeat(target=0), "conflict")


# Swapping.


def test_two_swap_in_one_change() -> None:
    """Both sit on, both keep the right."""
    scene = stage("ann", "bob")
    take(scene, "ann", 0)
    take(scene, "bob", 1)
    rev = scene.rev

    scene.does("hal", c.SwapSeats(a=0, b=1))

    assert scene.sits == {"ann": 1, "bob": 0}
    assert scene.rev == rev + 1
    assert scene.synced == set()


@pytest.mark.parametrize(("a", "b"), [(0, 3), (3, 0)])
def test_one_swaps_with_an_empty_seat(a: int, b: int) -> None:
    """At least one of the two is taken, whichever is named first."""
    scene = stage("ann")
    take(scene, "ann", 0)

    scene.does("ada", c.SwapSeats(a=a, b=b))

    assert scene.sits == {"ann": 3}


def test_mutes_stay_with_the_seats() -> None:
    """Who swaps into a muted seat is silent, who swaps out of it speaks."""
    scene = stage("ann", "bob")
    take(scene, "ann", 0)
    take(scene, "bob", 1)
    scene.does("hal", c.MuteSeat(index=0))

    scene.does("hal", c.SwapSeats(a=0, b=1))

    assert [seat.muted for seat in scene.grid.seats[:2]] == [True, False]
    assert scene.speakers == {"ann"}
    assert scene.synced == {"ann", "bob"}


def test_what_is_shown_moves_with_the_person() -> None:
    """A name and a picture never stay behind at a seat (L13)."""
    scene = stage()
    for identity, index in (("ann", 0), ("bob", 1)):
        scene.mint(identity, name=identity.title(), image=f"{identity}.png")
        take(scene, identity, index)

    scene.does("hal", c.SwapSeats(a=0, b=1))
    scene.does("ann", c.MoveSeat(target=2))

    shown = [(s.name, dict(s.attributes)) for s in scene.grid.seats]
    assert shown == [
        ("Bob", {"image": "bob.png"}),
        (None, {}),
        ("Ann", {"image": "ann.png"}),
        (None, {}),
    ]


def test_a_seat_shows_nothing_of_the_one_before() -> None:
    """The next occupant without a picture has none (L13)."""
    scene = stage("bob")
    scene.mint("ann", name="Ann", image="a.png")
    take(scene, "ann", 0)
    scene.does("ann", c.LeaveSeat())
    assert (scene.grid.seats[0].name, dict(scene.grid.seats[0].attributes)) == (
        None,
        {},
    )

    take(scene, "bob", 0)

    assert (scene.grid.seats[0].name, dict(scene.grid.seats[0].attributes)) == (
        None,
        {},
    )


@pytest.mark.parametrize("other", [1, 2], ids=["free", "taken"])
@pytest.mark.parametrize(
    ("obstacle", "code"),
    [
        (c.LockSeat(index=0), "seat_locked"),
        (c.InviteToSpeak(identity="bob", seat_index=0), "seat_taken"),
    ],
    ids=["locked", "reserved"],
)
def test_closed_seats_are_not_swapped(obstacle: Command, code: str, other: int) -> None:
    """Both must be unlocked and unreserved, on either side."""
    scene = stage("ann", "bob")
    take(scene, "ann", 2)
    scene.does("hal", obstacle)

    for command in (c.SwapSeats(a=0, b=other), c.SwapSeats(a=other, b=0)):
        error = scene.refuses("hal", command, code)
        assert error.details.get("reserved_for") == (
            "bob" if code == "seat_taken" else None
        )


def test_two_empty_seats_are_not_swapped() -> None:
    """409: there is nobody."""
    stage().refuses("hal", c.SwapSeats(a=0, b=1), "conflict")


# What moderators do to one seat.


def test_a_kick_frees_the_seat_and_the_right() -> None:
    """And nothing happens at a seat where nobody sits."""
    scene = stage("ann")
    take(scene, "ann", 0)

    scene.does("ada", c.KickFromSeat(index=0))
    assert (scene.sits, scene.synced, scene.speakers) == ({}, {"ann"}, set())

    before = scene.room
    scene.does("ada", c.KickFromSeat(index=0))
    assert scene.room is before


def test_a_lock_evicts_first() -> None:
    """The occupant goes, the right goes, the seat is closed (L28)."""
    scene = stage("ann")
    take(scene, "ann", 0)

    scene.does("ada", c.LockSeat(index=0))

    assert scene.grid.seats[0].locked
    assert (scene.sits, scene.synced) == ({}, {"ann"})
    scene.does("ada", c.UnlockSeat(index=0))
    take(scene, "ann", 0)


@pytest.mark.parametrize("command", [c.LockSeat(index=1), c.KickFromSeat(index=1)])
def test_a_reserved_seat_is_neither_locked_nor_kicked(command: Command) -> None:
    """409 seat_taken with whom it waits for, to hosts and the back end (L28)."""
    scene = reserved()

    for who in ("hal", "ada", BACK_END):
        error = scene.refuses(who, command, "seat_taken")
        assert error.details == {"reserved_for": "ann"}


def test_a_mute_is_hard() -> None:
    """The right goes, the seat stays; unmuting brings it back."""
    scene = stage("ann")
    take(scene, "ann", 0)

    scene.does("ada", c.MuteSeat(index=0))
    assert (scene.sits, scene.synced, scene.speakers) == ({"ann": 0}, {"ann"}, set())

    scene.does("ada", c.UnmuteSeat(index=0))
    assert (scene.synced, scene.speakers) == ({"ann"}, {"ann"})


def test_a_mute_holds_for_who_sits_there_next() -> None:
    """The answer says that the seat comes without the right."""
    scene = stage("ann")
    scene.does("ada", c.MuteSeat(index=0))

    answer = take(scene, "ann", 0)

    assert not answer.speaks
    assert (scene.sits, scene.speakers, scene.synced) == ({"ann": 0}, set(), set())


@pytest.mark.parametrize(
    "command",
    [
        c.UnlockSeat(index=0),
        c.UnmuteSeat(index=0),
        c.KickFromSeat(index=0),
        c.SetupSeats(seat_count=4, seat_mode=SeatMode.FREE),
        c.SetupSeats(),
        c.CancelRequest(),
        c.LeaveSeat(),
    ],
    ids=repr,
)
def test_what_changes_nothing_does_nothing(command: Command) -> None:
    """A no-op is answered, leaves the room as it is, and writes nothing."""
    scene = stage("ann")
    before = scene.room

    answer = scene.does("hal", command)

    assert scene.room is before
    assert (answer.rev, scene.effects) == (before.rev, ())


# Setting up.


def test_growing_adds_free_seats() -> None:
    """Those who sit stay, the new seats are as new."""
    scene = stage("ann")
    take(scene, "ann", 3)

    scene.does("ada", c.SetupSeats(seat_count=6))

    assert scene.sits == {"ann": 3}
    assert [s.seat_index for s in scene.grid.seats] == list(range(6))
    assert [s.is_free for s in scene.grid.seats[4:]] == [True, True]


def test_shrinking_unseats_those_beyond() -> None:
    """At once, with their rights (L15); what is dropped is forgotten."""
    scene = stage("ann", "bob")
    take(scene, "ann", 0)
    take(scene, "bob", 3)
    scene.does("hal", c.MuteSeat(index=3))
    scene.does("hal", c.LockSeat(index=2))

    scene.does("hal", c.SetupSeats(seat_count=2))
    assert scene.sits == {"ann": 0}

    scene.does("hal", c.SetupSeats(seat_count=4))
    assert [(s.locked, s.muted) for s in scene.grid.seats[2:]] == [(False, False)] * 2


def test_shrinking_revokes() -> None:
    """Who is unseated by it may not publish."""
    scene = stage("ann")
    take(scene, "ann", 3)

    scene.does("hal", c.SetupSeats(seat_count=2))

    assert (scene.synced, scene.speakers) == ({"ann"}, set())


def test_shrinking_withdraws_invitations_to_what_is_gone() -> None:
    """A seat that is no more is held for nobody."""
    scene = reserved(3)

    scene.does("hal", c.SetupSeats(seat_count=2))

    assert scene.grid.invitations == ()
    scene.refuses("ann", c.AcceptInvitation(invitation_id=1), "settled")


def test_shrinking_keeps_other_invitations() -> None:
    """Only the seats beyond the end are dropped."""
    scene = reserved(1)

    scene.does("hal", c.SetupSeats(seat_count=2))

    assert [i.seat_index for i in scene.grid.invitations] == [1]


def test_what_a_setup_leaves_out_stays() -> None:
    """Absent means unchanged."""
    scene = stage(mode=REQUEST)
    scene.does("hal", c.SetupSeats(mode_id="x"))
    scene.does("hal", c.SetupSeats(seat_count=5))

    grid = scene.grid
    assert (grid.seat_count, grid.seat_mode, grid.mode_id) == (5, REQUEST, "x")


def test_free_mode_cancels_what_was_asked() -> None:
    """Anybody may sit now: there is nothing left to answer."""
    scene = stage("ann", "bob", mode=REQUEST)
    scene.does("ann", c.RequestToSpeak())
    scene.does("bob", c.RequestToSpeak())

    scene.does("hal", c.SetupSeats(seat_mode=SeatMode.FREE))

    assert scene.grid.requests == ()
    scene.refuses("hal", c.ApproveSpeaker(request_id=1), "settled")


def test_request_mode_unseats_nobody() -> None:
    """Who sits, sits; the mode is about who may sit down."""
    scene = stage("ann")
    take(scene, "ann", 0)

    scene.does("hal", c.SetupSeats(seat_mode=REQUEST))

    assert scene.sits == {"ann": 0}


def test_the_host_speaks_by_sitting_only() -> None:
    """Publishing is seat occupancy, for host and admin too."""
    scene = stage()
    assert scene.speakers == set()

    take(scene, "hal", 0)

    assert scene.speakers == {"hal"}
    assert scene.room.members["hal"].role is UTDRole.HOST
