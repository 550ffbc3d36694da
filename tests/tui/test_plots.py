"""Pictures fit their space, show what they are given, and are saved as files that a browser reads."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from regnet_tui.plots import (
    Chart,
    Curve,
    Curves,
    Forest,
    Heat,
    Interval,
    Notice,
    Panel,
    Scatter,
    bounds,
    draw,
    shade,
    ticks,
)
from regnet_tui.plots_svg import to_svg

HOSTILE = "</text><script>alert(1)</script>\x1b[31m & \u202e"
CHARTS: dict[str, Chart] = {
    "scatter": Scatter(HOSTILE, "true", "est", [Panel("Ridge", [0.0, 1.0, math.nan], [0.5, 1.0, 2.0], "r")]),
    "forest": Forest(
        "LMM − Ridge",
        "difference",
        [
            Interval("C=4", 0.03, 0.01, 0.05, 0.02, "good"),
            Interval(HOSTILE, -0.02, -0.04, 0.0),
            Interval("too few", math.nan, math.nan, math.nan),
        ],
    ),
    "heat": Heat("V", [("true", [[1.0, -0.5], [-0.5, 1.0]]), ("estimated", [[0.9, math.nan], [0.1, 0.8]])]),
    "curves": Curves(
        "running", "n", "mean", [Curve("LMM", [1, 2, 3], [3, 2, 1], [2, 1, 0], [4, 3, 2])], True
    ),
    "notice": Notice("", "nothing yet"),
    "empty scatter": Scatter("x", "a", "b", []),
    "empty forest": Forest("x", "a", []),
    "empty heat": Heat("x", []),
    "empty curves": Curves("x", "a", "b", []),
}


def lines_of(chart: Chart, width: int, height: int) -> list[str]:
    return ["".join(text for text, _ in line) for line in draw(chart, width, height)]


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("size", [(20, 6), (80, 20), (200, 60)])
def test_every_picture_stays_within_its_space(name: str, size: tuple[int, int]) -> None:
    lines = lines_of(CHARTS[name], *size)
    assert 0 < len(lines) <= size[1]
    assert all(cell_len(line) <= size[0] for line in lines)
    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize("name", CHARTS)
def test_every_picture_is_saved_as_well_formed_svg_without_live_parts(name: str) -> None:
    root = ElementTree.fromstring(to_svg(CHARTS[name]))
    assert root.tag.endswith("svg")
    assert not [node for node in root.iter() if node.tag.endswith("script")]
    assert "nan" not in to_svg(CHARTS[name]).lower().replace("nothing", "")


def test_a_forest_puts_marks_where_the_values_are() -> None:
    chart = Forest("d", "d", [Interval("a", -1.0, -1.0, -1.0), Interval("b", 1.0, 1.0, 1.0, expected=0.0)])
    first, second = lines_of(chart, 60, 10)[1:3]
    assert first.index("●") < first.index("┊")
    assert second.index("x") < second.index("●")
    assert first.index("┊") == second.index("x")  # zero is where the expected zero is


def test_a_forest_says_how_many_rows_it_has_no_room_for() -> None:
    chart = Forest("d", "d", [Interval(str(i), 0.1, 0.0, 0.2) for i in range(30)])
    assert "more rows" in lines_of(chart, 80, 12)[-1]


def test_a_heat_map_bears_its_numbers_and_shades_by_size() -> None:
    text = "\n".join(lines_of(CHARTS["heat"], 60, 10))
    assert "1.00" in text
    assert "-.50" in text
    assert [shade(value, 1.0) for value in (0.0, 0.3, -0.5, 1.0)] == [" ", "░", "▒", "█"]
    assert shade(math.nan, 1.0) == "?"


def test_dots_rise_to_the_right_for_a_rising_series() -> None:
    values = [i / 50 for i in range(51)]
    lines = lines_of(Scatter("", "x", "y", [Panel("", values, values)], diagonal=False), 60, 20)
    first_dots = [
        min(column for column, character in enumerate(line) if 0x2800 < ord(character) < 0x2900)
        for line in lines
        if any(0x2800 < ord(character) < 0x2900 for character in line)
    ]
    assert len(first_dots) > 5
    assert first_dots == sorted(first_dots, reverse=True)


@given(
    st.floats(-1e9, 1e9, allow_subnormal=False),
    st.floats(1e-6, 1e9),
    st.integers(2, 12),
)
@settings(max_examples=100)
def test_ticks_are_round_within_the_range_and_not_too_many(low: float, span: float, most: int) -> None:
    high = low + span * max(abs(low), 1.0)  # a span that numbers of this size can tell apart
    span = high - low
    found = ticks(low, high, most)
    assert len(found) <= most + 1
    assert all(low - span * 0.01 <= tick <= high + span * 0.01 for tick in found)


def test_bounds_leave_room_and_never_collapse() -> None:
    assert bounds([1.0, 1.0]) == pytest.approx((0.9, 1.1))
    assert bounds([math.nan]) == (0.0, 1.0)
    low, high = bounds([0.5, 1.0], include=(0.0,))
    assert low < 0.0 < 1.0 < high
