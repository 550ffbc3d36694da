"""Which coordinates make the genes independent, once for every model of a motif matrix?

The thin singular value decomposition M = U diag(d) Qᵀ of the motif scores is shared by all
replicates, all models and all penalties: after Ỹ = UᵀY nothing depends on the number of genes
any more (the spectral rotation of Lippert et al., Nat. Methods 8:833, 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

TALL = 8
"""Rows per column above which a large matrix is decomposed through its blocks of rows."""
LARGE = 4_000_000
"""Cells above which blocks of rows are worth their second pass over the matrix."""
ENOUGH_LEFT = 0.01
"""Share of YᵀY, in every direction, from which YᵀY − ỸᵀỸ loses no more than two digits of S⊥."""


@dataclass(frozen=True, eq=False)
class Decomposition:
    """Thin singular value decomposition of a motif matrix, cut to its numerical rank.

    Attributes
    ----------
    left : ndarray of shape (n_genes, rank)
        Left singular vectors U, orthonormal columns.
    singular_values : ndarray of shape (rank,)
        Singular values d, largest first, all positive.
    right : ndarray of shape (n_motifs, rank)
        Right singular vectors Q, orthonormal columns, one after the other in memory.
    """

    left: Matrix
    singular_values: Vector
    right: Matrix

    @property
    def n_genes(self) -> int:
        """Number of rows of the motif matrix, G."""
        return int(self.left.shape[0])

    @property
    def n_motifs(self) -> int:
        """Number of columns of the motif matrix, T."""
        return int(self.right.shape[0])

    @property
    def rank(self) -> int:
        """Numerical rank r of the motif matrix."""
        return int(self.singular_values.size)

    def times_right(self, values: Matrix) -> Matrix:
        """Multiply Q with a matrix of shape (rank, n_columns)."""
        return _product(self.right, values)

    def times_squared_right(self, values: Matrix) -> Matrix:
        """Multiply the squares of Q's entries with a matrix of shape (rank, n_columns).

        The squares are kept for the next replicate, unless Q is large.
        """
        if self.right.size <= LARGE:
            return _product(self._squared_right, values)
        blocks = [self.right[start : start + 128] for start in range(0, self.n_motifs, 128)]
        return np.concatenate([_product(block**2, values) for block in blocks])

    @cached_property
    def unreached(self) -> Vector:
        """1 − Σᵢ Q_ti²: the part of each motif that the scores' row space does not reach."""
        return np.asarray(np.maximum(1.0 - np.einsum("ti,ti->t", self.right, self.right), 0.0))

    @cached_property
    def _squared_right(self) -> Matrix:
        squares: Matrix = self.right**2
        return squares


@dataclass(frozen=True, eq=False)
class Rotated:
    """Expression in the coordinates of a decomposition: all that a likelihood needs of it.

    A subscript ⊥ marks what is left of a matrix after its projection on U is taken away.

    Attributes
    ----------
    rotated : ndarray of shape (rank, n_conditions)
        Ỹ = UᵀY.
    residual_gram : ndarray of shape (n_conditions, n_conditions)
        S⊥ = Y⊥ᵀY⊥ with Y⊥ = Y − UỸ, formed from Y⊥ wherever YᵀY − ỸᵀỸ would cancel.
    n_genes : int
        Number of genes G.
    n_residual : int
        n⊥ = G − rank, the genes' degrees of freedom that no motif reaches.
    covariates : ndarray of shape (rank, n_covariates)
        X̃ = UᵀX of the covariates of the mean; no columns where there is none.
    residual_covariate_gram : ndarray of shape (n_covariates, n_covariates)
        X⊥ᵀX⊥.
    residual_cross : ndarray of shape (n_covariates, n_conditions)
        X⊥ᵀY⊥.
    """

    rotated: Matrix
    residual_gram: Matrix
    n_genes: int
    n_residual: int
    covariates: Matrix
    residual_covariate_gram: Matrix
    residual_cross: Matrix

    @property
    def n_conditions(self) -> int:
        """Number of conditions C."""
        return int(self.rotated.shape[1])

    @property
    def n_covariates(self) -> int:
        """Number of covariates of the mean."""
        return int(self.covariates.shape[1])


def decompose(scores: ArrayLike) -> Decomposition:
    """Decompose a motif matrix.

    Parameters
    ----------
    scores : array_like of shape (n_genes, n_motifs)
        Motif scores M, finite. A memory-mapped file is read in blocks of rows where there are
        many more genes than motifs.

    Returns
    -------
    Decomposition
        Singular values below ``max(G, T)·eps`` of the largest are left out, and with them
        duplicated motifs. Reproducible bit by bit at an equal number of threads.

    Raises
    ------
    InputError
        Where scores are not a matrix with at least one row and column, or not finite.

    Notes
    -----
    LAPACK's divide-and-conquer SVD, O(G·T·min(G, T)). For tall matrices of more than
    `LARGE` cells R of a QR decomposition is accumulated over blocks of rows, R = U_R D Qᵀ, and
    U = M Q D⁻¹ made orthonormal by a Cholesky step: its loss of orthogonality before
    that step is eps·d₁/d_r, at most about 1e-5 at the rank's cut, and rounding error after it.
    """
    matrix = scores if isinstance(scores, np.ndarray) else np.asarray(scores)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InputError("scores", "a matrix of genes × motifs", f"an array of shape {matrix.shape}")
    n_genes, n_motifs = matrix.shape
    if n_genes >= TALL * n_motifs and matrix.size > LARGE:
        return _decompose_tall(matrix)
    dense = np.asarray(matrix, dtype=np.float64)
    _check_finite(dense, 0)
    left, values, right = scipy.linalg.svd(dense, full_matrices=False, check_finite=False)
    rank = _numerical_rank(values, n_genes, n_motifs)
    return Decomposition(np.ascontiguousarray(left[:, :rank]), values[:rank], right[:rank].T)


