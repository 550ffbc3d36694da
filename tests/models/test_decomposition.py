"""Do decomposition and rotation give exactly what the likelihood needs?"""

import numpy as np
import pytest

from regnet.errors import InputError
from regnet.models import decomposition as room
from regnet.models.decomposition import decompose, rotate


def skewed(n_genes, n_motifs, seed=0):
    return np.random.default_rng(seed).gamma(2.0, size=(n_genes, n_motifs))


@pytest.mark.parametrize("shape", [(30, 7), (7, 30), (12, 12), (5, 1), (1, 5)])
def test_the_parts_multiply_to_the_scores_and_are_orthonormal(shape):
    scores = skewed(*shape)
    parts = decompose(scores)
    assert (parts.n_genes, parts.n_motifs, parts.rank) == (*shape, min(shape))
    product = (parts.left * parts.singular_values) @ parts.right.T
    np.testing.assert_allclose(product, scores, atol=1e-12)
    np.testing.assert_allclose(parts.left.T @ parts.left, np.eye(parts.rank), atol=1e-13)
    np.testing.assert_allclose(parts.right.T @ parts.right, np.eye(parts.rank), atol=1e-13)


def test_duplicated_motifs_do_not_count_twice_in_the_rank():
    scores = skewed(40, 6)
    doubled = np.hstack([scores, scores[:, :2]])
    assert decompose(doubled).rank == 6
    assert decompose(np.zeros((4, 3))).rank == 0


def test_blocks_of_rows_give_the_same_decomposition_as_the_whole(monkeypatch):
    scores = skewed(3000, 20)
    scores[:, 7] = scores[:, 3] + 1e-7 * skewed(3000, 1, seed=1)[:, 0]
    whole = decompose(scores)
    monkeypatch.setattr(room, "LARGE", 1000)
    blocked = decompose(scores)
    assert blocked.rank == whole.rank == 20
    np.testing.assert_allclose(
        blocked.singular_values, whole.singular_values, atol=1e-14 * whole.singular_values[0]
    )
    np.testing.assert_allclose(blocked.left.T @ blocked.left, np.eye(20), atol=1e-13)
    product = (blocked.left * blocked.singular_values) @ blocked.right.T
    np.testing.assert_allclose(product, scores, atol=1e-11)
    signs = np.sign(np.sum(whole.left * blocked.left, axis=0))
    np.testing.assert_allclose(blocked.left * signs, whole.left, atol=1e-6)


def test_rotation_keeps_all_squares_and_knows_the_residual():
    scores, rng = skewed(40, 6), np.random.default_rng(1)
    outcome, design = rng.normal(size=(40, 3)), np.column_stack([np.ones(40), rng.normal(size=40)])
    parts = decompose(scores)
    seen = rotate(parts, outcome, design)
    assert (seen.n_residual, seen.n_genes, seen.n_conditions, seen.n_covariates) == (34, 40, 3, 2)
    for first, second, rotated_first, rotated_second, rest in [
        (outcome, outcome, seen.rotated, seen.rotated, seen.residual_gram),
        (design, design, seen.covariates, seen.covariates, seen.residual_covariate_gram),
        (design, outcome, seen.covariates, seen.rotated, seen.residual_cross),
    ]:
        np.testing.assert_allclose(rotated_first.T @ rotated_second + rest, first.T @ second, atol=1e-12)


def test_expression_inside_the_range_of_the_scores_leaves_no_residual():
    scores = skewed(30, 5)
    expression = 1e8 * scores @ np.random.default_rng(2).normal(size=(5, 3))
    seen = rotate(decompose(scores), expression)
    scale = np.abs(expression).max() ** 2
    assert np.abs(seen.residual_gram).max() < 1e-26 * scale
    square = rotate(decompose(scores[:5]), expression[:5])
    assert np.array_equal(square.residual_gram, np.zeros((3, 3)))
    assert square.covariates.shape == (5, 0)


def test_the_same_input_gives_the_same_bits():
    first, second = decompose(skewed(50, 20)), decompose(skewed(50, 20))
    assert np.array_equal(first.left, second.left)
    assert np.array_equal(first.singular_values, second.singular_values)


@pytest.mark.parametrize("scores", [np.zeros(3), np.zeros((0, 3)), np.zeros((3, 0))])
def test_what_is_not_a_matrix_is_refused(scores):
    with pytest.raises(InputError, match="genes × motifs"):
        decompose(scores)


def test_values_that_are_not_finite_are_named_by_row_and_column():
    scores = skewed(6, 3)
    scores[4, 1] = np.nan
    with pytest.raises(InputError, match="row 5, column 2"):
        decompose(scores)
    with pytest.raises(InputError, match="expression, row 2, column 1"):
        rotate(decompose(skewed(6, 3)), [[0], [np.inf], [0], [0], [0], [0]])
    with pytest.raises(InputError, match="6 genes"):
        rotate(decompose(skewed(6, 3)), np.zeros((5, 2)))
