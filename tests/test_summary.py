"""Summaries say what a direct computation says, count what is missing, and pair methods by data set."""

from __future__ import annotations

import math
import random
import statistics
import time
from typing import Any

import numpy as np
import pytest
import scipy.stats

from regnet import InputError
from regnet.metrics import METRICS
from regnet.runs.rows import Rows
from regnet.summary import summarise, t_quantile

LABELS = ("Ridge", "LMM")


def fit(status: str = "ok", **metrics: Any) -> dict[str, Any]:
    return {"status": status, "metrics": metrics, "reason": "", "seconds": 0.1, "warnings": []}


def add(rows: Rows, replicate: int, ridge: dict[str, Any], lmm: dict[str, Any], scenario: int = 0) -> None:
    event = {"replicate": replicate, "seconds": 1.0, "fits": {"Ridge": ridge, "LMM": lmm}}
    rows.scenarios[scenario].append(event, rows.labels)


def made(ridge: list[float], lmm: list[float], metric: str = "pearson") -> Rows:
    rows = Rows.empty(LABELS, 1)
    for place, (first, second) in enumerate(zip(ridge, lmm)):
        add(rows, place, fit(**{metric: first}), fit(**{metric: second}))
    return rows


@pytest.mark.parametrize("freedom", [0.5, 1, 1.5, 2, 3, 5, 9, 10, 19, 49, 99, 300, 499, 500, 501, 1e4, 1e7])
def test_t_quantiles_agree_with_scipy_to_1e9(freedom: float) -> None:
    for probability in (0.025, 0.2, 0.5, 0.6, 0.9, 0.95, 0.975, 0.995, 0.9999):
        expected = scipy.stats.t.ppf(probability, freedom)
        assert t_quantile(probability, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("probability", "freedom"), [(0.0, 3), (1.0, 3), (0.5, 0), (0.5, math.nan)])
