"""Which directory is the data directory?"""

from __future__ import annotations

from pathlib import Path

import pytest

from regnet.errors import InputError
from regnet.places import MARKER, VARIABLE, find_places, shipped_data


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def marked(path: Path) -> None:
    path.mkdir()
    (path / MARKER).touch()


def test_the_one_that_is_asked_for_comes_first_then_the_variable_then_a_marked_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked(tmp_path / "data")
    assert find_places().root == tmp_path / "data"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "variable"))
    assert find_places().root == tmp_path / "variable"
    assert find_places("asked").root == tmp_path / "asked"
    assert find_places("asked").why == "asked for by --data"


def test_a_data_folder_without_the_marker_is_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    root = find_places().root
    assert root != tmp_path / "data"
    assert root.is_relative_to(tmp_path / "home")


def test_asking_creates_nothing(tmp_path: Path) -> None:
    places = find_places("new")
    assert places.runs == tmp_path / "new" / "runs"
    assert not places.root.exists()


def test_the_rooms_are_all_in_the_data_directory_and_all_different() -> None:
    places = find_places("d")
    rooms = {getattr(places, name) for name in ("motif", "expression", "simulation", "stats", "runs")}
    rooms |= {places.presets, places.drafts}
    assert len(rooms) == 7
    assert {room.parent for room in rooms} == {places.root}


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="wanted a directory"):
        find_places("file")


def test_a_home_is_expanded(tmp_path: Path) -> None:
    assert find_places("~/runs").root == tmp_path / "home" / "runs"


def test_the_shipped_data_are_found_from_anywhere() -> None:
    names = {path.name for path in (shipped_data() / "motif").iterdir()}
    assert "yeast.tsv.gz" in names
