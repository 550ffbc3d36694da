"""What does one worker process do? It computes replicates, one after another, and knows no files.

A worker prepares each scenario once and keeps it: the motif table, its decomposition, the covariances.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regnet.errors import InputError
from regnet.places import Places
from regnet.runs.time_limit import TimeLimit
from regnet.study import Study

if TYPE_CHECKING:
    from regnet.files.motifs import MotifScores
    from regnet.files.ybetaparams import Ybetaparams
    from regnet.replicate import Prepared, ReplicateOutcome

KEPT_SCENARIOS = 4
"""Prepared scenarios that a worker keeps; replicates come scenario by scenario."""

_WATCH = 0.5  # seconds between two looks at whether the runner still lives


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker has to know about its run: all of it small."""

    study: Study
    places: Places
    cores: int
    keep: str
    time_limit: float


@dataclass(frozen=True, slots=True)
class Task:
    """One replicate of one scenario of the study."""

    scenario: int
    replicate: int


@dataclass(slots=True)
class Result:
    """What came of a task, as plain values and arrays.

    ``fits`` are as the log has them. ``preparation`` (seconds, sizes, notes, BLAS) comes with the first
    result of a scenario from each worker. ``problems`` are the tracebacks of methods that raised, by
    label; one that all of them share, where the replicate raised outside of them. ``refused`` says why
    nothing of this scenario can be computed.
    """

    task: Task
    seconds: float
    truth: dict[str, float | None]
    fits: dict[str, dict[str, Any]]
    arrays: dict[str, Any]
    preparation: dict[str, Any] | None = None
    problems: dict[str, str] = field(default_factory=dict)
    refused: str = ""

    @property
    def problem(self) -> str:
        """Every traceback once, under the names of its methods; empty where nothing raised."""
        labels: dict[str, list[str]] = {}
        for label, problem in self.problems.items():
            labels.setdefault(problem, []).append(label)
        return "\n".join(f"{', '.join(names)}: {problem}" for problem, names in labels.items())


_assignment: Assignment | None = None
_prepared: OrderedDict[int, Prepared] = OrderedDict()
_tables: dict[tuple[object, ...], MotifScores] = {}


def begin(assignment: Assignment, runner: int) -> None:
    """Make this process a worker of a runner (its process id): it leaves signals to it, and ends with it."""
    global _assignment
    _assignment = assignment
    _prepared.clear()
    with contextlib.suppress(OSError):  # where memory runs out, a worker should go, not the runner
        Path("/proc/self/oom_score_adj").write_text("500")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(runner,), daemon=True).start()


def compute(tasks: Sequence[Task]) -> list[Result]:
    """Compute replicates of one scenario in a process on which :func:`begin` was called."""
    if _assignment is None:
        raise RuntimeError("this process hasn't been told what it works on")
    preparation = None
    scenario = tasks[0].scenario
    if scenario not in _prepared:
        start = time.perf_counter()
        try:
            latest = next(reversed(_prepared.values()), None)
            _prepared[scenario] = prepare_scenario(_assignment, scenario, motif_table, latest)
        except InputError as error:
            seconds = time.perf_counter() - start
            return [Result(task, seconds, {}, {}, {}, refused=str(error)) for task in tasks]
        except Exception as error:
            return [raised(_assignment, task, error, time.perf_counter() - start) for task in tasks]
        preparation = describe(_prepared[scenario], time.perf_counter() - start)
        if len(_prepared) > KEPT_SCENARIOS:
            _prepared.popitem(last=False)
    results = compute_all_on(_assignment, _prepared[scenario], tasks)
    results[0].preparation = preparation
    return results


def prepare_scenario(
    assignment: Assignment,
    scenario: int,
    table: Callable[[Assignment, int], MotifScores | Ybetaparams],
    earlier: Prepared | None = None,
) -> Prepared:
    """Return what the replicates of a scenario share.

    `table` makes the motif table of a scenario, or reads its data set; `earlier` is another prepared
    scenario of the study.
    """
    from regnet.files.motifs import MotifScores
    from regnet.replicate import prepare

    study = assignment.study
    chosen = study.scenarios[scenario]
    with _threads().limit(limits=assignment.cores):
        motifs = table(assignment, scenario)
        if not isinstance(motifs, MotifScores):
            from regnet.legacy_datasets import prepare_recorded

            return prepare_recorded(chosen, motifs, seed=study.seed, methods=study.methods)
        return prepare(chosen, motifs, study.seed, study.held_out, study.methods, earlier)


