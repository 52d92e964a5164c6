"""Who is gone, and who only seems to be (contract.md section 5, Departure)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.engine.rules.scene import NOON, Scene, seated, stage
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules import next_deadline, overdue
from utd_stream.models.rooms import DisconnectReason

AT_ONCE = {DisconnectReason.PARTICIPANT_REMOVED, DisconnectReason.ROOM_DELETED}
LEFT = DisconnectReason.CLIENT_INITIATED
REPLACED = DisconnectReason.DUPLICATE_IDENTITY
LOST = DisconnectReason.CONNECTION_TIMEOUT
REASONS = [r for r in DisconnectReason if r not in {*AT_ONCE, LEFT, REPLACED}]
OTHERS = ("hal", "ada")


# Saying goodbye.


def test_a_goodbye_frees_everything_at_once() -> None:
    """Seat, requests and invitations; membership stays."""
    scene = seated()

    scene.does("ann", c.LeaveRoom())

    assert (scene.sits, scene.synced) == ({"bob": 1}, {"ann"})
    assert scene.member("ann") is not None


def test_a_goodbye_is_never_wrong() -> None:
    """No member, kicked, ended, never begun: 200, nothing changes."""
    scene = seated()
    scene.does("hal", c.KickMember(identity="ann"))
    before = scene.room
    for identity in ("ann", "stranger"):
        scene.does(identity, c.LeaveRoom())
        assert (scene.room is before, scene.effects) == (True, ())

    scene.does("hal", c.EndRoom())
    before = scene.room
    scene.does("bob", c.LeaveRoom())
    assert (scene.room is before, scene.effects) == (True, ())

    unborn = Scene()
    unborn.does("ann", c.LeaveRoom())
    assert (unborn.room.version, unborn.effects) == (0, ())


def test_a_past_device_does_not_say_goodbye_for_the_present_one() -> None:
    """An older connection than the newest mint changes nothing."""
    scene = seated()
    old = scene.members["ann"].connection
    new = scene.mint("ann").connection

    scene.does("ann", c.LeaveRoom(connection=old))
    assert scene.sits == {"ann": 0, "bob": 1}

    scene.does("ann", c.LeaveRoom(connection=new))
    assert scene.sits == {"bob": 1}


# What the SFU tells.


@pytest.mark.parametrize(
    "reason", sorted(AT_ONCE, key=str), ids=lambda reason: reason.value
)
def test_who_was_removed_is_gone_at_once(reason: DisconnectReason) -> None:
    """The seat is free with the notice."""
    scene = seated()

    scene.disconnect("ann", reason)

    assert scene.sits == {"bob": 1}


@pytest.mark.parametrize(
    ("reason", "grace"),
    [(LEFT, 2.0), *((reason, 15.0) for reason in REASONS)],
    ids=lambda value: value.value if isinstance(value, DisconnectReason) else "",
)
def test_a_seat_waits_for_its_grace(reason: DisconnectReason, grace: float) -> None:
    """2 s after a goodbye to the SFU alone, 15 s after anything else."""
    scene = seated()
    scene.disconnect("ann", reason)

    scene.after(grace - 0.001).lists(*OTHERS, "bob")
    assert scene.sits == {"ann": 0, "bob": 1}
    scene.after(0.001).lists(*OTHERS, "bob")

    assert scene.sits == {"bob": 1}
    assert scene.synced == {"ann"}


def test_a_replaced_connection_is_no_departure() -> None:
    """The newer one is there, or on its way; the grace begins with a listing."""
    scene = seated()
    scene.disconnect("ann", REPLACED)
    assert not scene.is_awaited("ann")

    scene.after(20).lists(*OTHERS, "bob")

    assert scene.sits == {"ann": 0, "bob": 1}


def test_only_the_current_connection_leaves() -> None:
    """A late notice of an older sid is ignored (T25)."""
    scene = seated()
    scene.hears(c.MemberJoined(participant=scene.seen("ann", "PA_new")))
    before = scene.room

    for reason in DisconnectReason:
        scene.hears(c.MemberLeft(identity="ann", sid="PA_ann", reason=reason))

    assert scene.room is before


def test_a_full_reconnect_keeps_the_seat() -> None:
    """Left by itself, joined 60 ms later with a new sid (T38)."""
    scene = seated()
    scene.disconnect("ann", LEFT)
    back = scene.seen("ann", "PA_new", joined_at=scene.now)
    scene.after(0.06).hears(c.MemberJoined(participant=back))

    scene.after(60).lists(*OTHERS, "ann", "bob")

    assert scene.sits == {"ann": 0, "bob": 1}
    assert not scene.is_awaited("ann")


def test_notices_in_the_wrong_order_unseat_nobody() -> None:
    """Joined anew before left is told (T13, T15)."""
    scene = seated()
    scene.after(1).hears(c.MemberJoined(participant=scene.seen("ann", "PA_new")))
    scene.hears(c.MemberLeft(identity="ann", sid="PA_ann", reason=LEFT))

    scene.after(60).lists(*OTHERS, "ann", "bob")

    assert scene.sits == {"ann": 0, "bob": 1}


def test_a_notice_of_an_older_connection_does_not_replace_the_newer() -> None:
    """Which is older is told by the SFU's own time of joining."""
    scene = seated()
    newer = scene.seen("ann", "PA_new", joined_at=NOON + timedelta(seconds=5))
    older = scene.seen("ann", "PA_mid", joined_at=NOON + timedelta(seconds=3))
    scene.after(6).hears(c.MemberJoined(participant=newer))

    scene.hears(c.MemberJoined(participant=older))

    assert scene.members["ann"].sid == "PA_new"
    assert scene.effects == ()


