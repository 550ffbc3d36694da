"""Is there a better maximum with other directions in L?

Where V or Σ is LLᵀ beside another term the likelihood has several maxima, as that of factor analysis
has: L may have gone after one condition's variance, or after what another direction explains better,
and every way from there leads down first. From a maximum, two sorts of attempts are made for each L:

* the direction that the data use least is taken away, its variances given to the other term or not
  (what is missed most comes back in another direction);
* a column is added in the direction that the data support most, the wider structure is fitted
  roughly, and its least used direction is taken away.

What is better is kept, until nothing is. Since the first sort passes through simpler
structures and the second through wider ones, the maxima of structures that are nested become so too.
Measured against the best of many starts: docs/decisions/0001-optimiser.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regnet.models.covariance import Covariance, covariance
from regnet.models.kronecker import SpectralData, evaluate
from regnet.models.optimum import Limits
from regnet.models.scale_switches import deviance_at, switches
from regnet.models.structure_pairs import Pair
from regnet.models.structured_fit import WORTHWHILE, Climbed, basis_at, climb_structured

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

MOST_PARAMETERS = 450
"""Most parameters with which anything is tried: climbs with more take too long."""
MOST = 30
"""Iterations within which an attempt has to pass what it is to beat."""
ROUGH = 0.1
"""Criterion at which a wider structure counts as fitted."""
DIRECTIONS = 3
"""How many of the least used directions are looked at, by each of two measures."""
SIZES = np.logspace(-2.0, 2.0, 5)
"""Sizes, relative to a gene's variance, at which an added direction is first looked for."""
ROUNDS = 12
"""Steps in which an added direction is improved."""
NOTHING = 1e-8
"""Share of L's largest direction below which another counts as none."""


def search_directions(data: SpectralData, pair: Pair, found: Climbed, limits: Limits) -> Climbed:
    """Move to better maxima with other directions in L while there are any.

    Parameters
    ----------
    found : Climbed
        A maximum. Nothing is tried where the climb to it did not converge, or with more than
        `MOST_PARAMETERS` parameters.
    limits : Limits
        Its iterations are for all attempts together, those of `found` included.

    Returns
    -------
    Climbed
        The best maximum, with the iterations of all attempts.
    """
    spent = found.optimum.n_iterations
    improved = found.optimum.stop_reason == "converged" and found.theta.size <= MOST_PARAMETERS
    while improved:
        improved = False
        here = found.optimum.likelihood.deviance
        for theta, n_iterations in _attempts(data, pair, found, limits):
            spent += n_iterations
            if spent >= limits.max_iterations or limits.out_of_time():
                break
            left = limits.max_iterations - spent
            tried = _tried(data, pair, theta, replace(limits, max_iterations=left), here)
            if tried is None:
                continue
            spent += tried.optimum.n_iterations
            is_better = tried.optimum.likelihood.deviance < here - 1e-6
            if tried.optimum.stop_reason == "converged" and is_better:
                found, improved = tried, True
                break
    return replace(found, optimum=found.optimum.after(spent))


def _tried(data: SpectralData, pair: Pair, theta: Vector, limits: Limits, beat: float) -> Climbed | None:
    """Climb from an attempt's start, to the end only where it passes the value to beat in time."""
    first = replace(limits, max_iterations=min(limits.max_iterations, MOST))
    tried = climb_structured(data, pair, theta, first, beat)
    if tried is None or tried.optimum.stop_reason != "iteration limit":
        return tried
    spent = tried.optimum.n_iterations
    if spent == limits.max_iterations or tried.optimum.likelihood.deviance > beat:
        return tried
    rest = replace(limits, max_iterations=limits.max_iterations - spent)
    further = climb_structured(data, pair, tried.theta, rest, beat)
    if further is None:
        return tried
    return replace(further, optimum=further.optimum.after(spent + further.optimum.n_iterations))


@dataclass(frozen=True, eq=False, slots=True)
class _Place:
    """An L among the parameters of a pair.

    Attributes
    ----------
    position : int
        Of its structure among the pair's.
    start : int
        Of its structure's parameters.
    root : ndarray of shape (n_conditions, rank)
        L.
    share : pair of float
        How much of LLᵀ V and Σ hold.
    """

    position: int
    start: int
    structure: Covariance
    root: Matrix
    share: tuple[float, float]

    def changed(self, theta: Vector, root: Matrix) -> Vector:
        """Parameters with another L, maybe of another number of columns."""
        end = self.start + self.root.size
        return np.concatenate([theta[: self.start], np.ravel(root), theta[end:]])

    def spread(self, theta: Vector, variances: Vector) -> Vector | None:
        """Parameters with variances of single conditions added to the structure's other term."""
        end = self.start + self.structure.size
        own = self.structure.spread(theta[self.start : end], variances)
        return None if own is None else np.concatenate([theta[: self.start], own, theta[end:]])


