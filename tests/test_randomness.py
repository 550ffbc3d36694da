"""Each draw has a generator of its own, which follows from the seed and its labels alone."""

import numpy as np
import pytest

from regnet.randomness import stream


def test_the_numbers_of_a_stream_never_change():
    # Written down when the first version was made; published studies rest on them.
    drawn = stream(1, "effects", "0123456789abcdef", 0).integers(0, 10**9, size=3)
    assert drawn.tolist() == [319561880, 94082409, 826458197]


@pytest.mark.parametrize(
    "other",
    [
        (2, "effects", 0),
        (1, "effects", 1),
        (1, "noise", 0),
        (1, "effects", "0"),
        (1, "effects", 0, 0),
        (1, 0, "effects"),
        (10, "effects"),
    ],
)
def test_other_seeds_and_labels_give_other_numbers(other):
    first = stream(1, "effects", 0).standard_normal(100)
    second = stream(*other).standard_normal(100)
    assert not np.isin(first, second).any()


def test_labels_do_not_run_together():
    assert stream(1, "a", "bc").random() != stream(1, "ab", "c").random()
    assert stream(1, 'a","b').random() != stream(1, "a", "b").random()


def test_a_stream_does_not_depend_on_what_was_drawn_before():
    first = stream(5, "effects", 3).random(4)
    np.random.default_rng(0).random(1000)
    stream(5, "effects", 2).random(17)
    np.testing.assert_array_equal(first, stream(np.int64(5), "effects", np.int32(3)).random(4))


def test_streams_of_neighbouring_replicates_are_uncorrelated():
    draws = np.array([stream(1, "noise", replicate).standard_normal(2000) for replicate in range(20)])
    correlations = np.corrcoef(draws)[np.triu_indices(20, 1)]
    # Standard error of a correlation of 2000 pairs is 0.022; 190 of them, five standard errors.
    assert np.abs(correlations).max() < 0.112
