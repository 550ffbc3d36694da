"""Is a fit at somebody else's covariances the fit that regNet itself reports at its own?"""

import dataclasses

import numpy as np
import pytest

from regnet.models.decomposition import decompose, rotate
from regnet.models.given_covariances import GivenCovariances, fit_at
from regnet.models.kronecker import to_dense
from regnet.models.mixed_model import fit_mixed_model
from regnet.models.structure_names import parse_structure

N_CONDITIONS = 3


def data(seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.random((50, 8))
    effects = rng.standard_normal((8, N_CONDITIONS)) @ (np.eye(3) + rng.random((3, 3)))
    return scores, scores @ effects + 2.0 * rng.standard_normal((50, N_CONDITIONS))


def factor_slopes(root):
    """Derivatives of LLᵀ with respect to the entries of L."""
    slopes = []
    for row, column in np.ndindex(root.shape):
        change = np.zeros_like(root)
        change[row, column] = 1.0
        slopes.append(change @ root.T + root @ change.T)
    return np.array(slopes)


def given(signal, noise, stop_reason="converged"):
    values, vectors = np.linalg.eigh(signal)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return GivenCovariances(
        signal, noise, factor_slopes(root), factor_slopes(np.linalg.cholesky(noise)), 7, stop_reason
    )


@pytest.mark.parametrize(("mean", "likelihood"), [("none", "ml"), ("intercept", "ml"), ("intercept", "reml")])
@pytest.mark.parametrize("signal", ["freeform", "lowrank_1"])
def test_at_regnets_own_optimum_it_is_regnets_own_fit(signal, mean, likelihood):
    scores, expression = data()
    parts = decompose(scores)
    own = fit_mixed_model(scores, expression, signal, mean=mean, likelihood=likelihood)
    design = np.ones((50, 1)) if mean == "intercept" else None
    fit = fit_at(
        given(own.signal_covariance, own.noise_covariance),
        parts,
        rotate(parts, expression, design),
        names=(parse_structure(signal), parse_structure("freeform")),
        likelihood=likelihood,
    )
    for field in dataclasses.fields(own):
        if field.name in ("criterion", "starts", "n_iterations"):
            continue
        ours, theirs = getattr(own, field.name), getattr(fit, field.name)
        if isinstance(ours, float | np.ndarray):
            np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-8, err_msg=field.name)
        else:
            assert theirs == ours, field.name
    assert fit.criterion < 1e-3
    assert fit.n_iterations == 7


def test_the_criterion_is_the_gradient_in_standard_errors_of_the_dense_model():
    scores, expression = (table[:15] for table in data())
    signal, noise = np.diag([0.5, 1.0, 2.0]) + 0.3, np.diag([3.0, 4.0, 5.0]) + 0.5
    parts = decompose(scores)
    names = (parse_structure("freeform"),) * 2
    covariances = given(signal, noise)
    fit = fit_at(covariances, parts, rotate(parts, expression), names=names, likelihood="ml")

    inverse = np.linalg.inv(to_dense(scores, signal, noise))
    zero = np.zeros((3, 3))
    slopes = [to_dense(scores, slope, zero) for slope in covariances.signal_slopes]
    slopes += [to_dense(scores, zero, slope) for slope in covariances.noise_slopes]
    weighted = [inverse @ slope for slope in slopes]
    residual = inverse @ expression.ravel(order="F")
    gradient = [np.trace(w) - residual @ s @ residual for w, s in zip(weighted, slopes, strict=True)]
    expected_hessian = [[np.sum(one * other.T) for other in weighted] for one in weighted]
    step = np.linalg.lstsq(np.array(expected_hessian), np.array(gradient), rcond=1e-10)[0]
    assert fit.criterion == pytest.approx(np.sqrt(gradient @ step), rel=1e-6)
    assert fit.criterion > 1.0


def test_a_singular_v_lies_at_the_boundary_only_where_its_structure_allows_more():
    scores, expression = data()
    parts = decompose(scores)
    rotated = rotate(parts, expression)
    for signal, is_at_boundary in (("freeform", True), ("lowrank_1", False), ("lowrank_2", True)):
        names = (parse_structure(signal), parse_structure("freeform"))
        covariances = given(np.ones((3, 3)), np.eye(3))
        fit = fit_at(covariances, parts, rotated, names=names, likelihood="ml")
        assert (fit.signal_rank, fit.noise_rank, fit.at_boundary) == (1, 3, is_at_boundary)


def test_why_the_other_software_stopped_is_handed_on():
    scores, expression = data()
    parts = decompose(scores)
    names = (parse_structure("freeform"),) * 2
    covariances = given(np.eye(3), np.eye(3), "time limit")
    fit = fit_at(covariances, parts, rotate(parts, expression), names=names, likelihood="ml")
    assert (fit.converged, fit.stop_reason) == (False, "time limit")
    assert [start.stop_reason for start in fit.starts] == ["time limit"]


@pytest.mark.parametrize("noise", [np.zeros((3, 3)), np.full((3, 3), np.nan)])
def test_covariances_without_a_likelihood_are_a_numerical_failure(noise):
    scores, expression = data()
    parts = decompose(scores)
    bad = GivenCovariances(np.zeros((3, 3)), noise, np.zeros((0, 3, 3)), np.zeros((0, 3, 3)), 1, "converged")
    names = (parse_structure("freeform"),) * 2
    with pytest.raises(np.linalg.LinAlgError):
        fit_at(bad, parts, rotate(parts, expression), names=names, likelihood="ml")
