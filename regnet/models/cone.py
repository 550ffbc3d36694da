"""Among which pairs of V and Σ is a maximum looked for, where V is free or of limited rank?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regnet.models.kronecker import CanonicalBasis

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Cone:
    """The pairs of V and Σ among which a maximum is looked for.

    Attributes
    ----------
    max_rank : int
        Largest rank that V may have.
    noise_directions : ndarray of shape (n_variances, n_conditions, n_conditions) or None
        B_g of Σ = Σ_g v_g B_g, positive definite for all positive v, which do not overlap; None for
        a free Σ.
    """

    max_rank: int
    noise_directions: NDArray[np.float64] | None = None

    def nearest_noise(self, noise: Matrix) -> Matrix:
        """The nearest Σ_g v_g B_g to a covariance; the same where Σ is free."""
        if self.noise_directions is None:
            return noise
        return self._summed(self.noise_directions, self._variances(self.noise_directions, noise))

    def moved_noise(self, basis: CanonicalBasis, step: Matrix) -> Matrix:
        """Σ after a step, in the basis.

        Variances move by factors, exp(step/v), so that none has to stop short of zero.
        """
        if self.noise_directions is None:
            moved = step.copy()
            moved.flat[:: len(step) + 1] += basis.noise
            return moved
        directions, loadings = self.noise_directions, basis.loadings
        variances = self._variances(directions, basis.noise_covariance)
        change = self._variances(directions, loadings @ step @ loadings.T)
        moved = self._summed(directions, variances * np.exp(np.clip(change / variances, -3.0, 3.0)))
        return basis.weights.T @ moved @ basis.weights

    @staticmethod
    def _variances(directions: NDArray[np.float64], matrix: Matrix) -> Vector:
        sizes = np.einsum("gab,gab->g", directions, directions)
        return np.asarray(np.einsum("gab,ab->g", directions, matrix) / sizes)

    @staticmethod
    def _summed(directions: NDArray[np.float64], variances: Vector) -> Matrix:
        return np.asarray(np.tensordot(variances, directions, axes=1))
