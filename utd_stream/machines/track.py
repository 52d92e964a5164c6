"""One source of one client, and the track that is sent from it.

There is one run of this machine for each source: microphone, camera, screen
share.  It hears what its place allows (PlaceGained, PlaceLost) and what the SFU
allows (RightGranted, RightRevoked).  A right counts only if the SFU shows the
source as allowed and the participant's metadata shows the number of this right or
a later one: a right that is about to be taken away is none, and another number is
another right, told as RightRevoked and then RightGranted.

A track is sent if it is wanted and agreed.  Wanted: the application turned the
source on, or said nothing and the source is on by default.  Agreed: the person
asked for the place, or turned the source on in it; a mute of the person or of the
whole room ends the agreement, so that unmuting opens nothing.  Facts of a
publication or a wait that has ended carry its number and are dropped before they
come here (`is_late`).

Source: contract.md sections 4 (`grant`) and 5, Microphone and Stage; traps T2, T9,
T24; lessons L1, L20, L21, L68.

Laws, each proved by the test of the same name:

1. published_only_in_a_place: a track is up in publishing and up only, and there
   only while the place is held.
2. every_publish_is_answered_or_withdrawn: leaving those two states unpublishes,
   unless the publication failed or went with a connection that was replaced.
3. no_right_no_publish: nothing is published before the right is there, and what is
   up goes down with it.
4. nothing_unwanted_is_published: what is turned off, or off by default, is not
   published and not unmuted.
5. nothing_opens_without_agreement: without it nothing is published until the
   application turns the source on.
6. every_wait_has_an_end: whoever begins to wait for a right arms the end of this
   wait, and its end is no end of a later one.
7. off_keeps_the_track_or_withdraws_it: turned off, a source that keeps its track
   mutes it, and any other unpublishes it.
8. the_wish_is_remembered: the last command that was not refused is the wish; that
   a camera or a screen is on is wished for one place only.
9. the_right_is_what_was_said_last: it comes by RightGranted, and goes by
   RightRevoked or with the connection.
10. a_failed_publication_is_told_to_the_place: so that whoever waits hears of it.
11. ended_publications_are_late: the facts of a publication that has ended are late,
    others are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row
from utd_stream.machines.place import ConnectionEnded, ConnectionReplaced
from utd_stream.models.failures import Failure
from utd_stream.models.participants import TrackSource

__all__ = [
    "TRACK",
    "ArmOverdue",
    "ConnectionEnded",
    "ConnectionReplaced",
    "MuteTrack",
    "Overdue",
    "PlaceAsked",
    "PlaceGained",
    "PlaceLost",
    "PublishFailed",
    "PublishTrack",
    "Published",
    "Republished",
    "RightGranted",
    "RightRevoked",
    "Silenced",
    "TellPlace",
    "TrackData",
    "TrackEffect",
    "TrackEvent",
    "TrackState",
    "TurnOff",
    "TurnOn",
    "UnmuteTrack",
    "UnpublishTrack",
    "Wish",
    "is_late",
]


class TrackState(Enum):
    """Where one source stands."""

    OFF = "off"  # nothing is published
    WAITING = "waiting"  # the right to publish it is waited for
    PUBLISHING = "publishing"  # the SFU was asked to take it
    UP = "up"  # it is published, muted or not


class Wish(Enum):
    """What the application said of a source."""

    ON = "on"
    OFF = "off"
    UNSAID = "unsaid"


# Commands: the application asks.


@attrs.frozen
class TurnOn:
    """Send from this source from now on."""

    source: TrackSource


@attrs.frozen
class TurnOff:
    """Send nothing from this source."""

    source: TrackSource


# Facts.  Those without a source are told to every track of a place.


@attrs.frozen
class PlaceAsked:
    """The engine was asked for the place."""


@attrs.frozen
class PlaceGained:
    """The place is held, or was asked for once more while it is.

    Attributes:
        speaks: Whether the right to send comes with it.
        agreed: Whether the person asked for it.
    """

    speaks: bool = True
    agreed: bool = True


@attrs.frozen
class PlaceLost:
    """The place is held, or asked for, no more."""


@attrs.frozen
class RightGranted:
    """The SFU allows the source, by a right that counts."""

    source: TrackSource


@attrs.frozen
class RightRevoked:
    """The SFU does not allow it any more, or by another right than before.

    Attributes:
        source: Which.
        agreed: Whether the agreement stands; the mute of a seat leaves it.
    """

    source: TrackSource
    agreed: bool = True


@attrs.frozen
class Silenced:
    """The engine muted the place or the person: no right will come."""

    source: TrackSource


@attrs.frozen
class Overdue:
    """The time for a right to come is over."""

    source: TrackSource
    wait: int


@attrs.frozen
class Published:
    """The SFU took the track."""

    source: TrackSource
    publication: int


@attrs.frozen
class PublishFailed:
    """The SFU did not, or the source could not be opened."""

    source: TrackSource
    publication: int
    error: Failure | None = None


@attrs.frozen
class Republished:
    """The media plane published the track anew, by itself and unmuted."""

    source: TrackSource


TrackEvent: TypeAlias = (
    TurnOn
    | TurnOff
    | PlaceAsked
    | PlaceGained
    | PlaceLost
    | RightGranted
    | RightRevoked
    | Silenced
    | Overdue
    | Published
    | PublishFailed
    | Republished
    | ConnectionReplaced
    | ConnectionEnded
)


# Effects.


@attrs.frozen
class PublishTrack:
    """Publish the source, as publication number *publication*."""

    source: TrackSource
    publication: int


@attrs.frozen
class UnpublishTrack:
    """Withdraw the track, published or on its way."""

    source: TrackSource


@attrs.frozen
class MuteTrack:
    """Mute what is published."""

    source: TrackSource


@attrs.frozen
class UnmuteTrack:
    """Unmute what is published."""

    source: TrackSource


@attrs.frozen
class ArmOverdue:
    """Post Overdue of wait number *wait* when the time for a right is over."""

    source: TrackSource
    wait: int


@attrs.frozen
class TellPlace:
    """Tell the place that the track could not be published."""

    error: Failure | None


TrackEffect: TypeAlias = (
    PublishTrack | UnpublishTrack | MuteTrack | UnmuteTrack | ArmOverdue | TellPlace
)


@attrs.frozen(kw_only=True)
class TrackData:
    """What the machine remembers beside its state.

    Attributes:
        source: Which one it is.
        default: Whether it is on if the application says nothing.
        keeps: Whether turning it off mutes the track; else it is unpublished.
        wish: What the application said.
        asked: The engine was asked for the place.
        place: The place is held.
        agreed: The person agreed to be heard or seen in it.
        right: The SFU allows the source.
        publication: Number of the publication under way or last ended.
        wait: Number of the wait under way or last ended.
    """

    source: TrackSource = TrackSource.MICROPHONE
    default: bool = True
    keeps: bool = True
    wish: Wish = Wish.UNSAID
    asked: bool = False
    place: bool = False
    agreed: bool = False
    right: bool = False
    publication: int = 0
    wait: int = 0

    @property
    def wanted(self) -> bool:
        """Whether the source is on, said or by default."""
        if self.wish is Wish.UNSAID:
            return self.default
        return self.wish is Wish.ON


def is_late(data: TrackData, fact: object) -> bool:
    """Whether *fact* belongs to a publication or a wait that has ended."""
    publication = getattr(fact, "publication", data.publication)
    wait = getattr(fact, "wait", data.wait)
    return (publication, wait) != (data.publication, data.wait)


def may_open_now(data: TrackData, event: PlaceGained) -> bool:
    """Is it wanted and agreed, and is the right there?"""
    return data.right and may_open_soon(data, event)


def may_open_soon(data: TrackData, event: PlaceGained) -> bool:
    """Is it wanted and agreed, and will the right come with the place?"""
    return event.speaks and event.agreed and data.wanted


def may_open_by_right(data: TrackData, event: RightGranted) -> bool:
    """Is the place held, and is the track wanted and agreed?"""
    return data.place and data.agreed and data.wanted


def is_wanted(data: TrackData, event: TrackEvent) -> bool:
    """Is it on, said or by default?"""
    return data.wanted


def is_allowed(data: TrackData, event: TurnOn) -> bool:
    """Is the place held, and the right there?"""
    return data.place and data.right


def has_place(data: TrackData, event: TrackEvent) -> bool:
    """Is the place held?"""
    return data.place


def may_be_said(data: TrackData, event: TurnOn) -> bool:
    """Was the place asked for, or does it undo an earlier TurnOff?"""
    return data.asked or data.wish is Wish.OFF


def keeps_track(data: TrackData, event: TrackEvent) -> bool:
    """Does the source keep its track when it is turned off?"""
    return data.keeps


def is_agreed(data: TrackData, event: ConnectionReplaced) -> bool:
    """Is the place held, and did the person agree to be heard or seen in it?"""
    return data.place and data.agreed


def agreement_stands(data: TrackData, event: RightRevoked) -> bool:
    """Does the person still agree to be heard or seen?"""
    return event.agreed


def gained(data: TrackData, event: PlaceGained) -> TrackData:
    """Remember the place, and whether the person agreed."""
    return attrs.evolve(data, place=True, asked=False, agreed=event.agreed)


def revoked(data: TrackData, event: RightRevoked) -> TrackData:
    """Forget the right, and the agreement if it ends with it."""
    return attrs.evolve(data, right=False, agreed=data.agreed and event.agreed)


def unshown(data: TrackData, event: TrackEvent) -> TrackData:
    """Forget that a camera or a screen was turned on: the next place asks anew."""
    is_shown = data.wish is Wish.ON and not data.keeps
    return attrs.evolve(data, wish=Wish.UNSAID) if is_shown else data


def publish(data: TrackData, event: TrackEvent) -> PublishTrack:
    """Publish the track."""
    return PublishTrack(data.source, data.publication + 1)


def unpublish(data: TrackData, event: TrackEvent) -> UnpublishTrack:
    """Withdraw the track."""
    return UnpublishTrack(data.source)


def mute(data: TrackData, event: TrackEvent) -> MuteTrack:
    """Mute the track."""
    return MuteTrack(data.source)


def unmute(data: TrackData, event: TurnOn) -> UnmuteTrack:
    """Unmute the track."""
    return UnmuteTrack(data.source)


def arm(data: TrackData, event: TrackEvent) -> ArmOverdue:
    """Let the time for the right run."""
    return ArmOverdue(data.source, data.wait + 1)


def tell_place(data: TrackData, event: PublishFailed) -> TellPlace:
    """Tell the place."""
    return TellPlace(event.error)


_S = TrackState
_DOWN = (_S.OFF, _S.WAITING)
_SENDING = (_S.PUBLISHING, _S.UP)
_ONE_MORE: tuple[str, ...] = ("publication",)
_SAME: Mapping[str, object] = {}
_ON = {"wish": Wish.ON}
_OFF = {"wish": Wish.OFF}
_RIGHT = {"right": True}
_NO_RIGHT = {"right": False}
_NO_PLACE = {"place": False, "asked": False, "agreed": False}
_NOTHING = {**_NO_PLACE, **_NO_RIGHT}
_Row: TypeAlias = Row[TrackState, TrackEvent, TrackData, TrackEffect]


def _stays(  # noqa: PLR0913 -- the fields of a row
    trigger: type[TrackEvent],
    *states: TrackState,
    guard: Callable[[TrackData, Any], bool] | None = None,
    update: Callable[[TrackData, Any], TrackData] | None = None,
    set: Mapping[str, object] = _SAME,  # noqa: A002 -- as the row calls it
    count: tuple[str, ...] = (),
    refuse: str | None = None,
) -> tuple[_Row, ...]:
    return tuple(
        Row(
            *(trigger, (state,), state, guard, update),
            set=set,
            count=count,
            refuse=refuse,
        )
        for state in states
    )


# fmt: off
TRACK: Declaration[TrackState, TrackEvent, TrackData, TrackEffect] = Declaration(
    name="track",
    initial=_S.OFF,
    rows=(
        Row(PlaceGained,    (_S.OFF,),        _S.PUBLISHING, guard=may_open_now,
            update=gained, count=_ONE_MORE, effects=(publish,)),
        Row(PlaceGained,    (_S.OFF,),        _S.WAITING, guard=may_open_soon,
            update=gained, count=("wait",), effects=(arm,)),
        *_stays(PlaceGained, _S.OFF, update=gained),
        *_stays(PlaceGained, _S.WAITING, *_SENDING),
        *_stays(PlaceAsked, _S.OFF, set={"asked": True}),
        *_stays(PlaceAsked, _S.WAITING, *_SENDING),
        Row(PlaceLost,      _DOWN,            _S.OFF, update=unshown, set=_NO_PLACE),
        Row(PlaceLost,      _SENDING,         _S.OFF, update=unshown,
            set=_NO_PLACE, count=_ONE_MORE, effects=(unpublish,)),

        Row(RightGranted,   (_S.OFF,),        _S.PUBLISHING, guard=may_open_by_right,
            set=_RIGHT, count=_ONE_MORE, effects=(publish,)),
        Row(RightGranted,   (_S.WAITING,),    _S.PUBLISHING, guard=is_wanted,
            set=_RIGHT, count=_ONE_MORE, effects=(publish,)),
        Row(RightGranted,   _DOWN,            _S.OFF, set=_RIGHT),
        *_stays(RightGranted, *_SENDING),
        *_stays(RightRevoked, _S.OFF, update=revoked),
        *_stays(RightRevoked, _S.WAITING, guard=agreement_stands),
        Row(RightRevoked,   (_S.WAITING,),    _S.OFF, update=revoked),
        Row(RightRevoked,   _SENDING,         _S.OFF,
            update=revoked, count=_ONE_MORE, effects=(unpublish,)),
        # The right that was waited for does not come.
        Row(Silenced,       (_S.WAITING,),    _S.OFF),
        *_stays(Silenced,   _S.OFF, *_SENDING),
        Row(Overdue,        (_S.WAITING,),    _S.OFF),
        *_stays(Overdue,    _S.OFF, *_SENDING),

        Row(TurnOn,         (_S.OFF,),        _S.PUBLISHING, guard=is_allowed,
            set={**_ON, "agreed": True}, count=_ONE_MORE, effects=(publish,)),
        *_stays(TurnOn,     _S.OFF, guard=has_place, set={**_ON, "agreed": True}),
        *_stays(TurnOn,     _S.OFF, guard=may_be_said, set=_ON),
        *_stays(TurnOn,     _S.OFF, refuse="forbidden"),
        *_stays(TurnOn,     _S.WAITING, _S.PUBLISHING, set=_ON),
        Row(TurnOn,         (_S.UP,),         _S.UP, set=_ON, effects=(unmute,)),
        *_stays(TurnOff,    _S.OFF, _S.WAITING, _S.PUBLISHING, set=_OFF),
        Row(TurnOff,        (_S.UP,),         _S.UP, guard=keeps_track,
            set=_OFF, effects=(mute,)),
        Row(TurnOff,        (_S.UP,),         _S.OFF,
            set=_OFF, count=_ONE_MORE, effects=(unpublish,)),

        Row(Published,      (_S.PUBLISHING,), _S.UP, guard=is_wanted),
        # Turned off while the SFU was asked.
        Row(Published,      (_S.PUBLISHING,), _S.UP, guard=keeps_track,
            effects=(mute,)),
        Row(Published,      (_S.PUBLISHING,), _S.OFF,
            count=_ONE_MORE, effects=(unpublish,)),
        Row(PublishFailed,  (_S.PUBLISHING,), _S.OFF, effects=(tell_place,)),
        *_stays(Republished, _S.UP, guard=is_wanted),
        Row(Republished,    (_S.UP,),         _S.UP, effects=(mute,)),
        *_stays(Republished, *_DOWN, _S.PUBLISHING),

        # The new connection has no right and no track yet.
        Row(ConnectionReplaced, (_S.OFF,),    _S.WAITING, guard=is_agreed,
            set=_NO_RIGHT, count=("publication", "wait"), effects=(arm,)),
        *_stays(ConnectionReplaced, _S.OFF, set=_NO_RIGHT, count=_ONE_MORE),
        Row(ConnectionReplaced, (_S.WAITING, *_SENDING), _S.WAITING,
            set=_NO_RIGHT, count=("publication", "wait"), effects=(arm,)),
        Row(ConnectionEnded, _DOWN,           _S.OFF, update=unshown,
            set=_NOTHING, count=_ONE_MORE),
        Row(ConnectionEnded, _SENDING,        _S.OFF, update=unshown,
            set=_NOTHING, count=_ONE_MORE, effects=(unpublish,)),
    ),
)
# fmt: on
