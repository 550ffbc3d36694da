"""The genes and motifs in use are those asked for, and what cannot be had is said."""

import numpy as np
import pytest

from regnet.errors import InputError
from regnet.files.motifs import motif_scores
from regnet.motif_subset import choose_subset
from regnet.scenario import Scenario


def _table(n_genes=40, n_motifs=10, seed=0):
    return motif_scores(np.random.default_rng(seed).gamma(2.0, size=(n_genes, n_motifs)))


def _scenario(**fields):
    return Scenario(**{"genes": 20, "tfs": 5, "conditions": 2, **fields})


def test_first_takes_the_tables_first_rows_and_columns():
    subset = choose_subset(_scenario(subset="first"), _table())
    assert subset.genes == tuple(f"gene_{n}" for n in range(1, 21))
    assert subset.motifs == tuple(f"motif_{n}" for n in range(1, 6))


def test_random_draws_without_replacement_from_the_seed_and_sizes():
    table = _table()
    subset = choose_subset(_scenario(), table, seed=1)
    assert len(set(subset.genes)) == 20
    assert len(set(subset.motifs)) == 5
    assert choose_subset(_scenario(conditions=7, noise="identity"), table, seed=1).genes == subset.genes
    assert choose_subset(_scenario(), table, seed=2).genes != subset.genes
    assert choose_subset(_scenario(tfs=6), table, seed=1).genes != subset.genes


def test_random_draws_every_row_and_column_alike():
    table = _table()
    rows, columns = np.zeros(40), np.zeros(10)
    for seed in range(400):
        subset = choose_subset(_scenario(), table, seed=seed)
        rows[[table.genes.index(gene) for gene in subset.genes]] += 1
        columns[[table.motifs.index(motif) for motif in subset.motifs]] += 1
    # Each is drawn with probability ½: 200 ± 10 of 400 times; five standard deviations.
    assert np.abs(rows - 200).max() < 50
    assert np.abs(columns - 200).max() < 50


def test_variable_takes_the_highest_variances_whatever_the_motifs_units():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.4, 0.6, size=(40, 10))
    scores[::2] = rng.choice([0.0, 1.0], size=(20, 10))  # rows that vary most
    scores[::2, 5:] *= 0.5  # and columns that vary least over them …
    scores[1, 5:] = 1.0  # … by their range over the whole table, not over the genes in use
    scores[::2, 7] = np.linspace(0.0, 1.0, 20)
    in_units = motif_scores(scores * np.geomspace(1e-3, 1e3, 10))
    subset = choose_subset(_scenario(subset="variable"), in_units)
    assert subset.genes == tuple(f"gene_{n}" for n in range(1, 41, 2))
    used = (scores[::2] - scores[::2].min(axis=0)) / np.ptp(scores[::2], axis=0)
    expected = np.sort(np.argsort(-used.var(axis=0), kind="stable")[:5])
    assert subset.motifs == tuple(f"motif_{n + 1}" for n in expected)
    assert "motif_8" not in subset.motifs


def test_motifs_that_are_constant_over_the_genes_in_use_are_dropped_and_named():
    table = _table()
    scores = table.scores.copy()
    scores[:20, [1, 3, 4, 6]] = 2.5  # constant over the first 20 genes, though not over all
    subset = choose_subset(_scenario(subset="first"), motif_scores(scores))
    assert subset.motifs == ("motif_1", "motif_3", "motif_6", "motif_8", "motif_9")
    assert subset.notes == (
        "4 motifs are constant over the genes in use and dropped: motif_2, motif_4, motif_5 and 1 more",
    )
    one = motif_scores(np.column_stack([table.scores, np.ones(40)]))
    notes = choose_subset(_scenario(), one).notes
    assert notes == ("1 motif is constant over the genes in use and dropped: motif_11",)


def test_fewer_genes_than_asked_for_is_an_error_that_says_how_many_there_are():
    with pytest.raises(InputError, match=r"genes: wanted at most 40, the number of rows .* found 41"):
        choose_subset(_scenario(genes=41), _table())


def test_fewer_motifs_than_asked_for_is_an_error_that_says_how_many_there_are():
    scores = _table().scores.copy()
    scores[:, :2] = 1.0
    with pytest.raises(InputError, match=r"tfs: wanted at most 8, .* \(2 constant ones dropped\), found 9"):
        choose_subset(_scenario(tfs=9), motif_scores(scores))
    with pytest.raises(InputError, match=r"tfs: wanted at most 10, .* over the 20 genes, found 11"):
        choose_subset(_scenario(tfs=11), _table())


def test_a_negative_number_of_held_out_genes_is_an_error():
    with pytest.raises(InputError, match="held_out: wanted a whole number of at least 0, found -1"):
        choose_subset(_scenario(), _table(), held_out=-1)


def test_one_gene_has_no_motif_that_varies():
    with pytest.raises(InputError, match="tfs: wanted at most 0"):
        choose_subset(_scenario(genes=1, tfs=1), _table())


def test_reserved_rows_are_held_out_and_never_in_use():
    plain = _table()
    scores = np.vstack([plain.scores, np.full((3, 10), 99.0)])
    reserved = motif_scores(scores, n_reserved=3)
    assert reserved.fingerprint == plain.fingerprint
    subset = choose_subset(_scenario(genes=40), reserved, held_out=10)
    assert subset.genes == plain.genes
    assert subset.held_out_genes == ("gene_41", "gene_42", "gene_43")
    fewer = choose_subset(_scenario(genes=30), reserved, held_out=5)
    assert fewer.held_out_genes[:3] == ("gene_41", "gene_42", "gene_43")
    assert len({*fewer.held_out_genes} - {*fewer.genes}) == 5
    with pytest.raises(InputError, match="genes: wanted at most 40"):
        choose_subset(_scenario(genes=41), reserved)


def test_scores_in_use_cannot_be_written_to():
    subset = choose_subset(_scenario(), _table(), held_out=3)
    for scores in (subset.scores, subset.held_out_scores):
        with pytest.raises(ValueError, match="read-only"):
            scores[0, 0] = 1.0