def rotate(
    decomposition: Decomposition, expression: ArrayLike, covariates: ArrayLike | None = None
) -> Rotated:
    """Rotate expression, and the covariates of its mean, into the decomposition's coordinates.

    Parameters
    ----------
    decomposition : Decomposition
        Of the motif scores of the same genes.
    expression : array_like of shape (n_genes, n_conditions)
        Expression Y, finite.
    covariates : array_like of shape (n_genes, n_covariates), optional
        Covariates X of the mean; a column of ones is an intercept per condition.

    Raises
    ------
    InputError
        Where shapes do not match or values are not finite.

    Notes
    -----
    O(G·r·C); the extra memory is that of one copy of the expression.
    """
    left = decomposition.left
    outcome = _matrix_of_genes(expression, decomposition.n_genes, "expression")
    if covariates is None:
        design = np.empty((decomposition.n_genes, 0))
    else:
        design = _matrix_of_genes(covariates, decomposition.n_genes, "covariates")
    n_residual = decomposition.n_genes - decomposition.rank
    both = np.concatenate([outcome, design], axis=1) if design.shape[1] else outcome
    rotated = _product(left.T, both)
    gram = _residual_gram(left, both, rotated) if n_residual else np.zeros((both.shape[1],) * 2)
    n_conditions = outcome.shape[1]
    return Rotated(
        rotated=np.ascontiguousarray(rotated[:, :n_conditions]),
        residual_gram=gram[:n_conditions, :n_conditions],
        n_genes=decomposition.n_genes,
        n_residual=n_residual,
        covariates=rotated[:, n_conditions:],
        residual_covariate_gram=gram[n_conditions:, n_conditions:],
        residual_cross=gram[n_conditions:, :n_conditions],
    )


def _residual_gram(left: Matrix, values: Matrix, rotated: Matrix) -> Matrix:
    """Cross products of what is left of some columns after their projection on U is taken away."""
    whole = values.T @ values
    difference = whole - rotated.T @ rotated
    sizes = np.sqrt(whole.diagonal())
    if sizes.all():
        relative = difference / sizes / sizes[:, None]
        if np.linalg.eigvalsh(relative)[0] > ENOUGH_LEFT:
            return np.asarray(0.5 * (difference + difference.T))
    residual = values - left @ rotated
    return np.asarray(residual.T @ residual)


def _product(large: Matrix, small: Matrix) -> Matrix:
    """Multiply a large matrix, whose columns lie one after the other, with one of few columns."""
    # In this order BLAS copies the small matrix, not the large one.
    return np.ascontiguousarray((small.T @ large.T).T)


def _decompose_tall(matrix: NDArray[np.generic]) -> Decomposition:
    n_genes, n_motifs = matrix.shape
    step = max(TALL * n_motifs // 2, 1024)
    blocks = [slice(start, min(start + step, n_genes)) for start in range(0, n_genes, step)]
    triangle: Matrix = np.empty((0, n_motifs))
    for block in blocks:
        rows = np.asarray(matrix[block], dtype=np.float64)
        _check_finite(rows, block.start)
        stacked = np.vstack([triangle, rows])
        (factor,) = scipy.linalg.qr(stacked, mode="r", overwrite_a=True, check_finite=False)
        triangle = np.asarray(factor[:n_motifs], dtype=np.float64)
    _, values, right = scipy.linalg.svd(triangle, check_finite=False)
    rank = _numerical_rank(values, n_genes, n_motifs)
    values, right = values[:rank], right[:rank].T
    left = np.empty((n_genes, rank))
    gram = np.zeros((rank, rank))
    weights = right / values
    for block in blocks:
        np.matmul(np.asarray(matrix[block], dtype=np.float64), weights, out=left[block])
        gram += left[block].T @ left[block]
    inverse = scipy.linalg.solve_triangular(
        scipy.linalg.cholesky(gram, check_finite=False), np.eye(rank), check_finite=False
    )
    for block in blocks:
        left[block] = left[block] @ inverse
    return Decomposition(left, values, right)


def _numerical_rank(values: Vector, n_genes: int, n_motifs: int) -> int:
    smallest = max(n_genes, n_motifs) * np.finfo(np.float64).eps * values[0]
    return int(np.count_nonzero(values > smallest))


def _check_finite(rows: Matrix, first_row: int) -> None:
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise InputError(
            f"scores, row {first_row + int(row) + 1}, column {int(column) + 1}",
            "a finite number",
            str(rows[row, column]),
            "mend or drop the motif",
        )


def _matrix_of_genes(values: ArrayLike, n_genes: int, what: str) -> Matrix:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2 or matrix.shape[0] != n_genes or matrix.shape[1] == 0:
        raise InputError(what, f"a matrix with one row for each of {n_genes} genes", f"shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise InputError(
            f"{what}, row {int(row) + 1}, column {int(column) + 1}",
            "a finite number",
            str(matrix[row, column]),
            "mend the value, or say how missing values are to be treated",
        )
    return matrix
