"""Is there a better maximum at another rank of V?

The likelihood has several maxima, as a rule at neighbouring ranks of V, wherever one singular
value of the scores dominates (see :mod:`regnet.models.canonical_scan`): losing or gaining a
direction passes a barrier of a few units. From a maximum, the direction of V that the data support
least is taken away, or the one outside its range that they support most is added, and the climb
goes on from there; what is better is kept, until nothing is.
Measured against the best of 20 starts: docs/decisions/0001-optimiser.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from regnet.models.canonical_scan import ShareGrid, mean_gain
from regnet.models.kronecker import CanonicalBasis, SpectralData, change_of_basis, deviance, eigen
from regnet.models.optimum import Optimum

Matrix = NDArray[np.float64]

WORTH = 15.0
"""Most that −2 log likelihood may rise at first for an attempt to be worth a climb."""
BARRIER = 10.0
"""Rise that an added direction's own scan overstates, as V and Σ have yet to adapt."""
MEAN_BARRIER = 5.0
"""The same where a mean is profiled out by ML: it takes what the dominant singular value would show."""
DIRECTIONS = 3
"""How many of the least supported directions are tried."""
LOSS_SHARES = slice(4, 24, 4)
"""Shares of the grid at which the least supported directions are looked for."""


def search_ranks(
    data: SpectralData,
    optimum: Optimum,
    grid: ShareGrid,
    climb: Callable[[CanonicalBasis, Optimum, int], Optimum],
    most_iterations: int,
    max_rank: int,
    *,
    free_noise: bool = True,
) -> Optimum:
    """Move to better maxima at other ranks of V while there are any.

    Parameters
    ----------
    climb : callable
        From a basis to its next maximum, given the maximum to beat and how many iterations are
        left.
    most_iterations : int
        Iterations after which no attempt begins, those of `optimum` included.
    max_rank : int
        Largest rank that V may have.
    free_noise : bool
        Whether Σ is free, so that one direction's noise may change by itself.
    """
    spent = optimum.n_iterations
    improved = optimum.stop_reason == "converged"
    while improved:
        improved = False
        here = optimum.likelihood.deviance
        attempts = list(_without(data, optimum, grid))
        if np.count_nonzero(optimum.basis.signal) < max_rank:
            attempts += _with_more(data, optimum, grid, free_noise)
        for rise, basis in sorted(attempts, key=lambda attempt: attempt[0]):
            if rise > WORTH or spent >= most_iterations:
                break
            found = climb(basis, optimum, most_iterations - spent)
            spent += found.n_iterations
            if found.stop_reason == "time limit":
                return optimum.after(spent)
            if found.stop_reason == "converged" and found.likelihood.deviance < here - 1e-6:
                optimum, improved = found, True
                break
    return optimum.after(spent)


def _without(data: SpectralData, optimum: Optimum, grid: ShareGrid) -> Iterator[tuple[float, CanonicalBasis]]:
    """V conditioned on nothing along the least supported directions, one at a time."""
    basis = optimum.basis
    kept = np.flatnonzero((basis.signal > 0.0) & (basis.noise > 0.0))
    if not kept.size:
        return
    here = optimum.likelihood.deviance
    n_null = int(np.count_nonzero(basis.signal == 0.0))
    root = np.sqrt(basis.noise[kept])
    ratio = basis.signal[kept] / basis.noise[kept]
    traits = (data.rotated @ basis.weights[:, kept]) / root
    cross = (data.residual_cross @ basis.weights[:, kept]) / root
    n_directions = min(DIRECTIONS, kept.size)
    candidates = []
    for share in grid.shares[LOSS_SHARES]:
        support = _support(data, share / (1.0 - share), traits, cross)[0]
        candidates.append(eigen(support)[1][:, :n_directions])
    directions = np.stack(candidates, axis=1)  # traits × shares × number of the direction
    # What losing V's part along a direction costs, as if that were a trait of its own.
    own = data.squares[:, :, None] / np.einsum("tsn,t->sn", directions**2, 1.0 / ratio)
    along = np.einsum("it,tsn->isn", traits, directions, optimize=True)
    costs = (own / (1.0 + own) * along**2 - np.log1p(own)).sum(axis=0)
    if data.covariates.shape[1]:
        costs += _mean_costs(data, own, along, np.einsum("pt,tsn->psn", cross, directions))
    noise = np.diag(basis.noise)
    for number, chosen in enumerate(costs.argmin(axis=0)):
        direction = directions[:, chosen, number]
        lost = ratio * direction
        rest = np.diag(ratio) - np.outer(lost, lost) / (direction @ lost)
        signal = np.zeros_like(noise)
        signal[np.ix_(kept, kept)] = rest * np.outer(root, root)
        turned = _in_basis(basis, signal, noise, n_null + 1)
        if turned is not None:
            yield deviance(data, turned) - here, turned


