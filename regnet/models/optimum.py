"""What does an optimiser report about where it ended?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from regnet.models.kronecker import CanonicalBasis, Likelihood

StopReason = Literal["converged", "iteration limit", "time limit", "no further progress"]


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop.

    Attributes
    ----------
    tolerance : float
        Largest projected gradient, in units of standard errors, that counts as converged.
    max_iterations : int
        Number of iterations after which to give up.
    out_of_time : callable
        Asked once an iteration; true means stop now.
    """

    tolerance: float
    max_iterations: int
    out_of_time: Callable[[], bool]


@dataclass(frozen=True, eq=False, slots=True)
class Optimum:
    """Where an optimiser ended, and why there.

    Attributes
    ----------
    basis : CanonicalBasis
        V and Σ, diagonalised together.
    likelihood : Likelihood
        −2 log likelihood and its derivatives there.
    criterion : float
        √(gᵀF⁻¹g) of the projected gradient g with the expected Hessian F: the length of the
        gradient in standard errors, free of units. Half its square is about what −2 log
        likelihood could still lose.
    n_iterations : int
        Iterations, those of rejected attempts included.
    stop_reason : str
        ``converged`` or what else ended the iterations.
    """

    basis: CanonicalBasis
    likelihood: Likelihood
    criterion: float
    n_iterations: int
    stop_reason: StopReason

    def after(self, n_iterations: int) -> Optimum:
        """Return the same optimum, found after so many iterations in all."""
        return replace(self, n_iterations=n_iterations)
