"""What the screens say of a run is what its log says: progress, summary, pictures, comparisons, files."""

from __future__ import annotations

import csv
import json
import math
import re
import statistics
from pathlib import Path

import numpy as np
import pytest
from fake_runs import make_run, places_in, write_log

from regnet.errors import InputError
from regnet.execution import Execution
from regnet.runs.folder import create_run
from regnet.runs.replay import Replay
from regnet.study import Study
from regnet.summary import summarise
from regnet_tui.comparison import compare, metrics_of
from regnet_tui.diff_screen import differing
from regnet_tui.follower import Follower
from regnet_tui.picture_data import PictureData
from regnet_tui.pictures import OF_ROWS, chart_of, chart_of_arrays, differences, running_mean, summary_of
from regnet_tui.plots import Curves, Forest, Heat, Notice, Scatter
from regnet_tui.result_exports import export
from regnet_tui.run_tables import (
    fit_warnings,
    parameter_rows,
    progress_rows,
    summary_rows,
    time_spread,
    tone_of,
    verdict,
)
from regnet_tui.scenario_labels import labels_from, middle_cut, scenario_labels, scenario_name

STUDY = Study(name="sizes", conditions=[4, 8], covariance=["id", "random"], replicates=10)


@pytest.fixture
def replay(tmp_path: Path) -> Replay:
    found = Replay(make_run(places_in(tmp_path), STUDY, done=25, end="stopped", failed=2))
    found.update()
    return found


def test_progress_is_by_scenario_with_time_left_and_failures(replay: Replay) -> None:
    rows = progress_rows(replay)
    assert [row.done for row in rows] == [10, 10, 5, 0]
    assert [row.failed for row in rows] == [2, 0, 0, 0]
    assert rows[0].left == 0.0
    each = statistics.fmean(replay.rows.scenarios[2].seconds)
    assert rows[2].left == pytest.approx(5 * each / 2)  # two side by side
    assert math.isnan(rows[3].left)


def test_the_uncertainty_of_the_time_left_shrinks_as_replicates_come_in(tmp_path: Path) -> None:
    study = Study(covariance="id", replicates=100)
    spreads = []
    for done in (5, 50, 99):
        replay = Replay(make_run(places_in(tmp_path / str(done)), study, done=done, end=""))
        replay.update()
        spreads.append(time_spread(replay))
    assert spreads[0] > spreads[1] > 0
    assert math.isfinite(spreads[2])


def test_scenarios_are_told_apart_by_what_varies(replay: Replay) -> None:
    labels = scenario_labels(STUDY)
    assert labels.title == "C · V"
    assert labels.full == ("4 · id", "4 · random", "8 · id", "8 · random")
    assert [scenario_name(STUDY, i) for i in (0, 3)] == ["C=4 V=id", "C=8 V=random"]


def test_labels_without_room_are_cut_so_that_they_stay_distinct() -> None:
    study = Study(covariance=["id", "lowrank_2", "lowrank_3"], noise=["identity", "identityV"], tfs=[50, 100])
    labels = scenario_labels(study)
    assert len(set(labels.short)) == len(labels.full) == 12
    assert max(map(len, labels.short)) <= 14
    assert middle_cut("identityV", 5) == "ide…V"
    paths = [["/data/" + "x" * 300 + f"{i}" + "y" * 300] for i in (1, 2, 10)]
    assert len(set(labels_from(["dataset"], paths).short)) == 3


def test_a_single_scenario_is_named_and_nothing_varies() -> None:
    labels = scenario_labels(Study(covariance="id"))
    assert (labels.title, labels.full) == ("scenario", ("V=id",))


