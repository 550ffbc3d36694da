"""Whose fault is it that a worker died? Found out by trying each task that was under way once more.

They are tried apart from each other, as many at once as the crew can, so that the next death names its
task. As many at once may have been too much for the machine's memory, though: a task that dies while
others are at work is tried a last time with nothing beside it. So it takes three deaths at most, and as
a rule hardly longer than the tasks would have taken anyway.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from regnet.runs.crews import Crew
from regnet.runs.worker import Task


class Suspects:
    """The tasks that were under way when a worker died, until it is known which of them it was.

    Parameters
    ----------
    crew : Crew
        Whose workers they are tried on.

    Attributes
    ----------
    cleared : int
        How many of those that fell under suspicion together have been computed since.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self.cleared = 0
        self._deaths: dict[Task, int] = {}
        self._apart: deque[Task] = deque()
        self._alone: deque[Task] = deque()
        self._had_company: set[Task] = set()

    def __bool__(self) -> bool:
        """Whether there are any, waiting or on trial; until there are none, nothing else is handed out."""
        return bool(self._deaths)

    def __contains__(self, task: Task) -> bool:
        return task in self._deaths

    def suspect(self, tasks: Sequence[Task]) -> None:
        """Take in tasks that were under way when a worker died."""
        if not self:
            self.cleared = 0
        for task in tasks:
            self._deaths[task] = 1
            self._apart.append(task)

    def hand_out(self) -> None:
        """Give the crew as many as can be tried now."""
        if any(task not in self for task in self._crew.under_way):
            return  # those that lost no worker come to their end first
        if self._alone:  # the first of them stays there while it is tried
            if not self._crew.under_way:
                self._crew.submit_apart(self._alone[0])
            return
        while self._apart and self._crew.room_apart > 0:
            task = self._apart.popleft()
            beside = self._crew.under_way
            if beside:
                self._had_company.update((task, *beside))
            self._crew.submit_apart(task)

    def convict(self, task: Task) -> int:
        """Take in that a suspect's worker died again.

        Returns
        -------
        int
            How many times that was, where nothing else can have been the cause; 0 where it is to be
            tried once more, alone.
        """
        self._deaths[task] += 1
        if task in self._had_company:
            self._had_company.discard(task)
            self._alone.append(task)
            return 0
        return self._forget(task)

    def clear(self, task: Task) -> None:
        """Take in that a suspect has been computed."""
        self._forget(task)
        self.cleared += 1

    def _forget(self, task: Task) -> int:
        self._had_company.discard(task)
        if task in self._alone:
            self._alone.remove(task)
        return self._deaths.pop(task)
