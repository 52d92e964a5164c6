"""What a session of a call knows beside what every session does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from utd_stream.machines.calling import CallingState
from utd_stream.machines.track import RightGranted, RightRevoked, TrackState
from utd_stream.models.calls import CallDirection, EndInfo, UTDCall, UTDCallStatus
from utd_stream.models.participants import TrackSource
from utd_stream.snapshots.session import GONE, SessionSnapshot, changed, grant_of

__all__ = [
    "TRACK_FIELDS",
    "CallSnapshot",
    "fold_call",
    "forget_call",
    "is_settled",
    "right_facts",
    "right_of",
    "status_of",
    "track_of",
]

# Where the snapshot has the track of each source.
TRACK_FIELDS: Mapping[TrackSource, str] = {
    TrackSource.MICROPHONE: "microphone",
    TrackSource.CAMERA: "camera",
    TrackSource.SCREEN_SHARE: "screen",
}


@attrs.frozen(kw_only=True)
class CallSnapshot(SessionSnapshot):
    """What a session of a call knows.

    Attributes:
        call: The newest row of the call that is made, answered or followed; None
            before the engine has answered.
        direction: Who began it; None without a call.
        end_info: How the newest call ended, or stopped ringing here.
        part: Where this client's part in it stands.
        microphone: Where the microphone stands.
        camera: Where the camera stands.
        screen: Where the screen that is shown stands.
    """

    call: UTDCall | None = None
    direction: CallDirection | None = None
    end_info: EndInfo | None = None
    part: CallingState = CallingState.IDLE
    microphone: TrackState = TrackState.OFF
    camera: TrackState = TrackState.OFF
    screen: TrackState = TrackState.OFF

    @property
    def standing(self) -> str:
        """Where the part in the call stands, and the call."""
        part, status = self.part.value, status_of(self)
        return part if status is None else f"{part}, {status.value}"


def status_of(snapshot: CallSnapshot) -> UTDCallStatus | None:
    """Return where the call stands, by its newest row."""
    return None if snapshot.call is None else snapshot.call.status


def track_of(snapshot: CallSnapshot, source: TrackSource) -> TrackState:
    """Return where *source* stands."""
    state: TrackState = getattr(snapshot, TRACK_FIELDS[source])
    return state


def is_settled(snapshot: CallSnapshot, source: TrackSource) -> bool:
    """Whether no track of *source* is on its way, or being withdrawn."""
    state = track_of(snapshot, source)
    is_sent = any(each.source is source for each in snapshot.local.publications)
    is_down = state in {TrackState.OFF, TrackState.WAITING}
    return state is TrackState.UP or (is_down and not is_sent)


def fold_call(snapshot: CallSnapshot, call: UTDCall) -> CallSnapshot:
    """Return the snapshot after a row was told; an older one is ignored."""
    known = snapshot.call
    if known is not None and known.call_id == call.call_id and call.rev <= known.rev:
        return snapshot
    is_mine = call.caller_identity == snapshot.local.identity
    direction = CallDirection.OUTGOING if is_mine else CallDirection.INCOMING
    row = attrs.evolve(call, token=None, url=None)
    return changed(snapshot, call=row, direction=direction)


def forget_call(snapshot: CallSnapshot) -> CallSnapshot:
    """Return the snapshot before the engine has told anything of the next call."""
    return changed(snapshot, call=None, direction=None, end_info=None)


def right_facts(
    before: CallSnapshot, after: CallSnapshot, sources: Iterable[TrackSource]
) -> tuple[RightGranted | RightRevoked, ...]:
    """Return what a change means for the rights to send from *sources*."""
    if after.connection_state in GONE:
        return ()  # they went with the connection
    facts: list[RightGranted | RightRevoked] = []
    for source in sources:
        had, has = right_of(before, source), right_of(after, source)
        if had is not None and had != has:
            facts.append(RightRevoked(source))
        if has is not None and had != has:
            facts.append(RightGranted(source))
    return tuple(facts)


def right_of(snapshot: CallSnapshot, source: TrackSource) -> int | None:
    """Return the number of my right to send from *source*, or None."""
    if not snapshot.local.permission.may_publish(source):
        return None
    return grant_of(snapshot.local.metadata)
