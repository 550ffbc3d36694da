"""The page for the original's users names every flag, and no option that there isn't."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from regnet.cli import full_parser
from regnet.cli.original_flags import FIT_FLAGS, SIMULATION_FLAGS
from regnet.files.legacy_classes import Name
from regnet.files.legacy_names import KINDS
from regnet.study import study_parameters

PAGE = (Path(__file__).parents[1] / "docs" / "from-the-original.md").read_text()


def section(title: str) -> str:
    """Return the text under a heading that begins so."""
    return PAGE.partition(f"## `{title}")[2].partition("\n## ")[0]


def options_of(command: str) -> set[str]:
    subparsers = next(
        action for action in full_parser(command)._actions if isinstance(action, argparse._SubParsersAction)
    )
    return set(subparsers.choices[command]._option_string_actions)


@pytest.mark.parametrize(
    ("title", "flags", "own"),
    [
        ("dataGeneration.sh", SIMULATION_FLAGS, SIMULATION_FLAGS),
        (
            "compLimix_withParam.sh",
            {**FIT_FLAGS, "-n": "cores"},
            {flag: name for flag, name in FIT_FLAGS.items() if flag not in SIMULATION_FLAGS},
        ),
    ],
)
def test_every_flag_is_explained_with_the_option_it_stands_for(
    title: str, flags: dict[str, str], own: dict[str, str]
) -> None:
    text = section(title)
    for flag in flags:
        assert re.search(rf"[` ]{flag}[` ]", text), flag
    for flag, name in own.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{flag} ")]
        assert study_parameters()[name].option in row


@pytest.mark.parametrize(
    ("title", "command"), [("dataGeneration.sh", "simulate"), ("compLimix_withParam.sh", "fit")]
)
def test_no_option_is_named_that_the_command_does_not_have(title: str, command: str) -> None:
    named = set(re.findall(r"--[a-z][a-z-]+", section(title)))
    assert named
    assert named <= options_of(command)


def test_every_kind_of_file_has_its_line() -> None:
    assert all(f"`{kind}_" in PAGE or f"/{kind}_" in PAGE for kind in KINDS)


def test_the_numbers_of_the_safe_reader_are_right() -> None:
    from regnet.files.legacy_pickle import _Machine

    assert len(_Machine._INSTRUCTIONS) + 1 == 18  # and the end
    assert "the eighteen instructions" in PAGE
    assert len(Name) == 14
    assert "fourteen names" in PAGE
