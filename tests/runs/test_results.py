"""A Python program runs a study, gets tidy tables, and finds the run again later."""

from __future__ import annotations

import math

import numpy as np
import pytest
from small_runs import small_study

import regnet
from regnet import Execution, InputError
from regnet.places import Places
from regnet.runs.repetition import replay_replicate
from regnet.runs.results import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = tmp_path_factory.mktemp("data")
    return regnet.run(small_study(), execution=Execution(jobs=2, keep="all"), data=data, name="a run")


def test_the_replicates_are_tidy_one_row_per_scenario_replicate_and_method(run: Run) -> None:
    table = run.replicates
    assert len(table) == 2 * 6 * 2
    assert set(table["method"]) == {"Ridge", "LMM"}
    assert list(table["scenario"].unique()) == [0, 1]
    assert list(table["covariance"].unique()) == ["id", "random"]
    assert (table["status"] == "ok").all()
    assert table.groupby(["scenario", "replicate"])["label"].apply(list).map(len).eq(2).all()
    assert table["pearson"].between(-1, 1).all()
    assert table["true_signal_fraction"].to_numpy() == pytest.approx(0.2, abs=1e-10)
    assert table.loc[table.method == "Ridge", "coverage"].isna().all()


def test_the_summary_is_the_mean_of_the_replicates(run: Run) -> None:
    table, summary = run.replicates, run.summary
    for key, group in table.groupby(["scenario", "label"]):
        row = summary.set_index(["scenario", "label", "metric"]).loc[(*key, "pearson")]
        assert row["mean"] == pytest.approx(group["pearson"].mean(), rel=1e-12)
        assert row["mcse"] == pytest.approx(group["pearson"].std() / math.sqrt(6), rel=1e-12)
    wide = table.query("scenario == 1").pivot(index="replicate", columns="method", values="rmse")
    row = summary.query("scenario == 1 and label == 'LMM' and metric == 'rmse'").iloc[0]
    assert row["difference"] == pytest.approx((wide["LMM"] - wide["Ridge"]).mean(), rel=1e-12)
    assert row["won"] == (wide["LMM"] < wide["Ridge"]).mean()


def test_a_run_is_loaded_again_by_its_folder_with_the_same_tables(run: Run) -> None:
    again = regnet.load_run(run.folder.path)
    assert again.replicates.equals(run.replicates)
    assert again.summary.equals(run.summary)
    assert again.study == run.study
    assert again.state.name == "finished"
    by_id = regnet.load_run(run.folder.id, data=run.folder.path.parents[1])
    assert by_id.folder == again.folder
    with pytest.raises(InputError):
        regnet.load_run("nothing", data=run.folder.path.parents[1])


def test_kept_arrays_are_the_datasets_and_the_estimates(run: Run) -> None:
    study = run.study
    arrays = run.arrays(1, 3)
    assert arrays["expression"].shape == (60, 3)
    assert arrays["LMM/signal_covariance"].shape == (3, 3)
    row = run.replicates.query("scenario == 1 and replicate == 3 and method == 'LMM'").iloc[0]
    error = arrays["LMM/effects"] - arrays["effects"]
    assert row["rmse"] == pytest.approx(float(np.sqrt((error**2).mean())), rel=1e-12)
    assert study.scenarios[1].covariance == "random"
    with pytest.raises(InputError, match="arrays"):
        run.arrays(1, 99)


def test_one_replicate_computed_again_is_the_recorded_one_to_the_last_bit(run: Run) -> None:
    repetition = replay_replicate(run.folder, 1, 4)
    assert repetition.differences == ()
    assert repetition.mixed == ()
    assert repetition.recorded is not None
    kept = run.arrays(1, 4)
    assert set(kept) == set(repetition.result.arrays)
    for name, array in kept.items():
        assert array.tobytes() == np.asarray(repetition.result.arrays[name]).tobytes(), name
    with pytest.raises(InputError, match="0 to 5"):
        replay_replicate(run.folder, 0, 6)


def test_a_run_can_be_left_alone_waited_for_stopped_and_resumed(places: Places) -> None:
    left = regnet.run(small_study(replicates=400), data=places.root, execution=Execution(jobs=1), wait=False)
    assert left.state.is_alive
    stopped = left.stop()
    assert stopped.state.name == "stopped"
    with pytest.raises(InputError, match="alive"):
        stopped.stop()
    finished = regnet.load_run(stopped.folder.path).resume()
    assert finished.state.name == "finished"
    assert len(finished.replicates) == 1600
    assert finished.progress.fraction == 1.0


def test_what_is_no_study_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"regnet\.Study"):
        regnet.run("quickstart")  # type: ignore[arg-type]
