"""A media plane in memory: LiveKit's server and its clients, without LiveKit.

Rooms, connections, rights, tracks and notices behave as LiveKit's do, its
traps included; what it does otherwise is a bug here.  It has no video, and
hears who speaks only while somebody reads the sound.
"""

from __future__ import annotations

from utd_stream.adapters.loopback._lines import Lines
from utd_stream.adapters.loopback._plane import Loopback, Message
from utd_stream.adapters.loopback._room import LoopbackRoom

__all__ = ["Lines", "Loopback", "LoopbackRoom", "Message"]
