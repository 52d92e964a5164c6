"""Roles: who gives them, to whom, and for how long."""

from __future__ import annotations

import pytest

from tests.engine.rules.scene import BACK_END, Scene, back_end_for
from utd_stream.engine.rules import Actor, SyncMetadata, SyncParticipant, room_metadata
from utd_stream.engine.rules import commands as c
from utd_stream.models.json_text import read_json
from utd_stream.models.rooms import UTDRole
from utd_stream.snapshots.session import role_of

VISITOR, AUDIENCE, GUEST, ADMIN, HOST = UTDRole


def company() -> Scene:
    """An owner, another host, an admin and somebody."""
    scene = Scene()
    scene.mint("own", role=HOST)
    scene.mint_as(HOST, "hal")
    scene.mint_as(ADMIN, "ada")
    scene.mint("bob")
    scene.connect("own", "hal", "ada", "bob")
    return scene


def role(scene: Scene, identity: str) -> UTDRole:
    """What somebody is."""
    return scene.members[identity].role


def owner_shown(scene: Scene) -> str | None:
    """Who owns the room, as everybody is shown."""
    told = read_json(room_metadata(scene.room))
    assert isinstance(told, dict)
    owner: str | None = told["_room"]["owner_identity"]
    return owner


@pytest.mark.parametrize("given", UTDRole)
def test_the_owner_gives_roles(given: UTDRole) -> None:
    """Any role, which the member's metadata shows; the owner stays owner."""
    scene = company()
    scene.does("own", c.SetRole(identity="bob", role=VISITOR))
    scene.does("own", c.SetRole(identity="bob", role=ADMIN))
    if given is not ADMIN:
        scene.does("own", c.SetRole(identity="bob", role=given))

    assert role(scene, "bob") is given
    assert SyncParticipant("bob") in scene.effects
    assert role_of(scene.seen("bob").metadata) is given
    assert scene.room.owner == "own"


@pytest.mark.parametrize("who", ["hal", "ada", "bob"])
@pytest.mark.parametrize("whom", ["own", "hal", "ada", "bob"])
def test_nobody_else_gives_roles(who: str, whom: str) -> None:
    """Neither hosts nor admins do, nor anybody to themselves."""
    company().refuses(who, c.SetRole(identity=whom, role=GUEST), "forbidden")


def test_the_owner_keeps_the_own_role() -> None:
    """The room would be without an owner."""
    scene = company()
    scene.refuses("own", c.SetRole(identity="own", role=AUDIENCE), "forbidden")
    scene.refuses("own", c.SetRole(identity="own", role=HOST), "forbidden")


def test_the_back_end_takes_the_ownership() -> None:
    """With the role; the next granted host owns the room, and everybody is told."""
    scene = company()
    scene.does(BACK_END, c.SetRole(identity="own", role=ADMIN))
    assert role(scene, "own") is ADMIN
    assert SyncMetadata() in scene.effects
    assert owner_shown(scene) is None
    scene.refuses("own", c.SetRole(identity="bob", role=GUEST), "forbidden")

    scene.does(BACK_END, c.SetRole(identity="bob", role=HOST))
    assert owner_shown(scene) == "bob"
    scene.does("bob", c.SetRole(identity="own", role=AUDIENCE))


@pytest.mark.parametrize(
    "actor", [BACK_END, back_end_for("own"), Actor(identity="own")]
)
def test_the_same_role_again_is_a_conflict(actor: Actor) -> None:
    """Its details name the role, so that a client takes it as done (L19)."""
    scene = company()
    asked = c.SetRole(identity="ada", role=ADMIN)
    assert scene.refuses(actor, asked, "conflict").details["role"] == "admin"


def test_a_stranger_has_no_role() -> None:
    """Nor has who was kicked."""
    scene = company()
    scene.refuses("own", c.SetRole(identity="eve", role=ADMIN), "not_found")
    scene.does("own", c.KickMember(identity="bob"))
    scene.refuses("own", c.SetRole(identity="bob", role=ADMIN), "not_found")


def test_a_role_is_kept_for_the_life() -> None:
    """Through leaving and minting, whatever is asked for; and not beyond."""
    scene = company()
    scene.does("own", c.SetRole(identity="bob", role=ADMIN))
    scene.does("bob", c.LeaveRoom())
    scene.mint("bob", role=HOST)
    assert role(scene, "bob") is ADMIN

    scene.does("own", c.EndRoom())
    scene.mint("bob")
    assert role(scene, "bob") is AUDIENCE


def test_a_new_role_moderates_at_once() -> None:
    """And an old one moderates no more."""
    scene = company()
    scene.refuses("bob", c.LockSeat(index=3), "forbidden")
    scene.does("own", c.SetRole(identity="bob", role=ADMIN))
    scene.does("bob", c.LockSeat(index=3))
    scene.does("own", c.SetRole(identity="bob", role=GUEST))
    scene.refuses("bob", c.UnlockSeat(index=3), "forbidden")