def motif_table(assignment: Assignment, scenario: int) -> MotifScores | Ybetaparams:
    """Return the motif table of a scenario, or the data set that it takes from a file.

    The table read last is kept, since scenarios share it.
    """
    from regnet.synthetic_motifs import motifs_for

    study = assignment.study
    chosen = study.scenarios[scenario]
    if chosen.dataset:
        from regnet.legacy_datasets import load_dataset

        return load_dataset(chosen, study.replicates, assignment.places)
    key = (chosen.motifs, *((chosen.genes, chosen.tfs) if chosen.motifs == "synthetic" else ()))
    if key not in _tables:
        _tables.clear()
        _tables[key] = motifs_for(chosen, study.seed, assignment.places, held_out=study.held_out)
    return _tables[key]


def compute_all_on(assignment: Assignment, prepared: Prepared, tasks: Sequence[Task]) -> list[Result]:
    """Compute replicates on their prepared scenario, together where they allow it."""
    if len(tasks) > 1:
        with contextlib.suppress(
            Exception
        ):  # which of them raised shows when they are computed by themselves
            return _computed(assignment, prepared, tasks)
    return [compute_on(assignment, prepared, task) for task in tasks]


def compute_on(assignment: Assignment, prepared: Prepared, task: Task) -> Result:
    """Compute one replicate on a prepared scenario. A replicate that raises is a result, too."""
    start = time.perf_counter()
    try:
        (result,) = _computed(assignment, prepared, [task])
    except Exception as error:
        return raised(assignment, task, error, time.perf_counter() - start)
    return result


def _computed(assignment: Assignment, prepared: Prepared, tasks: Sequence[Task]) -> list[Result]:
    from regnet.replicate import compute_replicates

    study = assignment.study
    start = time.perf_counter()
    with _threads().limit(limits=assignment.cores):
        outcomes = compute_replicates(
            prepared,
            study.methods,
            study.labels,
            replicates=[task.replicate for task in tasks],
            top=study.top,
            limit=TimeLimit(assignment.time_limit),
        )
    seconds = (time.perf_counter() - start) / len(tasks)
    return [
        _result(task, outcome, seconds, assignment.keep)
        for task, outcome in zip(tasks, outcomes, strict=True)
    ]


def _result(task: Task, outcome: ReplicateOutcome, seconds: float, keep: str) -> Result:
    fits = {
        fit.label: {
            "status": fit.status,
            "metrics": {name: value for name, value in fit.metrics.items() if value is not None},
            "reason": fit.reason,
            "seconds": fit.seconds,
            "warnings": list(fit.warnings),
        }
        for fit in outcome.fits
    }
    problems = {fit.label: fit.problem for fit in outcome.fits if fit.problem}
    return Result(task, seconds, dict(outcome.truth), fits, _kept(outcome, keep), problems=problems)


def raised(assignment: Assignment, task: Task, error: Exception, seconds: float) -> Result:
    """Return the record of a replicate that raised outside its fits: a bug, or memory that ran out."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:1000]
    fits = lost_fits(assignment.study.labels, "failed", reason)
    problem = "".join(traceback.format_exception(error))
    return Result(task, seconds, {}, fits, {}, problems=dict.fromkeys(fits, problem))


def lost_fits(labels: Sequence[str], status: str, reason: str) -> dict[str, dict[str, Any]]:
    """Return the record of fits that never were, for every method."""
    return {
        label: {"status": status, "metrics": {}, "reason": reason, "seconds": None, "warnings": []}
        for label in labels
    }


def describe(prepared: Prepared, seconds: float) -> dict[str, Any]:
    """Return what is recorded of a scenario's preparation."""
    kept = ("internal_api", "version", "threading_layer", "architecture")
    blas = [
        {key: library.get(key) for key in kept}
        for library in _threads().info()
        if library.get("user_api") == "blas"
    ]
    return {
        "seconds": seconds,
        "sizes": dict(prepared.sizes),
        "notes": list(prepared.notes),
        "blas": blas,
        "host": os.uname().nodename,
    }


@functools.cache
def _threads() -> Any:
    """Return the control over the linear algebra's threads; to find the libraries takes 10 ms, once."""
    import scipy.linalg  # noqa: F401  (what isn't loaded isn't found)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _kept(outcome: ReplicateOutcome, keep: str) -> dict[str, Any]:
    if keep == "none":
        return {}
    return {name: array for name, array in outcome.arrays.items() if keep == "all" or name != "expression"}


def _end_with(runner: int) -> None:
    """End this process as soon as it is no longer the runner's child: it would work for nobody."""
    while os.getppid() == runner:
        time.sleep(_WATCH)
    os._exit(1)
