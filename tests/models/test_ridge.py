"""Ridge regression against its definition, scikit-learn and the mathematics of its penalties."""

import warnings

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from regnet.errors import InputError
from regnet.models.decomposition import decompose
from regnet.models.ridge import fit_ridge
from regnet.models.ridge_penalty import HIGHEST, LOWEST, decompose_folds


def _data(n_genes=60, n_motifs=20, n_conditions=3, seed=0, noise=2.0):
    rng = np.random.default_rng(seed)
    scores = rng.gamma(2.0, size=(n_genes, n_motifs))
    effects = rng.standard_normal((n_motifs, n_conditions))
    return scores, scores @ effects + noise * rng.standard_normal((n_genes, n_conditions))


WIDE = {"n_genes": 30, "n_motifs": 50}


def _hat(scores, penalty):
    gram = scores @ scores.T
    return gram @ np.linalg.inv(gram + penalty * np.eye(len(gram)))


# ---- effects -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [{}, WIDE])
@pytest.mark.parametrize("penalty", [1e-3, 1.0, 50.0, 1e6])
def test_effects_are_the_normal_equations_solution(size, penalty):
    scores, expression = _data(**size)
    fit = fit_ridge(scores, expression, penalty)
    expected = np.linalg.solve(scores.T @ scores + penalty * np.eye(scores.shape[1]), scores.T @ expression)
    np.testing.assert_allclose(fit.effects, expected, rtol=1e-7, atol=1e-9)
    assert fit.penalty == penalty
    assert fit.penalty_rule == "fixed"
    assert not fit.at_boundary


@pytest.mark.parametrize("size", [{}, WIDE])
def test_effects_agree_with_scikit_learn(size):
    from sklearn.linear_model import Ridge

    scores, expression = _data(**size)
    peer = Ridge(alpha=3.0, fit_intercept=False, solver="svd").fit(scores, expression)
    np.testing.assert_allclose(
        fit_ridge(scores, expression, 3.0).effects, peer.coef_.T, rtol=1e-8, atol=1e-10
    )


def test_degrees_of_freedom_are_the_trace_of_the_hat_matrix():
    scores, expression = _data()
    fit = fit_ridge(scores, expression, 7.0)
    assert fit.degrees_of_freedom == pytest.approx(np.trace(_hat(scores, 7.0)), rel=1e-10)


def test_a_duplicated_motif_shares_its_effect():
    scores, expression = _data()
    once = fit_ridge(scores, expression, 5.0)
    # Two copies with penalty 2k each act as one with penalty k; so do copies scaled by 1/√2.
    doubled = np.column_stack([scores[:, 1:], scores[:, :1] / np.sqrt(2), scores[:, :1] / np.sqrt(2)])
    twice = fit_ridge(doubled, expression, 5.0)
    np.testing.assert_allclose(twice.effects[-1], twice.effects[-2], atol=1e-10)
    np.testing.assert_allclose(twice.effects[-1] * np.sqrt(2), once.effects[0], atol=1e-10)
    np.testing.assert_allclose(twice.effects[:-2], once.effects[1:], atol=1e-10)


@pytest.mark.parametrize("rule", ["gcv", "loo", "kfold", "ml"])
@pytest.mark.parametrize("shared", [True, False])
def test_rescaling_and_permuting_conditions_changes_nothing_else(rule, shared):
    scores, expression = _data()
    order = [2, 0, 1]
    plain = fit_ridge(scores, expression, rule, shared=shared)
    changed = fit_ridge(scores, 1e3 * expression[:, order], rule, shared=shared)
    np.testing.assert_allclose(changed.effects, 1e3 * plain.effects[:, order], rtol=1e-5)
    expected = plain.penalty if shared else plain.penalty[order]
    np.testing.assert_allclose(changed.penalty, expected, rtol=1e-5)


@pytest.mark.parametrize("rule", ["gcv", "loo", "kfold", "ml"])
def test_rescaling_scores_rescales_the_penalty_by_the_square(rule):
    scores, expression = _data()
    plain = fit_ridge(scores, expression, rule)
    scaled = fit_ridge(1e4 * scores, expression, rule)
    assert scaled.penalty == pytest.approx(1e8 * plain.penalty, rel=1e-5)
    np.testing.assert_allclose(scaled.effects, plain.effects / 1e4, rtol=1e-5)


# ---- penalties by their definition -------------------------------------------------------------------


def _dense_gcv(scores, expression, penalty):
    n_genes = len(scores)
    rest = np.eye(n_genes) - _hat(scores, penalty)
    return n_genes * ((rest @ expression) ** 2).sum(axis=0) / np.trace(rest) ** 2


def _dense_loo(scores, expression, penalty):
    errors = np.empty_like(expression)
    for gene in range(len(scores)):
        kept = np.arange(len(scores)) != gene
        effects = fit_ridge(scores[kept], expression[kept], penalty).effects
        errors[gene] = expression[gene] - scores[gene] @ effects
    return (errors**2).sum(axis=0)


