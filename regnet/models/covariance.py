"""What is an unknown covariance between conditions, as a function of its parameters?

Every structure is a sum of terms of two sorts, each smooth and positive semidefinite whatever
its parameters are, so that nothing has to be constrained:

* `Loadings`: LLᵀ with L of k columns;
* `Scales`: diag(a) B diag(a) with a known B and one scale a per group of conditions (B = I and
  one group is s²I, B = I and C groups a diagonal, B = 11ᵀ one constant, B = K a given matrix).

This file says what a structure is: matrix, derivatives, number of parameters; how one is
fitted stands in :mod:`regnet.models.structured_fit`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.models.structure_names import StructureName

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

SMALL = 0.1
"""Size of a direction, relative to the largest, below which zero is tried in its place."""
EDGE = 1e-8
"""Correlation-like entry between the blocks of ``block:n+n``, as in the original's block covariance."""


class Term(Protocol):
    """One summand of a structure. G is a gradient with respect to the matrix, symmetric."""

    @property
    def size(self) -> int:
        """Length of the parameter vector."""

    def matrix(self, theta: Vector) -> Matrix:
        """The covariance."""

    def push(self, theta: Vector, change: Vector) -> Matrix:
        """Its differential in the direction of a change of the parameters."""

    def pull(self, theta: Vector, gradient: Matrix) -> Vector:
        """The adjoint of `push`: the gradient with respect to the parameters."""

    def bend(self, change: Vector, gradient: Matrix) -> Vector:
        """Second derivative of ⟨G, matrix⟩ times a change (matrix is quadratic in theta)."""

    def curvature(self, gradient: Matrix) -> Matrix:
        """That second derivative written out, of shape (size, size)."""

    def approach(self, target: Matrix) -> Vector:
        """Parameters whose matrix is near a target covariance."""

    def jacobian(self, theta: Vector, weights: Matrix) -> Matrix:
        """Differentials WᵀdV W for all parameters, of shape (size, n_conditions²)."""

    def moved(self, theta: Vector, step: Vector, weights: Matrix) -> Vector:
        """Parameters after a step, to first order theta + step."""

    def turns(self, theta: Vector) -> Matrix:
        """Orthonormal directions along which the matrix stays the same, one column each."""

    def snap(self, theta: Vector) -> Vector | None:
        """Parameters with the smallest direction that is not zero set to zero; None for none."""

    def release(self, theta: Vector, gradient: Matrix, scale: float) -> Vector | None:
        """Parameters moved off a false stationary point at zero; None where there is none."""


