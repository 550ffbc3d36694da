"""Which effects does ridge regression find, and how is its penalty chosen?

    B̂ = (MᵀM + kI)⁻¹ MᵀY = Q diag(d/(d²+k)) Ỹ,      M = U diag(d) Qᵀ,  Ỹ = UᵀY

Every rule for the penalty k comes from that one decomposition of the scores: with it, a penalty costs
nothing that grows with the number of genes, except in leave-one-out and k-fold cross-validation.
No intercept, no scaling: scores and expression are taken as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError, shown
from regnet.models.decomposition import Decomposition, Rotated, decompose, rotate

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

PENALTY_RULES = ("gcv", "loo", "kfold", "ml", "oracle")
"""Rules by which a penalty can be chosen."""

LOWEST, HIGHEST = 1e-10, 1e6
"""Ends of the range in which a penalty is searched, in units of the largest squared singular value."""

_STEPS = 65  # of the first, coarse search: four a decade
_PARTS = 8  # in which the coarse search is made
_FLAT = 1e-10  # relative difference of criteria below which an end of the range counts as the optimum

Criterion = Callable[[Vector], Matrix]
"""From penalties (n,) to the criterion of each penalty and condition, (n, C); smaller is better."""


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """Ridge regression of expression on motif scores.

    Attributes
    ----------
    effects : ndarray of shape (n_motifs, n_conditions)
        Estimated effects B̂.
    penalty : float or ndarray of shape (n_conditions,)
        Penalty k: one for all conditions, or one each.
    penalty_rule : str
        How it was chosen: ``gcv``, ``loo``, ``kfold``, ``ml``, ``oracle`` or ``fixed``.
    at_boundary : bool
        Whether a penalty lies at an end of the range that is searched: at the lower end the fit is
        practically least squares, at the upper end all effects are practically zero.
    degrees_of_freedom : float or ndarray of shape (n_conditions,)
        Effective degrees of freedom, Σᵢ dᵢ²/(dᵢ²+k).
    """

    effects: Matrix
    penalty: float | Vector
    penalty_rule: str
    at_boundary: bool
    degrees_of_freedom: float | Vector


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold of a cross-validation: what depends on the scores alone and is shared by replicates.

    Attributes
    ----------
    start, stop : int
        The genes left out are those from `start` up to `stop`, without it.
    training : Decomposition
        Of the other genes' scores (in the coordinates of the whole decomposition).
    held : ndarray of shape (stop - start, rank)
        Scores of the genes left out, in the coordinates of `training`.
    """

    start: int
    stop: int
    training: Decomposition
    held: Matrix


def fit_ridge(
    scores: ArrayLike,
    expression: ArrayLike,
    penalty: float | str = "gcv",
    *,
    shared: bool = True,
    folds: int | Sequence[Fold] = 5,
    truth: tuple[ArrayLike, ArrayLike] | None = None,
    decomposition: Decomposition | None = None,
) -> RidgeFit:
    """Fit ridge regression.

    Parameters
    ----------
    scores : array_like of shape (n_genes, n_motifs)
        Motif scores M. Not read where `decomposition` is given.
    expression : array_like of shape (n_genes, n_conditions)
        Expression Y.
    penalty : float or str
        Penalty k, above 0, or how to choose it:

        - ``gcv``: generalised cross-validation (Golub, Heath & Wahba, Technometrics 21:215, 1979);
        - ``loo``: leave-one-out cross-validation;
        - ``kfold``: cross-validation over `folds` runs of consecutive genes (no random numbers);
        - ``ml``: marginal likelihood of y ~ N(0, σ²(MMᵀ/k + I)), σ² of each condition profiled out;
        - ``oracle``: noise variance over effect variance of the given `truth`.
    shared : bool
        Whether the conditions share one penalty (criteria are summed over them; the oracle is
        tr Σ / tr V) or have one each (Σ_cc / V_cc).
    folds : int or sequence of Fold
        Number of folds for ``kfold``, or the folds as :func:`decompose_folds` prepared them.
    truth : pair of array_like of shape (n_conditions, n_conditions), optional
        Covariances of effects and of noise that generated the data; for ``oracle`` only.
    decomposition : Decomposition, optional
        Of the scores, if it is at hand.

    Raises
    ------
    InputError
        For scores or expression that do not match or are not finite, a penalty that is none, more
        folds than genes, or ``oracle`` without the truth.

    Notes
    -----
    Penalties are searched on a logarithmic grid over 16 decades about the largest squared singular
    value, and refined between the neighbours of the grid's best by Brent's method. Where an end of the
    range is as good as the best (flat or monotone criteria), the penalty is that end.
    """
    shape = decomposition or decompose(scores)
    data = rotate(shape, expression)
    if isinstance(penalty, str):
        rule, (chosen, at_boundary) = penalty, _choose(penalty, shape, data, expression, shared, folds, truth)
    else:
        is_number = isinstance(penalty, float | int | np.number) and not isinstance(penalty, bool)
        if not (is_number and 0.0 < float(penalty) < math.inf):
            raise InputError("penalty", _wanted(), shown(penalty))
        rule, chosen, at_boundary = "fixed", np.full(data.n_conditions, float(penalty)), False
        shared = True
    square = shape.singular_values[:, None] ** 2
    effects = shape.right @ (shape.singular_values[:, None] / (square + chosen) * data.rotated)
    freedom = (square / (square + chosen)).sum(axis=0)
    return RidgeFit(
        effects=effects,
        penalty=float(chosen[0]) if shared else chosen,
        penalty_rule=rule,
        at_boundary=at_boundary,
        degrees_of_freedom=float(freedom[0]) if shared else freedom,
    )


