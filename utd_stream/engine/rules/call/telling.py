"""Who is told what of a call, by its status."""

from __future__ import annotations

from collections.abc import Iterator

from utd_stream.contract.signaling import CallSignal
from utd_stream.engine.rules.call.state import call_of
from utd_stream.engine.rules.state import Room
from utd_stream.models.calls import UTDCallStatus

__all__ = ["signals_of"]


_OF_STATUS = {
    UTDCallStatus.INITIATING: CallSignal.INCOMING,
    UTDCallStatus.RINGING: CallSignal.RINGING,
    UTDCallStatus.ACTIVE: CallSignal.ACCEPTED,
    UTDCallStatus.ENDED: CallSignal.ENDED,
    UTDCallStatus.REJECTED: CallSignal.REJECTED,
    UTDCallStatus.BUSY: CallSignal.BUSY,
    UTDCallStatus.MISSED: CallSignal.MISSED,
}


def signals_of(room: Room) -> Iterator[tuple[str, CallSignal]]:
    """Yield whom the call in *room* is told to now, and as what.

    Who called knows of it by the answer.
    """
    content = call_of(room)
    signal = _OF_STATUS[content.status]
    if signal is not CallSignal.INCOMING:
        yield content.caller, signal
    yield content.callee, signal
