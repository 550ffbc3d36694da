"""Does the mixed model's fit find the right answer, and say clearly where there is none?"""

import numpy as np
import pytest

from regnet.errors import InputError
from regnet.models.decomposition import decompose
from regnet.models.mixed_model import NoMaximumError, fit_mixed_model
from regnet.models.ridge import fit_ridge


def simulated(n_genes=80, n_motifs=30, n_conditions=3, seed=0, signal=1.0):
    rng = np.random.default_rng(seed)
    scores = rng.gamma(1.0, size=(n_genes, n_motifs))
    root = rng.normal(size=(n_conditions, n_conditions))
    noise_root = np.eye(n_conditions) + 0.5 * rng.normal(size=(n_conditions, n_conditions))
    effects = signal * 0.3 * rng.normal(size=(n_motifs, n_conditions)) @ root
    expression = scores @ effects + rng.normal(size=(n_genes, n_conditions)) @ noise_root
    return scores, expression, effects


def test_one_condition_is_the_mixed_model_of_one_trait():
    scores, expression, _ = simulated(n_conditions=1)
    fit = fit_mixed_model(scores, expression)
    ratio = fit.noise_covariance[0, 0] / fit.signal_covariance[0, 0]
    ridge = fit_ridge(scores, expression, penalty=ratio)
    np.testing.assert_allclose(fit.effects, ridge.effects, atol=1e-10)
    assert fit.converged
    assert fit.criterion <= 1e-6


def test_noise_proportional_to_signal_gives_the_ridge_estimate():
    scores, expression, _ = simulated()
    fit = fit_mixed_model(scores, expression, noise="proportional")
    ratio = fit.noise_covariance[0, 0] / fit.signal_covariance[0, 0]
    np.testing.assert_allclose(fit.noise_covariance, ratio * fit.signal_covariance, rtol=1e-10)
    ridge = fit_ridge(scores, expression, penalty=ratio)
    np.testing.assert_allclose(fit.effects, ridge.effects, atol=1e-10)


@pytest.mark.parametrize("noise", ["random", "id", "diag", "proportional"])
def test_permuting_conditions_permutes_the_fit(noise):
    scores, expression, _ = simulated()
    order = [2, 0, 1]
    fit = fit_mixed_model(scores, expression, noise=noise)
    other = fit_mixed_model(scores, expression[:, order], noise=noise)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(other.effects, fit.effects[:, order], atol=1e-6)
    np.testing.assert_allclose(
        other.signal_covariance, fit.signal_covariance[np.ix_(order, order)], atol=1e-6
    )


@pytest.mark.parametrize("noise", ["random", "diag"])
@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_rescaling_expression_rescales_the_fit(noise, factor):
    scores, expression, _ = simulated()
    fit = fit_mixed_model(scores, expression, noise=noise)
    other = fit_mixed_model(scores, factor * expression, noise=noise)
    np.testing.assert_allclose(other.effects / factor, fit.effects, atol=1e-6)
    np.testing.assert_allclose(other.effects_sd / factor, fit.effects_sd, atol=1e-6)
    np.testing.assert_allclose(other.noise_covariance / factor**2, fit.noise_covariance, atol=1e-6)
    shift = expression.size * np.log(factor)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood - shift, rel=1e-10)


def test_more_conditions_than_residual_directions_are_refused_with_the_remedy():
    scores, expression, _ = simulated(n_genes=32, n_motifs=30, n_conditions=4)
    with pytest.raises(NoMaximumError, match="diagonal, identity or proportional Σ"):
        fit_mixed_model(scores, expression)
    assert fit_mixed_model(scores, expression, noise="diag").converged
    assert fit_mixed_model(scores, expression, noise="id").converged


def test_duplicated_conditions_are_refused():
    scores, expression, _ = simulated()
    with pytest.raises(NoMaximumError, match="residuals of rank 3"):
        fit_mixed_model(scores, expression[:, [0, 1, 2, 0]])


def test_a_constant_condition_with_an_intercept_is_refused():
    scores, expression, _ = simulated()
    expression[:, 1] = 3.0
    with pytest.raises(NoMaximumError):
        fit_mixed_model(scores, expression, mean="intercept")


