"""The connection machine: one client's way into one room and back into it.

LiveKit's client repairs what it can; after about 23 s it gives up and the
client mints again (`ReopenTransport`) until a minute has passed.  Everything
that belongs to one connection carries its number, so that late facts of one
that is gone can be told apart (`is_late`).

Source: contract.md section 5, Reconnect; traps T13, T29, T38, T41.

Laws, each proved by the test of the same name:

1. leave_always_ends: after Leave it is disconnected or was force_exit already.
2. one_timer: at most one force-exit timer runs, and only while reconnecting.
3. released_once_per_connection: what was opened is released or replaced once.
4. short_outage_is_light: under 15 s only the room's metadata is read again.
5. long_outage_is_full: otherwise metadata, seats and roles are.
6. first_connect_is_tried_again: as often as there are tries, then it ends.
7. removal_is_no_outage: who was removed does not come back by itself.
8. late_facts_are_told_apart: facts of an older connection are late, others not.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row
from utd_stream.models.rooms import UTDConnectionState

__all__ = [
    "CONNECTION",
    "FORCE_EXIT_AFTER",
    "LIGHT_OUTAGE",
    "RECONNECT_PAUSE",
    "RETRY_PAUSE",
    "Admitted",
    "ArmExit",
    "Connect",
    "ConnectFailed",
    "ConnectRefused",
    "ConnectionData",
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
    "is_late",
]

LIGHT_OUTAGE = 15.0  # seconds; below it nothing but metadata can have been missed
FORCE_EXIT_AFTER = 60.0  # seconds from the loss
RETRY_PAUSE = 0.5  # seconds between the tries of a first connect
RECONNECT_PAUSE = 2.0  # seconds between the tries to come back


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


@attrs.frozen(kw_only=True)
class ConnectionData:
    """What the machine remembers beside its state.

    Attributes:
        number: Of the connection that is current or being made, from 1.
        tries: How many more tries the first connect has.
        lost_at: When the outage began, monotonic seconds; None without one.
        reason: Why it ended last, a `DisconnectReason` value, or empty.
    """

    number: int = 0
    tries: int = 0
    lost_at: float | None = None
    reason: str = ""


def is_late(data: ConnectionData, fact: object) -> bool:
    """Whether *fact* belongs to a connection that is gone."""
    return bool(getattr(fact, "number", data.number) != data.number)


def tries_left(data: ConnectionData, event: ConnectFailed) -> bool:
    """May the first connect be tried once more?"""
    return data.tries > 0


def outage_was_short(data: ConnectionData, event: Resumed) -> bool:
    """Was it too short to have missed more than metadata?"""
    return data.lost_at is not None and event.at - data.lost_at < LIGHT_OUTAGE


def opening(data: ConnectionData, event: Connect) -> ConnectionData:
    return ConnectionData(number=data.number + 1, tries=event.tries)


def trying_again(data: ConnectionData, event: ConnectFailed) -> ConnectionData:
    return attrs.evolve(data, number=data.number + 1, tries=data.tries - 1)


def losing(data: ConnectionData, event: TransportLost) -> ConnectionData:
    return attrs.evolve(data, lost_at=event.at)


def reopening(data: ConnectionData, event: ConnectionEvent) -> ConnectionData:
    return attrs.evolve(data, number=data.number + 1)


def losing_and_reopening(data: ConnectionData, event: GaveUp) -> ConnectionData:
    return attrs.evolve(data, number=data.number + 1, lost_at=event.at)


def recovered(data: ConnectionData, event: ConnectionEvent) -> ConnectionData:
    return attrs.evolve(data, lost_at=None)


def ended(data: ConnectionData, event: ConnectionEvent) -> ConnectionData:
    # The number moves on, so that what the old connection still says is late.
    return ConnectionData(number=data.number + 1)


def removed(data: ConnectionData, event: Removed) -> ConnectionData:
    return ConnectionData(number=data.number + 1, reason=event.reason)


def open_transport(data: ConnectionData, event: Connect) -> OpenTransport:
    return OpenTransport(data.number + 1)


def open_later(data: ConnectionData, event: ConnectFailed) -> OpenTransport:
    return OpenTransport(data.number + 1, RETRY_PAUSE)


def reopen(data: ConnectionData, event: GaveUp) -> ReopenTransport:
    return ReopenTransport(data.number + 1)


def reopen_later(data: ConnectionData, event: RejoinFailed) -> ReopenTransport:
    return ReopenTransport(data.number + 1, RECONNECT_PAUSE)


def release(data: ConnectionData, event: ConnectionEvent) -> ReleaseTransport:
    return ReleaseTransport()


def tell_engine(data: ConnectionData, event: Leave) -> TellEngine:
    return TellEngine()


def arm_exit(data: ConnectionData, event: ConnectionEvent) -> ArmExit:
    return ArmExit(FORCE_EXIT_AFTER)


def disarm_exit(data: ConnectionData, event: ConnectionEvent) -> DisarmExit:
    return DisarmExit()


def read_room(data: ConnectionData, event: ConnectionEvent) -> ReadRoom:
    return ReadRoom()


def read_state(data: ConnectionData, event: ConnectionEvent) -> ReadState:
    return ReadState()


_S = UTDConnectionState

# fmt: off
CONNECTION: Declaration[
    UTDConnectionState, ConnectionEvent, ConnectionData, ConnectionEffect
] = Declaration(
    name="connection",
    initial=_S.DISCONNECTED,
    rows=(
        Row(Connect,        (_S.DISCONNECTED, _S.FORCE_EXIT), _S.CONNECTING,
            update=opening, effects=(open_transport,)),
        # A connect over a live room tears the old one down first.
        Row(Connect,        (_S.CONNECTING, _S.CONNECTED), _S.CONNECTING,
            update=opening, effects=(release, open_transport)),
        Row(Connect,        (_S.RECONNECTING,), _S.CONNECTING,
            update=opening, effects=(disarm_exit, release, open_transport)),
        Row(Admitted,       (_S.CONNECTING,), _S.CONNECTED,
            effects=(read_room,)),
        Row(ConnectFailed,  (_S.CONNECTING,), _S.CONNECTING,
            guard=tries_left, update=trying_again, effects=(open_later,)),
        Row(ConnectFailed,  (_S.CONNECTING,), _S.DISCONNECTED,
            update=ended, effects=(release,)),
        Row(ConnectRefused, (_S.CONNECTING,), _S.DISCONNECTED,
            update=ended, effects=(release,)),
        Row(ConnectRefused, (_S.RECONNECTING,), _S.DISCONNECTED,
            update=ended, effects=(disarm_exit, release)),
        Row(TransportLost,  (_S.CONNECTED,), _S.RECONNECTING,
            update=losing, effects=(arm_exit,)),
        # A flap keeps the timer that runs.
        Row(TransportLost,  (_S.RECONNECTING,), _S.RECONNECTING),
        Row(Resumed,        (_S.RECONNECTING,), _S.CONNECTED,
            guard=outage_was_short, update=recovered,
            effects=(disarm_exit, read_room)),
        Row(Resumed,        (_S.RECONNECTING,), _S.CONNECTED,
            update=recovered, effects=(disarm_exit, read_state)),
        Row(GaveUp,         (_S.CONNECTED,), _S.RECONNECTING,
            update=losing_and_reopening, effects=(arm_exit, reopen)),
        Row(GaveUp,         (_S.RECONNECTING,), _S.RECONNECTING,
            update=reopening, effects=(reopen,)),
        Row(Rejoined,       (_S.RECONNECTING,), _S.CONNECTED,
            update=recovered, effects=(disarm_exit, read_state)),
        Row(RejoinFailed,   (_S.RECONNECTING,), _S.RECONNECTING,
            update=reopening, effects=(reopen_later,)),
        Row(Removed,        (_S.CONNECTING, _S.CONNECTED), _S.DISCONNECTED,
            update=removed, effects=(release,)),
        Row(Removed,        (_S.RECONNECTING,), _S.DISCONNECTED,
            update=removed, effects=(disarm_exit, release)),
        Row(ExitDue,        (_S.RECONNECTING,), _S.FORCE_EXIT,
            update=ended, effects=(release,)),
        Row(Leave,          (_S.CONNECTING, _S.CONNECTED), _S.DISCONNECTED,
            update=ended, effects=(tell_engine, release)),
        Row(Leave,          (_S.RECONNECTING,), _S.DISCONNECTED,
            update=ended, effects=(disarm_exit, tell_engine, release)),
        Row(Leave,          (_S.DISCONNECTED,), _S.DISCONNECTED),
        Row(Leave,          (_S.FORCE_EXIT,), _S.FORCE_EXIT),
    ),
)
# fmt: on
