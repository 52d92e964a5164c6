"""One life of a live stream: backstage, live, without a host for a while, ended.

The engine runs it.  A host is a member with that role who did not say goodbye; one is
here while the SFU sees them.  After every change of roster or role the engine tells
exactly one of HostHere, HostMissing and HostsGone.  Whether the stage may send
follows from the state, so that an absence of the host takes nobody's right away.

An absence is decided by times that come with what the engine is told, so that its
limits survive a restart, and only by a listing of the SFU: nobody is missed on
hearsay.

Source: contract.md section 5, Stage; lessons L12, L70, L71, L72.

Laws, each proved by the test of the same name:

1. the_stage_opens_and_closes_by_command: GoLive opens the stage and StopLive closes
   it, and the rights of the stage are written then and at no other time.
2. absence_counts_from_its_beginning: an absence lasts from its first report until a
   host is here, the stream stops, or another host is crowned.
3. a_host_is_waited_for: an absence alone ends nothing; it is shown once it is no
   reconnect, and decided after the whole grace.
4. a_host_who_returns_leads: HostHere makes the stream live again.
5. never_hostless: who succeeds is crowned, unless the last host said goodbye.
6. every_end_ends_the_room: an end that is decided here ends the room, once, and says
   whether the last host left or was lost.
7. backstage_waits_for_nobody: backstage no absence counts.
8. nothing_follows_the_end: what has ended takes no command, and no fact changes it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row
from utd_stream.models.stage import LiveState

__all__ = [
    "LIVE",
    "Crown",
    "EndStream",
    "GoLive",
    "HostGraceOver",
    "HostLoss",
    "HostMissed",
    "HostPresent",
    "HostsGone",
    "LiveData",
    "LiveEffect",
    "LiveEvent",
    "RegrantStage",
    "StopLive",
    "StreamEnded",
]


class HostLoss(Enum):
    """How a stream lost its last host."""

    LEFT = "left"  # said goodbye
    LOST = "lost"  # removed, demoted, or away for too long


# Commands: a host asks.


@attrs.frozen
class GoLive:
    """Open the stage."""

    at: datetime


@attrs.frozen
class StopLive:
    """Close the stage; everybody stays."""


# Facts: decided elsewhere in the same commit, or told by the SFU or the clock.


@attrs.frozen
class HostPresent:
    """The SFU sees a host."""


@attrs.frozen
class HostMissed:
    """There are hosts, and the SFU sees none of them."""

    at: datetime


@attrs.frozen
class HostsGone:
    """There is no host any more.

    Attributes:
        how: Whether the last one said goodbye.
        successor: Who would lead now, or None.
    """

    how: HostLoss
    successor: str | None = None


@attrs.frozen
class HostGraceOver:
    """A listing shows no host; the absence may have reached a limit.

    Attributes:
        at: When the listing was asked for.
        brief: How long an absence may be a reconnect, in seconds.
        grace: How long a host is waited for, in seconds.
        successor: Who would lead now, or None.
    """

    at: datetime
    brief: float
    grace: float
    successor: str | None = None


@attrs.frozen
class StreamEnded:
    """The room's life has ended."""


LiveEvent: TypeAlias = (
    GoLive
    | StopLive
    | HostPresent
    | HostMissed
    | HostsGone
    | HostGraceOver
    | StreamEnded
)


# Effects.


@attrs.frozen
class RegrantStage:
    """Write the rights of everybody on stage."""


@attrs.frozen
class Crown:
    """Make *identity* host and owner, on stage."""

    identity: str


@attrs.frozen
class EndStream:
    """End the room."""

    how: HostLoss


LiveEffect: TypeAlias = RegrantStage | Crown | EndStream


@attrs.frozen(kw_only=True)
class LiveData:
    """What a stream remembers beside its state.

    Attributes:
        since: When it went live; None backstage.
        missing_since: Since when the SFU sees no host; the graces count from it.
    """

    since: datetime | None = None
    missing_since: datetime | None = None


def is_first_report(data: LiveData, event: HostMissed) -> bool:
    """Was a host here until now?"""
    return data.missing_since is None


def is_no_reconnect(data: LiveData, event: HostGraceOver) -> bool:
    """Has every host been missing for longer than a reconnect takes?"""
    return _has_missed(data, event, event.brief)


def is_succeeded(data: LiveData, event: HostGraceOver) -> bool:
    """Is the grace over, and somebody there to lead?"""
    return event.successor is not None and _has_missed(data, event, event.grace)


def is_abandoned(data: LiveData, event: HostGraceOver) -> bool:
    """Is the grace over?"""
    return _has_missed(data, event, event.grace)


def last_one_left(data: LiveData, event: HostsGone) -> bool:
    """Did the last host say goodbye?"""
    return event.how is HostLoss.LEFT


