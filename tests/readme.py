"""The programs of the README and of docs, for the tests that run them."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["OPERATING", "README", "block"]

README = Path(__file__).parents[1] / "README.md"
OPERATING = README.parent / "docs" / "operating.md"

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def block(language: str, holding: str, document: Path = README) -> str:
    """Return the one block in *language* that holds some words."""
    text = document.read_text(encoding="utf-8")
    (found,) = (
        body
        for name, body in _BLOCK.findall(text)
        if name == language and holding in body
    )
    return str(found)
