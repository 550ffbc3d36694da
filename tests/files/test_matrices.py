"""Small tables of a covariance: with names or without, and one line for whatever is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regnet import InputError, Study
from regnet.files.matrices import matrix_files, read_matrix, with_matrices

K = "4 1 0; 1 2 0.5; 0 0.5 3"


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "K.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "4\t1\t0\n1\t2\t0.5\n0\t0.5\t3\n",
        "4,1,0\n1,2,.5\n0,.5,3",
        "4 1 0\r\n\r\n1   2 5e-1\r\n0 0.5 3\r\n",
        "# a comment\n\theat\tsalt\tcold\nheat\t4\t1\t0\nsalt\t1\t2\t0.5\ncold\t0\t0.5\t3\n",
        "condition,heat,salt,cold\nheat,4,1,0\nsalt,1,2,0.5\ncold,0,0.5,3\n",
        '"heat"\t"salt"\t"cold"\n"heat"\t4\t1\t0\n"salt"\t1\t2\t0.5\n"cold"\t0\t0.5\t3\n',  # as R writes it
        '"heat" "salt" "cold"\n"heat" 4 1 0\n"salt" 1 2 0.5\n"cold" 0 0.5 3\n',
        "heat\tsalt\tcold\n4\t1\t0\n1\t2\t0.5\n0\t0.5\t3\n",
        "heat\t4\t1\t0\nsalt\t1\t2\t0.5\ncold\t0\t0.5\t3\n",
        "\t10\t20\t30\n10\t4\t1\t0\n20\t1\t2\t0.5\n30\t0\t0.5\t3\n",
        "id\t10\t20\t30\n10\t4\t1\t0\n20\t1\t2\t0.5\n30\t0\t0.5\t3\n",
        "\tcold\theat\tsalt\nheat\t0\t4\t1\nsalt\t0.5\t1\t2\ncold\t3\t0\t0.5\n",  # columns in another order
        "\ufeff\ta\tb\tc\na\t4\t1\t0\nb\t1\t2\t0.5\nc\t0\t0.5\t3\n",
        # the conditions' own names, in another order
        "\tcondition_3\tcondition_1\tcondition_2\ncondition_3\t3\t0\t0.5\n"
        "condition_1\t0\t4\t1\ncondition_2\t0.5\t1\t2\n",
    ],
)
def test_the_same_matrix_is_read_with_names_or_without(text: str, tmp_path: Path) -> None:
    assert read_matrix(written(tmp_path, text)) == K


def test_one_condition_is_a_table_too(tmp_path: Path) -> None:
    for text in ("2.5", "heat\n2.5", "heat\t2.5", "\theat\nheat\t2.5"):
        assert read_matrix(written(tmp_path, text)) == "2.5"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'K.tsv': wanted a table, found an empty file"),
        ("# nothing\n", "an empty file"),
        ("a\tb\n", "a row of numbers for each condition, found a header only"),
        ("1\t2\t3\n4\t5\t6\n", "a square table.*found 2 rows and 3 columns"),
        ("1\n2\n", "found 2 rows and 1 columns"),
        ("\ta\tb\na\t1\t0\n", "found 1 rows and 2 columns"),
        ("1\t0\n0\n", "line 2: wanted 2 cells, as in line 1, found 1"),
        ("1\tNaN\nNaN\t1\n", "line 1, column 2: wanted a finite number, found 'NaN'"),
        ("1\t0\n0\tinf\n", "line 2, column 2: wanted a finite number, found 'inf'"),
        ("1\t\n\t1\n", "line 1, column 2: wanted a finite number, found ''"),
        ("\ta\tb\na\t1\tx\nb\t0\t1\n", "line 2, column 3: wanted a finite number, found 'x'"),
        ("1\t0\n1_0\t1\n", "line 2, column 1: wanted a finite number, found '1_0'"),
        ("1\t1e999\n1e999\t1\n", "found '1e999'"),
        ("\ta\tb\na\t1\t0\nc\t0\t1\n", "the same conditions as rows and as columns"),
        ("\ta\ta\na\t1\t0\na\t0\t1\n", "conditions with distinct names"),
        ("0\t" * 120 + "0\n", "a square table"),
        ("\n".join("\t".join(["1"] * 121) for _ in range(121)), "at most 120 conditions, found 121"),
        (b"\x80\x04\x95pickle", "a table in text"),
        (b"1\t0\x00\n", "a table in text"),
        (b"1" * 2_000_001, "at most 2,000,000 bytes"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_place(text: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_matrix(written(tmp_path, text))
    assert str(caught.value).isprintable()


def test_what_is_no_file_is_said_by_the_parameters_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"noise_matrix: wanted a file.*which isn't there"):
        read_matrix(tmp_path / "none.tsv", "noise_matrix")
    with pytest.raises(InputError, match="which is no file"):
        read_matrix(tmp_path, "noise_matrix")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_matrix_or_one_clear_error(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            text = read_matrix(written(Path(folder), data))
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert Study(conditions=text.count(";") + 1, covariance="id", signal_matrix=text)


def test_a_studys_files_are_read_into_it_and_its_identity_is_their_content(tmp_path: Path) -> None:
    path, other = written(tmp_path, "1\t0.5\n0.5\t1\n"), tmp_path / "other name.csv"
    other.write_text("1,.50\n.50,1\n")
    studies = [
        Study(conditions=2, covariance="id", signal_model="fixed, freeform", signal_matrix=given)
        for given in (path, str(other), "1 0.5; 0.5 1", [[1, 0.5], [0.5, 1]])
    ]
    assert matrix_files(studies[0]) == {"signal_matrix": path}
    assert matrix_files(studies[2]) == {}
    whole = [with_matrices(study) for study in studies]
    assert {study.identity() for study in whole} == {studies[2].identity()}
    path.write_text("1\t0.4\n0.4\t1\n")
    assert with_matrices(studies[0]).identity() != studies[2].identity()
    assert whole[0] == studies[2]


def test_a_file_that_does_not_fit_the_study_is_refused_by_its_name(tmp_path: Path) -> None:
    path = written(tmp_path, "1\t0.5\n0.5\t1\n")
    study = Study(conditions=[2, 4], covariance="id", noise_model="fixed", noise_matrix=path)
    with pytest.raises(InputError, match=r"'K\.tsv', noise_matrix: wanted a 4 × 4 matrix for 4 conditions"):
        with_matrices(study)
    for text, message in (("1\t1\n1\t1\n", "nonsingular"), ("1\t2\n3\t4\n", "symmetric")):
        path.write_text(text)
        with pytest.raises(InputError, match=rf"'K\.tsv', noise_matrix: wanted a {message}"):
            with_matrices(study.replace(conditions=2))


def test_a_matrix_without_effect_is_neither_looked_for_nor_kept() -> None:
    study = Study(signal_matrix="nowhere.tsv", noise_matrix="1 0; 0 1")
    assert with_matrices(study) == Study()
    only_ridge = Study(methods="Ridge", signal_model="fixed", signal_matrix="nowhere.tsv")
    assert with_matrices(only_ridge).values["signal_matrix"] == ("",)