def has_successor(data: LiveData, event: HostsGone) -> bool:
    """Is somebody there to lead?"""
    return event.successor is not None


def went_live(data: LiveData, event: GoLive) -> LiveData:
    """Remember since when it is live."""
    return LiveData(since=event.at)


def missed(data: LiveData, event: HostMissed) -> LiveData:
    """Remember since when a host is missing."""
    return attrs.evolve(data, missing_since=event.at)


def regrant_stage(data: LiveData, event: GoLive | StopLive) -> RegrantStage:
    """Write the rights of everybody on stage."""
    return RegrantStage()


def crown(data: LiveData, event: HostsGone | HostGraceOver) -> Crown:
    """Make the successor host and owner."""
    assert event.successor is not None  # noqa: S101 -- law 5: the guard asked
    return Crown(event.successor)


def end_stream(data: LiveData, event: HostsGone) -> EndStream:
    """End the room as the host was lost."""
    return EndStream(event.how)


def end_abandoned(data: LiveData, event: HostGraceOver) -> EndStream:
    """End the room, for nobody came back."""
    return EndStream(HostLoss.LOST)


def _has_missed(data: LiveData, event: HostGraceOver, limit: float) -> bool:
    since = data.missing_since
    return since is not None and event.at - since >= timedelta(seconds=limit)


_S = LiveState
_ON_AIR = (_S.LIVE, _S.HOST_AWAY)
_HERE = {"missing_since": None}
_CLOSED = {"since": None, "missing_since": None}

# fmt: off
LIVE: Declaration[LiveState, LiveEvent, LiveData, LiveEffect] = Declaration(
    name="live",
    initial=_S.BACKSTAGE,
    rows=(
        Row(GoLive,        (_S.BACKSTAGE,), _S.LIVE,
            update=went_live, effects=(regrant_stage,)),
        Row(GoLive,        (_S.LIVE,),      _S.LIVE),
        Row(GoLive,        (_S.HOST_AWAY,), _S.HOST_AWAY),
        Row(GoLive,        (_S.ENDED,),     _S.ENDED,     refuse="conflict"),
        Row(StopLive,      _ON_AIR,         _S.BACKSTAGE,
            set=_CLOSED, effects=(regrant_stage,)),
        Row(StopLive,      (_S.BACKSTAGE,), _S.BACKSTAGE),
        Row(StopLive,      (_S.ENDED,),     _S.ENDED,     refuse="conflict"),
        Row(HostMissed,    (_S.LIVE,),      _S.LIVE,
            guard=is_first_report, update=missed),
        Row(HostMissed,    (_S.LIVE,),      _S.LIVE),
        Row(HostMissed,    (_S.HOST_AWAY,), _S.HOST_AWAY),
        Row(HostPresent,   _ON_AIR,         _S.LIVE,      set=_HERE),
        Row(HostGraceOver, (_S.LIVE,),      _S.HOST_AWAY, guard=is_no_reconnect),
        Row(HostGraceOver, (_S.LIVE,),      _S.LIVE),
        Row(HostGraceOver, (_S.HOST_AWAY,), _S.LIVE,
            guard=is_succeeded, set=_HERE, effects=(crown,)),
        Row(HostGraceOver, (_S.HOST_AWAY,), _S.ENDED,
            guard=is_abandoned, effects=(end_abandoned,)),
        Row(HostGraceOver, (_S.HOST_AWAY,), _S.HOST_AWAY),
        Row(HostsGone,     _ON_AIR,         _S.ENDED,
            guard=last_one_left, effects=(end_stream,)),
        Row(HostsGone,     _ON_AIR,         _S.LIVE,
            guard=has_successor, set=_HERE, effects=(crown,)),
        Row(HostsGone,     _ON_AIR,         _S.ENDED,     effects=(end_stream,)),
        Row(HostMissed,    (_S.BACKSTAGE,), _S.BACKSTAGE),
        Row(HostPresent,   (_S.BACKSTAGE,), _S.BACKSTAGE),
        Row(HostsGone,     (_S.BACKSTAGE,), _S.BACKSTAGE),
        Row(HostGraceOver, (_S.BACKSTAGE,), _S.BACKSTAGE),
        Row(StreamEnded,   (_S.BACKSTAGE, *_ON_AIR), _S.ENDED),
        Row(HostMissed,    (_S.ENDED,),     _S.ENDED),
        Row(HostPresent,   (_S.ENDED,),     _S.ENDED),
        Row(HostsGone,     (_S.ENDED,),     _S.ENDED),
        Row(HostGraceOver, (_S.ENDED,),     _S.ENDED),
        Row(StreamEnded,   (_S.ENDED,),     _S.ENDED),
    ),
)
# fmt: on