def _dense_kfold(scores, expression, penalty, n_folds=5):
    errors = np.empty_like(expression)
    for held in np.array_split(np.arange(len(scores)), n_folds):
        kept = np.setdiff1d(np.arange(len(scores)), held)
        effects = fit_ridge(scores[kept], expression[kept], penalty).effects
        errors[held] = expression[held] - scores[held] @ effects
    return (errors**2).sum(axis=0)


def _dense_ml(scores, expression, penalty):
    n_genes = len(scores)
    shape = scores @ scores.T / penalty + np.eye(n_genes)
    deviance = []
    for outcome in expression.T:
        variance = outcome @ np.linalg.solve(shape, outcome) / n_genes
        deviance.append(-2.0 * multivariate_normal(np.zeros(n_genes), variance * shape).logpdf(outcome))
    return np.array(deviance)


DENSE = {"gcv": _dense_gcv, "loo": _dense_loo, "kfold": _dense_kfold, "ml": _dense_ml}


@pytest.mark.parametrize("size", [{}, WIDE, {"n_genes": 31, "n_motifs": 7}])
@pytest.mark.parametrize("rule", list(DENSE))
def test_a_chosen_penalty_minimises_its_criterion(rule, size):
    scores, expression = _data(**size)
    criterion = DENSE[rule]
    shared = fit_ridge(scores, expression, rule)
    each = fit_ridge(scores, expression, rule, shared=False)
    assert not shared.at_boundary
    grid = np.geomspace(1e-3, 1e5, 41)
    values = np.array([criterion(scores, expression, penalty) for penalty in grid])
    best = criterion(scores, expression, shared.penalty).sum()
    assert best <= values.sum(axis=1).min() * (1.0 + 1e-9)
    for nearby in (0.999, 1.001):  # a minimum also on the finest scale
        assert best <= criterion(scores, expression, nearby * shared.penalty).sum() * (1.0 + 1e-10)
    for condition, penalty in enumerate(each.penalty):
        own = criterion(scores, expression, penalty)[condition]
        assert own <= values[:, condition].min() + 1e-9 * abs(own)


@pytest.mark.parametrize("seed", [3, 5, 6, 7, 13])
def test_of_several_minima_the_lowest_is_found(seed):
    # Motifs of very different scale: one penalty suits the four large ones, another the four small ones.
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((40, 8)) * np.repeat([1e4, 1.0], 4)
    effects = np.zeros((8, 1))
    effects[:4] = rng.standard_normal((4, 1)) * 1e-4 * rng.choice([0.0, 0.1, 0.3, 1.0])
    effects[4:] = rng.standard_normal((4, 1)) * rng.choice([0.2, 0.5, 1.0, 2.0])
    expression = scores @ effects + rng.standard_normal((40, 1))
    grid = np.geomspace(LOWEST, HIGHEST, 600) * np.linalg.norm(scores, 2) ** 2
    values = np.array([_dense_gcv(scores, expression, penalty)[0] for penalty in grid])
    inner = values[1:-1]
    assert np.count_nonzero((inner < values[:-2]) & (inner < values[2:])) == 2
    found = fit_ridge(scores, expression, "gcv").penalty
    assert _dense_gcv(scores, expression, found)[0] <= values.min()


@pytest.mark.parametrize("alpha_per_target", [True, False])
def test_leave_one_out_agrees_with_scikit_learn(alpha_per_target):
    from sklearn.linear_model import RidgeCV

    scores, expression = _data()
    grid = np.geomspace(1e-2, 1e3, 501)
    peer = RidgeCV(alphas=grid, fit_intercept=False, alpha_per_target=alpha_per_target)
    peer.fit(scores, expression)
    fit = fit_ridge(scores, expression, "loo", shared=not alpha_per_target)
    # The peer's grid has steps of 2.3 %.
    np.testing.assert_allclose(fit.penalty, peer.alpha_, rtol=0.013)
    np.testing.assert_allclose(
        fit_ridge(scores, expression, float(peer.alpha_)).effects if not alpha_per_target else fit.effects,
        peer.coef_.T,
        atol=1e-9 if not alpha_per_target else 5e-3,
    )


