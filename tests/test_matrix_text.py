"""A matrix written on one line: read back equal, refused by what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regnet.errors import InputError
from regnet.matrix_text import (
    MOST_CONDITIONS,
    MatrixOrPath,
    check_covariance,
    is_written_out,
    parse_matrix,
    write_matrix,
)

KIND = MatrixOrPath()
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.tuples(*[FINITE] * n), min_size=n, max_size=n)))
def test_every_number_comes_back_to_the_last_bit(rows: list[tuple[float, ...]]) -> None:
    text = write_matrix(rows)
    assert parse_matrix(text) == tuple(rows)
    assert KIND.read(text) == text
    assert is_written_out(text)


@pytest.mark.parametrize(
    "given",
    [
        "1 0.5; 0.5 1",
        "1,.5;.5,1;",
        " 1.0\t5e-1 ;\n0.50 +1 ",
        [[1, 0.5], [0.5, 1]],
        ((1.0, 0.5), (0.5, 1.0)),
        np.array([[1, 0.5], [0.5, 1]]),
        pd.DataFrame([[1, 0.5], [0.5, 1]]),
        pd.DataFrame([[0.5, 1], [1, 0.5]], ["heat", "salt"], ["salt", "heat"]),
    ],
)
def test_the_same_matrix_is_the_same_value_however_it_is_given(given: object) -> None:
    assert KIND.read(given) == "1 0.5; 0.5 1"


@pytest.mark.parametrize(
    "given",
    [
        "1 2 3; 4 5 6",
        "1 2; 3",
        "1 nan; nan 1",
        "inf",
        "1 1e999; 1e999 1",
        [[1, 2]],
        [[1, "x"], ["x", 1]],
        [1, 2],
        np.ones((2, 3)),
        np.ones(3),
        pd.DataFrame(np.eye(2), ["a", "b"], ["a", "c"]),
        pd.DataFrame(np.eye(2), ["a", "a"], ["a", "a"]),
        np.eye(MOST_CONDITIONS + 1),
        None,
        True,
        {},
        "a\nb",
        "x" * 1001,
    ],
)
def test_what_is_no_square_matrix_of_finite_numbers_and_no_path_is_refused(given: object) -> None:
    assert KIND.read(given) is None


def test_what_is_not_only_numbers_is_a_path_and_one_number_a_matrix() -> None:
    assert KIND.read(" kinship 2.tsv ") == "kinship 2.tsv"
    assert KIND.read(Path("a/b.tsv")) == "a/b.tsv"
    assert KIND.read("./1e3") == "./1e3"
    assert KIND.read("1e3") == KIND.read(1000) == "1000"
    assert KIND.read("") == ""
    assert not is_written_out("")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0; 0 0", "some entry other than zero"),
        ("1 0.5; 0.4 1", "symmetric matrix, found 0.4 in row 2, column 1 and 0.5 in its mirror image"),
        ("1 2; 2 1", "negative eigenvalue"),
        ("-1", "negative eigenvalue"),
        ("1 0 0; 0 0 1e-5; 0 1e-5 0", "negative eigenvalue"),
    ],
)
def test_what_is_no_covariance_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"signal_matrix: wanted.*{message}"):
        check_covariance(text, "signal_matrix")


def test_a_singular_matrix_will_do_for_the_signal_and_not_for_the_noise() -> None:
    check_covariance("1 1; 1 1", "K")
    check_covariance("0 0; 0 1", "K")
    check_covariance("1 0.999; 0.999 1", "K", nonsingular=True)
    with pytest.raises(InputError, match="nonsingular"):
        check_covariance("1 1; 1 1", "K", nonsingular=True)


@given(st.integers(2, 6), st.integers(0, 2**32 - 1), st.integers(-12, 12))
def test_definiteness_agrees_with_the_eigenvalues(size: int, seed: int, magnitude: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.standard_normal((size, size)))[0]
    values = rng.uniform(0.1, 1.0, size) * 10.0**magnitude
    values[0] *= rng.choice([1.0, 0.0, -1.0])
    matrix = (vectors * values) @ vectors.T
    text = write_matrix(((matrix + matrix.T) / 2.0).tolist())
    if values[0] >= 0.0:
        check_covariance(text, "K", nonsingular=values[0] > 0.0)
    else:
        with pytest.raises(InputError, match="semidefinite"):
            check_covariance(text, "K")
