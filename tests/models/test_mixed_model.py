"""Does the mixed model's fit find the right answer, and say clearly where there is none?"""

import numpy as np
import pytest

from regnet.errors import InputError
from regnet.models.decomposition import decompose
from regnet.models.mixed_model import NoMaximumError, fit_mixed_model
from regnet.models.ridge import fit_ridge


def simulated(n_genes=80, n_motifs=30, n_conditions=3, seed=0, signal=1.0):
    rng = np.random.default_rng(seed)
    scores = rng.gamma(1.0, size=(n_genes, n_motifs))
    root = rng.normal(size=(n_conditions, n_conditions))
    noise_root = np.eye(n_conditions) + 0.5 * rng.normal(size=(n_conditions, n_conditions))
    effects = signal * 0.3 * rng.normal(size=(n_motifs, n_conditions)) @ root
    expression = scores @ effects + rng.normal(size=(n_genes, n_conditions)) @ noise_root
    return scores, expression, effects


def test_one_condition_is_the_mixed_model_of_one_trait():
    scores, expression, _ = simulated(n_conditions=1)
    fit = fit_mixed_model(scores, expression)
    ratio = fit.noise_covariance[0, 0] / fit.signal_covariance[0, 0]
    ridge = fit_ridge(scores, expression, penalty=ratio)
    np.testing.assert_allclose(fit.effects, ridge.effects, atol=1e-10)
    assert fit.converged
    assert fit.criterion <= 1e-6


def test_noise_proportional_to_signal_gives_the_ridge_estimate():
    scores, expression, _ = simulated()
    fit = fit_mixed_model(scores, expression, noise="proportional")
    ratio = fit.noise_covariance[0, 0] / fit.signal_covariance[0, 0]
    np.testing.assert_allclose(fit.noise_covariance, ratio * fit.signal_covariance, rtol=1e-10)
    ridge = fit_ridge(scores, expression, penalty=ratio)
    np.testing.assert_allclose(fit.effects, ridge.effects, atol=1e-10)


@pytest.mark.parametrize("noise", ["random", "id", "diag", "proportional"])
def test_permuting_conditions_permutes_the_fit(noise):
    scores, expression, _ = simulated()
    order = [2, 0, 1]
    fit = fit_mixed_model(scores, expression, noise=noise)
    other = fit_mixed_model(scores, expression[:, order], noise=noise)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(other.effects, fit.effects[:, order], atol=1e-6)
    np.testing.assert_allclose(
        other.signal_covariance, fit.signal_covariance[np.ix_(order, order)], atol=1e-6
    )


@pytest.mark.parametrize("noise", ["random", "diag"])
@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_rescaling_expression_rescales_the_fit(noise, factor):
    scores, expression, _ = simulated()
    fit = fit_mixed_model(scores, expression, noise=noise)
    other = fit_mixed_model(scores, factor * expression, noise=noise)
    np.testing.assert_allclose(other.effects / factor, fit.effects, atol=1e-6)
    np.testing.assert_allclose(other.effects_sd / factor, fit.effects_sd, atol=1e-6)
    np.testing.assert_allclose(other.noise_covariance / factor**2, fit.noise_covariance, atol=1e-6)
    shift = expression.size * np.log(factor)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood - shift, rel=1e-10)


def test_more_conditions_than_residual_directions_are_refused_with_the_remedy():
    scores, expression, _ = simulated(n_genes=32, n_motifs=30, n_conditions=4)
    with pytest.raises(NoMaximumError, match="diagonal or identity"):
        fit_mixed_model(scores, expression)
    assert fit_mixed_model(scores, expression, noise="diag").converged
    assert fit_mixed_model(scores, expression, noise="id").converged


def test_duplicated_conditions_are_refused():
    scores, expression, _ = simulated()
    with pytest.raises(NoMaximumError, match="residuals of rank 3"):
        fit_mixed_model(scores, expression[:, [0, 1, 2, 0]])


def test_a_constant_condition_with_an_intercept_is_refused():
    scores, expression, _ = simulated()
    expression[:, 1] = 3.0
    with pytest.raises(NoMaximumError):
        fit_mixed_model(scores, expression, mean="intercept")


def test_the_same_fit_is_reproduced_bit_by_bit():
    scores, expression, _ = simulated()
    parts = decompose(scores)
    first = fit_mixed_model(scores, expression, decomposition=parts)
    second = fit_mixed_model(scores, expression, decomposition=parts)
    assert np.array_equal(first.effects, second.effects)
    assert first.log_likelihood == second.log_likelihood


def test_random_starts_without_a_generator_are_refused():
    scores, expression, _ = simulated()
    with pytest.raises(InputError, match="generator"):
        fit_mixed_model(scores, expression, init="random")
