"""What does the mixed model say at covariances that other software has estimated?

Likelihood, effects, ranks and criterion as :mod:`regnet.models.mixed_model` reports them of its own fits,
at a V and Σ from elsewhere: all but the two covariances is the same for every engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from regnet.models.covariance import Covariance, covariance
from regnet.models.decomposition import Decomposition, Rotated
from regnet.models.kronecker import (
    CanonicalBasis,
    Likelihood,
    canonical_basis,
    evaluate,
    posterior_effects,
    spectral_data,
)
from regnet.models.mixed_model import MixedModelFit, Start
from regnet.models.optimum import StopReason
from regnet.models.structure_names import StructureName

Matrix = NDArray[np.float64]
Array = NDArray[np.float64]

ABSENT = 1e-6
"""Eigenvalue of V or Σ, relative to the largest, below which other software means zero by it."""


@dataclass(frozen=True, eq=False, slots=True)
class GivenCovariances:
    """Where other software's optimiser ended.

    Attributes
    ----------
    signal, noise : ndarray of shape (n_conditions, n_conditions)
        V and Σ.
    signal_slopes, noise_slopes : ndarray of shape (n_parameters, n_conditions, n_conditions)
        Their derivatives with respect to the software's own parameters.
    n_iterations : int
        Its iterations.
    stop_reason : str
        ``converged`` where it ended by its own tolerances, else why it ended.
    """

    signal: Matrix
    noise: Matrix
    signal_slopes: Array
    noise_slopes: Array
    n_iterations: int
    stop_reason: StopReason


def fit_at(
    given: GivenCovariances,
    decomposition: Decomposition,
    rotated: Rotated,
    *,
    names: tuple[StructureName, StructureName],
    likelihood: Literal["ml", "reml"],
) -> MixedModelFit:
    """Return the fit that has the given covariances.

    Parameters
    ----------
    given : GivenCovariances
        V and Σ, and how they came about.
    decomposition : Decomposition
        Of the scores.
    rotated : Rotated
        Expression, and the covariates of its mean, in the coordinates of the decomposition.
    names : pair of StructureName
        Structures that V and Σ have.
    likelihood : "ml" or "reml"
        Which likelihood. The mean's coefficients are the generalised least squares estimates at V and Σ.

    Raises
    ------
    numpy.linalg.LinAlgError
        Where the two are no covariances, or have no likelihood.

    Notes
    -----
    The criterion is that of regNet's fits, √(gᵀF⁻¹g), in the other software's parameters and in the
    directions that keep the rank of V: how far its optimiser was from a stationary point of its model.
    """
    data = spectral_data(decomposition, rotated, likelihood == "reml")
    basis = canonical_basis(given.signal, given.noise)
    if basis is None or not np.isfinite(given.signal + given.noise).all():
        raise np.linalg.LinAlgError("V and Σ are no pair of covariances")
    here = evaluate(data, basis)
    if not np.isfinite(here.deviance):
        raise np.linalg.LinAlgError("V and Σ have no likelihood")
    effects, effects_sd = posterior_effects(decomposition, data, basis)
    criterion = _criterion(basis, here, given)
    converged = given.stop_reason == "converged"
    log_likelihood = -0.5 * here.deviance
    ranks = _rank(given.signal), _rank(given.noise)
    structures = [
        covariance(name, data.n_conditions, matrix)
        for name, matrix in zip(names, (given.signal, given.noise), strict=True)
    ]
    return MixedModelFit(
        effects=effects,
        effects_sd=effects_sd,
        signal_covariance=given.signal,
        noise_covariance=given.noise,
        log_likelihood=log_likelihood,
        converged=converged,
        n_iterations=given.n_iterations,
        criterion=criterion,
        signal_rank=ranks[0],
        noise_rank=ranks[1],
        at_boundary=any(
            rank < _rank_in_general(structure) for rank, structure in zip(ranks, structures, strict=True)
        ),
        stop_reason=given.stop_reason,
        starts=(Start(log_likelihood, converged, given.n_iterations, criterion, given.stop_reason),),
        mean=here.mean @ basis.loadings.T,
        n_parameters=sum(structure.n_parameters for structure in structures) + here.mean.size,
        signal=str(names[0]),
        noise=str(names[1]),
        likelihood=likelihood,
        missing="none",
        n_genes=data.n_genes,
    )


def _criterion(basis: CanonicalBasis, here: Likelihood, given: GivenCovariances) -> float:
    """√(gᵀF⁻¹g), with the gradient and expected Hessian by the chain rule from those of V and Σ."""
    n_conditions = len(basis.signal)
    # Wᵀ(∂V)W for V's parameters, then the same for Σ's, each flat
    signal, noise = (
        (basis.weights.T @ slopes @ basis.weights).reshape(-1, n_conditions**2)
        for slopes in (given.signal_slopes, given.noise_slopes)
    )
    # Where a column of V's factor is all but zero, the gradient pulls on a V that can't get smaller.
    present = basis.signal > ABSENT * basis.signal.max()
    signal = signal * (present[:, None] | present).ravel()
    vv, vs, ss = (block.ravel() for block in here.expected)
    gradient = np.concatenate([signal @ here.signal_gradient.ravel(), noise @ here.noise_gradient.ravel()])
    across = (signal * vs) @ noise.T
    fisher = np.block([[(signal * vv) @ signal.T, across], [across.T, (noise * ss) @ noise.T]])
    # rotations of V's factor leave V as it is: F is singular there, and g zero
    step = np.linalg.pinv(fisher, rcond=1e-12, hermitian=True) @ gradient
    return float(np.sqrt(max(gradient @ step, 0.0)))


def _rank(matrix: Matrix) -> int:
    values = np.linalg.eigvalsh(matrix)
    return int(np.count_nonzero(values > ABSENT * max(values[-1], 0.0)))


def _rank_in_general(structure: Covariance) -> int:
    """Return the rank of a structure's matrix at parameters in general position."""
    matrix = structure.matrix(np.sin(1.0 + np.arange(structure.size) ** 2.0))
    return int(np.linalg.matrix_rank(matrix, hermitian=True))
