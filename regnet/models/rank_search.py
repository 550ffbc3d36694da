"""Is there a better maximum at another rank of V?

The likelihood has several maxima, as a rule at neighbouring ranks of V, wherever one singular
value of the scores dominates (see :mod:`regnet.models.canonical_scan`): losing or gaining a
direction passes a barrier of a few units. From a maximum, the direction of V that the data support
least is taken away, or the one outside its range that they support most is added, and the climb
goes on from there; what is better is kept, until nothing is.
Measured against the best of 20 starts: docs/decisions/0001-optimiser.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from regnet.models.canonical_scan import ShareGrid
from regnet.models.kronecker import CanonicalBasis, SpectralData, change_of_basis, deviance, eigen
from regnet.models.optimum import Optimum

Matrix = NDArray[np.float64]

WORTH = 15.0
"""Most that −2 log likelihood may rise at first for an attempt to be worth a climb."""
BARRIER = 10.0
"""Rise that an added direction's own scan overstates, as V and Σ have yet to adapt."""
DIRECTIONS = 3
"""How many of the least supported directions are tried."""


def search_ranks(
    data: SpectralData,
    plain: SpectralData,
    optimum: Optimum,
    grid: ShareGrid,
    climb: Callable[[CanonicalBasis, float, int], Optimum],
    most_iterations: int,
    max_rank: int,
) -> Optimum:
    """Move to better maxima at other ranks of V while there are any.

    Parameters
    ----------
    plain : SpectralData
        The data without their mean, in which directions are looked for.
    climb : callable
        From a basis to its next maximum, given the value to beat and how many iterations are
        left.
    most_iterations : int
        Iterations after which no attempt begins, those of `optimum` included.
    max_rank : int
        Largest rank that V may have.
    """
    spent = optimum.n_iterations
    improved = optimum.stop_reason == "converged"
    while improved:
        improved = False
        here = optimum.likelihood.deviance
        attempts = list(_without(data, plain, optimum, grid))
        if np.count_nonzero(optimum.basis.signal) < max_rank:
            attempts += _with_more(plain, optimum, grid)
        for rise, basis in sorted(attempts, key=lambda attempt: attempt[0]):
            if rise > WORTH or spent >= most_iterations:
                break
            found = climb(basis, here, most_iterations - spent)
            spent += found.n_iterations
            if found.stop_reason == "time limit":
                return optimum.after(spent)
            if found.stop_reason == "converged" and found.likelihood.deviance < here - 1e-6:
                optimum, improved = found, True
                break
    return optimum.after(spent)


def _without(
    data: SpectralData, plain: SpectralData, optimum: Optimum, grid: ShareGrid
) -> Iterator[tuple[float, CanonicalBasis]]:
    """V conditioned on nothing along the least supported directions, one at a time."""
    basis = optimum.basis
    kept = np.flatnonzero((basis.signal > 0.0) & (basis.noise > 0.0))
    if not kept.size:
        return
    here = optimum.likelihood.deviance
    n_null = int(np.count_nonzero(basis.signal == 0.0))
    root = np.sqrt(basis.noise[kept])
    ratio = basis.signal[kept] / basis.noise[kept]
    traits = (plain.rotated @ basis.weights[:, kept]) / root
    n_directions = min(DIRECTIONS, kept.size)
    candidates = []
    for share in grid.shares[4:24:4]:
        signal_to_noise = share / (1.0 - share) * data.squares
        support = traits.T @ (signal_to_noise / (1.0 + signal_to_noise) * traits)
        candidates.append(eigen(support)[1][:, :n_directions])
    directions = np.stack(candidates, axis=1)  # traits × shares × number of the direction
    # What losing V's part along a direction costs, as if that were a trait of its own.
    own = data.squares[:, :, None] / np.einsum("tsn,t->sn", directions**2, 1.0 / ratio)
    along = np.einsum("it,tsn->isn", traits, directions, optimize=True)
    costs = (own / (1.0 + own) * along**2 - np.log1p(own)).sum(axis=0)
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
    data: SpectralData, optimum: Optimum, grid: ShareGrid
) -> Iterator[tuple[float, CanonicalBasis]]:
    """V with the best supported direction outside its range added."""
    basis = optimum.basis
    null = np.flatnonzero(basis.signal == 0.0)
    if not null.size:
        return
    traits = (data.rotated @ basis.weights[:, null]) / np.sqrt(basis.noise[null])
    best = np.inf
    ratio, turn = 0.0, np.eye(null.size)
    for share in grid.shares[3:27:3]:
        ratio_here = share / (1.0 - share)
        signal_to_noise = ratio_here * data.squares
        if signal_to_noise[0, 0] < 30.0:
            continue  # this side of the barrier the maximum at zero is the answer
        support = traits.T @ (signal_to_noise / (1.0 + signal_to_noise) * traits)
        values, directions = eigen(support)
        rise = float(np.log1p(signal_to_noise).sum() - values[-1])
        if rise < best:
            best, ratio, turn = rise, ratio_here, directions
    if not np.isfinite(best):
        return
    last = null[-1]
    weights, loadings = basis.weights.copy(), basis.loadings.copy()
    signal, noise = basis.signal.copy(), basis.noise.copy()
    weights[:, null] = weights[:, null] @ turn
    loadings[:, null] = loadings[:, null] @ turn
    grown = np.sqrt(1.0 + ratio)
    weights[:, last] /= grown
    loadings[:, last] *= grown
    noise[last] /= 1.0 + ratio
    signal[last] = ratio * noise[last]
    yield best + BARRIER, CanonicalBasis(weights, loadings, signal, noise)


def _in_basis(basis: CanonicalBasis, signal: Matrix, noise: Matrix, n_null: int) -> CanonicalBasis | None:
    change = change_of_basis(signal, noise)
    if change is None:
        return None
    weights, loadings, alpha, beta = change
    alpha[np.argsort(alpha)[:n_null]] = 0.0
    return CanonicalBasis(basis.weights @ weights, basis.loadings @ loadings, np.maximum(alpha, 0.0), beta)