@dataclass(frozen=True, eq=False, slots=True)
class Loadings:
    """LLᵀ with L of shape (n_conditions, rank), stored row by row."""

    n_conditions: int
    rank: int

    @property
    def size(self) -> int:
        return self.n_conditions * self.rank

    def _shaped(self, theta: Vector) -> Matrix:
        return theta.reshape(self.n_conditions, self.rank)

    def matrix(self, theta: Vector) -> Matrix:
        root = self._shaped(theta)
        return root @ root.T

    def push(self, theta: Vector, change: Vector) -> Matrix:
        half = self._shaped(change) @ self._shaped(theta).T
        return half + half.T

    def pull(self, theta: Vector, gradient: Matrix) -> Vector:
        return np.ravel(2.0 * gradient @ self._shaped(theta))

    def bend(self, change: Vector, gradient: Matrix) -> Vector:
        return np.ravel(2.0 * gradient @ self._shaped(change))

    def curvature(self, gradient: Matrix) -> Matrix:
        blocks = 2.0 * gradient[:, None, :, None] * np.eye(self.rank)[:, None, :]
        return np.asarray(blocks.reshape(self.size, self.size))

    def approach(self, target: Matrix) -> Vector:
        values, vectors = np.linalg.eigh(target)
        kept = np.maximum(values[::-1][: self.rank], 1e-6 * max(values[-1], 0.0))
        return np.ravel(vectors[:, ::-1][:, : self.rank] * np.sqrt(kept))

    def jacobian(self, theta: Vector, weights: Matrix) -> Matrix:
        turned = weights.T @ self._shaped(theta)
        half = weights[:, None, :, None] * turned.T[None, :, None, :]
        return np.asarray((half + half.swapaxes(2, 3)).reshape(self.size, -1))

    def moved(self, theta: Vector, step: Vector, weights: Matrix) -> Vector:
        # A motif matrix with one dominant singular value d₁ fixes one vector of the range of L to
        # within 1/d₁. (L+N)(I+A) turns the range by N alone, whatever A does inside it; with L+N+LA
        # the two would mix, and steps in that narrow valley stay short.
        root, change = self._shaped(theta), self._shaped(step)
        inside = np.linalg.lstsq(weights.T @ root, weights.T @ change, rcond=1e-10)[0]
        outside = change - root @ inside
        return np.ravel((root + outside) @ (np.eye(self.rank) + inside))

    def turns(self, theta: Vector) -> Matrix:
        # LA with A antisymmetric; with L = Σ_a s_a u_a v_aᵀ they are spanned by s_a u_a v_bᵀ − s_b u_b v_aᵀ.
        left, values, right = np.linalg.svd(self._shaped(theta), full_matrices=False)
        first, second = np.triu_indices(self.rank, 1)
        norms = np.hypot(values[first], values[second])
        moves = norms > 1e-13 * values[0]
        first, second, norms = first[moves], second[moves], norms[moves]
        scaled = left * values
        turned = scaled[:, None, first] * right[second].T - scaled[:, None, second] * right[first].T
        return np.asarray((turned / norms).reshape(self.size, -1))

    def snap(self, theta: Vector) -> Vector | None:
        left, values, _ = np.linalg.svd(self._shaped(theta), full_matrices=False)
        left_over = int(np.count_nonzero(values > 1e-13 * values[0]))
        if left_over < 2 or values[left_over - 1] > SMALL * values[0]:
            return None
        values[left_over - 1 :] = 0.0
        return np.ravel(left * values)

    def release(self, theta: Vector, gradient: Matrix, scale: float) -> Vector | None:
        root = self._shaped(theta)
        left, values, right = np.linalg.svd(root, full_matrices=False)
        if values[-1] > 1e-4 * scale:
            return None
        slopes, directions = np.linalg.eigh(gradient)
        if slopes[0] >= 0.0:
            return None
        moved = (left[:, :-1] * values[:-1]) @ right[:-1]
        return np.ravel(moved + 0.03 * scale * np.outer(directions[:, 0], right[-1]))


@dataclass(frozen=True, eq=False, slots=True)
class Scales:
    """diag(a) B diag(a) with one a for each group of conditions, whose members are ones in its row."""

    base: Matrix
    members: Matrix

    @property
    def size(self) -> int:
        return len(self.members)

    def matrix(self, theta: Vector) -> Matrix:
        scales = theta @ self.members
        return scales[:, None] * self.base * scales

    def push(self, theta: Vector, change: Vector) -> Matrix:
        half = (change @ self.members)[:, None] * self.base * (theta @ self.members)
        return half + half.T

    def pull(self, theta: Vector, gradient: Matrix) -> Vector:
        return self.bend(theta, gradient)

    def bend(self, change: Vector, gradient: Matrix) -> Vector:
        return self.members @ (2.0 * ((gradient * self.base) @ (change @ self.members)))

    def curvature(self, gradient: Matrix) -> Matrix:
        return np.asarray(2.0 * self.members @ (gradient * self.base) @ self.members.T)

    def approach(self, target: Matrix) -> Vector:
        ratio = np.maximum(target.diagonal(), 0.0) / self.base.diagonal()
        return np.asarray(np.sqrt(self.members @ ratio / self.members.sum(axis=1)))

    def jacobian(self, theta: Vector, weights: Matrix) -> Matrix:
        lifted = (self.base * (theta @ self.members)) @ weights
        products = (weights[:, :, None] * lifted[:, None, :]).reshape(len(weights), -1)
        half = (self.members @ products).reshape(self.size, *weights.shape)
        return np.asarray((half + half.swapaxes(1, 2)).reshape(self.size, -1))

    def moved(self, theta: Vector, step: Vector, weights: Matrix) -> Vector:
        return theta + step

    def turns(self, theta: Vector) -> Matrix:
        return np.empty((self.size, 0))

    def snap(self, theta: Vector) -> Vector | None:
        sizes = np.abs(theta)
        sizes[sizes == 0.0] = np.inf
        smallest = int(sizes.argmin())
        if np.count_nonzero(theta) < 2 or sizes[smallest] > SMALL * np.abs(theta).max():
            return None
        return np.where(np.arange(theta.size) == smallest, 0.0, theta)

    def release(self, theta: Vector, gradient: Matrix, scale: float) -> Vector | None:
        slopes = self.curvature(gradient).diagonal()
        stuck = (np.abs(theta) < 1e-4 * scale) & (slopes < 0.0)
        return np.where(stuck, 0.03 * scale, theta) if stuck.any() else None


