"""The connection machine: one client's way into one room and back into it.

LiveKit's client repairs what it can; after about 23 s it gives up, and the
client mints again (`ReopenTransport`) until a minute has passed.  Everything
that belongs to one connection carries its number, so that a fact of an older
connection is known to be late (`is_late`).

Source: contract.md section 5, Reconnect; traps T13, T29, T38, T41.

Laws, each proved by the test of the same name:

1. leave_always_ends: after Leave the state is disconnected, or still force_exit;
   the engine is told before the transport is released.
2. one_timer: a force-exit timer runs exactly while reconnecting, and only one.
3. released_once_per_connection: each opened transport is released or replaced
   once.
4. short_outage_is_light: an admission, and a repair within 15 s, read the metadata
   only.
5. long_outage_is_full: after a longer outage, or over a new connection, metadata,
   seats and roles are read again.
6. first_connect_is_tried_again: as often as there are tries, then it fails.
7. removal_is_no_outage: a removed client does not reconnect by itself.
8. late_facts_are_told_apart: facts of an older connection are late, others not.
9. connected_means_connected: a connection that breaks before Admitted counts as
   lost until it is repaired.
10. a_failed_connect_is_taken_back: if the engine may list this client although its
   connect failed, Leave tells the engine, once.
11. connect_always_begins: Connect begins a new connection in every state.
12. facts_come_where_they_fit: each fact is taken in those states in which a
   connection can cause it, and in no other.
13. lost_connection_is_replaced: a connection that ends is replaced at once, and a
   failed try to replace it is followed by another after a pause.
14. effects_keep_their_order: timers first, then the engine is told, then the
   transport is released, then another is opened; what reads comes last.
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

LIGHT_OUTAGE = 15.0  # seconds; a shorter outage can hide metadata only
FORCE_EXIT_AFTER = 60.0  # seconds from the loss
RETRY_PAUSE = 0.5  # seconds between the tries of a first connect
RECONNECT_PAUSE = 2.0  # seconds between the tries to come back


# Commands: the application asks.


@attrs.frozen
class Connect:
    """Enter the room; if that fails, try again up to *tries* times."""

    tries: int = 2


@attrs.frozen
class Leave:
    """Leave the room, or give up entering it."""


# Facts: the network, the engine and the clock report.


@attrs.frozen
class Admitted:
    """The SFU admitted this client."""

    number: int


@attrs.frozen
class ConnectFailed:
    """The SFU or the engine could not be reached."""

    number: int


@attrs.frozen
class ConnectRefused:
    """The engine or the SFU refused; another try would be refused too."""

    number: int


@attrs.frozen
class TransportLost:
    """The connection broke; LiveKit's client repairs it by itself."""

    number: int
    at: float  # monotonic seconds


@attrs.frozen
class Resumed:
    """LiveKit's client repaired the connection."""

    number: int
    at: float  # monotonic seconds


@attrs.frozen
class GaveUp:
    """The connection ended, and not because the SFU removed this client."""

    number: int
    at: float  # monotonic seconds


@attrs.frozen
class Rejoined:
    """A new connection replaced the one that ended."""

    number: int


@attrs.frozen
class RejoinFailed:
    """A new connection failed; another try may succeed."""

    number: int


@attrs.frozen
class Removed:
    """The SFU ended the connection: kicked, banned, room ended or replaced."""

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
    """Tell the engine that this client leaves, before disconnecting."""


@attrs.frozen
class ArmExit:
    """Post ExitDue after *delay* seconds."""

    delay: float


@attrs.frozen
class DisarmExit:
    """Do not post ExitDue."""


@attrs.frozen
class ReadRoom:
    """Read the metadata of the connected room."""


