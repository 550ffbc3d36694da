"""What is the exact likelihood of expression with missing values?

With missing cells m the likelihood of the rest is that of the completed data at their conditional
mean ŷ, and a determinant: for K the covariance of vec(Y) and S = (K⁻¹)_mm, the inverse conditional
covariance of the missing cells,

    −2 log p(y_o) = −2 log p(y_o, ŷ_m) + log|S| − |m| log 2π,     ∂ log|S| = −tr(S⁻¹ (K⁻¹ ∂K K⁻¹)_mm).

S has a row for every missing cell, so the cost is O(|m|² r C) an evaluation: meant for tables with
some hundreds or a few thousand gaps. Products with the Hessian are differences of gradients.
The mean, if there is one, is profiled out with ŷ (by ML).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.models.decomposition import Decomposition
from regnet.models.kronecker import (
    LOG_2_PI,
    CanonicalBasis,
    Likelihood,
    SpectralData,
    change_of_basis,
    evaluate,
    hessian_product,
)

Matrix = NDArray[np.float64]

MOST_CELLS = 5_000
"""Most missing values that are treated exactly."""
DIFFERENCE = 1e-7
"""Size of the change, of canonical variances that add up to one, between gradients of a difference."""
MOST_NUMBERS = 200_000_000
"""Most numbers (missing values × rank × conditions) that one evaluation may hold."""


@dataclass(frozen=True, eq=False, slots=True)
class Gaps:
    """The missing cells, in rotated coordinates.

    Attributes
    ----------
    conditions : ndarray of int of shape (n_missing,)
        The condition of each missing cell.
    left : ndarray of shape (n_missing, rank)
        Rows of U for their genes.
    beyond : ndarray of shape (n_missing, n_missing)
        (I − UUᵀ) between their genes.
    residuals : ndarray of shape (n_missing, n_conditions)
        Rows of Y⊥ for their genes, of the expression with stand-ins in the gaps.
    design : ndarray of shape (n_missing, n_covariates)
        Rows of X⊥ for their genes.
    """

    conditions: NDArray[np.intp]
    left: Matrix
    beyond: Matrix
    residuals: Matrix
    design: Matrix

    @classmethod
    def of(cls, parts: Decomposition, expression: Matrix, missing: NDArray[np.bool_], design: Matrix) -> Gaps:
        """Collect the missing cells of an expression that has stand-ins in their place.

        Raises
        ------
        InputError
            Where they are too many.
        """
        genes, conditions = missing.nonzero()
        n_numbers = genes.size * parts.rank * expression.shape[1]
        if genes.size > MOST_CELLS or n_numbers > MOST_NUMBERS:
            raise InputError(
                "missing",
                f"at most {MOST_CELLS} missing values (× rank × conditions: {MOST_NUMBERS}) to treat exactly",
                f"{genes.size} ({n_numbers})",
                "drop or impute them",
            )
        rows = parts.left[genes]
        same = np.equal.outer(genes, genes).astype(np.float64)
        inside = rows @ (parts.left.T @ np.hstack([expression, design]))
        outside = np.hstack([expression, design])[genes] - inside
        n_conditions = expression.shape[1]
        if parts.n_genes == parts.rank:
            same, outside = rows @ rows.T, np.zeros_like(outside)
        return cls(
            conditions, rows, same - rows @ rows.T, outside[:, :n_conditions], outside[:, n_conditions:]
        )

    def evaluate(self, data: SpectralData, basis: CanonicalBasis) -> Likelihood:
        """−2 log likelihood of what is there, with its gradient."""
        spread = self._spread(basis, data)
        precision = self._precision(basis, data, spread)
        inverse_root = _inverse_root(precision)
        whole = evaluate(self._completed(data, basis, spread, precision), basis)
        shape = spread.shape
        weighted = (inverse_root.T @ spread.reshape(len(spread), -1)).reshape(shape)
        flat = weighted.reshape(-1, shape[2])
        by_value = (weighted * np.sqrt(data.squares)).reshape(-1, shape[2])
        noise_gradient = whole.noise_gradient - flat.T @ flat
        if data.n_residual:
            ends = basis.weights[self.conditions] / basis.noise
            noise_gradient = noise_gradient - ends.T @ ((inverse_root @ inverse_root.T * self.beyond) @ ends)
        log_determinant = -2.0 * float(np.log(inverse_root.diagonal()).sum())
        return replace(
            whole,
            deviance=whole.deviance + log_determinant - len(self.conditions) * LOG_2_PI,
            signal_gradient=whole.signal_gradient - by_value.T @ by_value,
            noise_gradient=0.5 * (noise_gradient + noise_gradient.T),
        )

    def hessian_product(
        self, data: SpectralData, basis: CanonicalBasis, likelihood: Likelihood, change: Matrix
    ) -> Matrix:
        """Product with the observed Hessian, as a difference of gradients a small change apart."""
        n_conditions = data.n_conditions
        length = DIFFERENCE / max(float(np.abs(change).max()), 1e-300)
        moved = change_of_basis(
            np.diag(basis.signal) + length * change[:n_conditions],
            np.diag(basis.noise) + length * change[n_conditions:],
        )
        if moved is None:  # next to the cone's edge: the completed data's Hessian
            return hessian_product(replace(data, gaps=None), basis, likelihood, change)
        weights, loadings, signal, noise = moved
        there = self.evaluate(
            data, CanonicalBasis(basis.weights @ weights, basis.loadings @ loadings, signal, noise)
        )
        back = [weights @ g @ weights.T for g in (there.signal_gradient, there.noise_gradient)]
        differences = np.stack(back) - [likelihood.signal_gradient, likelihood.noise_gradient]
        symmetric = 0.5 * (differences + differences.transpose(0, 2, 1))
        return np.asarray(symmetric.reshape(2 * n_conditions, n_conditions) / length)

    def _completed(
        self, data: SpectralData, basis: CanonicalBasis, spread: Matrix, precision: Matrix
    ) -> SpectralData:
        # The data with the conditional mean of the missing cells in their place.
        plain = replace(data, gaps=None)
        likelihood = evaluate(plain, basis)
        cells = self._pulled(plain, basis, likelihood)
        if likelihood.information is not None:
            precision = precision - self._lost_to_mean(data, basis, likelihood.information, spread)
        shift = -np.linalg.solve(precision, cells)
        scatter = np.zeros((len(shift), data.n_conditions))
        scatter[np.arange(len(shift)), self.conditions] = shift
        cross = self.residuals.T @ scatter
        return replace(
            plain,
            rotated=data.rotated + self.left.T @ scatter,
            residual_gram=data.residual_gram + cross + cross.T + scatter.T @ self.beyond @ scatter,
            residual_cross=data.residual_cross + self.design.T @ scatter,
        )

    def added_variance(self, data: SpectralData, basis: CanonicalBasis, right: Matrix) -> Matrix:
        """What the missing cells add to the posterior variance of the effects."""
        spread = self._spread(basis, data)
        inverse_root = _inverse_root(self._precision(basis, data, spread))
        weighted = np.tensordot(inverse_root.T, spread, axes=1)
        added = np.zeros((right.shape[0], data.n_conditions))
        for cell in weighted:
            added += (right @ ((np.sqrt(data.squares) * cell * basis.signal) @ basis.loadings.T)) ** 2
        return added

    def _spread(self, basis: CanonicalBasis, data: SpectralData) -> Matrix:
        # U_mi P_ij W_cj: the column of K⁻¹ for each missing cell, in rotated coordinates.
        precision = 1.0 / (data.squares * basis.signal + basis.noise)
        return np.asarray(self.left[:, :, None] * precision * basis.weights[self.conditions][:, None, :])

    def _precision(self, basis: CanonicalBasis, data: SpectralData, spread: Matrix) -> Matrix:
        ends = basis.weights[self.conditions]
        plain = self.left[:, :, None] * ends[:, None, :]
        precision = spread.reshape(len(spread), -1) @ plain.reshape(len(plain), -1).T
        if data.n_residual:
            precision = precision + self.beyond * ((ends / basis.noise) @ ends.T)
        return np.asarray(0.5 * (precision + precision.T))

    def _lost_to_mean(
        self, data: SpectralData, basis: CanonicalBasis, information: Matrix, spread: Matrix
    ) -> Matrix:
        # What estimating the mean takes off the precision of the missing cells.
        pulls = np.einsum("mij,ip->jmp", spread, data.covariates)
        if data.n_residual:
            ends = basis.weights[self.conditions] / basis.noise
            pulls = pulls + ends.T[:, :, None] * self.design
        lost = pulls @ np.linalg.solve(information, pulls.transpose(0, 2, 1))
        return np.asarray(lost.sum(axis=0))

    def _pulled(self, data: SpectralData, basis: CanonicalBasis, likelihood: Likelihood) -> Matrix:
        # K⁻¹ vec(Y − Xμ) at the missing cells.
        ends = basis.weights[self.conditions]
        scaled = likelihood.products[:, data.n_conditions :]
        pulled = np.einsum("mj,mj->m", self.left @ scaled, ends)
        if data.n_residual:
            rest = self.residuals @ basis.weights - self.design @ likelihood.mean
            pulled = pulled + np.einsum("mj,mj->m", rest / basis.noise, ends)
        return np.asarray(pulled)


def _inverse_root(precision: Matrix) -> Matrix:
    """R with S⁻¹ = R Rᵀ, upper triangular."""
    root = np.linalg.cholesky(precision)
    return np.asarray(scipy.linalg.solve_triangular(root, np.eye(len(root)), lower=True).T)
