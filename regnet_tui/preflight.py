"""What does a study take before it is started? Fits, processors, and a warning where they don't fit."""

from __future__ import annotations

from typing import NamedTuple

from regnet.execution import Execution
from regnet.places import Places
from regnet.study import Study
from regnet_tui.figures import count


class Preflight(NamedTuple):
    """The line before Run."""

    line: str
    jobs: int


def preflight(study: Study, execution: Execution, processors: int, places: Places | None = None) -> Preflight:
    """Return what is to be said before a study is run."""
    jobs = int(execution.jobs) if execution.jobs != "auto" else max(processors // execution.cores, 1)
    scenarios = count(len(study.scenarios), "scenario")
    line = f"{scenarios} × {study.replicates} = {count(study.n_fits, 'fit')}; "
    line += f"{jobs} × {execution.cores} of {count(processors, 'processor')}"
    return Preflight(line, jobs)
