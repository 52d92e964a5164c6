"""The clock set back by hours: what lies in the future counts as now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.engine.rules.scene import Scene, ask, asking, invite, seated, stage, waiting
from utd_stream.engine.rules import SyncParticipant, next_deadline, overdue
from utd_stream.engine.rules import commands as c
from utd_stream.models.rooms import DisconnectReason

TWO_HOURS = 7_200.0
LOST = DisconnectReason.CONNECTION_TIMEOUT
EVERYBODY = ("hal", "ada", "ann", "bob")


def set_back(scene: Scene) -> Scene:
    """Let the engine's clock show two hours less."""
    return scene.after(-TWO_HOURS)


def test_who_is_lost_after_it_loses_the_seat_in_time() -> None:
    """A connection seen before the clock was set back is missed all the same."""
    scene = set_back(seated())
    scene.lists("hal", "ada", "bob", ago=0.1)
    scene.after(1).lists("hal", "ada", "bob")
    assert not scene.members["ann"].is_connected

    scene.after(15).lists("hal", "ada", "bob")

    assert scene.sits == {"bob": 1}


def test_a_grace_that_runs_begins_anew() -> None:
    """Who was lost before it has the whole grace from now, and no more."""
    scene = seated()
    scene.disconnect("ann", LOST)
    set_back(scene.after(10)).lists("hal", "ada", "bob")

    scene.after(14.9).lists("hal", "ada", "bob")
    assert scene.sits == {"ann": 0, "bob": 1}
    scene.after(0.2).lists("hal", "ada", "bob")
    assert scene.sits == {"bob": 1}


def test_a_quiet_leave_frees_the_seat_in_time() -> None:
    """The two seconds of a clean farewell to the SFU begin anew, too."""
    scene = seated()
    scene.disconnect("ann", DisconnectReason.CLIENT_INITIATED)
    set_back(scene).lists("hal", "ada", "bob")

    scene.after(2).lists("hal", "ada", "bob")

    assert scene.sits == {"bob": 1}


def test_a_ghost_is_removed_in_time() -> None:
    """Who said goodbye before it is not shown by the SFU for two hours."""
    scene = seated()
    scene.does("ann", c.LeaveRoom())
    set_back(scene).lists(*EVERYBODY)
    scene.after(2).lists(*EVERYBODY)

    assert SyncParticipant("ann") in scene.effects


def test_an_empty_room_ends_in_time() -> None:
    """Five minutes from now at the latest."""
    scene = Scene()
    scene.mint("ann")
    set_back(scene).lists()

    scene.after(299).lists()
    assert scene.room.is_live
    scene.after(2).lists()
    assert not scene.room.is_live


def requested() -> Scene:
    """Somebody has asked to speak."""
    scene = asking("ann")
    ask(scene, "ann")
    return scene


def invited() -> Scene:
    """Somebody is asked to."""
    scene = stage("ann")
    invite(scene, "ann", 2)
    return scene


@pytest.mark.parametrize("wait", [requested, invited])
def test_what_waits_expires_in_time(wait: Callable[[], Scene]) -> None:
    """A request or an invitation waits a minute from now at the most."""
    scene = set_back(wait())
    scene.hears(c.TimePassed())
    assert waiting(scene) != ([], [])
    due = next_deadline(scene.room, scene.rules)
    assert due is not None
    assert due <= scene.now + timedelta(seconds=60)

    scene.after(60).hears(c.TimePassed())

    assert waiting(scene) == ([], [])


@pytest.mark.parametrize("wait", [requested, invited])
def test_a_room_of_the_future_is_due(wait: Callable[[], Scene]) -> None:
    """Somebody looks at it at once, and once."""
    scene = set_back(wait())
    assert "time" in overdue(scene.room, scene.rules, scene.now)

    scene.hears(c.TimePassed())

    assert overdue(scene.room, scene.rules, scene.now) == frozenset()


def test_who_connects_after_it_is_there() -> None:
    """The SFU's clock was set back with ours: the newer connection is no older one."""
    scene = set_back(seated())

    ann = scene.seen("ann", "PA_new", joined_at=scene.now - timedelta(seconds=1))
    scene.hears(c.MemberJoined(participant=ann))

    assert scene.members["ann"].sid == "PA_new"
    assert SyncParticipant("ann") in scene.effects


def test_a_listing_knows_better_than_the_clock_of_the_sfu() -> None:
    """Only the SFU's clock was set back: who is listed later is who is there."""
    scene = seated().after(1)
    earlier = scene.now - timedelta(hours=2)
    ann = scene.seen("ann", "PA_new", joined_at=earlier)

    scene.lists("hal", "ada", "bob", ann)

    assert scene.members["ann"].sid == "PA_new"


def test_a_listing_asked_for_before_it_unseats_nobody() -> None:
    """A listing of the future counts as one of now: it may know less than we."""
    scene = set_back(seated())
    scene.connect("ann")

    scene.lists("hal", "ada", "bob", ago=-TWO_HOURS)

    assert scene.members["ann"].is_connected
    assert scene.sits == {"ann": 0, "bob": 1}


def test_nothing_is_written_when_time_goes_on() -> None:
    """Looking at a room does not change it; the settling happens once."""
    scene = set_back(seated())
    scene.hears(c.TimePassed())
    before = scene.room

    scene.after(5).hears(c.TimePassed())

    assert scene.room is before
