"""Which method fits a pair of structures, and how many parameters do they have?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from regnet.models.canonical_scan import ShareGrid, proportional_start, share_grid
from regnet.models.covariance import covariance
from regnet.models.free_fit import climb
from regnet.models.kronecker import CanonicalBasis, SpectralData, canonical_basis, centred
from regnet.models.optimum import Limits, Optimum
from regnet.models.rank_search import search_ranks
from regnet.models.structure_names import StructureName
from regnet.models.structured_fit import Pair, ProportionalPair, SeparatePair, climb_structured

Matrix = NDArray[np.float64]

FEW = 1e-3
"""Share of a start's mean variance that is added to its diagonal where the start is singular."""


class Fitter:
    """A method for a pair of structures on given data.

    Parameters
    ----------
    names : pair of StructureName
        Of V and Σ.
    given : pair of ndarray or None
        K of ``fixed`` and ``truth``, in the units of the data.
    """

    def __init__(
        self,
        data: SpectralData,
        names: tuple[StructureName, StructureName],
        given: tuple[Matrix | None, Matrix | None],
    ) -> None:
        self._data = data
        self._grid: ShareGrid = share_grid(data)
        # Scans of single traits know no mean: they see the data without it.
        self._centred = centred(data)
        self._climb_grid = self._grid if self._centred is data else None
        n_conditions = data.n_conditions
        signal = covariance(names[0], n_conditions, given[0])
        self._pair: Pair
        if names[1].kind == "proportional":
            self._pair = ProportionalPair(signal)
        else:
            self._pair = SeparatePair(signal, covariance(names[1], n_conditions, given[1]))
        self._is_free = all(_is_free(name, n_conditions) for name in names)
        self._full_ranks = tuple(
            _full_rank(name, n_conditions, matrix) for name, matrix in zip(names, given, strict=True)
        )
        self.n_parameters = self._pair.n_parameters

    def fit(self, pair: tuple[Matrix, Matrix], limits: Limits, *, settle: bool) -> Optimum:
        """Fit from a start.

        Parameters
        ----------
        settle : bool
            Whether the start is first moved to the likeliest proportional pair.
        """
        basis = proportional_start(self._centred, self._grid) if settle else self._started(pair)
        if not self._is_free:
            start = self._pair.approach(basis.signal_covariance, basis.noise_covariance)
            found = climb_structured(self._data, self._pair, start, limits)
            if found is None:  # a start at which no likelihood exists: from the settled one then
                safe = proportional_start(self._centred, self._grid)
                start = self._pair.approach(safe.signal_covariance, safe.noise_covariance)
                found = climb_structured(self._data, self._pair, start, limits)
            if found is None:
                raise np.linalg.LinAlgError("the likelihood does not exist at any start")
            return found
        found = climb(self._data, basis, self._climb_grid, limits)

        def again(basis: CanonicalBasis, beat: float, most: int) -> Optimum:
            return climb(self._data, basis, None, replace(limits, max_iterations=most), beat)

        return search_ranks(self._data, self._centred, found, self._grid, again, limits.max_iterations)

    def is_at_boundary(self, signal_rank: int, noise_rank: int) -> bool:
        """Whether V or Σ is singular where its structure does not demand it."""
        return signal_rank < self._full_ranks[0] or noise_rank < self._full_ranks[1]

    def _started(self, pair: tuple[Matrix, Matrix]) -> CanonicalBasis:
        signal, noise = pair
        basis = canonical_basis(signal, noise)
        if basis is None or (self._data.n_residual and basis.noise.min() < 1e-8):
            more = FEW * np.trace(signal + noise) / len(signal) * np.eye(len(signal))
            basis = canonical_basis(signal, noise + more)
        if basis is None:
            raise np.linalg.LinAlgError("the start is not a pair of covariances")
        # Rounding error of a singular V would be mistaken for a tiny signal.
        return replace(basis, signal=np.where(basis.signal < 1e-10, 0.0, basis.signal))


def _is_free(name: StructureName, n_conditions: int) -> bool:
    return name.kind == "freeform" or (name.kind == "lowrank" and name.rank == n_conditions)


def _full_rank(name: StructureName, n_conditions: int, given: Matrix | None) -> int:
    if name.kind == "lowrank" and name.rank is not None:
        return name.rank
    if name.kind == "block" and not name.partition:
        return 1
    if given is not None:
        return int(np.linalg.matrix_rank(given, hermitian=True))
    return n_conditions