def test_the_same_fit_is_reproduced_bit_by_bit():
    scores, expression, _ = simulated()
    parts = decompose(scores)
    first = fit_mixed_model(scores, expression, decomposition=parts)
    second = fit_mixed_model(scores, expression, decomposition=parts)
    assert np.array_equal(first.effects, second.effects)
    assert first.log_likelihood == second.log_likelihood


def test_random_starts_without_a_generator_are_refused():
    scores, expression, _ = simulated()
    with pytest.raises(InputError, match="generator"):
        fit_mixed_model(scores, expression, init="random")


@pytest.mark.parametrize(
    ("n_genes", "n_motifs", "n_conditions"),
    [(40, 40, 3), (40, 60, 3), (40, 60, 8), (50, 1, 3), (50, 10, 1), (3, 2, 1), (120, 20, 60), (1, 1, 1)],
)
@pytest.mark.parametrize("noise", ["random", "diag", "id", "proportional"])
def test_every_shape_gives_finite_semidefinite_converged_fits(n_genes, n_motifs, n_conditions, noise):
    scores, expression, _ = simulated(n_genes, n_motifs, n_conditions)
    fit = fit_mixed_model(scores, expression, noise=noise)
    assert fit.converged
    assert np.isfinite(fit.effects).all()
    assert np.isfinite(fit.effects_sd).all()
    assert np.isfinite(fit.log_likelihood)
    for covariance in (fit.signal_covariance, fit.noise_covariance):
        assert np.linalg.eigvalsh(covariance)[0] >= -1e-12 * np.trace(covariance)


def test_two_hundred_conditions_are_fitted():
    scores, expression, _ = simulated(400, 40, 200)
    fit = fit_mixed_model(scores, expression)
    assert fit.converged
    assert fit.signal_rank <= 40


def test_no_signal_at_all_gives_a_signal_of_zero_and_the_sample_covariance():
    rng = np.random.default_rng(0)
    scores = rng.gamma(1.0, size=(80, 30))
    expression = rng.normal(size=(80, 3))
    expression -= scores @ np.linalg.lstsq(scores, expression, rcond=None)[0]
    fit = fit_mixed_model(scores, expression)
    assert fit.signal_rank == 0
    assert fit.at_boundary
    assert np.array_equal(fit.effects, np.zeros((30, 3)))
    assert np.array_equal(fit.effects_sd, np.zeros((30, 3)))
    np.testing.assert_allclose(fit.noise_covariance, expression.T @ expression / 80, atol=1e-10)


def test_noise_becomes_singular_where_genes_are_as_many_as_motifs_and_that_is_no_trouble():
    scores, expression, _ = simulated(40, 40, 3)
    fit = fit_mixed_model(scores, expression)
    assert fit.noise_rank < 3
    assert fit.at_boundary
    assert fit.converged


def test_more_conditions_than_genes_need_a_structured_noise():
    scores, expression, _ = simulated(6, 4, 8)
    for noise in ("random", "proportional"):
        with pytest.raises(NoMaximumError, match=r"diagonal(,| or) identity Σ|diagonal or identity"):
            fit_mixed_model(scores, expression, noise=noise)
    assert fit_mixed_model(scores, expression, noise="id").converged
    assert fit_mixed_model(scores, expression, noise="diag").converged


def test_duplicated_motifs_share_their_effect():
    scores, expression, _ = simulated()
    fit = fit_mixed_model(np.hstack([scores, scores[:, :3]]), expression)
    np.testing.assert_allclose(fit.effects[30:], fit.effects[:3], atol=1e-10)


def test_signal_fraction_one_is_refused_for_every_noise():
    scores, _, effects = simulated()
    for noise in ("random", "diag", "id", "proportional", "lowrank_id_1", "block_diag"):
        with pytest.raises(NoMaximumError):
            fit_mixed_model(scores, scores @ effects, noise=noise)


def test_a_singular_given_noise_is_refused_with_its_remedy():
    scores, expression, _ = simulated()
    with pytest.raises(NoMaximumError, match="nonsingular"):
        fit_mixed_model(scores, expression, noise="fixed", noise_matrix=np.ones((3, 3)))


def test_all_zero_expression_or_scores_are_refused():
    scores, expression, _ = simulated()
    with pytest.raises(InputError, match="zero"):
        fit_mixed_model(scores, 0 * expression)
    with pytest.raises(InputError, match="zero"):
        fit_mixed_model(0 * scores, expression)


