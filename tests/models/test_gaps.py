"""Is the likelihood of expression with missing values that of the values that are there?"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from regnet.errors import InputError
from regnet.models.decomposition import decompose, rotate
from regnet.models.gaps import Gaps
from regnet.models.kronecker import canonical_basis, evaluate, posterior_effects, spectral_data, to_dense
from regnet.models.mixed_model import fit_mixed_model


def case(n_genes, n_motifs, n_conditions, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.gamma(1.0, size=(n_genes, n_motifs))
    root = rng.normal(size=(n_conditions, n_conditions))
    expression = 0.4 * scores @ rng.normal(size=(n_motifs, n_conditions)) @ root
    expression += rng.normal(size=expression.shape) + 1.0
    missing = rng.uniform(size=expression.shape) < 0.1
    missing[2, :2] = True
    return scores, expression, missing


def covariances(n_conditions, seed=1):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, n_conditions, n_conditions + 2))
    return first @ first.T, second @ second.T


def with_gaps(scores, expression, missing, design=None):
    parts = decompose(scores)
    filled = np.where(missing, 7.0, expression)
    data = spectral_data(parts, rotate(parts, filled, design))
    columns = np.empty((len(scores), 0)) if design is None else design
    return parts, replace(data, gaps=Gaps.of(parts, filled, missing, columns))


def dense_deviance(scores, expression, missing, signal, noise, design=None):
    there = ~missing.T.ravel()
    covariance = to_dense(scores, signal, noise)[np.ix_(there, there)]
    outcome = expression.T.ravel()[there]
    mean = np.zeros(outcome.size)
    if design is not None:
        big = np.kron(np.eye(expression.shape[1]), design)[there]
        solved = np.linalg.solve(covariance, np.column_stack([big, outcome]))
        mean = big @ np.linalg.solve(big.T @ solved[:, :-1], big.T @ solved[:, -1])
    return -2 * multivariate_normal(mean, covariance).logpdf(outcome)


@pytest.mark.parametrize("shape", [(14, 5, 3), (6, 9, 2), (7, 7, 3), (12, 1, 2)])
@pytest.mark.parametrize("has_mean", [False, True])
def test_deviance_and_gradient_are_those_of_the_observed_values(shape, has_mean):
    scores, expression, missing = case(*shape)
    design = np.ones((shape[0], 1)) if has_mean else None
    signal, noise = covariances(shape[2])
    _, data = with_gaps(scores, expression, missing, design)
    basis = canonical_basis(signal, noise)
    found = evaluate(data, basis)
    expected = dense_deviance(scores, expression, missing, signal, noise, design)
    assert found.deviance == pytest.approx(expected, abs=1e-8, rel=1e-9)
    rng = np.random.default_rng(2)
    one, other = (x + x.T for x in rng.normal(size=(2, shape[2], shape[2])))
    slope = np.vdot(found.signal_gradient, basis.weights.T @ one @ basis.weights)
    slope += np.vdot(found.noise_gradient, basis.weights.T @ other @ basis.weights)
    ahead, behind = (
        dense_deviance(scores, expression, missing, signal + t * one, noise + t * other, design)
        for t in (1e-5, -1e-5)
    )
    assert slope == pytest.approx((ahead - behind) / 2e-5, rel=1e-4, abs=1e-4)


def test_effects_and_their_sd_are_conditional_on_the_observed_values_alone():
    scores, expression, missing = case(14, 5, 3)
    signal, noise = covariances(3)
    parts, data = with_gaps(scores, expression, missing)
    effects, sd = posterior_effects(parts, data, canonical_basis(signal, noise))
    there = ~missing.T.ravel()
    link = np.kron(signal, scores.T)[:, there]
    covariance = to_dense(scores, signal, noise)[np.ix_(there, there)]
    mean = link @ np.linalg.solve(covariance, expression.T.ravel()[there])
    rest = np.kron(signal, np.eye(5)) - link @ np.linalg.solve(covariance, link.T)
    np.testing.assert_allclose(effects, mean.reshape(3, -1).T, atol=1e-8)
    np.testing.assert_allclose(sd**2, rest.diagonal().reshape(3, -1).T, atol=1e-8)


@pytest.mark.parametrize("noise", ["random", "diag", "block_diag"])
@pytest.mark.parametrize("mean", ["none", "intercept"])
def test_the_fit_converges_to_the_maximum_for_the_observed_values(noise, mean):
    scores, expression, missing = case(60, 15, 3)
    gaps = np.where(missing, np.nan, expression)
    fit = fit_mixed_model(scores, gaps, noise=noise, mean=mean)
    assert fit.converged
    assert "exact likelihood" in fit.missing
    design = np.ones((60, 1)) if mean == "intercept" else None
    at = dense_deviance(scores, expression, missing, fit.signal_covariance, fit.noise_covariance, design)
    assert fit.log_likelihood == pytest.approx(-0.5 * at, abs=1e-6)
    for factor in (0.98, 1.02):
        near = dense_deviance(
            scores, expression, missing, fit.signal_covariance, factor * fit.noise_covariance, design
        )
        assert near > at


def test_rescaling_rescales_a_fit_with_gaps():
    scores, expression, missing = case(60, 15, 3)
    gaps = np.where(missing, np.nan, expression)
    plain, scaled = fit_mixed_model(scores, gaps), fit_mixed_model(scores, 1e6 * gaps)
    n_values = int((~missing).sum())
    np.testing.assert_allclose(scaled.effects / 1e6, plain.effects, atol=1e-5)
    assert scaled.log_likelihood == pytest.approx(plain.log_likelihood - n_values * np.log(1e6), rel=1e-8)


def test_reml_with_gaps_and_a_condition_without_values_are_refused():
    scores, expression, missing = case(60, 15, 3)
    gaps = np.where(missing, np.nan, expression)
    with pytest.raises(InputError, match="drop or impute"):
        fit_mixed_model(scores, gaps, likelihood="reml", mean="intercept")
    gaps[:, 1] = np.nan
    with pytest.raises(InputError, match="without any"):
        fit_mixed_model(scores, gaps)


@pytest.mark.parametrize("noise", ["random", "diag"])
def test_many_gaps_converge_quickly_and_within_the_iterations_allowed(noise):
    rng = np.random.default_rng(0)
    scores = rng.random((100, 30))
    expression = 0.3 * scores @ rng.standard_normal((30, 5)) + rng.standard_normal((100, 5))
    expression[rng.random((100, 5)) < 0.1] = np.nan
    fit = fit_mixed_model(scores, expression, noise=noise)
    assert fit.converged
    assert fit.n_iterations <= 60
    cut = fit_mixed_model(scores, expression, noise=noise, max_iterations=4)
    assert cut.n_iterations <= 4
    assert cut.stop_reason == "iteration limit"
    assert cut.log_likelihood <= fit.log_likelihood
