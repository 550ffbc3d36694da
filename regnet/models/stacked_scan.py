"""How are many data sets started, and their traits' shares of signal found globally?

What :mod:`regnet.models.canonical_scan` does for one data set, for a stack of them without a mean.
"""

from __future__ import annotations

import numpy as np

from regnet.models.canonical_scan import ShareGrid
from regnet.models.stacked_likelihood import Array, Bases, Indices, Stack, entries

STARTS = slice(2, 25, 2)
"""Shares of the grid at which Σ ∝ V is tried."""


def proportional_starts(stack: Stack, grid: ShareGrid) -> Bases:
    """Start each data set from its likeliest Σ ∝ V of the grid, turned and scaled to the likeliest traits."""
    n_sets, n_conditions, _ = stack.rotated.shape
    table = entries(n_conditions)
    outer = table.products(stack.rotated)
    totals = np.ascontiguousarray((outer @ grid.precision[STARTS].T).transpose(0, 2, 1))
    rest = 1.0 - grid.shares[STARTS]
    totals = table.symmetric(totals) + stack.residual_gram[:, None] / rest[:, None, None]
    totals /= stack.n_genes
    roots = _roots(totals)
    logs = np.log(np.einsum("bsjj->bsj", roots)).sum(axis=-1)
    values = 2.0 * stack.n_genes * logs + n_conditions * grid.log_determinant[STARTS]
    best = values.argmin(axis=1)
    root = roots[np.arange(n_sets), best]
    weights = np.linalg.inv(root).transpose(0, 2, 1)
    # Any turn of a proportional pair keeps it; the one that diagonalises V's gradient is best.
    scaled = (weights.transpose(0, 2, 1) @ stack.rotated) * grid.precision[STARTS][best][:, None, :]
    _, turn = np.linalg.eigh((stack.squares * scaled) @ scaled.transpose(0, 2, 1))
    share = np.repeat(grid.shares[STARTS][best][:, None], n_conditions, axis=1)
    bases = Bases(np.ascontiguousarray(weights @ turn), root @ turn, share, 1.0 - share)
    traits = bases.weights.transpose(0, 2, 1) @ stack.rotated
    rescan_stack(stack, bases, grid, traits, np.arange(n_sets), may_add=True)
    return bases


def rescan_stack(
    stack: Stack, bases: Bases, grid: ShareGrid, traits: Array, chosen: Indices, *, may_add: bool
) -> None:
    """Give every trait of the chosen data sets the likeliest share of the grid and its scale, in place.

    Only shares that improve on the present ones (by more than the grid is fine) are changed, and
    traits without signal only where V `may_add` to its rank. `traits` are rescaled with them.
    """
    weights, signal, noise = bases.weights[chosen], bases.signal[chosen], bases.noise[chosen]
    squared = traits[chosen] ** 2
    rest = (weights * (stack.residual_gram[chosen] @ weights)).sum(axis=1)
    variances = signal[:, :, None] * stack.squares
    variances += noise[:, :, None]
    here = (squared / variances).sum(axis=-1)
    here += np.log(variances, out=variances).sum(axis=-1)
    here += stack.n_residual * np.log(noise) + rest / noise
    sums = squared @ grid.precision.T
    sums += rest[:, :, None] / (1.0 - grid.shares)
    scales = np.maximum(sums / stack.n_genes, np.finfo(np.float64).tiny)
    values = grid.log_determinant + stack.n_genes * (np.log(scales) + 1.0)
    best = values.argmin(axis=-1)[:, :, None]
    better = np.take_along_axis(values, best, axis=-1)[:, :, 0] < here - 1e-3
    if not may_add:
        better &= signal > 0.0
    if not better.any():
        return
    share = grid.shares[best[:, :, 0]]
    scale = np.where(better, np.sqrt(np.take_along_axis(scales, best, axis=-1)[:, :, 0]), 1.0)
    bases.weights[chosen] = weights / scale[:, None, :]
    bases.loadings[chosen] *= scale[:, None, :]
    bases.signal[chosen] = np.where(better, share, signal)
    bases.noise[chosen] = np.where(better, 1.0 - share, noise)
    traits[chosen] /= scale[:, :, None]


def _roots(totals: Array) -> Array:
    try:
        return np.asarray(np.linalg.cholesky(totals), dtype=np.float64)
    except np.linalg.LinAlgError:  # expression that does not span the conditions: a start near it
        flat = totals.reshape(-1, *totals.shape[-2:])
        return np.stack([_root(total) for total in flat]).reshape(totals.shape)


def _root(total: Array) -> Array:
    try:
        return np.asarray(np.linalg.cholesky(total), dtype=np.float64)
    except np.linalg.LinAlgError:
        more = 1e-6 * np.trace(total) / len(total)
        return np.asarray(np.linalg.cholesky(total + more * np.eye(len(total))), dtype=np.float64)
