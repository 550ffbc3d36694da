"""Does the climb of structured covariances reach a maximum in few steps?"""

import numpy as np
import pytest

from regnet.models.mixed_model import fit_mixed_model
from regnet.scenario import Scenario
from regnet.simulation import design, draw
from regnet.synthetic_motifs import synthetic_motifs


def simulated(n_genes, n_motifs, n_conditions, covariance, noise, fraction):
    scenario = Scenario(
        motifs="synthetic",
        genes=n_genes,
        tfs=n_motifs,
        conditions=n_conditions,
        covariance=covariance,
        noise=noise,
        signal_fraction=fraction,
    )
    made = draw(design(scenario, synthetic_motifs(n_genes, n_motifs, seed=3), seed=1), 0)
    return np.asarray(made.scores), np.asarray(made.expression)


@pytest.mark.parametrize(
    ("n_genes", "truth", "structures"),
    [
        (300, ("lowrank_2", "identity", 0.2), ("lowrank_id_2", "random")),
        (300, ("random", "randomV", 0.05), ("lowrank_diag_2", "random")),
        (150, ("lowrank_2", "identity", 0.05), ("freeform", "lowrank_id_1")),
    ],
)
def test_rotations_of_loadings_do_not_slow_the_climb(n_genes, truth, structures):
    # With steps along rotations of L: 421, 120 and 93 iterations.
    scores, expression = simulated(n_genes, 2 * n_genes // 5, 10, *truth)
    fit = fit_mixed_model(scores, expression, *structures)
    assert fit.converged
    assert fit.n_iterations <= 60
