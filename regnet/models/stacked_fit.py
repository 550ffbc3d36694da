"""How is the mixed model fitted to many data sets of few conditions at once?

They stand on the same scores; V is free or of limited rank, Σ is free, there is no mean. One data set is
a stack of one: it takes the same way, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regnet.models.canonical_scan import ShareGrid
from regnet.models.cone import Cone
from regnet.models.kronecker import CanonicalBasis, SpectralData, evaluate
from regnet.models.optimum import Limits, Optimum
from regnet.models.stacked_climb import climb_stack
from regnet.models.stacked_likelihood import Bases, Stack
from regnet.models.stacked_scan import proportional_starts
from regnet.models.stacked_search import search_ranks_stack

MOST_CONDITIONS = 6
"""Beyond, the Hessian written out costs more than products with it."""


def is_stackable(data: SpectralData, cone: Cone | None) -> bool:
    """Whether a data set can be fitted in a stack, as one or as one of many."""
    return (
        cone is not None
        and cone.noise_directions is None
        and data.n_conditions <= MOST_CONDITIONS
        and data.n_residual > 0
        and not data.covariates.shape[1]
        and data.gaps is None
    )


def fit_stack(
    data: Sequence[SpectralData],
    starts: Sequence[CanonicalBasis] | None,
    grid: ShareGrid,
    limits: Limits,
    max_rank: int,
) -> list[Optimum]:
    """Fit each data set, from a start or from its likeliest proportional pair.

    Raises
    ------
    numpy.linalg.LinAlgError
        Where the arithmetic of any of them breaks down.
    """
    first = data[0]
    stack = Stack(
        rotated=np.stack([one.rotated.T for one in data]),
        squares=np.ascontiguousarray(first.squares[:, 0]),
        residual_gram=np.stack([one.residual_gram for one in data]),
        n_genes=first.n_genes,
        n_residual=first.n_residual,
    )
    bases = proportional_starts(stack, grid) if starts is None else _stacked(starts)
    _limit_rank(bases, max_rank)
    found = climb_stack(stack, bases, grid, limits, max_rank)
    found = search_ranks_stack(stack, found, grid, limits, max_rank)
    optima = []
    for number, one in enumerate(data):
        basis = CanonicalBasis(
            found.bases.weights[number],
            found.bases.loadings[number],
            found.bases.signal[number],
            found.bases.noise[number],
        )
        optima.append(
            Optimum(
                basis,
                evaluate(one, basis),
                float(found.criterion[number]),
                int(found.n_iterations[number]),
                found.stop_reasons[number],
            )
        )
    return optima


def _stacked(starts: Sequence[CanonicalBasis]) -> Bases:
    return Bases(
        np.stack([start.weights for start in starts]),
        np.stack([start.loadings for start in starts]),
        np.stack([start.signal for start in starts]),
        np.stack([start.noise for start in starts]),
    )


def _limit_rank(bases: Bases, max_rank: int) -> None:
    """Leave V its largest directions, in place."""
    n_conditions = bases.signal.shape[1]
    order = np.argsort(bases.signal, axis=1)[:, : n_conditions - max_rank]
    np.put_along_axis(bases.signal, order, 0.0, axis=1)
    # A trait that was signal alone becomes noise alone: without either there is no likelihood.
    bases.noise[(bases.signal == 0.0) & (bases.noise < 1e-8)] = 1.0
