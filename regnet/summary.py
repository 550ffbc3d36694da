"""How accurate is each method on average, how sure is that, and does it beat the baseline?

Pure Python on columns, so that a screen without numpy can show it live. Sums are correctly rounded
(:func:`math.fsum`), so the order in which replicates came changes no digit.
"""

from __future__ import annotations

import functools
import math
from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import gt, lt, sub
from statistics import NormalDist

from regnet.errors import InputError, shown
from regnet.metrics import METRICS_BY_NAME
from regnet.runs.rows import MethodColumns, Rows, ScenarioRows


@dataclass(frozen=True, slots=True)
class Difference:
    """Method minus baseline on the same data sets.

    Attributes
    ----------
    n : int
        Replicates on which both are defined.
    mean, sd : float
        Of the differences; NaN where there are too few (1 for the mean, 2 for the deviation).
    low, high : float
        95% t interval of the mean (Student's t with n - 1 degrees of freedom); NaN below two replicates.
    won : float
        Share of the n replicates in which the method is strictly better; NaN for a metric without a
        better direction, or n = 0.
    """

    n: int
    mean: float
    sd: float
    low: float
    high: float
    won: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric of one method on one scenario.

    Attributes
    ----------
    scenario : int
        Place in the study's scenarios.
    label, metric : str
    n : int
        Replicates that the mean is over: fitted well, the metric defined and finite.
    undefined, failed : int
        Replicates fitted well whose metric isn't defined, and those whose fit has not gone well.
    mean, sd, mcse : float
        Mean, standard deviation (n - 1), and Monte Carlo standard error of the mean, sd / √n; NaN where
        there are too few.
    difference : Difference or None
        Against the baseline; None for the baseline itself.
    """

    scenario: int
    label: str
    metric: str
    n: int
    undefined: int
    failed: int
    mean: float
    sd: float
    mcse: float
    difference: Difference | None


@dataclass(frozen=True)
class Summary:
    """The summary of a run: cells by scenario, method and metric, in the order of tables.

    Attributes
    ----------
    cells : tuple of Cell
    labels, metrics : tuple of str
    baseline : str
    confidence : float
        Of the intervals.
    """

    cells: tuple[Cell, ...]
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    baseline: str
    confidence: float
    _parts: tuple[tuple[Cell, ...], ...] = field(repr=False, compare=False)

    @functools.cached_property
    def _by_key(self) -> dict[tuple[int, str, str], Cell]:
        return {(cell.scenario, cell.label, cell.metric): cell for cell in self.cells}

    def cell(self, scenario: int, label: str, metric: str) -> Cell | None:
        """Return one cell, or None where nothing has been recorded for it yet."""
        return self._by_key.get((scenario, label, metric))


def summarise(
    rows: Rows,
    baseline: str | None = None,
    *,
    metrics: Sequence[str] | None = None,
    confidence: float = 0.95,
    previous: Summary | None = None,
    changed: Collection[int] = (),
) -> Summary:
    """Summarise the recorded replicates by scenario, method and metric.

    Parameters
    ----------
    rows : Rows
        What has been recorded.
    baseline : str, optional
        The method that the others are compared with (default: the first).
    metrics : sequence of str, optional
        Which metrics (default: all that occur).
    confidence : float
        Of the intervals of the paired differences.
    previous : Summary, optional
        An earlier summary of the same rows, from which scenarios not in `changed` are taken over.
    changed : collection of int
        Scenarios that got rows since `previous`.

    Raises
    ------
    InputError
        For a baseline that is none of the methods.

    Notes
    -----
    The cost is proportional to rows × metrics: some 0.25 µs each.
    """
    baseline = baseline or rows.labels[0]
    if baseline not in rows.labels:
        raise InputError("baseline", f"one of {', '.join(rows.labels)}", shown(baseline))
    names = tuple(metrics if metrics is not None else rows.metric_names)
    kept: tuple[tuple[Cell, ...], ...] = ()
    if previous and (previous.metrics, previous.baseline, previous.confidence) == (
        names,
        baseline,
        confidence,
    ):
        kept = previous._parts
    parts = tuple(
        kept[number]
        if number < len(kept) and number not in changed
        else tuple(_scenario_cells(number, scenario, rows.labels, baseline, names, confidence))
        for number, scenario in enumerate(rows.scenarios)
    )
    cells = tuple(cell for part in parts for cell in part)
    return Summary(cells, rows.labels, names, baseline, confidence, parts)


def _scenario_cells(
    number: int,
    scenario: ScenarioRows,
    labels: Sequence[str],
    baseline: str,
    metrics: Sequence[str],
    confidence: float,
) -> list[Cell]:
    if not len(scenario):
        return []
    defined = {label: _defined(scenario.methods[label], metrics) for label in labels}
    cells = []
    for label in labels:
        failed = len(scenario) - scenario.methods[label].statuses.count(0)
        for metric in metrics:
            values, is_defined = defined[label][metric]
            good = values if is_defined is None else list(compress(values, is_defined))
            n = len(good)
            mean, sd = _moments(good)
            difference = None
            if label != baseline:
                difference = _difference(
                    defined[label][metric], defined[baseline][metric], metric, confidence
                )
            cells.append(
                Cell(
                    number,
                    label,
                    metric,
                    n,
                    len(scenario) - failed - n,
                    failed,
                    mean,
                    sd,
                    sd / math.sqrt(n) if n else math.nan,
                    difference,
                )
            )
    return cells


_Defined = tuple["array[float] | Sequence[float]", "list[bool] | None"]


def _defined(columns: MethodColumns, metrics: Sequence[str]) -> dict[str, _Defined]:
    """Return each metric's column, and where it is defined (None: everywhere)."""
    size = len(columns.statuses)
    is_ok = None if columns.statuses.count(0) == size else [not code for code in columns.statuses]
    found: dict[str, _Defined] = {}
    for metric in metrics:
        values = columns.metrics.get(metric)
        if values is None:
            found[metric] = ((), [])
            continue
        is_defined = list(map(math.isfinite, values))
        if is_ok is not None:
            is_defined = [finite and ok for finite, ok in zip(is_defined, is_ok)]
        found[metric] = (values, None if all(is_defined) else is_defined)
    return found


