"""Are there better maxima at other ranks of V, for a stack of data sets?

The attempts of :mod:`regnet.models.rank_search`, without a mean, for all data sets of a stack at once;
all attempts of a data set are climbed in step, and the best of what is better is kept.
"""

from __future__ import annotations

import numpy as np

from regnet.models.canonical_scan import ShareGrid
from regnet.models.optimum import Limits
from regnet.models.rank_search import BARRIER, DIRECTIONS, LOSS_SHARES, WORTH
from regnet.models.stacked_climb import Optima, Rivals, climb_stack
from regnet.models.stacked_likelihood import (
    Array,
    Bases,
    Indices,
    Likelihoods,
    Stack,
    diagonals,
    entries,
    evaluate_stack,
    simultaneous,
)

GAIN_SHARES = slice(3, 27, 3)
"""Shares of the grid at which a direction is added."""
LEAST_RATIO = 30.0
"""Least ratio of signal to noise of the first rotated gene: below, the maximum at zero is the answer."""


def search_ranks_stack(
    stack: Stack, optima: Optima, grid: ShareGrid, limits: Limits, max_rank: int
) -> Optima:
    """Move each data set to better maxima at other ranks of V while there are any."""
    open_ = np.array([reason == "converged" for reason in optima.stop_reasons])
    while open_.any():
        sets = (open_ & (optima.n_iterations < limits.max_iterations)).nonzero()[0]
        open_[:] = False
        if not sets.size:
            break
        owners, starts, likelihoods = _attempts(stack, optima, sets, grid, max_rank)
        # What iterations are left is for all attempts of a data set.
        share = np.bincount(owners, minlength=len(open_))
        most = ((limits.max_iterations - optima.n_iterations) // np.maximum(share, 1))[owners]
        worth = (most > 0).nonzero()[0]
        if not worth.size:
            break
        owners, starts, likelihoods = owners[worth], starts.take(worth), likelihoods.take(worth)
        here, most = optima.likelihoods.deviance[owners], most[worth]
        rivals = Rivals(optima.bases.take(owners), here, most)
        found = climb_stack(stack.take(owners), starts, None, limits, max_rank, rivals, likelihoods)
        if "time limit" in found.stop_reasons:
            break
        np.add.at(optima.n_iterations, owners, found.n_iterations)
        better = np.array([reason == "converged" for reason in found.stop_reasons])
        better &= found.likelihoods.deviance < here - 1e-6
        # The best of a data set comes last, and stays.
        order = better.nonzero()[0]
        order = order[np.argsort(-found.likelihoods.deviance[order], kind="stable")]
        for attempt in order:
            optima.put(owners[attempt], found, attempt)
            open_[owners[attempt]] = True
    return optima


def _attempts(
    stack: Stack, optima: Optima, sets: Indices, grid: ShareGrid, max_rank: int
) -> tuple[Indices, Bases, Likelihoods]:
    """Bases that are worth a climb, with the data set and the likelihood of each."""
    n_conditions = stack.n_conditions
    # Directions without signal first.
    bases = optima.bases.take(sets).sorted_by_signal()
    n_null = np.count_nonzero(bases.signal == 0.0, axis=1)
    found: list[tuple[Indices, Bases, Likelihoods]] = []
    for number in np.unique(n_null):
        group = (n_null == number).nonzero()[0]
        part, here = stack.take(sets[group]), bases.take(group)
        traits = here.weights.transpose(0, 2, 1) @ part.rotated
        deviances = optima.likelihoods.deviance[sets[group]]
        attempts = []
        if number < n_conditions:
            attempts.append(_without(part, here, traits[:, number:], int(number), grid, deviances))
        if number > 0 and n_conditions - number < max_rank:
            attempts.append(_with_more(part, here, traits[:, :number], int(number), grid))
        found += [(sets[group[positions]], start, there) for positions, start, there in attempts]
    owners, starts, likelihoods = zip(*found, strict=True)
    return np.concatenate(owners), Bases.joined(starts), Likelihoods.joined(likelihoods)


def _without(
    stack: Stack, bases: Bases, traits: Array, n_null: int, grid: ShareGrid, here: Array
) -> tuple[Indices, Bases, Likelihoods]:
    """V conditioned on nothing along the least supported directions, one at a time."""
    n_sets, n_kept, _ = traits.shape
    signal, noise = bases.signal[:, n_null:], bases.noise[:, n_null:]
    root, ratio = np.sqrt(noise), signal / noise
    traits = traits / root[:, :, None]
    shares = grid.shares[LOSS_SHARES]
    _, vectors = np.linalg.eigh(_support(traits, shares / (1.0 - shares), stack.squares))
    n_directions = min(DIRECTIONS, n_kept)
    directions = np.ascontiguousarray(
        vectors[..., :n_directions].transpose(0, 1, 3, 2)
    )  # sets, shares, number
    # What losing V's part along a direction costs, as if that were a trait of its own.
    flat = directions.reshape(n_sets, -1, n_kept)
    own = stack.squares / (flat**2 / ratio[:, None, :]).sum(axis=-1)[:, :, None]
    along = flat @ traits
    own += 1.0
    along *= along
    costs = (along - along / own).sum(axis=-1) - np.log(own).sum(axis=-1)
    chosen = costs.reshape(n_sets, -1, n_directions).argmin(axis=1)
    direction = directions[np.arange(n_sets)[:, None], chosen, np.arange(n_directions)]
    lost = ratio[:, None, :] * direction
    rest = -lost[..., :, None] * (lost / (direction * lost).sum(axis=-1)[..., None])[..., None, :]
    diagonals(rest)[:] += ratio[:, None, :]
    rest *= (root[:, :, None] * root[:, None, :])[:, None]
    whole = np.zeros((n_sets * n_directions, *bases.weights.shape[1:]))
    whole[:, n_null:, n_null:] = rest.reshape(-1, n_kept, n_kept)
    owners = np.repeat(np.arange(n_sets), n_directions)
    there, exists = simultaneous(bases.take(owners), whole, _diagonals(bases.noise[owners]))
    there.signal[:, : n_null + 1] = 0.0
    good = exists.nonzero()[0]
    owners, there = owners[good], there.take(good)
    likelihoods = evaluate_stack(stack.take(owners), there)
    good = (likelihoods.deviance - here[owners] <= WORTH).nonzero()[0]
    return owners[good], there.take(good), likelihoods.take(good)


def _with_more(
    stack: Stack, bases: Bases, traits: Array, n_null: int, grid: ShareGrid
) -> tuple[Indices, Bases, Likelihoods]:
    """V with the best supported direction outside its range added, at its likeliest scale."""
    shares = grid.shares[GAIN_SHARES]
    ratios = shares / (1.0 - shares)
    ratios = ratios[ratios * stack.squares.max() >= LEAST_RATIO]
    if not ratios.size:
        none = np.zeros(0, dtype=np.intp)
        return none, bases.take(none), evaluate_stack(stack.take(none), bases.take(none))
    root = np.sqrt(bases.noise[:, :n_null])
    values, vectors = np.linalg.eigh(_support(traits / root[:, :, None], ratios, stack.squares))
    # The quadratic form of a null direction is the number of genes, since Σ's gradient is zero.
    share = values[:, :, -1] / stack.n_genes
    scales = np.where(share < 1.0, 1.0 - share, 1.0)
    gains = np.where(share < 1.0, -stack.n_genes * np.log(scales), values[:, :, -1])
    rises = np.log1p(ratios[:, None] * stack.squares).sum(axis=-1) - gains
    best = rises.argmin(axis=1)
    sets = np.flatnonzero(rises[np.arange(len(best)), best] + BARRIER <= WORTH)
    best = best[sets]
    ratio, scale, turn = ratios[best], scales[sets, best], vectors[sets, best]
    factors = np.ones((sets.size, n_null))
    factors[:, -1] = np.sqrt((1.0 + ratio) * scale)
    there = bases.take(sets)
    root = root[sets]
    there.weights[:, :, :n_null] = (
        (there.weights[:, :, :n_null] / root[:, None, :]) @ turn / factors[:, None, :]
    )
    there.loadings[:, :, :n_null] = (
        (there.loadings[:, :, :n_null] * root[:, None, :]) @ turn * factors[:, None, :]
    )
    there.noise[:, :n_null] = 1.0
    there.noise[:, n_null - 1] = 1.0 / (1.0 + ratio)
    there.signal[:, n_null - 1] = ratio / (1.0 + ratio)
    return sets, there, evaluate_stack(stack.take(sets), there)


def _support(traits: Array, ratios: Array, squares: Array) -> Array:
    """What signal of each ratio to noise explains of traits of unit noise."""
    table = entries(traits.shape[1])
    signal_to_noise = ratios[:, None] * squares
    support = table.products(traits) @ (signal_to_noise / (1.0 + signal_to_noise)).T
    return table.symmetric(np.ascontiguousarray(support.transpose(0, 2, 1)))


def _diagonals(values: Array) -> Array:
    matrices = np.zeros((*values.shape, values.shape[-1]))
    diagonals(matrices)[:] = values
    return matrices
