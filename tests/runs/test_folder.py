"""A run's folder is private, is found by what a user types, and nothing outside it is ever touched."""

from __future__ import annotations

import os
import re
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import ended, small_study

from regnet import Execution, InputError, Study
from regnet.places import Places, find_places
from regnet.runs.arrays import read_arrays
from regnet.runs.folder import (
    RunFolder,
    create_run,
    delete_run,
    find_run,
    read_record,
    rename_run,
    run_ids,
    update_record,
)
from regnet.runs.launch import launch
from regnet.runs.lock import take
from regnet.runs.state import state_of


def test_the_study_is_written_with_every_parameter_and_reads_back_equal(
    folder: RunFolder, study: Study
) -> None:
    assert folder.study() == study
    text = folder.study_file.read_text()
    for name in study.values:
        assert f"\n{name} = " in text
    assert "command: regnet run" in text
    for package in ("numpy", "scipy", "joblib"):
        assert f"{package} {version(package)}" in text
    assert re.search(rf"# \d+ of {os.cpu_count()} processors, ", text)


def test_the_record_says_where_when_and_how(folder: RunFolder, places: Places) -> None:
    record = folder.record()
    assert record["methods"] == ["Ridge", "LMM"]
    assert (record["scenarios"], record["replicates"], record["seed"]) == (2, 6, 1)
    assert record["data"] == str(places.root)
    assert folder.execution() == Execution(jobs=1)


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "a\nb", "é—☃", "..", "", "CON" * 90, "x\x00y"])
def test_no_name_leaves_the_data_directory(name: str, places: Places) -> None:
    folder = create_run(small_study(), Execution(), places, name=name)
    assert folder.path.parent == places.runs
    assert folder.path.resolve().parent == places.runs.resolve()
    assert run_ids(places.runs) == [folder.id]


def test_a_folder_is_private_unless_asked_otherwise(places: Places) -> None:
    private = create_run(small_study(), Execution(), places)
    shared = create_run(small_study(), Execution(), places, private=False)
    assert private.path.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in private.path.iterdir()} == {0o600}
    assert shared.path.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in shared.path.iterdir()} == {0o644}


def test_a_run_is_found_by_id_by_a_part_of_it_by_path_and_as_the_last(places: Places) -> None:
    first = create_run(small_study(), Execution(), places, name="first")
    second = create_run(small_study(), Execution(), places, name="second")
    assert find_run(places, first.id) == first
    assert find_run(places, "second") == second
    assert find_run(places, str(first.path)).path == first.path.resolve()
    assert find_run(places, "last") == second
    with pytest.raises(InputError, match="2 that match"):
        find_run(places, "-")
    for text in ("nothing", "", "..", "../..", "/etc", str(places.root)):
        with pytest.raises(InputError):
            find_run(places, text)


