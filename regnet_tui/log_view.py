"""How is a log of any length read while it grows? By level and text, from the end unless scrolled up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from regnet_tui.safe_text import MOST_SHOWN, clean, fit

LEVELS = ("info", "warning", "error")
"""Levels in rising order; a filter shows its own level and those above."""


class LogLine(NamedTuple):
    """One line of a run's log; `clock` is its time of day, ready to show."""

    level: str
    clock: str
    text: str


_RANKS = {level: rank for rank, level in enumerate(LEVELS)}


def passing(lines: Sequence[LogLine], level: str, needle: str) -> list[LogLine]:
    """Return the lines of a level or above that hold a text (in small letters); unknown levels are high."""
    rank, highest = _RANKS[level], len(LEVELS)
    if rank:
        lines = [line for line in lines if _RANKS.get(line.level, highest) >= rank]
    return [line for line in lines if needle in line.text.lower()] if needle else list(lines)


class LogView(ScrollView, can_focus=True):
    """The lines that pass the filters; follows the end until the user scrolls up."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log-view--clock", "log-view--warning", "log-view--error"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_by(1)", "down", show=False),
        Binding("k,up", "scroll_by(-1)", "up", show=False),
        Binding("pagedown,ctrl+d", "scroll_page(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "scroll_page(-1)", "page up", show=False),
        Binding("g,home", "first", "first line", show=False),
        Binding("G,end", "last", "last line", show=False),
        Binding("l,right", "sideways(16)", "right", show=False),
        Binding("h,left", "sideways(-16)", "left", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._all: Sequence[LogLine] = ()
        self._seen = 0
        self._lines: list[LogLine] = []
        self._widest = 0
        self.level = "info"
        self.needle = ""
        self.follow = True

    def show(self, lines: Sequence[LogLine]) -> None:
        """Show a log; where it is the one shown before, grown, only its new lines are looked at."""
        if lines is not self._all or len(lines) < self._seen:
            self._all, self._seen, self._lines, self._widest = lines, 0, [], 0
        self._take(lines[self._seen :])
        self._seen = len(lines)

    def filter(self, *, level: str | None = None, needle: str | None = None) -> None:
        """Show another level and above, or only lines that hold a text."""
        self.level = level or self.level
        self.needle = self.needle if needle is None else needle.lower()
        self._lines, self._widest = [], 0
        self._take(self._all)
        self.refresh()

    @property
    def counts(self) -> tuple[int, int]:
        """How many lines are shown, and how many there are."""
        return len(self._lines), len(self._all)

    def text(self) -> str:
        """Return the lines that pass the filters, for the clipboard."""
        return "".join(f"{line.clock} {line.level} {clean(line.text)}\n" for line in self._lines)

    def _take(self, lines: Sequence[LogLine]) -> None:
        new = passing(lines, self.level, self.needle)
        if not new and self._lines:
            return
        self._lines += new
        self._widest = min(max([self._widest, *(len(line.text) for line in new)]), MOST_SHOWN + 100)
        self.virtual_size = Size(self._widest + 20, len(self._lines))
        if self.follow:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
        self.refresh()

    # ---- keys ------------------------------------------------------------------------------------

    def action_scroll_by(self, step: int) -> None:
        self._to(self.scroll_offset.y + step)

    def action_scroll_page(self, step: int) -> None:
        self._to(self.scroll_offset.y + step * max(self.size.height - 1, 1))

    def action_first(self) -> None:
        self._to(0)

    def action_last(self) -> None:
        self._to(len(self._lines))

    def action_sideways(self, step: int) -> None:
        self.scroll_to(x=self.scroll_offset.x + step, animate=False)

    def _to(self, y: int) -> None:
        self.scroll_to(y=y, animate=False, immediate=True)
        self.follow = y >= len(self._lines) - self.size.height

    def on_resize(self) -> None:
        if self.follow:
            self.scroll_end(animate=False, immediate=True, x_axis=False)

    # ---- drawing ---------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width, style = self.size.width, self.rich_style
        if top + y >= len(self._lines):
            text = "no line yet" if not self._all else "no line passes the filter"
            return Strip([Segment(fit(text if y == 0 and not self._lines else "", width), style)], width)
        line = self._lines[top + y]
        tone = style
        if line.level in ("warning", "error"):
            tone = style + self.get_component_rich_style(f"log-view--{line.level}", partial=True)
        letter = {"info": " ", "warning": "W", "error": "E"}.get(line.level, "E")
        clock = style + self.get_component_rich_style("log-view--clock", partial=True)
        segments = [Segment(f"{line.clock} ", clock), Segment(f"{letter} {clean(line.text)}", tone)]
        return Strip(segments).crop_extend(left, left + width, style)
