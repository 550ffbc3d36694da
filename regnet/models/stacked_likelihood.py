"""What is the likelihood of many data sets at once, each at its own V and Σ, with its whole Hessian?

The same algebra as :mod:`regnet.models.kronecker`, for a stack of data sets of few conditions on one
set of scores, without a mean: there NumPy's calls cost more than their arithmetic, and a stack shares
them. With few conditions the Hessian itself is cheap too: with A = Z∘P all of its entries are sums of

    T^m_k,jl = Σᵢ P_ik d_i^(2m) A_ij A_il,      m = 0, 1, 2,

one matrix product of 3C and C(C+1)/2 rows. Rows are traits and genes run along the last axis, so every
number of a data set comes from that data set's own loops and products: it is the same to the bit,
whatever else is in the stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.models.kronecker import LOG_2_PI

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

CACHED = 24_000
"""Rotated values of data sets that are worked on together."""


@dataclass(frozen=True, eq=False, slots=True)
class Stack:
    """Rotated expression of several data sets on the same scores.

    Attributes
    ----------
    rotated : ndarray of shape (n_sets, n_conditions, rank)
        (UᵀY)ᵀ of each.
    squares : ndarray of shape (rank,)
        Squared singular values d².
    residual_gram : ndarray of shape (n_sets, n_conditions, n_conditions)
        S⊥ of each.
    n_genes, n_residual : int
        G and n⊥ = G − rank, which is positive.
    """

    rotated: Array
    squares: Array
    residual_gram: Array
    n_genes: int
    n_residual: int

    @property
    def n_conditions(self) -> int:
        """Number of conditions C."""
        return int(self.rotated.shape[1])

    def take(self, chosen: Indices) -> Stack:
        """Return the data sets at some positions; one may stand there several times."""
        return Stack(
            self.rotated[chosen], self.squares, self.residual_gram[chosen], self.n_genes, self.n_residual
        )


@dataclass(frozen=True, eq=False, slots=True)
class Bases:
    """The coordinates in which V and Σ of each data set are diagonal; see CanonicalBasis."""

    weights: Array
    loadings: Array
    signal: Array
    noise: Array

    def take(self, chosen: Indices) -> Bases:
        """Return those at some positions."""
        return Bases(self.weights[chosen], self.loadings[chosen], self.signal[chosen], self.noise[chosen])

    def put(self, chosen: Indices, others: Bases) -> None:
        """Replace those at some positions."""
        self.weights[chosen], self.loadings[chosen] = others.weights, others.loadings
        self.signal[chosen], self.noise[chosen] = others.signal, others.noise

    def sorted_by_signal(self) -> Bases:
        """Return the same with directions in the order of α: those without signal first."""
        order = np.argsort(self.signal, axis=1, kind="stable")
        columns = order[:, None, :]
        return Bases(
            np.take_along_axis(self.weights, columns, axis=2),
            np.take_along_axis(self.loadings, columns, axis=2),
            np.take_along_axis(self.signal, order, axis=1),
            np.take_along_axis(self.noise, order, axis=1),
        )

    @classmethod
    def joined(cls, parts: Sequence[Bases]) -> Bases:
        """Stack several stacks."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, eq=False, slots=True)
