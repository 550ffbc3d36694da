"""Are engines compared fairly, by one likelihood, and is what they differ in what the rows say?"""

import dataclasses

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import regnet
from regnet.errors import InputError
from regnet.models.decomposition import decompose
from regnet.models.kronecker import to_dense
from regnet.models.mixed_model import fit_mixed_model
from regnet.models.structure_names import parse_structure
from regnet.peers import Engine, Model, Problem, engines, prepare
from regnet.scenario import Scenario
from regnet.simulation import design, draw
from regnet.synthetic_motifs import synthetic_motifs
from regnet.validate import EngineFit, constant_costs, log_likelihood, models, summarise, validate

FREE = parse_structure("freeform")
PLAIN = Model(FREE, FREE, "none", "ml")
N_GENES = 40


@pytest.fixture(scope="module")
def datasets():
    scenario = Scenario(motifs="synthetic", genes=N_GENES, tfs=6, conditions=3, signal_fraction=0.5)
    world = design(scenario, synthetic_motifs(N_GENES, 6, seed=1), seed=1)
    return [draw(world, number) for number in range(2)]


def fitted(problem, model):
    return fit_mixed_model(
        problem.dataset.scores, problem.dataset.expression, model.signal, model.noise, mean=model.mean
    )


def engine(name, change=lambda fit: fit, version="1", can_fit=lambda model: True):
    """An engine that fits as regNet does and then changes the fit."""
    return Engine(name, version, "", can_fit, lambda problem, model, stop: change(fitted(problem, model)))


def ticking(*seconds):
    """A clock by which successive fits take so many seconds."""
    times = iter(np.cumsum([step for second in seconds for step in (0.0, second)]))
    return lambda: float(next(times))


def test_rows_say_how_far_an_engine_lies_from_the_first(datasets):
    def doubled(fit):
        return dataclasses.replace(
            fit,
            signal_covariance=2.0 * fit.signal_covariance,
            noise_covariance=1.5 * fit.noise_covariance,
            effects=fit.effects * 1.25,
        )

    own, other = validate(datasets[:1], [PLAIN], [engine("a"), engine("b", doubled)], clock=ticking(2.0, 9.0))
    assert (own.engine, own.shortfall, own.signal_difference, own.seconds) == ("a", 0.0, 0.0, 2.0)
    assert other.seconds == 9.0
    assert other.signal_difference == pytest.approx(1.0)
    assert other.noise_difference == pytest.approx(0.5)
    assert other.effects_difference == pytest.approx(0.25)
    assert other.shortfall == pytest.approx(own.log_likelihood - other.log_likelihood)
    assert other.shortfall > 0.1


@pytest.mark.parametrize("mean", ["none", "intercept"])
def test_one_likelihood_judges_all_and_it_is_the_dense_models(mean, datasets):
    problem = Problem(datasets[0], decompose(datasets[0].scores))
    model = Model(FREE, FREE, mean, "ml")
    fit = fitted(problem, model)
    scores, expression = problem.dataset.scores, problem.dataset.expression
    covariance = to_dense(scores, fit.signal_covariance, fit.noise_covariance)
    observed = expression.ravel(order="F")
    if mean == "intercept":
        columns = np.kron(np.eye(3), np.ones((N_GENES, 1)))
        weighted = np.linalg.solve(covariance, columns)
        observed = observed - columns @ np.linalg.solve(weighted.T @ columns, weighted.T @ observed)
    expected = multivariate_normal(np.zeros(observed.size), covariance, allow_singular=True).logpdf(observed)
    assert log_likelihood(problem, model, fit) == pytest.approx(expected, abs=1e-6)


def test_what_an_engine_says_of_its_own_likelihood_counts_for_nothing(datasets):
    def boasting(fit):
        return dataclasses.replace(fit, log_likelihood=1e9)

    rows = list(validate(datasets[:1], [PLAIN], [engine("a"), engine("b", boasting)]))
    assert rows[0].log_likelihood == rows[1].log_likelihood


