"""Local workers compute, die and are replaced; a crew that can't begin says so."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from small_runs import small_study, wait_until

from regnet.places import Places
from regnet.runs import worker
from regnet.runs.crews import CrewLost, LocalCrew, WorkerDied
from regnet.runs.worker import Assignment, Result, Task, compute, compute_on, motif_table, prepare_scenario


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    return Assignment(small_study(), Places(tmp_path, "a test's"), 1, "estimates", 0.0)


def collected(crew: LocalCrew, count: int) -> dict[Task, Result | Exception]:
    found: dict[Task, Result | Exception] = {}

    def is_enough() -> bool:
        found.update(crew.collect(0.1))
        return len(found) >= count

    wait_until(is_enough, 60)
    return found


def test_a_crew_computes_what_one_process_computes(assignment: Assignment) -> None:
    tasks = [Task(0, 0), Task(0, 1), Task(1, 0)]
    crew = LocalCrew(assignment, 2)
    try:
        crew.submit(*tasks[:2])
        crew.submit(tasks[2])
        assert crew.under_way == tasks
        found = collected(crew, 3)
    finally:
        crew.close()
    for task in tasks:
        prepared = prepare_scenario(assignment, task.scenario, motif_table)
        alone, together = compute_on(assignment, prepared, task), found[task]
        assert isinstance(together, Result)
        assert together.truth == alone.truth
        for label, fit in alone.fits.items():
            there = dict(together.fits[label]["metrics"])
            here = dict(fit["metrics"])
            assert there.pop("seconds") > 0
            assert here.pop("seconds") > 0
            assert there == here
        assert {name: array.tobytes() for name, array in together.arrays.items()} == {
            name: array.tobytes() for name, array in alone.arrays.items()
        }
        assert "expression" not in together.arrays


def test_each_worker_prepares_a_scenario_once_and_describes_it(assignment: Assignment) -> None:
    crew = LocalCrew(assignment, 1)
    try:
        for replicate in range(3):
            crew.submit(Task(0, replicate))
        found = collected(crew, 3)
    finally:
        crew.close()
    preparations = [result.preparation for result in found.values() if isinstance(result, Result)]
    (described,) = [preparation for preparation in preparations if preparation is not None]
    assert described["sizes"]["genes"] == 60
    assert described["sizes"]["tfs"] == 12
    assert described["blas"]


def test_a_killed_worker_gives_its_tasks_back_and_the_crew_goes_on(assignment: Assignment) -> None:
    crew = LocalCrew(assignment, 1)
    try:
        crew.submit(Task(0, 0))
        collected(crew, 1)
        for replicate in range(1, 4):
            crew.submit(Task(0, replicate))
        assert crew._shared is not None
        for process in list(crew._shared._executor._processes):
            os.kill(process, signal.SIGKILL)
        found = collected(crew, 3)
        assert any(isinstance(outcome, WorkerDied) for outcome in found.values())
        assert crew.under_way == []
        crew.submit(Task(1, 2))
        assert isinstance(collected(crew, 1)[Task(1, 2)], Result)
    finally:
        crew.close()


def test_tasks_kept_apart_lose_their_own_worker_only(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regnet.runs.crews.compute", kill_at_replicate_1)
    crew = LocalCrew(assignment, 3)
    try:
        for replicate in range(3):
            crew.submit(Task(0, replicate))
        found = collected(crew, 3)
        assert isinstance(found[Task(0, 1)], WorkerDied)
        for replicate in range(3):
            crew.submit_apart(Task(0, replicate))
        assert crew.room_apart == 0
        found = collected(crew, 3)
        death = found[Task(0, 1)]
        assert isinstance(death, WorkerDied)
        assert str(death) == "it ended by SIGKILL(-9)"
        assert all(isinstance(found[Task(0, replicate)], Result) for replicate in (0, 2))
        assert crew.room_apart == 3
        crew.submit_apart(Task(0, 3))
        assert isinstance(collected(crew, 1)[Task(0, 3)], Result)
        crew.submit(Task(1, 2))
        assert isinstance(collected(crew, 1)[Task(1, 2)], Result)
    finally:
        crew.close()


def kill_at_replicate_1(tasks: tuple[Task, ...]) -> list[Result]:
    """Compute as usual, but for one replicate that takes its process down while the others are at work."""
    if any(task.replicate == 1 for task in tasks):
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    return compute(tasks)


def test_a_crew_whose_workers_do_not_begin_is_lost(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regnet.runs.crews.begin", no_beginning)
    crew = LocalCrew(assignment, 1)
    crew.submit(Task(0, 0))
    with pytest.raises(CrewLost, match="don't begin"):
        collected(crew, 1)


def no_beginning(assignment: Assignment, runner: int) -> None:
    raise RuntimeError("no")


def test_a_replicate_that_raises_becomes_a_result_with_its_traceback(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare_scenario(assignment, 0, motif_table)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("regnet.replicate.compute_replicates", broken)
    result = compute_on(assignment, prepared, Task(0, 0))
    assert result.fits["LMM"]["status"] == "failed"
    assert result.fits["Ridge"]["reason"] == "ZeroDivisionError: a bug"
    assert result.problem.startswith("Ridge, LMM: Traceback")
    assert result.problem.count("Traceback") == 1


def test_a_method_that_raises_leaves_the_other_methods_of_its_replicate(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare_scenario(assignment, 0, motif_table)
    undisturbed = compute_on(assignment, prepared, Task(0, 0))

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("regnet.models.mixed_model.fit_mixed_model", broken)
    result = compute_on(assignment, prepared, Task(0, 0))
    assert result.fits["LMM"]["status"] == "failed"
    assert result.fits["LMM"]["reason"] == "ZeroDivisionError: a bug"
    assert list(result.problems) == ["LMM"]
    assert result.problem.startswith("LMM: Traceback")
    assert result.truth == undisturbed.truth
    kept, expected = result.fits["Ridge"]["metrics"], undisturbed.fits["Ridge"]["metrics"]
    assert {**kept, "seconds": 0} == {**expected, "seconds": 0}
    assert result.arrays["Ridge/effects"].tobytes() == undisturbed.arrays["Ridge/effects"].tobytes()


def test_a_scenario_whose_preparation_raises_is_failed_replicate_by_replicate_with_its_traceback(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'frobnicate'")

    monkeypatch.setattr("regnet.replicate.prepare", broken)
    monkeypatch.setattr(worker, "_assignment", assignment)
    for replicate in range(2):
        (result,) = worker.compute([Task(0, replicate)])
        assert {fit["status"] for fit in result.fits.values()} == {"failed"}
        assert result.fits["LMM"]["reason"] == "ModuleNotFoundError: No module named 'frobnicate'"
        assert "in broken" in result.problem
        assert not result.refused


def test_scenarios_with_the_same_scores_share_one_decomposition(assignment: Assignment) -> None:
    first = prepare_scenario(assignment, 0, motif_table)
    second = prepare_scenario(assignment, 1, motif_table, first)
    assert second.decomposition is first.decomposition
    fresh = prepare_scenario(assignment, 1, motif_table)
    assert compute_on(assignment, second, Task(1, 1)).truth == compute_on(assignment, fresh, Task(1, 1)).truth


def test_a_process_that_was_told_nothing_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_assignment", None)
    with pytest.raises(RuntimeError, match="told"):
        worker.compute([Task(0, 0)])