def _places(pair: Pair, theta: Vector) -> Iterator[_Place]:
    start = 0
    for position, (structure, share) in enumerate(zip(pair.parts, pair.shares(theta), strict=True)):
        loadings = structure.loadings
        # A free V that Σ is a multiple of has one maximum at each share, known in closed form.
        is_free = (
            loadings is not None and len(structure.terms) == 1 and loadings.rank == loadings.n_conditions
        )
        if loadings is not None and not (is_free and len(pair.parts) == 1):
            root = theta[start : start + loadings.size].reshape(-1, loadings.rank)
            yield _Place(position, start, structure, root, share)
        start += structure.size


def _attempts(data: SpectralData, pair: Pair, found: Climbed, limits: Limits) -> Iterator[tuple[Vector, int]]:
    """Parameters to climb from, and how many iterations it took to find them."""
    for place in _places(pair, found.theta):
        yield from _exchanges(data, pair, found, place, limits)
        kept, lost = _reductions(data, pair, found, place)
        yield from ((theta, 0) for theta in (kept or lost)[:1])
        yield from _rebuilt(data, pair, found, place)
    for theta in switches(data, pair, found.theta, found.optimum.likelihood.deviance):
        yield theta, 0


def _rebuilt(data: SpectralData, pair: Pair, found: Climbed, place: _Place) -> Iterator[tuple[Vector, int]]:
    """L alone, its columns found one after the other, where another term stands beside it."""
    end = place.start + place.structure.size
    scales = found.theta[place.start + place.root.size : end]
    if place.share[1] > 0.0 or not scales.any():
        return
    root = np.zeros_like(place.root)
    theta = found.theta.copy()
    theta[place.start : end] = 0.0
    for column in range(root.shape[1]):
        basis = basis_at(data, pair, theta)
        if basis is None:
            return
        point = Climbed(theta, replace(found.optimum, basis=basis, likelihood=evaluate(data, basis)))
        added = _most_supported(data, point, place)
        if added is None:
            return
        root[:, column] = added
        theta = place.changed(theta, root)
    yield theta, 0


def _reductions(
    data: SpectralData, pair: Pair, found: Climbed, place: _Place
) -> tuple[list[Vector], list[Vector]]:
    """A direction less, its variances kept by the other term, or lost; the likeliest first.

    L keeps its number of columns, the last one being zero.
    """
    reductions: tuple[list[tuple[float, Vector]], list[tuple[float, Vector]]] = ([], [])
    for direction in _least_used(data, found, place):
        # Turned so that the direction is the last column.
        turn = np.linalg.qr(np.column_stack([direction, np.eye(direction.size)]))[0][:, ::-1]
        root = place.root @ turn
        lost = root[:, -1].copy()
        root[:, -1] = 0.0
        theta = place.changed(found.theta, root)
        for variant, into in zip((place.spread(theta, lost**2), theta), reductions, strict=True):
            if variant is None:
                continue
            into.append((deviance_at(data, pair, variant), variant))
    kept, lost_too = (
        [theta for value, theta in sorted(into, key=lambda pair: pair[0]) if np.isfinite(value)]
        for into in reductions
    )
    return kept, lost_too


def _least_used(data: SpectralData, found: Climbed, place: _Place) -> list[Vector]:
    """Directions among the columns of L that do least, by two measures.

    What forcing a factor's scores to zero would cost, in their posterior standard deviations; and
    how large the direction is beside V + Σ. The first sees the one gene-like row with the dominant
    singular value, which fixes a vector of the range of L; the second sees the sizes.
    """
    basis, likelihood = found.optimum.basis, found.optimum.likelihood
    root = basis.weights.T @ place.root
    ratio = _ratio(data, place)
    scaled = likelihood.products[:, data.n_conditions :]
    scores = np.sqrt(ratio) * (scaled @ root)
    rank = root.shape[1]
    explained = ratio[:, 0] * (likelihood.precision @ np.einsum("ck,ck->c", root, root))
    spread = np.maximum(1.0 - explained / rank, 1e-9)
    used = scores.T @ (scores / spread[:, None])
    energy = root.T @ root
    sizes, directions = np.linalg.eigh(energy)
    n_present = int(np.count_nonzero(sizes > NOTHING * max(float(sizes[-1]), 0.0)))
    if n_present == 0:
        return []
    present = directions[:, -n_present:]
    others = present @ np.linalg.eigh(present.T @ used @ present)[1]
    own = place.root / np.maximum(np.linalg.norm(place.root, axis=1), 1e-300)[:, None]
    chosen: list[Vector] = []
    for vector in (*others.T[:DIRECTIONS], *present.T[:DIRECTIONS], *own[own.any(axis=1)]):
        if all(abs(float(vector @ other)) < 0.97 for other in chosen):
            chosen.append(vector)
    return chosen


