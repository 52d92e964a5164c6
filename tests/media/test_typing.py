"""The file that uses every public name of Media, as type checkers see it."""

from __future__ import annotations

import re
from pathlib import Path

from utd_stream import media

USED = Path(__file__).parents[1] / "typing_api.py"


def test_every_public_name_is_used() -> None:
    """Mypy and pyright, both strict, see each of them in use."""
    text = USED.read_text(encoding="utf-8")
    missing = [name for name in media.__all__ if not re.search(rf"\b{name}\b", text)]
    assert missing == []
