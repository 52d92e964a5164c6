"""Folds are total, keep the object where nothing is seen, and tell the truth."""

from __future__ import annotations

from typing import Any, get_args

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.snapshots.told import after, start
from utd_stream.models import room_events as e
from utd_stream.models.participants import (
    LocalParticipant,
    Permission,
    Quality,
    RemoteParticipant,
    TrackSource,
)
from utd_stream.models.rooms import DisconnectReason, UTDConnectionState, UTDRole
from utd_stream.ports import RoomState
from utd_stream.snapshots import SessionSnapshot
from utd_stream.snapshots.session import (
    changed,
    fold_event,
    fold_replacement,
    fold_room_facts,
    fold_room_state,
    is_connected,
    json_object,
    muted_sources,
    publishable_sources,
    quality_of_mine,
    role_of,
)
from utd_stream.testing.models import json_values, values

EVENTS = get_args(e.RoomEvent)


SPEAKS = Permission(can_publish=True, can_publish_sources=(TrackSource.MICROPHONE,))


# Few names, so that events meet the people they are about.
pools: dict[str, st.SearchStrategy[Any]] = {
    "identity": st.sampled_from(["me", "ann", "bob"]),
    "sid": st.sampled_from(["TR_1", "TR_2", "TR_3"]),
    "previous_sid": st.sampled_from(["TR_1", "TR_2", "TR_3"]),
    "metadata": st.sampled_from(["", "{}", '{"role": "host"}', '{"role": 5}', "["]),
}


events = st.sampled_from(EVENTS).flatmap(lambda kind: values(kind, **pools))


me = values(LocalParticipant, **{**pools, "identity": st.just("me")})


@st.composite
def snapshots(draw: st.DrawFn) -> SessionSnapshot:
    """Any snapshot of mine, with others known by name."""
    others = draw(st.lists(st.sampled_from(["ann", "bob"]), unique=True))
    remotes = [
        draw(values(RemoteParticipant, **{**pools, "identity": st.just(who)}))
        for who in others
    ]
    known = values(SessionSnapshot, local=me, remotes=st.just(tuple(remotes)))
    snapshot: SessionSnapshot = draw(known)
    return snapshot


def known(snapshot: SessionSnapshot) -> SessionSnapshot:
    """What is known, whatever the version."""
    return attrs.evolve(snapshot, version=0)


@given(snapshot=snapshots(), event=events)
def test_any_event_folds_into_any_snapshot(
    snapshot: SessionSnapshot, event: e.RoomEvent
) -> None:
    """The fold is total; equal knowledge is the same object, other has a version."""
    folded = fold_event(snapshot, event)

    assert (folded is snapshot) == (known(folded) == known(snapshot))
    assert folded is snapshot or folded.version > snapshot.version


@given(snapshot=snapshots(), event=events)
def test_an_event_told_twice_is_told_once(
    snapshot: SessionSnapshot, event: e.RoomEvent
) -> None:
    """LiveKit repeats events; folding is idempotent (T3)."""
    once = fold_event(snapshot, event)

    assert fold_event(once, event) is once


@given(snapshot=snapshots(), told=st.lists(events, max_size=8))
def test_people_are_known_once(
    snapshot: SessionSnapshot, told: list[e.RoomEvent]
) -> None:
    """No order of events makes two of one, nor a stranger of me."""
    folded = after(snapshot, *told)

    identities = [remote.identity for remote in folded.remotes]
    assert len(set(identities)) == len(identities)
    assert "me" not in identities
    assert folded.local.identity == "me"


@given(snapshot=snapshots(), state=values(RoomState, **pools, local=me))
def test_reading_all_anew_mends_everything(
    snapshot: SessionSnapshot, state: RoomState
) -> None:
    """What was missed is as if it had been heard; a second reading changes nothing."""
    read = fold_room_state(snapshot, state)

    assert (read.local, read.remotes) == (state.local, state.remotes)
    assert read.role is (role_of(state.local.metadata) or snapshot.role)
    assert fold_room_state(read, state) is read


@given(snapshot=snapshots())
def test_nothing_of_a_replaced_connection_holds(snapshot: SessionSnapshot) -> None:
    """No right, no track, nobody; what the engine granted stays."""
    replaced = fold_replacement(snapshot)

    assert replaced.local == LocalParticipant(identity="me")
    assert replaced.remotes == ()
    assert (replaced.role, replaced.owner_identity) == (
        snapshot.role,
        snapshot.owner_identity,
    )
    assert not publishable_sources(replaced)
    assert fold_replacement(replaced) is replaced


