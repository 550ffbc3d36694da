"""How is one canonical trait's share of signal found globally, whatever the start?

In a fixed canonical basis −2 log likelihood is a sum over the traits j, each a mixed model of one
trait in (α_j, β_j), whose scale has a closed form. A grid over the share of the signal therefore
costs one matrix product for all traits, and sees past barriers that a gradient does not: a motif
matrix with one dominant singular value (the mean of nonnegative scores) puts a local minimum at
V's boundary, because log(β + α d₁²) rises steeply from α = 0 and flattens at once.
(The one-trait grid is that of FaST-LMM, Lippert et al., Nat. Methods 8:833, 2011.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regnet.models.kronecker import CanonicalBasis, SpectralData, eigen

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class ShareGrid:
    """One-trait models at a grid of shares τ: variance (1−τ) + τ d² of each rotated gene.

    Attributes
    ----------
    shares : ndarray of shape (n_shares,)
        τ, from 0 (no signal); 1 (no noise) only where no gene is beyond the motifs' reach.
    precision : ndarray of shape (n_shares, rank)
        1/((1−τ) + τ d²).
    log_determinant : ndarray of shape (n_shares,)
        Σᵢ log((1−τ) + τ dᵢ²) + n⊥ log(1−τ).
    """

    shares: Vector
    precision: Matrix
    log_determinant: Vector


def share_grid(data: SpectralData) -> ShareGrid:
    """Tabulate the grid for a spectrum; once per fit, O(27 r)."""
    ratios = np.concatenate([[0.0], np.logspace(-4.0, 6.0, 26)])
    shares = ratios / (1.0 + ratios)
    rest = 1.0 / (1.0 + ratios)
    if data.n_residual == 0:
        shares, rest = np.append(shares, 1.0), np.append(rest, 0.0)
    variances = rest[:, None] + shares[:, None] * data.squares[:, 0]
    logs = np.log(variances).sum(axis=1)
    if data.n_residual:
        logs += data.n_residual * np.log(rest)
    return ShareGrid(shares, 1.0 / variances, logs)


def proportional_start(data: SpectralData, grid: ShareGrid) -> CanonicalBasis:
    """Start from the likeliest Σ ∝ V of the grid, turned and scaled to the likeliest traits.

    For Σ = kV the likelihood is maximal in closed form at given k, so the grid is scanned in
    O(r C²) each; then every trait gets its own share.
    """
    best, chosen, root = np.inf, 0, np.eye(data.n_conditions)
    for position in range(2, 25, 2):
        root_here = _root_at(data, grid, position)
        value = 2.0 * data.n_genes * float(np.log(root_here.diagonal()).sum())
        value += data.n_conditions * float(grid.log_determinant[position])
        if value < best:
            best, chosen, root = value, position, root_here
    weights = np.linalg.inv(root).T
    # Any turn of a proportional pair keeps it; the one that diagonalises V's gradient is best.
    scaled = (data.rotated @ weights) * grid.precision[chosen][:, None]
    _, turn = eigen(scaled.T @ (data.squares * scaled))
    weights, loadings = weights @ turn, root @ turn
    share = grid.shares[chosen]
    basis = CanonicalBasis(
        weights,
        loadings,
        np.full(data.n_conditions, share),
        np.full(data.n_conditions, 1.0 - share),
    )
    return rescan(data, basis, grid, data.rotated @ weights)[0]


def rescan(
    data: SpectralData, basis: CanonicalBasis, grid: ShareGrid, traits: Matrix, *, may_add: bool = True
) -> tuple[CanonicalBasis, Matrix]:
    """Give every trait the likeliest share of the grid and its scale; and the traits, rescaled.

    Only shares that improve on the present ones (by more than the grid is fine) are changed, and
    traits without signal only where V `may_add` to its rank.
    """
    here = trait_deviances(data, basis, traits)
    values, scales = scan(data, basis, grid, traits)
    chosen = values.argmin(axis=0)
    columns = np.arange(data.n_conditions)
    better = values[chosen, columns] < here - 1e-3
    if not may_add:
        better &= basis.signal > 0.0
    if not better.any():
        return basis, traits
    scale = np.where(better, np.sqrt(scales[chosen, columns]), 1.0)
    share = grid.shares[chosen]
    return CanonicalBasis(
        basis.weights / scale,
        basis.loadings * scale,
        np.where(better, share, basis.signal),
        np.where(better, 1.0 - share, basis.noise),
    ), traits / scale


def scan(data: SpectralData, basis: CanonicalBasis, grid: ShareGrid, traits: Matrix) -> tuple[Matrix, Matrix]:
    """−2 log likelihood of every trait at every share (up to a constant), and its scale."""
    sums = grid.precision @ (traits * traits)
    if data.n_residual:
        rest = np.einsum("ij,ij->j", basis.weights, data.residual_gram @ basis.weights)
        sums += rest / (1.0 - grid.shares)[:, None]
    scales = np.maximum(sums / data.n_genes, np.finfo(np.float64).tiny)
    return grid.log_determinant[:, None] + data.n_genes * (np.log(scales) + 1.0), scales


def trait_deviances(data: SpectralData, basis: CanonicalBasis, traits: Matrix) -> Vector:
    """−2 log likelihood of every trait where it is now, up to the constant of `scan`."""
    variances = data.squares * basis.signal + basis.noise
    value: Vector = np.log(variances).sum(axis=0) + (traits * traits / variances).sum(axis=0)
    if data.n_residual:
        rest = np.einsum("ij,ij->j", basis.weights, data.residual_gram @ basis.weights)
        value += data.n_residual * np.log(basis.noise) + rest / basis.noise
    return value


def _root_at(data: SpectralData, grid: ShareGrid, position: int) -> Matrix:
    # Σ + V at the maximum for that share: (1/G)[Σ ỹᵢỹᵢᵀ/((1−τ)+τdᵢ²) + S⊥/(1−τ)].
    total = data.rotated.T @ (grid.precision[position][:, None] * data.rotated)
    if data.n_residual:
        total = total + data.residual_gram / (1.0 - grid.shares[position])
    total /= data.n_genes
    try:
        return np.linalg.cholesky(total)
    except np.linalg.LinAlgError:  # expression that does not span the conditions: a start near it
        total.flat[:: len(total) + 1] += 1e-6 * np.trace(total) / len(total)
        return np.linalg.cholesky(total)
