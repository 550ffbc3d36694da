"""Does the search over ranks find maxima that a single climb misses?"""

from dataclasses import replace

import numpy as np
import pytest

from regnet.models.canonical_scan import proportional_start, share_grid
from regnet.models.cone import Cone
from regnet.models.decomposition import decompose, rotate
from regnet.models.free_fit import climb
from regnet.models.kronecker import spectral_data
from regnet.models.optimum import Limits
from regnet.models.rank_search import search_ranks

LIMITS = Limits(1e-6, 500, lambda: False)


def dominated(seed):
    """Scores whose mean dominates the spectrum, and expression from a signal of rank two."""
    rng = np.random.default_rng(seed)
    scores = 10 + rng.gamma(1.0, size=(100, 40))
    noise = rng.normal(size=(100, 4))
    expression = 0.05 * scores @ rng.normal(size=(40, 2)) @ rng.normal(size=(2, 4)) + noise
    parts = decompose(scores)
    data = spectral_data(parts, rotate(parts, expression))
    return replace(data, squares=data.squares * (100 / data.squares.sum()))


@pytest.mark.parametrize("seed", [1, 6, 10, 15])
def test_a_better_maximum_at_a_neighbouring_rank_is_found(seed):
    data = dominated(seed)
    grid = share_grid(data)
    one = climb(data, proportional_start(data, grid), grid, LIMITS, Cone(4))
    assert one.stop_reason == "converged"

    def again(basis, beat, most):
        return climb(data, basis, None, replace(LIMITS, max_iterations=most), Cone(4), beat)

    found = search_ranks(data, one, grid, again, 500, 4)
    assert found.stop_reason == "converged"
    assert found.criterion <= 1e-6
    assert found.likelihood.deviance < one.likelihood.deviance - 1.0
    assert np.count_nonzero(found.basis.signal) < np.count_nonzero(one.basis.signal)
    assert found.n_iterations > one.n_iterations


def test_nothing_is_tried_without_iterations_left():
    data = dominated(1)
    grid = share_grid(data)
    one = climb(data, proportional_start(data, grid), grid, LIMITS, Cone(4))

    def never(basis, beat, most):
        raise AssertionError("no attempt was to be made")

    assert search_ranks(data, one, grid, never, one.n_iterations, 4).basis is one.basis


@pytest.mark.parametrize("max_rank", [1, 2, 3])
def test_a_limited_rank_is_kept_and_costs_likelihood(max_rank):
    data = dominated(3)
    grid = share_grid(data)
    start = proportional_start(data, grid)
    free = climb(data, start, grid, LIMITS, Cone(4))
    signal = np.where(np.argsort(np.argsort(-start.signal)) < max_rank, start.signal, 0.0)
    limited = climb(data, replace(start, signal=signal), grid, LIMITS, Cone(max_rank))
    assert limited.stop_reason == "converged"
    assert np.count_nonzero(limited.basis.signal) <= max_rank
    rank = np.count_nonzero(free.basis.signal)
    if max_rank < rank:
        assert limited.likelihood.deviance > free.likelihood.deviance
