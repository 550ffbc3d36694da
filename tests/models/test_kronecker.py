"""Do the spectral likelihood, gradient, Hessian and posterior agree with the dense model?"""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from regnet.models.decomposition import decompose, rotate
from regnet.models.kronecker import (
    CanonicalBasis,
    canonical_basis,
    evaluate,
    hessian_product,
    posterior_effects,
    spectral_data,
    to_dense,
)

SHAPES = [(12, 5, 3), (6, 9, 2), (7, 7, 3), (10, 3, 1), (9, 1, 2)]


def semidefinite(n_conditions, rank, rng):
    root = rng.normal(size=(n_conditions, rank))
    return root @ root.T


def case(shape, seed=0, signal_rank=None):
    n_genes, n_motifs, n_conditions = shape
    rng = np.random.default_rng(seed)
    scores = rng.gamma(2.0, size=(n_genes, n_motifs))
    expression = rng.normal(size=(n_genes, n_conditions)) + 1.5
    signal = semidefinite(n_conditions, signal_rank or n_conditions, rng)
    noise = semidefinite(n_conditions, n_conditions + 2, rng)
    return scores, expression, signal, noise


def design_for(mean, n_genes, seed=5):
    rng = np.random.default_rng(seed)
    return {
        "none": None,
        "intercept": np.ones((n_genes, 1)),
        "covariates": np.column_stack([np.ones(n_genes), rng.normal(size=n_genes)]),
    }[mean]


def dense_deviance(scores, expression, signal, noise, design=None, restricted=False):
    """−2 log likelihood by a dense multivariate normal, mean by generalised least squares."""
    n_conditions = expression.shape[1]
    covariance = to_dense(scores, signal, noise)
    outcome = expression.T.ravel()
    if design is None:
        return -2 * multivariate_normal(np.zeros(outcome.size), covariance).logpdf(outcome)
    big = np.kron(np.eye(n_conditions), design)
    information = big.T @ np.linalg.solve(covariance, big)
    mean = np.linalg.solve(information, big.T @ np.linalg.solve(covariance, outcome))
    value = -2 * multivariate_normal(big @ mean, covariance).logpdf(outcome)
    if restricted:
        value += np.linalg.slogdet(information)[1] - np.linalg.slogdet(big.T @ big)[1]
        value -= big.shape[1] * np.log(2 * np.pi)
    return value


def spectral(scores, expression, design=None, restricted=False):
    parts = decompose(scores)
    return parts, spectral_data(parts, rotate(parts, expression, design), restricted)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mean", ["none", "intercept", "covariates"])
@pytest.mark.parametrize("restricted", [False, True])
def test_the_deviance_is_that_of_a_dense_multivariate_normal(shape, mean, restricted):
    scores, expression, signal, noise = case(shape)
    design = design_for(mean, shape[0])
    _, data = spectral(scores, expression, design, restricted)
    found = evaluate(data, canonical_basis(signal, noise)).deviance
    expected = dense_deviance(scores, expression, signal, noise, design, restricted)
    assert found == pytest.approx(expected, abs=1e-8, rel=1e-10)


