"""Do structures, and pairs of them, have the derivatives and sizes that they claim?"""

import numpy as np
import pytest

from regnet.errors import InputError
from regnet.models.covariance import covariance
from regnet.models.structure_names import parse_structure
from regnet.models.structure_pairs import ProportionalPair, SeparatePair

NAMES = [
    "freeform",
    "diagonal",
    "id",
    "lowrank_2",
    "lowrank_id_1",
    "lowrank_diag_2",
    "block",
    "block:1+3",
    "block_id",
    "block_diag",
    "fixed",
]
GIVEN = np.diag([1.0, 2.0, 3.0, 4.0]) + 0.5


def structure(name):
    return covariance(parse_structure(name), 4, GIVEN if name == "fixed" else None)


def symmetric(rng):
    matrix = rng.normal(size=(4, 4))
    return matrix + matrix.T


@pytest.mark.parametrize("name", NAMES)
def test_every_matrix_is_symmetric_and_positive_semidefinite(name):
    rng = np.random.default_rng(0)
    shape = structure(name)
    for _ in range(20):
        matrix = shape.matrix(rng.normal(size=shape.size))
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-14)
        assert np.linalg.eigvalsh(matrix)[0] >= -1e-12


@pytest.mark.parametrize("name", NAMES)
def test_push_is_the_difference_quotient_and_pull_its_adjoint(name):
    rng = np.random.default_rng(1)
    shape = structure(name)
    theta, change = rng.normal(size=(2, shape.size))
    gradient = symmetric(rng)
    pushed = shape.push(theta, change)
    quotient = (shape.matrix(theta + 1e-5 * change) - shape.matrix(theta - 1e-5 * change)) / 2e-5
    np.testing.assert_allclose(pushed, quotient, atol=1e-8)
    assert shape.pull(theta, gradient) @ change == pytest.approx(np.vdot(gradient, pushed))


