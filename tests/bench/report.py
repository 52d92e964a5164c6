"""What a figure is, and how figures are shown."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence

import attrs
from rich.console import Console
from rich.table import Table

__all__ = ["Figure", "median_ms", "show"]


@attrs.frozen(kw_only=True)
class Figure:
    """One figure: ours against the bare thing.

    Attributes:
        name: As design.md numbers it.
        what: What is measured.
        unit: Of both.
        ours: Measured.
        bare: Measured in the same run, alternating.
        goal: The ratio that is wanted, if one is.
        at_least: Whether more is better.
        is_ratio: Whether the goal is a ratio; otherwise it is in the unit.
    """

    name: str
    what: str
    unit: str
    ours: float
    bare: float
    goal: float | None = None
    at_least: bool = False
    is_ratio: bool = True

    @property
    def ratio(self) -> float:
        """Ours to bare; 0 where the bare thing costs nothing."""
        return self.ours / self.bare if self.bare else 0.0

    @property
    def is_met(self) -> bool | None:
        """Whether it is what is wanted; None where nothing is."""
        if self.goal is None:
            return None
        judged = self.ratio if self.is_ratio else self.ours
        return judged >= self.goal if self.at_least else judged <= self.goal

    @property
    def wanted(self) -> str:
        """The goal, in words."""
        if self.goal is None:
            return ""
        sign = ">=" if self.at_least else "<="
        return f"{sign} {self.goal:g}{'x' if self.is_ratio else f' {self.unit}'}"


def median_ms(seconds: Sequence[float]) -> float:
    """Return the median of some durations, in milliseconds."""
    return statistics.median(seconds) * 1_000


def show(figures: Sequence[Figure]) -> None:
    """Print the table, then the JSON."""
    table = Table("figure", "what", "ours", "bare", "ratio", "goal", "met")
    for figure in figures:
        table.add_row(
            figure.name,
            figure.what,
            f"{figure.ours:.3g} {figure.unit}",
            f"{figure.bare:.3g} {figure.unit}",
            f"{figure.ratio:.2f}x",
            figure.wanted,
            {True: "yes", False: "no", None: ""}[figure.is_met],
        )
    console = Console()
    console.print(table)
    rows = [
        {**attrs.asdict(figure), "ratio": figure.ratio, "met": figure.is_met}
        for figure in figures
    ]
    console.print_json(json.dumps(rows))
