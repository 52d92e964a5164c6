"""Chance, from the operating system."""

from __future__ import annotations

import random
import secrets

__all__ = ["SystemLuck"]


class SystemLuck:
    """The `Luck` port; without state, so any two are the same."""

    def fraction(self) -> float:
        """Return a number in [0, 1)."""
        return random.random()  # noqa: S311 -- jitter guards nothing

    def token(self) -> str:
        """Return a text nobody can guess and nobody drew before."""
        return secrets.token_urlsafe(18)
