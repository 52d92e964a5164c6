"""Kicking, locking and muting seats, and setting up the grid."""

from __future__ import annotations

import pytest

from tests.engine.rules.scene import BACK_END, reserved, stage, take
from utd_stream.engine.rules import Command
from utd_stream.engine.rules import commands as c
from utd_stream.models.rooms import SeatMode

REQUEST = SeatMode.REQUEST


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
