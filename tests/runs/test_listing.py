"""Lists of runs are quick, private and never wrong for being remembered."""

from __future__ import annotations

import json
import time

from small_runs import small_study

from regnet import Execution
from regnet.places import Places
from regnet.runs.events import EventLog
from regnet.runs.folder import RunFolder, create_run, delete_run, rename_run
from regnet.runs.listing import list_runs
from regnet.runs.lock import take


def made(places: Places, name: str, last: str | None = "finished", done: int = 12) -> RunFolder:
    folder = create_run(small_study(), Execution(), places, name=name, command=["regnet", "run"])
    take(folder.lock, folder.heartbeat).release()
    if last:
        log = EventLog(folder.events)
        log.append((last, {"done": done, "failed": 0}))
        log.close()
    return folder


def test_an_empty_data_directory_has_no_runs(places: Places) -> None:
    assert list_runs(places) == []


def test_runs_come_newest_first_with_state_progress_host_and_age(places: Places) -> None:
    made(places, "first")
    made(places, "second", "stopped", 5)
    newest, oldest = list_runs(places)
    assert (newest.name, newest.state.name, newest.state.done, newest.state.total) == (
        "second",
        "stopped",
        5,
        12,
    )
    assert (oldest.name, oldest.state.name) == ("first", "finished")
    assert newest.methods == ("Ridge", "LMM")
    assert 0 <= newest.age < 60
    assert json.loads(json.dumps(newest.as_fields()))["id"] == newest.id


def test_what_is_remembered_is_noticed_when_it_changes(places: Places) -> None:
    folders = [made(places, f"run {number}") for number in range(25)]
    assert len(list_runs(places)) == 25
    assert (places.runs / ".index.json").is_file()
    assert (places.runs / ".index.json").stat().st_mode & 0o777 == 0o600
    rename_run(folders[3], "renamed")
    log = EventLog(folders[4].events)
    log.append(("log", {"done": 12, "failed": 7}))
    log.close()
    delete_run(folders[5])
    again = {info.id: info for info in list_runs(places)}
    assert len(again) == 24
    assert again[folders[3].id].name == "renamed"
    assert again[folders[4].id].state.failed == 7


def test_a_damaged_or_lying_index_changes_nothing(places: Places) -> None:
    for number in range(25):
        made(places, f"run {number}")
    before = list_runs(places)
    index = places.runs / ".index.json"
    for text in ("", "{", "[]", '{"format": 1, "runs": 3}', "[" * 100_000, '{"format": 1, "runs": {"x": 1}}'):
        index.write_text(text)
        assert [info.id for info in list_runs(places)] == [info.id for info in before]


def test_folders_that_hold_no_run_are_left_out(places: Places) -> None:
    folder = made(places, "real")
    (places.runs / "empty").mkdir()
    (places.runs / "file").touch()
    (places.runs / ".hidden").mkdir()
    (places.runs / "link").symlink_to(folder.path)
    (places.runs / "broken").mkdir()
    (places.runs / "broken/run.json").write_text('{"name": 3}')
    assert [info.id for info in list_runs(places)] == [folder.id]


def test_a_thousand_runs_are_listed_within_a_fifth_of_a_second_once_they_are_known(places: Places) -> None:
    template = made(places, "template")
    record, log, lock = (path.read_bytes() for path in (template.record_file, template.events, template.lock))
    for number in range(1_000):
        path = places.runs / f"2026-01-01-many-{number:05d}"
        path.mkdir()
        (path / "run.json").write_bytes(record)
        (path / "events.jsonl").write_bytes(log)
        (path / "runner.lock").write_bytes(lock)
    start = time.process_time()
    assert len(list_runs(places)) == 1_001
    cold = time.process_time() - start
    start = time.process_time()
    assert len(list_runs(places)) == 1_001
    warm = time.process_time() - start
    assert warm < 0.2
    assert cold < 1.0
