"""How are models fitted to tables with names? Arrays and DataFrames alike, genes aligned by name.

The models themselves know arrays only. Where a DataFrame goes in, its names come out: effects with
motifs as rows and conditions as columns, covariances with conditions on both sides.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError, shown
from regnet.models import ridge
from regnet.models.decomposition import Decomposition
from regnet.models.ridge import RidgeFit
from regnet.models.ridge_penalty import Fold

if TYPE_CHECKING:
    import pandas as pd

    from regnet.models.missing_values import Missing
    from regnet.models.mixed_model import MixedModelFit
    from regnet.models.starts import Init
    from regnet.models.structure_names import StructureName

Matrix = NDArray[np.float64]
Names = tuple[str, ...]
FitT = TypeVar("FitT")

_AXES = {
    "effects": ("motifs", "conditions"),
    "effects_sd": ("motifs", "conditions"),
    "signal_covariance": ("conditions", "conditions"),
    "noise_covariance": ("conditions", "conditions"),
    "mean": ("covariates", "conditions"),
    "penalty": ("conditions",),
    "degrees_of_freedom": ("conditions",),
}
"""What the axes of a fit's arrays are."""


@dataclass(frozen=True, eq=False)
class _Aligned:
    """Scores and expression of the same genes in the same order, and the names that were given."""

    scores: Matrix
    expression: Matrix
    genes: Any | None
    motifs: Any | None
    conditions: Any | None

    def between_conditions(self, what: str, given: Any) -> Any:
        """Return a covariance in the order of the expression's conditions, if both are named."""
        if not _is_table(given) or self.conditions is None:
            return given
        missing = self.conditions.difference(given.index).union(self.conditions.difference(given.columns))
        if len(missing):
            raise InputError(what, "the expression's conditions, by name", f"none named {shown(missing[0])}")
        return given.loc[self.conditions, self.conditions]

    def of_genes(self, what: str, given: Any) -> Any:
        """Return a table of genes in the order of the scores' genes, if both are named."""
        table = _as_table(given)
        if not _is_table(table) or self.genes is None:
            return given
        missing = self.genes.difference(table.index, sort=False)
        if len(missing):
            raise InputError(what, "the genes of the scores, by name", f"none named {shown(missing[0])}")
        return _numbers(what, table.loc[self.genes])


def fit_ridge(
    scores: ArrayLike | pd.DataFrame,
    expression: ArrayLike | pd.DataFrame | pd.Series[float],
    penalty: float | str = "gcv",
    *,
    shared: bool = True,
    folds: int | Sequence[Fold] = 5,
    truth: tuple[ArrayLike, ArrayLike] | None = None,
    decomposition: Decomposition | None = None,
) -> RidgeFit:
    """Fit ridge regression to arrays or DataFrames.

    Parameters and their meaning are those of :func:`regnet.models.ridge.fit_ridge`, with these
    additions.

    Parameters
    ----------
    scores : array_like, DataFrame or MotifScores of shape (n_genes, n_motifs)
        Motif scores, as they are: nothing is scaled.
    expression : array_like, DataFrame, Series or Expression of shape (n_genes, n_conditions)
        Expression. Where both are named, rows are matched by the genes' names, whatever their order.
    decomposition : Decomposition, optional
        Of the scores, rows in their order.

    Returns
    -------
    RidgeFit
        Its arrays are DataFrames (or Series) where scores or expression were.

    Raises
    ------
    InputError
        As the models do, and where the two name different genes, name a gene twice, or hold a cell
        that is no finite number; with the names of gene and column.
    """
    data = _align(scores, expression)
    fit = ridge.fit_ridge(
        data.scores,
        data.expression,
        penalty,
        shared=shared,
        folds=folds,
        truth=_both(data, "truth", truth),
        decomposition=decomposition,
    )
    return _named(fit, data)


def fit_mixed_model(
    scores: ArrayLike | pd.DataFrame,
    expression: ArrayLike | pd.DataFrame | pd.Series[float],
    signal: str | StructureName = "freeform",
    noise: str | StructureName = "random",
    *,
    decomposition: Decomposition | None = None,
    likelihood: Literal["ml", "reml"] = "ml",
    mean: Literal["none", "intercept"] | ArrayLike = "none",
    init: Init = "default",
    truth: tuple[ArrayLike, ArrayLike] | None = None,
    signal_matrix: ArrayLike | None = None,
    noise_matrix: ArrayLike | None = None,
    perturb: bool = False,
    restarts: int = 10,
    perturb_size: float = 1e-3,
    restart_choice: Literal["first", "best"] = "first",
    rng: np.random.Generator | None = None,
    missing: Missing = "exact",
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
    should_stop: Callable[[], bool] | None = None,
) -> MixedModelFit:
    """Fit the linear mixed model vec(Y) ~ N(vec(1μᵀ), V ⊗ MMᵀ + Σ ⊗ I) to arrays or DataFrames.

    Parameters and their meaning are those of :func:`regnet.models.mixed_model.fit_mixed_model`, with
    these additions.

    Parameters
    ----------
    scores : array_like, DataFrame or MotifScores of shape (n_genes, n_motifs)
        Motif scores, as they are: nothing is scaled.
    expression : array_like, DataFrame, Series or Expression of shape (n_genes, n_conditions)
        Expression; NaN where a value is missing. Where both are named, rows are matched by the genes'
        names, whatever their order.
    mean : "none", "intercept", or array_like or DataFrame of shape (n_genes, n_covariates)
        The rows of a DataFrame are matched by the genes' names.
    truth, signal_matrix, noise_matrix : array_like or DataFrame of shape (n_conditions, n_conditions)
        DataFrames are matched by the conditions' names.

    Returns
    -------
    MixedModelFit
        Its arrays are DataFrames where scores or expression were.

    Raises
    ------
    InputError
        As the models do, and where the two name different genes, name a gene twice, or hold a cell
        that is no number; with the names of gene and column.
    """
    from regnet.models import mixed_model

    data = _align(scores, expression, may_miss=True)
    fit = mixed_model.fit_mixed_model(
        data.scores,
        data.expression,
        signal,
        noise,
        decomposition=decomposition,
        likelihood=likelihood,
        mean=mean if isinstance(mean, str) else data.of_genes("mean", mean),
        init=init,
        truth=_both(data, "truth", truth),
        signal_matrix=data.between_conditions("signal_matrix", signal_matrix),
        noise_matrix=data.between_conditions("noise_matrix", noise_matrix),
        perturb=perturb,
        restarts=restarts,
        perturb_size=perturb_size,
        restart_choice=restart_choice,
        rng=rng,
        missing=missing,
        tolerance=tolerance,
        max_iterations=max_iterations,
        should_stop=should_stop,
    )
    return _named(fit, data)


