"""What will a study take: fits, workers, disk, memory and time?

The time comes from earlier runs on this machine: the seconds per replicate of those that are most like
the study, scaled by the size of the problem. Without one there is no honest number, and none is given.
Standard library only.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from regnet.errors import InputError
from regnet.execution import Execution
from regnet.places import Places
from regnet.runs.events import EventReader, number_from
from regnet.runs.folder import RunFolder, run_ids
from regnet.runs.processes import host_name
from regnet.runs.processors import jobs_for, oversubscription, usable_processors
from regnet.scenario import Scenario
from regnet.study import Study

_RUNS_LOOKED_AT = 20
_NEAREST = 3  # most runs whose pace counts: those most like the study, and
_ALIKE = math.log(1.5)  # about as like it as the nearest
_BYTES_LOOKED_AT = 100_000  # of each run's log: a few dozen replicates tell the time as well as all
_WORKER = 160e6  # bytes of a worker process before it holds any data (numpy, scipy, pandas)
_LINE = 1500.0  # bytes of a replicate's line in the log, about, for two methods


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a study takes.

    Attributes
    ----------
    scenarios, replicates, fits : int
        Sizes; `replicates` over all scenarios.
    jobs, cores, processors : int
        Workers, threads per fit, and the processors that may be used.
    disk, memory : float
        Bytes, about.
    seconds : float or None
        Time, within a factor of about two; None where no earlier run on this machine tells.
    warning : str
        What isn't wise about the settings of execution; empty where nothing.
    """

    scenarios: int
    replicates: int
    fits: int
    jobs: int
    cores: int
    processors: int
    disk: float
    memory: float
    seconds: float | None
    warning: str


def estimate(study: Study, execution: Execution, places: Places) -> Estimate:
    """Return what a study takes when it is carried out on this machine."""
    processors = usable_processors()
    replicates = len(study.scenarios) * study.replicates
    jobs = jobs_for(execution, processors, replicates)
    largest = max(_matrix_bytes(scenario) for scenario in study.scenarios)
    each = statistics.fmean(_work(scenario, study) for scenario in study.scenarios)
    pace = _pace(places, each)
    at_once = min(jobs, max(1, processors.count // execution.cores))
    return Estimate(
        scenarios=len(study.scenarios),
        replicates=replicates,
        fits=study.n_fits,
        jobs=jobs,
        cores=execution.cores,
        processors=processors.count,
        disk=sum(_disk(scenario, study, execution) for scenario in study.scenarios) * study.replicates,
        memory=jobs * (_WORKER + 6 * largest) + _WORKER,
        seconds=None if pace is None else pace.start + pace.rate * each * replicates / at_once,
        warning=oversubscription(execution, processors) or "",
    )


def _matrix_bytes(scenario: Scenario) -> float:
    return 8.0 * scenario.genes * (scenario.tfs + 2 * scenario.conditions)


def _disk(scenario: Scenario, study: Study, execution: Execution) -> float:
    """Return the bytes of one replicate's arrays and line."""
    effects, between = scenario.tfs * scenario.conditions, scenario.conditions**2
    n_methods = len(study.methods)
    numbers = 0.0
    if execution.keep != "none":
        numbers += effects * (1 + 2 * n_methods) + between * (2 + 2 * n_methods)
    if execution.keep == "all":
        numbers += scenario.genes * scenario.conditions
    return 8 * numbers + _LINE * n_methods / 2


def _work(scenario: Scenario, study: Study) -> float:
    """Return the floating-point operations of one replicate, about, as the algebra's leading terms."""
    genes, tfs, conditions = scenario.genes, scenario.tfs, scenario.conditions
    rank = min(genes, tfs)
    shared = 4.0 * genes * tfs * conditions + genes * tfs * rank / study.replicates
    iterations = 30.0
    n_mixed = sum(method.kind == "LMM" for method in study.methods)
    n_ridge = len(study.methods) - n_mixed
    ridge = 200.0 * rank + 2.0 * tfs * rank * conditions
    mixed = iterations * (rank * conditions**2 + 10.0 * conditions**3) + 4.0 * tfs * rank * conditions
    return shared + n_ridge * ridge + n_mixed * mixed + 1e6  # the last: what any replicate costs


@dataclass(frozen=True, slots=True)
class _Pace:
    """How fast an earlier run was.

    ``start``: seconds until its first replicate; ``work`` of a replicate; ``rate``: seconds per work.
    """

    start: float
    work: float
    rate: float


def _pace(places: Places, work: float) -> _Pace | None:
    """Return the median pace of the runs whose replicates are most like that work; None without any."""

    def distance(pace: _Pace) -> float:
        return abs(math.log(pace.work / work))

    paces = sorted(_earlier_paces(places), key=distance)
    if not paces:
        return None
    alike = [pace for pace in paces[:_NEAREST] if distance(pace) <= distance(paces[0]) + _ALIKE]
    starts, rates = (pace.start for pace in alike), (pace.rate for pace in alike)
    return _Pace(statistics.median(starts), work, statistics.median(rates))


def _earlier_paces(places: Places) -> Iterator[_Pace]:
    looked_at = 0
    for run in sorted(run_ids(places.runs), reverse=True):
        if looked_at == _RUNS_LOOKED_AT:
            return
        folder = RunFolder(places.runs / run)
        try:
            if folder.record().get("host") != host_name():
                continue
            study = folder.study()
        except InputError:
            continue
        looked_at += 1
        works: list[float] = []
        rates: list[float] = []
        start = math.nan
        for event in EventReader(folder.events).read(_BYTES_LOOKED_AT):
            scenario, seconds = event.get("scenario"), number_from(event.get("seconds"))
            if event["event"] != "replicate" or not isinstance(scenario, int) or not seconds > 0:
                continue
            if 0 <= scenario < len(study.scenarios) and not event.get("failed"):  # a failure takes no time
                start = start if rates else number_from(event.get("elapsed"))
                works.append(_work(study.scenarios[scenario], study))
                rates.append(seconds / works[-1])
        if rates and start >= 0:
            yield _Pace(start, statistics.median(works), statistics.median(rates))
