"""What a room shows beside its content: the lock of its chat and the app's own keys."""

from __future__ import annotations

import attrs
import pytest

from tests.engine.rules.scene import BACK_END, Scene, seated
from utd_stream.engine.rules import SyncMetadata, room_metadata
from utd_stream.engine.rules import commands as c
from utd_stream.models.json_text import read_json

KEYS = {"topic": "chess", "muted": {"audio": True}}


def told(scene: Scene) -> dict[str, object]:
    """The room's metadata."""
    found = read_json(room_metadata(scene.room))
    assert isinstance(found, dict)
    return found


def test_a_locked_chat_is_shown_until_it_is_unlocked() -> None:
    """To late joiners, too (L64); the grid's revision stays (contract.md, rev)."""
    scene = seated()
    rev, shown = scene.rev, scene.room.metadata_rev
    for command, locked in ((c.LockChat(), True), (c.UnlockChat(), None)):
        scene.does("ada", command)
        assert list(scene.effects) == [SyncMetadata()]
        assert told(scene).get("_chat_locked") is locked
        before = scene.room
        scene.does("hal", command)
        assert scene.room is before
        assert not scene.effects
    assert (scene.rev, scene.room.metadata_rev) == (rev, shown + 2)
    scene.refuses("ann", c.LockChat(), "forbidden")


def test_a_lock_hinders_neither_entering_nor_speaking() -> None:
    """It is of the chat alone (L65)."""
    scene = seated()
    scene.does("hal", c.LockChat())
    scene.mint("cho")
    scene.does("cho", c.TakeSeat(index=2))
    assert scene.speakers == {"ann", "bob", "cho"}


def test_the_apps_keys_stand_beside_the_engines() -> None:
    """Whatever they are called; all are replaced at once."""
    scene = seated()
    scene.does("hal", c.LockChat())
    before = told(scene)
    scene.does(BACK_END, c.SetRoomMetadata(metadata=KEYS))
    after = told(scene)
    assert after.items() >= KEYS.items()
    assert (after["_seats"], after["_chat_locked"]) == (before["_seats"], True)
    assert isinstance(after["_room"], dict)

    scene.does(BACK_END, c.SetRoomMetadata(metadata={"mood": "calm"}))
    assert "topic" not in told(scene)
    scene.refuses("hal", c.SetRoomMetadata(metadata={}), "forbidden")


@pytest.mark.parametrize("damaged", ["[1]", "no json", '"text"', "{"])
def test_damaged_keys_are_left_out(damaged: str) -> None:
    """A revoke is never stopped by what an app, or another version, has written."""
    room = attrs.evolve(seated().room, metadata=damaged)
    found = read_json(room_metadata(room))
    assert isinstance(found, dict)
    assert set(found) == {"_seats", "_room"}


def test_a_life_begins_without_them() -> None:
    """The next life of the name is another room."""
    scene = seated()
    scene.does("hal", c.LockChat())
    scene.does(BACK_END, c.SetRoomMetadata(metadata=KEYS))
    scene.does("hal", c.EndRoom())
    scene.mint("ann")
    assert set(told(scene)) == {"_seats", "_room"}
