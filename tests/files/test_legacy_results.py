"""Results go out under the original's names, and hold what the fits gave."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from regnet.files.legacy_names import name_of, parse_name
from regnet.files.legacy_results import MethodResults, result_tables, write_results
from regnet.files.npz import read_npz

NAME = name_of(
    "beta_posterior",
    conditions=2,
    genes=50,
    tfs=3,
    covariance="random",
    replicates=2,
    noise="identityV",
    noise_fraction=0.7,
    signal_fraction=0.125,
    signal_model="freeform",
    noise_model="freeform",
)
LMM_EFFECTS = [np.arange(6.0).reshape(3, 2), None]
RIDGE_EFFECTS = [np.arange(6.0).reshape(3, 2) / 3, -np.arange(6.0).reshape(3, 2)]
LMM = MethodResults(
    effects=LMM_EFFECTS,
    metrics={
        "r2": [0.5, np.nan],
        "kl_signal": [0.1, np.nan],
        "kl_noise": [0.2, np.nan],
        "pearson": [0.9, np.nan],
        "spearman": [0.8, np.nan],
    },
)
RIDGE = MethodResults(
    effects=RIDGE_EFFECTS,
    metrics={"r2": [0.4, 0.3], "pearson": [0.7, 0.6], "spearman": [0.65, 0.55], "kl_signal": [np.nan] * 2},
)
PARTS = "Sigma_identityV_fracS_70_limixE_random"
REST = "R2method_mean_V_mean_M_frac_12.5"
EFFECTS = f"C_2_G_50_TF_3_V_freeform_limixV_freeform_rep_2_{PARTS}_{REST}"
ACCURACY = f"C_2_G_50_TF_3_rep_2_{PARTS}_V_freeform_limixV_freeform_{REST}"


def test_every_kind_of_result_has_the_originals_name() -> None:
    tables = result_tables(NAME, [0, 1], LMM, RIDGE)
    assert {str(name) for name in tables} == {
        f"beta_posterior_{EFFECTS}",
        f"beta_ridge_{EFFECTS}",
        f"Rsquared_{ACCURACY}",
        f"KLdivV_{ACCURACY}",
        f"KLdivSigma_{ACCURACY}",
        f"Correlation_beta_both_{EFFECTS}_corr_pearson",
        f"Correlation_beta_both_{EFFECTS}_corr_spearman",
    }


def test_effects_stand_in_the_order_of_the_data_sets_beta() -> None:
    tables = {name.kind: table for name, table in result_tables(NAME, [0, 1], LMM, RIDGE).items()}
    for kind, effects in (("beta_posterior", LMM_EFFECTS), ("beta_ridge", RIDGE_EFFECTS)):
        for number, wanted in enumerate(effects):
            column = tables[kind][number].to_numpy()
            if wanted is None:
                assert np.isnan(column).all()
            else:
                np.testing.assert_array_equal(column.reshape(3, 2, order="F"), wanted)
    assert list(tables["KLdivV"].columns) == ["LMM"]
    assert list(tables["Rsquared"].columns) == ["LMM", "Ridge"]


def test_without_arrays_or_without_a_mixed_model_the_rest_remains() -> None:
    bare = MethodResults(effects=[], metrics=RIDGE.metrics)
    kinds = {name.kind for name in result_tables(NAME, [0, 1], None, bare)}
    assert kinds == {"Rsquared", "Correlation_beta_both"}


@pytest.mark.parametrize("ending", ["csv", "npz"])
def test_files_are_read_back_with_every_digit(tmp_path: Path, ending: str) -> None:
    tables = result_tables(NAME, [0, 1], LMM, RIDGE, motifs=["a", "b", "c"])
    written = write_results(tables, tmp_path / "new", ending)
    assert [parse_name(path) for path in written] == list(tables)
    for path, table in zip(written, tables.values(), strict=True):
        if ending == "csv":
            heading, *lines = csv.reader(path.read_text().splitlines())
            labels = table.index.nlevels
            numbers = [[float(cell or "nan") for cell in line[labels:]] for line in lines]
            np.testing.assert_array_equal(numbers, table.to_numpy())
            assert heading[labels:] == list(map(str, table.columns))
        else:
            arrays = read_npz(path)
            np.testing.assert_array_equal(arrays["values"], table.to_numpy())
            assert list(map(str, arrays["columns"])) == list(map(str, table.columns))
            rows = {"motif", "condition"} if table.index.nlevels == 2 else {"replicate"}
            assert set(arrays) == {"values", "columns", *rows}