def _both(data: _Aligned, what: str, pair: tuple[Any, Any] | None) -> tuple[Any, Any] | None:
    if pair is None:
        return None
    return data.between_conditions(what, pair[0]), data.between_conditions(what, pair[1])


def _align(scores: Any, expression: Any, *, may_miss: bool = False) -> _Aligned:
    tables = {"scores": _as_table(scores), "expression": _as_table(expression)}
    for what, table in tables.items():
        if _is_table(table):
            _check_genes(what, table)
    first, second = tables["scores"], tables["expression"]
    if _is_table(first) and _is_table(second) and not first.index.equals(second.index):
        _check_same_genes(first, second)
        second = second.loc[first.index]
    matrices = _numbers("scores", first), _numbers("expression", second, may_miss=may_miss)
    named = next((table for table in (first, second) if _is_table(table)), None)
    return _Aligned(
        *matrices,
        genes=None if named is None else named.index,
        motifs=first.columns if _is_table(first) else None,
        conditions=second.columns if _is_table(second) else None,
    )


def _as_table(given: Any) -> Any:
    """Return a Series, MotifScores or Expression as a DataFrame, anything else as it is."""
    return given.to_frame() if hasattr(given, "to_frame") and not hasattr(given, "columns") else given


def _is_table(given: Any) -> bool:
    return hasattr(given, "columns") and hasattr(given, "index")


def _check_genes(what: str, table: Any) -> None:
    if not table.index.is_unique:
        name, count = Counter(table.index).most_common(1)[0]
        found = f"{shown(name)} {count} times"
        raise InputError(what, "genes with distinct names", found, "average or drop the repeats")
    if not table.columns.is_unique:
        name, count = Counter(table.columns).most_common(1)[0]
        raise InputError(what, "columns with distinct names", f"{shown(name)} {count} times")


def _check_same_genes(scores: Any, expression: Any) -> None:
    for what, names, other in (
        ("expression", scores.index.difference(expression.index, sort=False), "scores"),
        ("scores", expression.index.difference(scores.index, sort=False), "expression"),
    ):
        if len(names):
            listed = ", ".join(str(name) for name in names[:3]) + (" …" if len(names) > 3 else "")
            raise InputError(
                what,
                f"the genes of the {other}, by name",
                f"{len(names)} of them missing ({listed})",
                "keep the genes that both have: common = scores.index.intersection(expression.index)",
            )


def _numbers(what: str, given: Any, *, may_miss: bool = False) -> Matrix:
    try:
        matrix = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(what, "numbers", _first_text(given)) from None
    wrong = np.isinf(matrix) if may_miss else ~np.isfinite(matrix)
    if _is_table(given) and wrong.any():
        row, column = np.argwhere(wrong)[0]
        where = f"{what}, gene {shown(given.index[row])}, column {shown(given.columns[column])}"
        remedy = (
            "leave such genes out: table.dropna()" if np.isnan(matrix[row, column]) else "mend or drop it"
        )
        raise InputError(where, "a finite number", str(matrix[row, column]), remedy)
    return matrix


def _first_text(given: Any) -> str:
    """Say which column of a table is not numeric."""
    if _is_table(given):
        for name in given.columns:
            try:
                np.asarray(given[name], dtype=np.float64)
            except (TypeError, ValueError):
                return f"column {shown(name)} of other values"
    return "other values"


def _named(fit: FitT, data: _Aligned) -> FitT:
    """Return the fit with its arrays as DataFrames and Series, where names were given."""
    if data.motifs is None and data.conditions is None:
        return fit
    import pandas as pd

    names = {"motifs": data.motifs, "conditions": data.conditions, "covariates": None}
    changes: dict[str, Any] = {}
    for field, axes in _AXES.items():
        value = getattr(fit, field, None)
        if isinstance(value, np.ndarray) and value.ndim == len(axes):
            labels = [names[axis] for axis in axes]
            changes[field] = pd.Series(value, *labels) if len(axes) == 1 else pd.DataFrame(value, *labels)
    return dataclasses.replace(fit, **changes)  # type: ignore[type-var]
