"""Replicates go out in order, and a worker that hangs is given up, tried once more, and recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from crews_for_tests import FakeCrew, made_up, raised, raised_in

from regnet.runs.crews import CrewLost, WorkerDied
from regnet.runs.dispatch import Dispatch, StopRun
from regnet.runs.worker import Result, Task

LABELS = ("Ridge", "LMM")
TASKS = [Task(0, replicate) for replicate in range(5)]


class HangingCrew(FakeCrew):
    """A crew that never gives one task back."""

    def collect(self, seconds: float) -> list[tuple[Task, Result | Exception]]:
        if self.tasks and self.tasks[0] == Task(0, 2):
            return []
        return super().collect(0)


def dispatched(crew: FakeCrew, patience: float = 0.0) -> tuple[Dispatch, list[Result], list[str]]:
    results: list[Result] = []
    notes: list[str] = []

    def record(more: Sequence[Result]) -> None:
        results.extend(more)

    def note(text: str, level: str) -> None:
        notes.append(f"{level}: {text}")

    return Dispatch(crew, TASKS, LABELS, record=record, note=note, patience=patience), results, notes


def test_replicates_go_out_in_order() -> None:
    crew = FakeCrew(lambda task: made_up(task, LABELS))
    dispatch, results, _ = dispatched(crew)
    dispatch.work(lambda: None)
    assert crew.given == TASKS
    assert [result.task for result in results] == TASKS


def test_a_replicate_that_hangs_beyond_all_patience_is_recorded_as_failed_after_a_second_attempt() -> None:
    crew = HangingCrew(lambda task: made_up(task, LABELS), width=1)
    dispatch, results, notes = dispatched(crew, patience=0.05)
    dispatch.work(lambda: None)
    assert crew.given.count(Task(0, 2)) == 2
    assert sorted(result.task.replicate for result in results) == [0, 1, 2, 3, 4]
    (hung,) = [result for result in results if result.fits["LMM"]["status"] == "failed"]
    assert hung.task == Task(0, 2)
    assert "no result in" in hung.fits["LMM"]["reason"]
    assert notes[0].startswith("warning: scenario 0, replicate 2:")


def test_quick_replicates_go_out_in_bundles_of_one_scenario_that_keep_all_workers_busy_to_the_end() -> None:
    tasks = [Task(scenario, replicate) for scenario in (0, 1) for replicate in range(200)]
    crew = FakeCrew(lambda task: made_up(task, LABELS), width=1)
    results: list[Result] = []
    dispatch = Dispatch(crew, tasks, LABELS, record=results.extend, note=lambda text, level: None)
    dispatch.work(lambda: None)
    assert crew.given == tasks
    assert [result.task for result in results] == tasks
    sizes = [len(bundle) for bundle in crew.bundles]
    assert sizes[0] == 1  # nothing is known of their pace yet
    assert max(sizes) == 64
    assert sizes[-1] == 1
    assert all(len({task.scenario for task in bundle}) == 1 for bundle in crew.bundles)


def test_slow_replicates_go_out_one_by_one() -> None:
    def slow(task: Task) -> Result:
        result = made_up(task, LABELS)
        result.seconds = 2.0
        return result

    crew = FakeCrew(slow)
    dispatch, _, _ = dispatched(crew)
    dispatch.work(lambda: None)
    assert {len(bundle) for bundle in crew.bundles} == {1}


Answer = Callable[[Task, tuple[str, ...]], Result]


def notes_of(raising: set[int], total: int, answer: Answer = raised) -> list[str]:
    """Return what is said when some of a study's replicates raise."""
    notes: list[str] = []
    crew = FakeCrew(lambda task: (answer if task.replicate in raising else made_up)(task, LABELS))
    tasks = [Task(0, replicate) for replicate in range(total)]
    dispatch = Dispatch(
        crew, tasks, LABELS, record=lambda _: None, note=lambda text, level: notes.append(f"{level}: {text}")
    )
    dispatch.work(lambda: None)
    assert crew.given == tasks  # the study goes on
    return notes


@pytest.mark.parametrize(("total", "said"), [(50, 20), (3, 3)])
def test_where_every_replicate_from_the_first_on_raises_that_is_said_once_and_loudly(
    total: int, said: int
) -> None:
    (note,) = notes_of(set(range(total)), total)
    assert note.startswith(
        f"error: Ridge, LMM raised an error in each of the first {said} replicates, the last KeyError: 'x'"
    )
    assert "runner.log" in note


def test_one_method_that_raises_every_time_is_named_whatever_becomes_of_the_others() -> None:
    (note,) = notes_of(set(range(50)), 50, lambda task, labels: raised_in("LMM", task, labels))
    assert note.startswith(
        "error: LMM raised an error in each of the first 20 replicates, the last KeyError: 'y'"
    )


def test_methods_that_raise_by_turns_are_no_alarm() -> None:
    def answer(task: Task, labels: tuple[str, ...]) -> Result:
        return raised_in(labels[task.replicate % 2], task, labels)

    assert notes_of(set(range(50)), 50, answer) == []


def test_replicates_that_raise_among_others_that_do_not_are_no_alarm() -> None:
    assert notes_of({0, 1, 2}, 4) == []
    assert notes_of(set(range(1, 50)), 50) == []


