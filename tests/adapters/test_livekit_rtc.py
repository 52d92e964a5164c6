"""LiveKit's client in our words: nothing of it is unknown, nothing can be late."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from livekit import rtc
from livekit.protocol import models as server_proto
from livekit.rtc.room import EventTypes

from utd_stream.adapters._livekit_events import EVENTS, room_event
from utd_stream.adapters._livekit_refusals import refusal
from utd_stream.adapters._livekit_words import (
    disconnect_reason,
    permission,
    proto_permission,
    proto_source,
    track_kind,
    track_source,
)
from utd_stream.adapters.livekit_rtc import LiveKitMedia
from utd_stream.errors import ClosedError
from utd_stream.models import (
    DisconnectReason,
    Permission,
    RemoteParticipant,
    TrackKind,
    TrackPublication,
    TrackSource,
)
from utd_stream.models import room_events as ours
from utd_stream.models.room_events import RoomEvent, UnknownEvent

NAMES = get_args(EventTypes)


def test_every_event_of_livekit_has_its_class() -> None:
    """A new event of LiveKit's client must get a class here."""
    assert set(EVENTS) == set(NAMES)


def track(**changed: Any) -> SimpleNamespace:
    """A publication as LiveKit's client has it."""
    return SimpleNamespace(
        **{"sid": "TR", "kind": 1, "source": 2, "muted": True, "name": "m"} | changed
    )


def person(**changed: Any) -> SimpleNamespace:
    """A participant as LiveKit's client has it."""
    known = {"identity": "ana", "sid": "PA", "name": "Ana", "metadata": "m"}
    more = {"attributes": {"a": "b"}, "track_publications": {"TR": track()}}
    return SimpleNamespace(**known | more | {"disconnect_reason": 4} | changed)


SENT = TrackPublication(
    sid="TR", kind=TrackKind.AUDIO, source=TrackSource.MICROPHONE, muted=True, name="m"
)
ANA = RemoteParticipant(
    identity="ana",
    sid="PA",
    name="Ana",
    metadata="m",
    attributes={"a": "b"},
    publications=(SENT,),
)
RIGHTS = Permission(can_publish=True, can_publish_sources=(TrackSource.CAMERA,))
SEGMENT = SimpleNamespace(
    id="s", text="hi", final=True, start_time=1, end_time=2, language="en"
)
SAID = ours.TranscriptionSegment(
    id="s", text="hi", final=True, start_time_ms=1, end_time_ms=2, language="en"
)

