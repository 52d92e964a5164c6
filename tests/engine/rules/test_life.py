"""How a room ends, by itself or told to, and when somebody must look at it."""

from __future__ import annotations

from datetime import timedelta

from tests.engine.rules.scene import NOON, Scene, back_end_for, seated, stage
from utd_stream.engine.rules import Say, SyncRoom, next_deadline, overdue
from utd_stream.engine.rules import commands as c
from utd_stream.models.rooms import DisconnectReason, SeatMode, UTDRole

LEFT = DisconnectReason.CLIENT_INITIATED
LOST = DisconnectReason.CONNECTION_TIMEOUT
OTHERS = ("hal", "ada")


# Emptiness and the end.


def test_a_room_nobody_is_in_ends() -> None:
    """After 300 s, by a listing; everybody is told and the room deleted."""
    scene = seated()
    for identity in (*OTHERS, "ann", "bob"):
        scene.disconnect(identity, LEFT)

    scene.after(299.9).lists()
    assert scene.room.is_live
    scene.after(0.1).lists()

    assert not scene.room.is_live
    assert scene.effects == (Say("_room_ended"), SyncRoom())


def test_a_room_nobody_came_to_ends() -> None:
    """300 s from its first token."""
    scene = Scene()
    scene.mint("ann")
    assert next_deadline(scene.room, scene.rules) == NOON + timedelta(seconds=300)

    scene.after(300).hears(c.RoomGone(asked_at=scene.now))

    assert not scene.room.is_live


def test_one_listing_may_free_a_seat_and_end_the_room() -> None:
    """An engine that was long away finds both overdue at once."""
    scene = Scene()
    scene.mint("ann")
    scene.does("ann", c.TakeSeat(index=0))

    scene.after(400).lists()

    assert not scene.room.is_live
    assert scene.effects == (Say("_room_ended"), SyncRoom())


def test_whoever_is_in_it_keeps_it() -> None:
    """One is enough, and who comes back stops the clock."""
    scene = stage("ann")
    for identity in OTHERS:
        scene.disconnect(identity, LEFT)
    assert scene.room.empty_since is None

    scene.disconnect("ann", LOST)
    assert scene.room.empty_since == scene.now
    scene.after(200).connect("ann")

    scene.after(200).lists("ann")
    assert scene.room.is_live
    assert scene.room.empty_since is None


def test_emptiness_begins_with_the_listing_that_shows_it() -> None:
    """Without any notice: 300 s from when the engine first saw nobody."""
    scene = stage()
    scene.after(100).lists()
    assert scene.room.empty_since == scene.now

    scene.after(299).lists()
    assert scene.room.is_live
    scene.after(1).lists()

    assert not scene.room.is_live


def test_an_old_listing_does_not_end_a_room() -> None:
    """Emptiness is judged by when the listing was asked."""
    scene = Scene()
    scene.mint("ann")

    scene.after(300).lists(ago=1)

    assert scene.room.is_live


def test_a_mint_begins_the_emptiness_anew() -> None:
    """Who was let in has the whole time to come."""
    scene = Scene()
    scene.mint("ann")
    scene.after(299).mint("bob")

    scene.after(299.9).lists()
    assert scene.room.is_live
    scene.after(0.1).lists()

    assert not scene.room.is_live


def test_a_mint_into_company_begins_no_emptiness() -> None:
    """Somebody is there."""
    scene = stage("ann")

    scene.mint("bob")

    assert scene.room.empty_since is None


def test_an_end_leaves_nothing_behind() -> None:
    """No members, roles, owner, seats, requests; revision and numbers go on."""
    scene = stage("ann", "bob", mode=SeatMode.REQUEST)
    scene.does("ann", c.RequestToSpeak())
    scene.does("hal", c.InviteToSpeak(identity="bob", seat_index=0))
    scene.does("hal", c.SetupSeats(mode_id="x"))
    rev = scene.rev

    scene.does("hal", c.EndRoom())

    room, content = scene.room, scene.content
    assert (scene.members, room.owner) == ({}, None)
    assert (content.requests, content.invites) == ((), ())
    assert (scene.grid.seat_count, scene.grid.mode_id) == (9, None)
    assert scene.grid.seat_mode is SeatMode.FREE
    assert all(seat.is_free for seat in scene.grid.seats)
    assert scene.rev == rev + 1
    assert scene.effects == (Say("_room_ended"), SyncRoom())
    assert next_deadline(room, scene.rules) is None


def test_a_name_lives_again() -> None:
    """The next life is the next one, begins now, and opens the room."""
    scene = seated()
    scene.does("hal", c.EndRoom())
    rev = scene.rev

    scene.after(60).mint("new", by=back_end_for("new"), role=UTDRole.HOST)

    room = scene.room
    assert (room.life, room.created_at, room.owner) == (2, scene.now, "new")
    assert SyncRoom() in scene.effects
    assert scene.rev == rev


# Deadlines.


def test_the_next_deadline_is_the_first_of_all() -> None:
    """Requests, invitations, graces and emptiness, each with its look."""
    scene = stage("ann", "bob", mode=SeatMode.REQUEST, request_expiry=10)
    assert next_deadline(scene.room, scene.rules) is None
    scene.does("hal", c.TakeSeat(index=0))
    scene.does("ann", c.RequestToSpeak())
    scene.after(1).does("hal", c.InviteToSpeak(identity="bob"))
    scene.after(1).disconnect("hal", LOST)

    assert next_deadline(scene.room, scene.rules) == NOON + timedelta(seconds=10)
    assert overdue(scene.room, scene.rules, NOON + timedelta(seconds=9.9)) == set()
    assert overdue(scene.room, scene.rules, NOON + timedelta(seconds=10)) == {"time"}
    assert overdue(scene.room, scene.rules, NOON + timedelta(seconds=17)) == {
        "time",
        "listing",
    }


def test_an_invitation_is_due_too() -> None:
    """Alone it is the next deadline."""
    scene = stage("bob", request_expiry=10)

    scene.does("hal", c.InviteToSpeak(identity="bob"))

    assert next_deadline(scene.room, scene.rules) == NOON + timedelta(seconds=10)


def test_the_numbers_are_the_contracts() -> None:
    """Graces of 15 s and 2 s, a minute to answer, five to be empty; section 5."""
    rules = Scene().rules

    assert (rules.seat_grace, rules.leave_grace) == (15.0, 2.0)
    assert (rules.request_expiry, rules.room_empty) == (60.0, 300.0)
    assert (rules.max_requests, rules.max_metadata_bytes) == (100, 400_000)


def test_what_is_settled_is_never_due() -> None:
    """An answer ends the deadline."""
    scene = stage("ann", "bob", mode=SeatMode.REQUEST)
    scene.does("ann", c.RequestToSpeak())
    scene.does("hal", c.InviteToSpeak(identity="bob"))

    scene.does("hal", c.RejectSpeaker(request_id=1))
    scene.does("bob", c.DeclineInvitation(invitation_id=2))

    assert next_deadline(scene.room, scene.rules) is None
