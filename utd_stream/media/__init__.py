"""Where sound and pictures come from, and where they go.

Sources are frozen descriptions, opened anew for each publication.
"""

from __future__ import annotations

from utd_stream.media.devices import DeviceSource
from utd_stream.media.files import FileSource
from utd_stream.media.frames import FrameSource
from utd_stream.media.images import to_png
from utd_stream.media.pattern import TestPattern, read_pattern
from utd_stream.media.recorder import Recorder, RecordingProgress
from utd_stream.media.sources import Silence, Tone

__all__ = [
    "DeviceSource",
    "FileSource",
    "FrameSource",
    "Recorder",
    "RecordingProgress",
    "Silence",
    "TestPattern",
    "Tone",
    "read_pattern",
    "to_png",
]
