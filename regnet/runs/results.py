"""How does a Python program run a study and read what came out?

::

    run = regnet.run(regnet.Study(conditions=[4, 8], replicates=50))
    run.summary.query("metric == 'pearson'")

    regnet.load_run("data/runs/2026-11-24-study-1a2b").replicates
"""

from __future__ import annotations

import functools
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regnet.errors import InputError, shown
from regnet.execution import Execution
from regnet.places import find_places
from regnet.runs.export import Table, replicate_table, summary_table
from regnet.runs.folder import RunFolder, find_run
from regnet.runs.launch import resume_run, start_run, stop_run
from regnet.runs.replay import Progress, Replay
from regnet.runs.state import RunState
from regnet.study import Study
from regnet.summary import summarise

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_POLL = 0.1  # seconds between two looks at a run that is waited for


@dataclass(frozen=True)
class Run:
    """A run on disk, finished or not. Its tables show what was recorded when they were first asked for.

    Attributes
    ----------
    folder : RunFolder
        Where it lies: ``run.folder.path``.
    """

    folder: RunFolder

    @functools.cached_property
    def study(self) -> Study:
        """The study that was, or is being, carried out."""
        return self.folder.study()

    @functools.cached_property
    def replicates(self) -> pd.DataFrame:
        """A line per scenario, replicate and method, with scenario parameters and metrics as columns.

        ``method`` is ``Ridge`` or ``LMM``, ``label`` the method's name in tables, ``status`` what became
        of the fit; an undefined number is NaN.
        """
        return _frame(replicate_table(self.study, self._replay.rows))

    @functools.cached_property
    def summary(self) -> pd.DataFrame:
        """A line per scenario, method and metric: mean, sd, Monte Carlo error, difference to the baseline."""
        return _frame(summary_table(self.study, summarise(self._replay.rows, self.study.baseline)))

    @property
    def state(self) -> RunState:
        """How the run is now."""
        return self._replay.state()

    @property
    def progress(self) -> Progress:
        """How far the run is now."""
        replay = Replay(self.folder)
        replay.update()
        return replay.progress()

    def arrays(self, scenario: int, replicate: int) -> dict[str, NDArray[Any]]:
        """Return the arrays that were kept of one replicate (see ``Execution.keep``), by name."""
        from regnet.runs.arrays import read_arrays

        return read_arrays(self.folder, scenario, replicate)

    def refresh(self) -> Run:
        """Return the run as it is now."""
        return Run(self.folder)

    def wait(self, timeout: float | None = None) -> Run:
        """Wait for the run's end (at most `timeout` seconds) and return it as it is then."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.state.is_alive and (deadline is None or time.monotonic() < deadline):
            time.sleep(_POLL)
        return self.refresh()

    def stop(self) -> Run:
        """Stop the run between two replicates, and return it as it is then."""
        stop_run(self.folder)
        return self.refresh()

    def resume(self, *, force: bool = False, wait: bool = True) -> Run:
        """Compute what is missing; see :func:`regnet.runs.launch.resume_run`."""
        resume_run(self.folder, force=force)
        return self.wait() if wait else self.refresh()

    @functools.cached_property
    def _replay(self) -> Replay:
        replay = Replay(self.folder)
        replay.update()
        return replay


def run(
    study: Study,
    *,
    execution: Execution | None = None,
    data: str | os.PathLike[str] | None = None,
    name: str | None = None,
    wait: bool = True,
    queued: bool = True,
) -> Run:
    """Carry out a study in a process of its own, and return the run.

    Parameters
    ----------
    study : Study
    execution : Execution, optional
        Jobs, cores and the like (default: as many jobs as processors).
    data : path, optional
        The data directory under whose ``runs`` the run's folder is made (default: as the command line).
    name : str, optional
        The run's name (default: the study's).
    wait : bool
        Whether to wait for its end. Otherwise it goes on whatever becomes of this process. Interrupting
        the wait (Ctrl+C) stops the run; ``resume`` goes on with it.
    queued : bool
        Whether it waits for its turn among the runs of this data directory on this machine.

    Raises
    ------
    InputError
        Where the study can't be started.
    RuntimeError
        Where it was waited for and ended before everything was computed.
    """
    if not isinstance(study, Study):
        raise InputError("study", "a regnet.Study", shown(type(study).__name__))
    folder = start_run(study, execution or Execution(), find_places(data), name=name, queued=queued)
    started = Run(folder)
    if not wait:
        return started
    try:
        ended = started.wait()
    except KeyboardInterrupt:
        stop_run(folder)
        raise
    if not ended.state.name.startswith("finished"):
        raise RuntimeError(f"run {folder.id} has ended early: {ended.state.sentence} ({folder.runner_log})")
    return ended


def load_run(folder: str | os.PathLike[str], *, data: str | os.PathLike[str] | None = None) -> Run:
    """Return a run by its folder, or by its id in a data directory.

    Raises
    ------
    InputError
        Where there is no such run.
    """
    path = os.fspath(folder)
    is_path = os.sep in path or os.path.isdir(path)  # noqa: PTH112
    return Run(find_run(find_places(data), os.path.abspath(path) if is_path else path))  # noqa: PTH100


def _frame(table: Table) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame.from_records(list(table.rows), columns=list(table.columns))
    for column in frame.columns[frame.isna().all().to_numpy()]:
        frame[column] = frame[column].astype(float)  # undefined throughout: numbers still
    return frame
