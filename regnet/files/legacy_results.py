"""How are results handed to scripts that were written for the original software's?

As tables under the original's file names, one file a kind of result, all replicates in it: effects as the
mixed model and ridge regression estimate them (``beta_posterior``, ``beta_ridge``: one column a replicate,
in the order of the data set's ``beta``), and one row a replicate of ``Rsquared``, ``KLdivV``,
``KLdivSigma`` and ``Correlation_beta_both`` (Pearson and Spearman). CSV, or ``.npz`` without pickle.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from regnet.atomic_files import write_whole
from regnet.files.legacy_names import LegacyName
from regnet.files.npz import SHARED, cannot_write, write_npz

Floats = npt.NDArray[np.float64]
Ending = Literal["csv", "npz"]

METRIC_OF = {
    ("Rsquared", None): "r2",
    ("KLdivV", None): "kl_signal",
    ("KLdivSigma", None): "kl_noise",
    ("Correlation_beta_both", "pearson"): "pearson",
    ("Correlation_beta_both", "spearman"): "spearman",
}
"""The metric of :data:`regnet.metrics.METRICS` behind each kind of result (and kind of correlation)."""

_OF_LMM_ALONE = ("KLdivV", "KLdivSigma")


@dataclass(frozen=True, eq=False, kw_only=True)
class MethodResults:
    """One method's results on the replicates of one data set.

    Attributes
    ----------
    effects : sequence of ndarray of shape (n_motifs, n_conditions), or None
        Estimated effects by replicate, None where a fit gave none; empty where none were kept.
    metrics : mapping of str to sequence of float
        Values by replicate, NaN where undefined.
    """

    effects: Sequence[Floats | None]
    metrics: Mapping[str, Sequence[float]]


def result_tables(
    name: LegacyName,
    replicates: Sequence[int],
    lmm: MethodResults | None,
    ridge: MethodResults | None,
    *,
    motifs: Sequence[str] = (),
    conditions: Sequence[str] = (),
) -> dict[LegacyName, pd.DataFrame]:
    """Return the original's tables of one data set, by their names.

    Parameters
    ----------
    name : LegacyName
        The data set's parts with those of the fit (``signal_model``, ``noise_model``, ``from_truth``);
        its kind does not matter.
    replicates : sequence of int
        Numbers of the replicates, in the order of the results.
    lmm, ridge : MethodResults, optional
        At least one of the two.
    motifs, conditions : sequence of str
        Names for the rows of effects; numbers from 1 where there are none.

    Returns
    -------
    dict
        Effects where they were kept; every table of metrics that has a value.
    """
    tables: dict[LegacyName, pd.DataFrame] = {}
    for kind, results in (("beta_posterior", lmm), ("beta_ridge", ridge)):
        if results is not None and any(effects is not None for effects in results.effects):
            tables[replace(name, kind=kind)] = _effects_table(results.effects, replicates, motifs, conditions)
    methods = {label: results for label, results in (("LMM", lmm), ("Ridge", ridge)) if results is not None}
    for (kind, correlation), metric in METRIC_OF.items():
        columns = {
            label: results.metrics[metric]
            for label, results in methods.items()
            if metric in results.metrics and (label == "LMM" or kind not in _OF_LMM_ALONE)
        }
        if columns:
            index = pd.Index(list(replicates), name="replicate")
            table = pd.DataFrame({label: list(values) for label, values in columns.items()}, index=index)
            tables[replace(name, kind=kind, correlation=correlation)] = table
    return tables


def write_results(tables: Mapping[LegacyName, pd.DataFrame], folder: Path, ending: Ending) -> list[Path]:
    """Write tables under the original's names; return the files.

    An ``.npz`` holds ``values`` (rows × columns), ``columns`` and the rows' labels under their own
    names (``replicate``, or ``condition`` and ``motif``).

    Raises
    ------
    InputError
        Where a file can't be written.
    """
    written = []
    for name, table in tables.items():
        path = folder / f"{name}.{ending}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if ending == "csv":
                text = io.StringIO()
                table.to_csv(text, float_format="%.17g")
                write_whole(path, text.getvalue(), mode=SHARED)
        except OSError as error:
            raise cannot_write(path, error) from error
        if ending == "npz":
            write_npz(path, _arrays_of(table))
        written.append(path)
    return written


def _effects_table(
    effects: Sequence[Floats | None],
    replicates: Sequence[int],
    motifs: Sequence[str],
    conditions: Sequence[str],
) -> pd.DataFrame:
    n_motifs, n_conditions = next(one.shape for one in effects if one is not None)
    missing = np.full(n_motifs * n_conditions, np.nan)
    columns = {
        number: missing if one is None else one.reshape(-1, order="F")
        for number, one in zip(replicates, effects, strict=True)
    }
    rows = pd.MultiIndex.from_product(
        [conditions or range(1, n_conditions + 1), motifs or range(1, n_motifs + 1)],
        names=["condition", "motif"],
    )
    return pd.DataFrame(columns).set_axis(rows, axis="index")


def _arrays_of(table: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    def plain(labels: pd.Index[Any]) -> npt.NDArray[Any]:
        values = np.asarray(labels)
        return values if values.dtype.kind == "i" else values.astype(str)

    arrays = {"values": table.to_numpy(np.float64), "columns": plain(table.columns)}
    for level in map(str, table.index.names):
        arrays[level] = plain(table.index.get_level_values(level))
    return arrays