def killers(*replicates: int) -> Callable[[Task], Result]:
    """Return what answers as usual, but for replicates that kill their worker every time."""

    def answer(task: Task) -> Result:
        if task.replicate in replicates:
            raise WorkerDied("killed by signal 9")
        return made_up(task, LABELS)

    return answer


def in_order(results: list[Result]) -> list[Task]:
    return sorted((result.task for result in results), key=lambda task: task.replicate)


def failed_among(results: list[Result]) -> set[int]:
    return {result.task.replicate for result in results if result.fits["LMM"]["status"] == "failed"}


def test_of_many_suspects_only_the_killer_is_tried_a_third_time_by_itself() -> None:
    crew = FakeCrew(killers(2), width=5, apart=3)
    dispatch, results, notes = dispatched(crew)
    dispatch.work(lambda: None)
    assert in_order(results) == TASKS
    assert failed_among(results) == {2}
    # 0 and 1 were done before the death; 2, 3 and 4 are tried apart, and 2 again alone.
    assert crew.given_apart == [*TASKS[2:], Task(0, 2)]
    assert [note for note in notes if "a last time, by itself" in note]
    (killer,) = [result for result in results if result.task == Task(0, 2)]
    assert killer.fits["Ridge"]["reason"] == "its worker died, 3 times: killed by signal 9"


def test_what_was_too_much_for_the_memory_together_is_computed_alone() -> None:
    crew: FakeCrew

    def answer(task: Task) -> Result:
        if crew.tasks:
            raise WorkerDied("out of memory")
        return made_up(task, LABELS)

    crew = FakeCrew(answer, width=5, apart=5)
    dispatch, results, _ = dispatched(crew)
    dispatch.work(lambda: None)
    assert in_order(results) == TASKS
    assert failed_among(results) == set()


@pytest.mark.parametrize(("jobs", "given_at_once"), [(1, 4), (2, 8), (3, 12), (8, 16)])
@pytest.mark.parametrize("bad", [(0,), (3, 4), (0, 5, 6, 19), (1, 7, 13)])
def test_only_killers_are_failed_however_many_work_at_once_and_none_has_a_fourth_attempt(
    jobs: int, given_at_once: int, bad: tuple[int, ...]
) -> None:
    tasks = [Task(0, replicate) for replicate in range(20)]
    crew = FakeCrew(killers(*bad), width=given_at_once, apart=jobs)
    results: list[Result] = []
    Dispatch(crew, tasks, LABELS, record=results.extend, note=lambda *_: None).work(lambda: None)
    assert in_order(results) == tasks
    assert failed_among(results) == set(bad)
    assert max(crew.given.count(task) for task in tasks) <= (2 if jobs == 1 else 3)
    assert all(crew.given.count(task) <= 2 for task in tasks if task.replicate not in bad)


def test_no_task_is_begun_more_than_three_times() -> None:
    crew = FakeCrew(killers(*range(5)), width=5, apart=5)
    dispatch, _, _ = dispatched(crew)
    with pytest.raises(StopRun, match="workers keep dying"):
        dispatch.work(lambda: None)
    assert max(crew.given.count(task) for task in TASKS) == 3


def test_many_killers_among_others_that_go_well_do_not_end_the_run() -> None:
    tasks = [Task(0, replicate) for replicate in range(24)]
    bad = range(12)
    crew = FakeCrew(killers(*bad), width=24, apart=24)
    results: list[Result] = []
    Dispatch(crew, tasks, LABELS, record=results.extend, note=lambda *_: None).work(lambda: None)
    assert in_order(results) == tasks
    assert failed_among(results) == set(bad)


def test_nothing_else_is_handed_out_while_a_suspect_is_on_trial() -> None:
    beside: list[tuple[Task, ...]] = []

    def answer(task: Task) -> Result:
        if task in crew.given_apart:
            beside.append(tuple(crew.tasks))
        return killers(2)(task)

    tasks = [Task(0, replicate) for replicate in range(9)]
    crew = FakeCrew(answer, width=3, apart=2)
    Dispatch(crew, tasks, LABELS, record=lambda _: None, note=lambda *_: None).work(lambda: None)
    assert beside
    assert all(other in crew.given_apart for others in beside for other in others)


def test_a_crew_that_is_lost_ends_the_run_as_a_mishap() -> None:
    class LostCrew(FakeCrew):
        def collect(self, seconds: float) -> list[tuple[Task, Result | Exception]]:
            raise CrewLost("the scheduler is gone")

    dispatch, results, _ = dispatched(LostCrew(lambda task: made_up(task, LABELS)))
    with pytest.raises(StopRun, match="scheduler is gone") as stop:
        dispatch.work(lambda: None)
    assert stop.value.is_error
    dispatch.let_end(0.1)
    assert results == []


def test_what_ends_within_the_grace_is_written_down_and_the_rest_is_not() -> None:
    crew = HangingCrew(lambda task: made_up(task, LABELS), width=3)
    dispatch, results, _ = dispatched(crew)
    looks = iter([None])

    def look() -> None:
        if next(looks, "stop"):
            raise StopRun("asked to")

    with pytest.raises(StopRun):
        dispatch.work(look)
    dispatch.let_end(0.2)
    assert [result.task.replicate for result in results] == [0, 1]
