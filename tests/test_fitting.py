"""Fits to DataFrames keep names, match genes by name, and refuse what does not match."""

import inspect

import numpy as np
import pandas as pd
import pytest

import regnet
from regnet import fitting
from regnet.errors import InputError
from regnet.files.motifs import motif_scores
from regnet.models import mixed_model, ridge
from regnet.scenario import Scenario
from regnet.simulation import simulate
from regnet.synthetic_motifs import synthetic_motifs

FITS = {"ridge": fitting.fit_ridge, "mixed model": fitting.fit_mixed_model}


@pytest.fixture(scope="module")
def dataset():
    return simulate(Scenario(genes=50, tfs=8, conditions=3), synthetic_motifs(50, 8, seed=2), seed=2)


@pytest.fixture(scope="module")
def tables(dataset):
    scores = pd.DataFrame(dataset.scores, index=dataset.genes, columns=dataset.motifs)
    expression = pd.DataFrame(dataset.expression, index=dataset.genes, columns=["heat", "cold", "salt"])
    return scores, expression


def _equal(first, second):
    np.testing.assert_allclose(np.asarray(first), np.asarray(second), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_arrays_stay_arrays(dataset, fit):
    found = fit(dataset.scores, dataset.expression)
    assert type(found.effects) is np.ndarray
    assert found.effects.shape == (8, 3)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_names_go_in_and_names_come_out(dataset, tables, fit):
    plain, named = fit(dataset.scores, dataset.expression), fit(*tables)
    assert list(named.effects.index) == list(dataset.motifs)
    assert list(named.effects.columns) == ["heat", "cold", "salt"]
    _equal(named.effects, plain.effects)


def test_a_mixed_models_covariances_and_deviations_have_names(tables):
    fit = fitting.fit_mixed_model(*tables, mean="intercept")
    for covariance in (fit.signal_covariance, fit.noise_covariance):
        assert list(covariance.index) == list(covariance.columns) == ["heat", "cold", "salt"]
    assert list(fit.effects_sd.index) == list(tables[0].columns)
    assert list(fit.mean.columns) == ["heat", "cold", "salt"]


def test_separate_penalties_have_the_conditions_names(tables):
    fit = fitting.fit_ridge(*tables, shared=False)
    assert list(fit.penalty.index) == ["heat", "cold", "salt"]
    assert isinstance(fitting.fit_ridge(*tables).penalty, float)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_genes_are_matched_by_name_whatever_their_order(tables, fit):
    scores, expression = tables
    shuffled = expression.sample(frac=1.0, random_state=1)
    assert list(shuffled.index) != list(expression.index)
    _equal(fit(scores, shuffled).effects, fit(scores, expression).effects)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_one_table_and_one_array_are_matched_by_their_order(dataset, tables, fit):
    scores, expression = tables
    of_motifs = fit(scores, dataset.expression).effects
    assert list(of_motifs.index) == list(scores.columns)
    assert list(of_motifs.columns) == [0, 1, 2]
    assert list(fit(dataset.scores, expression).effects.columns) == ["heat", "cold", "salt"]


def test_a_series_is_expression_in_one_condition(tables):
    scores, expression = tables
    found = fitting.fit_ridge(scores, expression["cold"], 3.0).effects
    assert list(found.columns) == ["cold"]
    _equal(found["cold"], fitting.fit_ridge(scores, expression, 3.0).effects["cold"])


def test_motif_scores_can_be_fitted_as_they_are_read(dataset, tables):
    table = motif_scores(tables[0])
    _equal(fitting.fit_ridge(table, tables[1], 3.0).effects, fitting.fit_ridge(*tables, 3.0).effects)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_scores_of_a_named_fit_are_those_of_the_plain_one(dataset, tables, fit):
    scores, expression = tables
    named = expression.set_axis(list(dataset.conditions), axis=1)
    shuffled = fit(scores[list(scores.columns[::-1])], named[list(named.columns[::-1])])
    plain = fit(dataset.scores, dataset.expression)
    first, second = regnet.score(shuffled, dataset), regnet.score(plain, dataset)
    # Two paths of an optimiser to one optimum.
    for name in ("pearson", "rmse", "r2", "spearman"):
        assert first[name] == pytest.approx(second[name], rel=1e-3), name


# ---- what does not match -----------------------------------------------------------------------------


def _message(scores, expression):
    with pytest.raises(InputError) as caught:
        fitting.fit_ridge(scores, expression)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_genes_that_the_other_table_lacks_are_named(tables):
    scores, expression = tables
    message = _message(scores, expression.drop(index=["gene_1", "gene_7", "gene_8", "gene_9"]))
    assert "expression: wanted the genes of the scores, by name" in message
    names = [name for name in scores.index if name in ("gene_1", "gene_7", "gene_8", "gene_9")]
    assert f"4 of them missing ({', '.join(names[:3])} …)" in message
    assert "scores.index.intersection(expression.index)" in message
    assert "scores: wanted the genes of the expression" in _message(scores.drop(index="gene_3"), expression)


def test_names_that_stand_twice_are_refused(tables):
    scores, expression = tables
    twice = pd.concat([expression, expression.loc[["gene_2"]]])
    assert "expression: wanted genes with distinct names, found 'gene_2' 2 times" in _message(scores, twice)
    doubled = scores.rename(columns={"motif_2": "motif_1"})
    assert "scores: wanted columns with distinct names, found 'motif_1' 2 times" in _message(
        doubled, expression
    )


def test_a_missing_value_is_named_by_gene_and_column(tables):
    scores, expression = tables
    hole = expression.copy()
    hole.loc["gene_5", "cold"] = np.nan
    assert "expression, gene 'gene_5', column 'cold': wanted a finite number, found nan" in _message(
        scores, hole
    )


def test_a_mixed_model_takes_missing_values_but_not_infinite_ones(tables):
    scores, expression = tables
    hole = expression.copy()
    hole.loc["gene_5", "cold"] = np.nan
    for missing in ("exact", "drop", "impute"):
        fit = fitting.fit_mixed_model(scores, hole, missing=missing)
        assert np.isfinite(fit.effects.to_numpy()).all()
    hole.loc["gene_6", "heat"] = np.inf
    with pytest.raises(InputError, match=r"expression, gene 'gene_6', column 'heat': .* found inf"):
        fitting.fit_mixed_model(scores, hole, missing="drop")


def test_covariances_and_covariates_are_matched_by_name(dataset, tables):
    scores, expression = tables
    names = ["heat", "cold", "salt"]
    truth = [pd.DataFrame(c, names, names) for c in (dataset.signal_covariance, dataset.noise_covariance)]
    covariate = pd.DataFrame({"gc": np.linspace(0.0, 1.0, 50)}, index=scores.index)
    plain = fitting.fit_mixed_model(
        dataset.scores,
        dataset.expression,
        "truth",
        "fixed",
        truth=tuple(np.asarray(c) for c in truth),
        noise_matrix=np.asarray(truth[1]),
        mean=covariate.to_numpy(),
    )
    turned = [c.loc[names[::-1], names[::-1]] for c in truth]
    named = fitting.fit_mixed_model(
        scores,
        expression,
        "truth",
        "fixed",
        truth=tuple(turned),
        noise_matrix=turned[1],
        mean=covariate[::-1],
    )
    _equal(named.effects, plain.effects)
    _equal(named.mean, plain.mean)
    with pytest.raises(InputError, match="noise_matrix: wanted the expression's conditions, by name"):
        fitting.fit_mixed_model(
            scores, expression, noise="fixed", noise_matrix=truth[0].rename(index={"salt": "x"})
        )
    with pytest.raises(
        InputError, match="mean: wanted the genes of the scores, by name, found none named 'gene_1'"
    ):
        fitting.fit_mixed_model(scores, expression, mean=covariate.drop(index="gene_1"))


def test_a_column_of_words_is_named(tables):
    scores, expression = tables
    assert "expression: wanted numbers, found column 'class' of other values" in _message(
        scores, expression.assign(**{"class": "ribosome"})
    )
    assert "scores: wanted numbers, found other values" in _message([["a"]], expression)


def test_arrays_of_other_numbers_of_genes_are_refused(dataset):
    assert "one row for each of 50 genes" in _message(dataset.scores, dataset.expression[:-1])


# ---- the two layers agree ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "plain"),
    [(fitting.fit_ridge, ridge.fit_ridge), (fitting.fit_mixed_model, mixed_model.fit_mixed_model)],
)
def test_every_option_of_a_model_can_be_given_for_tables_with_the_same_default(named, plain):
    first, second = (inspect.signature(function).parameters for function in (named, plain))
    assert list(first) == list(second)
    assert [p.default for p in first.values()] == [p.default for p in second.values()]
    assert [p.kind for p in first.values()] == [p.kind for p in second.values()]
