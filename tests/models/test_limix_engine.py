"""Does limix fit the model that regNet fits, and is what it can't do one clear error?"""

import importlib.util
import sys

import numpy as np
import pytest
from glimix_core.lmm import Kron2Sum
from scipy.stats import multivariate_normal

from regnet.errors import InputError
from regnet.models.decomposition import decompose, rotate
from regnet.models.existence import NoMaximumError
from regnet.models.kronecker import canonical_basis, evaluate, spectral_data, to_dense
from regnet.models.limix_engine import fit_with_limix, installed_version, load
from regnet.models.mixed_model import fit_mixed_model


def replicate(n_genes=60, n_motifs=12, n_conditions=3, seed=3):
    """Expression of which about 40 % is signal, with correlated effects and noise."""
    rng = np.random.default_rng(seed)
    scores = rng.random((n_genes, n_motifs))
    root = np.eye(n_conditions) + rng.random((n_conditions, n_conditions))
    noise_root = rng.standard_normal((n_conditions, n_conditions))
    signal = scores @ rng.standard_normal((n_motifs, n_conditions)) @ root.T
    noise = rng.standard_normal((n_genes, n_conditions)) @ noise_root
    signal *= np.sqrt(0.67 * noise.var() / signal.var())
    return scores, signal + noise + 0.5


@pytest.fixture(scope="module")
def data():
    return replicate()


@pytest.mark.parametrize("likelihood", ["ml", "reml"])
@pytest.mark.parametrize("signal", ["freeform", "lowrank_1", "lowrank_2"])
def test_limix_finds_what_regnet_finds(signal, likelihood, data):
    parts = decompose(data[0])
    own = fit_mixed_model(*data, signal=signal, mean="intercept", likelihood=likelihood, decomposition=parts)
    limix = fit_with_limix(*data, signal=signal, likelihood=likelihood, decomposition=parts)
    assert limix.log_likelihood == pytest.approx(own.log_likelihood, abs=1e-4)
    assert limix.log_likelihood <= own.log_likelihood + 1e-9
    assert (limix.signal, limix.noise, limix.likelihood) == (own.signal, own.noise, own.likelihood)
    assert (limix.signal_rank, limix.n_parameters) == (own.signal_rank, own.n_parameters)
    assert limix.converged
    assert limix.stop_reason == "converged"
    for name in ("signal_covariance", "noise_covariance", "effects", "effects_sd", "mean"):
        ours, theirs = getattr(own, name), getattr(limix, name)
        assert np.linalg.norm(theirs - ours) < 2e-3 * np.linalg.norm(ours), name


@pytest.mark.parametrize(
    ("shape", "signal", "best"),
    [
        ((60, 12, 3, 2), "freeform", -272.976),
        ((60, 12, 3, 2), "lowrank_2", -272.976),
        ((60, 12, 3, 7), "freeform", -301.38),
        ((100, 20, 4, 14), "freeform", -818.302),
    ],
)
def test_regnet_is_not_below_limix_where_the_mean_hides_a_maximum(shape, signal, best):
    data = replicate(*shape)
    own = fit_mixed_model(*data, signal=signal, mean="intercept")
    assert own.converged
    assert own.log_likelihood == pytest.approx(best, abs=6e-3)
    assert own.log_likelihood >= fit_with_limix(*data, signal=signal).log_likelihood - 1e-4


def test_v_is_kron2sums_c0_and_sigma_its_c1(data):
    scores, expression = data
    model = Kron2Sum(expression, np.eye(3), np.ones((60, 1)), 3.0 * scores, rank=2)
    rng = np.random.default_rng(0)
    model._cov.C0.L = rng.standard_normal((3, 2))
    model._cov.C1.L = np.linalg.cholesky(np.cov(expression.T))
    rotated = rotate(decompose(3.0 * scores), expression, np.ones((60, 1)))
    basis = canonical_basis(model.C0, model.C1)
    deviance = evaluate(spectral_data(decompose(3.0 * scores), rotated), basis).deviance
    assert model.lml() == pytest.approx(-0.5 * deviance, abs=1e-8)


def test_likelihood_and_effects_are_those_of_the_dense_model_at_limixs_covariances(data):
    scores, expression = data
    fit = fit_with_limix(*data, signal="lowrank_2")
    covariance = to_dense(scores, fit.signal_covariance, fit.noise_covariance)
    design = np.kron(np.eye(3), np.ones((60, 1)))
    observed = expression.ravel(order="F")
    weighted = np.linalg.solve(covariance, design)
    mean = np.linalg.solve(weighted.T @ design, weighted.T @ observed)
    np.testing.assert_allclose(fit.mean[0], mean, atol=1e-8)
    expected = multivariate_normal(design @ mean, covariance).logpdf(observed)
    assert fit.log_likelihood == pytest.approx(expected, abs=1e-6)
    residual = np.linalg.solve(covariance, observed - design @ mean)
    across = np.kron(fit.signal_covariance, scores.T)
    np.testing.assert_allclose(fit.effects.ravel(order="F"), across @ residual, atol=1e-8)
    prior = np.kron(fit.signal_covariance, np.eye(12))
    posterior = prior - across @ np.linalg.solve(covariance, across.T)
    np.testing.assert_allclose(fit.effects_sd.ravel(order="F") ** 2, posterior.diagonal(), atol=1e-8)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_unit_of_expression_changes_nothing_but_the_unit(factor, data):
    scores, expression = data
    fit = fit_with_limix(scores, expression, "lowrank_1")
    scaled = fit_with_limix(scores, factor * expression, "lowrank_1")
    np.testing.assert_allclose(scaled.effects, factor * fit.effects, rtol=1e-4, atol=1e-6 * factor)
    np.testing.assert_allclose(
        scaled.signal_covariance, factor**2 * fit.signal_covariance, rtol=1e-3, atol=1e-6 * factor**2
    )


