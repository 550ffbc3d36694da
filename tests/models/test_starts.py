"""Do optimisations start where the user said?"""

import numpy as np
import pytest

from regnet.errors import InputError
from regnet.models.decomposition import decompose, rotate
from regnet.models.kronecker import spectral_data
from regnet.models.starts import starting_pairs


def data():
    rng = np.random.default_rng(0)
    parts = decompose(rng.normal(size=(30, 5)))
    expression = rng.normal(size=(30, 3))
    return spectral_data(parts, rotate(parts, expression)), expression.T @ expression / 30


def test_the_default_is_half_the_empirical_covariance_each():
    given, empirical = data()
    ((signal, noise),) = starting_pairs(given, "default", None)
    np.testing.assert_allclose(signal, empirical / 2, atol=1e-12)
    np.testing.assert_allclose(noise, empirical / 2, atol=1e-12)


def test_truth_is_taken_as_it_is():
    given, _ = data()
    truth = (2 * np.eye(3), np.eye(3))
    ((signal, noise),) = starting_pairs(given, "truth", truth)
    assert np.array_equal(signal, truth[0])
    assert np.array_equal(noise, truth[1])


def test_perturbed_starts_are_near_the_start_semidefinite_and_all_different():
    given, empirical = data()
    pairs = list(
        starting_pairs(given, "default", None, n_perturbed=5, perturb_size=1e-3, rng=np.random.default_rng(0))
    )
    assert len(pairs) == 5
    for signal, noise in pairs:
        for matrix in (signal, noise):
            assert np.linalg.eigvalsh(matrix)[0] > 0
            distance = np.abs(matrix - empirical / 2).max()
            assert 1e-6 < distance < 2e-2
    assert len({signal[0, 0] for signal, _ in pairs}) == 5


def test_random_starts_follow_from_their_generator():
    given, _ = data()
    first, second, other = (
        next(starting_pairs(given, "random", None, rng=np.random.default_rng(seed))) for seed in (1, 1, 2)
    )
    assert np.array_equal(first[0], second[0])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ("init", "n_perturbed", "where"),
    [("random", 0, "rng"), ("default", 3, "rng"), ("truth", 0, "truth"), ("middle", 0, "init")],
)
def test_what_is_missing_is_named(init, n_perturbed, where):
    given, _ = data()
    with pytest.raises(InputError, match=where):
        list(starting_pairs(given, init, None, n_perturbed=n_perturbed))
