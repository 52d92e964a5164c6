"""Chance that can be drawn again."""

from __future__ import annotations

from random import Random

__all__ = ["SeededLuck"]


class SeededLuck:
    """The `Luck` port from a seed: the same seed, the same draws.

    Its tokens are for tests alone: whoever knows the seed can guess them.

    Args:
        seed: Any number.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)  # noqa: S311 -- repeatable is the point

    def fraction(self) -> float:
        """Return a number in [0, 1)."""
        return self._random.random()

    def token(self) -> str:
        """Return a text that was not drawn before."""
        return f"{self._random.getrandbits(144):036x}"
