"""Crews that compute in this process, and misbehave when they are told to."""

from __future__ import annotations

import time
from collections.abc import Callable

from regnet.runs.crews import WorkerDied
from regnet.runs.worker import Result, Task, lost_fits


def made_up(task: Task, labels: tuple[str, ...]) -> Result:
    """Return a result whose numbers tell which task it was."""
    value = task.scenario + task.replicate / 1000
    fits = {
        label: {
            "status": "ok",
            "metrics": {"pearson": value, "rmse": 1 - value},
            "reason": "",
            "seconds": 0.001,
            "warnings": [],
        }
        for label in labels
    }
    return Result(task, 0.001, {"signal_fraction": 0.2}, fits, {})


class FakeCrew:
    """One worker in this process. `answer` makes a result, or raises: WorkerDied takes all tasks along.

    Of those that were given to be kept apart, `apart` at a time, it takes none but its own.
    """

    def __init__(self, answer: Callable[[Task], Result], width: int = 2, apart: int = 1) -> None:
        self.answer, self.width, self.apart = answer, width, apart
        self.given: list[Task] = []
        self.given_apart: list[Task] = []
        self.bundles: list[tuple[Task, ...]] = []
        self.tasks: list[Task] = []
        self.is_closed = False

    @property
    def room(self) -> int:
        return self.width - len(self.tasks)

    @property
    def under_way(self) -> list[Task]:
        return list(self.tasks)

    @property
    def workers(self) -> int:
        return 1

    def submit(self, *tasks: Task) -> None:
        self.given += tasks
        self.bundles.append(tasks)
        self.tasks += tasks

    @property
    def room_apart(self) -> int:
        return self.apart - len(self.tasks)

    def submit_apart(self, task: Task) -> None:
        self.given_apart.append(task)
        self.submit(task)

    def collect(self, seconds: float) -> list[tuple[Task, Result | Exception]]:
        if not self.tasks:
            time.sleep(seconds)
            return []
        task = self.tasks.pop(0)
        try:
            return [(task, self.answer(task))]
        except WorkerDied as death:
            lost = [] if task in self.given_apart else self.tasks
            self.tasks = [other for other in self.tasks if other not in lost]
            return [(other, death) for other in (task, *lost)]

    def close(self) -> None:
        self.tasks.clear()
        self.is_closed = True


def refused(task: Task, labels: tuple[str, ...]) -> Result:
    return Result(task, 0.0, {}, {}, {}, refused="genes: wanted at most 10, found 60")


def raised_in(label: str, task: Task, labels: tuple[str, ...]) -> Result:
    """Return the result of a replicate in which one method raised, and the others did not."""
    result = made_up(task, labels)
    result.fits.update(lost_fits([label], "failed", "KeyError: 'y'"))
    result.problems = {label: "Traceback of one …"}
    return result


def raised(task: Task, labels: tuple[str, ...]) -> Result:
    """Return the result of a replicate in which every method raised."""
    problems = dict.fromkeys(labels, "Traceback …")
    return Result(task, 0.0, {}, lost_fits(labels, "failed", "KeyError: 'x'"), {}, problems=problems)