class Likelihoods:
    """−2 log likelihood of each data set, with its derivatives in its basis.

    Attributes
    ----------
    deviance : ndarray of shape (n_sets,)
    gradient : ndarray of shape (n_sets, 2, n_conditions, n_conditions)
        With respect to V and Σ, symmetric.
    expected : ndarray of shape (n_sets, 3, n_conditions, n_conditions)
        Blocks VV, VΣ and ΣΣ of the expected Hessian.
    precision, scaled : ndarray of shape (n_sets, n_conditions, rank)
        P and A = Z∘P.
    residual : ndarray of shape (n_sets, n_conditions, n_conditions)
        WᵀS⊥W, its entries divided by β of their row and column.
    """

    deviance: Array
    gradient: Array
    expected: Array
    precision: Array
    scaled: Array
    residual: Array

    def take(self, chosen: Indices) -> Likelihoods:
        """Return those at some positions."""
        return Likelihoods(*(getattr(self, name)[chosen] for name in self.__slots__))

    def put(self, chosen: Indices, others: Likelihoods) -> None:
        """Replace those at some positions."""
        for name in self.__slots__:
            getattr(self, name)[chosen] = getattr(others, name)

    @classmethod
    def joined(cls, parts: Sequence[Likelihoods]) -> Likelihoods:
        """Stack several stacks."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


def simultaneous(bases: Bases, signal: Array, noise: Array) -> tuple[Bases, NDArray[np.bool_]]:
    """Diagonalise V and Σ, given in bases, together; and say where they are a pair of covariances.

    Directions come in the order of V's share.
    """
    total = signal + noise
    values, vectors = np.linalg.eigh(total)
    exists = values[:, 0] > 0.0
    roots = vectors / np.sqrt(np.where(exists[:, None], values, 1.0))[:, None, :]
    _, turn = np.linalg.eigh(roots.transpose(0, 2, 1) @ signal @ roots)
    weights = roots @ turn
    # α and β are both computed: 1 − α would lose a small β, and the solver's α a small α.
    alpha = (weights * (signal @ weights)).sum(axis=1)
    beta = (weights * (noise @ weights)).sum(axis=1)
    exists &= beta.min(axis=1) > 0.0
    there = Bases(bases.weights @ weights, bases.loadings @ (total @ weights), np.maximum(alpha, 0.0), beta)
    return there, exists


def evaluate_stack(stack: Stack, bases: Bases, traits: Array | None = None) -> Likelihoods:
    """Evaluate −2 log likelihood and its gradient for each data set; O(r C²) each.

    `traits` is WᵀỸᵀ where the caller has it already.
    """
    n_sets, n_conditions, rank = stack.rotated.shape
    block = max(CACHED // (n_conditions * rank), 1)
    if n_sets > block:  # so that the scratch of a block stays in the processor's cache
        parts = [np.arange(first, min(first + block, n_sets)) for first in range(0, n_sets, block)]
        found = [
            evaluate_stack(stack.take(part), bases.take(part), None if traits is None else traits[part])
            for part in parts
        ]
        return Likelihoods.joined(found)
    squares, n_genes, n_residual = stack.squares, stack.n_genes, stack.n_residual
    turned = bases.weights.transpose(0, 2, 1)
    traits = turned @ stack.rotated if traits is None else traits
    variances = bases.signal[:, :, None] * squares
    variances += bases.noise[:, :, None]
    # P and d²P of all traits, and A and d²A, one above the other.
    weighted = np.empty((n_sets, 2 * n_conditions, rank))
    precision = np.divide(1.0, variances, out=weighted[:, n_conditions:])
    np.multiply(precision, squares, out=weighted[:, :n_conditions])
    fisher = weighted @ weighted.transpose(0, 2, 1)
    sums = weighted.sum(axis=-1).reshape(n_sets, 2, n_conditions)
    scaled = traits * precision
    products = np.empty_like(weighted)
    products[:, n_conditions:] = scaled
    np.multiply(scaled, squares, out=products[:, :n_conditions])
    moments = (products @ scaled.transpose(0, 2, 1)).reshape(n_sets, 2, n_conditions, n_conditions)

    inverse = 1.0 / bases.noise
    residual = turned @ stack.residual_gram @ bases.weights
    residual *= inverse[:, :, None]
    residual *= inverse[:, None, :]
    traits *= scaled
    traits += np.log(variances, out=variances)
    deviance = (
        n_genes * (n_conditions * LOG_2_PI + 2.0 * np.linalg.slogdet(bases.loadings)[1])
        + traits.sum(axis=-1).sum(axis=-1)
        + (n_residual * np.log(bases.noise) + diagonals(residual) * bases.noise).sum(axis=-1)
    )
    moments[:, 1] += residual
    gradient = -0.5 * (moments + moments.transpose(0, 1, 3, 2))
    slopes = diagonals(gradient)
    slopes += sums
    slopes[:, 1] += n_residual * inverse
    expected = np.empty((n_sets, 3, n_conditions, n_conditions))
    expected[:, 0] = fisher[:, :n_conditions, :n_conditions]
    across = fisher[:, :n_conditions, n_conditions:]
    expected[:, 1] = 0.5 * (across + across.transpose(0, 2, 1))
    np.multiply(inverse[:, :, None], n_residual * inverse[:, None, :], out=expected[:, 2])
    expected[:, 2] += fisher[:, n_conditions:, n_conditions:]
    return Likelihoods(deviance, gradient, expected, np.ascontiguousarray(precision), scaled, residual)


def hessian_sums(stack: Stack, bases: Bases, likelihoods: Likelihoods) -> Array:
    """Sums of which the observed Hessian is made.

    Returns
    -------
    ndarray of shape (n_sets, 3, n_conditions, n_pairs)
        T^m_k,jl for m = 0 (Σ with Σ), 1 (V with Σ) and 2 (V with V), pairs j ≤ l as in
        :func:`entries`. The part of the genes beyond the motifs' reach is in m = 0.
    """
    table = entries(stack.n_conditions)
    n_sets, n_conditions, rank = stack.rotated.shape
    block = max(CACHED // (n_conditions * rank), 1)
    if n_sets > block:
        parts = [np.arange(first, min(first + block, n_sets)) for first in range(0, n_sets, block)]
        found = [hessian_sums(stack.take(part), bases.take(part), likelihoods.take(part)) for part in parts]
        return np.concatenate(found)
    weights = np.empty((n_sets, 3, n_conditions, rank))
    weights[:, 0] = likelihoods.precision
    np.multiply(likelihoods.precision, stack.squares, out=weights[:, 1])
    np.multiply(weights[:, 1], stack.squares, out=weights[:, 2])
    outer = table.products(likelihoods.scaled)
    sums = weights.reshape(n_sets, 3 * n_conditions, rank) @ outer.transpose(0, 2, 1)
    sums = sums.reshape(n_sets, 3, n_conditions, -1)
    sums[:, 0] += table.of(likelihoods.residual)[:, None] / bases.noise[:, :, None]
    return np.asarray(sums)


def observed_hessian(sums: Array, expected: Array) -> Array:
    """Write the observed Hessian out.

    Parameters
    ----------
    sums, expected : ndarray
        Of :func:`hessian_sums`, and of the likelihoods.

    Returns
    -------
    ndarray of shape (n_sets, 2 n_pairs, 2 n_pairs)
        Second derivatives by the entries j ≤ l of V, then of Σ; one off the diagonal moves both places.
    """
    n_sets, _, n_conditions, n_pairs = sums.shape
    table = entries(n_conditions)
    flat = np.zeros((n_sets, 3 * n_conditions * n_pairs + 1))
    np.multiply(sums.reshape(n_sets, -1), 2.0, out=flat[:, :-1])
    hessian = flat.take(table.first, axis=1)
    hessian += flat.take(table.second, axis=1)
    pairs = table.of(expected) * table.times
    own = hessian.reshape(n_sets, -1)
    own[:, table.diagonal_vv] -= pairs[:, 0]
    own[:, table.diagonal_vs] -= pairs[:, 1]
    own[:, table.diagonal_sv] -= pairs[:, 1]
    own[:, table.diagonal_ss] -= pairs[:, 2]
    return np.asarray(hessian)


@dataclass(frozen=True, eq=False, slots=True)
class Entries:
    """Where the entries of symmetric matrices, and those of the Hessian by them, stand.

    Attributes
    ----------
    rows, columns : ndarray of shape (n_pairs,)
        The entries j ≤ l that parametrise a symmetric matrix.
    positions : ndarray of shape (n_conditions, n_conditions)
        Number of the pair of each entry.
    times : ndarray of shape (n_pairs,)
        How often an entry stands in the matrix: once on the diagonal, else twice.
    first, second : ndarray of shape (2 n_pairs, 2 n_pairs)
        Positions in the flattened sums of the one or two that make up an entry of the Hessian; the
        one past the last stands for none.
    diagonal_vv, diagonal_vs, diagonal_sv, diagonal_ss : ndarray of shape (n_pairs,)
        Flat positions of the Hessian by the same entry twice.
    """

    rows: Indices
    columns: Indices
    positions: Indices
    times: Array
    first: Indices
    second: Indices
    diagonal_vv: Indices
    diagonal_vs: Indices
    diagonal_sv: Indices
    diagonal_ss: Indices

    # Taken, not indexed, so that rows lie in memory in one way, whatever the size of the stack, and
    # are summed in one order.

    def of(self, matrices: NDArray[Any]) -> NDArray[Any]:
        """Pick the entries of symmetric matrices, along the last axis."""
        shape = matrices.shape
        flat = matrices.reshape(*shape[:-2], -1)
        return np.asarray(flat.take(self.rows * shape[-1] + self.columns, axis=-1))

    def symmetric(self, values: Array) -> Array:
        """Write entries out as symmetric matrices, along the last axis."""
        return values.take(self.positions, axis=-1)

    def products(self, traits: Array) -> Array:
        """Multiply the traits of each pair, gene by gene."""
        return traits.take(self.rows, axis=1) * traits.take(self.columns, axis=1)


@lru_cache(maxsize=32)
def entries(n_conditions: int) -> Entries:
    """Tabulate the entries for a number of conditions."""
    rows, columns = np.triu_indices(n_conditions)
    n_pairs = rows.size
    positions = np.empty((n_conditions, n_conditions), dtype=np.intp)
    positions[rows, columns] = positions[columns, rows] = np.arange(n_pairs)
    # An entry (j, l) takes the product of row j to column l, and that of row l to column j.
    ends = [{(int(j), int(k)), (int(k), int(j))} for j, k in zip(rows, columns, strict=True)]
    none = 3 * n_conditions * n_pairs
    found = np.full((2, 2 * n_pairs, 2 * n_pairs), none, dtype=np.intp)
    for one in range(n_pairs):
        for other in range(n_pairs):
            shared = sorted((k, positions[a, b]) for a, k in ends[one] for b, k_ in ends[other] if k == k_)
            for number, (k, pair) in enumerate(shared):
                for by, above in ((0, 0), (0, 1), (1, 0), (1, 1)):
                    power = 2 - by - above
                    at = (power * n_conditions + k) * n_pairs + pair
                    found[number, by * n_pairs + one, above * n_pairs + other] = at
    each: Indices = np.arange(n_pairs)
    size = 2 * n_pairs
    return Entries(
        rows,
        columns,
        positions,
        np.where(rows == columns, 1.0, 2.0),
        found[0],
        found[1],
        each * size + each,
        each * size + n_pairs + each,
        (n_pairs + each) * size + each,
        (n_pairs + each) * size + n_pairs + each,
    )


def diagonals(matrices: Array) -> Array:
    """View the diagonals along the last two axes, to read and to write."""
    return np.asarray(np.einsum("...jj->...j", matrices))
