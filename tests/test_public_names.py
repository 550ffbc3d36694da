"""The names that other people's scripts rely on work together as documented."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

import regnet


@pytest.fixture(scope="module")
def motifs():
    return regnet.read_motifs("yeast")


@pytest.fixture(scope="module")
def scenario():
    return regnet.Scenario(motifs="yeast", genes=150, tfs=20, conditions=3, signal_fraction=0.4)


@pytest.fixture(scope="module")
def dataset(scenario, motifs):
    return regnet.simulate(scenario, motifs, seed=3, replicate=1)


def test_motif_scores_are_raw_and_named(motifs):
    assert isinstance(motifs, regnet.MotifScores)
    assert motifs.scores.shape == (len(motifs.genes), len(motifs.motifs)) == (5987, 179)
    assert motifs.scores.max() > 10.0


def test_a_data_set_holds_the_truth(dataset, scenario):
    assert isinstance(dataset, regnet.Dataset)
    assert dataset.scenario == scenario
    assert dataset.scores.shape == (150, 20)
    assert dataset.effects.shape == (20, 3)
    assert dataset.expression.shape == (150, 3)
    noise = dataset.expression - dataset.scores @ dataset.effects
    spread = dataset.expression - dataset.expression.mean()
    assert 1.0 - (noise**2).sum() / (spread**2).sum() == pytest.approx(0.4, abs=1e-10)
    # The scale of the effects is part of their covariance: trace s², not 1.
    assert np.trace(dataset.signal_covariance) == pytest.approx(dataset.scale)
    assert np.trace(dataset.noise_covariance) == pytest.approx(1.0)


@pytest.mark.parametrize("penalty", ["gcv", "loo", "kfold", "ml", 10.0])
def test_ridge_is_fitted_and_scored(dataset, penalty):
    fit = regnet.fit_ridge(dataset.scores, dataset.expression, penalty=penalty)
    assert fit.effects.shape == (20, 3)
    assert fit.penalty > 0.0
    values = regnet.score(fit, dataset)
    assert isinstance(values, Mapping)
    assert 0.3 < values["pearson"] <= 1.0


@pytest.mark.parametrize("noise", ["random", "id", "diag"])
def test_a_mixed_model_is_fitted_and_scored(dataset, noise):
    fit = regnet.fit_mixed_model(dataset.scores, dataset.expression, signal="freeform", noise=noise)
    assert fit.effects.shape == fit.effects_sd.shape == (20, 3)
    assert fit.signal_covariance.shape == fit.noise_covariance.shape == (3, 3)
    assert np.isfinite(fit.log_likelihood)
    assert fit.converged
    assert fit.n_iterations >= 1
    assert 0.3 < regnet.score(fit, dataset)["pearson"] <= 1.0


def test_real_expression_is_fitted_by_the_names_of_its_genes(motifs):
    expression = regnet.read_expression("yeast").to_frame()
    expression = expression.fillna(expression.mean())
    scores = motifs.to_frame().loc[expression.index]
    fit = regnet.fit_ridge(scores - scores.mean(), expression - expression.mean())
    assert isinstance(fit.effects, pd.DataFrame)
    assert list(fit.effects.columns) == list(expression.columns)
    # RPN4 and RAP1 regulate two of the three classes that these genes were chosen from.
    scaled = (scores - scores.min()) / np.ptp(scores, axis=0)
    by_range = regnet.fit_ridge(scaled - scaled.mean(), expression - expression.mean()).effects
    strongest = np.sqrt((by_range**2).sum(axis=1)).nlargest(10).index
    assert {name.split("_")[1] for name in strongest} >= {"RPN4", "RAP1"}
