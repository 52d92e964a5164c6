"""Where sound comes from: frozen descriptions, opened anew for each publication."""

from __future__ import annotations

from utd_stream.media.sources import Silence, Tone

__all__ = ["Silence", "Tone"]
