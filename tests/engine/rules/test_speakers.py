"""Requests to speak (contract.md section 3, Speakers)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.rules.scene import (
    BACK_END,
    Scene,
    ask,
    asking,
    invite,
    stage,
    waiting,
)
from utd_stream.contract.answers import SeatedAnswer
from utd_stream.engine.rules import Actor, Command
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import audio_room
from utd_stream.errors import EngineError
from utd_stream.models.rooms import SeatMode, UTDRole


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


def settled(scene: Scene, number: int) -> Any:
    """What a second moderator learns of a request that is settled."""
    errors: list[EngineError] = [
        scene.refuses("ada", command, "settled")
        for command in (
            c.ApproveSpeaker(request_id=number),
            c.RejectSpeaker(request_id=number),
        )
    ]
    assert errors[0].details == errors[1].details
    return errors[0].details


@pytest.mark.parametrize("who", ["hal", BACK_END], ids=["host", "back end"])
def test_a_second_answer_learns_who_gave_the_first(who: str | Actor) -> None:
    """409 settled with details.settled_by, after a yes and after a no."""
    name = who if isinstance(who, str) else "secret"
    scene = asking("ann", "bob")
    yes, no = ask(scene, "ann"), ask(scene, "bob")

    scene.does(who, c.ApproveSpeaker(request_id=yes))
    scene.does(who, c.RejectSpeaker(request_id=no))

    assert settled(scene, yes) == {"state": "approved", "settled_by": name}
    assert settled(scene, no) == {"state": "rejected", "settled_by": name}


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
    assert settled(scene, number) == {"settled_by": None}


def test_sitting_down_otherwise_ends_the_request() -> None:
    """Who was invited meanwhile has what he asked for."""
    scene = asking("ann")
    number, invitation = ask(scene, "ann"), invite(scene, "ann", 2)

    scene.does("ann", c.AcceptInvitation(invitation_id=invitation))

    assert settled(scene, number) == {"settled_by": None}


def test_requests_expire() -> None:
    """60 s by default: not a moment sooner, and a no-answer has no author."""
    scene = asking("ann")
    number = ask(scene, "ann")

    scene.after(59.999).hears(c.TimePassed())
    assert waiting(scene) == (["ann"], [])
    scene.after(0.001).hears(c.TimePassed())

    assert settled(scene, number) == {"settled_by": None}


@pytest.mark.parametrize(
    "command", [c.ApproveSpeaker(request_id=9), c.RejectSpeaker(request_id=9)]
)
def test_there_is_no_such_request(command: Command) -> None:
    """404."""
    asking().refuses("hal", command, "not_found")


def test_asking_without_end_fills_nothing() -> None:
    """What nobody answered is not kept, and yet known to have been."""
    scene = asking("ann", "bob")
    answered = ask(scene, "bob")
    scene.does("hal", c.RejectSpeaker(request_id=answered))
    invitation = invite(scene, "bob")
    numbers = [ask(scene, "ann")]
    for _ in range(50):
        scene.does("ann", c.CancelRequest())
        numbers.append(ask(scene, "ann"))
    scene.after(60).hears(c.TimePassed())

    assert [request.id for request in audio_room(scene.room).requests] == [answered]
    assert all(settled(scene, number) == {"settled_by": None} for number in numbers)
    for number in (invitation, numbers[-1] + 1):
        scene.refuses("hal", c.ApproveSpeaker(request_id=number), "not_found")


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
    lapsed = ask(scene, "ann")
    scene.does("ann", c.CancelRequest())
    scene.refuses("hal", c.RejectSpeaker(request_id=number), "settled")

    next_life(scene)

    for past in (number, lapsed):
        scene.refuses("hal", c.RejectSpeaker(request_id=past), "not_found")
