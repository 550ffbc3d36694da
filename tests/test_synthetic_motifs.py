"""Synthetic motif scores look like the yeast table's, at any size."""

import numpy as np
import pytest
from scipy import stats

from regnet.errors import InputError
from regnet.files.motifs import read_motifs
from regnet.scenario import Scenario
from regnet.synthetic_motifs import motifs_for, synthetic_motifs


def _spectrum(scores):
    """Eigenvalues of the columns' correlation matrix, as shares of their sum, largest first."""
    return np.linalg.eigvalsh(np.corrcoef(scores.T))[::-1] / scores.shape[1]


@pytest.fixture(scope="module")
def yeast():
    return read_motifs("yeast").scores


@pytest.fixture(scope="module", params=[1, 2, 3])
def alike(request):
    """A synthetic table of the yeast table's size."""
    return synthetic_motifs(5987, 179, seed=request.param).scores


def test_columns_are_as_skewed_as_those_of_the_yeast_table(yeast, alike):
    at = [5, 25, 50, 75, 95]
    of_yeast, of_synthetic = (np.percentile(stats.skew(scores), at) for scores in (yeast, alike))
    np.testing.assert_allclose(of_synthetic, of_yeast, atol=0.2)
    assert (stats.skew(alike) > 0).mean() == pytest.approx((stats.skew(yeast) > 0).mean(), abs=0.1)


def test_columns_are_as_correlated_as_those_of_the_yeast_table(yeast, alike):
    of_yeast, of_synthetic = _spectrum(yeast), _spectrum(alike)
    assert of_synthetic[0] == pytest.approx(of_yeast[0], rel=0.2)
    sums = np.cumsum(of_yeast), np.cumsum(of_synthetic)
    np.testing.assert_allclose(sums[1], sums[0], atol=0.03)
    # Independent columns would be far from it.
    independent = _spectrum(np.random.default_rng(0).gamma(2.0, size=yeast.shape))
    assert np.abs(np.cumsum(independent) - sums[0]).max() > 0.2


def test_scores_are_not_negative_and_vary(alike):
    assert alike.min() >= 0.0
    np.testing.assert_array_equal(np.round(alike, 2), alike)  # the same table on every machine
    np.testing.assert_allclose(alike.mean(axis=0), 5.0, atol=0.1)
    np.testing.assert_allclose(alike.std(axis=0), 1.0, atol=0.1)


def test_the_originals_size_is_made_and_has_full_rank():
    table = synthetic_motifs(978, 623, seed=1)
    assert table.scores.shape == (978, 623)
    assert np.linalg.matrix_rank(table.scores) == 623


def test_a_table_with_more_genes_starts_with_the_same_rows():
    small, large = synthetic_motifs(50, 7, seed=2), synthetic_motifs(500, 7, seed=2)
    np.testing.assert_array_equal(small.scores, large.scores[:50])
    assert small.genes == large.genes[:50]
    assert small.fingerprint != large.fingerprint


def test_rows_for_held_out_genes_do_not_change_the_fingerprint():
    assert (
        synthetic_motifs(50, 7, seed=2, n_reserved=20).fingerprint == synthetic_motifs(50, 7, 2).fingerprint
    )


def test_seeds_and_sizes_give_other_tables():
    first = synthetic_motifs(50, 7, seed=2)
    assert not np.array_equal(first.scores, synthetic_motifs(50, 7, seed=3).scores)
    assert not np.array_equal(first.scores, synthetic_motifs(50, 8, seed=2).scores[:, :7])


@pytest.mark.parametrize(("genes", "motifs"), [(1, 1), (1, 5), (5, 1)])
def test_the_smallest_tables_can_be_made(genes, motifs):
    scores = synthetic_motifs(genes, motifs, seed=0).scores
    assert scores.shape == (genes, motifs)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("genes", "motifs", "field"), [(0, 5, "genes"), (5, 0, "tfs")])
def test_sizes_below_one_are_refused(genes, motifs, field):
    with pytest.raises(InputError, match=f"{field}: wanted a whole number of at least 1, found 0"):
        synthetic_motifs(genes, motifs, seed=0)


def test_a_scenario_gets_a_table_of_its_size_with_rows_to_hold_out():
    table = motifs_for(Scenario(motifs="synthetic", genes=30, tfs=4), seed=9, held_out=11)
    assert table.scores.shape == (41, 4)
    assert table.n_reserved == 11
    np.testing.assert_array_equal(table.scores[:30], synthetic_motifs(30, 4, seed=9).scores)


def test_a_scenario_gets_the_table_that_it_names(tmp_path):
    assert motifs_for(Scenario(motifs="yeast"), seed=9).scores.shape == (5987, 179)
    path = tmp_path / "own.tsv"
    path.write_text("\tm1\tm2\ng1\t1\t2\ng2\t3\t4\n")
    assert motifs_for(Scenario(motifs=str(path)), seed=9).motifs == ("m1", "m2")