def decompose_folds(decomposition: Decomposition, n_folds: int) -> tuple[Fold, ...]:
    """Decompose the training scores of each fold: runs of consecutive genes of nearly equal size.

    Genes are not shuffled. In a table in the order of a genome, neighbours that share their upstream
    region stay in one fold.

    Raises
    ------
    InputError
        Where there are more folds than genes, or fewer than two.
    """
    n_genes = decomposition.n_genes
    if not 2 <= n_folds <= n_genes:
        raise InputError("folds", f"a number from 2 to {n_genes}, the number of genes", str(n_folds))
    coordinates = decomposition.left * decomposition.singular_values
    sizes = np.full(n_folds, n_genes // n_folds)
    sizes[: n_genes % n_folds] += 1
    stops = np.cumsum(sizes)
    folds = []
    for start, stop in zip(stops - sizes, stops, strict=True):
        training = decompose(np.delete(coordinates, np.s_[start:stop], axis=0))
        folds.append(Fold(int(start), int(stop), training, coordinates[start:stop] @ training.right))
    return tuple(folds)


# ---- the choice of a penalty -------------------------------------------------------------------------


def _choose(
    rule: str,
    shape: Decomposition,
    data: Rotated,
    expression: ArrayLike,
    shared: bool,
    folds: int | Sequence[Fold],
    truth: tuple[ArrayLike, ArrayLike] | None,
) -> tuple[Vector, bool]:
    """Return the penalty of each condition, and whether one lies at an end of the range."""
    if rule == "oracle":
        return _oracle(truth, data.n_conditions, shared), False
    if rule not in PENALTY_RULES:
        raise InputError("penalty", _wanted(), shown(rule))
    if shape.rank == 0:  # scores of zeros: every penalty gives effects of zero
        return np.full(data.n_conditions, HIGHEST), True
    if rule == "gcv":
        criterion = _gcv(shape, data)
    elif rule == "ml":
        criterion = _marginal_likelihood(shape, data)
    elif rule == "loo":
        criterion = _leave_one_out(shape, data, _matrix(expression))
    else:
        prepared = folds if isinstance(folds, Sequence) else decompose_folds(shape, folds)
        criterion = _k_fold(prepared, _matrix(expression))
    largest = float(shape.singular_values[0]) ** 2
    return _search(criterion, LOWEST * largest, HIGHEST * largest, data.n_conditions, shared)


def _search(
    criterion: Criterion, low: float, high: float, n_conditions: int, shared: bool
) -> tuple[Vector, bool]:
    grid = np.linspace(math.log(low), math.log(high), _STEPS)
    # A few penalties at a time: memory stays that of a few copies of the expression.
    values = np.vstack([criterion(np.exp(part)) for part in np.array_split(grid, _PARTS)])
    if shared:
        values = values.sum(axis=1, keepdims=True)
    logs, ends = [], []
    for column in range(values.shape[1]):
        tolerance = _FLAT * float(np.abs(values[:, column]).min())
        best = int(np.argmin(values[:, column]))
        least = float(values[best, column]) + tolerance
        end = 0 if values[0, column] <= least else _STEPS - 1 if values[-1, column] <= least else None
        ends.append(end is not None)
        if end is not None:
            logs.append(float(grid[end]))
            continue

        def value(log: float, column: int = column) -> float:
            at = criterion(np.exp(np.array([log])))[0]
            return float(at.sum() if shared else at[column])

        bracket = (float(grid[best - 1]), float(grid[best + 1]))
        found = scipy.optimize.minimize_scalar(
            value, bounds=bracket, method="bounded", options={"xatol": 1e-7}
        )
        logs.append(float(found.x) if found.fun <= values[best, column] else float(grid[best]))
    penalties = np.exp(np.array(logs))
    return np.broadcast_to(penalties, (n_conditions,)).copy(), any(ends)


def _gcv(shape: Decomposition, data: Rotated) -> Criterion:
    """G · ‖Y − Ŷ‖² / (G − df)², with G − df = n⊥ + Σ k/(d²+k), which does not cancel."""
    square = shape.singular_values**2
    power = data.rotated**2
    residual = np.diagonal(data.residual_gram)

    def criterion(penalties: Vector) -> Matrix:
        shrunk = penalties[:, None] / (square + penalties[:, None])
        freedom = data.n_residual + shrunk.sum(axis=1)
        return np.asarray(
            data.n_genes * (shrunk**2 @ power + residual) / freedom[:, None] ** 2, dtype=np.float64
        )

    return criterion


def _marginal_likelihood(shape: Decomposition, data: Rotated) -> Criterion:
    """G log σ̂² + Σ log(1 + d²/k), with σ̂² = [Σ ỹ²/(1 + d²/k) + S⊥]/G of each condition."""
    square = shape.singular_values**2
    power = data.rotated**2
    residual = np.diagonal(data.residual_gram)

    def criterion(penalties: Vector) -> Matrix:
        ratio = square / penalties[:, None]
        sums = (1.0 / (1.0 + ratio)) @ power + residual
        tiny = np.finfo(np.float64).tiny  # a condition without any expression has no variance
        variance = np.maximum(sums / data.n_genes, tiny)
        determinant = np.log1p(ratio).sum(axis=1)
        return np.asarray(data.n_genes * np.log(variance) + determinant[:, None], dtype=np.float64)

    return criterion


def _leave_one_out(shape: Decomposition, data: Rotated, expression: Matrix) -> Criterion:
    """Σ_g [ (y_g − ŷ_g) / (1 − h_g) ]² with the leverages h_g = Σᵢ U_gi² d²/(d²+k)."""
    square = shape.singular_values**2
    residual = expression - shape.left @ data.rotated
    outside = np.maximum(1.0 - np.einsum("gi,gi->g", shape.left, shape.left), 0.0)
    left_square = shape.left**2
    smallest = np.finfo(np.float64).tiny

    def criterion(penalties: Vector) -> Matrix:
        shrunk = penalties[:, None] / (square + penalties[:, None])
        # 1 − h_g as a sum of what is not negative, so that it does not cancel.
        free = np.maximum(outside[:, None] + left_square @ shrunk.T, smallest)
        errors = residual[:, None, :] + _products(shape.left, shrunk, data.rotated)
        return np.asarray(((errors / free[:, :, None]) ** 2).sum(axis=0), dtype=np.float64)

    return criterion


def _k_fold(folds: Sequence[Fold], expression: Matrix) -> Criterion:
    """Σ of squared errors on the genes that each fold leaves out."""
    parts = []
    for fold in folds:
        training = fold.training
        if training.n_genes + fold.stop - fold.start != expression.shape[0]:
            raise InputError("folds", f"folds of {expression.shape[0]} genes", "folds of another number")
        outcome = np.delete(expression, np.s_[fold.start : fold.stop], axis=0)
        weighted = training.singular_values[:, None] * (training.left.T @ outcome)
        parts.append((fold.held, weighted, training.singular_values**2, expression[fold.start : fold.stop]))

    def criterion(penalties: Vector) -> Matrix:
        values = np.zeros((penalties.size, expression.shape[1]))
        for held, weighted, square, outcome in parts:
            shrinkage = 1.0 / (square + penalties[:, None])
            errors = outcome[:, None, :] - _products(held, shrinkage, weighted)
            values += (errors**2).sum(axis=0)
        return values

    return criterion


def _products(left: Matrix, weights: Matrix, right: Matrix) -> Matrix:
    """Return left · diag(w) · right for each row w of the weights, by rows of `left`: (rows, n, columns)."""
    columns = weights.T[:, :, None] * right[:, None, :]
    flat = left @ columns.reshape(right.shape[0], weights.shape[0] * right.shape[1])
    return flat.reshape(left.shape[0], *columns.shape[1:])


def _oracle(truth: tuple[ArrayLike, ArrayLike] | None, n_conditions: int, shared: bool) -> Vector:
    if truth is None:
        raise InputError(
            "penalty",
            "the covariances that generated the data, for the oracle penalty",
            "none",
            "only simulated data have them; use gcv",
        )
    signal, noise = (np.diagonal(np.asarray(matrix, dtype=np.float64)) for matrix in truth)
    if signal.shape != (n_conditions,) or noise.shape != (n_conditions,):
        raise InputError("truth", f"two covariances of {n_conditions} conditions", "other shapes")
    if shared:
        signal, noise = signal.sum(keepdims=True), noise.sum(keepdims=True)
    # Without effects the penalty is infinite: all estimates are zero. Without noise it is zero.
    ratio = np.full(signal.shape, math.inf)
    np.divide(noise, signal, out=ratio, where=signal > 0.0)
    return np.broadcast_to(ratio, (n_conditions,)).copy()


def _matrix(expression: ArrayLike) -> Matrix:
    matrix = np.asarray(expression, dtype=np.float64)
    return matrix[:, None] if matrix.ndim == 1 else matrix


def _wanted() -> str:
    return f"a number above 0, or one of {', '.join(PENALTY_RULES)}"
