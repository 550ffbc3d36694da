"""How close does a fit come to the truth of simulated data?

:data:`regnet.metrics.METRICS` says what each value means.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError, shown
from regnet.simulation import Dataset

Matrix = NDArray[np.float64]

REGULARISATION = 1e-4
"""Share of the mean variance that is added to both covariances before their divergence is taken."""

NORMAL_QUANTILE = 1.959963984540054
"""Standard deviations on either side of an estimate that hold 95 % of a normal distribution."""


class Fit(Protocol):
    """Any fit: what is scored beside the effects is what it has."""

    @property
    def effects(self) -> Any:
        """Estimated effects, motifs × conditions: an array or a DataFrame."""


def score(fit: Fit, dataset: Dataset, *, top: int = 10) -> dict[str, float]:
    """Compare a fit with the truth behind a simulated data set.

    Parameters
    ----------
    fit : RidgeFit, MixedModelFit or alike
        A fit to ``dataset.scores`` and ``dataset.expression``, as arrays or as DataFrames, whose
        names may be in any order.
    dataset : Dataset
        What :func:`regnet.simulate` gave.
    top : int
        Number of strongest motifs whose recovery is scored; all, where there are fewer.

    Returns
    -------
    dict
        The value of each metric of :data:`regnet.metrics.METRICS` but ``seconds``. NaN where it is not
        defined: correlations where the truth or the estimate does not vary, held-out R² without
        held-out genes, what a ridge fit does not have (covariances, coverage, likelihood), what a
        mixed model does not have (penalty), covariance errors where the truth is zero, and the
        divergence of an estimate that is zero from a truth of trace 1.

    Raises
    ------
    InputError
        Where the fit has other motifs or conditions than the data set, its mean has several
        covariates (one is taken for an intercept), or `top` is below 1.
    """
    if top < 1:
        raise InputError("top", "a whole number of at least 1", str(top))
    estimate = _aligned(fit.effects, dataset, "effects")
    truth = dataset.effects
    mean = _intercept(fit, dataset)
    values = {
        "pearson": _correlation(truth.reshape(-1, 1), estimate.reshape(-1, 1)),
        "pearson_by_condition": _correlation(truth, estimate),
    }
    ranks, estimated_ranks = _ranks(truth), _ranks(estimate)
    values["spearman"] = _correlation(_ranks(truth.reshape(-1, 1)), _ranks(estimate.reshape(-1, 1)))
    values["spearman_by_condition"] = _correlation(ranks, estimated_ranks)
    values["rmse"] = math.sqrt(float(np.mean((truth - estimate) ** 2)))
    values["r2"] = _explained(dataset.expression, dataset.scores @ estimate + mean)
    values["r2_held_out"] = _explained(dataset.held_out_expression, dataset.held_out_scores @ estimate + mean)
    values["top_motifs"] = _recovery(truth, estimate, top)
    values["coverage"] = _coverage(fit, dataset, truth, estimate)
    values["log_likelihood"] = _number(fit, "log_likelihood")
    for what in ("signal", "noise"):
        values |= _covariance_errors(fit, dataset, what)
    values["iterations"] = _number(fit, "n_iterations")
    values["converged"] = _number(fit, "converged")
    values["at_boundary"] = _number(fit, "at_boundary")
    values["penalty"] = _penalty(fit)
    return values


# ---- effects -----------------------------------------------------------------------------------------


def _correlation(first: Matrix, second: Matrix) -> float:
    """Return the Pearson correlation of columns, averaged; NaN where a column does not vary."""
    first, second = (values - values.mean(axis=0) for values in (first, second))
    norms = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    if not (norms > 0.0).all():
        return math.nan
    return float(np.clip((first * second).sum(axis=0) / norms, -1.0, 1.0).mean())


def _ranks(values: Matrix) -> Matrix:
    """Return ranks within columns; equal values share their mean rank."""
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    n_rows = values.shape[0]
    places = np.arange(n_rows, dtype=np.float64)[:, None]
    if (ordered[1:] == ordered[:-1]).any():
        new = np.ones(values.shape, dtype=bool)
        new[1:] = ordered[1:] != ordered[:-1]
        # A run of equal values has the places from its first to the one before the next run.
        first = np.maximum.accumulate(np.where(new, places, 0.0), axis=0)
        ends = np.ones(values.shape, dtype=bool)
        ends[:-1] = new[1:]
        last = np.minimum.accumulate(np.where(ends, places, n_rows)[::-1], axis=0)[::-1]
        ordered_ranks = (first + last) / 2.0
    else:
        ordered_ranks = np.broadcast_to(places, values.shape)
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, ordered_ranks, axis=0)
    return ranks


def _recovery(truth: Matrix, estimate: Matrix, top: int) -> float:
    if not truth.any() or not estimate.any():
        return math.nan
    size = min(top, len(truth))
    strongest: list[set[int]] = [
        set(np.argsort(-np.linalg.norm(effects, axis=1), kind="stable")[:size].tolist())
        for effects in (truth, estimate)
    ]
    return len(strongest[0] & strongest[1]) / size


def _coverage(fit: Fit, dataset: Dataset, truth: Matrix, estimate: Matrix) -> float:
    deviations = getattr(fit, "effects_sd", None)
    if deviations is None:
        return math.nan
    width = NORMAL_QUANTILE * _aligned(deviations, dataset, "effects_sd")
    return float(np.mean(np.abs(truth - estimate) <= width))


# ---- expression --------------------------------------------------------------------------------------


def _explained(expression: Matrix, prediction: Matrix) -> float:
    if expression.size == 0:
        return math.nan
    total = float(((expression - expression.mean()) ** 2).sum())
    return 1.0 - float(((expression - prediction) ** 2).sum()) / total if total > 0.0 else math.nan


# ---- covariances -------------------------------------------------------------------------------------


def _covariance_errors(fit: Fit, dataset: Dataset, what: str) -> dict[str, float]:
    names = [f"{kind}_{what}{suffix}" for suffix in ("", "_unscaled") for kind in ("kl", "frobenius")]
    found = getattr(fit, f"{what}_covariance", None)
    truth: Matrix = getattr(dataset, f"{what}_covariance")
    if found is None or not np.trace(truth) > 0.0:
        return dict.fromkeys(names, math.nan)
    estimate = _between_conditions(found, dataset)
    values = [math.nan, math.nan]
    if np.trace(estimate) > 0.0:
        scaled = estimate / np.trace(estimate), truth / np.trace(truth)
        values = [_divergence(*scaled), _relative_error(*scaled)]
    values += [_divergence(estimate, truth), _relative_error(estimate, truth)]
    return dict(zip(names, values, strict=True))


def _divergence(estimate: Matrix, truth: Matrix) -> float:
    """KL( N(0, estimate) ‖ N(0, truth) ) with 1e-4·tr(truth)/C·I added to both."""
    size = truth.shape[0]
    added = REGULARISATION * np.trace(truth) / size * np.eye(size)
    estimate, truth = estimate + added, truth + added
    # Through the eigenvalues of the truth's inverse root: symmetric, and safe where it is nearly singular.
    values, vectors = np.linalg.eigh(truth)
    whitening = vectors / np.sqrt(values)
    ratios = np.linalg.eigvalsh(whitening.T @ estimate @ whitening)
    if not (ratios > 0.0).all():
        return math.nan
    return 0.5 * float((ratios - 1.0 - np.log(ratios)).sum())


def _relative_error(estimate: Matrix, truth: Matrix) -> float:
    return float(np.linalg.norm(estimate - truth) / np.linalg.norm(truth))


# ---- what a fit says of itself -----------------------------------------------------------------------


def _number(fit: Fit, name: str) -> float:
    value = getattr(fit, name, None)
    return math.nan if value is None else float(value)


def _penalty(fit: Fit) -> float:
    penalty = getattr(fit, "penalty", None)
    if penalty is None:
        return math.nan
    values = np.atleast_1d(np.asarray(penalty, dtype=np.float64))
    if values.size == 1:
        return float(values[0])
    return float(np.exp(np.mean(np.log(values)))) if (values > 0.0).all() else 0.0


# ---- names -------------------------------------------------------------------------------------------


def _aligned(values: Any, dataset: Dataset, what: str) -> Matrix:
    """Return effects in the data set's order of motifs and conditions."""
    if hasattr(values, "reindex"):
        rows = _order(values.index, dataset.motifs, what, "motif")
        columns = _order(values.columns, dataset.conditions, what, "condition")
        matrix = np.asarray(values, dtype=np.float64)[np.ix_(rows, columns)]
    else:
        matrix = np.asarray(values, dtype=np.float64)
        matrix = matrix[:, None] if matrix.ndim == 1 else matrix
    if matrix.shape != dataset.effects.shape:
        raise InputError(what, f"an array of shape {dataset.effects.shape}", f"shape {matrix.shape}")
    return matrix