def _difference(mine: _Defined, base: _Defined, metric: str, confidence: float) -> Difference:
    pairs_mine, pairs_base = mine[0], base[0]
    masks = [mask for mask in (mine[1], base[1]) if mask is not None]
    if masks:
        both = masks[0] if len(masks) == 1 else [first and second for first, second in zip(*masks)]
        pairs_mine, pairs_base = list(compress(pairs_mine, both)), list(compress(pairs_base, both))
    differences = list(map(sub, pairs_mine, pairs_base))
    n = len(differences)
    mean, sd = _moments(differences)
    half = t_quantile(0.5 + confidence / 2, n - 1) * sd / math.sqrt(n) if n > 1 else math.nan
    known = METRICS_BY_NAME.get(metric)
    better = known.better if known else None
    won = math.nan
    if n and better:
        won = sum(map(gt if better == "higher" else lt, pairs_mine, pairs_base)) / n
    return Difference(n, mean, sd, mean - half, mean + half, won)


def _moments(values: Sequence[float] | array[float]) -> tuple[float, float]:
    """Return mean and standard deviation (n - 1); NaN where there are too few values."""
    n = len(values)
    if not n:
        return math.nan, math.nan
    mean = math.fsum(values) / n
    if n == 1:
        return mean, math.nan
    deviations = [value - mean for value in values]
    return mean, math.sqrt(math.fsum([deviation * deviation for deviation in deviations]) / (n - 1))


@functools.lru_cache(maxsize=4096)
def t_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t distribution, to a relative 1e-9.

    Parameters
    ----------
    probability : float
        Above 0 and below 1.
    freedom : float
        Degrees of freedom, above 0.

    Notes
    -----
    Newton's method on the distribution function, an incomplete beta function (DLMF 8.17.22); from 500
    degrees of freedom on, the expansion about the normal quantile (Abramowitz and Stegun 26.7.5), whose
    next term is below 1e-11.
    """
    if not 0 < probability < 1 or not freedom > 0:
        raise ValueError("wanted a probability between 0 and 1 and positive degrees of freedom")
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    if probability == 0.5:
        return 0.0
    start = _expanded(NormalDist().inv_cdf(probability), freedom)
    if freedom >= 500:
        return start
    tail = 1 - probability
    low, high = 0.0, 1.0
    while _upper_tail(high, freedom) > tail:
        low, high = high, 2 * high
    t = start if low < start < high else (low + high) / 2
    for _ in range(200):
        excess = _upper_tail(t, freedom) - tail
        low, high = (t, high) if excess > 0 else (low, t)
        density = math.exp(
            math.lgamma((freedom + 1) / 2)
            - math.lgamma(freedom / 2)
            - 0.5 * math.log(freedom * math.pi)
            - (freedom + 1) / 2 * math.log1p(t * t / freedom)
        )
        following = t + excess / density
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - t) <= 1e-13 * following:
            return following
        t = following
    return t


def _expanded(z: float, freedom: float) -> float:
    """Return Cornish and Fisher's expansion of the t quantile about the normal one, four terms."""
    return math.fsum(
        (
            z,
            (z**3 + z) / (4 * freedom),
            (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2),
            (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3),
            (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * freedom**4),
        )
    )


def _upper_tail(t: float, freedom: float) -> float:
    """Return P(T > t) for t >= 0: half the incomplete beta function I_x(freedom/2, 1/2)."""
    x = freedom / (freedom + t * t)
    a, b = freedom / 2, 0.5
    if x >= 1:
        return 0.5
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return 0.5 * front * _beta_fraction(a, b, x) / a
    return 0.5 - 0.5 * front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