def test_an_engine_that_fails_is_a_row_with_the_reason_and_the_others_go_on(datasets):
    def broken(fit):
        raise np.linalg.LinAlgError("singular matrix")

    rows = list(validate(datasets, [PLAIN], [engine("a"), engine("b", broken), engine("c")]))
    assert [row.reason for row in rows] == ["", "singular matrix", ""] * 2
    assert rows[1].log_likelihood is None
    assert rows[2].shortfall == 0.0
    failed = {agreement.engine: (agreement.n_fits, agreement.n_failed) for agreement in summarise(rows)}
    assert failed == {"a": (2, 0), "b": (0, 2), "c": (2, 0)}


def test_where_the_first_engine_fails_there_is_nothing_to_differ_from(datasets):
    def broken(fit):
        raise InputError("signal", "something else")

    rows = list(validate(datasets[:1], [PLAIN], [engine("a", broken), engine("b")]))
    assert rows[0].reason == "signal: wanted something else"
    assert (rows[1].signal_difference, rows[1].shortfall) == (None, 0.0)


def test_engines_that_are_missing_or_lack_a_model_are_left_out(datasets):
    every = [engine("a"), engine("b", version=""), engine("c", can_fit=lambda model: model.mean == "none")]
    with_mean = Model(FREE, FREE, "intercept", "ml")
    rows = list(validate(datasets[:1], [PLAIN, with_mean], every))
    assert [(row.model, row.engine) for row in rows] == [(PLAIN, "a"), (PLAIN, "c")]


def test_a_fit_is_asked_to_stop_when_its_time_is_over(datasets):
    answers = []

    def fit(problem, model, should_stop):
        answers.extend(should_stop() for _ in range(3))
        return fitted(problem, model)

    patient = Engine("b", "1", "", lambda model: True, fit)
    clock = iter([0.0, 1.0, 10.0, 11.0, 14.0, 16.0, 20.0])
    list(
        validate(
            datasets[:1], [PLAIN], [engine("a"), patient], seconds_per_fit=5.0, clock=lambda: next(clock)
        )
    )
    assert answers == [False, False, True]


def row(engine, shortfall, seconds=1.0, replicate=0, **named):
    judged = {"log_likelihood": -shortfall, "shortfall": shortfall, "seconds": seconds}
    return EngineFit(PLAIN, replicate, engine, **judged, **named)


def test_a_summary_holds_the_worst_shortfall_and_the_ratio_of_median_times():
    rows = [row("a", 0.0, seconds) for seconds in (1.0, 2.0, 9.0)]
    rows += [row("b", shortfall, 8.0, effects_difference=shortfall) for shortfall in (0.5, 3.0, 1.0)]
    own, other = summarise(rows)
    assert (own.n_fits, own.seconds, own.ratio, own.worst_shortfall) == (3, 2.0, 1.0, 0.0)
    assert (other.worst_shortfall, other.effects_difference, other.ratio) == (3.0, 1.0, 4.0)
    assert other.log_likelihood == pytest.approx(-1.5)


def test_the_cost_of_the_constant_is_counted_where_the_best_v_is_of_reduced_rank():
    rows = [row("regnet", 0.0, is_reduced=True), row("limix-core", 7.0, is_reduced=False)]
    rows += [
        row("regnet", 0.0, is_reduced=False, replicate=1),
        row("limix-core", 2.0, is_reduced=False, replicate=1),
    ]
    assert constant_costs(rows) == (7.0,)


def test_models_cover_every_structure_that_limix_core_has_with_each_mean():
    every = models(5)
    assert len(every) == len(set(every))
    signals = {model.signal.kind for model in every}
    assert signals == {"freeform", "diagonal", "id", "lowrank", "lowrank_id", "lowrank_diag", "truth"} | {
        "block",
        "block_id",
        "block_diag",
    }
    assert (3, 2) in {model.signal.partition for model in every}
    assert {model.noise.kind for model in every} == signals - {"lowrank"}
    assert len(every) == 3 * len({(model.signal, model.noise) for model in every})
    assert {model.signal.kind for model in models(1)} >= {"freeform", "block_diag"}


