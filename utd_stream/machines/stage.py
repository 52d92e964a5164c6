"""The place of one member of a live stream: audience, asking, invited, on stage.

The engine runs it.  A request, an invitation and a place on stage exclude each other
for one person, and are held by the person, whatever device or connection they have.
Whether those on stage may send follows from the stream and from mutes; here their
rights are written anew whenever one of these changes.

Source: contract.md sections 3 and 5, Stage; lessons L61, L62, L63, L77.

Laws, each proved by the test of the same name:

1. one_place_each: who asked has a request and its limit, who is invited an
   invitation and its limit, who is on stage a time since when, and nobody more.
2. coming_on_stage_grants: whoever comes on stage is granted once, and their hand is
   lowered.
3. leaving_the_stage_revokes: whoever leaves it is revoked once and is audience, with
   nothing that waits.
4. two_wills_meet: who asked and is invited, in whatever order, is on stage.
5. the_first_answer_counts: the answer to what waits no more is refused as settled.
6. a_host_stays_on_stage: nobody takes a host off the stage, and no host steps down.
7. absence_counts_from_its_beginning: an absence lasts from its first report, with
   the grace of that report, until Present or until the stage is left.
8. grace_ends_for_the_absent_only: the end of a grace takes off the stage who has been
   absent for all of it.
9. rights_are_written_when_told: Rewritten writes the right of who is on stage, and
   Present writes it in any case.
10. who_answered_is_remembered: the last answer names who gave it, until the member
   asks or is invited again.
11. what_waits_lapses: Expired ends what waits, and nothing else.
12. commands_may_be_repeated: the same command of a member again changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row
from utd_stream.models.stage import StageState

__all__ = [
    "STAGE",
    "Accept",
    "Ask",
    "BecameHost",
    "Decline",
    "Grant",
    "Invite",
    "MemberAbsent",
    "MemberGone",
    "MemberPresent",
    "Promote",
    "Reassert",
    "Reject",
    "Remove",
    "Revoke",
    "RightsChanged",
    "StageData",
    "StageEffect",
    "StageEvent",
    "StageGraceOver",
    "StepDown",
    "TakeBack",
    "WaitExpired",
]


# Commands: a person asks, the engine has checked the role.


@attrs.frozen
class Ask:
    """Ask to come on stage.

    Attributes:
        at: When.
        request_id: Number of the request.
        expires_at: When it lapses.
    """

    at: datetime
    request_id: int
    expires_at: datetime


@attrs.frozen
class TakeBack:
    """Ask no more."""


@attrs.frozen
class Promote:
    """Put on stage, at once.

    Attributes:
        at: When.
        by: The moderator, or the app's own back end.
    """

    at: datetime
    by: str


@attrs.frozen
class Invite:
    """Ask to come on stage, and wait for consent.

    Attributes:
        at: When.
        by: The moderator, or the app's own back end.
        invitation_id: Number of the invitation.
        expires_at: When it lapses.
    """

    at: datetime
    by: str
    invitation_id: int
    expires_at: datetime


@attrs.frozen
class Accept:
    """Come on stage as invited."""

    at: datetime


@attrs.frozen
class Decline:
    """Stay in the audience."""


@attrs.frozen
class Reject:
    """Refuse a request."""

    by: str


@attrs.frozen
class Remove:
    """Take off the stage, or withdraw what waits.

    Attributes:
        by: The moderator, or the app's own back end.
        is_host: Whether the member is a host.
    """

    by: str
    is_host: bool = False


@attrs.frozen
class StepDown:
    """Leave the stage.

    Attributes:
        is_host: Whether the member is a host.
    """

    is_host: bool = False


# Facts: decided elsewhere in the same commit, or told by the SFU or the clock.


@attrs.frozen
class BecameHost:
    """The member is a host now, whose place is the stage."""

    at: datetime


@attrs.frozen
class MemberGone:
    """The member left, was removed or was banned."""


@attrs.frozen
class WaitExpired:
    """Nobody answered what waits, in time."""


@attrs.frozen
class MemberAbsent:
    """The SFU does not see the member.

    Attributes:
        at: When the engine first saw it.
        grace: How long the place waits, in seconds.
    """

    at: datetime
    grace: float


@attrs.frozen
class MemberPresent:
    """The SFU sees the member."""


@attrs.frozen
class StageGraceOver:
    """A listing does not show the member; the absence may have reached its limit."""

    at: datetime


@attrs.frozen
class RightsChanged:
    """The stream opened or closed, or a mute changed: rights are others now."""


StageEvent: TypeAlias = (
    Ask
    | TakeBack
    | Promote
    | Invite
    | Accept
    | Decline
    | Reject
    | Remove
    | StepDown
    | BecameHost
    | MemberGone
    | WaitExpired
    | MemberAbsent
    | MemberPresent
    | StageGraceOver
    | RightsChanged
)


# Effects: each writes the member's right to send at the SFU.


@attrs.frozen
class Grant:
    """Write the right of a member who is on stage."""


@attrs.frozen
class Revoke:
    """Write the right of a member who is off the stage."""


@attrs.frozen
class Reassert:
    """Write the right even if the SFU should know it already."""


StageEffect: TypeAlias = Grant | Revoke | Reassert


@attrs.frozen(kw_only=True)
class StageData:
    """What is remembered of a member's place.

    Attributes:
        since: When the member came on stage, or began to wait.
        request_id: Of the request that waits.
        invitation_id: Of the invitation that waits.
        expires_at: When what waits lapses.
        settled_by: Who answered last: a moderator, or the app's own back end.
        absent_since: Since when the SFU does not see a member who is on stage.
        grace: How long the place waits for them, in seconds.
    """

    since: datetime | None = None
    request_id: int | None = None
    invitation_id: int | None = None
    expires_at: datetime | None = None
    settled_by: str | None = None
    absent_since: datetime | None = None
    grace: float | None = None


def of_a_host(data: StageData, event: Remove | StepDown) -> bool:
    """Is the member a host?"""
    return event.is_host


def is_new_absence(data: StageData, event: MemberAbsent) -> bool:
    """Was the member seen until now?"""
    return data.absent_since is None


def is_overdue(data: StageData, event: StageGraceOver) -> bool:
    """Has the member been absent for the whole grace?"""
    if data.absent_since is None or data.grace is None:
        return False
    return event.at - data.absent_since >= timedelta(seconds=data.grace)


def asked(data: StageData, event: Ask) -> StageData:
    """Remember the request."""
    return StageData(
        since=event.at, request_id=event.request_id, expires_at=event.expires_at
    )


def invited(data: StageData, event: Invite) -> StageData:
    """Remember the invitation."""
    return StageData(
        since=event.at,
        invitation_id=event.invitation_id,
        expires_at=event.expires_at,
    )


def put_on_stage(data: StageData, event: Promote | Invite) -> StageData:
    """Remember since when the member is on stage, and by whom."""
    return StageData(since=event.at, settled_by=event.by)


def came_on_stage(data: StageData, event: Accept | Ask | BecameHost) -> StageData:
    """Remember since when the member is on stage."""
    return StageData(since=event.at)


def answered(data: StageData, event: Reject | Remove) -> StageData:
    """Remember who answered."""
    return StageData(settled_by=event.by)


def cleared(data: StageData, event: StageEvent) -> StageData:
    """Remember nothing."""
    return StageData()


def absent(data: StageData, event: MemberAbsent) -> StageData:
    """Remember since when the member is absent, and for how long the place waits."""
    return attrs.evolve(data, absent_since=event.at, grace=event.grace)


def grant(data: StageData, event: StageEvent) -> Grant:
    """Write the right of the member, who is on stage."""
    return Grant()


def revoke(data: StageData, event: StageEvent) -> Revoke:
    """Write the right of the member, who is off the stage."""
    return Revoke()


def reassert(data: StageData, event: MemberPresent) -> Reassert:
    """Write the right of the member in any case."""
    return Reassert()


_S = StageState
_WAITING = (_S.REQUESTED, _S.INVITED)
_OFF = (_S.AUDIENCE, *_WAITING)
_SEEN = {"absent_since": None, "grace": None}
_Row: TypeAlias = Row[StageState, StageEvent, StageData, StageEffect]


def _stays(
    trigger: type[StageEvent], *states: StageState, refuse: str | None = None
) -> tuple[_Row, ...]:
    return tuple(Row(trigger, (s,), s, refuse=refuse) for s in states)


# fmt: off
STAGE: Declaration[StageState, StageEvent, StageData, StageEffect] = Declaration(
    name="stage",
    initial=_S.AUDIENCE,
    rows=(
        Row(Ask,       (_S.AUDIENCE,),  _S.REQUESTED, update=asked),
        *_stays(Ask,   _S.REQUESTED, refuse="pending"),
        Row(Ask,       (_S.INVITED,),   _S.ON_STAGE,
            update=came_on_stage, effects=(grant,)),
        *_stays(Ask,   _S.ON_STAGE, refuse="on_stage"),

        Row(TakeBack,  (_S.REQUESTED,), _S.AUDIENCE,  update=cleared),
        *_stays(TakeBack, _S.AUDIENCE, _S.INVITED, _S.ON_STAGE),

        Row(Promote,   _OFF,            _S.ON_STAGE,
            update=put_on_stage, effects=(grant,)),
        *_stays(Promote, _S.ON_STAGE, refuse="on_stage"),

        Row(Invite,    (_S.AUDIENCE,),  _S.INVITED,   update=invited),
        Row(Invite,    (_S.REQUESTED,), _S.ON_STAGE,
            update=put_on_stage, effects=(grant,)),
        *_stays(Invite, _S.INVITED, refuse="pending"),
        *_stays(Invite, _S.ON_STAGE, refuse="on_stage"),

        Row(Accept,    (_S.INVITED,),   _S.ON_STAGE,
            update=came_on_stage, effects=(grant,)),
        *_stays(Accept, _S.ON_STAGE),
        *_stays(Accept, _S.AUDIENCE, _S.REQUESTED, refuse="settled"),

        Row(Decline,   (_S.INVITED,),   _S.AUDIENCE,  update=cleared),
        *_stays(Decline, _S.AUDIENCE, _S.REQUESTED, _S.ON_STAGE),

        Row(Reject,    (_S.REQUESTED,), _S.AUDIENCE,  update=answered),
        *_stays(Reject, _S.AUDIENCE, _S.INVITED, _S.ON_STAGE, refuse="settled"),

        Row(Remove,    (_S.ON_STAGE,),  _S.ON_STAGE,
            guard=of_a_host, refuse="conflict"),
        Row(Remove,    (_S.ON_STAGE,),  _S.AUDIENCE,
            update=answered, effects=(revoke,)),
        Row(Remove,    _WAITING,        _S.AUDIENCE,  update=answered),
        *_stays(Remove, _S.AUDIENCE),

        Row(StepDown,  (_S.ON_STAGE,),  _S.ON_STAGE,
            guard=of_a_host, refuse="conflict"),
        Row(StepDown,  (_S.ON_STAGE,),  _S.AUDIENCE,
            update=cleared, effects=(revoke,)),
        *_stays(StepDown, *_OFF),

        Row(BecameHost, _OFF,           _S.ON_STAGE,
            update=came_on_stage, effects=(grant,)),
        *_stays(BecameHost, _S.ON_STAGE),

        Row(MemberGone, (_S.ON_STAGE,), _S.AUDIENCE,
            update=cleared, effects=(revoke,)),
        Row(MemberGone, _WAITING,       _S.AUDIENCE,  update=cleared),
        *_stays(MemberGone, _S.AUDIENCE),

        Row(WaitExpired, _WAITING,      _S.AUDIENCE,  update=cleared),
        *_stays(WaitExpired, _S.AUDIENCE, _S.ON_STAGE),

        Row(MemberAbsent, (_S.ON_STAGE,), _S.ON_STAGE,
            guard=is_new_absence, update=absent),
        *_stays(MemberAbsent, _S.ON_STAGE, *_OFF),
        Row(MemberPresent, (_S.ON_STAGE,), _S.ON_STAGE,
            set=_SEEN, effects=(reassert,)),
        *_stays(MemberPresent, *_OFF),
        Row(StageGraceOver, (_S.ON_STAGE,), _S.AUDIENCE,
            guard=is_overdue, update=cleared, effects=(revoke,)),
        *_stays(StageGraceOver, _S.ON_STAGE, *_OFF),
        Row(RightsChanged, (_S.ON_STAGE,), _S.ON_STAGE, effects=(grant,)),
        *_stays(RightsChanged, *_OFF),
    ),
)
# fmt: on
