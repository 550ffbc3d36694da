"""Motif tables keep their scores and names, and are named by their content."""

import numpy as np
import pandas as pd
import pytest

from regnet.errors import InputError
from regnet.files.motifs import motif_scores, read_motifs

GIMME = (
    "# GimmeMotifs version 0.18.4\n# Input: promoters.fa\n# Motifs: JASPAR.pfm\n# Threshold: none\n"
    "# Scoring: log-odds\n"
    "\tMA0266.1_ABF2\tMA0267.1_ACE2\n"
)


def _write(tmp_path, content, name="motifs.tsv"):
    path = tmp_path / name
    path.write_text(content)
    return path


def test_rows_named_by_region_and_gene_are_named_by_the_gene(tmp_path):
    path = _write(
        tmp_path, GIMME + "chrI:2170-2669 YAL068C\t2.51\t4.10\nchrI:1980-2479 YAL067W-A\t4.76\t6.99\n"
    )
    table = read_motifs(path)
    assert table.genes == ("YAL068C", "YAL067W-A")
    assert table.motifs == ("MA0266.1_ABF2", "MA0267.1_ACE2")
    np.testing.assert_array_equal(table.scores, [[2.51, 4.10], [4.76, 6.99]])
    assert table.notes == ()


def test_regions_that_share_a_gene_are_noted(tmp_path):
    table = read_motifs(_write(tmp_path, GIMME + "chr1:1-9 A\t1\t2\nchr2:1-9 A\t1\t2\n"))
    assert table.notes == ("genes have several regions each: rows are named by region and gene",)


def test_synthetic_scores_have_no_file():
    with pytest.raises(InputError, match="'synthetic'; synthetic scores have the size of a scenario"):
        read_motifs("synthetic")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("chr1:1-9", "chr1:20-30"), ("chr1:1-9", "chr1:20-30")),  # regions only
        (("chr1:1-9 A", "B"), ("chr1:1-9 A", "B")),  # not all are named so
        (("chr1:1-9 A", "chr2:1-9 A"), ("chr1:1-9 A", "chr2:1-9 A")),  # a gene with two promoters
        (("gene A", "gene B"), ("gene A", "gene B")),
    ],
)
def test_other_labels_stay_whole(tmp_path, labels, expected):
    rows = "".join(f"{label}\t{number}\t2\n" for number, label in enumerate(labels))
    assert read_motifs(_write(tmp_path, GIMME + rows)).genes == expected


def test_genes_that_stand_twice_are_named_with_their_lines(tmp_path):
    path = _write(tmp_path, GIMME + "A\t1\t2\nB\t1\t2\nA\t3\t4\n")
    with pytest.raises(
        InputError, match=r"'motifs.tsv': wanted genes with distinct names, found 'A' on lines 7 and 9"
    ):
        read_motifs(path)


def test_constant_and_negative_scores_are_kept_by_the_reader(tmp_path):
    table = read_motifs(_write(tmp_path, "\tm1\tm2\ng1\t-30.5\t1\ng2\t4\t1\n"))
    np.testing.assert_array_equal(table.scores, [[-30.5, 1.0], [4.0, 1.0]])


def test_the_fingerprint_is_of_the_content_not_of_the_file(tmp_path):
    content = "\tm1\tm2\ng1\t1.5\t2\ng2\t3\t4\n"
    first = read_motifs(_write(tmp_path, content))
    same = read_motifs(_write(tmp_path, "# x\n" + content.replace("\t", ",").replace("1.5", "1.50"), "b.csv"))
    assert first.fingerprint == same.fingerprint
    assert first.fingerprint == motif_scores([[1.5, 2], [3, 4]], ["g1", "g2"], ["m1", "m2"]).fingerprint
    assert first.fingerprint == motif_scores(first.to_frame()).fingerprint
    others = [
        motif_scores([[1.5, 2], [3, 4.000001]], ["g1", "g2"], ["m1", "m2"]),
        motif_scores([[1.5, 2], [3, 4]], ["g1", "g3"], ["m1", "m2"]),
        motif_scores([[1.5, 2], [3, 4]], ["g1", "g2"], ["m1", "m3"]),
    ]
    assert len({first.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_scores_cannot_be_written_to_and_do_not_follow_the_array_they_came_from():
    array = np.arange(6.0).reshape(3, 2)
    table = motif_scores(array)
    array[0, 0] = 99.0
    assert table.scores[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        table.scores[0, 0] = 1.0


def test_a_data_frame_keeps_its_names_and_an_array_gets_some():
    frame = pd.DataFrame([[1, 2], [3, 4]], index=["a", "b"], columns=["x", "y"])
    assert (motif_scores(frame).genes, motif_scores(frame).motifs) == (("a", "b"), ("x", "y"))
    plain = motif_scores([[1, 2], [3, 4]])
    assert (plain.genes, plain.motifs) == (("gene_1", "gene_2"), ("motif_1", "motif_2"))
    pd.testing.assert_frame_equal(motif_scores(frame).to_frame(), frame.astype(float))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (([1.0, 2.0],), r"a matrix of genes × motifs, found an array of shape \(2,\)"),
        ((np.empty((0, 3)),), r"an array of shape \(0, 3\)"),
        (([["a", "b"]],), "a matrix of numbers"),
        (([[1.0, np.nan]],), "row 1, column 2: wanted a finite number, found nan"),
        (([[1.0, 2.0]], ["g"], ["m", "m"]), "motifs with distinct names, found 'm' 2 times"),
        (([[1.0, 2.0]], ["g", "h"]), "1 names of genes, found 2"),
    ],
)
def test_arrays_that_are_no_motif_scores_are_refused(arguments, expected):
    with pytest.raises(InputError, match=expected):
        motif_scores(*arguments)
