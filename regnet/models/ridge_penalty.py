"""Which penalty of a ridge regression predicts best?

Rules that judge a penalty by the data (generalised cross-validation, leave-one-out, k-fold, marginal
likelihood) are criteria to be minimised, all from the decomposition M = U diag(d) Qᵀ and Ỹ = UᵀY. One
search serves them all: a logarithmic grid, since criteria can have several minima and flat ends, then
golden sections about the grid's best, for all conditions at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError, shown
from regnet.models.decomposition import Decomposition, Rotated, decompose

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

PENALTY_RULES = ("gcv", "loo", "kfold", "ml", "oracle")
"""Rules by which a penalty can be chosen."""

LOWEST, HIGHEST = 1e-10, 1e6
"""Ends of the range in which a penalty is searched, in units of the largest squared singular value."""

_STEPS = 65  # of the coarse search: four a decade
_SECTIONS = 34  # golden sections: from two steps of the grid to 1e-7 of the penalty
_FLAT = 1e-10  # relative difference of criteria below which an end of the range counts as the optimum
_CELLS = 2**21  # numbers that a criterion may hold at a time, beyond those of a single penalty

Criterion = Callable[[Matrix], Matrix]
"""From penalties (n, 1), or (n, C) for one each, to the criterion (n, C); smaller is better."""


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


def choose_penalty(
    rule: str,
    shape: Decomposition,
    data: Rotated,
    expression: Matrix,
    *,
    shared: bool,
    folds: int | Sequence[Fold],
    truth: tuple[ArrayLike, ArrayLike] | None,
) -> tuple[Vector, bool]:
    """Choose the penalty of each condition by a rule of `PENALTY_RULES`.

    Parameters
    ----------
    rule : str
        As `penalty` of :func:`regnet.models.ridge.fit_ridge`.
    shape : Decomposition
        Of the scores.
    data : Rotated
        The expression in its coordinates.
    expression : ndarray of shape (n_genes, n_conditions)
        The expression.
    shared, folds, truth
        As in :func:`regnet.models.ridge.fit_ridge`.

    Returns
    -------
    ndarray of shape (n_conditions,)
        Penalties, equal where they are shared.
    bool
        Whether one lies at an end of the range.

    Raises
    ------
    InputError
        For an unknown rule, ``oracle`` without the truth, or folds that do not fit.
    """
    if rule not in PENALTY_RULES:
        raise InputError("penalty", wanted_penalty(), shown(rule))
    if rule == "oracle":
        return _oracle(truth, data.n_conditions, shared), False
    if shape.rank == 0:  # scores of zeros: every penalty gives effects of zero
        return np.full(data.n_conditions, HIGHEST), True
    if rule == "gcv":
        criterion = generalised_cross_validation(shape, data)
    elif rule == "ml":
        criterion = marginal_likelihood(shape, data)
    elif rule == "loo":
        criterion = leave_one_out(shape, data, expression)
    else:
        prepared = folds if isinstance(folds, Sequence) else decompose_folds(shape, folds)
        criterion = k_fold(prepared, expression)
    unit = float(shape.singular_values[0]) ** 2
    return search(criterion, unit, expression.shape, shared=shared)


def search(criterion: Criterion, unit: float, size: tuple[int, ...], *, shared: bool) -> tuple[Vector, bool]:
    """Minimise a criterion over penalties from `LOWEST` to `HIGHEST`, in a unit.

    Parameters
    ----------
    criterion : callable
        See `Criterion`.
    unit : float
        Unit of the penalties: the largest squared singular value.
    size : tuple of two int
        Numbers of genes and of conditions.
    shared : bool
        Whether the sum over the conditions is minimised, or each condition by itself.
    """

    def value(logs: Matrix) -> Matrix:
        values = criterion(unit * np.exp(logs))
        return values.sum(axis=1, keepdims=True) if shared else values

    n_genes, n_conditions = size
    grid = np.linspace(math.log(LOWEST), math.log(HIGHEST), _STEPS)[:, None]
    n_parts = min(_STEPS, 1 + _STEPS * n_genes * n_conditions // _CELLS)
    values = np.vstack([value(part) for part in np.array_split(grid, n_parts)])
    best = np.argmin(values, axis=0)
    least = values.min(axis=0)
    almost = least + _FLAT * np.abs(values).min(axis=0)
    is_low, is_high = values[0] <= almost, values[-1] <= almost
    at_end = is_low | is_high
    logs = np.where(is_low, grid[0], np.where(is_high, grid[-1], grid[best, 0]))
    if not at_end.all():
        inner = np.clip(best, 1, _STEPS - 2)
        finer, value_there = _golden_sections(value, grid[inner - 1, 0], grid[inner + 1, 0])
        logs = np.where(~at_end & (value_there <= least), finer, logs)
    return np.broadcast_to(unit * np.exp(logs), (n_conditions,)).copy(), bool(at_end.any())


def _golden_sections(value: Criterion, low: Vector, high: Vector) -> tuple[Vector, Vector]:
    """Narrow brackets, one a column, about a minimum; return its place and value."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = value(left[None])[0], value(right[None])[0]
    for _ in range(_SECTIONS):
        goes_left = at_left < at_right
        low, high = np.where(goes_left, low, left), np.where(goes_left, right, high)
        new = np.where(goes_left, high - ratio * (high - low), low + ratio * (high - low))
        at_new = value(new[None])[0]
        left, right = np.where(goes_left, new, right), np.where(goes_left, left, new)
        at_left, at_right = np.where(goes_left, at_new, at_right), np.where(goes_left, at_left, at_new)
    return np.where(at_left < at_right, left, right), np.minimum(at_left, at_right)


