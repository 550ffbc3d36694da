"""A data directory of its own for each test, and a run in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_runs import small_study

from regnet import Execution, Study
from regnet.places import Places
from regnet.runs.folder import RunFolder, create_run, run_ids
from regnet.runs.launch import stop_run
from regnet.runs.state import state_of


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    """A data directory of its own, on which no run is left alive."""
    made = Places(tmp_path / "data", "a test's")
    yield made
    for id in run_ids(made.runs):
        folder = RunFolder(made.runs / id)
        if folder.record_file.is_file() and state_of(folder).is_alive:
            stop_run(folder, kill=True)


@pytest.fixture
def study() -> Study:
    """Two scenarios of six replicates, each a matter of milliseconds."""
    return small_study()


@pytest.fixture
def folder(study: Study, places: Places) -> RunFolder:
    """A run's folder in which nothing has been computed yet."""
    return create_run(study, Execution(jobs=1), places, command=["regnet", "run"])