@dataclass(frozen=True, eq=False, slots=True)
class Covariance:
    """An unknown covariance between conditions.

    Attributes
    ----------
    name : StructureName
    terms : tuple of Term
        Its summands; the parameter vector holds theirs one after the other.
    n_parameters : int
        Number of free parameters, without the rotations of L that change nothing.
    size : int
        Length of the parameter vector.
    """

    name: StructureName
    terms: tuple[Term, ...]
    n_parameters: int
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(term.size for term in self.terms))

    def _parts(self, theta: Vector) -> list[tuple[Term, Vector]]:
        parts, start = [], 0
        for term in self.terms:
            end = start + term.size
            parts.append((term, theta[start:end]))
            start = end
        return parts

    def matrix(self, theta: Vector) -> Matrix:
        """The covariance at given parameters."""
        return np.asarray(sum(term.matrix(part) for term, part in self._parts(theta)))

    def push(self, theta: Vector, change: Vector) -> Matrix:
        """Its differential."""
        pairs = zip(self._parts(theta), self._parts(change), strict=True)
        return np.asarray(sum(term.push(part, move) for (term, part), (_, move) in pairs))

    def pull(self, theta: Vector, gradient: Matrix) -> Vector:
        """The gradient with respect to the parameters."""
        return np.concatenate([term.pull(part, gradient) for term, part in self._parts(theta)])

    def bend(self, change: Vector, gradient: Matrix) -> Vector:
        """The part of the Hessian that comes from the curvature of the parametrisation."""
        return np.concatenate([term.bend(part, gradient) for term, part in self._parts(change)])

    def curvature(self, gradient: Matrix) -> Matrix:
        """That part written out."""
        return diagonal_blocks([term.curvature(gradient) for term in self.terms])

    def jacobian(self, theta: Vector, weights: Matrix) -> Matrix:
        """Differentials WᵀdV W for all parameters, one row each."""
        return np.concatenate([term.jacobian(part, weights) for term, part in self._parts(theta)])

    def approach(self, target: Matrix) -> Vector:
        """Parameters near a target covariance, the target shared equally by the terms."""
        share = target / len(self.terms)
        return np.concatenate([term.approach(share) for term in self.terms])

    def moved(self, theta: Vector, step: Vector, weights: Matrix) -> Vector:
        """Parameters after a step."""
        pairs = zip(self._parts(theta), self._parts(step), strict=True)
        return np.concatenate([term.moved(part, move, weights) for (term, part), (_, move) in pairs])

    def turns(self, theta: Vector) -> Matrix:
        """Orthonormal directions along which the covariance stays the same, one column each."""
        return diagonal_blocks([term.turns(part) for term, part in self._parts(theta)])

    @property
    def loadings(self) -> Loadings | None:
        """LLᵀ, always the first term; None where there is none."""
        first = self.terms[0]
        return first if isinstance(first, Loadings) else None

    def spread(self, theta: Vector, variances: Vector) -> Vector | None:
        """Parameters with variances of single conditions added to the scales; None without scales."""
        parts = self._parts(theta)
        if not any(isinstance(term, Scales) for term, _ in parts):
            return None
        more = np.diag(variances)
        return np.concatenate(
            [
                np.hypot(part, term.approach(more)) if isinstance(term, Scales) else part
                for term, part in parts
            ]
        )

    def snaps(self, theta: Vector) -> list[Vector]:
        """Parameters with the smallest direction of one term set to zero, one for each term."""
        parts = self._parts(theta)
        candidates = []
        for position, (term, part) in enumerate(parts):
            snapped = term.snap(part)
            if snapped is not None:
                whole = [other for _, other in parts]
                whole[position] = snapped
                candidates.append(np.concatenate(whole))
        return candidates

    def release(self, theta: Vector, gradient: Matrix, scale: float) -> Vector | None:
        """Parameters off a false stationary point at zero; None where there is none."""
        moved, found = [], False
        for term, part in self._parts(theta):
            off = term.release(part, gradient, scale)
            found = found or off is not None
            moved.append(part if off is None else off)
        return np.concatenate(moved) if found else None


