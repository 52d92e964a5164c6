"""Who is gone, and who only seems to be (contract.md section 5, Departure)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.engine.rules.scene import NOON, Scene, back_end_for, stage
from utd_stream.engine.rules import (
    Say,
    SyncMetadata,
    SyncParticipant,
    SyncRoom,
    next_deadline,
    overdue,
)
from utd_stream.engine.rules import commands as c
from utd_stream.models.rooms import DisconnectReason, SeatMode, UTDRole

AT_ONCE = {DisconnectReason.PARTICIPANT_REMOVED, DisconnectReason.ROOM_DELETED}
LEFT = DisconnectReason.CLIENT_INITIATED
REPLACED = DisconnectReason.DUPLICATE_IDENTITY
LOST = DisconnectReason.CONNECTION_TIMEOUT
REASONS = [r for r in DisconnectReason if r not in {*AT_ONCE, LEFT, REPLACED}]
OTHERS = ("hal", "ada")


def seated() -> Scene:
    """Ann and Bob sit and are connected."""
    scene = stage("ann", "bob")
    scene.does("ann", c.TakeSeat(index=0))
    scene.does("bob", c.TakeSeat(index=1))
    return scene


# Saying goodbye.


def test_a_goodbye_frees_everything_at_once() -> None:
    """Seat, requests and invitations; membership stays."""
    scene = seated()

    scene.does("ann", c.LeaveRoom())

    assert (scene.sits, scene.synced) == ({"bob": 1}, {"ann"})
    assert scene.room.member("ann") is not None


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
    old = scene.room.members["ann"].connection
    new = scene.mint("ann").connection

    scene.does("ann", c.LeaveRoom(connection=old))
    assert scene.sits == {"ann": 0, "bob": 1}

    scene.does("ann", c.LeaveRoom(connection=new))
    assert scene.sits == {"bob": 1}


# What the SFU tells.


@pytest.mark.parametrize("reason", AT_ONCE, ids=lambda reason: reason.value)
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
    assert scene.room.members["ann"].absence is None

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
    assert scene.room.members["ann"].absence is None


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

    assert scene.room.members["ann"].sid == "PA_new"
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

    assert not scene.room.members["ada"].is_connected
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
    assert scene.room.members["ann"].is_connected
    assert scene.room.members["ann"].absence is None


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
    assert scene.room.members["ann"].absence is None


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
    assert not any(m.is_connected for m in scene.room.members.values())
    assert next_deadline(scene.room, scene.rules) == scene.now + timedelta(seconds=300)


def test_a_listing_alone_shows_who_is_back_after_a_restart() -> None:
    """Without any notice the roster is right again."""
    scene = seated()
    back = [scene.seen(who, f"PA_{who}") for who in (*OTHERS, "ann", "bob")]
    scene.after(1).hears(c.RoomGone(asked_at=scene.now))

    scene.after(5).lists(*back)

    assert all(member.is_connected for member in scene.room.members.values())
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

    assert scene.room.members["ann"].is_connected


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

    assert scene.room.seats[1].data.absent_since == NOON

    scene.after(1).lists(*OTHERS, "bob")

    assert scene.sits == {"bob": 0}


def test_an_absence_ends_with_the_seat() -> None:
    """Who was unseated and sits down anew has a grace of his own."""
    scene = seated()
    scene.disconnect("ann", LOST)
    scene.after(10).does("hal", c.KickFromSeat(index=0))
    assert scene.room.members["ann"].absence is None
    scene.does("ann", c.TakeSeat(index=2))

    scene.after(14).lists(*OTHERS, "bob")
    assert scene.sits == {"ann": 2, "bob": 1}
    scene.after(1).lists(*OTHERS, "bob")

    assert scene.sits == {"bob": 1}


# Repair.


def test_every_join_writes_the_rights_again() -> None:
    """Even if we believe that they are in force (T9)."""
    scene = seated()

    for identity in ("bob", "ada"):
        scene.connect(identity)
        assert scene.effects == (SyncParticipant(identity),)


def test_strangers_are_removed() -> None:
    """No member, kicked: the sender finds no right for them and removes them."""
    scene = seated()
    scene.does("hal", c.KickMember(identity="ann"))

    for fact in (
        c.MemberJoined(participant=scene.seen("stranger")),
        c.MembersListed(
            participants=(scene.seen("stranger"), scene.seen("hal")),
            asked_at=scene.now,
            metadata_rev=scene.rev,
        ),
    ):
        scene.hears(fact)
        assert scene.synced == {"stranger"}
    scene.hears(c.MemberJoined(participant=scene.seen("ann")))
    assert scene.synced == {"ann"}


def test_a_kick_says_why_before_it_removes() -> None:
    """A word to the one who goes, then the removal."""
    scene = seated()

    scene.does("hal", c.KickMember(identity="ann"))

    said = list(scene.effects)
    assert said.index(Say("_kicked", ("ann",))) < said.index(SyncParticipant("ann"))
    assert scene.sits == {"bob": 1}


def test_a_kicked_one_who_left_is_not_there_any_more() -> None:
    """The roster hears of it, so that nobody seems connected after the next mint."""
    scene = seated()
    scene.does("hal", c.KickMember(identity="ann"))
    scene.disconnect("ann", DisconnectReason.PARTICIPANT_REMOVED)

    assert not scene.mint("ann").is_connected


def test_a_listing_that_agrees_changes_nothing() -> None:
    """Level-triggered: nothing is written where all is well."""
    scene = seated()
    before = scene.room

    scene.after(5).lists(*OTHERS, "ann", "bob")

    assert (scene.room is before, scene.effects) == (True, ())


@pytest.mark.parametrize("spoiled", ["permission", "metadata"])
def test_a_listing_mends_rights_and_metadata(spoiled: str) -> None:
    """What differs from the engine's word is written again, of nobody else."""
    scene = seated()
    wrong = {"permission": None} if spoiled == "permission" else {"metadata": "{}"}

    scene.lists(*OTHERS, "bob", scene.seen("ann", **wrong))

    assert scene.effects == (SyncParticipant("ann"),)


