"""Data on which structured covariances are hard to fit: one singular value of the scores dominates."""

from dataclasses import replace

import numpy as np
import pytest

from regnet.models.canonical_scan import proportional_start, share_grid
from regnet.models.covariance import covariance
from regnet.models.decomposition import decompose, rotate
from regnet.models.kronecker import spectral_data
from regnet.models.structure_names import parse_structure
from regnet.models.structure_pairs import SeparatePair
from regnet.scenario import Scenario
from regnet.simulation import design, draw
from regnet.synthetic_motifs import synthetic_motifs


@pytest.fixture(scope="session")
def simulated():
    """Return scores and expression of a number of genes and conditions, true V, Σ and fraction."""

    def make(n_genes, n_conditions, covariance, noise, fraction):
        n_motifs = 2 * n_genes // 5
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

    return make


@pytest.fixture(scope="session")
def structured(simulated):
    """Return rotated data, a pair of structures, and parameters to start from."""

    def make(world, signal, noise):
        scores, expression = simulated(*world)
        parts = decompose(scores)
        data = spectral_data(parts, rotate(parts, expression))
        data = replace(data, squares=data.squares * (len(scores) / data.squares.sum()))
        n_conditions = data.n_conditions
        pair = SeparatePair(
            *(covariance(parse_structure(name), n_conditions) for name in (signal, noise)),
        )
        start = proportional_start(data, share_grid(data))
        return data, pair, pair.approach(start.signal_covariance, start.noise_covariance)

    return make
