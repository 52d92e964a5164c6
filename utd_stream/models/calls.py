"""Words of a 1:1 call's life: its statuses, its ends, its directions."""

from __future__ import annotations

from enum import Enum

__all__ = ["CallDirection", "CallEndReason", "UTDCallStatus"]


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
        return self in {
            UTDCallStatus.INITIATING,
            UTDCallStatus.RINGING,
            UTDCallStatus.ACTIVE,
        }


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


class CallDirection(Enum):
    """Who began a call.

    Attributes:
        OUTGOING: This client.
        INCOMING: The other party.
    """

    OUTGOING = "outgoing"
    INCOMING = "incoming"
