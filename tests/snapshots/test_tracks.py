"""What is published is known by its source and its sid, and told of its owner."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.snapshots.told import MICROPHONE, after, start
from utd_stream.models import room_events as e
from utd_stream.models.participants import (
    RemoteParticipant,
    TrackPublication,
    TrackSource,
)
from utd_stream.snapshots import SessionSnapshot
from utd_stream.snapshots.session import fold_own_mute, microphone_is_muted


def tracks(snapshot: SessionSnapshot, who: str) -> set[TrackPublication]:
    """What somebody publishes."""
    home = snapshot.local if who == "me" else snapshot.remotes[0]
    return set(home.publications)


def test_a_track_announced_again_stands_where_it_stood() -> None:
    """Its newest word counts, and there is one of it."""
    camera = attrs.evolve(MICROPHONE, sid="TR_3", source=TrackSource.CAMERA)
    named = attrs.evolve(MICROPHONE, name="voice")

    told = after(
        start(),
        e.LocalTrackPublished(MICROPHONE),
        e.LocalTrackPublished(camera),
        e.LocalTrackPublished(named),
    )

    assert told.local.publications == (named, camera)


@pytest.mark.parametrize("who", ["me", "ann"])
def test_tracks_are_known_by_source(who: str) -> None:
    """A full reconnect gives new sids: the new track stands for the old (T29)."""
    snapshot = start(RemoteParticipant(identity="ann"))
    again = attrs.evolve(MICROPHONE, sid="TR_2")
    camera = attrs.evolve(MICROPHONE, sid="TR_3", source=TrackSource.CAMERA)

    told = after(
        snapshot,
        e.TrackPublished(who, MICROPHONE),
        e.TrackPublished(who, camera),
        e.TrackPublished(who, again),
    )
    assert tracks(told, who) == {camera, again}

    muted = attrs.evolve(again, muted=True)
    told = after(told, e.TrackMuted(who, muted))
    assert tracks(told, who) == {camera, muted}
    told = after(told, e.TrackUnmuted(who, again), e.TrackUnpublished(who, camera))
    assert tracks(told, who) == {again}


@pytest.mark.parametrize("who", ["me", "ann"])
def test_tracks_of_no_known_source_stand_beside_each_other(who: str) -> None:
    """Nothing says that one is the other's successor: the sid tells them apart."""
    one = attrs.evolve(MICROPHONE, source=TrackSource.UNKNOWN)
    other = attrs.evolve(one, sid="TR_2")
    muted = attrs.evolve(one, muted=True)

    told = after(
        start(RemoteParticipant(identity="ann")),
        e.TrackPublished(who, one),
        e.TrackPublished(who, other),
        e.TrackMuted(who, muted),
    )
    assert tracks(told, who) == {muted, other}

    assert tracks(after(told, e.TrackUnpublished(who, muted)), who) == {other}


def test_a_republished_track_leaves_no_old_one() -> None:
    """Whatever its source, its previous sid says whose successor it is (T29)."""
    one = attrs.evolve(MICROPHONE, source=TrackSource.UNKNOWN)
    again = attrs.evolve(one, sid="TR_2")

    told = after(
        start(), e.LocalTrackPublished(one), e.LocalTrackRepublished(again, "TR_1")
    )

    assert told.local.publications == (again,)


@pytest.mark.parametrize("who", ["me", "ann"])
def test_a_mute_moves_no_track(who: str) -> None:
    """Tracks stand in the order in which they were announced."""
    camera = attrs.evolve(MICROPHONE, sid="TR_3", source=TrackSource.CAMERA)
    muted = attrs.evolve(MICROPHONE, muted=True)

    told = after(
        start(RemoteParticipant(identity="ann")),
        e.TrackPublished(who, MICROPHONE),
        e.TrackPublished(who, camera),
        e.TrackMuted(who, muted),
    )

    home = told.local if who == "me" else told.remotes[0]
    assert home.publications == (muted, camera)


@pytest.mark.parametrize("kind", [e.TrackMuted, e.TrackUnmuted])
@pytest.mark.parametrize("who", ["me", "ann"])
def test_a_mute_announces_no_track(who: str, kind: Any) -> None:
    """Told late, of a track that is gone or replaced, it is no news."""
    again = attrs.evolve(MICROPHONE, sid="TR_2")
    told = after(
        start(RemoteParticipant(identity="ann")),
        e.TrackPublished(who, MICROPHONE),
        e.TrackPublished(who, again),
    )
    late = kind(who, MICROPHONE)
    assert after(told, late) is told

    gone = after(told, e.TrackUnpublished(who, again))
    assert after(gone, late) is gone


def test_the_end_of_an_old_track_does_not_end_the_new_one() -> None:
    """Which track is gone is told by its sid."""
    again = attrs.evolve(MICROPHONE, sid="TR_2")

    told = after(
        start(),
        e.LocalTrackPublished(MICROPHONE),
        e.LocalTrackRepublished(again, "TR_1"),
        e.LocalTrackUnpublished(MICROPHONE),
    )
    assert told.local.publications == (again,)

    assert after(told, e.LocalTrackUnpublished(again)).local.publications == ()


def test_what_is_told_of_one_is_not_told_of_another() -> None:
    """Attributes and tracks are of the person they name, whoever came first."""
    ann, bob = RemoteParticipant(identity="ann"), RemoteParticipant(identity="bob")

    told = after(
        start(ann, bob),
        e.ParticipantAttributesChanged("bob", {"a": "1"}),
        e.TrackPublished("bob", MICROPHONE),
    )

    sending = attrs.evolve(bob, attributes={"a": "1"}, publications=(MICROPHONE,))
    assert told.remotes == (ann, sending)


def test_a_strangers_track_is_nobodys() -> None:
    """A track of one who is not announced changes nothing."""
    snapshot = start()

    assert after(snapshot, e.TrackPublished("ann", MICROPHONE)) is snapshot
    assert after(snapshot, e.TrackUnpublished("ann", MICROPHONE)) is snapshot


@pytest.mark.parametrize(
    ("published", "muted"),
    [
        ((), True),
        ((MICROPHONE,), False),
        ((attrs.evolve(MICROPHONE, muted=True),), True),
        ((attrs.evolve(MICROPHONE, source=TrackSource.CAMERA),), True),
    ],
    ids=["nothing", "up", "muted", "camera"],
)
def test_who_cannot_be_heard_is_muted(
    published: tuple[TrackPublication, ...], *, muted: bool
) -> None:
    """No microphone up, or a muted one."""
    assert microphone_is_muted(start(publications=published)) is muted


def test_my_own_mute_is_seen_at_once() -> None:
    """LiveKit tells others of it; I know it by having said it."""
    muted = attrs.evolve(MICROPHONE, muted=True)

    told = fold_own_mute(after(start(), e.LocalTrackPublished(MICROPHONE)), muted)

    assert told.local.publications == (muted,)
