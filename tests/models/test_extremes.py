"""Are fits at the extremes (no signal, tiny data) quick, finite and without warnings?"""

import warnings

import numpy as np
import pytest

from regnet.models.mixed_model import fit_mixed_model


def tiny(n_genes, n_motifs, n_conditions, signal, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.random((n_genes, n_motifs))
    effects = rng.standard_normal((n_motifs, n_conditions))
    noise = rng.standard_normal((n_genes, n_conditions))
    return scores, signal * (scores @ effects) + (noise if signal < np.inf else 0.0)


@pytest.mark.parametrize(
    ("n_genes", "n_motifs", "signal", "mean", "structure"),
    [
        (20, 20, 1.0, "none", "lowrank_2"),
        (12, 12, 100.0, "intercept", "lowrank_2"),
        (20, 20, 0.0, "intercept", "freeform"),
        (21, 20, 0.0, "none", "lowrank_1"),
        (20, 22, 100.0, "none", "freeform"),
    ],
)
def test_tiny_data_warn_of_nothing_and_converge(n_genes, n_motifs, signal, mean, structure):
    for seed in range(8):
        data = tiny(n_genes, n_motifs, 3, signal, seed)
        noise = "random" if n_genes <= n_motifs else "diag"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit = fit_mixed_model(*data, signal=structure, noise=noise, mean=mean)
        assert fit.converged
        assert np.isfinite(fit.log_likelihood)


@pytest.mark.parametrize("structure", ["id", "diagonal", "freeform"])
def test_no_signal_in_a_proportional_pair_is_not_at_infinity(structure):
    for seed in range(6):
        data = tiny(40, 20, 3, 0.0, seed)
        fit = fit_mixed_model(*data, signal=structure, noise="proportional")
        assert fit.converged
        assert fit.n_iterations <= 40
        assert fit.log_likelihood >= of_noise_alone(data[1], structure) - 1e-8


def of_noise_alone(expression, structure):
    """Maximised log-likelihood with V = 0, in closed form."""
    gram = expression.T @ expression / len(expression)
    if structure == "id":
        gram = np.eye(3) * gram.trace() / 3
    elif structure == "diagonal":
        gram = np.diag(gram.diagonal())
    return -0.5 * len(expression) * (3 * np.log(2 * np.pi) + np.linalg.slogdet(gram)[1] + 3)