def test_negative_scores_give_negative_effects(data):
    scores, expression = data
    fit, turned = fit_with_limix(scores, expression), fit_with_limix(-scores, expression)
    np.testing.assert_allclose(turned.effects, -fit.effects, atol=1e-10)


def test_from_its_own_start_limix_stays_at_rank_one(data):
    own_start = fit_with_limix(*data, init="limix")
    assert own_start.signal_rank == 1
    assert fit_with_limix(*data).log_likelihood > own_start.log_likelihood + 1.0


def test_the_criterion_says_how_far_from_stationary_limix_stopped(data):
    finished = fit_with_limix(*data)
    calls = iter([False] * 8)
    cut = fit_with_limix(*data, should_stop=lambda: next(calls, True))
    assert (cut.converged, cut.stop_reason) == (False, "time limit")
    assert np.isfinite(cut.effects).all()
    assert finished.criterion < 0.01 < cut.criterion
    # half its square is about what −2 log likelihood can still lose
    assert cut.log_likelihood < finished.log_likelihood


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"signal": "diagonal"}, "signal diagonal"),
        ({"signal": "lowrank_id_1"}, "signal lowrank_id_1"),
        ({"noise": "id"}, "noise id"),
        ({"mean": "none"}, "mean none"),
        ({"likelihood": "map"}, "likelihood map"),
        ({"init": "truth"}, "init truth"),
        ({"signal": "block", "noise": "diag", "mean": "none"}, "signal block, noise diagonal, mean none"),
    ],
)
def test_what_limix_cannot_do_is_one_error_that_says_what_it_can(asked, found, data):
    with pytest.raises(InputError) as caught:
        fit_with_limix(*data, **asked)
    assert f"found {found};" in str(caught.value)
    assert "signal freeform or lowrank_k, noise freeform, mean intercept" in str(caught.value)


def test_a_likelihood_without_a_maximum_is_refused_before_the_fit():
    with pytest.raises(NoMaximumError, match="unbounded"):
        fit_with_limix(*replicate(n_genes=14, n_motifs=12))


@pytest.mark.parametrize("expression", [np.ones((59, 3)), np.full((60, 3), np.nan)])
def test_expression_that_does_not_fit_the_scores_is_refused(expression, data):
    with pytest.raises(InputError, match="expression"):
        fit_with_limix(data[0], expression)


def package_limix(folder, body):
    """Write a package called limix whose module limix.model.lmm has the given body."""
    (folder / "limix" / "model").mkdir(parents=True)
    for path in ("limix/__init__.py", "limix/model/__init__.py"):
        (folder / path).write_text("")
    (folder / "limix/model/lmm.py").write_text(body)


@pytest.fixture
def no_limix_in_memory(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "limix"]:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "limix"]:
        del sys.modules[name]


@pytest.mark.usefixtures("no_limix_in_memory")
def test_the_package_limix_is_used_in_glimix_cores_stead_where_it_is_installed(tmp_path, monkeypatch, data):
    package_limix(
        tmp_path,
        "from glimix_core.lmm import Kron2Sum as Original\n"
        "class Kron2Sum(Original):\n    made = 0\n"
        "    def __init__(self, *given, **named):\n"
        "        Kron2Sum.made += 1\n        super().__init__(*given, **named)\n",
    )
    monkeypatch.syspath_prepend(tmp_path)
    fit_with_limix(*data, signal="lowrank_1")
    assert load().__module__ == "limix.model.lmm"
    assert load().made == 1


@pytest.mark.usefixtures("no_limix_in_memory")
def test_a_limix_that_cannot_be_imported_is_named_with_the_remedy(tmp_path, monkeypatch, data):
    package_limix(tmp_path, "import a_package_that_nobody_has")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"a_package_that_nobody_has.*setuptools<81"):
        fit_with_limix(*data)


@pytest.mark.skipif(importlib.util.find_spec("limix") is None, reason="the extra limix is not installed")
def test_the_umbrella_package_fits_where_it_is_installed(data):
    assert installed_version().startswith("limix 3.")
    assert load() is sys.modules["limix.model.lmm"].Kron2Sum
    assert fit_with_limix(*data, signal="lowrank_1").converged


def test_the_version_names_the_package_that_fits():
    assert "glimix-core 3." in installed_version()