def _with_more(
    data: SpectralData, optimum: Optimum, grid: ShareGrid, free_noise: bool
) -> Iterator[tuple[float, CanonicalBasis]]:
    """V with the best supported direction outside its range added.

    Where Σ is free the direction's scale is the likeliest: the quadratic form of a null direction
    is then the number of genes (Σ's gradient is zero), so the scale is one less the support's share.
    """
    basis = optimum.basis
    null = np.flatnonzero(basis.signal == 0.0)
    if not null.size:
        return
    by_ml = data.covariates.shape[1] > 0 and not data.restricted
    shares, least = (grid.shares[2:27:2], 3.0) if by_ml else (grid.shares[3:27:3], 30.0)
    root = np.sqrt(basis.noise[null])
    traits = (data.rotated @ basis.weights[:, null]) / root
    cross = (data.residual_cross @ basis.weights[:, null]) / root
    found: list[tuple[float, float, float, Matrix]] = []
    for share in shares:
        ratio = share / (1.0 - share)
        signal_to_noise = ratio * data.squares
        if signal_to_noise[0, 0] < least:
            continue  # this side of the barrier the maximum at zero is the answer
        support, restricted = _support(data, ratio, traits, cross)
        values, directions = eigen(support)
        scale, gain = 1.0, float(values[-1])
        if free_noise and gain < data.n_observed:
            scale = 1.0 - gain / data.n_observed
            gain = -data.n_observed * math.log(scale)
        rise = float(np.log1p(signal_to_noise).sum()) + restricted - gain
        found.append((rise, ratio, scale, directions))
    if not found:
        return
    best = min(range(len(found)), key=lambda position: found[position][0])
    # By ML the far side of the barrier may be too far from the best share to be found from there.
    for position in (best, best + 2) if by_ml else (best,):
        if position < len(found):
            rise, ratio, scale, directions = found[position]
            grown = _grown(basis, null, directions, ratio, scale)
            yield rise + (MEAN_BARRIER if by_ml else BARRIER), grown


def _grown(
    basis: CanonicalBasis, null: NDArray[np.intp], turn: Matrix, ratio: float, scale: float
) -> CanonicalBasis:
    """V with the last of the turned null directions added, at a ratio to its noise and a scale."""
    root = np.sqrt(basis.noise[null])
    factors = np.ones(null.size)
    factors[-1] = math.sqrt((1.0 + ratio) * scale)
    weights, loadings = basis.weights.copy(), basis.loadings.copy()
    weights[:, null] = (weights[:, null] / root) @ turn / factors
    loadings[:, null] = (loadings[:, null] * root) @ turn * factors
    signal, noise = basis.signal.copy(), basis.noise.copy()
    noise[null] = 1.0
    noise[null[-1]] = 1.0 / (1.0 + ratio)
    signal[null[-1]] = ratio / (1.0 + ratio)
    return CanonicalBasis(weights, loadings, signal, noise)


def _support(data: SpectralData, ratio: float, traits: Matrix, cross: Matrix) -> tuple[Matrix, float]:
    """What signal of that ratio to noise explains of traits of unit noise; and what REML adds.

    The mean is profiled out with and without the signal.
    """
    signal_to_noise = ratio * data.squares
    support = traits.T @ (signal_to_noise / (1.0 + signal_to_noise) * traits)
    if not data.covariates.shape[1]:
        return support, 0.0
    logs = []
    for sign, precision in ((-1.0, np.ones_like(signal_to_noise)), (1.0, 1.0 / (1.0 + signal_to_noise))):
        design = data.covariates.T * precision.T
        information = design @ data.covariates
        target = design @ traits
        if data.n_residual:
            information, target = information + data.residual_covariate_gram, target + cross
        support += sign * (target.T @ np.linalg.solve(information, target))
        logs.append(float(np.linalg.slogdet(information)[1]) if data.restricted else 0.0)
    return 0.5 * (support + support.T), logs[1] - logs[0]


def _mean_costs(
    data: SpectralData, own: NDArray[np.float64], along: NDArray[np.float64], cross: NDArray[np.float64]
) -> Matrix:
    """What the mean's adapting to a lost direction changes in its cost."""
    shape = along.shape
    flat, crossed = along.reshape(shape[0], -1), cross.reshape(cross.shape[0], -1)
    one = np.ones(flat.shape[1])
    with_signal, log_with = mean_gain(data, 1.0 / (1.0 + own.reshape(shape[0], -1)), one, flat, crossed)
    without, log_without = mean_gain(data, np.ones_like(flat), one, flat, crossed)
    return np.asarray(with_signal - without - log_with + log_without).reshape(shape[1:])


def _in_basis(basis: CanonicalBasis, signal: Matrix, noise: Matrix, n_null: int) -> CanonicalBasis | None:
    change = change_of_basis(signal, noise)
    if change is None:
        return None
    weights, loadings, alpha, beta = change
    alpha[np.argsort(alpha)[:n_null]] = 0.0
    if not (alpha + beta > 0.0).all():
        return None
    return CanonicalBasis(basis.weights @ weights, basis.loadings @ loadings, np.maximum(alpha, 0.0), beta)
