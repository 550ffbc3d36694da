"""How does a chart become a file? As SVG with real shapes and text, from the same specification.

Scalable, with selectable text, readable in print: marks differ in shape as well as colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from regnet_tui.figures import number, signed
from regnet_tui.plots import Chart, Curves, Forest, Heat, Notice, Scatter, bounds, ticks
from regnet_tui.safe_text import clean

_INK, _SOFT, _FILL, _MINUS = "#1b1f24", "#8a929b", "#0b5c8f", "#b3261e"
_PANEL = 300
_LEFT, _TOP = 64, 64


def to_svg(chart: Chart) -> str:
    """Return a chart as an SVG document."""
    if isinstance(chart, Scatter):
        width, height, parts = _scatter(chart)
    elif isinstance(chart, Forest):
        width, height, parts = _forest(chart)
    elif isinstance(chart, Heat):
        width, height, parts = _heat(chart)
    elif isinstance(chart, Curves):
        width, height, parts = _curves(chart)
    else:
        width, height, parts = 480, 120, [_text(24, 64, chart.text)]
    title = chart.title if not isinstance(chart, Notice) else chart.title or "regNet"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif" font-size="12" '
        f'role="img"><title>{_safe(title)}</title>'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    )
    return "\n".join([head, _text(16, 24, title, size=15), *parts, "</svg>"]) + "\n"


def _safe(text: str) -> str:
    return escape(clean(text), {'"': "&quot;"})


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = _INK, size: int = 12, turn: int = 0
) -> str:
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" '
        f'font-size="{size}"{turned}>{_safe(text)}</text>'
    )


def _line(x0: float, y0: float, x1: float, y1: float, colour: str = _INK, more: str = "") -> str:
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" {more}/>'


class _Axes:
    """A square panel: where data lie in it, its frame and its ticks."""

    def __init__(self, left: float, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.left, self._x, self._y = left, x, y

    def x(self, value: float) -> float:
        return self.left + (value - self._x[0]) / (self._x[1] - self._x[0]) * _PANEL

    def y(self, value: float) -> float:
        return _TOP + (self._y[1] - value) / (self._y[1] - self._y[0]) * _PANEL

    def frame(self) -> list[str]:
        parts = [
            f'<rect x="{self.left}" y="{_TOP}" width="{_PANEL}" height="{_PANEL}" fill="none" '
            f'stroke="{_SOFT}"/>'
        ]
        for value in ticks(*self._x, 5):
            parts.append(_line(self.x(value), _TOP + _PANEL, self.x(value), _TOP + _PANEL + 4, _SOFT))
            parts.append(_text(self.x(value), _TOP + _PANEL + 18, f"{value:.6g}", anchor="middle"))
        for value in ticks(*self._y, 6):
            parts.append(_line(self.left - 4, self.y(value), self.left, self.y(value), _SOFT))
            parts.append(_text(self.left - 8, self.y(value) + 4, f"{value:.6g}", anchor="end"))
        return parts


def _labels(chart: Scatter | Curves, width: int) -> list[str]:
    return [
        _text(width / 2, _TOP + _PANEL + 40, chart.x_label, anchor="middle"),
        _text(16, _TOP + _PANEL / 2, chart.y_label, anchor="middle", turn=-90),
    ]


def _scatter(chart: Scatter) -> tuple[int, int, list[str]]:
    x = bounds([v for panel in chart.panels for v in panel.x])
    y = bounds([v for panel in chart.panels for v in panel.y])
    if chart.diagonal:
        x = y = (min(x[0], y[0]), max(x[1], y[1]))
    step = _PANEL + _LEFT + 24
    width = step * max(len(chart.panels), 1) + 24
    parts = _labels(chart, width)
    for place, panel in enumerate(chart.panels):
        axes = _Axes(_LEFT + place * step, x, y)
        parts += axes.frame()
        if chart.diagonal:
            dash = 'stroke-dasharray="4 4"'
            parts.append(_line(axes.x(x[0]), axes.y(x[0]), axes.x(x[1]), axes.y(x[1]), _SOFT, dash))
        parts.append(_text(axes.left, _TOP - 8, f"{panel.title}   {panel.note}"))
        parts += [
            f'<circle cx="{axes.x(a):.1f}" cy="{axes.y(b):.1f}" r="2" fill="{_FILL}" fill-opacity="0.5"/>'
            for a, b in zip(panel.x, panel.y)
            if math.isfinite(a) and math.isfinite(b)
        ]
    return width, _TOP + _PANEL + 56, parts


def _curves(chart: Curves) -> tuple[int, int, list[str]]:
    step = _PANEL + _LEFT + 24
    width = step * max(len(chart.curves), 1) + 24
    parts = _labels(chart, width)
    for place, curve in enumerate(chart.curves):
        zero = (0.0,) if chart.zero else ()
        axes = _Axes(_LEFT + place * step, bounds(curve.x), bounds([*curve.y, *curve.low, *curve.high], zero))
        parts += axes.frame()
        parts.append(_text(axes.left, _TOP - 8, curve.title))
        if chart.zero:
            dash = 'stroke-dasharray="4 4"'
            parts.append(_line(axes.left, axes.y(0), axes.left + _PANEL, axes.y(0), _SOFT, dash))
        if curve.low and curve.high:
            band = [*zip(curve.x, curve.high), *reversed(list(zip(curve.x, curve.low)))]
            parts.append(f'<polygon points="{_points(axes, band)}" fill="{_FILL}" fill-opacity="0.18"/>')
        path = _points(axes, list(zip(curve.x, curve.y)))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{_FILL}" stroke-width="1.5"/>')
    return width, _TOP + _PANEL + 56, parts


def _points(axes: _Axes, points: Sequence[tuple[float, float]]) -> str:
    return " ".join(
        f"{axes.x(a):.1f},{axes.y(b):.1f}" for a, b in points if math.isfinite(a) and math.isfinite(b)
    )


def _forest(chart: Forest) -> tuple[int, int, list[str]]:
    ends = [v for row in chart.rows for v in (row.mean, row.low, row.high)]
    ends += [row.expected for row in chart.rows if row.expected is not None]
    low, high = bounds(ends, (0.0,) if chart.zero else ())
    label = 16 + 7 * max(len(clean(text)) for text in (chart.row_title, *(row.label for row in chart.rows)))
    plot, row_height = 360, 24
    width, bottom = label + plot + 220, 48 + row_height * len(chart.rows)

    def at(value: float) -> float:
        return label + (value - low) / (high - low) * plot

    parts = []
    if chart.zero:
        parts.append(_line(at(0), 40, at(0), bottom, _SOFT, 'stroke-dasharray="3 3"'))
    for place, row in enumerate(chart.rows):
        y = 56 + place * row_height
        parts.append(_text(label - 10, y + 4, row.label, anchor="end"))
        if math.isfinite(row.low) and math.isfinite(row.high):
            parts.append(_line(at(row.low), y, at(row.high), y, _INK, 'stroke-width="1.5"'))
            parts += [_line(at(end), y - 4, at(end), y + 4) for end in (row.low, row.high)]
        if row.expected is not None and math.isfinite(row.expected):
            x = at(row.expected)
            parts += [_line(x - 4, y - 4, x + 4, y + 4, _MINUS), _line(x - 4, y + 4, x + 4, y - 4, _MINUS)]
        if math.isfinite(row.mean):
            parts.append(f'<circle cx="{at(row.mean):.1f}" cy="{y}" r="4" fill="{_FILL}"/>')
        write = signed if chart.zero else number
        figures = f"{write(row.mean)} [{write(row.low)}, {write(row.high)}]"
        parts.append(_text(label + plot + 12, y + 4, figures))
    parts.append(_text(label - 10, bottom + 18, chart.row_title, anchor="end", colour=_SOFT))
    for value in ticks(low, high, 6):
        parts.append(_line(at(value), bottom, at(value), bottom + 4, _SOFT))
        parts.append(_text(at(value), bottom + 18, f"{value:.6g}", anchor="middle"))
    parts.append(_line(label, bottom, label + plot, bottom, _SOFT))
    parts.append(_text(label + plot / 2, bottom + 38, f"{chart.x_label}, 95% interval", anchor="middle"))
    return width, bottom + 52, parts


def _heat(chart: Heat) -> tuple[int, int, list[str]]:
    finite = [abs(v) for _, matrix in chart.panels for row in matrix for v in row if math.isfinite(v)]
    scale = max(finite, default=1.0) or 1.0
    size = max((len(matrix) for _, matrix in chart.panels), default=1)
    cell = min(max(240 // max(size, 1), 8), 48)
    step = size * cell + 32
    across = min(len(chart.panels), 3)
    parts = []
    for place, (title, matrix) in enumerate(chart.panels):
        left, top = 16 + (place % across) * step, 64 + (place // across) * (size * cell + 40)
        parts.append(_text(left, top - 8, title))
        for i, row in enumerate(matrix):
            for j, value in enumerate(row):
                x, y = left + j * cell, top + i * cell
                strength = min(abs(value) / scale, 1.0) if math.isfinite(value) else 0.0
                colour = _MINUS if value < 0 else _FILL
                parts.append(
                    f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="{colour}" '
                    f'fill-opacity="{strength:.3f}" stroke="{_SOFT}" stroke-width="0.4"/>'
                )
                if cell >= 30:
                    ink = "#ffffff" if strength > 0.6 else _INK
                    figure = number(value, 2)
                    parts.append(
                        _text(x + cell / 2, y + cell / 2 + 4, figure, anchor="middle", colour=ink, size=10)
                    )
    rows = math.ceil(len(chart.panels) / max(across, 1))
    bottom = 64 + rows * (size * cell + 40)
    parts.append(_text(16, bottom, f"blue positive, red negative, full at {number(scale)}"))
    return max(16 + across * step, 360), bottom + 20, parts
