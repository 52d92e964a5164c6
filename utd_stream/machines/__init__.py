"""The declared machines: run by client and engine, drawn, walked, served."""

from __future__ import annotations

from typing import Any

from utd_stream.machines._declare import Declaration, Model, Row, Run, Step
from utd_stream.machines.call import CALL
from utd_stream.machines.calling import CALLING
from utd_stream.machines.connection import CONNECTION
from utd_stream.machines.invitation import INVITATION
from utd_stream.machines.live import LIVE
from utd_stream.machines.place import PLACE
from utd_stream.machines.request import REQUEST
from utd_stream.machines.seat import SEAT
from utd_stream.machines.signal import SIGNAL
from utd_stream.machines.stage import STAGE
from utd_stream.machines.track import TRACK

__all__ = [
    "CALL",
    "CALLING",
    "CONNECTION",
    "INVITATION",
    "LIVE",
    "MACHINES",
    "PLACE",
    "REQUEST",
    "SEAT",
    "SIGNAL",
    "STAGE",
    "TRACK",
    "Declaration",
    "Model",
    "Row",
    "Run",
    "Step",
]

# All of them, those of clients and those of the engine.
MACHINES: tuple[Declaration[Any, Any, Any, Any], ...] = (
    *(CONNECTION, PLACE, TRACK, SEAT, REQUEST, INVITATION),
    *(LIVE, STAGE, CALL, CALLING, SIGNAL),
)