@given(snapshot=snapshots())
def test_equal_fields_keep_the_object(snapshot: SessionSnapshot) -> None:
    """A copy of what is known is no change (L14)."""
    copy = attrs.evolve(snapshot.local)

    assert changed(snapshot, local=copy, role=snapshot.role) is snapshot
    assert changed(snapshot).version == snapshot.version


def test_people_come_and_go() -> None:
    """Announced once, in order of announcement; the newest word counts."""
    ann, bob = RemoteParticipant(identity="ann"), RemoteParticipant(identity="bob")
    named = attrs.evolve(ann, name="Ann")
    came = after(
        start(),
        e.ParticipantConnected(ann),
        e.ParticipantConnected(bob),
        e.ParticipantActive(named),
    )
    assert came.remotes == (named, bob)

    left = after(came, e.ParticipantDisconnected(ann, DisconnectReason.MIGRATION))
    assert left.remotes == (bob,)


def test_i_am_nobody_else() -> None:
    """Another connection of mine does not make a remote of me (T10)."""
    snapshot = start()

    again = RemoteParticipant(identity="me", sid="PA_2")
    assert after(snapshot, e.ParticipantConnected(again)) is snapshot
    assert after(snapshot, e.ParticipantActive(again)) is snapshot


def test_rights_are_mine_alone() -> None:
    """Others' rights are not known; mine change what I may publish (T3)."""
    snapshot = start()

    granted = after(snapshot, e.ParticipantPermissionsChanged("me", SPEAKS))

    assert publishable_sources(granted)
    assert not publishable_sources(snapshot)
    ann = e.ParticipantPermissionsChanged("ann", SPEAKS)
    assert after(snapshot, ann) is snapshot


@pytest.mark.parametrize(
    ("who", "metadata", "role"),
    [
        ("me", '{"role": "host"}', UTDRole.HOST),
        ("ann", '{"role": "host"}', UTDRole.AUDIENCE),
        ("me", '{"role": "owner"}', UTDRole.AUDIENCE),
        ("me", "not json", UTDRole.AUDIENCE),
    ],
    ids=["mine", "another's", "unknown", "malformed"],
)
def test_my_role_is_told_by_my_metadata(who: str, metadata: str, role: UTDRole) -> None:
    """The engine writes it there; what cannot be read changes no role (L7, L18)."""
    snapshot = start(RemoteParticipant(identity="ann"))

    told = after(snapshot, e.ParticipantMetadataChanged(who, metadata))

    assert told.role is role
    home = told.local if who == "me" else told.remotes[0]
    assert home.metadata == metadata


def test_names_change() -> None:
    """Mine and others'; of strangers nothing is known."""
    snapshot = start(RemoteParticipant(identity="ann"))
    told = after(
        snapshot,
        e.ParticipantNameChanged("me", "M"),
        e.ParticipantNameChanged("ann", "A"),
    )

    assert (told.local.name, told.remotes[0].name) == ("M", "A")
    assert after(told, e.ParticipantNameChanged("bob", "B")) is told


def test_attributes_merge_and_empty_ones_go() -> None:
    """Per key, and an empty text deletes (T5)."""
    ann = RemoteParticipant(identity="ann", attributes={"a": "1", "b": "2"})

    told = after(start(ann), e.ParticipantAttributesChanged("ann", {"a": "", "c": "3"}))

    assert told.remotes[0].attributes == {"b": "2", "c": "3"}
    stranger = e.ParticipantAttributesChanged("bob", {"a": "1"})
    assert after(told, stranger) is told


def test_data_changes_nothing() -> None:
    """State never comes from data messages (T43)."""
    forged = orjson.dumps({"type": "_seat_update", "role": "host"})

    assert after(start(), e.DataReceived(forged)) == start()


@pytest.mark.parametrize("state", UTDConnectionState, ids=lambda state: state.value)
def test_media_flows_while_connected(state: UTDConnectionState) -> None:
    """In one state of five."""
    snapshot = attrs.evolve(start(), connection_state=state)

    assert is_connected(snapshot) == (state.value == "connected")


@given(text=st.text() | json_values().map(lambda value: orjson.dumps(value).decode()))
def test_metadata_of_any_text_is_an_object(text: str) -> None:
    """What is none is an empty one; nothing raises (L7)."""
    assert isinstance(json_object(text), dict)
    assert role_of(text) in {None, *UTDRole}


@pytest.mark.parametrize("text", ["[" * 30_000, '{"a":' * 30_000, "\ud800"])
def test_metadata_that_breaks_parsers_is_none(text: str) -> None:
    """Neither nesting 30,000 deep nor half a surrogate raises."""
    assert json_object(text) == {}