@attrs.frozen
class ReadState:
    """Read the metadata, and ask the engine for seats and roles."""


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
        broken: Whether LiveKit's client repairs that connection.
        reason: Why it ended last, a `DisconnectReason` value, or empty.
        may_be_listed: Whether the engine may list this client, whose connect failed.
    """

    number: int = 0
    tries: int = 0
    lost_at: float | None = None
    broken: bool = False
    reason: str = ""
    may_be_listed: bool = False


def is_late(data: ConnectionData, fact: object) -> bool:
    """Whether *fact* belongs to a connection that is gone."""
    return bool(getattr(fact, "number", data.number) != data.number)


def tries_left(data: ConnectionData, event: ConnectFailed | GaveUp) -> bool:
    """May the first connect be tried once more?"""
    return data.tries > 0


def is_broken(data: ConnectionData, event: Admitted | Rejoined) -> bool:
    """Did the connection break before this fact of it came?"""
    return data.broken


def engine_may_list_me(data: ConnectionData, event: Leave) -> bool:
    """Did the connect fail, although the engine may list this client?"""
    return data.may_be_listed


def outage_was_short(data: ConnectionData, event: Resumed) -> bool:
    """Was the outage so short that only metadata can have changed unseen?"""
    return data.lost_at is not None and event.at - data.lost_at < LIGHT_OUTAGE


def given_tries(data: ConnectionData, event: Connect) -> ConnectionData:
    """Remember how often the first connect may be tried again."""
    return attrs.evolve(data, tries=event.tries)


def one_try_spent(
    data: ConnectionData, event: ConnectFailed | GaveUp
) -> ConnectionData:
    """Count down the tries of the first connect."""
    return attrs.evolve(data, tries=data.tries - 1)


def outage_begun(data: ConnectionData, event: TransportLost | GaveUp) -> ConnectionData:
    """Remember when the outage began."""
    return attrs.evolve(data, lost_at=event.at)


def removed(data: ConnectionData, event: Removed) -> ConnectionData:
    """Remember why the SFU ended the connection."""
    return attrs.evolve(data, reason=event.reason)


def open_transport(data: ConnectionData, event: Connect) -> OpenTransport:
    """Mint and connect at once."""
    return OpenTransport(data.number + 1)


def open_later(data: ConnectionData, event: ConnectFailed | GaveUp) -> OpenTransport:
    """Mint and connect after the pause of a first connect."""
    return OpenTransport(data.number + 1, RETRY_PAUSE)


def reopen(data: ConnectionData, event: GaveUp) -> ReopenTransport:
    """Mint with resume and connect at once."""
    return ReopenTransport(data.number + 1)


def reopen_later(data: ConnectionData, event: RejoinFailed) -> ReopenTransport:
    """Mint with resume and connect after the pause of a reconnect."""
    return ReopenTransport(data.number + 1, RECONNECT_PAUSE)


def release(data: ConnectionData, event: ConnectionEvent) -> ReleaseTransport:
    """Disconnect and free everything local."""
    return ReleaseTransport()


def tell_engine(data: ConnectionData, event: Leave) -> TellEngine:
    """Tell the engine before disconnecting."""
    return TellEngine()


def arm_exit(data: ConnectionData, event: ConnectionEvent) -> ArmExit:
    """Start the minute until the client gives up."""
    return ArmExit(FORCE_EXIT_AFTER)


def disarm_exit(data: ConnectionData, event: ConnectionEvent) -> DisarmExit:
    """Stop the minute."""
    return DisarmExit()


def read_room(data: ConnectionData, event: ConnectionEvent) -> ReadRoom:
    """Read the metadata."""
    return ReadRoom()


def read_state(data: ConnectionData, event: ConnectionEvent) -> ReadState:
    """Read metadata, seats and roles."""
    return ReadState()


_S = UTDConnectionState
_NEXT = ("number",)  # so that facts of the connection before are late
_WHOLE = {"lost_at": None, "broken": False}
_FAILED = {**_WHOLE, "may_be_listed": True}

# fmt: off
CONNECTION: Declaration[
    UTDConnectionState, ConnectionEvent, ConnectionData, ConnectionEffect
] = Declaration(
    name="connection",
    initial=_S.DISCONNECTED,
    rows=(
        Row(Connect,        (_S.DISCONNECTED, _S.FORCE_EXIT), _S.CONNECTING,
            update=given_tries, set={"reason": "", "may_be_listed": False}, count=_NEXT,
            effects=(open_transport,)),
        # A connect over a live room tears the old one down first.
        Row(Connect,        (_S.CONNECTING, _S.CONNECTED), _S.CONNECTING,
            update=given_tries, set=_WHOLE, count=_NEXT,
            effects=(release, open_transport)),
        Row(Connect,        (_S.RECONNECTING,), _S.CONNECTING,
            update=given_tries, set=_WHOLE, count=_NEXT,
            effects=(disarm_exit, release, open_transport)),
        Row(Admitted,       (_S.CONNECTING,), _S.RECONNECTING,
            guard=is_broken, effects=(arm_exit,)),
        Row(Admitted,       (_S.CONNECTING,), _S.CONNECTED,
            effects=(read_room,)),
        Row(ConnectFailed,  (_S.CONNECTING,), _S.CONNECTING,
            guard=tries_left, update=one_try_spent, set=_WHOLE, count=_NEXT,
            effects=(open_later,)),
        Row(ConnectFailed,  (_S.CONNECTING,), _S.DISCONNECTED,
            set=_FAILED, count=_NEXT, effects=(release,)),
        # It ended before the connect returned: that try failed, and an Admitted
        # that follows is late.
        Row(GaveUp,         (_S.CONNECTING,), _S.CONNECTING,
            guard=tries_left, update=one_try_spent, set=_WHOLE, count=_NEXT,
            effects=(open_later,)),
        Row(GaveUp,         (_S.CONNECTING,), _S.DISCONNECTED,
            set=_FAILED, count=_NEXT, effects=(release,)),
        Row(ConnectRefused, (_S.CONNECTING,), _S.DISCONNECTED,
            set=_FAILED, count=_NEXT, effects=(release,)),
        Row(ConnectRefused, (_S.RECONNECTING,), _S.DISCONNECTED,
            set=_FAILED, count=_NEXT, effects=(disarm_exit, release)),
        Row(TransportLost,  (_S.CONNECTED,), _S.RECONNECTING,
            update=outage_begun, set={"broken": True}, effects=(arm_exit,)),
        # Admitted follows, but does not say whether the connection still works.
        Row(TransportLost,  (_S.CONNECTING,), _S.CONNECTING,
            update=outage_begun, set={"broken": True}),
        # A flap keeps the timer that runs.
        Row(TransportLost,  (_S.RECONNECTING,), _S.RECONNECTING,
            set={"broken": True}),
        Row(Resumed,        (_S.CONNECTING,), _S.CONNECTING, set=_WHOLE),
        Row(Resumed,        (_S.RECONNECTING,), _S.CONNECTED,
            guard=outage_was_short, set=_WHOLE,
            effects=(disarm_exit, read_room)),
        Row(Resumed,        (_S.RECONNECTING,), _S.CONNECTED,
            set=_WHOLE, effects=(disarm_exit, read_state)),
        Row(GaveUp,         (_S.CONNECTED,), _S.RECONNECTING,
            update=outage_begun, count=_NEXT, effects=(arm_exit, reopen)),
        Row(GaveUp,         (_S.RECONNECTING,), _S.RECONNECTING,
            set={"broken": False}, count=_NEXT, effects=(reopen,)),
        Row(Rejoined,       (_S.RECONNECTING,), _S.RECONNECTING,
            guard=is_broken, effects=(read_state,)),
        Row(Rejoined,       (_S.RECONNECTING,), _S.CONNECTED,
            set={"lost_at": None}, effects=(disarm_exit, read_state)),
        # The connection broke and was repaired before this fact came.
        Row(Rejoined,       (_S.CONNECTED,),  _S.CONNECTED,
            effects=(read_state,)),
        Row(RejoinFailed,   (_S.RECONNECTING,), _S.RECONNECTING,
            set={"broken": False}, count=_NEXT, effects=(reopen_later,)),
        Row(Removed,        (_S.CONNECTING, _S.CONNECTED), _S.DISCONNECTED,
            update=removed, set=_WHOLE, count=_NEXT, effects=(release,)),
        Row(Removed,        (_S.RECONNECTING,), _S.DISCONNECTED,
            update=removed, set=_WHOLE, count=_NEXT, effects=(disarm_exit, release)),
        Row(ExitDue,        (_S.RECONNECTING,), _S.FORCE_EXIT,
            set=_WHOLE, count=_NEXT, effects=(release,)),
        Row(Leave,          (_S.CONNECTING, _S.CONNECTED), _S.DISCONNECTED,
            set=_WHOLE, count=_NEXT, effects=(tell_engine, release)),
        Row(Leave,          (_S.RECONNECTING,), _S.DISCONNECTED,
            set=_WHOLE, count=_NEXT, effects=(disarm_exit, tell_engine, release)),
        # Not when the connect fails: a client that rejoins soon keeps its seat.
        Row(Leave,          (_S.DISCONNECTED,), _S.DISCONNECTED,
            guard=engine_may_list_me, set={"may_be_listed": False},
            effects=(tell_engine,)),
        Row(Leave,          (_S.DISCONNECTED,), _S.DISCONNECTED),
        Row(Leave,          (_S.FORCE_EXIT,), _S.FORCE_EXIT),
    ),
)
# fmt: on