# ---- criteria ----------------------------------------------------------------------------------------


def generalised_cross_validation(shape: Decomposition, data: Rotated) -> Criterion:
    """Return G · ‖Y − Ŷ‖² / (G − df)², with G − df = n⊥ + Σ k/(d²+k), which does not cancel."""
    square = shape.singular_values[:, None] ** 2
    power = data.rotated**2
    residual = np.diagonal(data.residual_gram)

    def criterion(penalties: Matrix) -> Matrix:
        shrunk = penalties[:, None, :] / (square + penalties[:, None, :])
        freedom = data.n_residual + shrunk.sum(axis=1)
        return np.asarray(data.n_genes * (_sums(shrunk**2, power) + residual) / freedom**2, dtype=np.float64)

    return criterion


def marginal_likelihood(shape: Decomposition, data: Rotated) -> Criterion:
    """Return G log σ̂² + Σ log(1 + d²/k), with σ̂² = [Σ ỹ²/(1 + d²/k) + S⊥]/G of each condition."""
    square = shape.singular_values[:, None] ** 2
    power = data.rotated**2
    residual = np.diagonal(data.residual_gram)
    tiny = np.finfo(np.float64).tiny  # a condition without any expression has no variance

    def criterion(penalties: Matrix) -> Matrix:
        ratio = square / penalties[:, None, :]
        variance = np.maximum((_sums(1.0 / (1.0 + ratio), power) + residual) / data.n_genes, tiny)
        return np.asarray(data.n_genes * np.log(variance) + np.log1p(ratio).sum(axis=1), dtype=np.float64)

    return criterion


def leave_one_out(shape: Decomposition, data: Rotated, expression: Matrix) -> Criterion:
    """Return Σ_g [ (y_g − ŷ_g) / (1 − h_g) ]² with the leverages h_g = Σᵢ U_gi² d²/(d²+k)."""
    square = shape.singular_values[:, None] ** 2
    residual = (expression - shape.left @ data.rotated)[:, None, :]
    left_square = shape.left**2
    outside = np.maximum(1.0 - left_square.sum(axis=1), 0.0)[:, None, None]
    ones = np.ones((shape.rank, 1))
    tiny = np.finfo(np.float64).tiny

    def criterion(penalties: Matrix) -> Matrix:
        shrunk = penalties[:, None, :] / (square + penalties[:, None, :])
        # 1 − h_g as a sum of what is not negative, so that it does not cancel.
        free = np.maximum(outside + _products(left_square, shrunk, ones), tiny)
        errors = residual + _products(shape.left, shrunk, data.rotated)
        return np.asarray(((errors / free) ** 2).sum(axis=0), dtype=np.float64)

    return criterion


def k_fold(folds: Sequence[Fold], expression: Matrix) -> Criterion:
    """Return the sum of squared errors on the genes that each fold leaves out."""
    parts = []
    for fold in folds:
        training = fold.training
        if training.n_genes + fold.stop - fold.start != expression.shape[0]:
            raise InputError("folds", f"folds of {expression.shape[0]} genes", "folds of another number")
        outcome = np.delete(expression, np.s_[fold.start : fold.stop], axis=0)
        weighted = training.singular_values[:, None] * (training.left.T @ outcome)
        held_out = expression[fold.start : fold.stop, None, :]
        parts.append((fold.held, weighted, training.singular_values[:, None] ** 2, held_out))

    def criterion(penalties: Matrix) -> Matrix:
        values = np.zeros((len(penalties), expression.shape[1]))
        for held, weighted, square, outcome in parts:
            errors = outcome - _products(held, 1.0 / (square + penalties[:, None, :]), weighted)
            values += (errors**2).sum(axis=0)
        return values

    return criterion


def _sums(weights: NDArray[np.float64], power: Matrix) -> Matrix:
    """Return Σᵢ wᵢ powerᵢ for weights (n, rank, 1), or (n, rank, C) with one column a condition."""
    if weights.shape[2] == 1:
        return np.asarray(weights[:, :, 0] @ power, dtype=np.float64)
    return np.asarray((weights * power).sum(axis=1), dtype=np.float64)


def _products(left: Matrix, weights: NDArray[np.float64], right: Matrix) -> NDArray[np.float64]:
    """Return left · (w ∘ right) for each of the weights (n, rank, 1 or C), as (rows of left, n, C)."""
    stacked = (weights * right).transpose(1, 0, 2)
    flat = left @ stacked.reshape(right.shape[0], stacked.shape[1] * stacked.shape[2])
    return np.asarray(flat.reshape(left.shape[0], *stacked.shape[1:]), dtype=np.float64)


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


def wanted_penalty() -> str:
    """Say what a penalty may be, in words that complete "wanted …"."""
    return f"a number above 0, or one of {', '.join(PENALTY_RULES)}"
