"""How are replicates computed by a Dask cluster? By a crew whose workers come and go.

Each motif table goes to the cluster once; each scenario is prepared by one worker, and what it made
(scores, decomposition, covariances) travels to every other worker once, not once per task. Dask gives
the tasks of a lost worker to another one.

Futures are handled here rather than through joblib's Dask backend, which never learns of a task that
Dask gives up (``KilledWorker``): it would wait for it for ever.
"""

from __future__ import annotations

import importlib
import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from regnet.errors import InputError
from regnet.runs.crews import CrewLost, WorkerDied
from regnet.runs.environment import DECISIVE, environment
from regnet.runs.worker import (
    Assignment,
    Result,
    Task,
    compute_all_on,
    describe,
    motif_table,
    prepare_scenario,
    raised,
)

if TYPE_CHECKING:
    from regnet.files.motifs import MotifScores
    from regnet.files.ybetaparams import Ybetaparams

_ANSWERS_WITHIN = 15  # seconds for the scheduler to answer


class DaskCrew:
    """The workers of a dask.distributed cluster.

    Parameters
    ----------
    assignment : Assignment
    scheduler : str
        Address of the scheduler (``tcp://host:8786``).

    Raises
    ------
    CrewLost
        Where no scheduler answers, or its workers have other versions of numpy, scipy or regNet.
    """

    def __init__(self, assignment: Assignment, scheduler: str) -> None:
        try:
            self._distributed: Any = importlib.import_module("distributed")
        except ImportError:
            raise CrewLost("backend dask needs dask.distributed: pip install 'regnet[dask]'") from None
        self._assignment = assignment
        self._bundles: dict[Any, tuple[Task, ...]] = {}
        self._tables: dict[int, tuple[MotifScores | Ybetaparams, Any]] = {}
        self._prepared: dict[int, Any] = {}
        self._numbers = itertools.count()
        try:
            self._client = self._distributed.Client(scheduler, timeout=_ANSWERS_WITHIN, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise CrewLost(f"no Dask scheduler answers at {scheduler}: {error}") from None
        self._versions = environment()["versions"]
        self._check_versions()

    @property
    def workers(self) -> int:
        return max(1, int(sum(self._client.nthreads().values())))

    @property
    def room(self) -> int:
        return 4 * self.workers - len(self._bundles)

    @property
    def under_way(self) -> list[Task]:
        return [task for bundle in self._bundles.values() for task in bundle]

    def submit(self, *tasks: Task) -> None:
        future = self._client.submit(
            _compute,
            self._assignment,
            self._prepared_of(tasks[0].scenario),
            tasks,
            {name: self._versions[name] for name in DECISIVE},
            key=f"replicate-{tasks[0].scenario}-{tasks[0].replicate}-{next(self._numbers)}",
            pure=False,
        )
        self._bundles[future] = tasks

    @property
    def room_apart(self) -> int:
        # Dask hands the tasks of a lost worker on, and blames them all: only one by itself tells.
        return 0 if self._bundles else 1

    def submit_apart(self, task: Task) -> None:
        self.submit(task)

    def collect(self, seconds: float) -> list[tuple[Task, Result | Exception]]:
        if self._client.status != "running":
            raise CrewLost("the Dask scheduler is gone")
        if not self._bundles:
            time.sleep(seconds)
            return []
        try:
            self._distributed.wait(list(self._bundles), timeout=seconds, return_when="FIRST_COMPLETED")
        except Exception:  # none done yet, or some cancelled: each future's own status tells
            time.sleep(0.01)
        found: list[tuple[Task, Result | Exception]] = []
        for future in [future for future in self._bundles if future.status != "pending"]:
            bundle = self._bundles.pop(future)
            outcomes = self._outcomes(future, len(bundle))
            found += zip(bundle, outcomes, strict=True)
            if isinstance(outcomes[0], WorkerDied):
                # What the workers held may have gone with them: it is sent again.
                self._prepared.clear()
                self._tables.clear()
        self._forget_scenarios()
        return found

    def close(self) -> None:
        futures = [*self._bundles, *self._prepared.values()]
        self._bundles.clear()
        self._prepared.clear()
        self._tables.clear()
        try:
            if futures and self._client.status == "running":
                self._client.cancel(futures, force=True)
            self._client.close(timeout=2)
        except Exception as error:  # the run's end doesn't wait for a cluster's
            print(f"closing the connection to the Dask scheduler: {error}")

    def _outcomes(self, future: Any, number: int) -> list[Result | Exception]:
        try:
            results = future.result(timeout=60)
        except Exception as error:
            return [WorkerDied(f"{type(error).__name__}: {error}"[:500])] * number
        if len(results) == number and all(isinstance(result, Result) for result in results):
            return list(results)
        return [WorkerDied("an answer that isn't one")] * number

    def _prepared_of(self, scenario: int) -> Any:
        """Return the future of what a scenario's replicates share, made by one of the workers."""
        if scenario not in self._prepared:
            self._prepared[scenario] = self._client.submit(
                _prepare, self._assignment, scenario, self._table_of(scenario), pure=False
            )
        return self._prepared[scenario]

    def _table_of(self, scenario: int) -> Any:
        table = motif_table(self._assignment, scenario)
        if id(table) not in self._tables:
            # The table is kept beside its future, so that its id isn't given to another.
            self._tables[id(table)] = (table, self._client.scatter(table, hash=False))
        return self._tables[id(table)][1]

    def _forget_scenarios(self) -> None:
        """Free the workers' memory of scenarios that are done: replicates come scenario by scenario."""
        if self._bundles:
            first = min(task.scenario for task in self.under_way)
            for scenario in [scenario for scenario in self._prepared if scenario < first]:
                del self._prepared[scenario]

    def _check_versions(self) -> None:
        for address, theirs in self._client.run(environment).items():
            for name in DECISIVE:
                if theirs["versions"].get(name) != self._versions[name]:
                    found = f"{name} {theirs['versions'].get(name)}, not {self._versions[name]}"
                    self._client.close(timeout=2)
                    raise CrewLost(f"the Dask worker {address} has {found}")


def _prepare(assignment: Assignment, scenario: int, table: MotifScores | Ybetaparams) -> tuple[Any, Any]:
    """Run by one worker: prepare a scenario; return it with its description, or why there is none."""
    start = time.perf_counter()
    try:
        prepared = prepare_scenario(assignment, scenario, lambda *_: table)
    except InputError as error:
        return None, str(error)
    except Exception as error:  # each of its replicates says so, and runner.log has where
        return raised(assignment, Task(scenario, 0), error, time.perf_counter() - start), None
    return prepared, describe(prepared, time.perf_counter() - start)


def _compute(
    assignment: Assignment, shared: tuple[Any, Any], tasks: tuple[Task, ...], versions: dict[str, str]
) -> list[Result]:
    """Run by any worker: compute replicates of one scenario."""
    mine = environment()["versions"]
    if any(mine.get(name) != version for name, version in versions.items()):
        raise RuntimeError(f"this worker has other versions than the run: {mine}")
    prepared, description = shared
    if prepared is None:
        return [Result(task, 0.0, {}, {}, {}, refused=description) for task in tasks]
    if isinstance(prepared, Result):
        return [replace(prepared, task=task) for task in tasks]
    results = compute_all_on(assignment, prepared, tasks)
    results[0].preparation = description
    return results