def _exchanges(
    data: SpectralData, pair: Pair, found: Climbed, place: _Place, limits: Limits
) -> Iterator[tuple[Vector, int]]:
    """A direction more and, where L has no room for it, one less."""
    rank = place.root.shape[1]
    sizes = np.linalg.svd(place.root, compute_uv=False)
    added = _most_supported(data, found, place)
    if added is None:
        return
    if sizes[-1] <= NOTHING * sizes[0]:
        turn = np.linalg.svd(place.root)[2].T
        root = place.root @ turn
        root[:, -1] = added
        yield place.changed(found.theta, root), 0
        return
    if place.structure.name.rank is None or rank == len(added):
        return
    name = replace(place.structure.name, rank=rank + 1)
    wider = pair.with_part(place.position, covariance(name, len(added)))
    theta = place.changed(found.theta, np.column_stack([place.root, added]))
    rough = replace(limits, tolerance=ROUGH)
    grown = climb_structured(data, wider, theta, rough)
    if grown is None or grown.optimum.likelihood.deviance > found.optimum.likelihood.deviance - WORTHWHILE:
        return  # a column more gains nothing, so exchanging it for another neither
    wide = next(p for p in _places(wider, grown.theta) if p.position == place.position)
    kept, lost = _reductions(data, wider, grown, wide)
    n_iterations = grown.optimum.n_iterations
    for theta in (*kept[:1], *lost[:1]):
        end = wide.start + wide.root.size
        root = theta[wide.start : end].reshape(wide.root.shape)[:, :-1]
        yield wide.changed(theta, root), n_iterations
        n_iterations = 0


def _most_supported(data: SpectralData, found: Climbed, place: _Place) -> Vector | None:
    """The column whose addition to L helps most, all else staying as it is.

    With K_i the covariance of row i and m_i the share of LLᵀ in it, adding llᵀ changes
    −2 log likelihood by Σᵢ log(1 + m_i q_i) − m_i s_i²/(1 + m_i q_i), q_i = lᵀK_i⁻¹l and
    s_i = lᵀK_i⁻¹ỹ_i. From leading eigenvectors at several sizes it is improved by majorisation
    (log is below its tangent, s²/(1+q) above its own), each step of which is explicit.
    """
    basis, likelihood = found.optimum.basis, found.optimum.likelihood
    precision, scaled = likelihood.precision, likelihood.products[:, data.n_conditions :]
    ratio = _ratio(data, place)
    residual, inverse, n_residual = likelihood.residual, np.zeros(len(basis.noise)), 0.0
    if residual is not None and place.share[1] > 0.0:
        inverse, n_residual = place.share[1] / basis.noise, float(data.n_residual)
        residual = place.share[1] * residual
    else:
        residual = np.zeros((len(inverse), len(inverse)))
    starts = []
    typical = precision.mean(axis=1, keepdims=True)
    for size in SIZES:
        weight = ratio / (1.0 + size * ratio * typical)
        rest = 1.0 / (1.0 + size * inverse.mean())
        cost = (weight * precision).sum(axis=0) + rest * n_residual * inverse
        root = 1.0 / np.sqrt(cost)
        gain = scaled.T @ (weight * scaled) + rest * residual
        columns = root[:, None] * np.linalg.eigh(root[:, None] * gain * root)[1][:, -3:]
        starts.append(columns * np.sqrt(size / (columns**2).sum(axis=0)))
    columns = np.concatenate(starts, axis=1)
    value = np.zeros(columns.shape[1])
    for last in (*([False] * ROUNDS), True):
        used = 1.0 + ratio * (precision @ columns**2)
        scores = scaled @ columns
        left = 1.0 + inverse @ columns**2
        across = residual @ columns
        along = np.einsum("ck,ck->k", columns, across)
        if last:
            value = (np.log(used) - ratio * scores**2 / used).sum(axis=0)
            value += n_residual * np.log(left) - along / left
            break
        weight = ratio / used
        cost = precision.T @ (weight * (1.0 + weight * scores**2))
        cost += np.outer(inverse, (n_residual + along / left) / left)
        columns = (scaled.T @ (weight * scores) + across / left) / cost
    value = np.where(np.isfinite(value), value, np.inf)
    best = int(value.argmin())
    return np.asarray(basis.loadings @ columns[:, best]) if np.isfinite(value[best]) else None


def _ratio(data: SpectralData, place: _Place) -> Matrix:
    """Share of LLᵀ in each row's covariance, a column."""
    return np.asarray(place.share[0] * data.squares + place.share[1])
