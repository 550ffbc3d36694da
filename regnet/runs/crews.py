"""Who computes replicates at the same time? A crew: local processes here, a Dask cluster in its own file.

A runner hands tasks to its crew and collects what came of them. When a worker is killed, the tasks under
way come back as :class:`WorkerDied`; whose fault it was, the runner finds out.
"""

from __future__ import annotations

import concurrent.futures
import os
from typing import Any, Protocol

from regnet.runs.processors import thread_environment
from regnet.runs.worker import Assignment, Result, Task, begin, compute

_QUICK = 0.25  # seconds of a replicate, up to which the runner's writing is felt


class WorkerDied(Exception):
    """A worker ended, by a signal or for want of memory, while a task was under way."""


class CrewLost(Exception):
    """The crew can't be had: its scheduler is gone, or its workers don't even begin."""


class Crew(Protocol):
    """Workers that compute tasks."""

    @property
    def room(self) -> int:
        """How many more tasks it can take to be kept busy."""

    @property
    def under_way(self) -> list[Task]:
        """The tasks that it was given and that haven't been collected."""

    def submit(self, task: Task) -> None:
        """Give it a task."""

    def collect(self, seconds: float) -> list[tuple[Task, Result | Exception]]:
        """Return what has been done, waiting at most some seconds for a first result."""

    def close(self) -> None:
        """End it now; what is under way is given up."""


class LocalCrew:
    """Worker processes of this machine: joblib's pool (loky), each with its own BLAS threads.

    Parameters
    ----------
    assignment : Assignment
    jobs : int
        How many processes.
    """

    def __init__(self, assignment: Assignment, jobs: int) -> None:
        self._assignment, self._jobs = assignment, jobs
        self._tasks: dict[concurrent.futures.Future[Result], Task] = {}
        self._pool: Any = None
        self._seconds = 0.0
        self._first_sign: concurrent.futures.Future[int] | None = None

    @property
    def room(self) -> int:
        # Quick ones, three wait for each worker, which last while the runner writes. Of slow ones fewer:
        # all that are handed out are tried again one by one when a worker dies.
        deep = 4 if self._seconds < _QUICK else 2
        return deep * self._jobs - len(self._tasks)

    @property
    def under_way(self) -> list[Task]:
        return list(self._tasks.values())

    def submit(self, task: Task) -> None:
        if self._pool is None:
            self._pool = self._make_pool()
        try:
            self._tasks[self._pool.submit(compute, task)] = task
        except Exception as error:  # the pool broke since the last look: the task fares like the others
            failed: concurrent.futures.Future[Result] = concurrent.futures.Future()
            failed.set_exception(error)
            self._tasks[failed] = task

    def collect(self, seconds: float) -> list[tuple[Task, Result | Exception]]:
        done, _ = concurrent.futures.wait(
            self._tasks, timeout=seconds, return_when=concurrent.futures.FIRST_COMPLETED
        )
        found: list[tuple[Task, Result | Exception]] = []
        is_broken = False
        for future in done:
            task = self._tasks.pop(future)
            error = future.exception()
            if error is None:
                result = future.result()
                self._seconds = result.seconds
                found.append((task, result))
            else:
                is_broken = True
                found.append((task, WorkerDied(_last_line(error))))
        if is_broken:
            # A pool that has lost a worker gives up all its tasks.
            found += [(task, WorkerDied("a worker died")) for task in self._tasks.values()]
            has_begun = self._first_sign is not None and self._first_sign.exception(timeout=10) is None
            self.close()
            if not has_begun:
                raise CrewLost(f"the workers don't begin: {found[0][1]}")
        return found

    def close(self) -> None:
        pool, self._pool = self._pool, None
        self._tasks.clear()
        if pool is not None:
            pool.shutdown(wait=True, kill_workers=True)

    def _make_pool(self) -> Any:
        from joblib.externals.loky import ProcessPoolExecutor

        pool = ProcessPoolExecutor(
            max_workers=self._jobs,
            initializer=begin,
            initargs=(self._assignment, os.getpid()),
            env=thread_environment(self._assignment.cores),
        )
        self._first_sign = pool.submit(os.getpid)
        return pool


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"[:500]
