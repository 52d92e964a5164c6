"""Requests and invitations to speak (contract.md section 3, Speakers)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.engine.rules.scene import BACK_END, NOON, Scene, stage
from utd_stream.contract.answers import InvitationAnswer, RequestAnswer, SeatedAnswer
from utd_stream.engine.rules import Actor, Command
from utd_stream.engine.rules import commands as c
from utd_stream.errors import EngineError
from utd_stream.models.rooms import SeatMode, UTDRole

LATER = NOON + timedelta(seconds=60)


def asking(*people: str, **rules: Any) -> Scene:
    """A room in request mode."""
    return stage(*people, mode=SeatMode.REQUEST, **rules)


def ask(scene: Scene, who: str) -> int:
    """Let somebody ask; the number of the request."""
    answer = scene.does(who, c.RequestToSpeak())
    assert isinstance(answer, RequestAnswer)
    return answer.request_id


def invite(scene: Scene, who: str, seat: int | None = None) -> int:
    """Let the host invite somebody; the number of the invitation."""
    answer = scene.does("hal", c.InviteToSpeak(identity=who, seat_index=seat))
    assert isinstance(answer, InvitationAnswer)
    return answer.invitation_id


def waiting(scene: Scene) -> tuple[list[str], list[str]]:
    """Who asks and who is asked."""
    grid = scene.grid
    return [r.identity for r in grid.requests], [i.identity for i in grid.invitations]


# Requests.


def test_who_asks_waits_in_the_list() -> None:
    """Oldest first, with a number and a moment, for everybody to see (L3)."""
    scene = asking("ann", "bob")
    numbers = [ask(scene, "bob"), ask(scene.after(1), "ann")]

    shown = scene.grid.requests

    assert [r.identity for r in shown] == ["bob", "ann"]
    assert [r.id for r in shown] == numbers
    assert shown[1].created_at == scene.now


def test_in_free_mode_there_is_nothing_to_ask() -> None:
    """409: take a seat."""
    stage("ann").refuses("ann", c.RequestToSpeak(), "conflict")


def test_who_sits_does_not_ask() -> None:
    """409 already_seated (L30)."""
    scene = asking("ann")
    scene.does("hal", c.TakeSeat(index=0))

    scene.refuses("hal", c.RequestToSpeak(), "already_seated")


def test_nobody_asks_twice() -> None:
    """409 pending; after the answer one may ask again (L30)."""
    scene = asking("ann")
    number = ask(scene, "ann")

    scene.refuses("ann", c.RequestToSpeak(), "pending")
    scene.does("hal", c.RejectSpeaker(request_id=number))
    assert ask(scene, "ann") == number + 1


def test_a_hundred_may_wait() -> None:
    """The one after them: 409, until somebody is answered."""
    people = [f"p{number}" for number in range(101)]
    scene = asking(*people)
    numbers = [ask(scene, who) for who in people[:100]]

    scene.refuses(people[100], c.RequestToSpeak(), "conflict")
    scene.does("hal", c.RejectSpeaker(request_id=numbers[0]))
    ask(scene, people[100])


def test_a_request_can_be_taken_back() -> None:
    """And who has not asked takes nothing back, in peace."""
    scene = asking("ann", "bob")
    ask(scene, "ann")
    ask(scene, "bob")

    scene.does("ann", c.CancelRequest())
    assert waiting(scene) == (["bob"], [])

    before = scene.room
    scene.does("ann", c.CancelRequest())
    assert scene.room is before


def test_an_approval_seats_at_once() -> None:
    """On the first free seat, with the right; the answer names who and where."""
    scene = asking("ann")
    number = ask(scene, "ann")

    answer = scene.does("ada", c.ApproveSpeaker(request_id=number))

    assert isinstance(answer, SeatedAnswer)
    assert (answer.request_id, answer.identity) == (number, "ann")
    assert (answer.seat_index, answer.speaks) == (0, True)
    assert (scene.sits, scene.synced, waiting(scene)) == (
        {"ann": 0},
        {"ann"},
        ([], []),
    )


def test_an_approval_skips_what_is_closed() -> None:
    """First free, unlocked and unreserved (L29)."""
    scene = asking("ann", "bob")
    scene.does("hal", c.LockSeat(index=0))
    scene.does("hal", c.TakeSeat(index=1))
    invite(scene, "bob", 2)
    number = ask(scene, "ann")

    scene.does("hal", c.ApproveSpeaker(request_id=number))

    assert scene.sits["ann"] == 3


def test_an_approval_without_a_free_seat_keeps_the_request() -> None:
    """409, and a seat that comes free later serves it (L29)."""
    scene = asking("ann")
    for index in range(4):
        scene.does("hal", c.LockSeat(index=index))
    number = ask(scene, "ann")

    scene.refuses("hal", c.ApproveSpeaker(request_id=number), "conflict")
    assert waiting(scene) == (["ann"], [])
    scene.does("hal", c.UnlockSeat(index=3))
    scene.does("hal", c.ApproveSpeaker(request_id=number))
    assert scene.sits == {"ann": 3}


def test_an_approval_into_a_muted_seat_says_so() -> None:
    """Seated, silent: the answer's `speaks` is false."""
    scene = asking("ann")
    scene.does("hal", c.MuteSeat(index=0))
    number = ask(scene, "ann")

    answer = scene.does("hal", c.ApproveSpeaker(request_id=number))

    assert (answer.seat_index, answer.speaks) == (0, False)


