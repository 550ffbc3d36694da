"""How is a picture drawn in a terminal? From characters: braille dots, forest plots, shaded squares.

A chart is a frozen specification of what is shown. :func:`draw` turns it into lines of toned text for
a given size; :mod:`regnet_tui.plots_svg` turns the same specification into a file. Nothing depends on
colour: series have their own panels or marks, heat maps bear their numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from regnet_tui.figures import number, signed
from regnet_tui.safe_text import clean, fit

Line = list[tuple[str, str]]
"""One line of a picture: pieces of text, each with its tone (``""``, dim, good, warn, bad, accent)."""

Matrix = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Points of one series; `note` stands under its title (a correlation, say)."""

    title: str
    x: Sequence[float]
    y: Sequence[float]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Scatter:
    """Panels of points on common axes; with a diagonal where x and y are the same quantity."""

    title: str
    x_label: str
    y_label: str
    panels: Sequence[Panel]
    diagonal: bool = True


@dataclass(frozen=True, slots=True)
class Interval:
    """One row of a forest plot: an estimate, its interval, and what theory expects, if anything.

    `short` is the label where the whole one doesn't fit.
    """

    label: str
    mean: float
    low: float
    high: float
    expected: float | None = None
    tone: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class Forest:
    """Estimates with intervals, one a row; a line at zero where they are differences.

    `row_title` says what the labels are.
    """

    title: str
    x_label: str
    rows: Sequence[Interval]
    zero: bool = True
    row_title: str = ""


@dataclass(frozen=True, slots=True)
class Heat:
    """Matrices side by side on one scale of shades."""

    title: str
    panels: Sequence[tuple[str, Matrix]]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line with a band about it."""

    title: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines on common axes, one panel each."""

    title: str
    x_label: str
    y_label: str
    curves: Sequence[Curve]
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Words where a picture would be."""

    title: str
    text: str


Chart = Scatter | Forest | Heat | Curves | Notice


def draw(chart: Chart, width: int, height: int) -> list[Line]:
    """Return a chart as at most `height` lines of at most `width` cells."""
    width, height = max(width, 10), max(height, 4)
    lines: list[Line] = [[(fit(clean(chart.title), width).rstrip(), "accent")]]
    if isinstance(chart, Scatter):
        lines += _scatter(chart, width, height - 1)
    elif isinstance(chart, Forest):
        lines += _forest(chart, width, height - 1)
    elif isinstance(chart, Heat):
        lines += _heat(chart, width, height - 1)
    elif isinstance(chart, Curves):
        lines += _curves(chart, width, height - 1)
    else:
        lines.append([(clean(chart.text), "")])
    return lines[:height]


# ---- axes --------------------------------------------------------------------------------------------


def bounds(values: Sequence[float], include: Sequence[float] = ()) -> tuple[float, float]:
    """Return the range of the finite values, widened a little, never empty."""
    finite = [value for value in (*values, *include) if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    margin = 0.04 * (high - low) or max(abs(high), 1.0) * 0.1
    return low - margin, high + margin


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers within a range, at most `most` of them."""
    span = high - low
    if span <= 0 or most < 1:
        return []
    step = 10.0 ** math.floor(math.log10(span / most))
    for factor in (1, 2, 5, 10, 20, 50):
        if span / (step * factor) <= most:
            step *= factor
            break
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 12) + 0.0 for i in range(first, last + 1)]


