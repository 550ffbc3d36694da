"""Does the likelihood have a maximum at all?

−2 log likelihood falls without bound where the noise covariance can become singular in a direction
in which the data, beyond what the motifs reach, show nothing: with V and Σ free at 0 < n⊥ < C
(Y − UỸ has rank n⊥), where Yw = 0 for some w (more conditions than genes, duplicated conditions,
a constant condition together with an intercept), and at a signal fraction of 1 with G > rank.
What "can become singular in that direction" means depends on the structure of Σ, not of V, which
may grow in just that direction. The check comes before the fit, on the residuals of the mean.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.models.decomposition import Rotated
from regnet.models.structure_names import StructureName

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

ROUNDING = 1e-26
"""Residual sum of squares, relative to the expression's, that is rounding error."""
SINGULAR = 1e-13
"""Smallest relative eigenvalue of a Gram matrix of unit diagonal that counts as positive."""


class NoMaximumError(InputError):
    """The likelihood of this model has no maximum on these data."""


def check_maximum_exists(
    noise: StructureName,
    expression: Matrix,
    covariates: Matrix,
    rotated: Rotated,
    left: Matrix,
    given: Matrix | None = None,
) -> None:
    """Refuse a model whose likelihood is unbounded on these data.

    Parameters
    ----------
    noise : StructureName
        Structure of Σ.
    expression : ndarray of shape (n_genes, n_conditions)
    covariates : ndarray of shape (n_genes, n_covariates)
        Of the mean; no columns for none.
    rotated : Rotated
        Of the same expression.
    left : ndarray of shape (n_genes, rank)
        Left singular vectors of the scores; read where there are covariates.
    given : ndarray of shape (n_conditions, n_conditions), optional
        K, where the structure is ``fixed`` or ``truth``.

    Raises
    ------
    NoMaximumError
        Naming the remedy.

    Notes
    -----
    For ``lowrank_diag_k`` and ``block_diag`` a singular Σ is looked for in all conditions
    together, in single conditions and in pairs; other subsets (Heywood cases) are not searched.
    """
    n_genes, n_conditions = expression.shape
    n_residual, rank = rotated.n_residual, n_genes - rotated.n_residual
    total_rows = expression
    if covariates.shape[1]:
        coefficients = np.linalg.lstsq(covariates, expression, rcond=None)[0]
        total_rows = expression - covariates @ coefficients
    sizes = np.einsum("ij,ij->j", expression, expression)
    total = _unit_gram(total_rows.T @ total_rows, sizes)
    if not total.diagonal().any():
        raise NoMaximumError(
            "expression",
            "values that the mean does not explain completely",
            "none" if covariates.shape[1] else "nothing but zeros",
            "leave such conditions out, or the covariates",
        )
    where = f"noise {noise}"
    if n_residual == 0:
        beyond = total
    elif covariates.shape[1] == 0:
        beyond = _unit_gram(rotated.residual_gram, sizes)
    else:
        beyond = _gram_beyond(expression, covariates, left, sizes)
    if noise.kind == "proportional":
        _check_proportional(total, beyond, n_genes, rank, where)
        return
    if not _can_vanish(noise, beyond, given):
        return
    if n_residual > 0:
        wanted = f"residuals beyond the motifs' reach that span the {n_conditions} conditions"
        found = f"{n_genes} genes, scores of rank {rank}, residuals of rank {_rank(beyond)}"
    else:
        wanted = f"expression that spans the {n_conditions} conditions"
        found = f"rank {_rank(beyond)} in {n_genes} genes"
    raise NoMaximumError(
        where, f"{wanted} (the likelihood is unbounded)", found, _remedy(noise, beyond, total)
    )