def test_notices_about_strangers_and_the_kicked_leave_the_seats() -> None:
    """Nobody's departure is no departure."""
    scene = seated()
    before = scene.sits

    scene.hears(c.MemberLeft(identity="stranger", sid="PA_s", reason=LOST))

    assert (scene.sits, scene.effects) == (before, ())


def test_a_departure_of_who_sits_nowhere_changes_no_seat() -> None:
    """The roster knows; nothing is waited for."""
    scene = seated()

    scene.disconnect("ada", LOST)

    assert not scene.members["ada"].is_connected
    assert next_deadline(scene.room, scene.rules) is None


# Listings.


def test_a_missing_one_has_the_grace_from_then_on() -> None:
    """15 s from when the engine first saw the absence."""
    scene = seated()
    scene.after(100).lists(*OTHERS, "bob")
    assert scene.sits == {"ann": 0, "bob": 1}

    scene.after(14.9).lists(*OTHERS, "bob")
    assert scene.sits == {"ann": 0, "bob": 1}
    scene.after(0.1).lists(*OTHERS, "bob")

    assert scene.sits == {"bob": 1}


def test_who_comes_back_within_the_grace_stays() -> None:
    """Seen again, by a notice or a listing, the absence is over."""
    for come_back in ("notice", "listing"):
        scene = seated()
        scene.disconnect("ann", LOST)
        scene.after(10)
        if come_back == "notice":
            scene.connect("ann")
        else:
            scene.lists(*OTHERS, "ann", "bob")
        scene.disconnect("ann", LOST)

        scene.after(14.9).lists(*OTHERS, "bob")

        assert scene.sits == {"ann": 0, "bob": 1}


def test_a_listing_asked_before_a_join_cannot_unseat() -> None:
    """It cannot know who came after it was asked."""
    scene = seated()
    scene.disconnect("ann", LOST)
    scene.after(30).connect("ann")

    scene.after(1).lists(*OTHERS, "bob", ago=5)

    assert scene.sits == {"ann": 0, "bob": 1}
    assert scene.members["ann"].is_connected
    assert not scene.is_awaited("ann")


def test_a_listing_asked_before_the_grace_was_over_does_not_end_it() -> None:
    """What counts is when it was asked, not when it is told."""
    scene = seated()
    scene.disconnect("ann", LOST)

    scene.after(15).lists(*OTHERS, "bob", ago=0.5)

    assert scene.sits == {"ann": 0, "bob": 1}


def test_time_alone_unseats_nobody() -> None:
    """A grace that is over waits for a listing; a failed one is no fact."""
    scene = seated()
    scene.disconnect("ann", LOST)

    scene.after(3600).hears(c.TimePassed())

    assert scene.sits == {"ann": 0, "bob": 1}
    assert overdue(scene.room, scene.rules, scene.now) == {"listing"}


