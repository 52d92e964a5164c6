"""Who is there, where goodbyes, mints and listings cross (contract.md section 5)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.engine.rules.scene import NOON, Scene, stage
from utd_stream.engine.rules import SyncParticipant, lingers, next_deadline
from utd_stream.engine.rules import commands as c
from utd_stream.models.rooms import DisconnectReason

LEFT = DisconnectReason.CLIENT_INITIATED
LOST = DisconnectReason.CONNECTION_TIMEOUT
OTHERS = ("hal", "ada")


def seated() -> Scene:
    """Ann sits and is connected."""
    scene = stage("ann")
    scene.does("ann", c.TakeSeat(index=0))
    return scene


def removed(scene: Scene, identity: str) -> bool:
    """Whether the SFU is told to remove a member whom it has."""
    said = SyncParticipant(identity) in scene.effects
    return said and lingers(scene.member(identity), scene.now, scene.rules)


# Ghosts: a goodbye was said, and the SFU has not heard it.


def test_a_ghost_is_removed() -> None:
    """Who said goodbye and is listed 2 s later is put out of the SFU's room."""
    scene = seated()
    scene.does("ann", c.LeaveRoom())

    scene.after(1.9).lists(*OTHERS, "ann")
    assert scene.effects == ()
    scene.after(0.1).lists(*OTHERS, "ann")

    assert removed(scene, "ann")


def test_a_ghost_is_removed_until_it_is_gone() -> None:
    """A removal that was lost is said again by the next listing."""
    scene = seated()
    scene.does("ann", c.LeaveRoom())
    for _ in range(2):
        scene.after(5).lists(*OTHERS, "ann")
        assert removed(scene, "ann")

    scene.after(5).lists(*OTHERS)

    assert scene.effects == ()
    assert not scene.members["ann"].is_connected


def test_a_goodbye_said_twice_counts_from_the_first() -> None:
    """Nobody stays by saying goodbye again and again."""
    scene = seated()
    scene.does("ann", c.LeaveRoom())
    scene.after(1).does("ann", c.LeaveRoom())

    scene.after(1).lists(*OTHERS, "ann")

    assert removed(scene, "ann")


def test_a_listing_asked_too_early_shows_no_ghost() -> None:
    """What counts is when it was asked, not when it is told."""
    scene = seated()
    scene.does("ann", c.LeaveRoom())

    scene.after(3).lists(*OTHERS, "ann", ago=1.5)

    assert not removed(scene, "ann")


@pytest.mark.parametrize("tell", ["notice", "listing"])
def test_a_newer_connection_is_no_ghost(tell: str) -> None:
    """The goodbye was that of the connection then there, by its sid."""
    scene = seated()
    scene.does("ann", c.LeaveRoom())
    newer = scene.seen("ann", "PA_new", joined_at=scene.now + timedelta(seconds=1))
    scene.after(60)
    if tell == "notice":
        scene.hears(c.MemberJoined(participant=newer))
    else:
        scene.lists(*OTHERS, newer)

    scene.after(60).lists(*OTHERS, "ann")

    assert not removed(scene, "ann")


def test_a_mint_takes_the_goodbye_back() -> None:
    """The SFU removes by identity, so nothing is removed once another may come."""
    scene = seated()
    scene.does("ann", c.LeaveRoom())
    scene.after(5).mint("ann")

    scene.lists(*OTHERS, "ann")

    assert not removed(scene, "ann")


def test_who_sits_down_again_has_not_left() -> None:
    """A goodbye is over for who acts on: the seat comes with its right."""
    scene = seated()
    scene.does("ann", c.LeaveRoom())
    scene.does("ann", c.TakeSeat(index=0))

    scene.after(60).lists(*OTHERS, "ann")

    assert not removed(scene, "ann")
    assert scene.speakers == {"ann"}


def test_a_goodbye_without_a_connection_leaves_no_ghost() -> None:
    """Whoever comes after it is not the one who left."""
    scene = seated()
    scene.disconnect("ann", LEFT)
    scene.does("ann", c.LeaveRoom())
    scene.after(60)
    assert not lingers(scene.member("ann"), scene.now, scene.rules)
    scene.connect("ann")

    scene.after(60).lists(*OTHERS, "ann")

    assert not removed(scene, "ann")


def test_a_late_notice_does_not_bring_back_who_left() -> None:
    """It tells of the connection that said goodbye since."""
    scene = seated()
    scene.does("ann", c.LeaveRoom())
    scene.after(1).connect("ann")

    scene.after(1).lists(*OTHERS, "ann")

    assert removed(scene, "ann")


# Listings that were asked before a notice.


@pytest.mark.parametrize("reason", [LEFT, LOST], ids=lambda reason: reason.value)
def test_a_listing_asked_before_a_departure_does_not_undo_it(
    reason: DisconnectReason,
) -> None:
    """It shows the connection whose end was told since; the grace goes on."""
    scene = seated()
    scene.after(5).disconnect("ann", reason)
    due = next_deadline(scene.room, scene.rules)

    scene.after(0.1).lists(*OTHERS, "ann", ago=0.5)

    assert not scene.members["ann"].is_connected
    assert next_deadline(scene.room, scene.rules) == due


def test_a_listing_asked_before_a_departure_still_shows_who_came_after() -> None:
    """A later connection of the same person is news, whenever it was asked for."""
    scene = seated()
    scene.after(5).disconnect("ann", LEFT)
    newer = scene.seen("ann", "PA_new", joined_at=NOON + timedelta(seconds=4))

    scene.after(0.1).lists(*OTHERS, newer, ago=0.5)

    assert scene.members["ann"].sid == "PA_new"
    assert not scene.is_awaited("ann")


def test_a_listing_asked_after_a_departure_is_believed() -> None:
    """A notice may be wrong, or of the wrong order (T15)."""
    scene = seated()
    shown = scene.seen("ann")
    scene.after(5).disconnect("ann", LEFT)

    scene.after(1).lists(*OTHERS, shown, ago=0.5)

    assert scene.members["ann"].is_connected
    assert scene.sits == {"ann": 0}
