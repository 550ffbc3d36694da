"""Any run's results go out under the original's names, whatever grid it is."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from regnet import Execution, InputError, Study
from regnet.files.legacy_names import parse_name
from regnet.files.npz import read_npz
from regnet.legacy_export import export_run
from regnet.places import Places
from regnet.runs.arrays import write_arrays
from regnet.runs.events import EventLog
from regnet.runs.folder import RunFolder, create_run


def recorded(tmp_path: Path, study: Study, *, arrays: bool = True) -> RunFolder:
    """Return a run whose fits' effects are their scenario and replicate, their metrics 1, 2, 3 …"""
    run = create_run(study, Execution(), Places(tmp_path, "a test"))
    log = EventLog(run.events)
    for number, scenario in enumerate(study.scenarios):
        for replicate in range(study.replicates):
            fits = {
                label: {
                    "status": "ok",
                    "metrics": {name: 1.0 + i + replicate for i, name in enumerate(("r2", "pearson"))}
                    | ({"kl_signal": 0.5} if label.startswith("LMM") else {}),
                    "reason": "",
                    "seconds": 0.1,
                    "warnings": [],
                }
                for label in study.labels
            }
            if arrays:
                path = run.arrays_of(number, replicate)
                path.parent.mkdir(parents=True, exist_ok=True)
                effects = np.full((scenario.tfs, scenario.conditions), 10.0 * number + replicate)
                write_arrays(path, {f"{label}/effects": effects for label in study.labels})
            event = {"scenario": number, "replicate": replicate, "seconds": 0.2, "truth": {}, "fits": fits}
            log.append(("replicate", event))
    log.close()
    return run


def test_every_scenario_and_mixed_model_has_its_files(tmp_path: Path) -> None:
    study = Study(
        genes=30,
        tfs=3,
        conditions=2,
        covariance=["id", "random"],
        signal_fraction=[0.28, 0.29],
        signal_model=["freeform", "diagonal"],
        init="truth",
        replicates=3,
    )
    files = export_run(recorded(tmp_path, study), tmp_path / "out", "npz")
    assert len(files) == len(set(files)) == 4 * 2 * 5
    assert {path.parent for path in files} == {tmp_path / "out"}
    names = [parse_name(path) for path in files]
    assert {name.kind for name in names} == {
        *("beta_posterior", "beta_ridge", "Rsquared", "KLdivV", "Correlation_beta_both")
    }
    assert {name.signal_fraction for name in names} == {0.28, 0.29}
    assert all(name.from_truth and name.replicates == 3 for name in names)
    for path, name in zip(files, names, strict=True):
        values = read_npz(path)["values"]
        if name.kind.startswith("beta"):
            scenario = (name.covariance == "freeform") * 2 + (name.signal_fraction == 0.29)
            number = [(s.covariance, s.signal_fraction) for s in study.scenarios].index(
                (("id", "random")[scenario // 2], (0.28, 0.29)[scenario % 2])
            )
            np.testing.assert_array_equal(values, np.tile(10.0 * number + np.arange(3), (6, 1)))
        elif name.kind == "Rsquared":
            np.testing.assert_array_equal(values, [[1, 1], [2, 2], [3, 3]])


def test_what_the_names_do_not_say_gets_folders_of_its_own(tmp_path: Path) -> None:
    study = Study(
        genes=30,
        tfs=3,
        conditions=2,
        covariance="id",
        centre_motifs=[False, True],
        likelihood=["ml", "reml"],
        replicates=1,
    )
    files = export_run(recorded(tmp_path, study), tmp_path / "out")
    folders = {str(path.parent.relative_to(tmp_path / "out")) for path in files}
    assert folders == {
        f"scenario_{number}/{label}" for number in (0, 1) for label in study.labels if label != "Ridge"
    }


def test_a_run_without_arrays_exports_its_metrics_as_csv(tmp_path: Path) -> None:
    study = Study(genes=30, tfs=3, conditions=2, covariance="id", methods="Ridge", replicates=2)
    files = export_run(recorded(tmp_path, study, arrays=False), tmp_path / "out", "csv")
    assert [parse_name(path).kind for path in files] == ["Rsquared", "Correlation_beta_both"]
    assert list(csv.reader(files[0].read_text().splitlines())) == [
        ["replicate", "Ridge"],
        ["0", "1"],
        ["1", "2"],
    ]


def test_a_run_with_no_results_yet_is_refused(tmp_path: Path) -> None:
    run = create_run(Study(), Execution(), Places(tmp_path, "a test"))
    with pytest.raises(InputError, match="a run with results"):
        export_run(run, tmp_path / "out")
