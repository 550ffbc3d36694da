"""A runner writes down everything, once, whatever becomes of its workers, its disk and its folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from crews_for_tests import FakeCrew, made_up, raised, raised_in, refused

from regnet import Execution, InputError, Study
from regnet.cli import main
from regnet.runs.crews import WorkerDied
from regnet.runs.events import read_events
from regnet.runs.folder import RunFolder, update_record
from regnet.runs.lock import LockLost, take
from regnet.runs.replay import Replay
from regnet.runs.runner import Runner
from regnet.runs.state import state_of
from regnet.runs.worker import Result, Task

Answer = Callable[[Task], Result]


def carry_out(folder: RunFolder, answer: Answer, *, width: int = 2, **settings: Any) -> FakeCrew:
    """Let a runner in this process do the run with a crew that answers as told."""
    crew = FakeCrew(answer, width)
    lock = take(folder.lock, folder.heartbeat)
    runner = Runner(folder, lock, make_crew=lambda *_: crew, **{"write": settings.pop("write", os.write)})
    try:
        runner.carry_out(**settings)
    finally:
        runner.leave()
    return crew


def replay(folder: RunFolder) -> Replay:
    made = Replay(folder, use_rows_file=False)
    made.update()
    return made


def recorded(folder: RunFolder) -> list[tuple[int, int]]:
    return [
        (event["scenario"], event["replicate"])
        for event in read_events(folder.events)[0]
        if event["event"] == "replicate"
    ]


LABELS = ("Ridge", "LMM")
ALL = [(scenario, replicate) for scenario in range(2) for replicate in range(6)]


def test_everything_is_recorded_once_and_the_run_is_finished(folder: RunFolder) -> None:
    carry_out(folder, lambda task: made_up(task, LABELS))
    assert sorted(recorded(folder)) == ALL
    state = state_of(folder)
    assert (state.name, state.done, state.total, state.failed) == ("finished", 12, 12, 0)
    assert folder.summary_csv.is_file()
    assert len(folder.replicates_csv.read_text().splitlines()) == 1 + 2 * len(ALL)


def test_a_replicate_that_kills_its_worker_is_tried_once_more_and_then_recorded_as_failed(
    folder: RunFolder,
) -> None:
    def answer(task: Task) -> Result:
        if task == Task(0, 3):
            raise WorkerDied("killed by signal 9")
        return made_up(task, LABELS)

    crew = carry_out(folder, answer, width=4)
    assert crew.given.count(Task(0, 3)) == 2
    assert sorted(recorded(folder)) == ALL
    rows = replay(folder)
    assert rows.failures == {"Ridge": 1, "LMM": 1}
    failed = [row for row in rows.rows if row.status == "failed"]
    assert {(row.scenario, row.replicate) for row in failed} == {(0, 3)}
    assert "its worker died, twice: killed by signal 9" in failed[0].reason
    assert state_of(folder).name == "finished with failures"


def test_replicates_that_went_down_with_anothers_worker_are_computed_after_all(folder: RunFolder) -> None:
    deaths = iter([True])

    def answer(task: Task) -> Result:
        if task == Task(1, 0) and next(deaths, False):
            raise WorkerDied("out of memory")
        return made_up(task, LABELS)

    carry_out(folder, answer, width=6)
    assert sorted(recorded(folder)) == ALL
    assert replay(folder).failures == {"Ridge": 0, "LMM": 0}
    assert any("tried once more" in line.text for line in replay(folder).log)


def test_a_run_whose_workers_all_die_stops_instead_of_failing_every_replicate(folder: RunFolder) -> None:
    def answer(task: Task) -> Result:
        raise WorkerDied("no memory at all")

    carry_out(folder, answer)
    state = state_of(folder)
    assert state.name == "stopped"
    assert "workers keep dying" in state.reason
    assert state.done < 6


def test_a_replicate_that_raises_is_recorded_with_its_reason_and_the_study_goes_on(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out(folder, lambda task: (raised if task == Task(0, 1) else made_up)(task, LABELS))
    assert sorted(recorded(folder)) == ALL
    (row, _) = [row for row in replay(folder).rows if row.status == "failed"]
    assert row.reason == "KeyError: 'x'"
    assert "scenario 0, replicate 1 raised" in capsys.readouterr().err
    assert any("regnet replay" in line.text for line in replay(folder).log)


def test_a_method_that_raises_is_counted_and_the_others_results_are_kept(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out(folder, lambda task: raised_in("LMM", task, LABELS))
    assert sorted(recorded(folder)) == ALL
    assert replay(folder).failures == {"Ridge": 0, "LMM": len(ALL)}
    assert state_of(folder).name == "finished with failures"
    assert "Traceback of one" in capsys.readouterr().err
    assert [
        line.text for line in replay(folder).log if line.level == "error" and "each of the first" in line.text
    ]


def test_a_scenario_that_cannot_be_prepared_is_refused_replicate_by_replicate(folder: RunFolder) -> None:
    crew = carry_out(folder, lambda task: (refused if task.scenario == 0 else made_up)(task, LABELS))
    assert sorted(recorded(folder)) == ALL
    statuses = {(row.scenario, row.status) for row in replay(folder).rows}
    assert statuses == {(0, "refused"), (1, "ok")}
    assert len([task for task in crew.given if task.scenario == 0]) <= 2


def test_a_stop_flag_ends_the_run_between_replicates_and_a_resume_computes_only_the_rest(
    folder: RunFolder,
) -> None:
    def answer(task: Task) -> Result:
        if task == Task(0, 4):
            folder.stop_flag.touch()
        return made_up(task, LABELS)

    carry_out(folder, answer)
    before = recorded(folder)
    assert 0 < len(before) < len(ALL)
    assert (state_of(folder).name, state_of(folder).reason) == ("stopped", "asked to")
    assert not folder.stop_flag.exists()
    crew = carry_out(folder, lambda task: made_up(task, LABELS))
    assert sorted((task.scenario, task.replicate) for task in crew.given) == sorted(set(ALL) - set(before))
    assert sorted(recorded(folder)) == ALL
    assert [start["event"] for start in replay(folder).starts] == ["started", "resumed"]


def test_a_damaged_line_is_reported_with_its_number_and_its_replicate_computed_again(
    folder: RunFolder,
) -> None:
    carry_out(folder, lambda task: made_up(task, LABELS))
    lines = folder.events.read_bytes().splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if b'"replicate": 2' in line)
    lines[place] = lines[place].replace(b"pearson", b"paerson")
    folder.events.write_bytes(b"".join(lines[:-1]) + lines[-1][:25])
    crew = carry_out(folder, lambda task: made_up(task, LABELS))
    assert crew.given == [Task(0, 2)]
    texts = [line.text for line in replay(folder).log]
    assert any(f"line {place} of the log is damaged" in text for text in texts)
    assert any("torn (25 bytes)" in text for text in texts)
    assert [damage.line for damage in replay(folder).damages] == [place]
    assert state_of(folder).name == "finished"


def test_a_full_disk_stops_the_run_with_whole_lines_and_it_resumes_with_room(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regnet.runs.recorder.HELD", 0.0)  # each result is written by itself
    room = [4_000]

    def write(descriptor: int, text: bytes) -> int:
        if not (folder.path / "reserve").exists():
            return os.write(descriptor, text)  # the reserve was given back: a little room
        if not room[0]:
            raise OSError(28, "No space left on device")
        taken = os.write(descriptor, text[: room[0]])
        room[0] -= taken
        return taken

    carry_out(folder, lambda task: made_up(task, LABELS), write=write)
    state = state_of(folder)
    assert (state.name, state.reason) == ("stopped", "can't write: No space left on device")
    assert 0 < state.done < 12
    assert read_events(folder.events)[1] == []
    carry_out(folder, lambda task: made_up(task, LABELS))
    assert sorted(recorded(folder)) == ALL


def test_a_folder_that_is_deleted_under_the_runner_is_not_made_again(folder: RunFolder) -> None:
    def answer(task: Task) -> Result:
        if task == Task(0, 3):
            shutil.rmtree(folder.path)
        result = made_up(task, LABELS)
        import numpy as np

        result.arrays = {"effects": np.zeros((2, 2))}
        return result

    carry_out(folder, answer)
    assert not folder.path.exists()


def test_a_runner_whose_lock_was_taken_over_writes_nothing_more(folder: RunFolder) -> None:
    def answer(task: Task) -> Result:
        if task == Task(0, 3):
            text = folder.lock.read_text().replace('"host": "', '"host": "elsewhere-')
            folder.lock.write_text(text)
            runner._last_beat = 0.0
        return made_up(task, LABELS)

    lock = take(folder.lock, folder.heartbeat)
    runner = Runner(folder, lock, make_crew=lambda *_: FakeCrew(answer))
    with pytest.raises(LockLost, match="elsewhere"):
        runner.carry_out()
    assert set(recorded(folder)) <= {(0, 0), (0, 1), (0, 2), (0, 3)}


def test_a_resume_under_other_versions_is_refused_unless_forced_and_then_marked(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(task: Task) -> Result:
        if task == Task(0, 1):
            folder.stop_flag.touch()
        return made_up(task, LABELS)

    carry_out(folder, answer)
    monkeypatch.setattr("regnet.runs.environment.version", lambda package: "0.0.1")
    with pytest.raises(InputError, match=r"numpy .*, now 0\.0\.1"):
        carry_out(folder, answer)
    carry_out(folder, lambda task: made_up(task, LABELS), force=True)
    assert sorted(recorded(folder)) == ALL
    assert "now 0.0.1" in replay(folder).starts[1]["forced"]
    assert any("resumed by force" in line.text for line in replay(folder).log)
    for use_rows_file in (True, False):  # also by the compact copy that most readers take
        marked = Replay(folder, use_rows_file=use_rows_file)
        marked.update()
        (forced,) = marked.forced
        assert "now 0.0.1" in forced
    capsys.readouterr()
    main(["runs", "show", str(folder.path)])
    main(["runs", "show", str(folder.path), "--json"])
    shown = capsys.readouterr().out
    assert re.search(r"computed under several versions: .*numpy .*, now 0\.0\.1", shown)
    assert f'"{forced}"' in shown


def test_other_cores_per_fit_on_resume_are_allowed_and_said(folder: RunFolder) -> None:
    def answer(task: Task) -> Result:
        if task == Task(0, 1):
            folder.stop_flag.touch()
        return made_up(task, LABELS)

    carry_out(folder, answer)
    update_record(folder, execution={"jobs": 1, "cores": 2})
    carry_out(folder, lambda task: made_up(task, LABELS))
    assert any("1 cores per fit, now 2" in line.text for line in replay(folder).log)


def test_progress_counts_what_is_recorded_and_prices_the_rest_by_scenario(
    study: Study, folder: RunFolder
) -> None:
    def answer(task: Task) -> Result:
        if task == Task(1, 2):
            folder.stop_flag.touch()
        result = made_up(task, LABELS)
        result.seconds = 1.0 if task.scenario == 0 else 3.0
        return result

    carry_out(folder, answer)
    progress = replay(folder).progress()
    assert (progress.total, progress.failed) == (12, 0)
    assert 8 <= progress.done < 12
    assert progress.fraction == progress.done / 12
    assert progress.remaining is not None
    assert progress.remaining >= 0


def test_the_settings_of_execution_are_the_records(folder: RunFolder) -> None:
    assert folder.execution() == Execution(jobs=1)


def test_files_of_a_run_are_private_to_the_user(folder: RunFolder) -> None:
    carry_out(folder, lambda task: made_up(task, LABELS))
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.path.rglob("*")}
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}, modes


def test_the_folder_explains_every_file_and_every_column(folder: RunFolder) -> None:
    carry_out(folder, lambda task: made_up(task, LABELS))
    text = (folder.path / "README.md").read_text()
    names = {path.name for path in folder.path.iterdir()}
    for name in names:
        assert f"`{name}" in text, name
    columns = [
        *folder.summary_csv.read_text().splitlines()[0].split(","),
        *folder.replicates_csv.read_text().splitlines()[0].split(","),
    ]
    explained = set(folder.study().values)
    for column in columns:
        assert column in explained or f"`{column}`" in text or column.startswith("true_"), column


def test_a_log_that_cannot_be_written_at_all_is_said_on_standard_error(
    folder: RunFolder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def write(descriptor: int, text: bytes) -> int:
        raise OSError(30, "Read-only file system")

    carry_out(folder, lambda task: made_up(task, LABELS), write=write)
    assert "can't write: Read-only file system" in capsys.readouterr().err
    assert recorded(folder) == []
