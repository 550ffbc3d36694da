"""Presets: the shipped ones are good, the user's own are kept safe."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from regnet.errors import InputError
from regnet.places import Places
from regnet.presets.preset_files import (
    delete_preset,
    duplicate_preset,
    export_preset,
    find_preset,
    import_preset,
    list_presets,
    load_study,
    rename_preset,
    save_preset,
)
from regnet.study import Study

SHIPPED = [preset.name for preset in list_presets(Places(Path("/nonexistent"), "a test")) if preset.shipped]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data", "a test")


def test_the_quickstart_comes_first_and_all_kinds_are_there() -> None:
    assert SHIPPED[0] == "quickstart"
    assert {"noise-like-the-signal", "scale-test"} < set(SHIPPED)
    assert any(name.startswith("original-") for name in SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_preset_is_a_study_that_bears_its_name_and_says_what_for(
    name: str, places: Places
) -> None:
    study = load_study(name, places)
    assert study.name == name
    assert 20 < len(study.note) <= 2000
    assert study.n_fits > 0
    assert {"Ridge", "LMM"} <= {method.kind for method in study.methods}


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.startswith("original-")])
def test_the_original_scenarios_have_the_originals_sizes(name: str, places: Places) -> None:
    for scenario in load_study(name, places).scenarios:
        assert (scenario.motifs, scenario.genes, scenario.tfs) == ("synthetic", 978, 623)


def test_default_stands_for_the_study_of_defaults(places: Places) -> None:
    assert load_study("default", places) == Study()


def test_a_saved_preset_is_private_bears_its_name_and_reads_back(places: Places) -> None:
    preset = save_preset(Study(conditions=[4, 8], note="mine"), "my study 2", places)
    assert load_study("my study 2", places) == Study(conditions=[4, 8], note="mine", name="my study 2")
    assert stat.S_IMODE(preset.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(places.presets.stat().st_mode) == 0o700
    assert list_presets(places)[-1] == preset


def test_a_preset_is_replaced_only_when_asked(places: Places) -> None:
    save_preset(Study(), "mine", places)
    with pytest.raises(InputError, match="which exists"):
        save_preset(Study(seed=2), "mine", places)
    save_preset(Study(seed=2), "mine", places, replace=True)
    assert load_study("mine", places).seed == 2


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../x",
        "a/b",
        "/etc/x",
        ".hidden",
        "x\x1b[2J",
        "x\n",
        "-rf",
        "default",
        "a" * 49,
        "x.",
        "x ",
        "~",
        "quickstart",
    ],
)
def test_no_name_leaves_the_directory_hides_or_takes_a_shipped_ones_place(name: str, places: Places) -> None:
    with pytest.raises(InputError, match="preset's name"):
        save_preset(Study(), name, places, replace=True)
    assert not places.root.exists() or not any(places.presets.iterdir())


def test_presets_are_renamed_duplicated_and_deleted(places: Places) -> None:
    save_preset(Study(seed=5), "one", places)
    rename_preset("one", "two", places)
    duplicate_preset("two", "three", places)
    duplicate_preset("quickstart", "four", places)
    delete_preset("two", places)
    own = [preset.name for preset in list_presets(places) if not preset.shipped]
    assert own == ["four", "three"]
    assert load_study("three", places) == Study(seed=5, name="three")


def test_a_failed_rename_loses_nothing(places: Places) -> None:
    save_preset(Study(seed=5), "one", places)
    save_preset(Study(seed=6), "two", places)
    with pytest.raises(InputError, match="which exists"):
        rename_preset("one", "two", places)
    assert [load_study(name, places).seed for name in ("one", "two")] == [5, 6]


def test_shipped_presets_are_neither_renamed_nor_deleted(places: Places) -> None:
    with pytest.raises(InputError, match="one of your own"):
        delete_preset("quickstart", places)
    with pytest.raises(InputError, match="one of your own"):
        rename_preset("quickstart", "x", places)
    assert find_preset("quickstart", places).path.is_file()


def test_a_preset_goes_out_as_toml_and_comes_back(places: Places, tmp_path: Path) -> None:
    save_preset(Study(conditions=6), "mine", places)
    path = export_preset("mine", tmp_path, places)
    assert path == tmp_path / "mine.toml"
    with pytest.raises(InputError, match="a new file"):
        export_preset("mine", path, places)
    export_preset("mine", path, places, replace=True, full=True)
    assert "genes = 978" in path.read_text()
    imported = import_preset(path, places, name="back")
    assert imported.read() == Study(conditions=6, name="back")


def test_an_own_preset_that_is_broken_is_listed_and_says_its_line(places: Places) -> None:
    places.presets.mkdir(parents=True)
    (places.presets / "bad.toml").write_text("conditions = 'x'\n")
    (places.presets / "\x1b[2J.toml").write_text("")
    listed = [preset for preset in list_presets(places) if not preset.shipped]
    assert [preset.name for preset in listed] == ["bad"]
    with pytest.raises(InputError, match="line 1, conditions"):
        listed[0].read()


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), (b"\xff\xfe", "UTF-8"), (b"x" * 5_000_000, "at most")]
)
def test_what_is_no_study_file_is_said(
    content: bytes | None, message: str, tmp_path: Path, places: Places
) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_study(str(path), places)


def test_an_unknown_name_lists_those_there_are(places: Places) -> None:
    with pytest.raises(InputError, match=r"default, a TOML file's path or a preset \(quickstart"):
        load_study("nonesuch", places)
