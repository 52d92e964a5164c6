"""One client's signaling socket: it tells what rings, wherever it rings.

Facts of a socket that was given up carry its number and are dropped before they come
here (`is_late`).

Source: contract.md section 4, Signaling websocket; lessons L5, L34, L56 to L59.

Laws, each proved by the test of the same name:

1. one_socket_at_a_time: a socket is dialed on entering connecting, and where a
   sign-in was renewed; each has its own number.
2. a_lost_socket_comes_back: whoever loses it dials again after a pause, or at once
   where a hint says that the network is back.
3. a_refused_sign_in_is_renewed_once: a second refusal before Ready is the end.
4. who_was_replaced_does_not_dial: after Replaced and Banned only Open dials.
5. pauses_grow_until_ready: every loss counts, and Ready counts anew.
6. an_expiring_sign_in_is_renewed: while the socket goes on, and again where that
   failed.
7. close_ends_it: from anywhere, and nothing dials until Open.
8. ended_sockets_are_late: each new socket, and each end, has a new number.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import attrs

from utd_stream.machines._declare import Declaration, Row

__all__ = [
    "SIGNAL",
    "Close",
    "DialSocket",
    "DropSocket",
    "Hinted",
    "Open",
    "PauseOver",
    "RenewFailed",
    "RenewLater",
    "RenewSignIn",
    "SignInDue",
    "SignInRefused",
    "SignalData",
    "SignalEffect",
    "SignalEvent",
    "SignalState",
    "SocketBanned",
    "SocketLost",
    "SocketReadied",
    "SocketReplaced",
    "StartPause",
    "is_late",
]


class SignalState(Enum):
    """Where a client's signaling socket stands.

    Attributes:
        OFF: There is none: nobody is signed in, or the engine has no signaling.
        CONNECTING: One is being opened and signed in.
        READY: It tells what rings.
        WAITING: It was lost; another is opened after a pause.
        REFUSED: The engine refused it for good, or another client took its place.
    """

    OFF = "off"
    CONNECTING = "connecting"
    READY = "ready"
    WAITING = "waiting"
    REFUSED = "refused"


# Commands: the client's own.


@attrs.frozen
class Open:
    """Open the socket."""


@attrs.frozen
class Close:
    """Close it."""


# Facts.  Those with `number` belong to one socket.


@attrs.frozen
class SocketReadied:
    """The engine took the sign-in; what rings came with its answer."""

    number: int


@attrs.frozen
class SocketLost:
    """The socket cannot be opened, or has ended."""

    number: int


@attrs.frozen
class PauseOver:
    """The pause before the next socket is over."""

    number: int


@attrs.frozen
class Hinted:
    """The application says that the network may be back."""


@attrs.frozen
class SignInRefused:
    """The engine closed it: there was no sign-in, or it has expired."""

    number: int


@attrs.frozen
class SocketBanned:
    """The engine closed it: this person is banned, or the app suspended."""

    number: int


@attrs.frozen
class SocketReplaced:
    """The engine closed it: a newer socket of this client took its place."""

    number: int


@attrs.frozen
class SignInDue:
    """The engine says that the sign-in is about to expire."""

    number: int


@attrs.frozen
class RenewFailed:
    """The sign-in cannot be renewed.

    Attributes:
        number: For which socket.
        may_pass: Whether it may go well later.
    """

    number: int
    may_pass: bool = True


SignalEvent: TypeAlias = (
    Open
    | Close
    | SocketReadied
    | SocketLost
    | PauseOver
    | Hinted
    | SignInRefused
    | SocketBanned
    | SocketReplaced
    | SignInDue
    | RenewFailed
)


# Effects.


@attrs.frozen
class DialSocket:
    """Open socket *number* and sign in.

    Attributes:
        number: Of the socket.
        renews: Renew the sign-in before.
    """

    number: int
    renews: bool = False


@attrs.frozen
class StartPause:
    """Wait before the next socket; longer with each of *tries*."""

    number: int
    tries: int


@attrs.frozen
class RenewSignIn:
    """Renew the sign-in and send it on the socket."""

    number: int


@attrs.frozen
class RenewLater:
    """Renew it in 5 s."""

    number: int


@attrs.frozen
class DropSocket:
    """Close the socket, and stop what runs for it."""


SignalEffect: TypeAlias = (
    DialSocket | StartPause | RenewSignIn | RenewLater | DropSocket
)


@attrs.frozen(kw_only=True)
class SignalData:
    """What the machine remembers beside its state.

    Attributes:
        number: Of the socket, or of the pause, that goes on or ended last.
        tries: Sockets lost since one was ready.
        renewed: The sign-in was renewed since a socket was ready.
    """

    number: int = 0
    tries: int = 0
    renewed: bool = False


def is_late(data: SignalData, fact: object) -> bool:
    """Whether *fact* belongs to a socket that was given up."""
    return bool(getattr(fact, "number", data.number) != data.number)


def is_fresh(data: SignalData, event: SignInRefused) -> bool:
    """Was the sign-in not renewed yet?"""
    return not data.renewed


def may_pass(data: SignalData, event: RenewFailed) -> bool:
    """May it go well later?"""
    return event.may_pass


def dial(data: SignalData, event: SignalEvent) -> DialSocket:
    """Open the next socket."""
    return DialSocket(data.number + 1)


def dial_renewed(data: SignalData, event: SignInRefused) -> DialSocket:
    """Renew the sign-in and open the next socket."""
    return DialSocket(data.number + 1, renews=True)


def start_pause(data: SignalData, event: SignalEvent) -> StartPause:
    """Wait before the next socket."""
    return StartPause(data.number + 1, data.tries + 1)


def renew(data: SignalData, event: SignInDue) -> RenewSignIn:
    """Renew the sign-in and send it."""
    return RenewSignIn(data.number)


def renew_later(data: SignalData, event: RenewFailed) -> RenewLater:
    """Renew it in a while."""
    return RenewLater(data.number)


def drop(data: SignalData, event: Close) -> DropSocket:
    """Close the socket."""
    return DropSocket()


_S = SignalState
_OPENED = (_S.CONNECTING, _S.READY)
_CLOSED = (_S.OFF, _S.WAITING, _S.REFUSED)
_NEXT: tuple[str, ...] = ("number",)
_LOST: tuple[str, ...] = ("number", "tries")
_ANEW: dict[str, object] = {"tries": 0, "renewed": False}
_Row: TypeAlias = Row[SignalState, SignalEvent, SignalData, SignalEffect]


def _stays(trigger: type[SignalEvent], *states: SignalState) -> tuple[_Row, ...]:
    return tuple(Row(trigger, (s,), s) for s in states)


# fmt: off
SIGNAL: Declaration[SignalState, SignalEvent, SignalData, SignalEffect] = Declaration(
    name="signal",
    initial=_S.OFF,
    rows=(
        Row(Open,           (_S.OFF, _S.REFUSED), _S.CONNECTING,
            count=_NEXT, set=_ANEW, effects=(dial,)),
        *_stays(Open,       *_OPENED, _S.WAITING),

        Row(SocketReadied,  _OPENED,       _S.READY,
            set=_ANEW),
        *_stays(SocketReadied, *_CLOSED),
        Row(SocketLost,     _OPENED,       _S.WAITING,
            count=_LOST, effects=(start_pause,)),
        *_stays(SocketLost, *_CLOSED),
        Row(PauseOver,      (_S.WAITING,), _S.CONNECTING,
            count=_NEXT, effects=(dial,)),
        *_stays(PauseOver,  _S.OFF, *_OPENED, _S.REFUSED),
        Row(Hinted,         (_S.WAITING,), _S.CONNECTING,
            count=_NEXT, effects=(dial,)),
        *_stays(Hinted,     _S.OFF, *_OPENED, _S.REFUSED),

        Row(SignInRefused,  (_S.CONNECTING,), _S.CONNECTING, guard=is_fresh,
            count=_NEXT, set={"renewed": True}, effects=(dial_renewed,)),
        Row(SignInRefused,  (_S.CONNECTING,), _S.REFUSED, count=_NEXT),
        Row(SignInRefused,  (_S.READY,),   _S.CONNECTING,
            count=_NEXT, set={"renewed": True}, effects=(dial_renewed,)),
        *_stays(SignInRefused, *_CLOSED),
        Row(SocketBanned,   _OPENED,       _S.REFUSED,    count=_NEXT),
        *_stays(SocketBanned, *_CLOSED),
        Row(SocketReplaced, _OPENED,       _S.REFUSED,    count=_NEXT),
        *_stays(SocketReplaced, *_CLOSED),

        Row(SignInDue, (_S.READY,),   _S.READY,      effects=(renew,)),
        *_stays(SignInDue, _S.CONNECTING, *_CLOSED),
        Row(RenewFailed,    (_S.CONNECTING,), _S.WAITING, guard=may_pass,
            count=_LOST, effects=(start_pause,)),
        Row(RenewFailed,    (_S.CONNECTING,), _S.REFUSED, count=_NEXT),
        Row(RenewFailed,    (_S.READY,),   _S.READY,      effects=(renew_later,)),
        *_stays(RenewFailed, *_CLOSED),

        Row(Close,          tuple(_S),     _S.OFF,
            count=_NEXT, set=_ANEW, effects=(drop,)),
    ),
)
# fmt: on
