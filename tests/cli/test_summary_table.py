"""The summary as it is printed, from results that are made up."""

from __future__ import annotations

import json
import math
from array import array

import pytest

from regnet.cli.output import width_of
from regnet.cli.summary_table import check_metrics, summary_lines, summary_records, verdict
from regnet.errors import InputError
from regnet.runs.rows import MethodColumns, Rows, ScenarioRows
from regnet.study import Study
from regnet.summary import Summary, summarise

STUDY = Study(covariance="id,random", replicates=3)


def summary(*lmm: list[float], failed: int = 0) -> Summary:
    """Return a summary of two scenarios in which ridge always has a correlation of 0.5."""
    scenarios = []
    for values in lmm:
        scenario = ScenarioRows()
        scenario.replicates = array("q", range(3))
        for label, column in (("Ridge", [0.5, 0.5, 0.5]), ("LMM", values)):
            statuses = bytearray([0] * 3)
            if label == "LMM":
                statuses[:failed] = bytes([1] * failed)
            scenario.methods[label] = MethodColumns(statuses, {"pearson": array("d", column)})
        scenarios.append(scenario)
    return summarise(Rows(("Ridge", "LMM"), scenarios))


def test_the_difference_is_shown_with_its_t_interval_and_the_share_won() -> None:
    lines = summary_lines(summary([0.6, 0.7, 0.8], [0.5, 0.5, 0.5]), STUDY, ["pearson"])
    assert lines[0].split() == ["covariance", "method", "Pearson", "r", "Pearson", "r", "−", "Ridge", "won"]
    # 4.3027 is Student's t for 95% and 2 degrees of freedom: 0.2 ± 4.3027 × 0.1 / √3
    assert lines[2].split() == ["id", "LMM", "0.700", "±", "0.058", "+0.200", "[-0.048,", "+0.448]", "100%"]
    assert lines[4].split()[-1] == "0%"
    assert len({width_of(line) for line in lines[1:5]}) <= 2


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([0.60, 0.61, 0.62], "better than Ridge in 1 of 1 scenarios, worse in 0, not told apart in 0"),
        ([0.40, 0.41, 0.42], "better than Ridge in 0 of 1 scenarios, worse in 1, not told apart in 0"),
        ([0.40, 0.51, 0.62], "better than Ridge in 0 of 1 scenarios, worse in 0, not told apart in 1"),
        ([math.nan] * 3, "worse in 0, not told apart in 0, not known in 1"),
    ],
)
def test_the_verdict_counts_only_what_the_interval_tells_apart(values: list[float], told: str) -> None:
    (sentence,) = verdict(summary(values), "pearson", 1)
    assert told in sentence


def test_columns_that_say_nothing_are_left_out_and_failures_are_not() -> None:
    assert "failed" not in summary_lines(summary([0.6] * 3, [0.6] * 3), STUDY, ["pearson"])[0]
    lines = summary_lines(summary([0.6] * 3, [0.6] * 3, failed=1), STUDY, ["pearson"])
    assert lines[0].split()[-1] == "failed"
    assert [line.split()[-1] for line in lines[1:5]] == ["0", "1", "0", "1"]
    assert " n " in lines[0]


def test_metrics_that_do_not_fit_the_terminal_are_left_out() -> None:
    metrics = ["pearson", "rmse"]
    wide = summary_lines(summary([0.6] * 3, [0.6] * 3), STUDY, metrics)
    room = max(map(width_of, wide[:5])) - 1
    narrow = summary_lines(summary([0.6] * 3, [0.6] * 3), STUDY, metrics, width=room)
    assert "RMSE" in wide[0]
    assert "RMSE" not in narrow[0]
    assert max(map(width_of, narrow)) <= room


def test_numbers_that_do_not_exist_are_null_in_json() -> None:
    records = summary_records(summary([math.nan] * 3, [0.6] * 3), STUDY)
    text = json.dumps(records, allow_nan=False)
    assert json.loads(text)[1]["mean"] is None
    assert records[3]["covariance"] == "random"


def test_nothing_recorded_is_said() -> None:
    assert summary_lines(summarise(Rows.empty(("Ridge", "LMM"), 2)), STUDY) == ["no fit has gone well yet"]


def test_an_unknown_metric_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="--metric: wanted one of pearson"):
        check_metrics(["accuracy"])