def test_summary_rows_pair_each_method_with_the_baseline(replay: Replay) -> None:
    summary = summary_of(replay)
    rows = summary_rows(STUDY, summary, ["pearson"])
    assert [(row.label, row.cell.label) for row in rows] == [
        ("4 · id", "LMM"),
        ("4 · random", "LMM"),
        ("8 · id", "LMM"),
    ]
    assert all(row.baseline is not None and row.baseline.label == "Ridge" for row in rows)
    assert rows[0].cell.n == 8
    assert tone_of(rows[1].cell) == "good"
    assert verdict(rows) == "better 3, worse 0, not told apart 0"


def test_lower_is_better_where_the_metric_says_so(replay: Replay) -> None:
    rows = summary_rows(STUDY, summary_of(replay), ["rmse"])
    difference = rows[1].cell.difference
    assert difference is not None
    assert difference.high < 0
    assert tone_of(rows[1].cell) == "good"


def test_a_summary_kept_up_to_date_is_the_summary_from_scratch(tmp_path: Path) -> None:
    replay = Replay(make_run(places_in(tmp_path), STUDY), use_rows_file=False)
    summary = None
    while replay.update(2000):
        summary = summary_of(replay, summary)
    assert summary is not None
    # as text, in which undefined numbers are equal
    assert repr(summary.cells) == repr(summarise(replay.rows, "Ridge").cells)


def test_warnings_of_fits_are_counted(replay: Replay) -> None:
    assert fit_warnings(replay.rows) == [("at boundary", 3)]


def test_changed_parameters_stand_first(replay: Replay) -> None:
    rows = parameter_rows(STUDY, Execution(jobs=3))
    assert [name for name, *_ in rows[:5]] == ["conditions", "covariance", "name", "replicates", "jobs"]
    assert len(rows) == len({name for name, *_ in rows})


# ---- following ---------------------------------------------------------------------------------------


def test_a_follower_sees_a_log_grow_and_takes_each_line_once(tmp_path: Path) -> None:
    folder = create_run(STUDY, Execution(), places_in(tmp_path), command=["x"])
    follower = Follower(folder)
    follower.poll()
    assert follower.log == []
    write_log(folder, STUDY, done=3, end="", log=(("warning", "mind"), ("info", "fine")))
    assert follower.poll()
    assert [line.text for line in follower.log if line.level == "warning"] == ["mind"]
    assert follower.warnings == 1
    before = len(follower.log)
    follower.poll()
    assert len(follower.log) == before
    assert follower.progress.done == 3


# ---- pictures ----------------------------------------------------------------------------------------


def test_every_picture_of_rows_is_drawn_from_a_running_run(replay: Replay) -> None:
    summary = summary_of(replay)
    kinds = {kind: type(chart_of(kind, replay, summary, "pearson", 0)) for kind in OF_ROWS}
    assert kinds == {"differences": Forest, "means": Forest, "paired": Scatter, "convergence": Curves}


def test_pictures_of_an_empty_run_say_so(tmp_path: Path) -> None:
    replay = Replay(make_run(places_in(tmp_path), STUDY, done=0, end=""))
    replay.update()
    for kind in OF_ROWS:
        assert isinstance(chart_of(kind, replay, summary_of(replay), "pearson", 0), Notice)


def test_the_picture_of_differences_has_room_for_expected_values(replay: Replay) -> None:
    chart = differences(replay, summary_of(replay), "pearson", {(1, "LMM"): 0.04})
    assert isinstance(chart, Forest)
    assert [row.expected for row in chart.rows] == [None, 0.04, None]


def test_the_running_mean_ends_at_the_mean_with_its_t_interval() -> None:
    values = [0.1, 0.3, 0.2, 0.6, 0.4]
    curve = running_mean(values)
    half = 2.776445 * statistics.stdev(values) / math.sqrt(5)  # Student's t, 0.975, 4 degrees of freedom
    assert curve.x == [3.0, 4.0, 5.0]
    assert curve.y[-1] == pytest.approx(0.32)
    assert curve.high[-1] - curve.y[-1] == pytest.approx(half, rel=1e-6)


