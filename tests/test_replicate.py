"""A replicate is a function of its arguments, and a fit that fails is a result."""

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest

from regnet import replicate as unit
from regnet.errors import InputError
from regnet.methods import LMM, Ridge, labels_of
from regnet.metrics import METRICS
from regnet.models.ridge import fit_ridge
from regnet.replicate import compute_replicate, prepare
from regnet.scenario import Scenario
from regnet.scoring import score
from regnet.simulation import simulate
from regnet.synthetic_motifs import synthetic_motifs

SCENARIO = Scenario(genes=60, tfs=12, conditions=3)


@pytest.fixture(scope="module")
def motifs():
    return synthetic_motifs(60, 12, seed=1, n_reserved=20)


@pytest.fixture(scope="module")
def prepared(motifs):
    return prepare(SCENARIO, motifs, 7, 20)


def _compute(prepared, methods, **options):
    return compute_replicate(prepared, methods, labels_of(methods), **{"replicate": 0, **options})


def test_a_replicate_is_what_simulating_fitting_and_scoring_give(motifs, prepared):
    outcome = _compute(prepared, [Ridge(penalty="ml")], replicate=3)
    dataset = simulate(SCENARIO, motifs, seed=7, replicate=3, held_out=20)
    fit = fit_ridge(dataset.scores, dataset.expression, "ml")
    (found,) = outcome.fits
    np.testing.assert_array_equal(outcome.arrays["expression"], dataset.expression)
    np.testing.assert_array_equal(outcome.arrays["effects"], dataset.effects)
    np.testing.assert_array_equal(outcome.arrays["Ridge/effects"], fit.effects)
    expected = score(fit, dataset)
    for name, value in found.metrics.items():
        if name != "seconds":
            assert value == (None if np.isnan(expected[name]) else expected[name]), name
    assert outcome.truth == {
        "signal_fraction": dataset.signal_fraction,
        "within_condition_fraction": dataset.within_condition_fraction,
        "scale": dataset.scale,
    }


def test_the_outcome_can_be_written_as_json_and_has_every_metric(prepared):
    outcome = _compute(prepared, [Ridge(), Ridge(penalty="oracle")])
    for fit in outcome.fits:
        assert fit.status == "ok"
        assert set(fit.metrics) == {metric.name for metric in METRICS}
        json.dumps(fit.metrics, allow_nan=False)
        assert fit.metrics["seconds"] == fit.seconds > 0.0
    json.dumps(outcome.truth, allow_nan=False)


def test_undefined_values_are_none_at_signal_fraction_zero(motifs):
    outcome = _compute(prepare(SCENARIO.replace(signal_fraction=0.0), motifs, 7, 0), [Ridge()])
    assert outcome.fits[0].status == "ok"
    assert outcome.fits[0].metrics["pearson"] is None
    assert outcome.fits[0].metrics["r2_held_out"] is None
    assert outcome.truth["scale"] == 0.0


METHODS = [
    Ridge(penalty="gcv"),
    Ridge(penalty="loo", penalty_shared=False),
    Ridge(penalty="kfold", folds=3),
    Ridge(penalty="oracle", penalty_shared=False),
    Ridge(penalty=2.0),
    LMM(),
    LMM(init="random"),
    LMM(init="truth", signal_model="truth", noise_model="truth"),
    LMM(perturb=True, restarts=2, perturb_size=0.1, restart_choice="best"),
    LMM(noise_model="id", mean="intercept", likelihood="reml"),
]


def test_no_fit_depends_on_the_other_methods_or_on_other_replicates(motifs):
    together = prepare(SCENARIO, motifs, 7, 20, METHODS)
    _compute(together, METHODS, replicate=4)
    all_of_them = _compute(together, METHODS, replicate=5)
    alone = prepare(SCENARIO, motifs, 7, 0)
    for method, label, found in zip(METHODS, labels_of(METHODS), all_of_them.fits, strict=True):
        (single,) = compute_replicate(alone, [method], ["alone"], replicate=5).fits
        assert found.status == single.status == "ok", found.reason
        for name in ("pearson", "rmse", "r2", "log_likelihood", "penalty", "iterations"):
            assert found.metrics[name] == single.metrics[name], (label, name)


def test_folds_are_those_of_the_method(motifs):
    dataset = simulate(SCENARIO, motifs, seed=7)
    for folds in (3, 6):
        method = Ridge(penalty="kfold", folds=folds)
        (found,) = _compute(prepare(SCENARIO, motifs, 7, 0, [method]), [method]).fits
        expected = fit_ridge(dataset.scores, dataset.expression, "kfold", folds=folds).penalty
        assert found.metrics["penalty"] == expected


