"""What every kind of session decides: its connection, and what the SFU tells."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar, assert_never

import attrs

from utd_stream.client.rules.facts import (
    EventTold,
    OwnMuteRead,
    RoleTold,
    RoomRead,
)
from utd_stream.machines import connection as c
from utd_stream.models.rooms import UTDConnectionState
from utd_stream.snapshots import session as fold
from utd_stream.snapshots.session import SessionSnapshot

__all__ = ["Connecting", "RoomFact", "Taken", "fold_connection", "fold_room_fact"]

_T_co = TypeVar("_T_co", covariant=True)
_F_co = TypeVar("_F_co", covariant=True)
_E_co = TypeVar("_E_co", covariant=True)
_S = TypeVar("_S", bound=SessionSnapshot)

# What is told or read of the room, whichever kind of room it is.
RoomFact: TypeAlias = EventTold | RoomRead | OwnMuteRead | RoleTold


@attrs.frozen
class Taken(Generic[_T_co, _E_co, _F_co]):
    """What one fact did.

    Attributes:
        state: All that the session decides by, after it.
        effects: What the session begins then, in this order.
        derived: Facts that follow from it, to be taken next.
    """

    state: _T_co
    effects: tuple[_E_co, ...] = ()
    derived: tuple[_F_co, ...] = ()


@attrs.frozen(kw_only=True)
class Connecting:
    """Where the connection stands.

    Attributes:
        state: Of its machine.
        data: What its machine remembers.
    """

    state: UTDConnectionState = c.CONNECTION.initial
    data: c.ConnectionData = attrs.field(factory=c.ConnectionData)

    def take(
        self, event: c.ConnectionEvent
    ) -> tuple[Connecting, tuple[c.ConnectionEffect, ...]]:
        """Return where it stands after *event*, and the effects.

        Raises:
            InvalidTransitionError: If no row takes the event.
        """
        step = c.CONNECTION.step(self.state, self.data, event)
        return Connecting(state=step.state, data=step.data), step.effects


def fold_connection(
    snapshot: _S, event: c.ConnectionEvent, connecting: Connecting
) -> _S:
    """Return the snapshot after the connection took *event*."""
    if isinstance(event, c.Connect | c.Rejoined) or connecting.state in fold.GONE:
        snapshot = fold.fold_replacement(snapshot)
    return fold.changed(
        snapshot,
        connection_state=connecting.state,
        reason=connecting.data.reason,
    )


def fold_room_fact(snapshot: _S, fact: RoomFact) -> _S:
    """Return the snapshot after *fact*."""
    match fact:
        case EventTold(_, event):
            return fold.fold_event(snapshot, event)
        case RoomRead(_, state):
            return fold.fold_room_state(snapshot, state)
        case OwnMuteRead(publication):
            return fold.fold_own_mute(snapshot, publication)
        case RoleTold(role):
            return fold.changed(snapshot, role=role)
        case _:
            assert_never(fact)
