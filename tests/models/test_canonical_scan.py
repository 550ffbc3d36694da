"""Does the scan of single traits know their likelihood, and does the start use it?"""

import numpy as np
import pytest

from regnet.models.canonical_scan import proportional_start, rescan, scan, share_grid, trait_deviances
from regnet.models.decomposition import decompose, rotate
from regnet.models.kronecker import CanonicalBasis, canonical_basis, evaluate, spectral_data

MEANS = ["none", "ml", "reml"]
"""No mean, or an intercept and a covariate with either likelihood."""


def case(n_genes=40, n_motifs=12, n_conditions=3, seed=0, mean="none"):
    rng = np.random.default_rng(seed)
    scores = rng.gamma(1.0, size=(n_genes, n_motifs))
    expression = 0.3 * scores @ rng.normal(size=(n_motifs, n_conditions))
    expression += rng.normal(size=expression.shape)
    parts = decompose(scores)
    if mean == "none":
        return spectral_data(parts, rotate(parts, expression))
    design = np.column_stack([np.ones(n_genes), rng.normal(size=n_genes)])
    return spectral_data(parts, rotate(parts, expression + 3.0, design), mean == "reml")


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("shape", [(40, 12, 3), (8, 12, 3)])
def test_deviances_of_single_traits_add_up_to_the_deviance_of_all(shape, mean):
    data = case(*shape, mean=mean)
    basis = canonical_basis(0.01 * np.eye(3) + 0.02, np.diag([1.0, 2.0, 3.0]))
    traits = data.rotated @ basis.weights
    lost = data.covariates.shape[1] if data.restricted else 0
    constant = (data.n_genes - lost) * (3 * np.log(2 * np.pi) + 2 * np.linalg.slogdet(basis.loadings)[1])
    if data.restricted:
        gram = data.covariates.T @ data.covariates + data.residual_covariate_gram
        constant -= 3 * np.linalg.slogdet(gram)[1]
    total = trait_deviances(data, basis, traits).sum() + constant
    assert total == pytest.approx(evaluate(data, basis).deviance, rel=1e-12)


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("shape", [(40, 12, 3), (8, 12, 3)])
def test_the_scan_gives_each_share_its_likeliest_scale(shape, mean):
    data = case(*shape, mean=mean)
    grid = share_grid(data)
    basis = canonical_basis(0.01 * np.eye(3), np.eye(3))
    values, scales = scan(data, basis, grid, data.rotated @ basis.weights)
    assert (1.0 in grid.shares) == (data.n_residual == 0)
    for position in (0, 9, 20):
        share, scale = grid.shares[position], np.sqrt(scales[position])

        def at(factor, share=share, scale=scale):
            moved = CanonicalBasis(
                basis.weights / (factor * scale),
                basis.loadings * factor * scale,
                np.full(3, share),
                np.full(3, 1 - share),
            )
            lost = data.covariates.shape[1] if data.restricted else 0
            change = 2 * (data.n_genes - lost) * np.log(factor * scale)
            return trait_deviances(data, moved, data.rotated @ moved.weights) + change

        np.testing.assert_allclose(at(1.0), values[position], rtol=1e-10)
        assert (at(1.05) > values[position]).all()
        assert (at(0.95) > values[position]).all()


def test_the_start_is_likelier_than_every_proportional_pair_of_the_grid():
    data = case()
    grid = share_grid(data)
    start = evaluate(data, proportional_start(data, grid)).deviance
    total = (data.rotated.T @ data.rotated + data.residual_gram) / data.n_genes
    for ratio in np.logspace(-4, 2, 20):
        weighted = data.rotated.T @ (data.rotated / (1 + ratio * data.squares)) + data.residual_gram
        noise = weighted / data.n_genes
        assert start <= evaluate(data, canonical_basis(ratio * noise, noise)).deviance + 2.0
    assert start < evaluate(data, canonical_basis(1e-3 * total, total)).deviance


@pytest.mark.parametrize("mean", MEANS)
def test_a_rescan_never_makes_a_pair_less_likely_and_respects_null_traits(mean):
    data = case(mean=mean)
    grid = share_grid(data)
    basis = canonical_basis(5.0 * np.eye(3), 50.0 * np.eye(3))
    moved, traits = rescan(data, basis, grid, data.rotated @ basis.weights)
    assert evaluate(data, moved).deviance < evaluate(data, basis).deviance
    np.testing.assert_allclose(traits, data.rotated @ moved.weights, atol=1e-12)
    none = CanonicalBasis(basis.weights, basis.loadings, np.zeros(3), np.ones(3))
    kept, _ = rescan(data, none, grid, data.rotated @ basis.weights, may_add=False)
    assert not kept.signal.any()