NESTED = [
    ("id", "diagonal"),
    ("id", "block_id"),
    ("block_id", "block_diag"),
    ("block", "lowrank_1"),
    ("block", "block_id"),
    ("diagonal", "block_diag"),
    ("block_diag", "lowrank_diag_1"),
    ("lowrank_1", "lowrank_2"),
    ("lowrank_1", "lowrank_id_1"),
    ("lowrank_id_1", "lowrank_diag_1"),
    ("lowrank_id_1", "freeform"),
    ("lowrank_diag_1", "freeform"),
    ("lowrank_2", "freeform"),
    ("block:1+2", "freeform"),
    ("truth", "freeform"),
]


@pytest.mark.parametrize(("smaller", "larger"), NESTED)
@pytest.mark.parametrize("other", ["random", "diag"])
def test_a_structure_is_never_likelier_than_one_that_contains_it(smaller, larger, other):
    scores, expression, _ = simulated(seed=4)
    truth = (np.array([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]), np.eye(3))
    first, second = (
        fit_mixed_model(scores, expression, signal=name, noise=other, truth=truth)
        for name in (smaller, larger)
    )
    assert first.converged
    assert second.converged
    assert first.log_likelihood <= second.log_likelihood + 1e-6
    assert first.n_parameters <= second.n_parameters


@pytest.mark.parametrize(
    ("smaller", "larger"), [p for p in NESTED if p[0] not in ("block", "lowrank_1", "lowrank_2")]
)
def test_noise_structures_are_nested_too(smaller, larger):
    scores, expression, _ = simulated(seed=4)
    truth = (np.eye(3), np.array([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]))
    first, second = (
        fit_mixed_model(scores, expression, noise=name, truth=truth) for name in (smaller, larger)
    )
    assert first.converged
    assert second.converged
    assert first.log_likelihood <= second.log_likelihood + 1e-6


def test_a_full_lowrank_is_the_free_form():
    scores, expression, _ = simulated()
    free = fit_mixed_model(scores, expression)
    full = fit_mixed_model(scores, expression, signal="lowrank_3")
    assert full.log_likelihood == pytest.approx(free.log_likelihood, abs=1e-8)


@pytest.mark.parametrize("mean", ["none", "intercept"])
@pytest.mark.parametrize("likelihood", ["ml", "reml"])
@pytest.mark.parametrize("noise", ["random", "diag", "lowrank_id_1"])
def test_all_starts_lead_to_the_same_optimum(mean, likelihood, noise):
    scores, expression, _ = simulated(seed=2)
    truth = (np.eye(3), np.eye(3))
    fits = [
        fit_mixed_model(scores, expression, noise=noise, mean=mean, likelihood=likelihood, **start)
        for start in (
            {},
            {"init": "truth", "truth": truth},
            {"init": "random", "rng": np.random.default_rng(1)},
        )
    ]
    for fit in fits:
        assert fit.converged
        assert fit.log_likelihood == pytest.approx(fits[0].log_likelihood, abs=1e-6)
        np.testing.assert_allclose(fit.effects, fits[0].effects, atol=1e-4)


def test_reml_is_ml_of_what_is_left_when_the_mean_is_projected_out():
    scores, expression, _ = simulated(n_genes=60, n_motifs=20)
    design = np.column_stack([np.ones(60), np.linspace(-1, 1, 60)])
    rest = np.linalg.svd(design)[0][:, 2:]
    restricted = fit_mixed_model(scores, expression, likelihood="reml", mean=design)
    projected = fit_mixed_model(rest.T @ scores, rest.T @ expression)
    assert restricted.log_likelihood == pytest.approx(projected.log_likelihood, abs=1e-6)
    np.testing.assert_allclose(restricted.signal_covariance, projected.signal_covariance, atol=1e-5)
    np.testing.assert_allclose(restricted.effects, projected.effects, atol=1e-5)


def test_an_intercept_takes_any_constant_out_of_the_fit():
    scores, expression, _ = simulated()
    plain = fit_mixed_model(scores, expression, mean="intercept")
    shifted = fit_mixed_model(scores, expression + np.array([5.0, -3.0, 100.0]), mean="intercept")
    np.testing.assert_allclose(shifted.effects, plain.effects, atol=1e-5)
    np.testing.assert_allclose(shifted.mean - plain.mean, [[5.0, -3.0, 100.0]], atol=1e-5)
    assert shifted.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-6)


