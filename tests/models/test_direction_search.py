"""Does the search over directions of L find maxima that a single climb misses?"""

from dataclasses import replace

import numpy as np
import pytest

from regnet.models.direction_search import search_directions
from regnet.models.mixed_model import fit_mixed_model
from regnet.models.optimum import Limits
from regnet.models.structured_fit import climb_structured

LIMITS = Limits(1e-6, 500, lambda: False)


@pytest.mark.parametrize(
    ("world", "structures", "missed"),
    [
        ((150, 4, "id", "randomV", 0.05), ("lowrank_diag_1", "id"), 3.7),
        ((150, 4, "random", "random", 0.2), ("lowrank_diag_1", "block_diag"), 0.9),
        ((150, 4, "lowrank_2", "random", 0.2), ("freeform", "lowrank_diag_1"), 3.6),
        ((150, 4, "id", "identity", 0.2), ("diagonal", "lowrank_id_1"), 0.7),
        ((150, 6, "random", "random", 0.6), ("diagonal", "lowrank_diag_2"), 28.0),
        ((150, 6, "id", "random", 0.2), ("lowrank_id_1", "lowrank_id_2"), 4.2),
        ((150, 6, "id", "random", 0.6), ("lowrank_diag_2", "freeform"), 2.7),
        ((150, 6, "id", "randomV", 0.6), ("lowrank_id_2", "diagonal"), 1.9),
    ],
)
def test_a_better_maximum_with_other_directions_is_found(structured, world, structures, missed):
    # By how many units of log-likelihood one climb ends too low; the best of 15 random starts is reached.
    data, pair, start = structured(world, *structures)
    one = climb_structured(data, pair, start, LIMITS)
    assert one.optimum.stop_reason == "converged"
    found = search_directions(data, pair, one, LIMITS)
    assert found.optimum.stop_reason == "converged"
    assert found.optimum.criterion <= 1e-6
    assert found.optimum.likelihood.deviance < one.optimum.likelihood.deviance - 2.0 * missed
    assert found.optimum.n_iterations > one.optimum.n_iterations
    signal, noise = pair.matrices(found.theta)
    np.testing.assert_allclose(found.optimum.basis.signal_covariance, signal, atol=1e-10)
    np.testing.assert_allclose(found.optimum.basis.noise_covariance, noise, atol=1e-10)


NESTED = ["id", "lowrank_id_1", "lowrank_id_2", "lowrank_diag_2", "freeform"]


@pytest.mark.parametrize("world", [(150, 4, "lowrank_2", "random", 0.2), (150, 6, "id", "random", 0.05)])
def test_structures_that_are_nested_have_nested_maxima(simulated, world):
    scores, expression = simulated(*world)
    for fits in (
        [fit_mixed_model(scores, expression, name, "random").log_likelihood for name in NESTED],
        [fit_mixed_model(scores, expression, "random", name).log_likelihood for name in NESTED],
        [fit_mixed_model(scores, expression, "id", name).log_likelihood for name in NESTED],
    ):
        assert (np.diff(fits) >= -1e-5).all()


def test_nothing_is_tried_without_iterations_left_or_time(structured):
    data, pair, start = structured((150, 4, "id", "randomV", 0.05), "lowrank_diag_1", "id")
    one = climb_structured(data, pair, start, LIMITS)
    spent = one.optimum.n_iterations
    for limits in (replace(LIMITS, max_iterations=spent), replace(LIMITS, out_of_time=lambda: True)):
        found = search_directions(data, pair, one, limits)
        assert found.theta is one.theta
    unfinished = climb_structured(data, pair, start, replace(LIMITS, max_iterations=2))
    assert search_directions(data, pair, unfinished, LIMITS).theta is unfinished.theta


def test_a_search_is_the_same_each_time(structured):
    data, pair, start = structured((150, 6, "random", "random", 0.6), "diagonal", "lowrank_diag_2")
    one = climb_structured(data, pair, start, LIMITS)
    first, second = (search_directions(data, pair, one, LIMITS) for _ in range(2))
    assert np.array_equal(first.theta, second.theta)
