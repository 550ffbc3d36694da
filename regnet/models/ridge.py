"""Which effects does ridge regression find, and how is its penalty chosen?

    B̂ = (MᵀM + kI)⁻¹ MᵀY = Q diag(d/(d²+k)) Ỹ,      M = U diag(d) Qᵀ,  Ỹ = UᵀY

Every rule for the penalty k comes from that one decomposition of the scores: with it, a penalty costs
nothing that grows with the number of genes, except in leave-one-out and k-fold cross-validation.
No intercept, no scaling: scores and expression are taken as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError, shown
from regnet.models.decomposition import Decomposition, decompose, rotate
from regnet.models.ridge_penalty import Fold, choose_penalty, wanted_penalty

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """Ridge regression of expression on motif scores.

    Attributes
    ----------
    effects : ndarray of shape (n_motifs, n_conditions)
        Estimated effects B̂.
    penalty : float or ndarray of shape (n_conditions,)
        Penalty k: one for all conditions, or one each.
    penalty_rule : str
        How it was chosen: ``gcv``, ``loo``, ``kfold``, ``ml``, ``oracle`` or ``fixed``.
    at_boundary : bool
        Whether a penalty lies at an end of the range that is searched: at the lower end the fit is
        practically least squares, at the upper end all effects are practically zero.
    degrees_of_freedom : float or ndarray of shape (n_conditions,)
        Effective degrees of freedom, Σᵢ dᵢ²/(dᵢ²+k).
    """

    effects: Matrix
    penalty: float | Vector
    penalty_rule: str
    at_boundary: bool
    degrees_of_freedom: float | Vector


def fit_ridge(
    scores: ArrayLike,
    expression: ArrayLike,
    penalty: float | str = "gcv",
    *,
    shared: bool = True,
    folds: int | Sequence[Fold] = 5,
    truth: tuple[ArrayLike, ArrayLike] | None = None,
    decomposition: Decomposition | None = None,
) -> RidgeFit:
    """Fit ridge regression.

    Parameters
    ----------
    scores : array_like of shape (n_genes, n_motifs)
        Motif scores M. Not read where `decomposition` is given.
    expression : array_like of shape (n_genes, n_conditions)
        Expression Y.
    penalty : float or str
        Penalty k, above 0, or how to choose it:

        - ``gcv``: generalised cross-validation (Golub, Heath & Wahba, Technometrics 21:215, 1979);
        - ``loo``: leave-one-out cross-validation;
        - ``kfold``: cross-validation over `folds` runs of consecutive genes (no random numbers);
        - ``ml``: marginal likelihood of y ~ N(0, σ²(MMᵀ/k + I)), σ² of each condition profiled out;
        - ``oracle``: noise variance over effect variance of the given `truth`.
    shared : bool
        Whether the conditions share one penalty (criteria are summed over them; the oracle is
        tr Σ / tr V) or have one each (Σ_cc / V_cc).
    folds : int or sequence of Fold
        Number of folds for ``kfold``, or the folds as :func:`regnet.models.ridge_penalty.decompose_folds`
        prepared them.
    truth : pair of array_like of shape (n_conditions, n_conditions), optional
        Covariances of effects and of noise that generated the data; for ``oracle`` only.
    decomposition : Decomposition, optional
        Of the scores, if it is at hand.

    Raises
    ------
    InputError
        For scores or expression that do not match or are not finite, a penalty that is none, more
        folds than genes, or ``oracle`` without the truth.

    Notes
    -----
    Penalties are searched on a logarithmic grid over 16 decades about the largest squared singular
    value, and refined between the neighbours of the grid's best by golden sections. Where an end of the
    range is as good as the best (flat or monotone criteria), the penalty is that end.
    """
    shape = decomposition or decompose(scores)
    data = rotate(shape, expression)
    if isinstance(penalty, str):
        rule = penalty
        chosen, at_boundary = choose_penalty(
            rule, shape, data, _matrix(expression), shared=shared, folds=folds, truth=truth
        )
    else:
        is_number = isinstance(penalty, float | int | np.number) and not isinstance(penalty, bool)
        if not (is_number and 0.0 < float(penalty) < math.inf):
            raise InputError("penalty", wanted_penalty(), shown(penalty))
        rule, chosen, at_boundary = "fixed", np.full(data.n_conditions, float(penalty)), False
        shared = True
    square = shape.singular_values[:, None] ** 2
    effects = shape.times_right(shape.singular_values[:, None] / (square + chosen) * data.rotated)
    freedom = (square / (square + chosen)).sum(axis=0)
    return RidgeFit(
        effects=effects,
        penalty=float(chosen[0]) if shared else chosen,
        penalty_rule=rule,
        at_boundary=at_boundary,
        degrees_of_freedom=float(freedom[0]) if shared else freedom,
    )


def _matrix(expression: ArrayLike) -> Matrix:
    matrix = np.asarray(expression, dtype=np.float64)
    return matrix[:, None] if matrix.ndim == 1 else matrix
