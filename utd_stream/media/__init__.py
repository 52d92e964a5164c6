"""Where sound and pictures come from: descriptions, opened for each publication."""

from __future__ import annotations

from utd_stream.media.pattern import TestPattern, read_pattern
from utd_stream.media.sources import Silence, Tone

__all__ = ["Silence", "TestPattern", "Tone", "read_pattern"]
