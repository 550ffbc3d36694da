"""What a study takes: counts exactly, disk and time about."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import SMALL, Command

from regnet.cli.estimate import estimate
from regnet.execution import Execution
from regnet.places import Places
from regnet.study import Study


def test_sizes_are_counted_and_jobs_are_as_asked(tmp_path: Path) -> None:
    study = Study(conditions=[4, 8], covariance="id", replicates=10)
    found = estimate(study, Execution(jobs=3, cores=2), Places(tmp_path, "a test"))
    assert (found.scenarios, found.replicates, found.fits, found.jobs, found.cores) == (2, 20, 40, 3, 2)
    assert found.seconds is None


def test_more_threads_than_processors_are_warned_of(tmp_path: Path) -> None:
    places = Places(tmp_path, "a test")
    assert "slower" in estimate(Study(), Execution(jobs=1000, cores=2), places).warning
    assert estimate(Study(), Execution(), places).warning == ""


def test_disk_is_within_a_factor_of_two_of_what_a_run_takes(regnet: Command, tmp_path: Path) -> None:
    for keep in ("all", "estimates"):
        words = [
            "run",
            "default",
            *SMALL,
            "--genes",
            "300",
            "--tfs",
            "60",
            "--replicates",
            "20",
            "--keep",
            keep,
        ]
        told = json.loads(regnet(*words, "--dry-run", "--json").out)["disk_bytes"]
        folder = Path(json.loads(regnet(*words, "--json").out)["path"])
        arrays = sum(path.stat().st_size for path in folder.glob("arrays/**/*.npz"))
        taken = arrays + (folder / "events.jsonl").stat().st_size
        assert 0.5 < told / taken < 2, keep


def test_a_larger_study_takes_longer_by_an_earlier_runs_pace(regnet: Command) -> None:
    regnet("run", "default", *SMALL, "--replicates", "3", "--json")
    small, large = (
        json.loads(regnet("run", "default", *SMALL, "--replicates", n, "--dry-run", "--json").out)["seconds"]
        for n in ("1", "100000")
    )
    assert 0 < small < large