class Canvas:
    """A grid of braille dots, two by four to a cell."""

    _BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

    def __init__(self, width: int, height: int, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.width, self.height = width, height
        self._x, self._y = x, y
        self._cells = [[0] * width for _ in range(height)]

    def column(self, x: float) -> float:
        return (x - self._x[0]) / (self._x[1] - self._x[0]) * (self.width * 2 - 1)

    def row(self, y: float) -> float:
        return (self._y[1] - y) / (self._y[1] - self._y[0]) * (self.height * 4 - 1)

    def dot(self, x: float, y: float) -> None:
        if math.isfinite(x) and math.isfinite(y):
            self._set(round(self.column(x)), round(self.row(y)))

    def line(self, x0: float, y0: float, x1: float, y1: float, every: int = 1) -> None:
        if not all(map(math.isfinite, (x0, y0, x1, y1))):
            return
        a, b, c, d = self.column(x0), self.row(y0), self.column(x1), self.row(y1)
        steps = int(max(abs(c - a), abs(d - b), 1))
        for i in range(0, steps + 1, every):
            self._set(round(a + (c - a) * i / steps), round(b + (d - b) * i / steps))

    def _set(self, column: int, row: int) -> None:
        if 0 <= column < self.width * 2 and 0 <= row < self.height * 4:
            self._cells[row // 4][column // 2] |= self._BITS[row % 4][column % 2]

    def rows(self) -> list[str]:
        return ["".join(chr(0x2800 + bits) if bits else " " for bits in row) for row in self._cells]


def _framed(canvas: Canvas, x: tuple[float, float], y: tuple[float, float], gutter: int) -> list[Line]:
    """Return a canvas with its axes: numbers at the left, a line and numbers below."""
    labels = [""] * canvas.height
    for value in ticks(*y, most=max(canvas.height // 3, 2)):
        labels[min(round(canvas.row(value)) // 4, canvas.height - 1)] = _tick(value)
    lines: list[Line] = []
    for label, row in zip(labels, canvas.rows()):
        lines.append([(fit(label, gutter - 1, right=True), "dim"), ("┤" if label else "│", "dim"), (row, "")])
    lines.append([(" " * (gutter - 1) + "└" + "─" * canvas.width, "dim")])
    below = [" "] * (gutter + canvas.width)
    for value in ticks(*x, most=max(canvas.width // 12, 2)):
        text = _tick(value)
        start = gutter + round(canvas.column(value) / 2) - len(text) // 2
        start = min(max(start, 0), len(below) - len(text))
        if all(character == " " for character in below[max(start - 1, 0) : start + len(text) + 1]):
            below[start : start + len(text)] = text
    lines.append([("".join(below), "dim")])
    return lines


def _tick(value: float) -> str:
    return f"{value:.6g}"


def _side_by_side(blocks: Sequence[list[Line]], widths: Sequence[int]) -> list[Line]:
    """Return blocks of lines beside each other, each padded to its width."""
    lines: list[Line] = []
    for i in range(max(map(len, blocks), default=0)):
        line: Line = []
        for block, width in zip(blocks, widths):
            pieces = block[i] if i < len(block) else []
            line += pieces
            used = sum(cell_len(text) for text, _ in pieces)
            line.append((" " * max(width - used, 0), ""))
        lines.append(line)
    return lines


# ---- the charts --------------------------------------------------------------------------------------


def _scatter(chart: Scatter, width: int, height: int) -> list[Line]:
    if not chart.panels:
        return [[("nothing to draw yet", "dim")]]
    x = bounds([v for panel in chart.panels for v in panel.x])
    y = bounds([v for panel in chart.panels for v in panel.y])
    if chart.diagonal:
        x = y = (min(x[0], y[0]), max(x[1], y[1]))
    each, gutter = width // len(chart.panels), 8
    rows = max(height - 5, 3)
    blocks = []
    for panel in chart.panels:
        canvas = Canvas(max(each - gutter - 2, 8), rows, x, y)
        if chart.diagonal:
            canvas.line(x[0], x[0], x[1], x[1], every=4)
        for point in zip(panel.x, panel.y):
            canvas.dot(*point)
        head: list[Line] = [
            [(fit(clean(panel.title), each - 1), "bold")],
            [(fit(clean(panel.note), each - 1), "dim")],
        ]
        blocks.append(head + _framed(canvas, x, y, gutter))
    foot: Line = [(fit(f"across: {clean(chart.x_label)}   up: {clean(chart.y_label)}", width), "dim")]
    return [*_side_by_side(blocks, [each] * len(blocks)), foot]


def _curves(chart: Curves, width: int, height: int) -> list[Line]:
    if not chart.curves:
        return [[("nothing to draw yet", "dim")]]
    each, gutter = width // len(chart.curves), 9
    rows = max(height - 4, 3)
    blocks = []
    for curve in chart.curves:
        zero = (0.0,) if chart.zero else ()
        x = bounds(curve.x)
        y = bounds([*curve.y, *curve.low, *curve.high], include=zero)
        canvas = Canvas(max(each - gutter - 2, 8), rows, x, y)
        if chart.zero:
            canvas.line(x[0], 0.0, x[1], 0.0, every=3)
        for edge, every in ((curve.y, 1), (curve.low, 2), (curve.high, 2)):
            for i in range(1, len(edge)):
                canvas.line(curve.x[i - 1], edge[i - 1], curve.x[i], edge[i], every)
        if len(curve.x) == 1:
            canvas.dot(curve.x[0], curve.y[0])
        blocks.append([[(fit(clean(curve.title), each - 1), "bold")], *_framed(canvas, x, y, gutter)])
    foot: Line = [(fit(f"across: {clean(chart.x_label)}   up: {clean(chart.y_label)}", width), "dim")]
    return [*_side_by_side(blocks, [each] * len(blocks)), foot]


def _forest(chart: Forest, width: int, height: int) -> list[Line]:
    if not chart.rows:
        return [[("nothing to draw yet", "dim")]]
    shown = list(chart.rows)[: max(height - 2, 1)]
    label_width = min(max(len(clean(row.label)) for row in shown), width // 3)
    # room for "+0.0312 [+0.0210, +0.0414]" where the window has it
    figures = [f"{signed(row.mean)} [{signed(row.low)}, {signed(row.high)}]" for row in shown]
    if not chart.zero:
        figures = [f"{number(row.mean)} [{number(row.low)}, {number(row.high)}]" for row in shown]
    figure_width = max(map(len, figures)) if width >= 70 else 0
    plot = max(width - label_width - figure_width - 4, 6)
    ends = [v for row in shown for v in (row.mean, row.low, row.high)]
    ends += [row.expected for row in shown if row.expected is not None]
    low, high = bounds(ends, include=(0.0,) if chart.zero else ())

    def at(value: float) -> int:
        return min(max(round((value - low) / (high - low) * (plot - 1)), 0), plot - 1)

    lines: list[Line] = []
    for row, figure in zip(shown, figures):
        cells = [" "] * plot
        if chart.zero:
            cells[at(0.0)] = "┊"
        if math.isfinite(row.low) and math.isfinite(row.high):
            a, b = at(row.low), at(row.high)
            cells[a : b + 1] = ["─"] * (b - a + 1)
            cells[a], cells[b] = "├", "┤"
        if row.expected is not None and math.isfinite(row.expected):
            cells[at(row.expected)] = "x"
        if math.isfinite(row.mean):
            cells[at(row.mean)] = "●"
        label = row.label if len(row.label) <= label_width else row.short or row.label
        line: Line = [(fit(clean(label), label_width), ""), (" ", ""), ("".join(cells), row.tone)]
        if figure_width:
            line.append((f"  {figure}", ""))
        lines.append(line)
    scale = [" "] * plot
    for value in ticks(low, high, max(plot // 10, 2)):
        text = _tick(value)
        start = min(max(at(value) - len(text) // 2, 0), plot - len(text))
        if all(c == " " for c in scale[max(start - 1, 0) : start + len(text) + 1]):
            scale[start : start + len(text)] = text
    below = fit(clean(chart.row_title), label_width)
    lines.append([(below + " ", "dim"), ("".join(scale), "dim")])
    legend = f"{clean(chart.x_label)}; ● mean, ├─┤ its 95% interval"
    if any(row.expected is not None for row in shown):
        legend += ", x expected"
    if len(shown) < len(chart.rows):
        legend += f"; {len(chart.rows) - len(shown)} more rows: enlarge the window"
    lines.append([(fit(legend, width), "dim")])
    return lines


_SHADES = " ░▒▓█"


def shade(value: float, scale: float) -> str:
    """Return a shade for the size of a value between 0 and `scale`."""
    if not math.isfinite(value) or scale <= 0:
        return "?"
    return _SHADES[min(int(abs(value) / scale * len(_SHADES)), len(_SHADES) - 1)]


def _heat(chart: Heat, width: int, height: int) -> list[Line]:
    panels = [(title, matrix) for title, matrix in chart.panels if matrix]
    if not panels:
        return [[("nothing to draw yet", "dim")]]
    finite = [abs(v) for _, matrix in panels for row in matrix for v in row if math.isfinite(v)]
    scale = float(max(finite, default=1.0)) or 1.0
    size = max(len(matrix) for _, matrix in panels)
    per_row = len(panels)
    while per_row > 1 and per_row * (size * 2 + 3) > width:
        per_row = (per_row + 1) // 2
    each = width // per_row
    with_numbers = size * 6 + 2 <= each
    lines: list[Line] = []
    for start in range(0, len(panels), per_row):
        group = panels[start : start + per_row]
        blocks = [_heat_panel(title, matrix, scale, each, with_numbers) for title, matrix in group]
        lines += [*_side_by_side(blocks, [each] * len(blocks)), []]
    lines.append([(fit(f"shade: size, full at {number(scale)}; a minus sign: negative", width), "dim")])
    if len(lines) > height:
        lines = [*lines[: height - 1], [("(the rest needs a larger window)", "dim")]]
    return lines


def _heat_panel(title: str, matrix: Matrix, scale: float, width: int, with_numbers: bool) -> list[Line]:
    lines: list[Line] = [[(fit(clean(title), width - 1), "bold")]]
    for row in matrix:
        line: Line = []
        for value in row:
            mark = shade(value, scale)
            if with_numbers:
                text = f"{value:.2f}".replace("0.", ".", 1) if math.isfinite(value) else "?"
                line += [(mark, "bad" if value < 0 else ""), (fit(text, 4, right=True), ""), (" ", "")]
            else:
                line.append((mark + ("-" if value < 0 else mark), "bad" if value < 0 else ""))
        lines.append(line)
    return lines