TOLD: dict[str, tuple[tuple[Any, ...], RoomEvent]] = {
    "connected": ((), ours.Connected()),
    "reconnecting": ((), ours.Reconnecting()),
    "reconnected": ((), ours.Reconnected()),
    "disconnected": ((4,), ours.Disconnected(DisconnectReason.PARTICIPANT_REMOVED)),
    "connection_state_changed": ((2,), ours.ConnectionStateChanged("reconnecting")),
    "token_refreshed": ((), ours.TokenRefreshed()),
    "moved": ((), ours.Moved()),
    "room_updated": ((), ours.RoomUpdated()),
    "room_metadata_changed": (("old", "new"), ours.RoomMetadataChanged("new")),
    "participant_connected": ((person(),), ours.ParticipantConnected(ANA)),
    "participant_disconnected": (
        (person(),),
        ours.ParticipantDisconnected(ANA, DisconnectReason.PARTICIPANT_REMOVED),
    ),
    "participant_active": ((person(),), ours.ParticipantActive(ANA)),
    "participant_metadata_changed": (
        (person(), "old", "new"),
        ours.ParticipantMetadataChanged("ana", "new"),
    ),
    "participant_name_changed": (
        (person(), "old", "new"),
        ours.ParticipantNameChanged("ana", "new"),
    ),
    "participant_attributes_changed": (
        ({"a": "c"}, person()),
        ours.ParticipantAttributesChanged("ana", {"a": "c"}),
    ),
    "participant_permissions_changed": (
        (person(), proto_permission(RIGHTS)),
        ours.ParticipantPermissionsChanged("ana", RIGHTS),
    ),
    "participant_encryption_status_changed": (
        (person(), True),
        ours.ParticipantEncryptionStatusChanged("ana", is_encrypted=True),
    ),
    "e2ee_state_changed": (
        (person(), 4),
        ours.EncryptionStateChanged("ana", "missing_key"),
    ),
    "connection_quality_changed": (
        (person(), rtc.ConnectionQuality.QUALITY_LOST),
        ours.ConnectionQualityChanged("ana", "lost"),
    ),
    "active_speakers_changed": (
        ([person(), person(identity="ben")],),
        ours.ActiveSpeakersChanged(("ana", "ben")),
    ),
    "local_track_published": ((track(), None), ours.LocalTrackPublished(SENT)),
    "local_track_unpublished": ((track(),), ours.LocalTrackUnpublished(SENT)),
    "local_track_republished": (
        (track(), "TR_old"),
        ours.LocalTrackRepublished(SENT, "TR_old"),
    ),
    "local_track_subscribed": ((track(),), ours.LocalTrackSubscribed("TR")),
    "track_published": ((track(), person()), ours.TrackPublished("ana", SENT)),
    "track_unpublished": ((track(), person()), ours.TrackUnpublished("ana", SENT)),
    "track_subscribed": (
        (None, track(), person()),
        ours.TrackSubscribed("ana", SENT),
    ),
    "track_unsubscribed": (
        (None, track(), person()),
        ours.TrackUnsubscribed("ana", SENT),
    ),
    "track_subscription_failed": (
        (person(), "TR", "no codec"),
        ours.TrackSubscriptionFailed("ana", "TR", "no codec"),
    ),
    "track_muted": ((person(), track()), ours.TrackMuted("ana", SENT)),
    "track_unmuted": ((person(), track()), ours.TrackUnmuted("ana", SENT)),
    "data_received": (
        (
            rtc.DataPacket(
                data=b"x",
                kind=rtc.DataPacketKind.KIND_LOSSY,
                participant=None,
                topic=None,
            ),
        ),
        ours.DataReceived(b"x", None, "", reliable=False),
    ),
    "sip_dtmf_received": (
        (rtc.SipDTMF(code=1, digit="1", participant=None),),
        ours.SipDtmfReceived(None, 1, "1"),
    ),
    "transcription_received": (
        ([SEGMENT], None, None),
        ours.TranscriptionReceived(None, None, (SAID,)),
    ),
    "data_track_published": (
        (
            SimpleNamespace(
                publisher_identity="ana", info=SimpleNamespace(sid="DT", name="d")
            ),
        ),
        ours.DataTrackPublished("ana", "DT", "d"),
    ),
    "data_track_unpublished": (("DT",), ours.DataTrackUnpublished("DT")),
}


@pytest.mark.parametrize("name", NAMES)
def test_each_event_says_what_livekit_said(name: str) -> None:
    """Every event arrives with its words, in our class of it."""
    arguments, event = TOLD[name]

    assert room_event(name, arguments) == event


@pytest.mark.parametrize("name", NAMES)
def test_late_events_harm_nobody(name: str) -> None:
    """An event about something that is gone is told without it, or not at all (T19)."""
    arguments, _ = TOLD[name]

    event = room_event(name, tuple(None for _ in arguments))

    assert not isinstance(event, UnknownEvent)


