"""Which replicate is computed next, and what is recorded for one that takes its worker down with it?

Replicates go out scenario by scenario. When a worker dies, nobody knows which of the tasks under way it
was: all are tried once more, so that it shows. Whoever takes a worker down by itself is recorded as
failed, and the study goes on; workers that die one after another are no replicate's fault and end it.

A method that raises is recorded as failed, too. Where it does in every replicate, from the first on,
something is broken, and that is said once, loudly: nobody should find an evening's study empty.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence

from regnet.runs.crews import Crew, CrewLost, WorkerDied
from regnet.runs.suspects import Suspects
from regnet.runs.worker import Result, Task, lost_fits

POLL = 0.1
"""Seconds between two looks at the workers."""

_DEATHS_IN_A_ROW = 5  # replicates killed one after another, after which it can't be the replicates
_ALL_RAISE = 20  # replicates in which a method raises from the first on: it can't be the replicates
_AT_ONCE = 1000  # refused replicates that are written down at once
_BUNDLE = 0.2  # seconds of work that are handed out at once
_LARGEST_BUNDLE = 64  # replicates; as many are fitted together


class StopRun(Exception):
    """The run ends here, resumable; `is_error` tells a mishap from a wish."""

    def __init__(self, reason: str, *, is_error: bool = False) -> None:
        self.is_error = is_error
        super().__init__(reason)


class Dispatch:
    """The replicates of one session of work, from the crew's hands into the log.

    Parameters
    ----------
    crew : Crew
    tasks : sequence of Task
        What is to be computed, in this order.
    labels : tuple of str
        The methods' names.
    record : callable
        Writes results down.
    note : callable
        Writes a line and its level for people.
    patience : float
        Seconds without any result after which the workers are given up; 0: for ever.
    """

    def __init__(
        self,
        crew: Crew,
        tasks: Sequence[Task],
        labels: tuple[str, ...],
        *,
        record: Callable[[Sequence[Result]], None],
        note: Callable[[str, str], None],
        patience: float = 0.0,
    ) -> None:
        self.crew, self.labels, self.patience = crew, labels, patience
        self._record, self._note = record, note
        self._waiting = deque(tasks)
        self._suspects = Suspects(crew)
        self._deaths = 0
        self._raising = set(labels)  # the methods that have raised in every replicate so far
        self._watched, self._alarm = 0, min(_ALL_RAISE, len(self._waiting))
        self._refused: dict[int, str] = {}
        self._seconds = 0.0  # of the replicate that came last
        self._last_result = time.monotonic()

    def work(self, look: Callable[[], None]) -> None:
        """Compute everything; `look` is called a few times a second and may raise to end the work.

        Raises
        ------
        StopRun
            Where workers can't be had, or keep dying.
        """
        try:
            while self._waiting or self._suspects or self.crew.under_way:
                look()
                self._hand_out()
                came = self.crew.collect(POLL)
                self._judge_all(came)
                self._give_up_the_stalled(bool(came))
        except CrewLost as lost:
            raise StopRun(str(lost), is_error=True) from None

    def let_end(self, seconds: float) -> None:
        """Write down the replicates that end within some seconds; the others are given up."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(CrewLost):
            while self.crew.under_way and time.monotonic() < deadline:
                came = self.crew.collect(min(POLL, max(0.0, deadline - time.monotonic())))
                whole = [result for _, result in came if isinstance(result, Result) and not result.refused]
                self._record(whole)

    def _hand_out(self) -> None:
        if self._suspects:
            self._suspects.hand_out()
            return
        unable: list[Result] = []
        while self._waiting and self.crew.room > 0 and len(unable) < _AT_ONCE:
            scenario = self._waiting[0].scenario
            if scenario in self._refused:
                task = self._waiting.popleft()
                unable.append(self._without_fits(task, "refused", self._refused[scenario]))
            else:
                self.crew.submit(*self._bundle(scenario))
        self._record(unable)

    def _bundle(self, scenario: int) -> list[Task]:
        """Take as many replicates of a scenario as are best computed by one worker at once.

        Some tenths of a second's work, and towards the end no more than keeps all workers busy.
        """
        size = int(_BUNDLE / self._seconds) if self._seconds else 1
        size = max(1, min(size, _LARGEST_BUNDLE, len(self._waiting) // (2 * self.crew.workers)))
        bundle = [self._waiting.popleft()]
        while len(bundle) < size and self._waiting and self._waiting[0].scenario == scenario:
            bundle.append(self._waiting.popleft())
        return bundle

    def _judge_all(self, came: Sequence[tuple[Task, Result | Exception]]) -> None:
        """Record what came of tasks; those whose worker died for the first time are tried once more."""
        fell = {
            task: str(outcome)
            for task, outcome in came
            if isinstance(outcome, WorkerDied) and task not in self._suspects
        }
        judged = [self._judge(task, outcome) for task, outcome in came if task not in fell]
        self._record([result for result in judged if result is not None])
        if fell:
            self._suspects.suspect(list(fell))
            task, why = next(iter(fell.items()))
            which = _named(task) if len(fell) == 1 else f"{len(fell)} replicates under way when a worker died"
            how = "it is tried once more" if len(fell) == 1 else "they are tried once more, apart"
            self._note(f"{which}: {why}; {how}", "warning")

    def _judge(self, task: Task, outcome: Result | Exception) -> Result | None:
        """Return what is recorded for a task, or None where it is tried again."""
        if isinstance(outcome, Result):
            if task in self._suspects:
                self._suspects.clear(task)
            self._deaths = 0
            self._seconds = outcome.seconds
            self._watch(outcome)
            if outcome.refused:
                self._refused.setdefault(task.scenario, outcome.refused)
                outcome.fits = lost_fits(self.labels, "refused", outcome.refused)
            return outcome
        if not isinstance(outcome, WorkerDied):
            raise outcome
        times = self._suspects.convict(task)
        if not times:
            self._note(f"{_named(task)}: {outcome}; it is tried a last time, by itself", "warning")
            return None
        if not self._suspects.cleared:
            self._deaths += 1
        if self._deaths >= _DEATHS_IN_A_ROW:
            raise StopRun(f"workers keep dying: {outcome}", is_error=True)
        often = "twice" if times == 2 else f"{times} times"
        return self._without_fits(task, "failed", f"its worker died, {often}: {outcome}")

    def _watch(self, result: Result) -> None:
        """Sound the alarm where methods have raised in every replicate so far."""
        self._raising.intersection_update(result.problems)
        self._watched += 1
        if self._watched == self._alarm and self._raising:
            names = [label for label in self.labels if label in self._raising]
            where = f"in each of the first {self._watched} replicates" if self._watched > 1 else "at once"
            self._note(
                f"{', '.join(names)} raised an error {where}, the last {result.fits[names[0]]['reason']}: "
                "regNet or its installation is at fault, not the data; runner.log has the tracebacks. "
                "The run goes on; stop it unless you know better",
                "error",
            )

    def _give_up_the_stalled(self, something_came: bool) -> None:
        now = time.monotonic()
        if something_came or not self.crew.under_way:
            self._last_result = now
        elif self.patience and now - self._last_result > self.patience:
            self._last_result = now
            stalled = self.crew.under_way
            self.crew.close()
            why = WorkerDied(f"no result in {self.patience:.0f} s, in spite of the time limit")
            self._judge_all([(task, why) for task in stalled])

    def _without_fits(self, task: Task, status: str, reason: str) -> Result:
        return Result(task, 0.0, {}, lost_fits(self.labels, status, reason), {})


def _named(task: Task) -> str:
    return f"scenario {task.scenario}, replicate {task.replicate}"