def test_arrays_are_read_by_another_process_and_scaled_to_trace_one(tmp_path: Path) -> None:
    path = tmp_path / "00000.npz"
    effects = np.arange(12.0).reshape(6, 2)
    np.savez(
        path,
        effects=effects,
        signal_covariance=np.diag([1.0, 3.0]),
        **{"Ridge/effects": -effects, "LMM/effects": 2 * effects, "LMM/signal_covariance": np.eye(2)},
    )
    data = PictureData()
    told = data.read(path)
    scatter = chart_of_arrays("effects", told, "replicate 0")
    assert isinstance(scatter, Scatter)
    assert [(panel.title, panel.note) for panel in scatter.panels] == [
        ("Ridge", "r = -1.000, 12 effects"),
        ("LMM", "r = 1.000, 12 effects"),
    ]
    heat = chart_of_arrays("covariances", told, "replicate 0")
    assert isinstance(heat, Heat)
    assert dict(heat.panels) == {
        "V true": [[0.25, 0.0], [0.0, 0.75]],
        "V LMM": [[0.5, 0.0], [0.0, 0.5]],
    }
    assert data.read(path) is told  # remembered


def test_arrays_that_are_missing_or_damaged_are_said(tmp_path: Path) -> None:
    assert "kept no arrays" in PictureData().read(tmp_path / "none.npz")["problem"]
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not a zip")
    assert "can't be read" in PictureData().read(tmp_path / "bad.npz")["problem"]
    assert isinstance(chart_of_arrays("effects", {"problem": "gone"}, ""), Notice)


# ---- comparing and taking away -----------------------------------------------------------------------


def test_runs_that_differ_in_one_parameter_stand_side_by_side(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    studies = [STUDY.replace(noise=noise) for noise in ("random", "identity")]
    replays = [Replay(make_run(places, study)) for study in studies]
    for replay in replays:
        replay.update()
    assert differing(studies) == [("noise", ("random", "identity"))]
    scenarios, rows = compare(replays, "pearson")
    assert [row.label for row in rows[::3]] == list(scenarios.full)
    assert [row.method for row in rows[:3]] == ["Ridge", "LMM", "LMM − Ridge"]
    assert all("±" in cell.text for cell in rows[0].cells)
    difference = rows[2].cells[1]
    assert re.fullmatch(r"[+-]0\.\d{3} \[[+-]0\.\d{3}, [+-]0\.\d{3}\]", difference.text)
    assert re.fullmatch(r"\[[+-]\.\d{3}, [+-]\.\d{3}\]", difference.short)
    assert len(difference.short) == 14
    assert "pearson" in metrics_of(replays)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".json", ".md", ".tex"])
def test_results_are_written_in_the_format_of_the_ending(replay: Replay, tmp_path: Path, ending: str) -> None:
    summary = summary_of(replay)
    written = export("summary", replay, summary, str(tmp_path / f"out{ending}"))
    text = written.read_text()
    assert "pearson" in text
    if ending == ".csv":
        rows = list(csv.DictReader(text.splitlines()))
        cell = summary.cell(0, "LMM", "pearson")
        assert cell is not None
        found = [r for r in rows if (r["scenario"], r["label"], r["metric"]) == ("0", "LMM", "pearson")]
        assert float(found[0]["mean"]) == cell.mean
    if ending == ".json":
        assert len(json.loads(text)) == len(summary.cells)


def test_replicates_are_written_a_line_each(replay: Replay, tmp_path: Path) -> None:
    written = export("replicates", replay, summary_of(replay), str(tmp_path / "r.csv"))
    assert len(written.read_text().splitlines()) == 1 + 50


def test_no_file_is_overwritten_and_an_unknown_ending_refused(replay: Replay, tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(InputError, match="a new file"):
        export("summary", replay, summary_of(replay), str(tmp_path / "there.csv"))
    assert (tmp_path / "there.csv").read_text() == "mine"
    with pytest.raises(InputError, match=r"\.csv"):
        export("summary", replay, summary_of(replay), str(tmp_path / "out.xlsx"))
