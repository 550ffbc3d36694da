"""How is the mean profiled out of the likelihood, and what does REML add?

With u₀ = UᵀX and the canonical traits Z of :mod:`regnet.models.kronecker`, generalised least squares
falls into one problem for each trait, num_j = den_j m_j, and −2 log ML loses Σⱼ num_jᵀ den_j⁻¹ num_j.
REML adds Σⱼ log|den_j| − p log|V+Σ| − p C log 2π − C log|XᵀX| for p covariates.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from regnet.models.kronecker import CanonicalBasis, Likelihood, SpectralData

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


def estimate_mean(
    data: SpectralData, basis: CanonicalBasis, traits: Matrix, precision: Matrix
) -> tuple[Matrix, Matrix, Matrix]:
    """Solve num_j = den_j m_j for each canonical trait j: generalised least squares.

    Returns
    -------
    mean : ndarray of shape (n_covariates, n_conditions)
        Coefficients in the basis.
    information : ndarray of shape (n_conditions, n_covariates, n_covariates)
        den_j.
    cross : ndarray of shape (n_covariates, n_conditions)
        X⊥ᵀ(Y⊥ − X⊥ mean) in the basis.
    """
    cross = data.residual_cross @ basis.weights
    mean, information, _ = mean_of_traits(data, precision, basis.noise, traits, cross)
    return mean, information, cross - data.residual_covariate_gram @ mean


def mean_of_traits(
    data: SpectralData, precision: Matrix, noise: Vector, traits: Matrix, cross: Matrix
) -> tuple[Matrix, Matrix, Matrix]:
    """Solve num_j = den_j m_j for traits with a precision and a variance beyond the motifs' reach each.

    Parameters
    ----------
    precision, traits : ndarray of shape (rank, n_traits)
    noise : ndarray of shape (n_traits,)
    cross : ndarray of shape (n_covariates, n_traits)
        X⊥ᵀY⊥ of the traits.

    Returns
    -------
    mean, information, target : ndarrays
        m_j, den_j and num_j, of shapes (n_covariates, n_traits), (n_traits, n_covariates,
        n_covariates) and (n_covariates, n_traits).
    """
    design = data.covariates
    n_covariates = design.shape[1]
    outer = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    information = np.asarray(outer.T @ precision).T.reshape(-1, n_covariates, n_covariates)
    target = np.asarray(design.T @ (traits * precision))
    if data.n_residual:
        information = information + data.residual_covariate_gram / noise[:, None, None]
        target += cross / noise
    mean = np.asarray(np.linalg.solve(information, target.T[..., None])[..., 0].T)
    return mean, information, target


def restrict(data: SpectralData, basis: CanonicalBasis, profile: Likelihood) -> Likelihood:
    """Add log|XᵀK⁻¹X| and its derivatives, which makes the profile likelihood restricted."""
    information = profile.information
    assert information is not None
    design, precision, squares = data.covariates, profile.precision, data.squares
    n_conditions, n_covariates = data.n_conditions, design.shape[1]
    inverse = np.linalg.inv(information)
    gram = design.T @ design + data.residual_covariate_gram
    deviance = (
        profile.deviance
        + float(np.linalg.slogdet(information)[1].sum())
        - 2.0 * n_covariates * float(np.linalg.slogdet(basis.loadings)[1])
        - n_covariates * n_conditions * math.log(2.0 * math.pi)
        - n_conditions * float(np.linalg.slogdet(gram)[1])
    )
    outer = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    leverage = outer @ inverse.reshape(n_conditions, -1).T
    once = leverage * precision**2
    weighted = squares * precision
    signal_gradient = profile.signal_gradient.copy()
    noise_gradient = profile.noise_gradient.copy()
    signal_gradient.flat[:: n_conditions + 1] -= (squares * once).sum(axis=0)
    noise_gradient.flat[:: n_conditions + 1] -= once.sum(axis=0)
    bends = [(squares * once).T @ weighted, once.T @ weighted, once.T @ precision]
    pairs = [
        np.stack([(outer[:, [m]] * left).T @ precision for m in range(outer.shape[1])], axis=-1).reshape(
            n_conditions, n_conditions, n_covariates, n_covariates
        )
        for left in (weighted, precision)
    ]
    if data.n_residual:
        beta = basis.noise
        trace = np.einsum("jpq,qp->j", inverse, data.residual_covariate_gram) / beta**2
        noise_gradient.flat[:: n_conditions + 1] -= trace
        bends[2] = bends[2] + trace[:, None] / beta
        both = (beta[:, None] * beta)[:, :, None, None]
        pairs[1] = pairs[1] + data.residual_covariate_gram / both
    # −tr(I_j⁻¹ N_jk I_k⁻¹ N'_jkᵀ) for every pair jk, beside the bends
    more_vv, more_vs, more_ss = (
        bend + bend.T - ((inverse[:, None] @ left @ inverse) * right).sum(axis=(2, 3))
        for bend, left, right in zip(
            bends,
            (pairs[0], pairs[0], pairs[1]),
            (pairs[0], pairs[1], pairs[1]),
            strict=True,
        )
    )
    own, across = profile.elementwise
    return replace(
        profile,
        deviance=deviance,
        signal_gradient=signal_gradient,
        noise_gradient=noise_gradient,
        elementwise=(
            own + 0.5 * np.concatenate([more_vv, more_ss]),
            across + 0.5 * np.concatenate([more_vs, more_vs]),
        ),
    )
