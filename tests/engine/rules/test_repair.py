"""What the SFU has and should not, or has not and should."""

from __future__ import annotations

import json

import attrs
import pytest

from tests.engine.rules.scene import seated
from utd_stream.engine.rules import (
    Say,
    SyncMetadata,
    SyncParticipant,
    SyncRoom,
    participant_metadata,
)
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.keeping import row_of
from utd_stream.models.rooms import DisconnectReason

LEFT = DisconnectReason.CLIENT_INITIATED
OTHERS = ("hal", "ada")


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
    rev = None if told is None else scene.room.metadata_rev + told
    everybody = tuple(scene.seen(who) for who in (*OTHERS, "ann", "bob"))

    scene.hears(
        c.MembersListed(participants=everybody, asked_at=scene.now, metadata_rev=rev)
    )

    assert scene.effects == (SyncMetadata(),)


POISON = {
    "nested too deep": '{"a":' + "[" * 254 + "]" * 254 + "}",
    "no JSON": '{"a":',
    "no object": "[1]",
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_kept_metadata_that_is_unusable_hides_nobody(poison: str) -> None:
    """A member it was kept for is told the engine's keys; all are judged."""
    scene = seated()
    ann = attrs.evolve(scene.members["ann"], metadata=poison)
    scene.kept.table.write([row_of(scene.room, ann, scene.rules)])

    assert set(json.loads(participant_metadata(scene.room, scene.members["ann"]))) == {
        *("role", "appId", "service", "connection", "grant"),
    }
    scene.lists(*OTHERS, "ann", scene.seen("bob", metadata="other"))
    assert scene.synced == {"bob"}
    scene.does("hal", c.KickFromSeat(index=0))
    assert scene.synced == {"ann"}


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
