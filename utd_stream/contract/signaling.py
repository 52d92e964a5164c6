"""The signaling socket: how the devices of a person hear of their calls.

A frame is one text message, a JSON object ``{event, data, seq?}``.  The client
signs in by `auth` within `AUTH_WITHIN`; the engine answers `ready`, then sends what
the client has missed, if it knows that, and then each piece of news.

Source: contract.md section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, IntEnum

import attrs

from utd_stream.contract.endpoint import API_PREFIX
from utd_stream.contract.fields import Text256, WholeNumber
from utd_stream.models.calls import UTDCall
from utd_stream.models.seats import aware

__all__ = [
    "AUTH",
    "AUTH_WITHIN",
    "CLIENT_PING_PERIOD",
    "EXPIRING",
    "EXPIRING_BEFORE",
    "FRAMES_A_SECOND",
    "MAX_FRAME_BYTES",
    "PING_PERIOD",
    "READY",
    "SIGNALS_KEPT",
    "SIGNAL_PATH",
    "SOCKETS_OF_ONE",
    "TAKEN_WITHIN",
    "AuthFrame",
    "CallSignal",
    "ExpiringFrame",
    "ReadyFrame",
    "SignalClose",
]

SIGNAL_PATH = f"{API_PREFIX}/signal"

# Of the frames that are not about a call.
AUTH = "auth"
READY = "ready"
EXPIRING = "session_expiring"

MAX_FRAME_BYTES = 2**20
# In seconds.
AUTH_WITHIN = 10.0  # from the socket's opening to the frame that signs in
TAKEN_WITHIN = 10.0  # for one frame that the engine sends
PING_PERIOD = 10.0  # of what was quiet so long; half of it the answer is waited for
CLIENT_PING_PERIOD = 9.0  # of the SDK: the engine hears from it, and does not ping
EXPIRING_BEFORE = 60.0  # from `session_expiring` to the end of the sign-in
SIGNALS_KEPT = 3_600.0  # for those who come back
SOCKETS_OF_ONE = 10  # of one identity
FRAMES_A_SECOND = 10  # of one socket, by the client


class CallSignal(Enum):
    """What a device of a party is told of a call.

    Attributes:
        INCOMING: Somebody calls; to the callee's devices, while it rings.
        RINGING: A device of the callee says that it rings.
        ACCEPTED: The callee has answered; to the caller's devices and the one that
            answered.
        REJECTED: The callee has declined.
        BUSY: The callee has said that they are busy.
        ENDED: One of the parties, the app, or a limit has ended it.
        MISSED: Nobody answered in time.
        ANSWERED_ELSEWHERE: Another device of the callee has answered.
    """

    INCOMING = "call_incoming"
    RINGING = "call_ringing"
    ACCEPTED = "call_accepted"
    REJECTED = "call_rejected"
    BUSY = "call_busy"
    ENDED = "call_ended"
    MISSED = "call_missed"
    ANSWERED_ELSEWHERE = "call_answered_elsewhere"


class SignalClose(IntEnum):
    """Why the engine closes a socket.

    Attributes:
        NO_FRAME: What came is no frame: not text, not JSON, or no object.
        TOO_LARGE: A frame is larger than one may be.
        STOPPING: The engine stops, or cannot serve: open another one in a while.
        SIGNED_OUT: There is no sign-in, or it has expired: sign in again.
        FORBIDDEN: This person is banned, or the app suspended.
        REPLACED: A newer socket of the same client took its place.
        TOO_MUCH: Too slow in reading, too many frames, or too many sockets.
    """

    NO_FRAME = 1007
    TOO_LARGE = 1009
    STOPPING = 1012
    SIGNED_OUT = 4401
    FORBIDDEN = 4403
    REPLACED = 4409
    TOO_MUCH = 4429


@attrs.frozen(kw_only=True)
class AuthFrame:
    """Sign in, or prolong a sign-in.

    Attributes:
        token: The bearer.
        party_id: Names this client; its newer socket takes the place of this one.
        epoch: Of the engine's database, as `ready` told it; None for a first time.
        seq: Number of the newest piece of news that this client has had.
    """

    token: str = attrs.field(repr=False)
    party_id: Text256
    epoch: Text256 | None = None
    seq: WholeNumber | None = None


@attrs.frozen(kw_only=True)
class ReadyFrame:
    """The sign-in is taken.

    Attributes:
        epoch: Of the engine's database: numbers of another one mean nothing.
        seq: The news from here on follow.
        resumed: Whether what the client has missed follows; else `calls` is the
            truth, and what it knew is to be forgotten.
        calls: Calls of this person that ring or go on.
        expires_at: When the sign-in ends, UTC.
    """

    epoch: str
    seq: int
    resumed: bool
    calls: Sequence[UTDCall]
    expires_at: datetime = attrs.field(validator=aware)


@attrs.frozen(kw_only=True)
class ExpiringFrame:
    """The sign-in ends soon: send `auth` with a newer bearer.

    Attributes:
        expires_at: When it ends, UTC.
    """

    expires_at: datetime = attrs.field(validator=aware)
