"""Which method fits a pair of structures, and how many parameters do they have?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from regnet.models.canonical_scan import ShareGrid, proportional_start, share_grid
from regnet.models.cone import Cone
from regnet.models.covariance import covariance
from regnet.models.direction_search import search_directions
from regnet.models.free_fit import climb
from regnet.models.kronecker import CanonicalBasis, SpectralData, canonical_basis
from regnet.models.optimum import Limits, Optimum
from regnet.models.rank_search import search_ranks
from regnet.models.stacked_fit import fit_stack, is_stackable
from regnet.models.structure_names import StructureName
from regnet.models.structure_pairs import Pair, ProportionalPair, SeparatePair
from regnet.models.structured_fit import climb_structured

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
        n_conditions = data.n_conditions
        signal = covariance(names[0], n_conditions, given[0])
        self._pair: Pair
        if names[1].kind == "proportional":
            self._pair = ProportionalPair(signal)
        else:
            self._pair = SeparatePair(signal, covariance(names[1], n_conditions, given[1]))
        self._cone = _cone(data, names, given)
        self._full_ranks = tuple(
            _full_rank(name, n_conditions, matrix) for name, matrix in zip(names, given, strict=True)
        )
        self.n_parameters = self._pair.n_parameters
        self.is_stackable = is_stackable(data, self._cone)

    def fit(self, pair: tuple[Matrix, Matrix], limits: Limits, *, settle: bool) -> Optimum:
        """Fit from a start.

        Parameters
        ----------
        settle : bool
            Whether the start is first moved to the likeliest proportional pair.
        """
        data = self._data
        if self._cone is not None and self.is_stackable:
            starts = None if settle else [self._brought_into(self._cone, self._started(pair))]
            return fit_stack([data], starts, self._grid, limits, self._cone.max_rank)[0]
        basis = proportional_start(data, self._grid) if settle else self._started(pair)
        if self._cone is None:
            return self._fit_structured(data, basis, limits)
        basis = self._brought_into(self._cone, basis)
        if data.gaps is None:
            return self._fit_cone(data, self._cone, basis, limits)
        # The exact likelihood costs much more: it is climbed from where stand-ins in the gaps lead.
        near = self._fit_cone(replace(data, gaps=None), self._cone, basis, limits)
        left = replace(limits, max_iterations=max(limits.max_iterations - near.n_iterations, 0))
        found = climb(data, near.basis, None, left, self._cone)
        return found.after(found.n_iterations + near.n_iterations)

    @cached_property
    def _grid(self) -> ShareGrid:
        return share_grid(self._data)

    @staticmethod
    def fit_together(fitters: Sequence[Fitter], limits: Limits) -> list[Optimum]:
        """Fit data sets on the same scores from their default starts, all of them stackable."""
        first = fitters[0]
        assert first._cone is not None
        data = [fitter._data for fitter in fitters]
        return fit_stack(data, None, first._grid, limits, first._cone.max_rank)

    def _fit_cone(self, data: SpectralData, cone: Cone, basis: CanonicalBasis, limits: Limits) -> Optimum:
        found = climb(data, basis, self._grid, limits, cone)

        def again(basis: CanonicalBasis, rival: Optimum, most: int) -> Optimum:
            return climb(data, basis, None, replace(limits, max_iterations=most), cone, rival)

        most = limits.max_iterations
        free = cone.noise_directions is None
        return search_ranks(data, found, self._grid, again, most, cone.max_rank, free_noise=free)

    def covariances(self, optimum: Optimum) -> tuple[Matrix, Matrix]:
        """V and Σ of an optimum, exactly of their structures."""
        signal, noise = optimum.basis.signal_covariance, optimum.basis.noise_covariance
        if self._cone is not None:
            noise = self._cone.nearest_noise(noise)
        return signal, noise

    def _fit_structured(self, data: SpectralData, basis: CanonicalBasis, limits: Limits) -> Optimum:
        near = data if data.gaps is None else replace(data, gaps=None)
        start = self._pair.approach(basis.signal_covariance, basis.noise_covariance)
        found = climb_structured(near, self._pair, start, limits)
        if found is None:  # no likelihood exists at the start: from the settled one then
            safe = proportional_start(self._data, self._grid)
            start = self._pair.approach(safe.signal_covariance, safe.noise_covariance)
            found = climb_structured(near, self._pair, start, limits)
        if found is None:
            raise np.linalg.LinAlgError("the likelihood does not exist at any start")
        found = search_directions(near, self._pair, found, limits)
        if data.gaps is None:
            return found.optimum
        # The exact likelihood costs much more: it is climbed from where stand-ins in the gaps lead.
        spent = found.optimum.n_iterations
        left = replace(limits, max_iterations=max(limits.max_iterations - spent, 0))
        exact = climb_structured(data, self._pair, found.theta, left)
        if exact is None:
            raise np.linalg.LinAlgError("the likelihood does not exist where stand-ins in the gaps lead")
        return exact.optimum.after(exact.optimum.n_iterations + spent)

    def _brought_into(self, cone: Cone, basis: CanonicalBasis) -> CanonicalBasis:
        """A pair of the cone near the one of a basis."""
        if cone.noise_directions is None and cone.max_rank == basis.signal.size:
            return basis
        if cone.noise_directions is not None:
            noise = cone.nearest_noise(basis.noise_covariance)
            nearer = canonical_basis(basis.signal_covariance, noise)
            basis = basis if nearer is None else nearer
        signal = np.where(basis.signal < 1e-10, 0.0, basis.signal)
        signal[np.argsort(signal)[: signal.size - cone.max_rank]] = 0.0
        # A trait that was signal alone becomes noise alone: without either there is no likelihood.
        noise = np.where((signal == 0.0) & (basis.noise < 1e-8), 1.0, basis.noise)
        return replace(basis, signal=signal, noise=noise)

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


def _cone(
    data: SpectralData,
    names: tuple[StructureName, StructureName],
    given: tuple[Matrix | None, Matrix | None],
) -> Cone | None:
    """The cone in which a free V, or one of limited rank, is fitted; None for other structures."""
    signal, noise = names
    n_conditions = data.n_conditions
    if signal.kind == "freeform":
        max_rank = n_conditions
    elif signal.kind == "lowrank" and signal.rank is not None:
        max_rank = signal.rank
    else:
        return None
    if noise.kind == "freeform" or (noise.kind == "lowrank" and noise.rank == n_conditions):
        return Cone(max_rank)
    if data.n_residual == 0:
        return None  # single variances may vanish: not a matter of eigenvalues
    one = np.eye(n_conditions)
    if noise.kind == "id":
        return Cone(max_rank, one[None])
    if noise.kind == "diagonal":
        return Cone(max_rank, one[:, :, None] * one)
    if noise.kind in ("fixed", "truth") and given[1] is not None:
        return Cone(max_rank, given[1][None])
    return None


def _full_rank(name: StructureName, n_conditions: int, given: Matrix | None) -> int:
    if name.kind == "lowrank" and name.rank is not None:
        return name.rank
    if name.kind == "block" and not name.partition:
        return 1
    if given is not None:
        return int(np.linalg.matrix_rank(given, hermitian=True))
    return n_conditions
