"""What holds of calls in every state that can be reached, and where nothing is left.

They are for `explore` and a `CallWorld`, or a subclass of one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from utd_stream.machines.calling import CallingState
from utd_stream.models.calls import UTDCallStatus
from utd_stream.testing.calls import PEOPLE, World

__all__ = ["END_LAWS", "LAWS"]

_S = CallingState


def _one_live_call(world: World) -> bool:
    return sum(call.is_live for call in world.calls) <= 1


def _one_device_inside(world: World) -> bool:
    inside = [PEOPLE[n] for n, d in world.devices if d.is_inside]
    return len(inside) == len(set(inside))


def _who_is_inside_answered(world: World) -> bool:
    for name, device in world.devices:
        if device.is_inside and device.call >= 0:
            call = world.calls[device.call]
            is_callee = call.callee == PEOPLE[name]
            if is_callee and call.data.answered_by != name:
                return False
    return True


def _nobody_knows_better(world: World) -> bool:
    for _, device in world.devices:
        row = device.row(device.call) if device.call >= 0 else None
        is_in = device.part in {_S.ENTERING, _S.OPEN}
        if is_in and row is not None and row.status.is_final:
            return False
    return True


def _whoever_is_awaited_has_a_deadline(world: World) -> bool:
    for number, call in enumerate(world.calls):
        inside = {
            PEOPLE[n] for n, d in world.devices if d.is_inside and d.call == number
        }
        for person, since in (
            (call.caller, call.data.caller_absent_since),
            (call.callee, call.data.callee_absent_since),
        ):
            is_awaited = call.status is UTDCallStatus.ACTIVE and person not in inside
            if is_awaited and since is None:
                return False
    return True


def _nobody_removed_is_kept(world: World) -> bool:
    return bool(world.wire) or not any(
        device.part is _S.OPEN
        and not device.is_inside
        and world.calls[device.call].is_live
        for _, device in world.devices
    )


def _nobody_was_wronged(world: World) -> bool:
    return not world.wrongs


def _all_over(world: World) -> bool:
    return not any(call.is_live for call in world.calls)


def _all_rest(world: World) -> bool:
    return all(
        device.part in (_S.IDLE, _S.OVER, _S.OFFERED) for _, device in world.devices
    )


def _nothing_rings(world: World) -> bool:
    return not any(device.rings for _, device in world.devices)


def _nobody_inside(world: World) -> bool:
    return not any(device.is_inside for _, device in world.devices)


def _same_outcome(world: World) -> bool:
    return all(
        row.status is world.calls[row.call].status
        for _, device in world.devices
        for row in device.known
    )


Law = Callable[[World], bool]

LAWS: Mapping[str, Law] = {
    "one person has one live call": _one_live_call,
    "one device of a person is in the media room": _one_device_inside,
    "no callee is in the media room who did not answer": _who_is_inside_answered,
    "nobody is in a call that they know is over": _nobody_knows_better,
    "whoever an active call waits for has a deadline": (
        _whoever_is_awaited_has_a_deadline
    ),
    "whoever the SFU has removed is in no call, once all is told": (
        _nobody_removed_is_kept
    ),
    "nobody is busy who has no call, or is called by whom they call": (
        _nobody_was_wronged
    ),
}
"""What holds in every state."""

END_LAWS: Mapping[str, Law] = {
    "no call without an end": _all_over,
    "nobody waits for anything": _all_rest,
    "nothing rings that is over": _nothing_rings,
    "nobody is left in a media room": _nobody_inside,
    "every device knows the same outcome": _same_outcome,
}
"""What holds where nothing is left to happen."""