def diagonal_blocks(blocks: list[Matrix]) -> Matrix:
    """Matrices one after the other along the diagonal of one matrix."""
    whole = np.zeros(np.sum([block.shape for block in blocks], axis=0))
    row, column = 0, 0
    for block in blocks:
        n_rows, n_columns = block.shape
        whole[row : row + n_rows, column : column + n_columns] = block
        row, column = row + n_rows, column + n_columns
    return whole


def covariance(name: StructureName, n_conditions: int, given: Matrix | None = None) -> Covariance:
    """Build a structure for so many conditions.

    Parameters
    ----------
    name : StructureName
        Any but ``proportional``, which is a relation between two covariances.
    given : ndarray of shape (n_conditions, n_conditions), optional
        The matrix K of ``fixed`` and ``truth``; symmetric and positive semidefinite.

    Raises
    ------
    InputError
        Where `given` is missing or is no covariance.
    """
    kind, rank = name.kind, name.rank
    n = n_conditions
    identity, ones, together = np.eye(n), np.ones((n, n)), np.ones((1, n))
    if kind in ("fixed", "truth"):
        return Covariance(name, (Scales(_checked(given, n, str(name)), together),), 1)
    terms: list[Term] = []
    n_parameters = 0
    if kind == "freeform":
        rank = n
    if rank is not None:
        terms.append(Loadings(n, rank))
        n_parameters += n * rank - rank * (rank - 1) // 2
    if kind == "block" and name.partition:
        members = np.repeat(np.eye(len(name.partition)), name.partition, axis=1)
        same = members.T @ members > 0.0
        terms.append(Scales(np.where(same, ones + identity, EDGE), members))
        n_parameters += len(name.partition)
    elif kind in ("block", "block_id", "block_diag"):
        terms.append(Scales(ones, together))
        n_parameters += 1
    if kind in ("id", "lowrank_id", "block_id"):
        terms.append(Scales(identity, together))
        n_parameters += 1
    if kind in ("diagonal", "lowrank_diag", "block_diag"):
        terms.append(Scales(identity, identity))
        n_parameters += n
    return Covariance(name, tuple(terms), min(n_parameters, n * (n + 1) // 2))


def _checked(given: Matrix | None, n_conditions: int, where: str) -> Matrix:
    if given is None:
        raise InputError(where, "a matrix between the conditions", "none", "pass it to the fit")
    matrix = np.asarray(given, dtype=np.float64)
    if matrix.shape != (n_conditions, n_conditions):
        raise InputError(where, f"a {n_conditions} × {n_conditions} matrix", f"shape {matrix.shape}")
    scale = np.abs(matrix).max()
    if not np.isfinite(matrix).all() or scale == 0.0:
        raise InputError(where, "a covariance with finite entries, not all zero", "another matrix")
    if np.abs(matrix - matrix.T).max() > 1e-10 * scale:
        raise InputError(where, "a symmetric matrix", "an asymmetric one")
    if np.linalg.eigvalsh(matrix)[0] < -1e-10 * scale:
        raise InputError(where, "a positive semidefinite matrix", "one with a negative eigenvalue")
    return np.asarray(0.5 * (matrix + matrix.T), dtype=np.float64)
