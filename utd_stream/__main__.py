"""``python -m utd_stream`` is the command ``utd-stream``."""

from __future__ import annotations

from utd_stream.cli import main

main()