def test_random_starts_differ_between_replicates_and_structures_only(prepared):
    def first_number(method, replicate):
        return unit._start_stream(prepared.design, method, replicate).random()

    plain = first_number(LMM(init="random"), 0)
    assert first_number(LMM(init="random"), 1) != plain
    assert first_number(LMM(init="random", noise_model="id"), 0) != plain
    assert first_number(LMM(init="random", max_iterations=7), 0) == plain


def test_the_truth_reaches_the_methods_that_ask_for_it(prepared):
    methods = [METHODS[3], METHODS[7]]
    outcome = _compute(prepared, methods)
    signal, noise = outcome.arrays["signal_covariance"], outcome.arrays["noise_covariance"]
    oracle = np.diagonal(noise) / np.diagonal(signal)
    assert outcome.fits[0].metrics["penalty"] == pytest.approx(np.exp(np.mean(np.log(oracle))))
    label = outcome.fits[1].label
    assert outcome.fits[1].metrics["frobenius_signal"] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(
        outcome.arrays[f"{label}/noise_covariance"] / np.trace(outcome.arrays[f"{label}/noise_covariance"]),
        noise / np.trace(noise),
        atol=1e-12,
    )


def test_a_given_matrix_reaches_the_methods_that_ask_for_it(prepared):
    given = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 1.5]])
    text = "2 0.5 0; 0.5 1 -0.3; 0 -0.3 1.5"
    methods = [
        LMM(signal_model="fixed", signal_matrix=text),
        LMM(noise_model="fixed", noise_matrix=text, signal_matrix="1"),
    ]
    outcome = _compute(prepared, methods)
    assert [fit.status for fit in outcome.fits] == ["ok", "ok"], outcome.fits
    for fit, name in zip(outcome.fits, ("signal_covariance", "noise_covariance"), strict=True):
        found = outcome.arrays[f"{fit.label}/{name}"]
        np.testing.assert_allclose(found / np.trace(found), given / np.trace(given), atol=1e-12)


def test_arrays_of_every_fit_are_kept_under_its_label(prepared):
    arrays = _compute(prepared, [Ridge(), LMM()]).arrays
    truth = {"expression", "effects", "signal_covariance", "noise_covariance"}
    of_lmm = {f"LMM/{name}" for name in ("effects", "effects_sd", "signal_covariance", "noise_covariance")}
    assert set(arrays) == truth | of_lmm | {"Ridge/effects"}
    assert arrays["LMM/effects_sd"].shape == (12, 3)


def test_limix_takes_part_like_any_other_engine_by_ml_and_by_reml(motifs):
    pytest.importorskip("glimix_core")
    methods = [
        LMM(mean="intercept", likelihood=likelihood, engine=engine)
        for likelihood in ("ml", "reml")
        for engine in ("regnet", "limix")
    ]
    prepared = prepare(SCENARIO.replace(conditions=2, signal_fraction=0.6), motifs, 7, 0)
    outcome = _compute(prepared, methods)
    assert [fit.status for fit in outcome.fits] == ["ok"] * 4, outcome.fits
    ml, limix_ml, reml, limix_reml = (fit.metrics["log_likelihood"] for fit in outcome.fits)
    # The same model; neither may be below the other by more than limix's loose tolerance.
    assert limix_ml == pytest.approx(ml, abs=1e-2)
    assert limix_reml == pytest.approx(reml, abs=1e-2)
    assert abs(ml - reml) > 0.5
    noises = [outcome.arrays[f"{fit.label}/noise_covariance"] for fit in outcome.fits]
    np.testing.assert_allclose(noises[1], noises[0], rtol=1e-2)
    np.testing.assert_allclose(noises[3], noises[2], rtol=1e-2)


# ---- failures ----------------------------------------------------------------------------------------


def _raising(error):
    """Return a fit that raises for the fixed penalty 2, and a real one for all else."""
    real = unit._fit

    def fit(prepared, dataset, method):
        if method == Ridge(penalty=2.0):
            raise error
        return real(prepared, dataset, method)

    return fit


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (np.linalg.LinAlgError("not positive\n definite"), "failed", "LinAlgError: not positive definite"),
        (FloatingPointError("overflow"), "failed", "FloatingPointError: overflow"),
        (InputError("noise", "C < G", "more"), "refused", "noise: wanted C < G, found more"),
        (TimeoutError(), "timed out", "the fit took longer than its time limit"),
    ],
)
def test_a_fit_that_fails_is_recorded_with_its_reason_and_stops_nothing(
    prepared, monkeypatch, error, status, reason
):
    monkeypatch.setattr(unit, "_fit", _raising(error))
    failed, fine = _compute(prepared, [Ridge(penalty=2.0), Ridge()]).fits
    assert (failed.status, failed.reason, failed.metrics) == (status, reason, {})
    assert fine.status == "ok"


