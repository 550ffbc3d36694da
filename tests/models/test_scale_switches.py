"""Are single variances switched on and off where that promises something?"""

import numpy as np
import pytest

from regnet.models.direction_search import search_directions
from regnet.models.optimum import Limits
from regnet.models.scale_switches import MOST_SWITCHES, WORTH, deviance_at, switches
from regnet.models.structured_fit import climb_structured

LIMITS = Limits(1e-6, 500, lambda: False)


@pytest.mark.parametrize("structures", [("diagonal", "lowrank_id_1"), ("block_diag", "diagonal")])
def test_a_switch_changes_one_variance_and_costs_little(structured, structures):
    data, pair, start = structured((150, 4, "id", "identity", 0.2), *structures)
    one = climb_structured(data, pair, start, LIMITS)
    here = one.optimum.likelihood.deviance
    assert deviance_at(data, pair, one.theta) == pytest.approx(here, abs=1e-8)
    found = switches(data, pair, one.theta, here)
    assert 0 < len(found) <= 3 * MOST_SWITCHES
    for theta in found:
        (changed,) = np.flatnonzero(theta != one.theta)
        assert (theta[changed] == 0.0) != (one.theta[changed] == 0.0)
        assert deviance_at(data, pair, theta) < here + WORTH


def test_a_variance_that_is_better_off_is_switched_off(structured):
    data, pair, start = structured((150, 4, "id", "identity", 0.2), "diagonal", "lowrank_id_1")
    one = climb_structured(data, pair, start, LIMITS)
    found = search_directions(data, pair, one, LIMITS)
    assert np.count_nonzero(one.theta[:4]) == 4
    assert np.count_nonzero(found.theta[:4]) == 3
    assert found.optimum.likelihood.deviance < one.optimum.likelihood.deviance - 1.4


def test_where_no_likelihood_exists_the_deviance_is_infinite(structured):
    data, pair, start = structured((150, 4, "id", "identity", 0.2), "diagonal", "diagonal")
    assert deviance_at(data, pair, np.zeros_like(start)) == np.inf
