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
9. connected_means_connected: a connection that broke before its admission was
   told counts as lost until it is repaired.
10. a_failed_connect_is_taken_back: whom the engine may have let in, but not the
   SFU, says goodbye with Leave, once.
"""

from __future__ import annotations

import attrs

from utd_stream.machines._connection_events import (
    Admitted,
    ArmExit,
    Connect,
    ConnectFailed,
    ConnectionEffect,
    ConnectionEvent,
    ConnectRefused,
    DisarmExit,
    ExitDue,
    GaveUp,
    Leave,
    OpenTransport,
    ReadRoom,
    ReadState,
    Rejoined,
    RejoinFailed,
    ReleaseTransport,
    Removed,
    ReopenTransport,
    Resumed,
    TellEngine,
    TransportLost,
)
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


@attrs.frozen(kw_only=True)
class ConnectionData:
    """What the machine remembers beside its state.

    Attributes:
        number: Of the connection that is current or being made, from 1.
        tries: How many more tries the first connect has.
        lost_at: When the outage began, monotonic seconds; None without one.
        broken: Whether LiveKit's client repairs that connection.
        reason: Why it ended last, a `DisconnectReason` value, or empty.
        owes_goodbye: It failed by itself; the engine may have let this client in.
    """

    number: int = 0
    tries: int = 0
    lost_at: float | None = None
    broken: bool = False
    reason: str = ""
    owes_goodbye: bool = False


def is_late(data: ConnectionData, fact: object) -> bool:
    """Whether *fact* belongs to a connection that is gone."""
    return bool(getattr(fact, "number", data.number) != data.number)


def tries_left(data: ConnectionData, event: ConnectFailed | GaveUp) -> bool:
    """May the first connect be tried once more?"""
    return data.tries > 0


def is_broken(data: ConnectionData, event: Admitted | Rejoined) -> bool:
    """Did it break before it was told that it is there?"""
    return data.broken


def goodbye_is_owed(data: ConnectionData, event: Leave) -> bool:
    """Did it fail, and was nothing said of that to the engine yet?"""
    return data.owes_goodbye


def outage_was_short(data: ConnectionData, event: Resumed) -> bool:
    """Was it too short to have missed more than metadata?"""
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
    """Disconnect and free what is local."""
    return ReleaseTransport()


def tell_engine(data: ConnectionData, event: Leave) -> TellEngine:
    """Say goodbye before disconnecting."""
    return TellEngine()


def arm_exit(data: ConnectionData, event: ConnectionEvent) -> ArmExit:
    """Let the minute run."""
    return ArmExit(FORCE_EXIT_AFTER)


def disarm_exit(data: ConnectionData, event: ConnectionEvent) -> DisarmExit:
    """Stop the minute."""
    return DisarmExit()


def read_room(data: ConnectionData, event: ConnectionEvent) -> ReadRoom:
    """Read what the room knows."""
    return ReadRoom()


def read_state(data: ConnectionData, event: ConnectionEvent) -> ReadState:
    """Read what room and engine know."""
    return ReadState()


_S = UTDConnectionState
_NEXT = ("number",)  # what the connection before it still tells is late
_WHOLE = {"lost_at": None, "broken": False}
_FAILED = {**_WHOLE, "owes_goodbye": True}

# fmt: off
CONNECTION: Declaration[
    UTDConnectionState, ConnectionEvent, ConnectionData, ConnectionEffect
] = Declaration(
    name="connection",
    initial=_S.DISCONNECTED,
    rows=(
        Row(Connect,        (_S.DISCONNECTED, _S.FORCE_EXIT), _S.CONNECTING,
            update=given_tries, set={"reason": "", "owes_goodbye": False}, count=_NEXT,
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
        # It ended before the connect had returned: a try that failed, or the
        # admission that follows would be of a connection that is gone.
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
        # Before its admission was told, which says only that it was there.
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
        # Broken and repaired before it was told.
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
        # Not when it fails: who rejoins soon keeps the seat.
        Row(Leave,          (_S.DISCONNECTED,), _S.DISCONNECTED,
            guard=goodbye_is_owed, set={"owes_goodbye": False}, effects=(tell_engine,)),
        Row(Leave,          (_S.DISCONNECTED,), _S.DISCONNECTED),
        Row(Leave,          (_S.FORCE_EXIT,), _S.FORCE_EXIT),
    ),
)
# fmt: on
