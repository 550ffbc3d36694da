"""Metrics against scipy, against cases whose answer is known, and where they are not defined."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from regnet.errors import InputError
from regnet.metrics import METRICS
from regnet.models.ridge import RidgeFit, fit_ridge
from regnet.scenario import Scenario
from regnet.scoring import score
from regnet.simulation import simulate
from regnet.synthetic_motifs import synthetic_motifs


@dataclass(frozen=True)
class MixedFit:
    """A fit with all that a mixed model has."""

    effects: Any
    effects_sd: Any
    signal_covariance: Any
    noise_covariance: Any
    mean: Any = None
    log_likelihood: float = -12.5
    converged: bool = True
    n_iterations: int = 7
    at_boundary: bool = False


@pytest.fixture(scope="module")
def dataset():
    motifs = synthetic_motifs(80, 30, seed=1, n_reserved=40)
    return simulate(Scenario(genes=80, tfs=30, conditions=3), motifs, seed=1, held_out=40)


def _perfect(dataset, **changes):
    fit = MixedFit(
        dataset.effects,
        np.full_like(dataset.effects, 0.1),
        dataset.signal_covariance,
        dataset.noise_covariance,
    )
    return replace(fit, **changes)


def _ridge(effects):
    return RidgeFit(effects, 1.0, "fixed", False, 1.0)


def test_every_metric_but_the_time_is_in_a_score(dataset):
    names = {metric.name for metric in METRICS}
    assert set(score(_perfect(dataset), dataset)) == names - {"seconds"}


def test_the_truth_scores_perfectly(dataset):
    values = score(_perfect(dataset), dataset)
    for name in ("pearson", "pearson_by_condition", "spearman", "spearman_by_condition", "top_motifs"):
        assert values[name] == pytest.approx(1.0, abs=1e-12)
    for name, value in values.items():
        if name.startswith(("kl_", "frobenius_", "rmse")):
            assert value == pytest.approx(0.0, abs=1e-12), name
    assert values["coverage"] == 1.0
    assert values["r2"] == pytest.approx(dataset.signal_fraction, abs=1e-12)
    assert (values["log_likelihood"], values["converged"], values["iterations"]) == (-12.5, 1.0, 7.0)
    assert values["at_boundary"] == 0.0
    assert math.isnan(values["penalty"])


def test_the_opposite_of_the_truth_scores_worst(dataset):
    values = score(_ridge(-dataset.effects), dataset)
    for name in ("pearson", "pearson_by_condition", "spearman", "spearman_by_condition"):
        assert values[name] == pytest.approx(-1.0, abs=1e-12)
    assert values["top_motifs"] == 1.0  # strength has no sign
    assert values["rmse"] == pytest.approx(2.0 * np.sqrt(np.mean(dataset.effects**2)))


@pytest.mark.parametrize("tied", [False, True])
def test_correlations_agree_with_scipy(dataset, tied):
    estimate = dataset.effects + 0.1 * np.random.default_rng(0).standard_normal(dataset.effects.shape)
    if tied:
        estimate = np.round(estimate, 1)
    values = score(_ridge(estimate), dataset)
    truth = dataset.effects
    columns = range(truth.shape[1])
    assert values["pearson"] == pytest.approx(stats.pearsonr(truth.ravel(), estimate.ravel())[0])
    assert values["spearman"] == pytest.approx(stats.spearmanr(truth.ravel(), estimate.ravel())[0])
    assert values["pearson_by_condition"] == pytest.approx(
        np.mean([stats.pearsonr(truth[:, c], estimate[:, c])[0] for c in columns])
    )
    assert values["spearman_by_condition"] == pytest.approx(
        np.mean([stats.spearmanr(truth[:, c], estimate[:, c])[0] for c in columns])
    )


def test_scale_and_shift_do_not_change_correlations(dataset):
    estimate = dataset.effects + np.random.default_rng(0).standard_normal(dataset.effects.shape)
    first, second = (score(_ridge(e), dataset) for e in (estimate, 5.0 + 1e-3 * estimate))
    for name in ("pearson", "pearson_by_condition", "spearman", "spearman_by_condition"):
        assert first[name] == pytest.approx(second[name], rel=1e-9)


@pytest.mark.parametrize(("top", "expected"), [(1, 1.0), (2, 0.5), (4, 0.75), (30, 1.0), (1000, 1.0)])
def test_recovery_counts_the_strongest_motifs_over_all_conditions(dataset, top, expected):
    strength = np.arange(30, 0, -1.0)
    truth = replace(dataset, effects=np.outer(strength, [0.6, -0.8, 0.0]))
    # The second strongest motif is lost: it becomes the weakest.
    estimated = np.where(np.arange(30) == 1, 0.1, strength)
    assert score(_ridge(np.outer(estimated, [0.0, 0.1, 0.1])), truth, top=top)["top_motifs"] == expected


def test_coverage_counts_the_effects_inside_their_intervals(dataset):
    errors = np.zeros_like(dataset.effects)
    errors[:15] = 1.97
    errors[15:] = -1.95
    fit = _perfect(dataset, effects=dataset.effects + errors, effects_sd=np.ones_like(errors))
    assert score(fit, dataset)["coverage"] == 0.5


def test_held_out_r2_is_computed_on_the_held_out_genes(dataset):
    estimate = 0.5 * dataset.effects
    outcome, prediction = dataset.held_out_expression, dataset.held_out_scores @ estimate
    expected = 1.0 - ((outcome - prediction) ** 2).sum() / ((outcome - outcome.mean()) ** 2).sum()
    assert score(_ridge(estimate), dataset)["r2_held_out"] == pytest.approx(expected)


def test_an_intercept_is_part_of_the_prediction(dataset):
    shift = np.array([1.0, -2.0, 3.0])
    moved = replace(
        dataset,
        expression=dataset.expression + shift,
        held_out_expression=dataset.held_out_expression + shift,
    )
    values = score(_perfect(dataset, mean=shift[None, :]), moved)
    total = ((moved.expression - moved.expression.mean()) ** 2).sum()
    noise = ((dataset.expression - dataset.scores @ dataset.effects) ** 2).sum()
    assert values["r2"] == pytest.approx(1.0 - noise / total)
    assert values["r2_held_out"] > score(_perfect(dataset), moved)["r2_held_out"]


def test_the_divergence_is_that_of_two_normal_distributions(dataset):
    rng = np.random.default_rng(0)
    root = rng.standard_normal((3, 3))
    estimate, truth = root @ root.T, dataset.signal_covariance
    added = 1e-4 * np.trace(truth) / 3 * np.eye(3)
    first, second = estimate + added, truth + added
    expected = 0.5 * (
        np.trace(np.linalg.solve(second, first))
        - 3
        + np.linalg.slogdet(second)[1]
        - np.linalg.slogdet(first)[1]
    )
    values = score(_perfect(dataset, signal_covariance=estimate), dataset)
    assert values["kl_signal_unscaled"] == pytest.approx(expected, rel=1e-9)
    assert values["frobenius_signal_unscaled"] == pytest.approx(
        np.linalg.norm(estimate - truth) / np.linalg.norm(truth)
    )


def test_scaled_covariance_errors_do_not_see_the_scale(dataset):
    fit = _perfect(
        dataset,
        signal_covariance=7.0 * dataset.signal_covariance,
        noise_covariance=0.1 * dataset.noise_covariance,
    )
    values = score(fit, dataset)
    for what in ("signal", "noise"):
        assert values[f"kl_{what}"] == pytest.approx(0.0, abs=1e-9)
        assert values[f"frobenius_{what}"] == pytest.approx(0.0, abs=1e-9)
        assert values[f"kl_{what}_unscaled"] > 0.1
    assert values["frobenius_signal_unscaled"] == pytest.approx(6.0)
    assert values["frobenius_noise_unscaled"] == pytest.approx(0.9)


def test_a_singular_estimate_has_a_finite_divergence(dataset):
    values = score(_perfect(dataset, signal_covariance=np.ones((3, 3))), dataset)
    assert 0.0 < values["kl_signal"] < np.inf


def test_an_estimated_covariance_of_zero_has_errors_unscaled_only(dataset):
    values = score(_perfect(dataset, signal_covariance=np.zeros((3, 3))), dataset)
    assert math.isnan(values["kl_signal"])
    assert math.isnan(values["frobenius_signal"])
    assert np.isfinite(values["kl_signal_unscaled"])
    assert values["frobenius_signal_unscaled"] == pytest.approx(1.0)


def test_what_a_ridge_fit_does_not_have_is_undefined(dataset):
    values = score(fit_ridge(dataset.scores, dataset.expression), dataset)
    undefined = {name for name, value in values.items() if math.isnan(value)}
    assert undefined == {
        name
        for name in values
        if name.startswith(("kl_", "frobenius_"))
        or name in ("coverage", "log_likelihood", "converged", "iterations")
    }


def test_without_effects_correlations_are_undefined_and_r2_is_not():
    motifs = synthetic_motifs(50, 10, seed=1)
    dataset = simulate(Scenario(genes=50, tfs=10, signal_fraction=0.0), motifs)
    values = score(_perfect(dataset, effects=dataset.effects + 0.1), dataset)
    for name in ("pearson", "spearman", "pearson_by_condition", "spearman_by_condition", "top_motifs"):
        assert math.isnan(values[name]), name
    for name in ("kl_signal", "kl_signal_unscaled", "frobenius_signal_unscaled", "r2_held_out"):
        assert math.isnan(values[name]), name
    assert np.isfinite(values["r2"])
    assert values["rmse"] == pytest.approx(0.1)


def test_estimates_of_zero_have_no_correlation_and_explain_nothing_beyond_the_mean(dataset):
    values = score(_ridge(np.zeros_like(dataset.effects)), dataset)
    assert math.isnan(values["pearson"])
    assert math.isnan(values["top_motifs"])
    assert values["r2"] <= 0.0


def test_separate_penalties_are_scored_by_their_geometric_mean(dataset):
    fit = replace(_ridge(dataset.effects), penalty=np.array([1.0, 10.0, 100.0]))
    assert score(fit, dataset)["penalty"] == pytest.approx(10.0)


def test_a_fit_with_names_in_another_order_scores_the_same(dataset):
    rng = np.random.default_rng(0)
    noisy = dataset.effects + 0.1 * rng.standard_normal(dataset.effects.shape)
    root = rng.standard_normal((3, 3))
    plain = _perfect(dataset, effects=noisy, signal_covariance=root @ root.T, mean=np.array([[1.0, 2, 3]]))
    conditions, motifs = list(dataset.conditions), list(dataset.motifs)
    effects = pd.DataFrame(noisy, index=motifs, columns=conditions)
    covariances = {
        name: pd.DataFrame(getattr(plain, name), index=conditions, columns=conditions)
        for name in ("signal_covariance", "noise_covariance")
    }
    turned, mixed = conditions[::-1], motifs[::-1]
    named = MixedFit(
        effects.loc[mixed, turned],
        pd.DataFrame(plain.effects_sd, index=motifs, columns=conditions).loc[mixed, turned],
        **{name: table.loc[turned, turned] for name, table in covariances.items()},
        mean=pd.DataFrame(plain.mean, columns=conditions)[turned],
    )
    assert score(named, dataset) == pytest.approx(score(plain, dataset), nan_ok=True)


def test_a_fit_to_other_motifs_is_refused(dataset):
    frame = pd.DataFrame(dataset.effects, index=[f"other_{n}" for n in range(30)])
    with pytest.raises(InputError, match=r"effects: wanted the data set's 30 motifs"):
        score(_ridge(frame), dataset)
    with pytest.raises(InputError, match=r"effects: wanted an array of shape \(30, 3\)"):
        score(_ridge(dataset.effects[:-1]), dataset)


def test_no_strongest_motifs_cannot_be_scored(dataset):
    with pytest.raises(InputError, match="top: wanted a whole number of at least 1, found 0"):
        score(_perfect(dataset), dataset, top=0)


def test_a_mean_of_several_covariates_cannot_be_predicted_from(dataset):
    with pytest.raises(InputError, match="fit: wanted a mean of none or an intercept, found one of 2"):
        score(_perfect(dataset, mean=np.zeros((2, 3))), dataset)
    assert score(_perfect(dataset, mean=np.zeros((0, 3))), dataset)["r2"] > 0.0