def test_the_deviance_exists_where_the_signal_or_the_noise_is_singular():
    scores, expression, signal, noise = case((12, 5, 3), signal_rank=1)
    _, data = spectral(scores, expression)
    found = evaluate(data, canonical_basis(signal, noise)).deviance
    assert found == pytest.approx(dense_deviance(scores, expression, signal, noise), rel=1e-10)
    scores, expression, noise, signal = case((6, 9, 3), signal_rank=1)
    _, data = spectral(scores, expression)
    found = evaluate(data, canonical_basis(signal, noise)).deviance
    assert found == pytest.approx(dense_deviance(scores, expression, signal, noise), rel=1e-8)
    assert canonical_basis(np.zeros((3, 3)), noise) is None


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mean", ["none", "intercept", "covariates"])
@pytest.mark.parametrize("restricted", [False, True])
def test_the_gradient_is_the_difference_quotient_of_the_dense_deviance(shape, mean, restricted):
    scores, expression, signal, noise = case(shape)
    design = design_for(mean, shape[0])
    _, data = spectral(scores, expression, design, restricted)
    basis = canonical_basis(signal, noise)
    found = evaluate(data, basis)
    rng = np.random.default_rng(1)
    for _ in range(3):
        one, other = (0.5 * (x + x.T) for x in rng.normal(size=(2, *signal.shape)))
        slope = np.vdot(found.signal_gradient, basis.weights.T @ one @ basis.weights)
        slope += np.vdot(found.noise_gradient, basis.weights.T @ other @ basis.weights)
        size = 1e-5
        ahead, behind = (
            dense_deviance(scores, expression, signal + t * one, noise + t * other, design, restricted)
            for t in (size, -size)
        )
        quotient = (ahead - behind) / (2 * size)
        assert slope == pytest.approx(quotient, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mean", ["none", "intercept", "covariates"])
@pytest.mark.parametrize("restricted", [False, True])
def test_the_hessian_product_is_the_difference_quotient_of_the_gradient(shape, mean, restricted):
    scores, expression, signal, noise = case(shape)
    _, data = spectral(scores, expression, design_for(mean, shape[0]), restricted)
    basis = canonical_basis(signal, noise)
    n_conditions = shape[2]
    rng = np.random.default_rng(1)
    change = rng.normal(size=(2, n_conditions, n_conditions))
    change = (change + change.transpose(0, 2, 1)) / 2
    product = hessian_product(data, basis, evaluate(data, basis), change.reshape(-1, n_conditions))

    def gradient(size):
        moved = canonical_basis(
            signal + size * basis.loadings @ change[0] @ basis.loadings.T,
            noise + size * basis.loadings @ change[1] @ basis.loadings.T,
        )
        there = evaluate(data, moved)
        back = moved.weights.T @ basis.loadings
        return np.vstack([back.T @ there.signal_gradient @ back, back.T @ there.noise_gradient @ back])

    quotient = (gradient(1e-6) - gradient(-1e-6)) / 2e-6
    np.testing.assert_allclose(product, quotient, rtol=1e-4, atol=1e-4 * np.abs(product).max())


def test_the_expected_hessian_is_the_mean_of_the_observed_one():
    scores, _, signal, noise = case((9, 4, 2))
    basis = canonical_basis(signal, noise)
    rng = np.random.default_rng(2)
    change = np.array([[1.0, 0.5], [0.5, -0.3], [0.2, -0.1], [-0.1, 0.6]])
    root = np.linalg.cholesky(to_dense(scores, signal, noise))
    parts = decompose(scores)
    observed = []
    for _ in range(3000):
        expression = (root @ rng.normal(size=18)).reshape(2, 9).T
        data = spectral_data(parts, rotate(parts, expression))
        likelihood = evaluate(data, basis)
        observed.append(np.vdot(change, hessian_product(data, basis, likelihood, change)))
    vv, vs, ss = likelihood.expected
    signal_change, noise_change = change[:2], change[2:]
    expected = np.vdot(signal_change, vv * signal_change + 2 * vs * noise_change)
    expected += np.vdot(noise_change, ss * noise_change)
    error = np.std(observed) / np.sqrt(len(observed))
    assert abs(np.mean(observed) - expected) < 4 * error
    assert error < 0.05 * expected


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("signal_rank", [1, None])
def test_posterior_mean_and_sd_are_those_of_the_dense_conditional_normal(shape, signal_rank):
    scores, expression, signal, noise = case(shape, signal_rank=signal_rank)
    parts, data = spectral(scores, expression)
    effects, sd = posterior_effects(parts, data, canonical_basis(signal, noise))
    prior = np.kron(signal, np.eye(shape[1]))
    link = np.kron(signal, scores.T)
    covariance = to_dense(scores, signal, noise)
    mean = link @ np.linalg.solve(covariance, expression.T.ravel())
    rest = prior - link @ np.linalg.solve(covariance, link.T)
    np.testing.assert_allclose(effects, mean.reshape(shape[2], -1).T, atol=1e-8)
    np.testing.assert_allclose(sd**2, rest.diagonal().reshape(shape[2], -1).T, atol=1e-8)


def test_a_basis_gives_back_both_covariances_exactly_semidefinite():
    _, _, signal, noise = case((12, 5, 3), signal_rank=1)
    basis = canonical_basis(signal, noise)
    assert isinstance(basis, CanonicalBasis)
    np.testing.assert_allclose(basis.signal_covariance, signal, atol=1e-12)
    np.testing.assert_allclose(basis.noise_covariance, noise, atol=1e-12)
    np.testing.assert_allclose(basis.weights.T @ basis.loadings, np.eye(3), atol=1e-12)