def test_a_t_quantile_that_does_not_exist_is_an_error(probability: float, freedom: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        t_quantile(probability, freedom)


def test_means_deviations_and_monte_carlo_errors_are_those_of_numpy() -> None:
    rng = np.random.default_rng(1)
    ridge, lmm = rng.normal(0.4, 0.1, 37), rng.normal(0.5, 0.1, 37)
    cell = summarise(made(list(ridge), list(lmm))).cell(0, "LMM", "pearson")
    assert cell is not None
    assert cell.n == 37
    assert cell.mean == pytest.approx(lmm.mean(), rel=1e-14)
    assert cell.sd == pytest.approx(lmm.std(ddof=1), rel=1e-13)
    assert cell.mcse == pytest.approx(lmm.std(ddof=1) / math.sqrt(37), rel=1e-13)


def test_the_paired_difference_and_its_interval_are_scipys_paired_t() -> None:
    rng = np.random.default_rng(2)
    ridge = rng.normal(0.4, 0.1, 23)
    lmm = ridge + rng.normal(0.02, 0.03, 23)
    cell = summarise(made(list(ridge), list(lmm))).cell(0, "LMM", "pearson")
    assert cell is not None
    assert cell.difference is not None
    interval = scipy.stats.ttest_rel(lmm, ridge).confidence_interval(0.95)
    assert cell.difference.mean == pytest.approx((lmm - ridge).mean(), rel=1e-12)
    assert (cell.difference.low, cell.difference.high) == pytest.approx(tuple(interval), rel=1e-9)
    assert cell.difference.won == (lmm > ridge).mean()


def test_the_better_direction_is_the_metrics_own() -> None:
    rows = made([1.0, 2.0, 3.0, 4.0], [0.5, 2.5, 2.5, 4.0], metric="rmse")
    cell = summarise(rows).cell(0, "LMM", "rmse")
    assert cell is not None
    assert cell.difference is not None
    assert cell.difference.won == 0.5  # two of four are lower; a tie is no win
    rows = made([1.0, 2.0], [2.0, 3.0], metric="log_likelihood")
    log_likelihood = summarise(rows).cell(0, "LMM", "log_likelihood")
    assert log_likelihood is not None
    assert log_likelihood.difference is not None


def test_the_baseline_itself_has_no_difference_and_any_method_can_be_it() -> None:
    rows = made([1.0, 2.0], [2.0, 4.0])
    ridge = summarise(rows).cell(0, "Ridge", "pearson")
    assert ridge is not None
    assert ridge.difference is None
    other = summarise(rows, "LMM").cell(0, "Ridge", "pearson")
    assert other is not None
    assert other.difference is not None
    assert other.difference.mean == -1.5
    with pytest.raises(InputError, match="one of Ridge, LMM"):
        summarise(rows, "OLS")


def test_undefined_and_failed_replicates_are_counted_and_leave_the_means_alone() -> None:
    rows = Rows.empty(LABELS, 1)
    add(rows, 0, fit(pearson=0.1), fit(pearson=0.3))
    add(rows, 1, fit(pearson=0.2), fit())
    add(rows, 2, fit(pearson=None), fit(pearson=0.9))
    add(rows, 3, fit(pearson=0.4), fit("failed", pearson=99.0))
    add(rows, 4, fit(pearson=0.5), fit("timed out"))
    add(rows, 5, fit(pearson="inf"), fit(pearson=0.4))
    ridge = summarise(rows).cell(0, "Ridge", "pearson")
    lmm = summarise(rows).cell(0, "LMM", "pearson")
    assert ridge is not None
    assert lmm is not None
    assert (ridge.n, ridge.undefined, ridge.failed) == (4, 2, 0)
    assert ridge.mean == pytest.approx(0.3)
    assert (lmm.n, lmm.undefined, lmm.failed) == (3, 1, 2)
    assert lmm.mean == pytest.approx((0.3 + 0.9 + 0.4) / 3)
    assert lmm.difference is not None
    assert (lmm.difference.n, lmm.difference.mean) == (1, pytest.approx(0.2))
    assert math.isnan(lmm.difference.low)


def test_one_replicate_has_a_mean_and_no_deviation() -> None:
    cell = summarise(made([0.5], [0.6])).cell(0, "Ridge", "pearson")
    assert cell is not None
    assert cell.mean == 0.5
    assert math.isnan(cell.sd)
    assert math.isnan(cell.mcse)


def test_the_order_in_which_replicates_came_changes_no_bit() -> None:
    rng = random.Random(3)
    pairs = [(rng.gauss(0, 1) * 10 ** rng.randint(-9, 9), rng.gauss(0, 1)) for _ in range(200)]
    there = summarise(made(*map(list, zip(*pairs))))
    rng.shuffle(pairs)
    back = summarise(made(*map(list, zip(*pairs))))
    assert repr(there) == repr(back)


def test_a_summary_brought_up_to_date_is_the_one_made_afresh() -> None:
    rows = Rows.empty(LABELS, 3)
    add(rows, 0, fit(pearson=0.1), fit(pearson=0.2), scenario=0)
    add(rows, 0, fit(pearson=0.3), fit(pearson=0.2), scenario=2)
    before = summarise(rows)
    add(rows, 1, fit(pearson=0.4), fit(pearson=0.9), scenario=2)
    after = summarise(rows, previous=before, changed={2})
    assert repr(after) == repr(summarise(rows))  # as text, since NaN is not equal to itself
    assert repr(after) != repr(before)
    assert {cell.scenario for cell in after.cells} == {0, 2}


def test_a_hundred_thousand_rows_are_summarised_within_a_second() -> None:
    rng = random.Random(4)
    names = [metric.name for metric in METRICS]
    events = [
        {"seconds": 0.1, "fits": {label: fit(**{name: rng.random() for name in names}) for label in LABELS}}
        for _ in range(500)
    ]
    rows = Rows.empty(LABELS, 2)
    for replicate in range(50_000):
        event = {**events[replicate % 500], "replicate": replicate // 2}
        rows.scenarios[replicate % 2].append(event, LABELS)
    assert len(rows) == 100_000
    start = time.process_time()
    summary = summarise(rows)
    assert time.process_time() - start < 1.0
    first = [event["fits"]["LMM"]["metrics"]["pearson"] for event in events[::2]]
    cell = summary.cell(0, "LMM", "pearson")
    assert cell is not None
    assert cell.mean == pytest.approx(statistics.fmean(first), rel=1e-12)
