"""What the connection machine hears and asks for: commands, facts, effects."""

from __future__ import annotations

from typing import TypeAlias

import attrs

__all__ = [
    "Admitted",
    "ArmExit",
    "Connect",
    "ConnectFailed",
    "ConnectRefused",
    "ConnectionEffect",
    "ConnectionEvent",
    "DisarmExit",
    "ExitDue",
    "GaveUp",
    "Leave",
    "OpenTransport",
    "ReadRoom",
    "ReadState",
    "RejoinFailed",
    "Rejoined",
    "ReleaseTransport",
    "Removed",
    "ReopenTransport",
    "Resumed",
    "TellEngine",
    "TransportLost",
]


# Commands: the application asks.


@attrs.frozen
class Connect:
    """Enter the room; *tries* more are made if the first one fails."""

    tries: int = 2


@attrs.frozen
class Leave:
    """Leave the room, or give up entering it."""


# Facts: the network, the engine and the clock tell.


@attrs.frozen
class Admitted:
    """The SFU let this client in."""

    number: int


@attrs.frozen
class ConnectFailed:
    """The SFU or the engine could not be reached."""

    number: int


@attrs.frozen
class ConnectRefused:
    """The engine or the SFU said no: another try would hear the same."""

    number: int


@attrs.frozen
class TransportLost:
    """The connection broke; LiveKit's client repairs it by itself."""

    number: int
    at: float  # monotonic seconds


@attrs.frozen
class Resumed:
    """LiveKit's client repaired it."""

    number: int
    at: float  # monotonic seconds


@attrs.frozen
class GaveUp:
    """The connection ended for a reason that is no removal."""

    number: int
    at: float  # monotonic seconds


@attrs.frozen
class Rejoined:
    """A new connection replaced the one that was given up."""

    number: int


@attrs.frozen
class RejoinFailed:
    """A new connection could not be made; another try may."""

    number: int


@attrs.frozen
class Removed:
    """The SFU ended it on purpose: kicked, banned, ended or replaced."""

    number: int
    reason: str  # a `DisconnectReason` value


@attrs.frozen
class ExitDue:
    """The minute since the loss is over."""


ConnectionEvent: TypeAlias = (
    Connect
    | Leave
    | Admitted
    | ConnectFailed
    | ConnectRefused
    | TransportLost
    | Resumed
    | GaveUp
    | Rejoined
    | RejoinFailed
    | Removed
    | ExitDue
)


# Effects.


@attrs.frozen
class OpenTransport:
    """Mint and connect as *number*, after *delay* seconds."""

    number: int
    delay: float = 0.0


@attrs.frozen
class ReopenTransport:
    """Mint with ``resume`` and connect as *number*, after *delay* seconds."""

    number: int
    delay: float = 0.0


@attrs.frozen
class ReleaseTransport:
    """Disconnect and free everything local."""


@attrs.frozen
class TellEngine:
    """Say that this member leaves, before disconnecting."""


@attrs.frozen
class ArmExit:
    """Post ExitDue after *delay* seconds."""

    delay: float


@attrs.frozen
class DisarmExit:
    """Post it no more."""


@attrs.frozen
class ReadRoom:
    """Read what the connected room knows (light)."""


@attrs.frozen
class ReadState:
    """Read the room and ask the engine for seats and roles (full)."""


ConnectionEffect: TypeAlias = (
    OpenTransport
    | ReopenTransport
    | ReleaseTransport
    | TellEngine
    | ArmExit
    | DisarmExit
    | ReadRoom
    | ReadState
)
