"""A name or path stands for one file, and an unknown one for a list of those there are."""

from pathlib import Path

import pytest

from regnet.errors import InputError
from regnet.files.table_names import find_table, table_names
from regnet.places import Places, shipped_data


@pytest.fixture
def places(tmp_path):
    own = Places(tmp_path / "data", "for a test")
    own.motif.mkdir(parents=True)
    (own.motif / "mine.csv").write_text("x")
    (own.motif / "mine.v2.tsv.gz").write_text("x")
    (own.motif / "notes.md").write_text("x")
    (own.motif / "folder.tsv").mkdir()
    return own


def test_names_are_those_shipped_and_the_users_own(places):
    assert table_names("motif", places) == ("mine", "mine.v2", "yeast")
    assert table_names("expression", places) == ("yeast",)


def test_a_name_finds_its_file_with_or_without_its_ending(places):
    for name in ("mine", "mine.csv"):
        assert find_table(name, "motif", places) == places.motif / "mine.csv"
    assert find_table("yeast", "motif", places) == shipped_data() / "motif" / "yeast.tsv.gz"


def test_the_users_own_table_comes_before_a_shipped_one(places):
    (places.motif / "yeast.tsv").write_text("x")
    assert find_table("yeast", "motif", places) == places.motif / "yeast.tsv"


def test_shipped_tables_are_found_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_table("yeast", "expression", Places(tmp_path / "none", "for a test")).is_file()


def test_what_is_no_name_is_a_path(places, tmp_path, monkeypatch):
    (tmp_path / "here.tsv").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert find_table("here.tsv", "motif", places) == Path("here.tsv")
    assert find_table(tmp_path / "here.tsv", "motif", places) == tmp_path / "here.tsv"


@pytest.mark.parametrize("unknown", ["yeats", "no/such/file.tsv", "../yeast", "x" * 5000])
def test_an_unknown_name_lists_the_known_ones(places, unknown):
    with pytest.raises(InputError) as caught:
        find_table(unknown, "motif", places)
    message = str(caught.value)
    assert message.startswith(
        "motifs: wanted a file, or the name of a table (there are: mine, mine.v2, yeast)"
    ) or ("File name too long" in message)
    assert len(message) < 250


@pytest.mark.parametrize("empty", ["", "  ", "a\0b"])
def test_nothing_is_no_name(places, empty):
    with pytest.raises(InputError, match="motifs: wanted a file or a table's name"):
        find_table(empty, "motif", places)


def test_a_directory_is_no_table(places, tmp_path):
    with pytest.raises(InputError, match="wanted a file, found a directory"):
        find_table(tmp_path, "motif", places)