def test_perturbed_starts_are_all_recorded_and_the_best_counts():
    scores, expression, _ = simulated()
    best = fit_mixed_model(
        scores,
        expression,
        init="random",
        perturb=True,
        restarts=4,
        restart_choice="best",
        rng=np.random.default_rng(0),
    )
    assert len(best.starts) == 4
    assert best.log_likelihood == max(start.log_likelihood for start in best.starts)
    first = fit_mixed_model(scores, expression, perturb=True, restarts=4, rng=np.random.default_rng(0))
    assert len(first.starts) == 1
    assert first.starts[0].converged


def test_perturbing_changes_the_start():
    scores, expression, _ = simulated()
    fits = [
        fit_mixed_model(
            scores,
            expression,
            init="truth",
            truth=(np.eye(3), np.eye(3)),
            perturb=True,
            perturb_size=size,
            max_iterations=1,
            restarts=1,
            rng=np.random.default_rng(0),
        )
        for size in (1e-3, 0.5)
    ]
    assert fits[0].log_likelihood != fits[1].log_likelihood


def test_too_few_iterations_are_reported_as_not_converged():
    scores, expression, _ = simulated()
    for noise in ("random", "block_diag"):
        fit = fit_mixed_model(scores, expression, noise=noise, max_iterations=1)
        assert not fit.converged
        assert fit.stop_reason == "iteration limit"
        assert fit.criterion > 1e-6
        assert np.isfinite(fit.effects).all()


def test_a_fit_that_is_stopped_says_so_and_keeps_what_it_has():
    scores, expression, _ = simulated()
    for noise in ("random", "block_diag"):
        fit = fit_mixed_model(scores, expression, noise=noise, should_stop=lambda: True)
        assert fit.stop_reason == "time limit"
        assert not fit.converged
        assert np.isfinite(fit.log_likelihood)


def test_missing_values_are_refused_dropped_or_imputed_as_asked_and_said():
    scores, expression, _ = simulated()
    gaps = expression.copy()
    gaps[[3, 50], [0, 2]] = np.nan
    with pytest.raises(InputError, match="2 in 2 of 80 genes"):
        fit_mixed_model(scores, gaps, missing="refuse")
    kept = np.delete(np.arange(80), [3, 50])
    dropped = fit_mixed_model(scores, gaps, missing="drop")
    same = fit_mixed_model(scores[kept], expression[kept])
    assert dropped.n_genes == 78
    assert dropped.log_likelihood == pytest.approx(same.log_likelihood, abs=1e-10)
    assert "2 of 80 genes" in dropped.missing
    imputed = fit_mixed_model(scores, gaps, missing="impute")
    filled = np.where(np.isnan(gaps), np.nanmean(gaps, axis=0), gaps)
    assert imputed.log_likelihood == fit_mixed_model(scores, filled).log_likelihood
    assert "imputed" in imputed.missing


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"likelihood": "map"}, "likelihood"),
        ({"mean": "constant"}, "mean"),
        ({"mean": np.ones((3, 1))}, "mean"),
        ({"mean": np.ones((80, 2))}, "mean"),
        ({"init": "middle"}, "init"),
        ({"init": "truth"}, "truth"),
        ({"restart_choice": "last"}, "restart_choice"),
        ({"missing": "guess"}, "missing"),
        ({"signal": "truth"}, "signal"),
        ({"signal": "fixed"}, "signal"),
        ({"signal_matrix": np.eye(3)}, "signal_matrix"),
        ({"signal": "fixed", "signal_matrix": np.eye(2)}, "fixed"),
        ({"signal": "lowrank_4"}, "signal"),
        ({"noise": "block"}, "noise"),
    ],
)
def test_impossible_wishes_are_refused_by_name(changes, where):
    scores, expression, _ = simulated()
    with pytest.raises(InputError, match=where):
        fit_mixed_model(scores, expression, **changes)


def test_genes_that_do_not_match_are_refused():
    scores, expression, _ = simulated()
    with pytest.raises(InputError, match="80 genes"):
        fit_mixed_model(scores, expression[:-1])
