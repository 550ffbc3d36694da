"""Criteria equal their definitions, for shared and for separate penalties; the search finds their minima."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from regnet.models import ridge_penalty as room
from regnet.models.decomposition import decompose, rotate
from regnet.models.ridge import fit_ridge

PENALTIES = np.array([1e-3, 0.5, 20.0, 1e4])


def _data(n_genes, n_motifs, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.gamma(2.0, size=(n_genes, n_motifs))
    expression = scores @ rng.standard_normal((n_motifs, 3)) + 2.0 * rng.standard_normal((n_genes, 3))
    return scores, expression


def _hat(scores, penalty):
    gram = scores @ scores.T
    return gram @ np.linalg.inv(gram + penalty * np.eye(len(gram)))


def _dense_gcv(scores, expression, penalty):
    rest = np.eye(len(scores)) - _hat(scores, penalty)
    return len(scores) * ((rest @ expression) ** 2).sum(axis=0) / np.trace(rest) ** 2


def _dense_likelihood(scores, expression, penalty):
    """−2 log likelihood at the likeliest variance, without its constants."""
    n_genes = len(scores)
    shape = scores @ scores.T / penalty + np.eye(n_genes)
    variances = (expression * np.linalg.solve(shape, expression)).sum(axis=0) / n_genes
    return [
        -2.0 * multivariate_normal(np.zeros(n_genes), variance * shape).logpdf(outcome)
        - n_genes * (1.0 + np.log(2.0 * np.pi))
        for variance, outcome in zip(variances, expression.T, strict=True)
    ]


def _refitted(scores, expression, penalty, folds):
    """Sum of squared errors on genes that a fit was made without."""
    total = np.zeros(3)
    for held in folds:
        kept = np.setdiff1d(np.arange(len(scores)), held)
        effects = fit_ridge(scores[kept], expression[kept], penalty).effects
        total += ((expression[held] - scores[held] @ effects) ** 2).sum(axis=0)
    return total


def _dense_loo(scores, expression, penalty):
    return _refitted(scores, expression, penalty, np.arange(len(scores))[:, None])


def _dense_kfold(scores, expression, penalty):
    return _refitted(scores, expression, penalty, np.array_split(np.arange(len(scores)), 4))


def _criterion(rule, scores, expression):
    shape = decompose(scores)
    data = rotate(shape, expression)
    return {
        "gcv": lambda: room.generalised_cross_validation(shape, data),
        "ml": lambda: room.marginal_likelihood(shape, data),
        "loo": lambda: room.leave_one_out(shape, data, expression),
        "kfold": lambda: room.k_fold(room.decompose_folds(shape, 4), expression),
    }[rule]()


DENSE = {"gcv": _dense_gcv, "ml": _dense_likelihood, "loo": _dense_loo, "kfold": _dense_kfold}


@pytest.mark.parametrize("size", [(30, 8), (12, 20), (13, 13)])
@pytest.mark.parametrize("rule", list(DENSE))
def test_a_criterion_is_its_definition(rule, size):
    scores, expression = _data(*size)
    found = _criterion(rule, scores, expression)(PENALTIES[:, None])
    expected = [DENSE[rule](scores, expression, penalty) for penalty in PENALTIES]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("rule", list(DENSE))
def test_separate_penalties_are_judged_as_shared_ones_are(rule):
    criterion = _criterion(rule, *_data(30, 8))
    separate = criterion(np.array([[0.5, 20.0, 1e4], [1e-3, 0.5, 20.0]]))
    shared = criterion(PENALTIES[:, None])
    np.testing.assert_allclose(separate[0], np.diagonal(shared[1:]), rtol=1e-12)
    np.testing.assert_allclose(separate[1], np.diagonal(shared[:3]), rtol=1e-12)


def test_the_search_finds_the_minimum_of_each_column_and_of_their_sum():
    places = np.array([-3.2, 0.7, 4.1])

    def criterion(penalties):
        return (np.log(penalties) - places) ** 2 + 1.0

    each, at_end = room.search(criterion, 1.0, (10, 3), shared=False)
    np.testing.assert_allclose(np.log(each), places, atol=1e-6)
    assert not at_end
    shared, _ = room.search(criterion, 1.0, (10, 3), shared=True)
    np.testing.assert_allclose(np.log(shared), np.full(3, places.mean()), atol=1e-6)


def test_an_end_that_is_as_good_as_the_best_is_the_answer():
    def criterion(penalties):
        falls, rises, dips = np.log(np.broadcast_to(penalties, (len(penalties), 3))).T
        return np.column_stack([np.maximum(5.0 - falls, 0.0), rises, (dips - 1.0) ** 2])

    found, at_end = room.search(criterion, 2.0, (10, 3), shared=False)
    assert at_end
    np.testing.assert_allclose(found, [2.0 * room.HIGHEST, 2.0 * room.LOWEST, np.e], rtol=1e-6)


def test_a_large_problem_is_searched_a_few_penalties_at_a_time():
    widths = []

    def criterion(penalties):
        widths.append(len(penalties))
        return np.log(penalties) ** 2 * np.ones((1, 1000))

    room.search(criterion, 1.0, (3000, 1000), shared=True)
    assert max(widths) == 1
    assert len(widths) == 65 + 2 + 34


@pytest.mark.parametrize("rule", list(DENSE))
def test_conditions_with_penalties_of_their_own_are_fitted_as_if_alone(rule):
    scores, expression = _data(40, 10)
    together = fit_ridge(scores, expression, rule, shared=False)
    for condition in range(3):
        alone = fit_ridge(scores, expression[:, [condition]], rule)
        assert together.penalty[condition] == pytest.approx(alone.penalty, rel=1e-6)