def test_named_structures_are_combined_and_checked():
    pairs = [(str(model.signal), str(model.noise)) for model in models(4, ["id", "lowrank_2"], ["diag"])]
    assert pairs == [("id", "diagonal")] * 3 + [("lowrank_2", "diagonal")] * 3
    assert {str(model.noise) for model in models(4, ["id"])} == {"freeform"}
    with pytest.raises(InputError, match="at most 4"):
        models(4, ["lowrank_9"])


def test_each_engine_takes_the_means_and_structures_that_it_has():
    able = {}
    for one in engines():
        able[one.name] = {model for model in models(4) if one.can_fit(model)}
    assert able["regnet"] == set(models(4))
    assert {(model.mean, model.likelihood) for model in able["limix"]} == {
        ("intercept", "ml"),
        ("intercept", "reml"),
    }
    assert {str(model.signal) for model in able["limix"]} == {"freeform", "lowrank_1", "lowrank_2"}
    assert {(model.mean, model.likelihood) for model in able["limix-core"]} == {
        ("none", "ml"),
        ("intercept", "reml"),
    }
    assert {model.signal for model in able["limix-core"]} == {model.signal for model in models(4)}
    assert not any(one.can_fit(Model(FREE, FREE, "none", "reml")) for one in engines())


def test_regnet_and_limix_agree_on_simulated_replicates(datasets):
    which = [engine for engine in engines() if engine.name in ("regnet", "limix")]
    assert which[0].version == regnet.__version__
    rows = list(validate(datasets, models(3, ["lowrank_1"]), which))
    assert {row.model.mean for row in rows} == {"intercept"}
    for agreement in summarise(rows):
        assert agreement.n_fits == 2
        assert agreement.worst_shortfall < 1e-4
        assert agreement.effects_difference < 1e-2


def test_all_engines_agree_where_v_is_free_but_for_limix_cores_constant(datasets):
    pytest.importorskip("limix_core", reason="the development extra limix-core is not installed")
    rows = list(validate(datasets, models(3, ["freeform"]), engines()))
    found = {(one.model.mean, one.model.likelihood, one.engine): one for one in summarise(rows)}
    assert len(found) == 3 + 2 + 4
    for (_, _, name), one in found.items():
        assert one.worst_shortfall < (5.0 if name == "limix-core" else 5e-3)


def test_a_given_matrix_reaches_every_engine(datasets):
    given = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 1.0]])
    seen = []

    def noting(problem, model, stop):
        seen.append(problem.matrices)
        return engines()[0].fit(problem, model, stop)

    which = [engines()[0], Engine("b", "1", "", lambda model: True, noting)]
    which += [one for one in engines() if one.name == "limix-core"]
    rows = list(validate(datasets[:1], models(3, ["fixed"], ["id"]), which, matrices=(given, given)))
    assert all(matrices == (given, given) for matrices in seen)
    assert {row.engine for row in rows} >= {"regnet", "b"}
    for row in rows:
        assert not row.reason
        assert row.shortfall < 5e-3
        assert row.signal_difference < 0.05
    own = fit_mixed_model(
        datasets[0].scores, datasets[0].expression, "fixed", "id", signal_matrix=given
    ).log_likelihood
    assert rows[0].log_likelihood == pytest.approx(own, abs=1e-9)


def test_only_what_installed_engines_want_is_computed(datasets):
    assert prepare(datasets[0], [engine("a")]).spectrum is None
    wanting = dataclasses.replace(engine("b"), wants_spectrum=True)
    values, vectors = prepare(datasets[0], [engine("a"), wanting]).spectrum
    np.testing.assert_allclose(
        (vectors * values) @ vectors.T, datasets[0].scores @ datasets[0].scores.T, atol=1e-8
    )
