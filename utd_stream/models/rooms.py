"""Words of a room's life: types, roles, modes, states."""

from __future__ import annotations

from enum import Enum

__all__ = [
    "DisconnectReason",
    "RemovalReason",
    "RoomEndReason",
    "SeatMode",
    "SeatOccupancy",
    "UTDConnectionState",
    "UTDRole",
    "UTDStreamType",
]


class UTDStreamType(Enum):
    """What kind of session a room holds.

    Attributes:
        AUDIO_CALL: Two parties with microphones.
        VIDEO_CALL: Two parties with microphones and cameras.
        LIVE_STREAM: A host, a stage and an audience.
        AUDIO_ROOM: A grid of seats and an audience.
    """

    AUDIO_CALL = "audio_call"
    VIDEO_CALL = "video_call"
    LIVE_STREAM = "live_stream"
    AUDIO_ROOM = "audio_room"

    @property
    def wire(self) -> str:
        """The spelling on the wire."""
        return self.value

    @property
    def is_call(self) -> bool:
        """Whether it is a 1:1 call."""
        return self in {UTDStreamType.AUDIO_CALL, UTDStreamType.VIDEO_CALL}

    @property
    def has_video(self) -> bool:
        """Whether cameras belong to it."""
        return self in {UTDStreamType.VIDEO_CALL, UTDStreamType.LIVE_STREAM}


class UTDRole(Enum):
    """What somebody may do in a room until it ends, low to high.

    Attributes:
        VISITOR: Listens, and has the rights of the audience.
        AUDIENCE: Listens, takes a seat or asks for one.
        GUEST: The audience by another name.
        ADMIN: Moderates everybody but hosts and the owner.
        HOST: Moderates everybody but the owner.
    """

    VISITOR = "visitor"
    AUDIENCE = "audience"
    GUEST = "guest"
    ADMIN = "admin"
    HOST = "host"

    @property
    def moderates(self) -> bool:
        """Whether this role may lock, mute, kick, approve and invite."""
        return self in {UTDRole.ADMIN, UTDRole.HOST}

    @property
    def rank(self) -> int:
        """The place in the order of roles, from 0."""
        return list(UTDRole).index(self)


class RemovalReason(Enum):
    """Why the engine removes a participant; written in their metadata before it.

    Attributes:
        KICKED: A moderator removed them until their next mint.
    """

    KICKED = "kicked"


class RoomEndReason(Enum):
    """Why a room's life ended; written in the room's metadata before its deletion.

    Attributes:
        ENDED: A host, the owner or the app's back end ended it.
        EMPTY: Nobody had been in it for some minutes.
    """

    ENDED = "ended"
    EMPTY = "empty"


class SeatMode(Enum):
    """Who may take an open seat.

    Attributes:
        FREE: Every member.
        REQUEST: Hosts, admins, and members who were approved or invited.
    """

    FREE = "free"
    REQUEST = "request"


class UTDConnectionState(Enum):
    """Where a client's connection to the SFU stands."""

    DISCONNECTED = "disconnected"  # never connected, left, or removed
    CONNECTING = "connecting"  # the first connect is under way
    CONNECTED = "connected"  # media can flow
    RECONNECTING = "reconnecting"  # was connected, being repaired
    FORCE_EXIT = "force_exit"  # could not be repaired within a minute


class SeatOccupancy(Enum):
    """Where my own seat and microphone stand."""

    LISTENING = "listening"  # no seat
    TAKING = "taking"  # the engine was asked
    GRANTING = "granting"  # seated, the right is not seen yet
    PUBLISHING = "publishing"  # the microphone is on its way
    SPEAKING = "speaking"  # the microphone is published
    SILENT = "silent"  # seated, nothing published
    LEAVING = "leaving"  # the seat is being given back


class DisconnectReason(Enum):
    """Why the SFU ended a connection; LiveKit's own words."""

    UNKNOWN_REASON = "unknown_reason"  # also: the client library gave up
    CLIENT_INITIATED = "client_initiated"  # this side left
    DUPLICATE_IDENTITY = "duplicate_identity"  # a newer connection replaced it
    SERVER_SHUTDOWN = "server_shutdown"
    PARTICIPANT_REMOVED = "participant_removed"  # kicked
    ROOM_DELETED = "room_deleted"  # ended
    STATE_MISMATCH = "state_mismatch"  # the SFU does not know the session
    JOIN_FAILURE = "join_failure"
    MIGRATION = "migration"
    SIGNAL_CLOSE = "signal_close"
    ROOM_CLOSED = "room_closed"  # nobody was in it
    USER_UNAVAILABLE = "user_unavailable"
    USER_REJECTED = "user_rejected"
    SIP_TRUNK_FAILURE = "sip_trunk_failure"
    CONNECTION_TIMEOUT = "connection_timeout"  # the SFU lost sight of it
    MEDIA_FAILURE = "media_failure"
    AGENT_ERROR = "agent_error"
