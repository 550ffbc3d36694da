"""What is done where expression values are missing?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError
from regnet.models.decomposition import Decomposition, decompose

Matrix = NDArray[np.float64]
Missing = Literal["exact", "refuse", "drop", "impute"]


@dataclass(frozen=True, eq=False, slots=True)
class Whole:
    """Expression without missing values, with what belongs to the same genes.

    Attributes
    ----------
    expression : ndarray of shape (n_genes, n_conditions)
    design : ndarray of shape (n_genes, n_covariates)
    decomposition : Decomposition
        Of the scores of these genes.
    treatment : str
        What was done, in words.
    missing : ndarray of bool or None
        Cells that hold a stand-in, where the likelihood is to leave them out.
    """

    expression: Matrix
    design: Matrix
    decomposition: Decomposition
    treatment: str
    missing: NDArray[np.bool_] | None = None


def fill_gaps(
    expression: Matrix,
    design: Matrix,
    scores: ArrayLike,
    decomposition: Decomposition | None,
    missing: Missing,
) -> Whole:
    """Treat missing values (NaN) as asked.

    Parameters
    ----------
    missing : "exact", "refuse", "drop" or "impute"
        Stand-ins for the exact likelihood of what is there (:mod:`regnet.models.gaps`); an error
        that counts them; leave genes with missing values out; or the mean of the condition in
        their place.

    Raises
    ------
    InputError
        Where values are missing and are to be refused, too many genes would go, a condition has
        no value, or genes of scores and expression differ in number.
    """
    if missing not in ("exact", "refuse", "drop", "impute"):
        raise InputError("missing", "one of exact, refuse, drop, impute", repr(missing), "choose one of them")
    n_genes = decomposition.n_genes if decomposition else len(np.atleast_2d(np.asarray(scores)))
    if n_genes != len(expression):
        raise InputError(
            "expression", f"a row for each of the scores' {n_genes} genes", f"{len(expression)} rows"
        )
    gaps = np.isnan(expression)
    n_gaps = int(gaps.sum())
    if not n_gaps:
        return Whole(expression, design, decomposition or decompose(scores), "none")
    incomplete = gaps.any(axis=1)
    if missing == "refuse":
        raise InputError(
            "expression",
            "no missing values",
            f"{n_gaps} in {int(incomplete.sum())} of {n_genes} genes",
            'drop those genes (missing="drop") or impute them (missing="impute")',
        )
    if gaps.all(axis=0).any():
        raise InputError("expression", "some value in each condition", "a condition without any")
    if missing in ("exact", "impute"):
        filled = np.where(gaps, np.nanmean(expression, axis=0), expression)
        treatment = f"{n_gaps} values imputed by the mean of their condition"
        parts = decomposition or decompose(scores)
        if missing == "impute":
            return Whole(filled, design, parts, treatment)
        treatment = f"exact likelihood without the {n_gaps} missing values in {int(incomplete.sum())} genes"
        return Whole(filled, design, parts, treatment, gaps)
    kept = ~incomplete
    if kept.sum() < 2:
        raise InputError("expression", "genes without missing values", f"{int(kept.sum())}", "impute them")
    rows = np.asarray(scores, dtype=np.float64)
    if rows.shape[:1] != (n_genes,):
        raise InputError("scores", "the scores themselves, to leave genes out of them", "none")
    treatment = f"{int(incomplete.sum())} of {n_genes} genes with missing values left out"
    return Whole(expression[kept], design[kept], decompose(rows[kept]), treatment)
