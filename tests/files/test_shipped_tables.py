"""The tables that regNet ships are the ones their READMEs describe."""

import csv
import gzip
import time

import numpy as np
import pytest

from regnet.files.expression import read_expression
from regnet.files.motifs import read_motifs
from regnet.places import shipped_data


@pytest.fixture(scope="module")
def motifs():
    return read_motifs("yeast")


@pytest.fixture(scope="module")
def expression():
    return read_expression("yeast")


def test_the_yeast_promoter_table_has_its_genes_and_motifs(motifs):
    assert motifs.scores.shape == (5987, 179)
    assert motifs.genes[:2] == ("YAL068C", "YAL067W-A")
    assert motifs.motifs[:2] == ("MA0266.1_ABF2", "MA0267.1_ACE2")
    np.testing.assert_array_equal(motifs.scores[0, :3], [2.51, 4.10, 5.83])
    assert (np.ptp(motifs.scores, axis=0) > 0.0).all()
    np.testing.assert_array_equal(np.round(motifs.scores, 2), motifs.scores)


def test_the_fingerprint_of_the_yeast_table_never_changes(motifs):
    # Simulated data follow from it: another one would be other data under the same study.
    assert motifs.fingerprint == "5ae37fa31f0d5985"


def test_the_yeast_expression_has_its_genes_and_arrays(expression):
    assert expression.expression.shape == (186, 79)
    assert expression.n_missing == 214
    assert (expression.genes[0], expression.conditions[0]) == ("YGR270W", "alpha_0")


def test_all_genes_with_expression_have_motif_scores(motifs, expression):
    assert set(expression.genes) <= set(motifs.genes)


def test_every_gene_with_expression_has_a_functional_class(expression):
    path = shipped_data() / "expression" / "genes" / "yeast.tsv.gz"
    with gzip.open(path, "rt") as text:
        classes = {row["gene"]: row["class"] for row in csv.DictReader(text, delimiter="\t")}
    assert set(classes) == set(expression.genes)
    assert set(classes.values()) == {"Proteas", "Resp", "Ribo"}


def test_the_centred_pair_has_rank_179_of_186_genes(motifs, expression):
    scores = motifs.to_frame().loc[list(expression.genes)].to_numpy()
    assert np.linalg.matrix_rank(scores - scores.mean(axis=0)) == 179


def test_the_yeast_table_is_read_within_half_a_second(motifs):
    times = []
    for _ in range(3):
        start = time.process_time()
        read_motifs("yeast")
        times.append(time.process_time() - start)
    assert min(times) < 0.5
