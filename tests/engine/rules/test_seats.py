"""Taking, leaving, moving, swapping."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.rules.scene import Scene, ask, asking, reserved, stage, take
from utd_stream.contract.answers import SeatAnswer
from utd_stream.engine.rules import Command
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.models.rooms import DisconnectReason, SeatMode, UTDRole

REQUEST = SeatMode.REQUEST


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


@pytest.mark.parametrize("index", [0, 2, 3])
def test_one_person_sits_once(index: int) -> None:
    """Who sits takes no second seat."""
    scene = stage("ann")
    take(scene, "ann", 1)

    error = scene.refuses("ann", c.TakeSeat(index=index), "already_seated")

    assert error.details == {"seat_index": 1}


def in_free_mode() -> Scene:
    """Ann has taken seat 1."""
    scene = stage("ann")
    take(scene, "ann", 1)
    return scene


def in_request_mode() -> Scene:
    """Ann was approved to seat 0, and moved to 1; nobody may take seats unasked."""
    scene = asking("ann")
    scene.does("hal", c.ApproveSpeaker(request_id=ask(scene, "ann")))
    scene.does("ann", c.MoveSeat(target=1))
    return scene


def as_invited() -> Scene:
    """Ann has taken the seat that was reserved for her."""
    scene = reserved(1)
    take(scene, "ann", 1)
    return scene


def on_a_muted_seat() -> Scene:
    """Ann's seat is muted."""
    scene = in_free_mode()
    scene.does("hal", c.MuteSeat(index=1))
    return scene


def not_seen() -> Scene:
    """Ann's connection broke, and her seat waits for her."""
    scene = in_free_mode()
    scene.disconnect("ann", DisconnectReason.CONNECTION_TIMEOUT)
    return scene


def replaced() -> Scene:
    """Ann's connection was replaced by one that nobody has seen yet."""
    scene = in_free_mode()
    scene.mint("ann")
    scene.disconnect("ann", DisconnectReason.DUPLICATE_IDENTITY)
    return scene


HELD = (in_free_mode, in_request_mode, as_invited, on_a_muted_seat, not_seen, replaced)


@pytest.mark.parametrize("hold", HELD)
def test_taking_the_seat_one_has_is_done(hold: Callable[[], Scene]) -> None:
    """Whatever the mode, nothing changes: neither revision, rights, nor a grace."""
    scene = hold()
    before = scene.room

    answer = take(scene, "ann", 1)

    assert scene.room is before
    assert scene.effects == ()
    assert (answer.seat_index, answer.grid) == (1, grid_of(before))
    assert answer.rev == before.rev
    assert answer.speaks is (hold is not on_a_muted_seat)


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


def test_the_host_speaks_by_sitting_only() -> None:
    """Publishing is seat occupancy, for host and admin too."""
    scene = stage()
    assert scene.speakers == set()

    take(scene, "hal", 0)

    assert scene.speakers == {"hal"}
    assert scene.members["hal"].role is UTDRole.HOST


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