AUDIO = frozenset({TrackSource.MICROPHONE, TrackSource.SCREEN_SHARE_AUDIO})
VIDEO = frozenset({TrackSource.CAMERA, TrackSource.SCREEN_SHARE})
NOTHING = frozenset[TrackSource]()


@pytest.mark.parametrize("role", UTDRole)
@pytest.mark.parametrize(
    ("own", "everybody", "below_admin", "moderator"),
    [
        ("null", "{}", NOTHING, NOTHING),
        ("{}", '{"audio": true}', AUDIO, NOTHING),
        ('{"audio": true}', "{}", AUDIO, AUDIO),
        ('{"video": 1}', '{"audio": 1, "video": 0}', AUDIO | VIDEO, VIDEO),
        ('{"audio": false}', '{"audio": true, "video": true}', VIDEO, NOTHING),
        ('{"audio": "yes"}', '{"audio": true}', AUDIO, NOTHING),  # cannot be read
        ("[]", '["audio"]', NOTHING, NOTHING),
        ('{"audio": null}', '{"audio": null, "smell": true}', NOTHING, NOTHING),
    ],
)
def test_my_own_setting_outranks_that_of_all(
    role: UTDRole,
    own: str,
    everybody: str,
    below_admin: frozenset[TrackSource],
    moderator: frozenset[TrackSource],
) -> None:
    """And moderators are spared by that of all alone (L66)."""
    metadata = f'{{"role": "{role.value}", "muted": {own}}}'
    told = after(start(), e.ParticipantMetadataChanged("me", metadata))
    told = fold_room_facts(told, f'{{"_room": {{"muted": {everybody}}}}}')

    assert muted_sources(told) == (moderator if role.moderates else below_admin)


def test_mutes_of_the_room_are_what_was_told_last() -> None:
    """Nothing is said by metadata without the engine's facts (T39)."""
    muted = fold_room_facts(start(), '{"_room": {"muted": {"audio": true}}}')

    assert muted_sources(muted) == AUDIO
    assert fold_room_facts(muted, '{"_room": {"muted": {"audio": true}}}') is muted
    for nothing in ("", "{}", '{"_room": []}', "no json"):
        assert fold_room_facts(muted, nothing) is muted
    assert muted_sources(fold_room_facts(muted, '{"_room": {}}')) == frozenset()


@pytest.mark.parametrize(
    ("metadata", "is_locked"),
    [
        ('{"_room": {}, "_chat_locked": true}', True),
        ('{"_room": {}, "_chat_locked": 1}', True),
        ('{"_room": {}, "_chat_locked": false}', False),
        ('{"_room": {}, "_chat_locked": "yes"}', False),
        ('{"_room": {}, "_chat_locked": [1]}', False),
        ('{"_room": {}}', False),
        ('{"_chat_locked": true}', False),  # nothing of an engine's
    ],
)
def test_the_chat_is_locked_by_the_room_alone(
    metadata: str, *, is_locked: bool
) -> None:
    """Late joiners find it (L64); what is not said is not locked."""
    told = fold_room_facts(start(), metadata)

    assert told.chat_locked is is_locked
    assert not fold_room_facts(told, '{"_room": {}}').chat_locked


def test_qualities_are_of_those_who_are_there() -> None:
    """One's own and those that the SFU tells of; a word unknown is none (L7)."""
    snapshot = start(RemoteParticipant(identity="ann"))
    told = after(
        snapshot,
        e.ConnectionQualityChanged("me", "good"),
        e.ConnectionQualityChanged("ann", "lost"),
        e.ConnectionQualityChanged("bob", "splendid"),
    )

    assert quality_of_mine(snapshot) is Quality.UNKNOWN
    assert quality_of_mine(told) is Quality.GOOD
    assert told.qualities == {
        "me": Quality.GOOD,
        "ann": Quality.LOST,
        "bob": Quality.UNKNOWN,
    }
    left = DisconnectReason.CLIENT_INITIATED
    ann = RemoteParticipant(identity="ann")
    gone = after(told, e.ParticipantDisconnected(ann, left))
    assert set(gone.qualities) == {"me", "bob"}
    assert after(told, e.ConnectionQualityChanged("me", "good")) is told
    assert fold_replacement(told).qualities == {}


def test_what_may_be_published_is_what_the_sfu_lets_send() -> None:
    """An empty list means every source (T37), and no right none."""
    every = Permission(can_publish=True, can_publish_sources=())
    for right, sources in (
        (SPEAKS, {TrackSource.MICROPHONE}),
        (every, AUDIO | VIDEO),
        (attrs.evolve(every, can_publish=False), NOTHING),
    ):
        granted = after(start(), e.ParticipantPermissionsChanged("me", right))
        assert publishable_sources(granted) == sources
