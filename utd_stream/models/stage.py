"""Words of a live stream: where it stands, and who is on its stage."""

from __future__ import annotations

from enum import Enum

__all__ = ["LiveState", "StageState"]


class LiveState(Enum):
    """Where a live stream stands.

    Attributes:
        BACKSTAGE: Nobody may send; those on stage wait.
        LIVE: A host is there, and the stage may send.
        HOST_AWAY: No host is there; the stage may send, and a host is waited for.
        ENDED: It is over.
    """

    BACKSTAGE = "backstage"
    LIVE = "live"
    HOST_AWAY = "host_away"
    ENDED = "ended"

    @property
    def is_on_air(self) -> bool:
        """Whether those on stage may send."""
        return self in {LiveState.LIVE, LiveState.HOST_AWAY}


class StageState(Enum):
    """Where a member of a live stream stands.

    Attributes:
        AUDIENCE: They watch.
        REQUESTED: They asked for the stage, and wait for a moderator.
        INVITED: They were asked to come on stage, and may accept.
        ON_STAGE: They are on stage, and may send while the stream is live.
    """

    AUDIENCE = "audience"
    REQUESTED = "requested"
    INVITED = "invited"
    ON_STAGE = "on_stage"
