"""What is the likelihood of V ⊗ MMᵀ + Σ ⊗ I, and how does it change with V and Σ?

Everything here is spectral: after the rotation by the motif scores' singular vectors
(:mod:`regnet.models.decomposition`) and a simultaneous diagonalisation of V and Σ nothing costs
more than O(r C²) + O(C³), whatever the number of genes. The symmetric form is used throughout,

    Wᵀ(V+Σ)W = I,   WᵀVW = diag α,   WᵀΣW = diag β,   P_ij = 1/(β_j + α_j d_i²),   Z = ỸW,

    −2 log p = G C log 2π + G log|V+Σ| − Σ log P + Σ Z²∘P + n⊥ Σ log β + Σⱼ (WᵀS⊥W)ⱼⱼ/βⱼ,

which exists where V, or at n⊥ = 0 also Σ, is singular. Sources: Rakitsch et al., NIPS 2013
(sums of Kronecker products); Lippert et al., Nat. Methods 8:833, 2011 (spectral rotation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dsyevd, dsygvd

from regnet.models.decomposition import Decomposition, Rotated
from regnet.models.profiled_mean import estimate_mean, restrict

if TYPE_CHECKING:
    from regnet.models.gaps import Gaps

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

LOG_2_PI = math.log(2.0 * math.pi)


@dataclass(frozen=True, eq=False, slots=True)
class SpectralData:
    """Expression in rotated coordinates, and which likelihood of it is meant.

    Attributes
    ----------
    rotated : ndarray of shape (rank, n_conditions)
        Ỹ = UᵀY.
    squares : ndarray of shape (rank, 1)
        Squared singular values d², a column.
    residual_gram : ndarray of shape (n_conditions, n_conditions)
        S⊥.
    n_genes, n_residual : int
        G and n⊥ = G − rank.
    covariates : ndarray of shape (rank, n_covariates)
        X̃ = UᵀX; no columns for a mean of zero.
    residual_covariate_gram, residual_cross : ndarray
        X⊥ᵀX⊥ (n_covariates × n_covariates) and X⊥ᵀY⊥ (n_covariates × n_conditions).
    restricted : bool
        Whether the restricted likelihood (REML) is meant.
    gaps : Gaps or None
        Cells of the expression that are missing and hold stand-ins.
    """

    rotated: Matrix
    squares: Matrix
    residual_gram: Matrix
    n_genes: int
    n_residual: int
    covariates: Matrix
    residual_covariate_gram: Matrix
    residual_cross: Matrix
    restricted: bool = False
    gaps: Gaps | None = None

    @property
    def n_conditions(self) -> int:
        """Number of conditions C."""
        return int(self.rotated.shape[1])

    def traits(self, weights: Matrix) -> Matrix:
        """Z = ỸW, the canonical traits as columns, each in one piece of memory."""
        return (weights.T @ self.rotated.T).T

    def variances(self, basis: CanonicalBasis) -> Matrix:
        """β_j + α_j d_i² of each trait, as columns in one piece of memory each."""
        variances = basis.signal[:, None] * self.squares.T
        variances += basis.noise[:, None]
        return variances.T

    @property
    def n_observed(self) -> int:
        """Observations of a trait that count towards its scale: REML loses those of the mean."""
        return self.n_genes - (self.covariates.shape[1] if self.restricted else 0)


@dataclass(frozen=True, eq=False, slots=True)
class CanonicalBasis:
    """The coordinates between conditions in which V and Σ are both diagonal.

    Attributes
    ----------
    weights : ndarray of shape (n_conditions, n_conditions)
        W; Z = ỸW are the canonical traits.
    loadings : ndarray of shape (n_conditions, n_conditions)
        H = W⁻ᵀ; V = H diag(α) Hᵀ and Σ = H diag(β) Hᵀ.
    signal, noise : ndarray of shape (n_conditions,)
        α and β, not negative.
    """

    weights: Matrix
    loadings: Matrix
    signal: Vector
    noise: Vector

    @property
    def signal_covariance(self) -> Matrix:
        """V, symmetric and positive semidefinite by construction."""
        return _symmetric((self.loadings * self.signal) @ self.loadings.T)

    @property
    def noise_covariance(self) -> Matrix:
        """Σ, symmetric and positive semidefinite by construction."""
        return _symmetric((self.loadings * self.noise) @ self.loadings.T)


@dataclass(frozen=True, eq=False, slots=True)
class Likelihood:
    """−2 log likelihood at one canonical basis, with its derivatives in that basis.

    A derivative with respect to V (or Σ) in the basis is Hᵀ(∂/∂V)H; the way back is W·Wᵀ.

    Attributes
    ----------
    deviance : float
        −2 log likelihood, all constants included.
    signal_gradient, noise_gradient : ndarray of shape (n_conditions, n_conditions)
        Symmetric.
    expected : tuple of three ndarrays of shape (n_conditions, n_conditions)
        Blocks VV, VΣ and ΣΣ of the expected Hessian (twice the Fisher information), of the
        zero-mean part: one 2×2 block for each ordered pair of basis vectors.
    mean : ndarray of shape (n_covariates, n_conditions)
        Generalised least squares estimate of the mean's coefficients, in the basis.
    """

    deviance: float
    signal_gradient: Matrix
    noise_gradient: Matrix
    expected: tuple[Matrix, Matrix, Matrix]
    mean: Matrix
    # What the product with the observed Hessian needs: P, [d²A, A], and half the parts that act on
    # each entry by itself, those of VV above ΣΣ and those of VΣ twice.
    precision: Matrix
    products: Matrix
    elementwise: tuple[Matrix, Matrix]
    residual: Matrix | None
    information: Matrix | None
    cross: Matrix | None


def spectral_data(decomposition: Decomposition, rotated: Rotated, restricted: bool = False) -> SpectralData:
    """Collect what the likelihood needs of a decomposition and an expression matrix."""
    return SpectralData(
        rotated=rotated.rotated,
        squares=(decomposition.singular_values**2)[:, None],
        residual_gram=rotated.residual_gram,
        n_genes=rotated.n_genes,
        n_residual=rotated.n_residual,
        covariates=rotated.covariates,
        residual_covariate_gram=rotated.residual_covariate_gram,
        residual_cross=rotated.residual_cross,
        restricted=restricted and rotated.n_covariates > 0,
    )


def canonical_basis(signal: Matrix, noise: Matrix) -> CanonicalBasis | None:
    """Diagonalise V and Σ together; None where V+Σ is not positive definite. O(C³)."""
    step = change_of_basis(signal, noise)
    if step is None:
        return None
    weights, loadings, alpha, beta = step
    return CanonicalBasis(weights, loadings, np.maximum(alpha, 0.0), np.maximum(beta, 0.0))


def change_of_basis(signal: Matrix, noise: Matrix) -> tuple[Matrix, Matrix, Vector, Vector] | None:
    """Solve VW = (V+Σ)W diag(α): W, W⁻ᵀ, α and β, of any sign; None where V+Σ is not definite."""
    total = signal + noise
    _, weights, failed = dsygvd(signal, total)
    if failed:
        return None
    # α and β are both computed: 1 − α would lose a small β, and the solver's α a small α.
    alpha = np.einsum("ij,ij->j", weights, signal @ weights)
    beta = np.einsum("ij,ij->j", weights, noise @ weights)
    return weights, total @ weights, alpha, beta


def evaluate(data: SpectralData, basis: CanonicalBasis, traits: Matrix | None = None) -> Likelihood:
    """Evaluate −2 log likelihood, its gradient and what its Hessian needs; O(r C² + C³).

    `traits` is Z = ỸW where the caller has it already. With covariates the mean is at its
    generalised least squares estimate, so the gradient is that of the profile likelihood.
    """
    if data.gaps is not None:
        return data.gaps.evaluate(data, basis)
    n_conditions = data.n_conditions
    weights, beta = basis.weights, basis.noise
    # Here each trait is a row, its genes one after the other in memory.
    traits = (data.traits(weights) if traits is None else traits).T
    squares = data.squares.T
    variances = data.variances(basis).T
    weighted = np.empty((2 * n_conditions, squares.shape[1]))
    precision = np.divide(1.0, variances, out=weighted[n_conditions:])
    np.multiply(squares, precision, out=weighted[:n_conditions])
    residual = None
    if data.n_residual:
        residual = weights.T @ data.residual_gram @ weights
    mean, information, cross = data.residual_cross, None, None
    if data.covariates.shape[1]:
        mean, information, cross = estimate_mean(data, basis, traits.T, precision.T)
        traits = traits - (data.covariates @ mean).T
        if residual is not None:
            residual = residual - (data.residual_cross @ weights + cross).T @ mean
            residual = _symmetric(residual)
    products = np.empty_like(weighted)
    scaled = np.multiply(traits, precision, out=products[n_conditions:])
    np.multiply(squares, scaled, out=products[:n_conditions])
    moments = products @ scaled.T
    sums = weighted.sum(axis=1)
    fisher = weighted @ weighted.T
    expected_vv = fisher[:n_conditions, :n_conditions]
    expected_vs = _symmetric(fisher[:n_conditions, n_conditions:])
    expected_ss = fisher[n_conditions:, n_conditions:]

    n_genes, n_residual = data.n_genes, data.n_residual
    deviance = (
        n_genes * n_conditions * LOG_2_PI
        + 2.0 * n_genes * float(np.linalg.slogdet(basis.loadings)[1])
        + float(np.log(variances, out=variances).sum())
        + float(np.einsum("ij,ij->", traits, scaled))
    )
    # Exactly symmetric: see hessian_product.
    moments = moments.reshape(2, n_conditions, n_conditions)
    gradients = -0.5 * (moments + moments.transpose(0, 2, 1))
    signal_gradient, noise_gradient = gradients
    signal_diagonal, noise_diagonal = sums[:n_conditions], sums[n_conditions:]
    if residual is not None:
        inverse = 1.0 / beta
        both = inverse[:, None] * inverse
        deviance += n_residual * float(np.log(beta).sum()) + float(residual.diagonal() @ inverse)
        residual = residual * both
        noise_gradient -= _symmetric(residual)
        noise_diagonal = noise_diagonal + n_residual * inverse
        expected_ss = expected_ss + n_residual * both
    signal_gradient.flat[:: n_conditions + 1] += signal_diagonal
    noise_gradient.flat[:: n_conditions + 1] += noise_diagonal
    likelihood = Likelihood(
        deviance=deviance,
        signal_gradient=signal_gradient,
        noise_gradient=noise_gradient,
        expected=(expected_vv, expected_vs, expected_ss),
        mean=mean,
        precision=precision.T,
        products=products.T,
        elementwise=(
            -0.5 * np.concatenate([expected_vv, expected_ss]),
            -0.5 * np.concatenate([expected_vs, expected_vs]),
        ),
        residual=residual,
        information=information,
        cross=cross,
    )
    if data.restricted:
        return restrict(data, basis, likelihood)
    return likelihood


def deviance(data: SpectralData, basis: CanonicalBasis) -> float:
    """−2 log likelihood alone, at a third of the cost of `evaluate` where there is no mean."""
    if data.covariates.shape[1] or data.gaps is not None:
        return evaluate(data, basis).deviance
    traits = data.traits(basis.weights)
    variances = data.variances(basis)
    value = (
        data.n_genes * data.n_conditions * LOG_2_PI
        + 2.0 * data.n_genes * float(np.linalg.slogdet(basis.loadings)[1])
        + float(np.log(variances).sum())
        + float((traits * traits / variances).sum())
    )
    if data.n_residual:
        residual = np.einsum("ij,ij->j", basis.weights, data.residual_gram @ basis.weights)
        value += float((data.n_residual * np.log(basis.noise) + residual / basis.noise).sum())
    return value


def hessian_product(
    data: SpectralData, basis: CanonicalBasis, likelihood: Likelihood, change: Matrix
) -> Matrix:
    """Multiply the observed Hessian of −2 log likelihood with a change of V and Σ; O(r C²).

    Parameters
    ----------
    change : ndarray of shape (2·n_conditions, n_conditions)
        Symmetric changes of V and Σ in the basis, one below the other.

    Returns
    -------
    ndarray of shape (2·n_conditions, n_conditions)
        The changes of the two gradients, exactly symmetric: an antisymmetric rounding error
        would meet a negative definite Hessian and grow in conjugate gradients.
    """
    if data.gaps is not None:
        return data.gaps.hessian_product(data, basis, likelihood, change)
    n_conditions = data.n_conditions
    signal, noise = change[:n_conditions], change[n_conditions:]
    response = (likelihood.precision.T * (change.T @ likelihood.products.T)).T
    rest = None
    if likelihood.residual is not None:
        inverse = 1.0 / basis.noise
        rest = (inverse[:, None] * noise) @ likelihood.residual
    if likelihood.information is not None and likelihood.cross is not None:
        pull = data.covariates.T @ response
        cross = likelihood.cross
        if rest is not None:
            cross = cross * inverse
            pull += (cross @ noise) * inverse
        shift = -np.linalg.solve(likelihood.information, pull.T[..., None])[..., 0].T
        response += likelihood.precision * (data.covariates @ shift)
        if rest is not None:
            rest = rest + cross.T @ (shift * inverse)
    half = likelihood.products.T @ response
    own, across = likelihood.elementwise
    half += own * change
    half += across * np.concatenate([noise, signal])
    if rest is not None:
        half[n_conditions:] += rest
    half = half.reshape(2, n_conditions, n_conditions)
    return (half + half.transpose(0, 2, 1)).reshape(2 * n_conditions, n_conditions)


def posterior_effects(
    parts: Decomposition, data: SpectralData, basis: CanonicalBasis, likelihood: Likelihood | None = None
) -> tuple[Matrix, Matrix]:
    """Posterior mean and standard deviation of the effects, given V, Σ and the mean.

    Parameters
    ----------
    parts : Decomposition
        Of the scores.
    likelihood : Likelihood, optional
        In that basis, where it is known.

    Returns
    -------
    effects, effects_sd : ndarrays of shape (n_motifs, n_conditions)
        B̂ = Q diag(d) [(Z∘P) α] W⁻¹, and the root of
        Σᵢ Q_ti² Σⱼ H_cj² α_j β_j P_ij + (1 − Σᵢ Q_ti²) V_cc.

    Notes
    -----
    O(T r C).
    """
    likelihood = evaluate(data, basis) if likelihood is None else likelihood
    scaled = likelihood.products[:, data.n_conditions :]
    values = np.sqrt(data.squares)
    effects = parts.times_right((values * scaled * basis.signal) @ basis.loadings.T)
    squared = basis.loadings**2
    spectrum = (likelihood.precision * (basis.signal * basis.noise)) @ squared.T
    prior = squared @ basis.signal
    variances = parts.times_squared_right(spectrum) + parts.unreached[:, None] * prior
    if data.gaps is not None:
        variances += data.gaps.added_variance(data, basis, parts.right)
    return effects, np.sqrt(variances)


def to_dense(scores: Matrix, signal: Matrix, noise: Matrix) -> Matrix:
    """Write V ⊗ MMᵀ + Σ ⊗ I out: the covariance of vec(Y), columns of Y one below the other.

    (G·C)² cells; for tests and small examples.
    """
    return np.kron(signal, scores @ scores.T) + np.kron(noise, np.eye(scores.shape[0]))


def eigen(matrix: Matrix) -> tuple[Vector, Matrix]:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix, without NumPy's checks."""
    values, vectors, failed = dsyevd(matrix)
    if failed:
        raise np.linalg.LinAlgError("eigenvalues did not converge")
    return values, vectors


def _symmetric(matrix: Matrix) -> Matrix:
    half = matrix + matrix.T
    half *= 0.5
    return half
