"""Are true covariances drawn as the documentation of the simulation says?"""

import numpy as np
import pytest

from regnet.errors import InputError
from regnet.models.true_covariance import draw_noise_covariance, draw_signal_covariance


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", ["id", "random", "freeform", "lowrank_1", "lowrank_2", "lowrank_6"])
def test_every_signal_is_symmetric_positive_semidefinite_and_of_trace_one(kind):
    covariance = draw_signal_covariance(kind, 6, generator())
    assert np.array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance)[0] >= -1e-15
    assert np.trace(covariance) == pytest.approx(1.0, abs=1e-14)


def test_the_random_signal_is_the_square_of_identity_plus_uniform():
    root = np.eye(5) + generator(3).uniform(size=(5, 5))
    expected = root @ root.T
    drawn = draw_signal_covariance("random", 5, generator(3))
    np.testing.assert_allclose(drawn, expected / np.trace(expected), rtol=1e-14)


def test_lowrank_has_so_many_blocks_of_at_least_one_condition_and_small_edges():
    sizes = set()
    for seed in range(200):
        scaled = draw_signal_covariance("lowrank_2", 5, generator(seed)) * 5
        inside = scaled > 0
        first = int(inside[0].sum())
        sizes.add(first)
        assert np.array_equal(inside[0, :first], np.ones(first, dtype=bool))
        assert np.array_equal(inside[first], ~inside[0])
        assert scaled[0, -1] == pytest.approx(-0.01 / (1 + 1e-4))
        assert scaled[0, 0] == pytest.approx(1.0)
    assert sizes == {1, 2, 3, 4}


def test_many_blocks_are_made_positive_semidefinite():
    covariance = draw_signal_covariance("lowrank_150", 150, generator())
    assert np.linalg.eigvalsh(covariance)[0] >= -1e-15


def test_the_random_noise_is_a_wishart_draw_and_identity_is_the_identity():
    root = generator(1).standard_normal((4, 4))
    expected = root.T @ root
    signal = np.eye(4)
    drawn = draw_noise_covariance("random", 4, 0.7, signal, generator(1))
    np.testing.assert_allclose(drawn, expected / np.trace(expected), rtol=1e-14)
    identity = draw_noise_covariance("identity", 4, 0.7, signal, generator(1))
    np.testing.assert_allclose(identity, np.eye(4) / 4)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("kind", ["identityV", "randomV"])
def test_the_signal_has_its_share_of_the_noise_whatever_its_scale(kind, fraction):
    signal = draw_signal_covariance("random", 4, generator())
    plain = draw_noise_covariance(kind[:-1], 4, 0.7, signal, generator(2))
    mixed = draw_noise_covariance(kind, 4, fraction, 1e3 * signal, generator(2))
    np.testing.assert_allclose(mixed, (1 - fraction) * plain + fraction * signal, atol=1e-15)


def test_the_same_generator_gives_the_same_covariance():
    first = draw_signal_covariance("lowrank_3", 8, generator(7))
    assert np.array_equal(first, draw_signal_covariance("lowrank_3", 8, generator(7)))
    other = [draw_signal_covariance("lowrank_3", 8, generator(s)) for s in range(20)]
    assert any(not np.array_equal(first, drawn) for drawn in other)


def test_impossible_wishes_are_refused():
    with pytest.raises(InputError, match="at most 3 blocks"):
        draw_signal_covariance("lowrank_4", 3, generator())
    with pytest.raises(InputError, match="noise_fraction"):
        draw_noise_covariance("randomV", 3, 1.5, np.eye(3), generator())
    with pytest.raises(InputError, match="one of random"):
        draw_noise_covariance("white", 3, 0.5, np.eye(3), generator())