@pytest.mark.parametrize("told", [None, -1], ids=["none", "lower"])
def test_a_listing_mends_the_rooms_metadata(told: int | None) -> None:
    """None, or a lower revision: a restarted LiveKit has forgotten it."""
    scene = seated()
    rev = None if told is None else scene.rev + told
    everybody = tuple(scene.seen(who) for who in (*OTHERS, "ann", "bob"))

    scene.hears(
        c.MembersListed(participants=everybody, asked_at=scene.now, metadata_rev=rev)
    )

    assert scene.effects == (SyncMetadata(),)


def test_an_ended_room_is_closed_again() -> None:
    """A token that is still good opens a room which has ended (T39)."""
    scene = seated()
    scene.does("hal", c.EndRoom())
    ann = scene.seen("ann")

    for fact in (
        c.MemberJoined(participant=ann),
        c.MembersListed(participants=(ann,), asked_at=scene.now),
    ):
        scene.hears(fact)
        assert scene.effects == (SyncRoom(),)
    before = scene.room
    scene.hears(c.RoomGone(asked_at=scene.now))
    scene.hears(c.MemberLeft(identity="ann", sid="PA_ann", reason=LEFT))
    assert (scene.room is before, scene.effects) == (True, ())


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


def test_an_end_leaves_nothing_behind() -> None:
    """No members, roles, owner, seats, requests; revision and numbers go on."""
    scene = stage("ann", "bob", mode=SeatMode.REQUEST)
    scene.does("ann", c.RequestToSpeak())
    scene.does("hal", c.InviteToSpeak(identity="bob", seat_index=0))
    scene.does("hal", c.SetupSeats(mode_id="x"))
    rev = scene.rev

    scene.does("hal", c.EndRoom())

    room = scene.room
    assert (dict(room.members), room.owner, room.requests, room.invites) == (
        {},
        None,
        (),
        (),
    )
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
