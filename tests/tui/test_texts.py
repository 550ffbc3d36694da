"""Text from files is drawn as data, and numbers are written so that they can be read."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from regnet_tui.figures import age, bar, count, duration, interval, number, share, signed, size, with_error
from regnet_tui.safe_text import clean, cut, fit


@given(st.text())
def test_no_control_character_survives_cleaning(text: str) -> None:
    drawn = clean(text)
    assert all(character == " " or character.isprintable() for character in drawn)
    assert "\x1b" not in drawn


@given(st.text(max_size=60), st.integers(0, 40), st.booleans())
def test_fitted_text_is_exactly_as_wide_as_asked(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(clean(text), width, right)) == width


def test_escapes_are_made_visible_and_markup_is_left_alone() -> None:
    assert clean("\x1b[31mred\x1b[0m") == "␛[31mred␛[0m"
    assert clean("[bold]not bold[/bold]") == "[bold]not bold[/bold]"
    assert clean("a\tb\nc") == "a b c"


def test_characters_that_turn_the_direction_of_text_are_replaced() -> None:
    assert "\u202e" not in clean("abc\u202edef")
    assert "\ufeff" not in clean("\ufeffabc")


def test_stacks_of_combining_characters_are_cut_down() -> None:
    assert clean("e" + "\u0301" * 50) == "e\u0301\u0301"


def test_a_very_long_line_is_cut_and_says_by_how_much() -> None:
    assert clean("x" * 10_000).endswith("… (+8000 characters)")


def test_wide_characters_are_cut_at_cells_not_characters() -> None:
    assert cut("漢字漢字", 5) == "漢字…"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.81234, "0.812"),
        (12.3456, "12.35"),
        (-1234.5, "-1234"),
        (0.0, "0.000"),
        (0.00004, "4e-05"),
        (2.5e9, "2e+09"),
        (math.nan, "–"),
        (None, "–"),
        (7, "7"),
        (-math.inf, "-∞"),
    ],
)
def test_numbers_keep_the_digits_that_matter(value: object, text: str) -> None:
    assert number(value) == text


def test_means_errors_and_intervals_are_written_short() -> None:
    assert with_error(0.8123, 0.0041) == "0.812 ±.004"
    assert with_error(0.8123, math.nan) == "0.812"
    assert with_error(14.031, 0.533) == "14.03 ±.53"
    assert with_error(-3052.3, 8.93) == "-3052 ±9"
    assert signed(0.03) == "+0.030"
    assert interval(0.01, 0.02) == "0.010, 0.020"
    assert interval(math.nan, 0.02) == "–"
    assert share(0.876) == "88%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0117, "12 ms"),
        (0.0, "0.0 s"),
        (0.42, "0.4 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_spans_of_time_have_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_ages_sizes_counts_and_bars() -> None:
    assert (age(1), age(75), age(7200), age(None)) == ("now", "1 min", "2 h", "–")
    assert (size(900), size(2048), size(5e9)) == ("900 B", "2.0 KiB", "4.7 GiB")
    assert (count(1, "fit"), count(1200, "fit")) == ("1 fit", "1,200 fits")
    assert (bar(0, 4), bar(0.5, 4), bar(1, 4), bar(2, 4)) == ("────", "━━──", "━━━━", "━━━━")