@pytest.mark.parametrize(
    "error", [TypeError("bug"), ValueError("bug"), IndexError("bug"), AttributeError("bug")]
)
def test_a_bug_in_one_method_costs_no_other_and_keeps_its_traceback(prepared, monkeypatch, error):
    methods = [Ridge(penalty=2.0), Ridge(), LMM()]
    undisturbed = _compute(prepared, methods)
    monkeypatch.setattr(unit, "_fit", _raising(error))
    outcome = _compute(prepared, methods)
    broken, *others = outcome.fits
    assert (broken.status, broken.reason) == ("failed", f"{type(error).__name__}: bug")
    assert "in _attempt" in broken.problem
    assert broken.problem.rstrip().endswith(broken.reason)
    for found, expected in zip(others, undisturbed.fits[1:], strict=True):
        assert (found.status, found.problem) == ("ok", "")
        assert {**found.metrics, "seconds": 0} == {**expected.metrics, "seconds": 0}
    assert f"{broken.label}/effects" not in outcome.arrays
    assert "LMM/effects" in outcome.arrays


def test_a_bug_in_scoring_fails_the_fit_that_was_scored(prepared, monkeypatch):
    real = unit.score

    def broken(fit, dataset, *, top):
        if fit.penalty == 2.0:
            raise KeyError("a metric\nof two lines")
        return real(fit, dataset, top=top)

    monkeypatch.setattr(unit, "score", broken)
    failed, fine = _compute(prepared, [Ridge(penalty=2.0), Ridge()]).fits
    assert (failed.status, fine.status) == ("failed", "ok")
    assert "\n" not in failed.reason
    assert "in broken" in failed.problem


def test_a_failure_of_arithmetic_has_no_traceback(prepared, monkeypatch):
    monkeypatch.setattr(unit, "_fit", _raising(np.linalg.LinAlgError("singular")))
    (failed,) = _compute(prepared, [Ridge(penalty=2.0)]).fits
    assert (failed.status, failed.problem) == ("failed", "")


def test_an_error_outside_the_fits_propagates(prepared, monkeypatch):
    def broken(*_):
        raise TypeError("no data set")

    monkeypatch.setattr(unit, "draw", broken)
    with pytest.raises(TypeError, match="no data set"):
        _compute(prepared, [Ridge()])


def test_estimates_that_are_not_finite_are_a_failure(prepared, monkeypatch):
    real = unit._fit

    def fit(*arguments):
        found = real(*arguments)
        return replace(found, effects=np.full_like(found.effects, np.nan))

    monkeypatch.setattr(unit, "_fit", fit)
    outcome = _compute(prepared, [Ridge()])
    assert (outcome.fits[0].status, outcome.fits[0].reason) == (
        "failed",
        "FloatingPointError: the estimated effects are not finite",
    )


def test_a_likelihood_without_maximum_is_refused_with_the_remedy(motifs):
    # No noise, more genes than motifs: the likelihood grows without bound as Σ shrinks.
    outcome = _compute(prepare(SCENARIO.replace(signal_fraction=1.0), motifs, 7, 0), [LMM(), Ridge()])
    refused, ridge = outcome.fits
    assert refused.status == "refused"
    assert "noise" in refused.reason
    assert ridge.status == "ok"


def test_a_time_limit_holds_for_each_fit_alone(prepared):
    entered = []

    @contextlib.contextmanager
    def limit():
        entered.append(len(entered))
        if len(entered) == 2:
            raise TimeoutError("0.1 s are over")
        yield

    outcome = _compute(prepared, [Ridge(), Ridge(penalty=2.0), Ridge(penalty="ml")], limit=limit)
    assert [fit.status for fit in outcome.fits] == ["ok", "timed out", "ok"]
    assert outcome.fits[1].reason == "0.1 s are over"
    assert entered == [0, 1, 2]


# ---- warnings and sizes ------------------------------------------------------------------------------


def test_a_fit_that_does_not_converge_says_so(prepared):
    (fit,) = _compute(prepared, [LMM(max_iterations=1)]).fits
    assert fit.status == "ok"
    assert "did not converge" in fit.warnings
    assert fit.metrics["converged"] == 0.0


