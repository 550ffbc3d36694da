"""Are likelihoods without a maximum recognised before the fit, and only those?"""

import numpy as np
import pytest

from regnet.models.decomposition import decompose, rotate
from regnet.models.existence import NoMaximumError, check_maximum_exists
from regnet.models.structure_names import parse_structure


def refused(noise, expression, scores, covariates=None, given=None):
    parts = decompose(scores)
    design = np.empty((len(expression), 0)) if covariates is None else covariates
    rotated = rotate(parts, expression, covariates)
    try:
        check_maximum_exists(parse_structure(noise), expression, design, rotated, parts.left, given)
    except NoMaximumError:
        return True
    return False


def draw(n_genes, n_motifs, n_conditions, seed=0):
    rng = np.random.default_rng(seed)
    return rng.gamma(1.0, size=(n_genes, n_motifs)), rng.normal(size=(n_genes, n_conditions))


@pytest.mark.parametrize(
    ("n_residual", "free", "proportional"),
    [(0, False, False), (1, True, False), (3, True, False), (4, False, False)],
)
def test_a_free_noise_needs_as_many_residual_directions_as_conditions_or_none(n_residual, free, proportional):
    scores, expression = draw(20 + n_residual, 20, 4)
    assert refused("freeform", expression, scores) == free
    assert refused("proportional", expression, scores) == proportional
    assert not refused("diagonal", expression, scores)
    assert not refused("id", expression, scores)


@pytest.mark.parametrize(
    ("noise", "is_refused"),
    [
        ("freeform", True),
        ("proportional", True),
        ("lowrank_diag_1", True),
        ("block_diag", True),
        ("diagonal", False),
        ("id", False),
        ("block_id", False),
        ("lowrank_id_1", False),
    ],
)
def test_duplicated_conditions_are_refused_where_their_difference_can_vanish(noise, is_refused):
    scores, expression = draw(40, 10, 3)
    assert refused(noise, expression[:, [0, 1, 2, 2]], scores) == is_refused


def test_a_condition_that_the_mean_explains_is_refused_where_its_variance_can_vanish():
    scores, expression = draw(40, 10, 3)
    expression[:, 1] = 2.0
    ones = np.ones((40, 1))
    assert refused("diagonal", expression, scores, ones)
    assert refused("block:1+1+1", expression, scores, ones)
    assert not refused("block:1+2", expression, scores, ones)
    assert not refused("id", expression, scores, ones)
    assert not refused("diagonal", expression, scores)


def test_a_small_but_real_residual_is_no_reason_to_refuse():
    scores, expression = draw(40, 10, 3)
    signal = scores @ np.random.default_rng(1).normal(size=(10, 3))
    assert not refused("freeform", signal + 1e-6 * expression, scores)
    assert refused("freeform", signal, scores)
    assert not refused("freeform", expression * [1.0, 1e9, 1e-9], scores)


def test_a_given_noise_is_refused_only_where_it_is_singular():
    scores, expression = draw(40, 10, 3)
    assert refused("fixed", expression, scores, given=np.ones((3, 3)))
    assert not refused("fixed", expression, scores, given=np.eye(3))


def test_residuals_of_one_value_in_all_conditions_are_refused_for_block_id():
    scores, expression = draw(40, 10, 1)
    assert refused("block_id", np.repeat(expression, 3, axis=1), scores)
    assert refused("lowrank_id_1", np.repeat(expression, 3, axis=1), scores)
    assert not refused("id", np.repeat(expression, 3, axis=1), scores)
