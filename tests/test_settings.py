"""Settings of a data directory: each part's own, tolerant of what lies there, never half written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regnet.errors import InputError
from regnet.places import Places
from regnet.runs.queue import runs_at_once, set_runs_at_once
from regnet.settings import remember, setting


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data", "for a test")


def test_what_one_part_writes_leaves_the_others_values_alone(places: Places) -> None:
    remember(places, "theme", "regnet-light")
    set_runs_at_once(places, 3)
    remember(places, "theme", "ansi")
    assert (setting(places, "theme"), runs_at_once(places)) == ("ansi", 3)


def test_values_of_a_later_version_are_kept(places: Places) -> None:
    places.root.mkdir()
    (places.root / "settings.json").write_text('{"later": {"a": [1]}}')
    remember(places, "theme", "ansi")
    assert json.loads((places.root / "settings.json").read_text()) == {"later": {"a": [1]}, "theme": "ansi"}


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 99_999, "\x00"])
def test_a_damaged_file_holds_nothing_and_is_replaced(places: Places, text: str) -> None:
    places.root.mkdir()
    (places.root / "settings.json").write_text(text)
    assert setting(places, "theme") is None
    remember(places, "theme", "ansi")
    assert setting(places, "theme") == "ansi"


def test_a_directory_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="wanted a directory that can be written"):
        remember(Places(tmp_path / "file", "for a test"), "theme", "ansi")
