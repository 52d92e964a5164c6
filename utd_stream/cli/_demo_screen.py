"""How the demo looks: colors and bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from utd_stream.cli._demo_steps import BrokenError, Expectation, Seen
from utd_stream.cli._demo_trace import PRESENCES, Change, Span, presence, spans
from utd_stream.cli._demo_views import seat_words
from utd_stream.models import UTDSeatGrid

__all__ = ["Screen"]

_COLORS = ("magenta", "cyan", "yellow", "green", "blue")
_BARS: Mapping[str, str] = dict(zip(PRESENCES, " ·░▒█", strict=True))
_WIDEST_BAR = 72
_PLAIN_WIDTH = 100
_ARROW_COLUMN = 33
_SAID_COLUMN = 9
_GLUE = "\N{NO-BREAK SPACE}"  # within one value no line is broken
_BESIDE_BAR = 12


class Screen:
    """Prints what happens, as it happens.

    Attributes:
        looked_at: How many expectations were met.
        refused: How many declared errors came.
        heard: How many tones were heard.
    """

    def __init__(
        self, people: Mapping[str, int], console: Console | None = None
    ) -> None:
        self._people = people
        self._console = console or Console(highlight=False)
        self._is_fancy = (
            self._console.is_terminal and "utf" in self._console.encoding.lower()
        )
        self._first: list[Change] = []
        self.looked_at = 0
        self.refused = 0
        self.heard = 0

    def opening(self, plane: str, engine: str, room_name: str) -> None:
        """Say on which plane and where it takes place, and who is there."""
        people = ", ".join(f"{who} ({hz} Hz)" for who, hz in self._people.items())
        self._line(Text(f"utd-stream demo, {plane}", style="bold"))
        self._line(Text(f"engine {engine}, room {room_name}", style="dim"))
        self._line(Text.assemble("people and their tones: ", people))

    def step(self, number: int, who: str, title: str) -> None:
        """Say what somebody does."""
        self._line(Text())
        told = (f"{number:>2}  {title}", f"bold {self._color(who)}")
        self._line(Text.assemble(told))

    def changed(self, change: Change) -> None:
        """Print a change; the first values of somebody come in one line."""
        if change.before is None:
            self._first.append(change)
            return
        self.flush()
        arrow = "→ " if self._is_fancy else "-> "
        before = Text.assemble(
            self._stamp(change), (f"{change.what:<20}", "bold"), (change.before, "dim")
        )
        after = Text.assemble((arrow, "dim"), change.after)
        if self._is_fancy and len(before) + 1 + len(after) > self._console.width:
            # Below each other: what has changed meets the eye.
            self._line(before)
            self._line(Text(" " * _ARROW_COLUMN) + after)
        else:
            self._line(before + Text(" ") + after)

    def flush(self) -> None:
        """Print the first values of who has just come."""
        if not self._first:
            return
        first, self._first = self._first, []
        stamp = self._stamp(first[-1])
        values = ", ".join(
            f"{each.what} {each.after}".replace(" ", _GLUE) for each in first
        )
        width = self._console.width if self._is_fancy else _PLAIN_WIDTH
        for few in wrap(values, width - len(stamp)):
            self._line(stamp + Text(few.replace(_GLUE, " "), style="dim"))

    def met(self, at: float, expectation: Expectation, words: str) -> None:
        """Print an expectation that is met, unless its change was just printed."""
        self.flush()
        self.looked_at += 1
        if not isinstance(expectation, Seen):
            self.heard += "hears" in words
            mark = "✓" if self._is_fancy else "ok"
            self._line(Text(f"{at:7.3f}  {mark:<5} {words}", style="green"))

    def refusal(self, at: float, words: str, said: str) -> None:
        """Print an error that was declared."""
        self.refused += 1
        declared = (f"refused, as declared: {words}", "green")
        self._line(Text.assemble((f"{at:7.3f}  ", "dim"), declared))
        self._line(Text(" " * _SAID_COLUMN + said, style="dim"))

    def grid(self, grid: UTDSeatGrid, title: str) -> None:
        """Print who sits where."""
        table = Table("seat", "who", "state")
        self._line(Text())
        self._line(Text(title, style="bold"))
        for seat in grid.seats:
            who = seat.occupant_identity or ""
            words = seat_words(seat).removeprefix(who).strip()
            state = words or ("taken" if who else "open")
            table.add_row(
                str(seat.seat_index), Text(who, style=self._color(who)), state
            )
            if not self._is_fancy:
                self._line(Text(f"  seat {seat.seat_index}  {who or '-':<6} {state}"))
        if self._is_fancy:
            self._console.print(table)

    def timeline(self, changes: Sequence[Change], end: float) -> None:
        """Print who was seated and publishing when."""
        self._line(Text())
        self._line(Text(f"who was seated and publishing, 0 to {end:.1f} s", "bold"))
        for who in dict.fromkeys(change.who for change in changes):
            if self._is_fancy:
                bar = _bar(presence(changes, who, end), end, self._bar_width())
                self._line(Text.assemble((f"  {who:<8}", self._color(who)), bar))
            else:
                self._plain_timeline(changes, who, end)
        if self._is_fancy:
            told = (f"{bar} {what}" for what, bar in _BARS.items() if bar.strip())
            self._line(Text("          " + "   ".join(told), style="dim"))

    def calls(self, rows: Sequence[tuple[str, str, str, str]]) -> None:
        """Print what became of each call, the oldest first."""
        table = Table("call", "status", "reason", "talked")
        self._line(Text())
        self._line(Text("the calls, as the engine lists them", style="bold"))
        for row in rows:
            table.add_row(*row)
            if not self._is_fancy:
                told = "  ".join(f"{cell:<12}" for cell in row)
                self._line(Text(f"  {told}".rstrip()))
        if self._is_fancy:
            self._console.print(table)

    def broken(self, number: int, title: str, error: BrokenError) -> None:
        """Say which step went otherwise than declared, and how."""
        self.flush()
        self._line(Text())
        self._line(Text(f"BROKEN at step {number}: {title}", style="bold red"))
        self._line(Text(f"  expected  {error.expected}", style="red"))
        self._line(Text(f"  saw       {error.seen}", style="red"))

    def summary(self, steps: int, of: int, changes: int) -> None:
        """Say in one line how it went."""
        went = "all as declared" if steps == of else "BROKEN"
        style = "bold green" if steps == of else "bold red"
        told = (
            f"{went}: {steps} of {of} steps, {self.looked_at} checks, "
            f"{self.refused} errors, {self.heard} tones, {changes} changes"
        )
        self._line(Text())
        self._line(Text(told, style=style))

    def _plain_timeline(self, changes: Sequence[Change], who: str, end: float) -> None:
        seats = [span for span in spans(changes, who, "seat", end) if _is_seat(span)]
        publishing = [
            span for span in presence(changes, who, end) if span.value == "publishing"
        ]
        told = ", ".join(f"{_times(span)} ({span.value})" for span in seats)
        self._line(Text(f"  {who:<6} seated      {told or 'never'}"))
        told = ", ".join(map(_times, publishing))
        self._line(Text(f"  {who:<6} publishing  {told or 'never'}"))

    def _bar_width(self) -> int:
        return max(10, min(self._console.width - _BESIDE_BAR, _WIDEST_BAR))

    def _stamp(self, change: Change) -> Text:
        return Text.assemble(
            (f"{change.at:7.3f}  ", "dim"),
            (f"{change.who:<6}", self._color(change.who)),
        )

    def _color(self, who: str) -> str:
        if who not in self._people:
            return "none"
        return _COLORS[list(self._people).index(who) % len(_COLORS)]

    def _line(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def _is_seat(span: Span) -> bool:
    return span.value != "none"


def _times(span: Span) -> str:
    return f"{span.start:.2f}-{span.end:.2f}"


_BAR_STYLES = {"publishing": "green", "muted": "yellow", "seated": "cyan"}


def _bar(told: Sequence[Span], end: float, width: int) -> Text:
    bar = Text()
    for cell in range(width):
        at = (cell + 0.5) * end / width
        value = next(span.value for span in told if span.start <= at <= span.end)
        bar.append(_BARS[value], _BAR_STYLES.get(value, "dim"))
    return bar
