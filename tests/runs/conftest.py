"""A data directory of its own for each test, and a run in it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_runs import small_study

from regnet import Execution, InputError, Study
from regnet.places import Places
from regnet.runs.folder import RunFolder, create_run, run_ids
from regnet.runs.launch import stop_run
from regnet.runs.lock import read_holder


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    """A data directory of its own, on which no run is left alive."""
    made = Places(tmp_path / "data", "a test's")
    yield made
    for id in run_ids(made.runs):
        folder = RunFolder(made.runs / id)
        holder = read_holder(folder.lock, folder.heartbeat)
        if holder is not None and holder.is_alive and holder.process.pid != os.getpid():
            with contextlib.suppress(InputError):  # it may just have finished
                stop_run(folder, kill=True)


@pytest.fixture
def study() -> Study:
    """Two scenarios of six replicates, each a matter of milliseconds."""
    return small_study()


@pytest.fixture
def folder(study: Study, places: Places) -> RunFolder:
    """A run's folder in which nothing has been computed yet."""
    return create_run(study, Execution(jobs=1), places, command=["regnet", "run"])
