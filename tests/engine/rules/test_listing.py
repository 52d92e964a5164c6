"""A listing is told apart from what is known by digests, and nobody is missed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.rules.scene import NOON, Scene, stage
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.listing import Listed, differences, listed_of, shown_of
from utd_stream.engine.rules.members import Connected
from utd_stream.models.participants import Permission, TrackSource
from utd_stream.models.rooms import UTDRole
from utd_stream.ports import SfuParticipant

identities = st.sampled_from("abcdef")
shown = st.sampled_from(["", "x", "y"])
sids = st.sampled_from(["PA_1", "PA_2"])
seen_at = st.sampled_from([0.0, 5.0, 10.0])


@given(
    st.dictionaries(identities, st.tuples(sids, seen_at, shown)),
    st.dictionaries(identities, st.tuples(sids, shown)),
    st.dictionaries(identities, shown),
    st.none() | st.sampled_from([4, 5, 6]),
)
def test_differences_are_told_and_nothing_else(
    known: dict[str, tuple[str, float, str]],
    listed: dict[str, tuple[str, str]],
    placed: dict[str, str],
    lost: int | None,
) -> None:
    """One is told unless the same connection, not forgotten, shows what it is to."""
    since = None if lost is None else NOON + timedelta(seconds=lost)

    unlike, vanished = differences(
        [
            Connected(who, sid, NOON.timestamp() + at, digest)
            for who, (sid, at, digest) in known.items()
        ],
        {who: Listed(*told) for who, told in listed.items()},
        placed=placed,
        lost_before=since,
    )

    def is_known(who: str) -> bool:
        sid, at, digest = known.get(who, ("", 0.0, ""))
        digest = placed.get(who, digest)
        is_here = lost is None or at >= lost
        return bool(digest) and is_here and listed[who] == (sid, digest)

    assert sorted(unlike) == sorted(who for who in listed if not is_known(who))
    assert sorted(vanished) == sorted(known.keys() - listed)


def in_company() -> Scene:
    """Ann sits, bob listens."""
    scene = stage("ann", "bob")
    scene.does("ann", c.TakeSeat(index=0))
    return scene


def test_a_listing_of_what_is_known_tells_nothing() -> None:
    """Everybody is there as they should be, with a seat or without."""
    scene = in_company()
    everybody = [scene.seen(who) for who in ("hal", "ada", "ann", "bob")]

    told = scene.kept.listed(everybody, asked_at=scene.now)

    assert (told.participants, told.vanished) == ((), ())


RIGHT = Permission(can_subscribe=True)


@pytest.mark.parametrize(
    "change",
    [
        {"sid": "PA_other"},
        {"metadata": "{}"},
        {"permission": None},
        {"permission": RIGHT},
        {"permission": attrs.evolve(RIGHT, hidden=True)},
        {"permission": attrs.evolve(RIGHT, can_publish_sources=(TrackSource.CAMERA,))},
    ],
    ids=repr,
)
@pytest.mark.parametrize("who", ["ann", "bob"], ids=["seated", "listening"])
def test_whoever_is_shown_otherwise_is_told(who: str, change: dict[str, Any]) -> None:
    """Another connection, right or metadata, and each field of a right."""
    scene = in_company()

    told = scene.kept.listed(
        [
            scene.seen(each, **(change if each == who else {}))
            for each in ("hal", "ada", "ann", "bob")
        ],
        asked_at=scene.now,
    )

    assert [each.identity for each in told.participants] == [who]
    assert told.vanished == ()


def test_a_seat_changes_what_is_to_be_shown_without_a_row() -> None:
    """Muted, freed, taken: a listing from before is unlike, one from now is known."""
    scene = in_company()
    for who, command in (
        ("hal", c.MuteSeat(index=0)),
        ("ann", c.LeaveSeat()),
        ("bob", c.TakeSeat(index=1)),
    ):
        whom = "bob" if who == "bob" else "ann"
        before = scene.seen(whom)
        others = [scene.seen(o) for o in ("hal", "ada", "ann", "bob") if o != whom]
        scene.does(who, command)

        told = scene.kept.listed([*others, before], asked_at=scene.now)
        now = scene.kept.listed([*others, scene.seen(whom)], asked_at=scene.now)

        is_unlike = before != scene.seen(whom)
        assert [p.identity for p in told.participants] == [whom] * is_unlike
        assert now.participants == ()


def test_those_to_be_removed_are_always_told() -> None:
    """The kicked, and whoever said goodbye, until the SFU has lost them."""
    scene = in_company()
    scene.does("hal", c.KickMember(identity="bob"))
    scene.does("ann", c.LeaveRoom())

    told = scene.kept.listed(
        [scene.seen(who) for who in ("hal", "ada", "ann", "bob")], asked_at=scene.now
    )

    assert {p.identity for p in told.participants} == {"ann", "bob"}


def test_a_digest_of_an_older_engine_is_renewed() -> None:
    """Who is told and is as they should be has the row written again."""
    scene = in_company()
    row = attrs.evolve(scene.kept.row("bob"), shown="0" * 16)
    scene.kept.table.write([row])
    everybody = [scene.seen(who) for who in ("hal", "ada", "ann", "bob")]

    told = scene.kept.listed(everybody, asked_at=scene.now)
    scene.hears(told)

    assert [p.identity for p in told.participants] == ["bob"]
    assert scene.effects == ()
    assert scene.kept.listed(everybody, asked_at=scene.now).participants == ()


def test_a_digest_is_of_what_the_sfu_is_told() -> None:
    """What a member is to show, and what the SFU shows of it, have one digest."""
    scene = in_company()
    scene.mint("eve", by=None, role=UTDRole.AUDIENCE, metadata='{"k": "\u00e9"}')
    scene.connect("eve")

    for who, member in scene.members.items():
        listed = listed_of(scene.seen(who))
        assert listed == (member.sid, shown_of(scene.room, member))
    assert listed_of(SfuParticipant(identity="x", sid="s", joined_at=NOON)).shown == ""
