"""LiveKit's webhooks: whom to believe, and what they say."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.errors import RemoteProtocolError, SfuSignatureError
from utd_stream.models import DisconnectReason
from utd_stream.ports import (
    OtherNotice,
    ParticipantJoined,
    ParticipantLeft,
    RoomFinished,
    RoomStarted,
    SfuNotice,
)

NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)  # never the wall clock's
SECRET = "s" * 32
SFU = LiveKitSfu("http://127.0.0.1:1", "key", SECRET)
ROOM = {"sid": "RM_1", "name": "p1_room", "metadata": "m", "numParticipants": 2}
ANA = {"sid": "PA_1", "identity": "ana", "joinedAt": "1700000000"}


def signed(body: bytes, *, secret: str = SECRET, **claims: Any) -> str:
    """The Authorization header for *body*."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    stamp = NOW.timestamp()
    told = {"iss": "key", "nbf": stamp, "exp": stamp + 300, "sha256": digest} | claims
    return jwt.encode(
        {name: value for name, value in told.items() if value is not None}, secret
    )


def read(payload: dict[str, Any]) -> SfuNotice:
    """What a webhook tells, signed as LiveKit does."""
    body = json.dumps(payload).encode()
    return SFU.read_notice(body, signed(body), NOW)


def test_started_and_finished_name_the_room() -> None:
    """A room's begin and end carry its name and its sid (T32)."""
    for event, kind in (("room_started", RoomStarted), ("room_finished", RoomFinished)):
        told = read({"event": event, "room": ROOM})
        assert isinstance(told, kind)
        assert (told.room.name, told.room.sid, told.room.metadata) == (
            *("p1_room", "RM_1", "m"),
        )


def test_joined_names_the_connection() -> None:
    """Who joined is told with the sid of this connection, and when it came."""
    told = read({"event": "participant_joined", "room": ROOM, "participant": ANA})

    assert isinstance(told, ParticipantJoined)
    assert (told.participant.identity, told.participant.sid) == ("ana", "PA_1")
    assert told.participant.joined_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert told.participant.permission is None


@pytest.mark.parametrize(
    "event", ["participant_left", "participant_connection_aborted"]
)
def test_left_and_aborted_are_departures(event: str) -> None:
    """Whoever left, or never got in, is gone, for a reason (T15)."""
    gone = ANA | {"disconnectReason": "DUPLICATE_IDENTITY"}
    told = read({"event": event, "room": ROOM, "participant": gone})

    assert isinstance(told, ParticipantLeft)
    assert told.reason is DisconnectReason.DUPLICATE_IDENTITY


def test_other_events_and_new_fields_pass() -> None:
    """A newer LiveKit's words are no error."""
    told = read({"event": "track_dreamt", "room": ROOM, "mood": {"blue": [1]}})

    assert isinstance(told, OtherNotice)
    assert told.event == "track_dreamt"
    assert told.room is not None
    assert read({"event": "egress_started"}) == OtherNotice(event="egress_started")


def test_unknown_reason_is_unknown() -> None:
    """A reason that a newer LiveKit invents is the unknown one."""
    gone = ANA | {"disconnectReason": 99}
    told = read({"event": "participant_left", "room": ROOM, "participant": gone})

    assert isinstance(told, ParticipantLeft)
    assert told.reason is DisconnectReason.UNKNOWN_REASON


BODY = json.dumps({"event": "room_started", "room": ROOM}).encode()
DEEP = base64.urlsafe_b64encode(b"[" * 30_000 + b"]" * 30_000).decode()


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="none"),
        pytest.param("nonsense", id="nonsense"),
        pytest.param(f"{DEEP}.{DEEP}.{DEEP}", id="nested-deep"),
        pytest.param("\udcff.\udcff.\udcff", id="no-text"),
        pytest.param(signed(BODY, secret="t" * 32), id="another-secret"),
        pytest.param(signed(BODY, iss="other"), id="another-key"),
        pytest.param(signed(BODY, iss=None), id="no-key"),
        pytest.param(signed(BODY, sha256=None), id="no-hash"),
        pytest.param(signed(BODY, sha256="%%%"), id="bad-hash"),
        pytest.param(signed(BODY, sha256=7), id="hash-no-text"),
        pytest.param(signed(b"another"), id="another-body"),
        pytest.param(signed(BODY, exp=None), id="no-expiry"),
        pytest.param(signed(BODY, exp="soon"), id="expiry-no-number"),
        pytest.param(signed(BODY, exp=NOW.timestamp() - 61), id="expired"),
        pytest.param(signed(BODY, nbf=NOW.timestamp() + 61), id="too-early"),
        pytest.param(
            jwt.encode({"iss": "key", "exp": 2_000_000_000}, None, "none"),
            id="unsigned",
        ),
    ],
)
def test_what_is_not_signed_so_is_not_believed(header: str) -> None:
    """Key, secret, time and body must all be those of the signature (L26)."""
    with pytest.raises(SfuSignatureError):
        SFU.read_notice(BODY, header, NOW)


def test_clocks_may_differ_by_a_minute() -> None:
    """Times are those of the engine's clock, with 60 s of leeway either way."""
    late = NOW + timedelta(seconds=359)
    early = NOW - timedelta(seconds=59)

    for now in (early, NOW, late):
        assert isinstance(SFU.read_notice(BODY, signed(BODY), now), RoomStarted)
    with pytest.raises(SfuSignatureError):
        SFU.read_notice(BODY, signed(BODY), NOW + timedelta(seconds=361))


def test_the_raw_body_is_what_was_signed() -> None:
    """A body that reads the same and has other bytes is another body (L26)."""
    spaced = BODY.replace(b":", b" :")
    with pytest.raises(SfuSignatureError):
        SFU.read_notice(spaced, signed(BODY), NOW)


def test_scheme_before_the_token_is_taken() -> None:
    """A proxy may write the Authorization header in full."""
    header = f"Bearer {signed(BODY)}"

    assert isinstance(SFU.read_notice(BODY, header, NOW), RoomStarted)


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_signed_nonsense_is_a_protocol_error(body: bytes) -> None:
    """Whatever else LiveKit signs is never an unexpected exception."""
    with suppress(RemoteProtocolError):
        SFU.read_notice(body, signed(body), NOW)


def test_signed_nesting_is_a_protocol_error() -> None:
    """Not even LiveKit may nest deeper than Python's reader can follow."""
    body = b'{"event": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"

    with pytest.raises(RemoteProtocolError):
        SFU.read_notice(body, signed(body), NOW)


def test_impossible_time_is_a_protocol_error() -> None:
    """A time that no calendar has is the SFU's fault."""
    ever = ANA | {"joinedAtMs": "9000000000000000000"}
    with pytest.raises(RemoteProtocolError):
        read({"event": "participant_joined", "room": ROOM, "participant": ever})


def test_signature_is_checked_before_the_body() -> None:
    """A webhook's signature says by itself whether LiveKit made it, and when."""
    SFU.check_notice(signed(BODY), NOW)

    hour = timedelta(hours=1)
    client = jwt.encode({"iss": "key", "exp": 2_000_000_000}, "s" * 32, "HS256")
    for header, now in (
        ("", NOW),
        (signed(BODY, secret="t" * 32), NOW),
        (signed(BODY, iss="other"), NOW),
        (signed(BODY), NOW + hour),
        (signed(BODY, nbf=NOW.timestamp()), NOW - hour),
        (client, NOW),
    ):
        with pytest.raises(SfuSignatureError):
            SFU.check_notice(header, now)