def test_k_fold_agrees_with_scikit_learn():
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV, KFold

    scores, expression = _data(n_genes=53)  # folds of unequal size
    fit = fit_ridge(scores, expression, "kfold", folds=4)
    grid = fit.penalty * np.geomspace(0.5, 2.0, 31)  # its middle is ours

    def negative_sum(estimator, held, outcome):
        return -float(((outcome - estimator.predict(held)) ** 2).sum())

    peer = GridSearchCV(Ridge(fit_intercept=False), {"alpha": list(grid)}, scoring=negative_sum, cv=KFold(4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.fit(scores, expression)
    assert peer.best_params_["alpha"] == pytest.approx(fit.penalty, rel=1e-9)


def test_prepared_folds_give_the_same_as_a_number_of_folds():
    scores, expression = _data()
    folds = decompose_folds(decompose(scores), 5)
    prepared = fit_ridge(scores, expression, "kfold", folds=folds)
    assert prepared.penalty == fit_ridge(scores, expression, "kfold", folds=5).penalty
    with pytest.raises(InputError, match="folds of 50 genes"):
        fit_ridge(scores[:50], expression[:50], "kfold", folds=folds)


def test_the_oracle_is_the_variance_ratio():
    scores, expression = _data()
    truth = (np.diag([1.0, 2.0, 0.5]), np.diag([3.0, 1.0, 4.0]))
    each = fit_ridge(scores, expression, "oracle", shared=False, truth=truth)
    np.testing.assert_allclose(each.penalty, [3.0, 0.5, 8.0])
    shared = fit_ridge(scores, expression, "oracle", truth=truth)
    assert shared.penalty == pytest.approx(8.0 / 3.5)


def test_the_shared_oracle_has_the_least_expected_error():
    scores, _ = _data()
    signal, noise = np.diag([1.0, 2.0, 0.5]), np.diag([3.0, 1.0, 4.0])
    square = np.linalg.svd(scores, compute_uv=False) ** 2

    def expected_error(k):  # of all conditions together
        return ((k**2 * np.trace(signal) + square * np.trace(noise)) / (square + k) ** 2).sum()

    best = fit_ridge(scores, np.ones((60, 3)), "oracle", truth=(signal, noise)).penalty
    assert all(expected_error(best) < expected_error(factor * best) for factor in (0.5, 0.99, 1.01, 2.0))


def test_the_oracle_without_effects_or_without_noise():
    scores, expression = _data()
    zero, one = np.zeros((3, 3)), np.eye(3)
    none = fit_ridge(scores, expression, "oracle", truth=(zero, one))
    assert none.penalty == np.inf
    assert not none.effects.any()
    exact = fit_ridge(scores, expression, "oracle", truth=(one, zero))
    np.testing.assert_allclose(exact.effects, np.linalg.lstsq(scores, expression)[0], atol=1e-9)


# ---- ends of the range -------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["gcv", "loo", "kfold", "ml"])
def test_no_noise_gives_least_squares_at_the_lower_end(rule):
    scores, _ = _data()
    effects = np.random.default_rng(1).standard_normal((20, 3))
    fit = fit_ridge(scores, scores @ effects, rule)
    assert fit.at_boundary
    assert fit.penalty == pytest.approx(LOWEST * np.linalg.norm(scores, 2) ** 2)
    np.testing.assert_allclose(fit.effects, effects, atol=1e-6)


@pytest.mark.parametrize("rule", ["gcv", "loo", "ml"])
def test_expression_that_motifs_cannot_explain_gives_no_effects_at_the_upper_end(rule):
    scores, expression = _data()
    left = decompose(scores).left
    expression = expression - left @ (left.T @ expression)
    fit = fit_ridge(scores, expression, rule)
    assert fit.at_boundary
    assert fit.penalty == pytest.approx(HIGHEST * np.linalg.norm(scores, 2) ** 2)
    np.testing.assert_allclose(fit.effects, 0.0, atol=1e-8)


@pytest.mark.parametrize("rule", ["gcv", "loo", "kfold", "ml"])
@pytest.mark.parametrize("shared", [True, False])
def test_expression_of_zeros_gives_effects_of_zero(rule, shared):
    scores, _ = _data()
    fit = fit_ridge(scores, np.zeros((60, 3)), rule, shared=shared)
    assert not fit.effects.any()
    assert fit.at_boundary


@pytest.mark.parametrize("rule", ["gcv", "loo", "kfold", "ml", 2.0])
def test_scores_of_zeros_give_effects_of_zero(rule):
    _, expression = _data()
    fit = fit_ridge(np.zeros((60, 4)), expression, rule)
    np.testing.assert_array_equal(fit.effects, np.zeros((4, 3)))


def test_a_fold_whose_training_scores_are_zeros_predicts_zero():
    scores = np.array([[0.0], [0.0], [1.0]])
    fit = fit_ridge(scores, np.array([[1.0], [2.0], [3.0]]), "kfold", folds=2)
    np.testing.assert_allclose(fit.effects, 3.0 / (1.0 + fit.penalty))


# ---- what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [0.0, -1.0, np.nan, np.inf, "best", None, [1.0], True])
def test_a_penalty_that_is_none_is_refused(penalty):
    scores, expression = _data()
    with pytest.raises(InputError, match="penalty: wanted a number above 0, or one of gcv"):
        fit_ridge(scores, expression, penalty)


def test_the_oracle_without_the_truth_is_refused():
    scores, expression = _data()
    with pytest.raises(InputError, match="only simulated data"):
        fit_ridge(scores, expression, "oracle")


@pytest.mark.parametrize("folds", [1, 61])
def test_folds_that_do_not_exist_are_refused(folds):
    scores, expression = _data()
    with pytest.raises(InputError, match="folds: wanted a number from 2 to 60"):
        fit_ridge(scores, expression, "kfold", folds=folds)


def test_expression_of_other_genes_is_refused():
    scores, expression = _data()
    with pytest.raises(InputError, match="one row for each of 60 genes"):
        fit_ridge(scores, expression[:-1])
