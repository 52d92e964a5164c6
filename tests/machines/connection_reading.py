"""The table of the connection, as a person reads it; `test_connection` compares.

Connection 3 is the one that is current or being made; where the data are not
told, one try is left, and an outage began at `LOST_AT`.
"""

from __future__ import annotations

from tests.machines.laws import Vocabulary
from tests.machines.reading import SAME, Changes, on
from utd_stream.machines.connection import (
    FORCE_EXIT_AFTER,
    LIGHT_OUTAGE,
    RECONNECT_PAUSE,
    RETRY_PAUSE,
    Admitted,
    ArmExit,
    Connect,
    ConnectFailed,
    ConnectionData,
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
from utd_stream.models.rooms import UTDConnectionState

DISCONNECTED, CONNECTING, CONNECTED, RECONNECTING, FORCE_EXIT = UTDConnectionState
LIVE = (CONNECTING, CONNECTED, RECONNECTING)

VOCABULARY = Vocabulary(
    events=ConnectionEvent,
    effects=ConnectionEffect,
    commands=frozenset({Connect, Leave}),
)

LOST_AT = 100.0
AWAY = ConnectionData(number=3, reason="participant_removed")
HERE = ConnectionData(number=3, tries=1)
STANDS = {
    DISCONNECTED: AWAY,
    CONNECTING: HERE,
    CONNECTED: HERE,
    RECONNECTING: ConnectionData(number=3, tries=1, lost_at=LOST_AT),
    FORCE_EXIT: ConnectionData(number=3),
}
BROKEN: Changes = {"lost_at": LOST_AT, "broken": True}
MENDED: Changes = {"lost_at": None, "broken": False}
NEW: Changes = {"number": 4, "tries": 2, "reason": "", "may_be_listed": False}
BEGUN: Changes = {**NEW, **MENDED}
ENDED: Changes = {"number": 4, **MENDED}
OWED: Changes = {"may_be_listed": True}
FAILED: Changes = {**ENDED, **OWED}
REMOVED: Changes = {**ENDED, "reason": "room_deleted"}

OPEN, RELEASE, TELL = OpenTransport(4), ReleaseTransport(), TellEngine()
ARM, DISARM = ArmExit(FORCE_EXIT_AFTER), DisarmExit()
SHORT, LONG = LOST_AT + LIGHT_OUTAGE - 0.001, LOST_AT + LIGHT_OUTAGE

READING = (
    on((DISCONNECTED, FORCE_EXIT), Connect(2), CONNECTING, OPEN, **BEGUN),
    on(DISCONNECTED, Connect(2), CONNECTING, OPEN, given=OWED, **BEGUN),
    on((CONNECTING, CONNECTED), Connect(2), CONNECTING, RELEASE, OPEN, **BEGUN),
    on(RECONNECTING, Connect(2), CONNECTING, DISARM, RELEASE, OPEN, **BEGUN),
    on(CONNECTING, Admitted(3), CONNECTED, ReadRoom()),
    # It broke before it was told that it is there, and may be whole again.
    on(CONNECTING, TransportLost(3, 7.0), lost_at=7.0, broken=True),
    on(CONNECTING, Resumed(3, 8.0), given=BROKEN, **MENDED),
    on(CONNECTING, Admitted(3), RECONNECTING, ARM, given=BROKEN),
    on(
        *(CONNECTING, ConnectFailed(3), CONNECTING, OpenTransport(4, RETRY_PAUSE)),
        given=BROKEN,
        number=4,
        tries=0,
        **MENDED,
    ),
    on(
        *(CONNECTING, ConnectFailed(3), DISCONNECTED, RELEASE),
        given={"tries": 0},
        **FAILED,
    ),
    # Over before it was told that it had begun: a try that failed.
    on(
        *(CONNECTING, GaveUp(3, 7.0), CONNECTING, OpenTransport(4, RETRY_PAUSE)),
        number=4,
        tries=0,
    ),
    on(
        *(CONNECTING, GaveUp(3, 7.0), DISCONNECTED, RELEASE),
        given={"tries": 0},
        **FAILED,
    ),
    on(CONNECTING, ConnectRefused(3), DISCONNECTED, RELEASE, **FAILED),
    on(RECONNECTING, ConnectRefused(3), DISCONNECTED, DISARM, RELEASE, **FAILED),
    on(CONNECTED, TransportLost(3, 7.0), RECONNECTING, ARM, lost_at=7.0, broken=True),
    on(RECONNECTING, TransportLost(3, 107.0), RECONNECTING, broken=True),
    on(
        *(RECONNECTING, Resumed(3, SHORT), CONNECTED, DISARM, ReadRoom()),
        given=BROKEN,
        **MENDED,
    ),
    on(
        *(RECONNECTING, Resumed(3, LONG), CONNECTED, DISARM, ReadState()),
        given=BROKEN,
        **MENDED,
    ),
    on(
        *(CONNECTED, GaveUp(3, 7.0), RECONNECTING, ARM, ReopenTransport(4)),
        number=4,
        lost_at=7.0,
    ),
    on(RECONNECTING, GaveUp(3, 123.0), RECONNECTING, ReopenTransport(4), number=4),
    on(
        *(RECONNECTING, RejoinFailed(3), RECONNECTING),
        ReopenTransport(4, RECONNECT_PAUSE),
        given=BROKEN,
        number=4,
        broken=False,
    ),
    on(RECONNECTING, Rejoined(3), CONNECTED, DISARM, ReadState(), **MENDED),
    # As above: broken, and perhaps whole again, before it was told.
    on(RECONNECTING, Rejoined(3), RECONNECTING, ReadState(), given=BROKEN),
    on(CONNECTED, Rejoined(3), CONNECTED, ReadState()),
    on(
        *((CONNECTING, CONNECTED), Removed(3, "room_deleted"), DISCONNECTED, RELEASE),
        **REMOVED,
    ),
    on(
        *(RECONNECTING, Removed(3, "room_deleted"), DISCONNECTED, DISARM, RELEASE),
        **REMOVED,
    ),
    on(RECONNECTING, ExitDue(), FORCE_EXIT, RELEASE, **ENDED),
    on((CONNECTING, CONNECTED), Leave(), DISCONNECTED, TELL, RELEASE, **ENDED),
    on(RECONNECTING, Leave(), DISCONNECTED, DISARM, TELL, RELEASE, **ENDED),
    on((DISCONNECTED, FORCE_EXIT), Leave()),
    # The engine may have let in whom the SFU did not.
    on(DISCONNECTED, Leave(), SAME, TELL, given=OWED, may_be_listed=False),
)