def _intercept(fit: Fit, dataset: Dataset) -> Matrix:
    """Return the fitted mean of each condition; zeros for a fit without."""
    values = getattr(fit, "mean", None)
    if values is None or len(values) == 0:
        return np.zeros(len(dataset.conditions))
    if len(values) > 1:
        raise InputError("fit", "a mean of none or an intercept", f"one of {len(values)} covariates")
    if hasattr(values, "reindex"):
        values = values.iloc[:, _order(values.columns, dataset.conditions, "mean", "condition")]
    return np.asarray(values, dtype=np.float64).reshape(-1)


def _between_conditions(values: Any, dataset: Dataset) -> Matrix:
    if hasattr(values, "reindex"):
        order = _order(values.index, dataset.conditions, "covariance", "condition")
        return np.asarray(values, dtype=np.float64)[np.ix_(order, order)]
    return np.asarray(values, dtype=np.float64)


def _order(found: Any, wanted: tuple[str, ...], what: str, kind: str) -> list[int]:
    """Return where each wanted name is; numbers that pandas gave for want of names stand as they are."""
    names = [str(name) for name in found]
    if set(names) == set(wanted) and len(names) == len(wanted):
        place = {name: number for number, name in enumerate(names)}
        return [place[name] for name in wanted]
    if names == [str(number) for number in range(len(wanted))]:
        return list(range(len(wanted)))
    missing = next((name for name in wanted if name not in names), None)
    found = f"{len(names)}, without {shown(missing)}" if missing else f"{len(names)}"
    raise InputError(what, f"the data set's {len(wanted)} {kind}s, by name", found)
