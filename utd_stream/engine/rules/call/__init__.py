"""The types audio_call and video_call: what a call holds, what its commands do."""

from __future__ import annotations

from utd_stream.engine.rules.call.state import CallContent, call_of, row_of_call

__all__ = ["CallContent", "call_of", "row_of_call"]
