"""The filter language of run lists."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regnet.errors import InputError
from regnet.row_filter import Row, read_filter

ROW: Row = {
    "name": "Quick look",
    "state": "finished",
    "conditions": (4, 8),
    "signal_fraction": (0.2,),
    "perturb": True,
    "seed": 7,
    "note": None,
}


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("", True),
        ("conditions>4", True),
        ("conditions>8", False),
        ("conditions>=8", True),
        ("conditions<4", False),
        ("conditions<=4", True),
        ("conditions=8", True),
        ("conditions!=8", False),
        ("conditions:4", True),
        ("signal-fraction=0.20", True),
        ("state:fin", True),
        ("state=fin", False),
        ("state=FINISHED", True),
        ("perturb:yes", True),
        ("perturb=no", False),
        ("look", True),
        ("LOOK", True),
        ("0.2", True),
        ("nothing", False),
        ("name:'quick look'", True),
        ("conditions>4 state:finished", True),
        ("conditions>4 state:lost", False),
        ("note:x", False),
        ("note>1", False),
    ],
)
def test_a_row_passes_exactly_if_every_term_fits(text: str, passes: bool) -> None:
    assert read_filter(text, ROW).passes(ROW) is passes


def test_words_of_a_command_line_are_terms_as_they_are() -> None:
    assert read_filter(["name:quick look", "conditions>4"], ROW).passes(ROW)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("condition>4", "did you mean conditions"),
        ("conditions>four", "a number after >"),
        ("state:", "a value after :"),
        ("'open", "quotes in pairs"),
    ],
)
def test_what_is_no_filter_is_said(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_filter(text, ROW)


@given(st.text())
def test_any_text_is_a_filter_or_one_clear_error(text: str) -> None:
    with contextlib.suppress(InputError):
        assert read_filter(text, ROW).passes(ROW) in (True, False)
