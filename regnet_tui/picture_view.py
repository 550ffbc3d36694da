"""How does a chart fill the space it has? A widget that draws it for its size, and nothing else."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from regnet_tui.plots import Chart, Line, Notice, draw


class PictureView(Widget, can_focus=True):
    """A picture; it can have the focus so that its screen's keys are at hand."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "picture--accent",
        "picture--bold",
        "picture--dim",
        "picture--good",
        "picture--warn",
        "picture--bad",
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.chart: Chart = Notice("", "")
        self._lines: list[Line] = []
        self._drawn_for: tuple[Chart, int, int] | None = None

    def show(self, chart: Chart) -> None:
        """Draw another chart."""
        if chart != self.chart:
            self.chart = chart
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if self._drawn_for is None or self._drawn_for != (self.chart, width, height):
            self._lines = draw(self.chart, width, height)
            self._drawn_for = (self.chart, width, height)
        if y >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        base = self.rich_style
        segments = [Segment(text, self._style(tone, base)) for text, tone in self._lines[y]]
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, tone: str, base: Style) -> Style:
        return base + self.get_component_rich_style(f"picture--{tone}", partial=True) if tone else base
