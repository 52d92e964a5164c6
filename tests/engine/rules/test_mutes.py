"""Hard mutes: what they take, from whom, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.rules.scene import BACK_END, seated, stage, take
from utd_stream.engine.rules import SyncMetadata, SyncParticipant, room_metadata
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.engine.rules.keeping import may_forget
from utd_stream.models.json_text import read_json
from utd_stream.models.rooms import DisconnectReason, UTDRole
from utd_stream.snapshots.session import grant_of


def mute(who: str, **kinds: bool) -> c.MuteParticipant:
    """Take somebody's microphone, or *kinds*."""
    return c.MuteParticipant(identity=who, muted=True, **(kinds or {"audio": True}))


def unmute(who: str) -> c.MuteParticipant:
    """Give somebody's microphone back."""
    return c.MuteParticipant(identity=who, audio=True, muted=False)


MUTE_ALL = c.MuteRoom(audio=True, muted=True)
UNMUTE_ALL = c.MuteRoom(audio=True, muted=False)


def told(metadata: str) -> dict[str, Any]:
    """What metadata says."""
    found = read_json(metadata)
    assert isinstance(found, dict)
    return found


def test_a_mute_takes_the_right_and_nothing_else() -> None:
    """The seat stays as it is, its revision too; a right that comes back is new."""
    scene = seated()
    before, grant = scene.grid, grant_of(scene.seen("ann").metadata)
    scene.does("hal", mute("ann"))

    assert scene.speakers == {"bob"}
    assert scene.synced == {"ann"}
    assert [s.occupant_identity for s in scene.grid.seats] == [
        s.occupant_identity for s in before.seats
    ]
    assert told(scene.seen("ann").metadata)["muted"] == {"audio": True}
    assert grant_of(scene.seen("ann").metadata) == 0

    scene.does("hal", unmute("ann"))
    assert scene.speakers == {"ann", "bob"}
    assert grant_of(scene.seen("ann").metadata) > grant


def test_the_same_again_changes_nothing() -> None:
    """No row, no effect."""
    scene = seated()
    for command in (mute("ann"), MUTE_ALL):
        scene.does("hal", command)
        before = scene.room, scene.members
        scene.does("hal", command)
        assert (scene.room, scene.members) == before
        assert scene.effects == ()


def test_a_mute_of_pictures_takes_no_voice() -> None:
    """It is shown all the same: the member's own setting."""
    scene = seated()
    scene.does("hal", mute("ann", video=True))
    assert scene.speakers == {"ann", "bob"}
    assert told(scene.seen("ann").metadata)["muted"] == {"video": True}
    assert scene.effects == (SyncParticipant("ann"),)


def test_whoever_is_muted_sits_down_silent() -> None:
    """The answer says so (take_seat returns once seated)."""
    scene = stage("ann")
    scene.does("hal", mute("ann"))
    assert not take(scene, "ann", 0).speaks
    assert scene.speakers == set()
    scene.does("hal", unmute("ann"))
    assert scene.speakers == {"ann"}


def test_a_mute_outlasts_leaving_and_forgetting() -> None:
    """For the life of the room, and no longer."""
    scene = stage("ann", "bob")
    scene.does("hal", mute("ann"))
    for who in ("ann", "bob"):
        scene.does(who, c.LeaveRoom())
        scene.disconnect(who, DisconnectReason.CLIENT_INITIATED)
    scene.after(scene.rules.forget_idle)
    kept = {
        who: not may_forget(scene.room, scene.members[who], scene.now, scene.rules)
        for who in ("ann", "bob")
    }
    assert kept == {"ann": True, "bob": False}
    scene.mint("ann")
    assert not take(scene, "ann", 0).speaks

    scene.does("hal", c.EndRoom())
    scene.mint("ann")
    assert take(scene, "ann", 0).speaks


def test_a_mute_of_all_spares_moderators() -> None:
    """Late joiners are muted too (L64, L66)."""
    scene = seated()
    scene.mint("cho")
    for who, index in (("hal", 2), ("ada", 3)):
        take(scene, who, index)
    scene.does("ada", MUTE_ALL)

    assert scene.speakers == {"hal", "ada"}
    assert scene.synced == {"ann", "bob"}
    assert SyncMetadata() in scene.effects
    assert told(room_metadata(scene.room))["_room"]["muted"] == {"audio": True}
    scene.does("ann", c.LeaveSeat())
    assert not take(scene, "cho", 0).speaks
    scene.does("ada", UNMUTE_ALL)
    assert scene.speakers == {"hal", "ada", "bob", "cho"}


def test_the_own_setting_outranks_that_of_all() -> None:
    """Whichever was said first."""
    scene = seated()
    scene.does("hal", unmute("ann"))
    scene.does("hal", MUTE_ALL)
    assert scene.speakers == {"ann"}
    scene.does("hal", mute("ann"))
    scene.does("hal", unmute("bob"))
    scene.does("hal", UNMUTE_ALL)
    assert scene.speakers == {"bob"}


def test_a_new_role_is_spared_at_once() -> None:
    """And an old one is not any more."""
    scene = seated()
    scene.does("hal", MUTE_ALL)
    scene.does("hal", c.SetRole(identity="ann", role=UTDRole.ADMIN))
    assert scene.speakers == {"ann"}
    scene.does("hal", c.SetRole(identity="ann", role=UTDRole.GUEST))
    assert scene.speakers == set()
    scene.mint_as(UTDRole.ADMIN, "bob")
    assert scene.speakers == {"bob"}
    assert grid_of(scene.room).seats[1].grant == grant_of(scene.seen("bob").metadata)


def test_a_life_begins_with_nobody_muted() -> None:
    """Not even by the mute of all."""
    scene = seated()
    scene.does("hal", MUTE_ALL)
    scene.does("hal", c.EndRoom())
    scene.mint("ann")
    assert take(scene, "ann", 0).speaks
    assert "muted" not in told(room_metadata(scene.room))["_room"]


@pytest.mark.parametrize(
    "command",
    [
        c.MuteParticipant(identity="ann", muted=True),
        c.MuteRoom(muted=False),
    ],
)
def test_a_mute_of_nothing_is_refused(command: c.Order) -> None:
    """422 says what is missing."""
    error = seated().refuses("hal", command, "invalid")
    assert error.details["errors"][0]["path"] == "$"
    assert "audio, video or both" in str(error)


def test_nobody_is_muted_upwards() -> None:
    """An admin mutes no host; nobody without a role mutes anybody."""
    scene = seated()
    scene.refuses("ada", mute("hal"), "forbidden")
    scene.does("ada", mute("ada"))
    scene.does("hal", mute("ada"))
    for command in (mute("bob"), unmute("ann"), MUTE_ALL):
        scene.refuses("ann", command, "forbidden")
    scene.does(BACK_END, mute("hal"))
    scene.refuses("hal", mute("eve"), "not_found")


def test_a_mute_of_many_writes_those_who_speak() -> None:
    """Whoever has no seat is written nothing: their right is what it was."""
    scene = stage(*(f"m{number}" for number in range(50)))
    take(scene, "m0", 0)
    scene.does("hal", MUTE_ALL)
    assert scene.synced == {"m0"}
