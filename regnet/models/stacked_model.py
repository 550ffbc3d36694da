"""Which way is down, for many small data sets at once? The quadratic models at a point of the cone each.

The faces of the cone are those of :mod:`regnet.models.free_fit`: a null direction of V whose multiplier
has the right sign stays null, and turns with the curvature that its multiplier brings. The Hessian is
written out and solved with; where it is not positive definite, its eigenvalues in the metric of the
expected Hessian are turned positive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv, dsygvd

from regnet.models.stacked_likelihood import (
    Array,
    Bases,
    Indices,
    Likelihoods,
    Stack,
    diagonals,
    entries,
    hessian_sums,
    observed_hessian,
)

Flags = NDArray[np.bool_]

LEAST_BEND = 0.3
"""Curvature, in units of the expected Hessian, that stands for a negative one far from a stationary point."""


@dataclass(frozen=True, eq=False, slots=True)
class Models:
    """The quadratic models at one point of the cone each.

    Attributes
    ----------
    free : ndarray of bool, shape (n_sets, n_conditions)
        Directions of V other than those that stay null.
    moves : ndarray of bool, shape (n_sets, 2, n_pairs)
        Entries of V and Σ that may change.
    slopes : ndarray of shape (n_sets, 2, n_pairs)
        Derivatives by them, else zero.
    bend : ndarray of shape (n_sets, n_conditions, n_conditions)
        The multipliers of null directions that stay null; without meaning where all are free.
    expected : ndarray of shape (n_sets, 3, n_pairs)
        Expected Hessian by the entries, with the curvature of turning each pair of vectors.
    criterion : ndarray of shape (n_sets,)
        Length of the slopes in the metric of the expected Hessian.
    """

    free: Flags
    moves: Flags
    slopes: Array
    bend: Array
    expected: Array
    criterion: Array

    def take(self, chosen: Indices) -> Models:
        """Return those at some positions."""
        return Models(*(getattr(self, name)[chosen] for name in self.__slots__))

    @classmethod
    def of(cls, bases: Bases, now: Likelihoods, max_rank: int) -> Models:
        """Make the models where some data sets stand."""
        table = entries(bases.signal.shape[1])
        slopes, expected = table.of(now.gradient), table.of(now.expected)
        free, moves, bend = _faces(bases, now, max_rank)
        if bend is not None:
            slopes *= moves
            multipliers = np.maximum(diagonals(bend), 0.0)
            sizes = np.where(bases.signal > 0.0, bases.signal, np.inf)
            curvature = multipliers[:, None, :] / sizes[:, :, None]
            expected[:, 0] += table.of(curvature + curvature.transpose(0, 2, 1))
            expected[:, 1] *= moves[:, 0]
        vv, vs, ss = expected[:, 0], expected[:, 1], expected[:, 2]
        v, s = slopes[:, 0], slopes[:, 1]
        # V and Σ may be told apart by nothing, as with one gene: the floor keeps that harmless.
        both = vv * ss
        determinant = np.maximum(both - vs * vs, 1e-12 * both)
        squared = (v * (v * ss - 2.0 * s * vs) + s * s * vv) / determinant
        criterion = np.sqrt(np.maximum((squared * table.times).sum(axis=-1), 0.0))
        slopes *= table.times
        expected *= table.times
        return cls(free, moves, slopes, now.gradient[:, 0] if bend is None else bend, expected, criterion)


def _faces(bases: Bases, now: Likelihoods, max_rank: int) -> tuple[Flags, Flags, Array | None]:
    """Which directions of V are free, which entries of V and Σ may change, and the multipliers of the rest.

    No multipliers where all directions are free.
    """
    table = entries(bases.signal.shape[1])
    moves = np.ones((len(bases.signal), 2, table.rows.size), dtype=bool)
    null = bases.signal == 0.0
    if not null.any():
        return ~null, moves, None
    slopes = now.gradient[:, 0]
    pinned = _pinned(null, diagonals(slopes), max_rank)
    free = ~pinned
    turns = ~null[:, :, None] & pinned[:, None, :]
    moves[:, 0] = table.of((free[:, :, None] & free[:, None, :]) | turns | turns.transpose(0, 2, 1))
    return free, moves, slopes * (pinned[:, :, None] & pinned[:, None, :])


def _pinned(null: Flags, multipliers: Array, max_rank: int) -> Flags:
    """Null directions of V that stay null: all but those whose multiplier has the wrong sign.

    Of those, as many are released as the rank allows, the steepest first.
    """
    wrong = null & (multipliers < 0.0)
    if not wrong.any():
        return np.asarray(null)
    room = max_rank - np.count_nonzero(~null, axis=1)
    steepness = np.argsort(np.argsort(np.where(wrong, multipliers, np.inf), axis=1, kind="stable"), axis=1)
    return np.asarray(null & ~(wrong & (steepness < room[:, None])))


def newton_steps(stack: Stack, bases: Bases, now: Likelihoods, model: Models) -> Array:
    """Newton's step of each data set, by entries of V and Σ."""
    table = entries(stack.n_conditions)
    sums = hessian_sums(stack, bases, now)
    if not model.free.all():
        # Moving X off V's range costs X α⁻¹ Xᵀ in the null space, at the multipliers.
        per_size = 1.0 / np.where(bases.signal > 0.0, bases.signal, np.inf)
        sums[:, 2] += per_size[:, :, None] * table.of(model.bend)[:, None]
    hessian = observed_hessian(sums, now.expected)
    n_sets, size = len(hessian), hessian.shape[1]
    moves, slopes = model.moves.reshape(n_sets, size), model.slopes.reshape(n_sets, size)
    if not moves.all():
        hessian *= moves[:, :, None]
        hessian *= moves[:, None, :]
        diagonals(hessian)[~moves] = 1.0
    steps = np.empty((n_sets, size))
    for position in range(n_sets):
        _, step, failed = dposv(hessian[position], slopes[position])
        steps[position] = _bent_step(hessian[position], slopes[position], model, position) if failed else step
    np.negative(steps, out=steps)
    return steps.reshape(n_sets, 2, -1)


def _bent_step(hessian: Array, slopes: Array, model: Models, position: int) -> Array:
    """Solve with the Hessian's eigenvalues turned positive, in the metric of the expected Hessian."""
    table = entries(model.free.shape[1])
    vv, vs, ss = model.expected[position]
    vs = np.clip(vs, -0.999999 * np.sqrt(vv * ss), 0.999999 * np.sqrt(vv * ss))
    metric = np.zeros_like(hessian)
    flat = metric.ravel()
    flat[table.diagonal_vv] = np.where(model.moves[position, 0], vv, 1.0)
    flat[table.diagonal_ss] = ss
    flat[table.diagonal_vs] = flat[table.diagonal_sv] = vs
    values, vectors, failed = dsygvd(hessian, metric)
    if failed:
        return slopes / np.diagonal(metric)
    lengths = slopes @ vectors
    # Downhill along negative curvature no minimum is foretold: a standard error at most, or what a
    # well bent valley would have asked for.
    most = np.maximum(np.abs(lengths) / LEAST_BEND, 1.0)
    steps = lengths / np.maximum(np.abs(values), 1e-8)
    return np.asarray(vectors @ np.where(values > 0.0, steps, np.clip(steps, -most, most)))
