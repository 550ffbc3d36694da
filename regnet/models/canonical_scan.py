"""How is one canonical trait's share of signal found globally, whatever the start?

In a fixed canonical basis −2 log likelihood is a sum over the traits j, each a mixed model of one
trait in (α_j, β_j), whose scale has a closed form. A grid over the share of the signal therefore
costs one matrix product for all traits, and sees past barriers that a gradient does not: a motif
matrix with one dominant singular value (the mean of nonnegative scores) puts a local minimum at
V's boundary, because log(β + α d₁²) rises steeply from α = 0 and flattens at once.
(The one-trait grid is that of FaST-LMM, Lippert et al., Nat. Methods 8:833, 2011.) A mean is
profiled out at each share, and REML's determinant added, so that what is scanned is what is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regnet.models.kronecker import CanonicalBasis, SpectralData, eigen
from regnet.models.profiled_mean import mean_of_traits

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
        Σᵢ log((1−τ) + τ dᵢ²) + n⊥ log(1−τ), and log|information| under REML.
    design : ndarray of shape (n_shares, n_covariates, rank)
        Covariates of the mean, weighted with the precision.
    information : ndarray of shape (n_shares, n_covariates, n_covariates)
        XᵀK⁻¹X of the mean's coefficients.
    """

    shares: Vector
    precision: Matrix
    log_determinant: Vector
    design: NDArray[np.float64]
    information: NDArray[np.float64]


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
    precision = 1.0 / variances
    design = precision[:, None, :] * data.covariates.T
    information = design @ data.covariates
    if data.n_residual:
        information += data.residual_covariate_gram / rest[:, None, None]
    if data.restricted:
        logs += np.linalg.slogdet(information)[1]
    return ShareGrid(shares, precision, logs, design, information)


def proportional_start(data: SpectralData, grid: ShareGrid) -> CanonicalBasis:
    """Start from the likeliest Σ ∝ V of the grid, turned and scaled to the likeliest traits.

    For Σ = kV the likelihood is maximal in closed form at given k, so the grid is scanned in
    O(r C²) each; then every trait gets its own share.
    """
    best, chosen, root = np.inf, 0, np.eye(data.n_conditions)
    for position in range(2, 25, 2):
        root_here = _root_at(data, grid, position)
        value = 2.0 * data.n_observed * float(np.log(root_here.diagonal()).sum())
        value += data.n_conditions * float(grid.log_determinant[position])
        if value < best:
            best, chosen, root = value, position, root_here
    weights = np.linalg.inv(root).T
    # Any turn of a proportional pair keeps it; the one that diagonalises V's gradient is best.
    outcome = data.rotated
    if data.covariates.shape[1]:
        target = _target(data, grid, chosen, outcome, data.residual_cross)
        outcome = outcome - data.covariates @ np.linalg.solve(grid.information[chosen], target)
    scaled = (outcome @ weights) * grid.precision[chosen][:, None]
    _, turn = eigen(scaled.T @ (data.squares * scaled))
    weights, loadings = weights @ turn, root @ turn
    share = grid.shares[chosen]
    basis = CanonicalBasis(
        weights,
        loadings,
        np.full(data.n_conditions, share),
        np.full(data.n_conditions, 1.0 - share),
    )
    return rescan(data, basis, grid, data.traits(weights))[0]


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
    if data.covariates.shape[1]:
        target = _target(data, grid, slice(None), traits, data.residual_cross @ basis.weights)
        sums -= (target * np.linalg.solve(grid.information, target)).sum(axis=1)
    degrees = data.n_observed
    scales = np.maximum(sums / degrees, np.finfo(np.float64).tiny)
    return grid.log_determinant[:, None] + degrees * (np.log(scales) + 1.0), scales


def trait_deviances(data: SpectralData, basis: CanonicalBasis, traits: Matrix) -> Vector:
    """−2 log likelihood of every trait where it is now, up to the constant of `scan`."""
    variances = data.variances(basis)
    value: Vector = np.log(variances).sum(axis=0) + (traits * traits / variances).sum(axis=0)
    if data.n_residual:
        rest = np.einsum("ij,ij->j", basis.weights, data.residual_gram @ basis.weights)
        value += data.n_residual * np.log(basis.noise) + rest / basis.noise
    if data.covariates.shape[1]:
        cross = data.residual_cross @ basis.weights
        gain, log_information = mean_gain(data, 1.0 / variances, basis.noise, traits, cross)
        value += log_information - gain
    return value


def mean_gain(
    data: SpectralData, precision: Matrix, noise: Vector, traits: Matrix, cross: Matrix
) -> tuple[Vector, Vector]:
    """What profiling the mean takes off each trait's −2 log likelihood, and what REML adds.

    Parameters
    ----------
    precision, traits : ndarray of shape (rank, n_traits)
    noise : ndarray of shape (n_traits,)
        Variance beyond the motifs' reach.
    cross : ndarray of shape (n_covariates, n_traits)
        X⊥ᵀY⊥ of the traits.

    Returns
    -------
    gain, log_information : ndarrays of shape (n_traits,)
        num_jᵀ den_j⁻¹ num_j and log|den_j|, zero where the likelihood is not restricted.
    """
    mean, information, target = mean_of_traits(data, precision, noise, traits, cross)
    logs = np.linalg.slogdet(information)[1] if data.restricted else np.zeros(traits.shape[1])
    return (target * mean).sum(axis=0), logs


def _target(
    data: SpectralData, grid: ShareGrid, position: int | slice, traits: Matrix, cross: Matrix
) -> NDArray[np.float64]:
    # XᵀK⁻¹ times the traits, at one share of the grid or at all.
    target = grid.design[position] @ traits
    if data.n_residual:
        rest = np.asarray(1.0 - grid.shares[position])
        target = target + cross / rest[..., None, None] if rest.ndim else target + cross / rest
    return np.asarray(target)


def _root_at(data: SpectralData, grid: ShareGrid, position: int) -> Matrix:
    # Σ + V at the maximum for that share: (1/G)[Σ ỹᵢỹᵢᵀ/((1−τ)+τdᵢ²) + S⊥/(1−τ)], less the mean's part.
    total = data.rotated.T @ (grid.precision[position][:, None] * data.rotated)
    if data.n_residual:
        total = total + data.residual_gram / (1.0 - grid.shares[position])
    if data.covariates.shape[1]:
        target = _target(data, grid, position, data.rotated, data.residual_cross)
        total = total - target.T @ np.linalg.solve(grid.information[position], target)
    total /= data.n_observed
    try:
        return np.linalg.cholesky(total)
    except np.linalg.LinAlgError:  # expression that does not span the conditions: a start near it
        total.flat[:: len(total) + 1] += 1e-6 * np.trace(total) / len(total)
        return np.linalg.cholesky(total)
