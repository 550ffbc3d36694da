"""Who computes replicates at the same time? A crew: local processes here, a Dask cluster in its own file.

A runner hands tasks to its crew and collects what came of them. When a worker is killed, the tasks under
way come back as :class:`WorkerDied`; whose fault it was, the runner finds out.
"""

from __future__ import annotations

import concurrent.futures
import os
import re
from collections.abc import Sequence
from typing import Protocol

from regnet.runs.processors import thread_environment
from regnet.runs.worker import Assignment, Result, Task, begin, compute

_QUICK = 0.5  # seconds of a bundle, up to which the runner's writing is felt


class WorkerDied(Exception):
    """A worker ended, by a signal or for want of memory, while a task was under way."""


class CrewLost(Exception):
    """The crew can't be had: its scheduler is gone, or its workers don't even begin."""


class Crew(Protocol):
    """Workers that compute tasks."""

    @property
    def workers(self) -> int:
        """How many tasks it computes at the same time."""

    @property
    def room(self) -> int:
        """How many more bundles of tasks it can take to be kept busy."""

    @property
    def under_way(self) -> list[Task]:
        """The tasks that it was given and that haven't been collected."""

    def submit(self, *tasks: Task) -> None:
        """Give it a bundle of tasks of one scenario, for one worker."""

    @property
    def room_apart(self) -> int:
        """How many more it can compute so that a worker that dies takes one task along, and no other."""

    def submit_apart(self, task: Task) -> None:
        """Give it a task like that."""

    def collect(self, seconds: float) -> list[tuple[Task, Result | Exception]]:
        """Return what has been done, waiting at most some seconds for a first result."""

    def close(self) -> None:
        """End it now; what is under way is given up."""


class LocalCrew:
    """Worker processes of this machine: joblib's pools (loky), each process with its own BLAS threads.

    One pool of all workers as long as none dies, since it keeps them all busy to the end. Tasks that are
    to be kept apart have pools of a single worker, each breaking by itself.

    Parameters
    ----------
    assignment : Assignment
    jobs : int
        How many processes.
    """

    def __init__(self, assignment: Assignment, jobs: int) -> None:
        self._assignment, self._jobs = assignment, jobs
        self._shared: _Pool | None = None
        self._apart: list[_Pool] = []
        self._seconds = 0.0

    @property
    def workers(self) -> int:
        return self._jobs

    @property
    def room(self) -> int:
        # Quick ones, three wait for each worker, which last while the runner writes. Of slow ones fewer:
        # all that are handed out are tried again when a worker dies.
        deep = 4 if self._seconds < _QUICK else 2
        return deep * self._jobs - sum(len(pool.bundles) for pool in self._pools)

    @property
    def room_apart(self) -> int:
        return self._jobs - len(self.under_way)

    @property
    def under_way(self) -> list[Task]:
        return [task for pool in self._pools for bundle in pool.bundles.values() for task in bundle]

    def submit(self, *tasks: Task) -> None:
        self._close(self._apart)
        if self._shared is None:
            self._shared = _Pool(self._assignment, self._jobs)
        self._shared.submit(tasks)

    def submit_apart(self, task: Task) -> None:
        if self._shared is not None:
            self._close([self._shared])
        idle = next((pool for pool in self._apart if not pool.bundles), None)
        if idle is None:
            idle = _Pool(self._assignment, 1)
            self._apart.append(idle)
        idle.submit((task,))

    def collect(self, seconds: float) -> list[tuple[Task, Result | Exception]]:
        done, _ = concurrent.futures.wait(
            [future for pool in self._pools for future in pool.bundles],
            timeout=seconds,
            return_when=concurrent.futures.FIRST_COMPLETED,
        )
        found: list[tuple[Task, Result | Exception]] = []
        for pool in self._pools:
            for future in done.intersection(pool.bundles):
                bundle = pool.bundles.pop(future)
                error = future.exception()
                if error is None:
                    results = future.result()
                    self._seconds = sum(result.seconds for result in results)
                    found += zip(bundle, results, strict=True)
                else:
                    pool.is_broken = True
                    found += [(task, WorkerDied(_cause(error))) for task in bundle]
        for pool in [pool for pool in self._pools if pool.is_broken]:
            # A pool that has lost a worker gives up all its tasks.
            lost = [task for bundle in pool.bundles.values() for task in bundle]
            found += [(task, WorkerDied("a worker died")) for task in lost]
            has_begun = pool.has_begun
            self._close([pool])
            if not has_begun:
                raise CrewLost(f"the workers don't begin: {found[0][1]}")
        return found

    def close(self) -> None:
        self._close(self._pools)

    @property
    def _pools(self) -> list[_Pool]:
        return [*([self._shared] if self._shared else []), *self._apart]

    def _close(self, pools: Sequence[_Pool]) -> None:
        for pool in list(pools):
            pool.close()
            if pool is self._shared:
                self._shared = None
            else:
                self._apart.remove(pool)


class _Pool:
    """Some processes, and the bundles of tasks that they were given."""

    def __init__(self, assignment: Assignment, workers: int) -> None:
        from joblib.externals.loky import ProcessPoolExecutor

        self.bundles: dict[concurrent.futures.Future[list[Result]], tuple[Task, ...]] = {}
        self.is_broken = False
        self._executor = ProcessPoolExecutor(
            max_workers=workers,
            initializer=begin,
            initargs=(assignment, os.getpid()),
            env=thread_environment(assignment.cores),
        )
        self._first_sign: concurrent.futures.Future[int] = self._executor.submit(os.getpid)

    @property
    def has_begun(self) -> bool:
        """Whether a worker has ever answered; waits for it a little."""
        return self._first_sign.exception(timeout=10) is None

    def submit(self, tasks: tuple[Task, ...]) -> None:
        try:
            future = self._executor.submit(compute, tasks)
        except Exception as error:  # the pool broke since the last look: the task fares like the others
            future = concurrent.futures.Future()
            future.set_exception(error)
        self.bundles[future] = tasks

    def close(self) -> None:
        self._executor.shutdown(wait=True, kill_workers=True)


def _cause(error: BaseException) -> str:
    """Return in one line what a broken pool says: how its worker ended, or else its last line."""
    ends = re.search(r"exit codes? of the workers? (?:are|is) \{(.*)\}", str(error))
    if ends:
        return f"it ended by {ends[1]}"[:500]
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"[:500]
