"""Invitations to speak (contract.md section 3, Speakers)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.engine.rules.scene import NOON, ask, asking, invite, stage, waiting
from utd_stream.contract.answers import SeatedAnswer
from utd_stream.engine.rules import Command
from utd_stream.engine.rules import commands as c
from utd_stream.models.rooms import SeatMode

LATER = NOON + timedelta(seconds=60)


def test_an_invitation_holds_its_seat() -> None:
    """Until it is answered; everybody sees for whom and until when."""
    scene = asking("ann")

    number = invite(scene, "ann", 1)

    (shown,) = scene.grid.invitations
    assert (shown.id, shown.identity, shown.seat_index) == (number, "ann", 1)
    assert shown.expires_at == LATER
    assert scene.grid.seats[1].reserved_for == "ann"


def test_an_invitation_may_name_no_seat() -> None:
    """Then it holds none, and the first free one is taken on acceptance."""
    scene = asking("ann")
    number = invite(scene, "ann")
    assert all(seat.is_free for seat in scene.grid.seats)
    scene.does("hal", c.LockSeat(index=0))

    answer = scene.does("ann", c.AcceptInvitation(invitation_id=number))

    assert isinstance(answer, SeatedAnswer)
    assert (answer.invitation_id, answer.seat_index, answer.speaks) == (number, 1, True)
    assert answer.identity is None


@pytest.mark.parametrize("mode", SeatMode, ids=lambda mode: mode.value)
def test_who_accepts_sits_on_the_seat_held_for_him(mode: SeatMode) -> None:
    """At once and with the right, in either mode."""
    scene = stage("ann", mode=mode)
    number = invite(scene, "ann", 2)

    scene.does("ann", c.AcceptInvitation(invitation_id=number))

    assert (scene.sits, scene.synced, waiting(scene)) == (
        {"ann": 2},
        {"ann"},
        ([], []),
    )


def test_an_acceptance_without_a_free_seat_keeps_the_invitation() -> None:
    """409 for one that names no seat; later it may be accepted."""
    scene = asking("ann")
    number = invite(scene, "ann")
    for index in range(4):
        scene.does("hal", c.LockSeat(index=index))

    scene.refuses("ann", c.AcceptInvitation(invitation_id=number), "conflict")
    scene.does("hal", c.UnlockSeat(index=2))
    scene.does("ann", c.AcceptInvitation(invitation_id=number))

    assert scene.sits == {"ann": 2}


@pytest.mark.parametrize(
    ("who", "command"),
    [
        ("ann", c.DeclineInvitation(invitation_id=1)),
        ("ann", c.LeaveRoom()),
        ("hal", c.KickMember(identity="ann")),
        ("ann", c.TakeSeat(index=3)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("seat", [1, None], ids=["holding", "holding none"])
def test_an_invitation_that_ends_gives_its_seat_back(
    who: str, command: Command, seat: int | None
) -> None:
    """Declined, the invitee gone, or seated elsewhere."""
    scene = stage("ann")
    invite(scene, "ann", seat)

    scene.does(who, command)

    assert waiting(scene) == ([], [])
    assert scene.grid.seats[1].is_free


@pytest.mark.parametrize("seat", [1, None], ids=["holding", "holding none"])
def test_invitations_expire(seat: int | None) -> None:
    """60 s by default; the seat is open again."""
    scene = asking("ann")
    number = invite(scene, "ann", seat)

    scene.after(59.999).hears(c.TimePassed())
    assert waiting(scene) == ([], ["ann"])
    scene.after(0.001).hears(c.TimePassed())

    assert waiting(scene) == ([], [])
    assert scene.grid.seats[1].is_free
    error = scene.refuses("ann", c.AcceptInvitation(invitation_id=number), "settled")
    assert error.details == {"state": "expired"}


def test_declining_what_is_over_is_quiet() -> None:
    """Nothing changes, whatever became of it."""
    scene = asking("ann")
    number = invite(scene, "ann", 1)
    scene.does("ann", c.AcceptInvitation(invitation_id=number))
    before = scene.room

    scene.does("ann", c.DeclineInvitation(invitation_id=number))

    assert scene.room is before


@pytest.mark.parametrize("who", ["bob", "hal", "ada"])
def test_an_invitation_is_the_invitees(who: str) -> None:
    """To anybody else it is not there: 404."""
    scene = asking("ann", "bob")
    number = invite(scene, "ann")

    scene.refuses(who, c.AcceptInvitation(invitation_id=number), "not_found")
    scene.refuses(who, c.DeclineInvitation(invitation_id=number), "not_found")


@pytest.mark.parametrize(
    ("before", "command", "code"),
    [
        ([], c.InviteToSpeak(identity="stranger"), "not_found"),
        (
            [("ann", c.TakeSeat(index=0))],
            c.InviteToSpeak(identity="ann"),
            "already_seated",
        ),
        (
            [("hal", c.InviteToSpeak(identity="ann"))],
            c.InviteToSpeak(identity="ann", seat_index=2),
            "pending",
        ),
        (
            [("bob", c.TakeSeat(index=0))],
            c.InviteToSpeak(identity="ann", seat_index=0),
            "seat_taken",
        ),
        (
            [("hal", c.InviteToSpeak(identity="bob", seat_index=0))],
            c.InviteToSpeak(identity="ann", seat_index=0),
            "seat_taken",
        ),
        (
            [("hal", c.LockSeat(index=0))],
            c.InviteToSpeak(identity="ann", seat_index=0),
            "seat_locked",
        ),
        (
            [("hal", c.KickMember(identity="ann"))],
            c.InviteToSpeak(identity="ann"),
            "not_found",
        ),
    ],
    ids=["stranger", "seated", "twice", "taken", "reserved", "locked", "kicked"],
)
def test_whom_and_where_one_cannot_invite(
    before: list[tuple[str, Command]], command: Command, code: str
) -> None:
    """Each obstacle has its code (L30)."""
    scene = stage("ann", "bob")
    for who, earlier in before:
        scene.does(who, earlier)

    scene.refuses("hal", command, code)


def test_an_invitation_can_be_made_again() -> None:
    """After it was declined, with a number of its own."""
    scene = asking("ann")
    first = invite(scene, "ann", 1)
    scene.does("ann", c.DeclineInvitation(invitation_id=first))

    assert invite(scene, "ann", 1) == first + 1


def test_who_asks_may_be_invited() -> None:
    """And the acceptance ends both."""
    scene = asking("ann")
    ask(scene, "ann")
    number = invite(scene, "ann")

    scene.does("ann", c.AcceptInvitation(invitation_id=number))

    assert waiting(scene) == ([], [])
