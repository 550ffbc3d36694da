"""Few conditions are fitted in stacks: each data set to the maximum that it has, with its own numbers."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.models import stacked_fit
from regnet.models.decomposition import decompose
from regnet.models.fitter import Fitter
from regnet.models.kronecker import to_dense
from regnet.models.mixed_model import MixedModelFit, NoMaximumError, fit_mixed_model, fit_mixed_models

Matrix = NDArray[np.float64]


def scores_of(n_genes: int = 90, n_motifs: int = 12) -> Matrix:
    """Nonnegative scores: one singular value dominates, so V has maxima at several ranks."""
    return np.random.default_rng(3).gamma(0.5, size=(n_genes, n_motifs))


def replicates(n_conditions: int, count: int, scores: Matrix) -> list[Matrix]:
    """Expression at signal fractions from little to much, with V of several ranks."""
    made = []
    for number in range(count):
        rng = np.random.default_rng([5, n_conditions, number])
        root = np.eye(n_conditions) + rng.random((n_conditions, n_conditions))
        root = root[:, : 1 + number % n_conditions]
        signal = scores @ rng.standard_normal((scores.shape[1], root.shape[1])) @ root.T
        noise = rng.standard_normal((len(scores), n_conditions)) @ rng.standard_normal((n_conditions,) * 2)
        fraction = (0.02, 0.1, 0.3, 0.7)[number % 4]
        signal *= np.sqrt(fraction / (1 - fraction) * noise.var() / signal.var())
        made.append(signal + noise)
    return made


def assert_same(one: object, other: object) -> None:
    assert isinstance(one, MixedModelFit)
    assert isinstance(other, MixedModelFit)
    for field in fields(one):
        here, there = getattr(one, field.name), getattr(other, field.name)
        if isinstance(here, np.ndarray):
            assert here.tobytes() == there.tobytes(), field.name
        else:
            assert here == there, field.name


@pytest.mark.parametrize("n_conditions", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("signal", ["freeform", "lowrank_1"])
def test_replicates_together_have_the_numbers_that_they_have_alone(n_conditions: int, signal: str) -> None:
    scores = scores_of()
    expressions = replicates(n_conditions, 9, scores)
    together = fit_mixed_models(scores, expressions, signal)
    assert all(isinstance(fit, MixedModelFit) and fit.converged for fit in together)
    for expression, fit in zip(expressions, together, strict=True):
        assert_same(fit, fit_mixed_model(scores, expression, signal))
    for fit, again in zip(together[4:], fit_mixed_models(scores, expressions[4:], signal), strict=True):
        assert_same(fit, again)


@pytest.mark.parametrize("n_conditions", [2, 4])
@pytest.mark.parametrize("signal", ["freeform", "lowrank_1"])
def test_the_maximum_is_the_one_that_single_fits_with_hessian_products_find(
    n_conditions: int, signal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = scores_of()
    expressions = replicates(n_conditions, 12, scores)
    stacked = [fit_mixed_model(scores, expression, signal) for expression in expressions]
    monkeypatch.setattr(stacked_fit, "MOST_CONDITIONS", 0)
    single = [fit_mixed_model(scores, expression, signal) for expression in expressions]
    for here, there in zip(stacked, single, strict=True):
        assert here.converged
        assert here.log_likelihood > there.log_likelihood - 0.05  # a local maximum may be another
    same = [
        a for a, b in zip(stacked, single, strict=True) if abs(a.log_likelihood - b.log_likelihood) < 1e-6
    ]
    assert len(same) >= 10
    for here, there in zip(stacked, single, strict=True):
        if abs(here.log_likelihood - there.log_likelihood) < 1e-6:
            np.testing.assert_allclose(here.effects, there.effects, atol=1e-5 * np.abs(there.effects).max())
            assert here.signal_rank == there.signal_rank


def test_the_log_likelihood_is_that_of_the_dense_normal_distribution() -> None:
    scores = scores_of(30, 5)
    (fit,) = fit_mixed_models(scores, replicates(3, 1, scores))
    assert isinstance(fit, MixedModelFit)
    (expression,) = replicates(3, 1, scores)
    dense = to_dense(scores, fit.signal_covariance, fit.noise_covariance)
    values = expression.T.ravel()
    expected = -0.5 * (
        values.size * np.log(2 * np.pi)
        + np.linalg.slogdet(dense)[1]
        + values @ np.linalg.solve(dense, values)
    )
    assert fit.log_likelihood == pytest.approx(expected, rel=1e-10)


def test_what_can_not_be_fitted_has_its_error_in_its_place() -> None:
    scores = scores_of()
    good = replicates(3, 3, scores)
    infinite = good[0].copy()
    infinite[4, 1] = np.inf
    duplicated = good[0][:, [0, 0, 1]]
    found = fit_mixed_models(scores, [good[0], infinite, good[1], duplicated, good[2]])
    assert isinstance(found[1], InputError)
    assert "row 5, column 2" in str(found[1])
    assert isinstance(found[3], NoMaximumError)
    for fit, expression in zip((found[0], found[2], found[4]), good, strict=True):
        assert_same(fit, fit_mixed_model(scores, expression))


def test_arithmetic_that_breaks_down_in_one_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = scores_of()
    expressions = replicates(3, 4, scores)
    expected = [fit_mixed_model(scores, expression) for expression in expressions]
    fit = Fitter.fit

    def breaks(self: Fitter, *args: object, **options: object) -> object:
        if np.array_equal(self._data.rotated, broken):
            raise np.linalg.LinAlgError("eigenvalues did not converge")
        return fit(self, *args, **options)  # type: ignore[arg-type]

    def breaks_together(*_: object) -> object:
        raise np.linalg.LinAlgError("eigenvalues did not converge")

    taken: list[Matrix] = []

    def first(self: Fitter, *args: object, **options: object) -> object:
        taken.append(self._data.rotated)
        return fit(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Fitter, "fit", first)
    fit_mixed_model(scores, expressions[2])
    (broken,) = taken
    monkeypatch.setattr(Fitter, "fit", breaks)
    monkeypatch.setattr(Fitter, "fit_together", staticmethod(breaks_together))
    found = fit_mixed_models(scores, expressions)
    assert isinstance(found[2], np.linalg.LinAlgError)
    for number in (0, 1, 3):
        assert_same(found[number], expected[number])


def test_other_models_and_other_sizes_are_fitted_beside_them() -> None:
    scores = scores_of()
    gap = replicates(3, 1, scores)[0].copy()
    gap[3, 1] = np.nan
    expressions = [*replicates(3, 2, scores), gap, *replicates(2, 1, scores), *replicates(7, 1, scores)]
    parts = decompose(scores)
    for options in ({}, {"mean": "intercept"}):
        found = fit_mixed_models(scores, expressions, decomposition=parts, **options)  # type: ignore[arg-type]
        for fit, expression in zip(found, expressions, strict=True):
            alone = fit_mixed_model(scores, expression, decomposition=parts, **options)  # type: ignore[arg-type]
            assert_same(fit, alone)


def test_each_replicate_takes_its_own_random_start() -> None:
    scores = scores_of()
    expressions = replicates(3, 3, scores)
    generators = [np.random.default_rng(number) for number in range(3)]
    found = fit_mixed_models(scores, expressions, init="random", rngs=generators)
    for number, (fit, expression) in enumerate(zip(found, expressions, strict=True)):
        alone = fit_mixed_model(scores, expression, init="random", rng=np.random.default_rng(number))
        assert_same(fit, alone)


def test_a_fit_that_is_told_to_stop_says_so() -> None:
    scores = scores_of()
    found = fit_mixed_models(scores, replicates(3, 2, scores), should_stop=lambda: True)
    assert [fit.stop_reason for fit in found if isinstance(fit, MixedModelFit)] == ["time limit"] * 2


def test_iterations_are_limited() -> None:
    scores = scores_of()
    for most in (1, 3, 7):
        for fit in fit_mixed_models(scores, replicates(4, 6, scores), max_iterations=most):
            assert isinstance(fit, MixedModelFit)
            assert fit.n_iterations <= most
            assert fit.converged == (fit.criterion <= 1e-6)