def test_deleting_removes_links_without_following_them(folder: RunFolder, tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").write_text("gold")
    (folder.path / "arrays").symlink_to(treasure)
    (folder.path / "file").symlink_to(treasure / "gold")
    delete_run(folder)
    assert not folder.path.exists()
    assert (treasure / "gold").read_text() == "gold"
    assert list(folder.path.parent.glob(".deleted*")) == []


def test_a_link_to_a_run_and_a_folder_that_is_none_are_left_alone(folder: RunFolder, places: Places) -> None:
    link = places.runs / "link"
    link.symlink_to(folder.path)
    with pytest.raises(InputError, match="left alone"):
        delete_run(RunFolder(link))
    (places.runs / "other").mkdir()
    with pytest.raises(InputError, match="left alone"):
        delete_run(RunFolder(places.runs / "other"))
    assert run_ids(places.runs) == [folder.id, "other"] or run_ids(places.runs) == ["other", folder.id]


def test_a_run_that_is_alive_is_not_deleted(folder: RunFolder) -> None:
    lock = take(folder.lock, folder.heartbeat)
    with pytest.raises(InputError, match="stop it first"):
        delete_run(folder)
    lock.release()
    delete_run(folder)


def test_renaming_changes_the_name_and_not_the_folder(folder: RunFolder) -> None:
    rename_run(folder, "  a better name ")
    assert folder.record()["name"] == "a better name"
    for name in ("", "x" * 101, "two\nlines", "\x1b[31m"):
        with pytest.raises(InputError):
            rename_run(folder, name)


@given(st.binary(max_size=200))
def test_any_bytes_as_a_record_are_a_record_or_none(noise: bytes) -> None:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"record-{os.getpid()}.json"
    path.write_bytes(noise)
    try:
        record = read_record(path)
    finally:
        path.unlink()
    assert record is None or isinstance(record, dict)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 50_000, "x" * 2_000_000, '{"format": 99}', "[]", "{", ""],
    ids=["deep list", "deep object", "too long", "other format", "list", "torn", "empty"],
)
def test_a_hostile_record_is_one_clear_line(folder: RunFolder, text: str) -> None:
    folder.record_file.write_text(text)
    with pytest.raises(InputError) as error:
        folder.record()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    ["a" * 2_000_000, "x = " + "[" * 50_000, "\xff", "name = 3\n[[", "[a.b]\nc = 1"],
    ids=["too long", "deep", "no UTF-8", "torn", "tables"],
)
def test_a_hostile_study_is_one_clear_line(folder: RunFolder, text: str) -> None:
    folder.study_file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as error:
        folder.study()
    assert "\n" not in str(error.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_data_directory_that_cannot_be_written_is_said_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    with pytest.raises(InputError, match="--data"):
        create_run(small_study(), Execution(), find_places(tmp_path / "data"))


def test_a_data_directory_below_a_file_is_said_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--data"):
        create_run(small_study(), Execution(), find_places(tmp_path / "file" / "data"))


def test_motif_files_are_named_by_whole_paths_and_missing_ones_refused_at_once(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.tsv").write_text("\tA\ng1\t1\n")
    monkeypatch.chdir(tmp_path)
    folder = create_run(small_study(motifs=["mine.tsv", "yeast", "synthetic"]), Execution(), places)
    assert folder.study().values["motifs"] == (str(tmp_path / "mine.tsv"), "yeast", "synthetic")
    with pytest.raises(InputError, match=r"motifs: .*'other\.tsv'"):
        create_run(small_study(motifs="other.tsv"), Execution(), places)
    assert run_ids(places.runs) == [folder.id]


def test_a_run_holds_its_matrix_and_needs_the_file_no_more(places: Places, tmp_path: Path) -> None:
    path = tmp_path / "K.tsv"
    path.write_text("1\t0.5\t0\n0.5\t1\t0\n0\t0\t2\n")
    study = small_study(signal_model=["fixed", "id"], signal_matrix=path)
    folder = create_run(study, Execution(), places)
    path.write_text("4\t0\t0\n0\t4\t0\n0\t0\t4\n")
    other = create_run(study, Execution(), places)
    path.unlink()
    assert folder.study().values["signal_matrix"] == ("1 0.5 0; 0.5 1 0; 0 0 2",)
    assert f"# signal_matrix as it stood in {path}\n" in folder.study_file.read_text()
    identities = [one.record()["study"] for one in (folder, other)]
    assert identities == [one.study().identity() for one in (folder, other)]
    assert identities[0] != identities[1]
    with pytest.raises(InputError, match="signal_matrix: wanted a file"):
        create_run(study, Execution(), places)
    assert sorted(run_ids(places.runs)) == sorted([folder.id, other.id])
    launch(folder)
    assert ended(folder).name == "finished"
    found = read_arrays(folder, 0, 0)["LMM fixed/signal_covariance"]
    np.testing.assert_allclose(found / found[0, 0], [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 2]], atol=1e-12)


@pytest.mark.parametrize("execution", [3, None, [], {"jobs": -1}, {"unknown": 1}, {"jobs": {}}])
def test_hostile_settings_of_execution_are_one_clear_line(folder: RunFolder, execution: object) -> None:
    update_record(folder, execution=execution)
    with pytest.raises(InputError, match="execution"):
        folder.execution()


def test_a_new_run_is_waiting_for_its_runner(folder: RunFolder) -> None:
    assert state_of(folder).name == "queued"
