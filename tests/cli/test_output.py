"""What is printed: aligned, and harmless whatever it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regnet.cli.output import LONGEST, harmless, size_in_words, table, time_in_words, width_of


@given(st.text())
def test_any_text_becomes_one_printable_line_that_utf8_can_hold(text: str) -> None:
    line = harmless(text)
    assert line.isprintable()
    line.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Σ → ok", "plain Σ → ok"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202eevil", "\\u202eevil"),
        ("\ud800", "\\ud800"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
    ],
)
def test_what_could_do_harm_is_spelled_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_a_very_long_line_is_cut_and_says_by_how_much() -> None:
    assert harmless("x" * 10_000) == "x" * LONGEST + "… (+8000 characters)"


def test_columns_are_aligned_by_cells_not_characters() -> None:
    lines = table(["name", "n"], [["日本", 1], ["e\u0301", 22], ["abc", 333]], "lr")
    assert lines == ["name    n", "日本    1", "e\u0301      22", "abc   333"]
    assert {width_of(line) for line in lines} == {9}


def test_sizes_and_times_are_told_in_words() -> None:
    assert [size_in_words(n) for n in (0, 999, 1500, 2e6, 123e9, 5e12)] == [
        *("0 bytes", "999 bytes", "1.5 kB", "2.0 MB", "123 GB", "5.0 TB")
    ]
    assert [time_in_words(n) for n in (0.25, 12, 200, 7500)] == ["0.2 s", "12 s", "3 min 20 s", "2 h 5 min"]
