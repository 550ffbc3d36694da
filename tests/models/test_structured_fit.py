"""Does the climb of structured covariances reach a maximum in few steps, and stop where it should?"""

import numpy as np
import pytest

from regnet.models.optimum import Limits
from regnet.models.structured_fit import climb_structured

LIMITS = Limits(1e-6, 500, lambda: False)


@pytest.mark.parametrize(
    ("world", "structures"),
    [
        ((300, 10, "lowrank_2", "identity", 0.2), ("lowrank_id_2", "freeform")),
        ((300, 10, "random", "randomV", 0.05), ("lowrank_diag_2", "freeform")),
        ((150, 10, "lowrank_2", "identity", 0.05), ("freeform", "lowrank_id_1")),
    ],
)
def test_rotations_of_loadings_do_not_slow_the_climb(structured, world, structures):
    # With steps along rotations of L: 421, 120 and 93 iterations.
    data, pair, start = structured(world, *structures)
    found = climb_structured(data, pair, start, LIMITS).optimum
    assert found.stop_reason == "converged"
    assert found.criterion <= 1e-6
    assert found.n_iterations <= 40


def test_a_climb_that_cannot_beat_a_value_is_given_up_early(structured):
    data, pair, start = structured((150, 4, "id", "random", 0.2), "lowrank_diag_1", "diagonal")
    whole = climb_structured(data, pair, start, LIMITS).optimum
    better = whole.likelihood.deviance - 0.01
    given_up = climb_structured(data, pair, start, LIMITS, beat=better).optimum
    assert given_up.stop_reason == "no further progress"
    assert given_up.n_iterations < whole.n_iterations
    worse = whole.likelihood.deviance + 1.0
    assert climb_structured(data, pair, start, LIMITS, beat=worse).optimum.stop_reason == "converged"


def test_a_start_without_likelihood_gives_no_climb(structured):
    data, pair, start = structured((150, 4, "id", "random", 0.2), "lowrank_diag_1", "diagonal")
    nothing = np.zeros_like(start)
    assert climb_structured(data, pair, nothing, LIMITS) is None