def _gram_beyond(expression: Matrix, covariates: Matrix, left: Matrix, sizes: Vector) -> Matrix:
    """Gram matrix of what neither motifs nor covariates reach; formed from it, as sums cancel."""
    rows = expression - left @ (left.T @ expression)
    design = covariates - left @ (left.T @ covariates)
    # Covariates within the motifs' reach leave rounding error, which explains nothing.
    beyond_reach = np.linalg.norm(design, axis=0) > 1e-12 * np.linalg.norm(covariates, axis=0)
    design = design[:, beyond_reach]
    rows = rows - design @ np.linalg.lstsq(design, rows, rcond=None)[0]
    return _unit_gram(rows.T @ rows, sizes)


def _check_proportional(total: Matrix, beyond: Matrix, n_genes: int, rank: int, where: str) -> None:
    n_conditions = total.shape[0]
    if _rank(total) < n_conditions:
        raise NoMaximumError(
            where,
            f"expression that spans the {n_conditions} conditions (the likelihood is unbounded)",
            f"rank {_rank(total)} in {n_genes} genes",
            "use a diagonal or identity Σ, or fewer conditions",
        )
    # As k → 0 the value goes like (G·m − C·r) log k, with m directions free of residuals.
    missing = n_conditions - _rank(beyond)
    if n_genes > rank and n_genes * missing > n_conditions * rank:
        raise NoMaximumError(
            where,
            "residuals beyond the motifs' reach (the likelihood is unbounded)",
            f"{missing} of {n_conditions} directions without any",
            "use a diagonal or identity Σ, or more genes",
        )


def _unit_gram(gram: Matrix, sizes: Vector) -> Matrix:
    """Gram matrix with a diagonal of ones; zeros where a condition is rounding error."""
    present = gram.diagonal() > ROUNDING * sizes
    scale = np.where(present, 1.0 / np.sqrt(np.where(present, gram.diagonal(), 1.0)), 0.0)
    return np.asarray(scale[:, None] * gram * scale)


def _rank(gram: Matrix) -> int:
    return int(np.count_nonzero(np.linalg.eigvalsh(gram) > SINGULAR * len(gram)))


def _can_vanish(noise: StructureName, gram: Matrix, given: Matrix | None) -> bool:
    kind, n_conditions = noise.kind, len(gram)
    empty = bool((gram.diagonal() == 0.0).any())
    if kind == "freeform" or (kind == "lowrank" and noise.rank == n_conditions):
        return _rank(gram) < n_conditions
    if kind == "diagonal":
        return empty
    if kind == "block":  # with a partition: every block's scale can vanish on its own
        edges = np.cumsum((0, *noise.partition)) if noise.partition else np.array([0, n_conditions])
        return any(not gram.diagonal()[start:stop].any() for start, stop in pairwise(edges))
    if kind == "lowrank_id":
        return _rank(gram) <= (noise.rank or 0) and _rank(gram) < n_conditions
    if kind == "block_id":
        return n_conditions > 1 and bool(np.abs(gram - gram[0, 0]).max() < SINGULAR * n_conditions)
    if kind in ("lowrank_diag", "block_diag"):
        rank = 1 if kind == "block_diag" else (noise.rank or 0)
        twins = (np.abs(np.triu(gram, 1)) > 1.0 - SINGULAR).any()
        return empty or bool(twins and rank >= 1) or _rank(gram) <= min(rank, n_conditions - 1)
    if kind in ("fixed", "truth") and given is not None:
        values = np.linalg.eigvalsh(given)
        return bool(values[0] <= 1e-12 * values[-1])
    return not gram.diagonal().any()


def _remedy(noise: StructureName, gram: Matrix, total: Matrix) -> str:
    if noise.kind in ("fixed", "truth"):
        return "give a nonsingular matrix"
    if (gram.diagonal() == 0.0).any():
        return "leave out the conditions that scores and mean explain completely"
    if noise.kind == "id":
        return "use genes that the motifs do not explain completely"
    if noise.kind != "freeform":
        return "use an identity Σ or fewer conditions"
    proportional = " or proportional" if _rank(total) == len(total) else ""
    return f"use a diagonal, identity{proportional} Σ, or fewer conditions"