def test_an_engine_that_was_down_unseats_nobody_who_is_there() -> None:
    """Overdue graces are judged by a listing, which shows them present."""
    scene = seated()
    scene.disconnect("ann", LOST)

    scene.after(3600).lists(*OTHERS, "ann", "bob")

    assert scene.sits == {"ann": 0, "bob": 1}
    assert not scene.is_awaited("ann")


def test_an_engine_that_was_down_unseats_who_is_gone() -> None:
    """The same listing ends the grace of one who is not in it."""
    scene = seated()
    scene.disconnect("ann", LOST)

    scene.after(3600).lists(*OTHERS, "bob")

    assert scene.sits == {"bob": 1}


def test_a_room_that_the_sfu_forgot_is_no_departure() -> None:
    """LiveKit was restarted: everybody is on the way back (T39)."""
    scene = seated()

    scene.after(100).hears(c.RoomGone(asked_at=scene.now))

    assert scene.sits == {"ann": 0, "bob": 1}
    assert not any(m.is_connected for m in scene.members.values())
    assert next_deadline(scene.room, scene.rules) == scene.now + timedelta(seconds=300)


def test_a_listing_alone_shows_who_is_back_after_a_restart() -> None:
    """Without any notice the roster is right again."""
    scene = seated()
    back = [scene.seen(who, f"PA_{who}") for who in (*OTHERS, "ann", "bob")]
    scene.after(1).hears(c.RoomGone(asked_at=scene.now))

    scene.after(5).lists(*back)

    assert all(member.is_connected for member in scene.members.values())
    assert scene.room.empty_since is None


def test_who_does_not_come_back_after_a_restart_loses_the_seat() -> None:
    """The grace begins when the room is there again without them."""
    scene = seated()
    scene.after(100).hears(c.RoomGone(asked_at=scene.now))
    scene.after(5).connect("bob")

    scene.after(1).lists("bob")
    scene.after(15).lists("bob")

    assert scene.sits == {"bob": 1}


def test_a_forgotten_room_asked_for_before_a_join_disconnects_nobody() -> None:
    """The join is newer than what was seen."""
    scene = seated()

    scene.after(1).hears(c.RoomGone(asked_at=NOON))

    assert scene.members["ann"].is_connected


def test_who_sits_down_must_come_within_the_grace() -> None:
    """A seat taken without a connection is lost when none comes."""
    scene = stage()
    scene.mint("ann")
    scene.does("ann", c.TakeSeat(index=0))
    assert next_deadline(scene.room, scene.rules) == NOON + timedelta(seconds=15)

    scene.after(15).lists(*OTHERS)

    assert scene.sits == {}


def test_a_move_does_not_lengthen_an_absence() -> None:
    """The grace counts from when the engine first saw it, wherever one sits."""
    scene = seated()
    scene.disconnect("ann", LOST)
    scene.after(10).does("ann", c.MoveSeat(target=2))
    assert scene.sits["ann"] == 2

    scene.after(5).lists(*OTHERS, "bob")

    assert scene.sits == {"bob": 1}


def test_a_swap_does_not_lengthen_an_absence() -> None:
    """Nor does a moderator, and the other's presence is not touched."""
    scene = seated()
    scene.disconnect("ann", LEFT)
    scene.after(1).does("hal", c.SwapSeats(a=0, b=1))
    assert scene.sits == {"ann": 1, "bob": 0}

    assert scene.content.seats[1].data.absent_since == NOON

    scene.after(1).lists(*OTHERS, "bob")

    assert scene.sits == {"bob": 0}


def test_an_absence_ends_with_the_seat() -> None:
    """Who was unseated and sits down anew has a grace of his own."""
    scene = seated()
    scene.disconnect("ann", LOST)
    scene.after(10).does("hal", c.KickFromSeat(index=0))
    assert not scene.is_awaited("ann")
    scene.does("ann", c.TakeSeat(index=2))

    scene.after(14).lists(*OTHERS, "bob")
    assert scene.sits == {"ann": 2, "bob": 1}
    scene.after(1).lists(*OTHERS, "bob")

    assert scene.sits == {"bob": 1}