def test_a_penalty_at_the_end_of_its_range_says_so(motifs):
    (fit,) = _compute(prepare(SCENARIO.replace(signal_fraction=1.0), motifs, 7, 0), [Ridge()]).fits
    assert fit.warnings == ("at boundary",)
    assert fit.metrics["at_boundary"] == 1.0


def test_what_is_prepared_tells_its_sizes_and_notes(motifs, prepared):
    assert prepared.sizes == {"genes": 60, "tfs": 12, "conditions": 3, "held_out": 20, "rank": 12}
    assert prepared.notes == ()
    assert prepare(SCENARIO, motifs, 7, 50).notes == (
        "20 genes are left to be held out, of the 50 asked for",
    )


def test_scenarios_with_the_same_scores_share_their_decomposition(motifs, prepared):
    other = prepare(SCENARIO.replace(signal_fraction=0.5), motifs, 7, 20, earlier=prepared)
    assert other.decomposition is prepared.decomposition
    centred = prepare(SCENARIO.replace(centre_motifs=True), motifs, 7, 20, earlier=prepared)
    assert centred.decomposition is not prepared.decomposition


# ---- the expected accuracy of ridge, in closed form --------------------------------------------------


def test_the_error_of_ridge_is_the_one_that_theory_expects():
    # In expected mode MSE_c = (1/T) [ Σᵢ (k²V_cc + dᵢ²Σ_cc)/(dᵢ²+k)² + (T−r)V_cc ] (Dobriban & Wager, 2018).
    scenario = SCENARIO.replace(signal_mode="expected", signal_fraction=0.3, centre_motifs=True)
    prepared = prepare(scenario, synthetic_motifs(60, 12, seed=1), 3, 0)
    penalty = 5.0
    errors = []
    for number in range(400):
        outcome = _compute(prepared, [Ridge(penalty=penalty)], replicate=number)
        errors.append(outcome.fits[0].metrics["rmse"] ** 2)
    square = prepared.decomposition.singular_values**2
    signal, noise = (np.trace(outcome.arrays[f"{what}_covariance"]) / 3 for what in ("signal", "noise"))
    expected = ((penalty**2 * signal + square * noise) / (square + penalty) ** 2).sum() / 12
    assert np.mean(errors) == pytest.approx(expected, abs=4.0 * np.std(errors) / 20.0)
    assert np.std(errors) / 20.0 < 0.05 * expected


@pytest.mark.parametrize(
    "method",
    [
        LMM(),
        LMM(signal_model="lowrank_2"),
        LMM(noise_model="diag"),
        LMM(mean="intercept"),
        LMM(init="random", perturb=True, restarts=2),
    ],
)
def test_replicates_computed_together_have_the_numbers_that_they_have_alone(motifs, method):
    prepared = prepare(SCENARIO, motifs, 7, 0, [method])
    together = unit.compute_replicates(prepared, [Ridge(), method], ["Ridge", "LMM"], replicates=range(5))
    for number, one in enumerate(together):
        alone = compute_replicate(prepared, [Ridge(), method], ["Ridge", "LMM"], replicate=number)
        assert one.truth == alone.truth
        for here, there in zip(one.fits, alone.fits, strict=True):
            assert {**here.metrics, "seconds": 0} == {**there.metrics, "seconds": 0}
            assert here.warnings == there.warnings
        assert {name: array.tobytes() for name, array in one.arrays.items()} == {
            name: array.tobytes() for name, array in alone.arrays.items()
        }


def test_a_bug_in_one_of_several_replicates_fails_that_one_alone(prepared, monkeypatch):
    fit = unit._fit

    def broken(shared, dataset, method):
        if dataset.replicate == 1 and isinstance(method, LMM):
            raise KeyError("a bug")
        return fit(shared, dataset, method)

    monkeypatch.setattr(unit, "_fit", broken)
    monkeypatch.setattr(unit, "_fit_together", _raising(KeyError("a bug")))
    outcomes = unit.compute_replicates(prepared, [LMM()], ["LMM"], replicates=[0, 1, 2])
    assert [outcome.fits[0].status for outcome in outcomes] == ["ok", "failed", "ok"]


def test_a_time_limit_that_several_replicates_exceed_together_is_that_of_each(prepared):
    entered = []

    @contextlib.contextmanager
    def limit():
        entered.append(1)
        if len(entered) == 1:
            raise TimeoutError
        yield

    outcomes = unit.compute_replicates(prepared, [LMM()], ["LMM"], replicates=[0, 1], limit=limit)
    assert [outcome.fits[0].status for outcome in outcomes] == ["ok", "ok"]
    assert len(entered) == 3
