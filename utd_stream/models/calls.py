"""A 1:1 call: what its row holds, its statuses and its ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import attrs

from utd_stream.models._frozen_map import frozen_map
from utd_stream.models.rooms import UTDStreamType
from utd_stream.models.seats import aware

__all__ = [
    "CallDirection",
    "CallEndReason",
    "EndInfo",
    "HangUpReason",
    "RingEndReason",
    "UTDCall",
    "UTDCallStatus",
    "end_of",
]


class UTDCallStatus(Enum):
    """Where a call stands.

    Attributes:
        INITIATING: The engine has it; no device of the callee said that it rings.
        RINGING: A device of the callee rings.
        ACTIVE: The callee accepted.
        ENDED: A party hung up or was lost, or the longest duration is over.
        REJECTED: The callee declined, on all devices.
        BUSY: The callee said so, on all devices.
        MISSED: Nobody answered in time.
    """

    INITIATING = "initiating"
    RINGING = "ringing"
    ACTIVE = "active"
    ENDED = "ended"
    REJECTED = "rejected"
    BUSY = "busy"
    MISSED = "missed"

    @property
    def is_final(self) -> bool:
        """Whether the call is over."""
        return not self.is_live

    @property
    def is_live(self) -> bool:
        """Whether it occupies both parties."""
        return self.is_unanswered or self is UTDCallStatus.ACTIVE

    @property
    def is_unanswered(self) -> bool:
        """Whether the callee may still answer."""
        return self in {UTDCallStatus.INITIATING, UTDCallStatus.RINGING}


class CallEndReason(Enum):
    """Why a call is over.

    Attributes:
        NO_ANSWER: The ring timed out.
        REJECTED: The callee declined.
        BUSY: The callee was busy, and said so.
        CANCELLED: The caller hung up before an answer.
        DECLINED: The callee hung up before an answer.
        CALLER_HANGUP: The caller hung up.
        CALLEE_HANGUP: The callee hung up.
        CONNECTION_LOST: A party was lost or never joined the media room.
        MAX_DURATION: It lasted as long as a call may.
        ENDED_BY_APP: The app's back end ended it.
    """

    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    BUSY = "busy"
    CANCELLED = "cancelled"
    DECLINED = "declined"
    CALLER_HANGUP = "caller_hangup"
    CALLEE_HANGUP = "callee_hangup"
    CONNECTION_LOST = "connection_lost"
    MAX_DURATION = "max_duration"
    ENDED_BY_APP = "ended_by_app"


class HangUpReason(Enum):
    """Why a client ends a call.

    Attributes:
        HANGUP: A person hung up.
        CONNECTION_LOST: The client lost its connection, or could not make one.
    """

    HANGUP = "hangup"
    CONNECTION_LOST = "connection_lost"


class CallDirection(Enum):
    """Who began a call.

    Attributes:
        OUTGOING: This client.
        INCOMING: The other party.
    """

    OUTGOING = "outgoing"
    INCOMING = "incoming"


class RingEndReason(Enum):
    """Why a call rings no more on this device, though it goes on.

    Attributes:
        ANSWERED_ELSEWHERE: Another device of this person has answered.
    """

    ANSWERED_ELSEWHERE = "answered_elsewhere"


@attrs.frozen(kw_only=True)
class UTDCall:
    """A call, as the engine tells it to both parties.

    Attributes:
        call_id: Names it; ``call_`` and 24 hexadecimal digits.
        type: Audio call or video call.
        status: Where it stands.
        caller_identity: Who called.
        caller_name: Shown to people; none if the caller has none.
        callee_identity: Who was called.
        callee_name: Shown to people; none if the callee has none.
        room_name: Of its media room: the call's id.
        metadata: The app's own.
        rev: Counts the changes of the row; of two rows the one with the higher is
            newer.
        ring_until: When the ring is over, UTC.
        initiated_at: When it was created, UTC.
        ringing_at: When a device of the callee first said that it rings, UTC.
        answered_at: When the callee accepted, UTC.
        ended_at: When it was over, UTC.
        end_reason: Why.
        ended_by: Identity of the party that ended it; none for nobody, or the app.
        duration_seconds: Whole seconds from the answer to the end; none if nobody
            answered, or while it goes on.
        ring_duration_seconds: Whole seconds from the first ring to the answer or the
            end; none if nothing rang, or while it rings.
        token: The media token for LiveKit, where this answer has one: 10 minutes to
            join.
        url: URL of the LiveKit server, likewise.
    """

    call_id: str
    type: UTDStreamType
    status: UTDCallStatus
    caller_identity: str
    caller_name: str | None = None
    callee_identity: str
    callee_name: str | None = None
    room_name: str
    metadata: Mapping[str, Any] = attrs.field(
        default=frozen_map({}), converter=frozen_map, hash=False
    )
    rev: int
    ring_until: datetime = attrs.field(validator=aware)
    initiated_at: datetime = attrs.field(validator=aware)
    ringing_at: datetime | None = attrs.field(default=None, validator=aware)
    answered_at: datetime | None = attrs.field(default=None, validator=aware)
    ended_at: datetime | None = attrs.field(default=None, validator=aware)
    end_reason: CallEndReason | None = None
    ended_by: str | None = None
    duration_seconds: int | None = None
    ring_duration_seconds: int | None = None
    token: str | None = attrs.field(default=None, repr=False)
    url: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class EndInfo:
    """How a call ended, or stopped ringing on this device.

    Attributes:
        status: Of the call.
        reason: Why.
        by: Identity of the party that ended it; None for nobody, or the app.
        at: When, UTC; None where the call goes on elsewhere.
    """

    status: UTDCallStatus
    reason: CallEndReason | RingEndReason
    by: str | None = None
    at: datetime | None = attrs.field(default=None, validator=aware)


def end_of(call: UTDCall) -> EndInfo | None:
    """Return how *call* ended; None while it goes on."""
    if call.end_reason is None or call.status.is_live:
        return None
    return EndInfo(
        status=call.status, reason=call.end_reason, by=call.ended_by, at=call.ended_at
    )