@pytest.mark.parametrize("name", NAMES)
def test_new_shapes_are_not_lost(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """With other arguments it is told as an unknown one, and logged, or needs none."""
    arguments, wordless = TOLD[name]

    event = room_event(name, (1, 2, 3, 4, 5))

    if arguments:
        assert event == UnknownEvent(name)
        assert f"{name} came in a new shape" in caplog.text
    else:
        assert event == wordless


def test_unknown_event_keeps_its_name_and_arguments() -> None:
    """What a newer LiveKit tells reaches the app as it is."""
    event = room_event("dreamt", (1, "two"))

    assert isinstance(event, UnknownEvent)
    assert (event.name, event.arguments) == ("dreamt", (1, "two"))
    assert "two" not in repr(event)  # it may hold anything


async def test_callbacks_are_plain_functions_of_any_arguments() -> None:
    """LiveKit refuses coroutines, and calls with as many arguments as fit."""
    room = LiveKitMedia().open(adaptive_stream=True, dynacast=True)

    for name in NAMES:
        (callback,) = room.native._events[name]
        assert not inspect.iscoroutinefunction(callback)
        kinds = {each.kind for each in inspect.signature(callback).parameters.values()}
        assert kinds == {inspect.Parameter.VAR_POSITIONAL}


async def test_leaving_meanwhile_counts_more_than_a_refusal() -> None:
    """Who has left while it connected hears that, whatever the SFU said."""
    room = LiveKitMedia().open(adaptive_stream=True, dynacast=True)
    connecting = asyncio.ensure_future(
        room.connect("ws://127.0.0.1:1", "eyJ.eyJ.c", auto_subscribe=True)
    )
    await asyncio.sleep(0)  # it has begun

    await room.disconnect()

    with pytest.raises(ClosedError):
        await connecting


@pytest.mark.parametrize("source", TrackSource)
def test_sources_go_both_ways(source: TrackSource) -> None:
    """Each source has one number, the same in LiveKit's client and its server API."""
    number = proto_source(source)

    assert track_source(number) is source
    theirs = server_proto.TrackSource.Name(number)
    client = dict(zip(rtc.TrackSource.values(), rtc.TrackSource.keys(), strict=True))[
        rtc.TrackSource.ValueType(number)
    ].removeprefix("SOURCE_")
    assert client.replace("SCREENSHARE", "SCREEN_SHARE") == theirs


def test_both_of_livekits_protocols_count_alike() -> None:
    """Kinds and reasons have the same numbers in the client and the server API."""
    assert dict(rtc.DisconnectReason.items()) == dict(
        server_proto.DisconnectReason.items()
    )
    assert {track_kind(number) for _, number in rtc.TrackKind.items()} == set(TrackKind)


def test_every_reason_of_livekit_is_ours() -> None:
    """A new reason must get a word here; until then it is the unknown one."""
    names = {name.lower() for name, _ in server_proto.DisconnectReason.items()}

    assert names == {reason.value for reason in DisconnectReason}
    assert disconnect_reason(999) is DisconnectReason.UNKNOWN_REASON


def test_permission_goes_both_ways() -> None:
    """Every field of a permission reaches LiveKit and comes back."""
    for wanted in (
        Permission(),
        RIGHTS,
        Permission(
            can_subscribe=False,
            can_publish_data=False,
            can_update_metadata=True,
            hidden=True,
            can_subscribe_metrics=True,
        ),
    ):
        assert permission(proto_permission(wanted)) == wanted


def test_nothing_of_a_refusal_is_passed_on() -> None:
    """Whatever LiveKit's text says, ours never quotes it (T23)."""
    quoted = "engine: signal failure: client error: 401 - invalid token: eyJh.eyJi.c"
    for text in (quoted, "something new eyJh.eyJi.c", "", "handshake error: 500 eyJ"):
        assert "eyJ" not in str(refusal(text))


def test_importing_the_package_loads_no_livekit() -> None:
    """LiveKit is loaded by those who use its adapters, not by the package."""
    code = (
        "import sys, utd_stream, utd_stream.client.room, utd_stream.media;"
        "sys.exit(any(name.split('.')[0] in ('livekit', 'aiohttp')"
        " for name in sys.modules))"
    )
    done = subprocess.run(  # noqa: S603 -- this interpreter, a program from above
        [sys.executable, "-c", code], check=False
    )

    assert done.returncode == 0