@pytest.mark.parametrize("name", NAMES)
def test_bend_and_curvature_are_the_second_derivative(name):
    rng = np.random.default_rng(2)
    shape = structure(name)
    theta, change = rng.normal(size=(2, shape.size))
    gradient = symmetric(rng)
    quotient = (shape.pull(theta + change, gradient) - shape.pull(theta - change, gradient)) / 2
    np.testing.assert_allclose(shape.bend(change, gradient), quotient, atol=1e-10)
    np.testing.assert_allclose(shape.curvature(gradient) @ change, quotient, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_jacobian_lists_the_differentials_in_a_basis(name):
    rng = np.random.default_rng(3)
    shape = structure(name)
    theta, weights = rng.normal(size=shape.size), rng.normal(size=(4, 4))
    rows = shape.jacobian(theta, weights)
    for row, unit in zip(rows, np.eye(shape.size), strict=True):
        np.testing.assert_allclose(
            row.reshape(4, 4), weights.T @ shape.push(theta, unit) @ weights, atol=1e-12
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_theta_plus_step_to_first_order(name):
    rng = np.random.default_rng(4)
    shape = structure(name)
    theta, change = rng.normal(size=(2, shape.size))
    gaps = [
        np.linalg.norm(shape.moved(theta, size * change, np.eye(4)) - theta - size * change)
        for size in (1e-3, 1e-4)
    ]
    assert gaps[1] <= 0.011 * gaps[0] + 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_turns_are_all_directions_along_which_the_matrix_stays_the_same(name):
    rng = np.random.default_rng(9)
    shape = structure(name)
    theta = rng.normal(size=shape.size)
    turns = shape.turns(theta)
    np.testing.assert_allclose(turns.T @ turns, np.eye(turns.shape[1]), atol=1e-12)
    for turn in turns.T:
        np.testing.assert_allclose(shape.push(theta, turn), 0.0, atol=1e-12)
    rank = np.linalg.matrix_rank(shape.jacobian(theta, np.eye(4)), tol=1e-10)
    assert turns.shape[1] == {"freeform": 6, "lowrank_2": 1, "lowrank_diag_2": 1}.get(name, 0)
    assert rank == min(shape.size - turns.shape[1], 10)


def test_loadings_with_columns_of_zeros_have_turns_too():
    shape = structure("freeform")
    theta = np.random.default_rng(1).normal(size=16) * np.array([1.0, 0.0, 1.0, 0.0] * 4)
    turns = shape.turns(theta)
    assert turns.shape == (16, 5)  # a turn among columns of zeros moves nothing
    for turn in turns.T:
        np.testing.assert_allclose(shape.push(theta, turn), 0.0, atol=1e-12)


def test_variances_are_spread_over_scales_and_nowhere_else():
    shape = structure("lowrank_diag_2")
    theta = np.random.default_rng(1).normal(size=shape.size)
    more = shape.spread(theta, np.array([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_allclose(shape.matrix(more) - shape.matrix(theta), np.diag([1.0, 2.0, 3.0, 4.0]))
    one = structure("lowrank_id_1")
    theta = np.array([1.0, 2.0, 3.0, 4.0, 2.0])
    more = one.spread(theta, np.array([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_allclose(one.matrix(more) - one.matrix(theta), 2.5 * np.eye(4))
    assert structure("freeform").spread(np.ones(16), np.ones(4)) is None


@pytest.mark.parametrize("name", NAMES)
def test_approach_finds_parameters_of_a_matrix_of_the_structure(name):
    rng = np.random.default_rng(5)
    shape = structure(name)
    target = shape.matrix(np.abs(rng.normal(size=shape.size)) + 0.5)
    found = shape.matrix(shape.approach(target))
    assert np.trace(found) == pytest.approx(np.trace(target), rel=0.7)
    if len(shape.terms) == 1 and name != "block":
        np.testing.assert_allclose(found, target, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "n_parameters"),
    [
        ("freeform", 10),
        ("diagonal", 4),
        ("id", 1),
        ("lowrank_1", 4),
        ("lowrank_2", 7),
        ("lowrank_4", 10),
        ("lowrank_id_1", 5),
        ("lowrank_diag_1", 8),
        ("lowrank_diag_3", 10),
        ("block", 1),
        ("block:1+3", 2),
        ("block_id", 2),
        ("block_diag", 5),
        ("fixed", 1),
    ],
)
def test_parameters_are_counted_without_rotations_and_never_above_the_free_form(name, n_parameters):
    assert structure(name).n_parameters == n_parameters


def test_structures_are_what_their_names_say():
    assert np.array_equal(structure("block").matrix(np.array([2.0])), 4 * np.ones((4, 4)))
    blocks = structure("block:1+3").matrix(np.array([1.0, 2.0]))
    np.testing.assert_allclose(blocks[1:, 1:], 4 * (np.ones((3, 3)) + np.eye(3)))
    np.testing.assert_allclose(blocks[0], [2.0, 2e-8, 2e-8, 2e-8])
    assert np.array_equal(structure("fixed").matrix(np.array([3.0])), 9 * GIVEN)


@pytest.mark.parametrize("kind", ["separate", "proportional"])
def test_pairs_have_the_derivatives_of_their_parts(kind):
    rng = np.random.default_rng(6)
    if kind == "separate":
        pair = SeparatePair(structure("lowrank_id_1"), structure("block_diag"))
        size = pair.signal.size + pair.noise.size
    else:
        pair = ProportionalPair(structure("lowrank_id_1"))
        size = pair.total.size + 1
    theta, change = rng.normal(size=(2, size))
    signal, noise = symmetric(rng), symmetric(rng)

    def value(theta):
        first, second = pair.matrices(theta)
        return np.vdot(signal, first) + np.vdot(noise, second)

    pushed = pair.push(theta, change)
    slope = pair.pull(theta, signal, noise) @ change
    assert slope == pytest.approx(np.vdot(signal, pushed[0]) + np.vdot(noise, pushed[1]))
    quotient = (value(theta + 1e-5 * change) - value(theta - 1e-5 * change)) / 2e-5
    assert slope == pytest.approx(quotient, rel=1e-6)
    bent = (
        pair.pull(theta + 1e-5 * change, signal, noise) - pair.pull(theta - 1e-5 * change, signal, noise)
    ) / 2e-5
    np.testing.assert_allclose(pair.bend(theta, change, signal, noise), bent, rtol=1e-5, atol=1e-6)
    weights = rng.normal(size=(4, 4))
    upper, lower = pair.jacobian(theta, weights)
    np.testing.assert_allclose((change @ upper).reshape(4, 4), weights.T @ pushed[0] @ weights, atol=1e-10)
    np.testing.assert_allclose((change @ lower).reshape(4, 4), weights.T @ pushed[1] @ weights, atol=1e-10)


@pytest.mark.parametrize(
    "given",
    [None, np.eye(3), np.zeros((4, 4)), np.triu(np.ones((4, 4))), -np.eye(4), np.full((4, 4), np.nan)],
)
def test_what_is_no_covariance_is_refused(given):
    with pytest.raises(InputError):
        covariance(parse_structure("fixed"), 4, given)
