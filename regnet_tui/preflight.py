"""What does a study take before it is started? The line before Run, from the engine's own estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regnet.execution import Execution
from regnet.study import Study
from regnet_tui.figures import count, duration, size

if TYPE_CHECKING:
    from regnet.cli.estimate import Estimate


def counted(study: Study, execution: Execution, processors: int) -> str:
    """Return what is known at once: scenarios, fits, and the processors that they share."""
    jobs = execution.jobs if execution.jobs != "auto" else max(processors // execution.cores, 1)
    scenarios = count(len(study.scenarios), "scenario")
    line = f"{scenarios} × {study.replicates:,} = {count(study.n_fits, 'fit')}"
    return f"{line} · {jobs} × {execution.cores} of {count(processors, 'processor')}"


def estimated(found: Estimate) -> str:
    """Return what earlier runs on this host and the sizes suggest: time, memory, disk, and a warning."""
    time = "no earlier run tells the time"
    if found.seconds is not None:
        time = f"about {duration(found.seconds)}"
    line = f"{time} · {size(found.memory)} memory · {size(found.disk)} disk"
    return f"{line} · ! {found.warning}" if found.warning else line