def settled_by(scene: Scene, number: int) -> tuple[Any, Any]:
    """What a second moderator learns of a request that is settled."""
    errors: list[EngineError] = [
        scene.refuses("ada", command, "settled")
        for command in (
            c.ApproveSpeaker(request_id=number),
            c.RejectSpeaker(request_id=number),
        )
    ]
    assert errors[0].details == errors[1].details
    return errors[0].details["state"], errors[0].details["settled_by"]


@pytest.mark.parametrize("who", ["hal", BACK_END], ids=["host", "back end"])
def test_a_second_answer_learns_who_gave_the_first(who: str | Actor) -> None:
    """409 settled with details.settled_by, after a yes and after a no."""
    name = who if isinstance(who, str) else "secret"
    scene = asking("ann", "bob")
    yes, no = ask(scene, "ann"), ask(scene, "bob")

    scene.does(who, c.ApproveSpeaker(request_id=yes))
    scene.does(who, c.RejectSpeaker(request_id=no))

    assert settled_by(scene, yes) == ("approved", name)
    assert settled_by(scene, no) == ("rejected", name)


@pytest.mark.parametrize(
    ("who", "command"),
    [
        ("ann", c.CancelRequest()),
        ("ann", c.LeaveRoom()),
        ("hal", c.KickMember(identity="ann")),
        ("hal", c.SetupSeats(seat_mode=SeatMode.FREE)),
    ],
    ids=repr,
)
def test_a_request_without_a_point_is_cancelled(who: str, command: Command) -> None:
    """Taken back, the asker gone, or nothing left to ask: nobody answered it."""
    scene = asking("ann")
    number = ask(scene, "ann")

    scene.does(who, command)

    assert waiting(scene) == ([], [])
    assert settled_by(scene, number) == ("cancelled", None)


def test_sitting_down_otherwise_ends_the_request() -> None:
    """Who was invited meanwhile has what he asked for."""
    scene = asking("ann")
    number, invitation = ask(scene, "ann"), invite(scene, "ann", 2)

    scene.does("ann", c.AcceptInvitation(invitation_id=invitation))

    assert settled_by(scene, number) == ("cancelled", None)


def test_requests_expire() -> None:
    """60 s by default: not a moment sooner, and a no-answer has no author."""
    scene = asking("ann")
    number = ask(scene, "ann")

    scene.after(59.999).hears(c.TimePassed())
    assert waiting(scene) == (["ann"], [])
    scene.after(0.001).hears(c.TimePassed())

    assert settled_by(scene, number) == ("expired", None)


@pytest.mark.parametrize(
    "command", [c.ApproveSpeaker(request_id=9), c.RejectSpeaker(request_id=9)]
)
def test_there_is_no_such_request(command: Command) -> None:
    """404."""
    asking().refuses("hal", command, "not_found")


def next_life(scene: Scene, *people: str) -> None:
    """End the room and begin it again."""
    scene.does("hal", c.EndRoom())
    for identity in people:
        scene.mint(identity)
    scene.mint_as(UTDRole.HOST, "hal")


def test_numbers_are_never_used_twice() -> None:
    """One counter for requests and invitations, over all lives of the name."""
    scene = asking("ann", "bob")
    numbers = [ask(scene, "ann"), invite(scene, "bob")]
    next_life(scene, "ann")

    numbers.append(invite(scene, "ann"))

    assert numbers == [1, 2, 3]


def test_settled_ones_are_kept_for_one_life() -> None:
    """In the next one nobody knows them."""
    scene = asking("ann")
    number = ask(scene, "ann")
    scene.does("hal", c.RejectSpeaker(request_id=number))
    scene.refuses("hal", c.RejectSpeaker(request_id=number), "settled")

    next_life(scene)

    scene.refuses("hal", c.RejectSpeaker(request_id=number), "not_found")


# Invitations.


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
