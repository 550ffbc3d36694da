"""Does limix-core fit every structure that it shares with regNet, and where does it stop short?"""

import sys

import numpy as np
import pytest

from regnet.errors import InputError
from regnet.models.decomposition import decompose
from regnet.models.limix_core_engine import HOW_TO_INSTALL, fit_with_limix_core, row_spectrum
from regnet.models.mixed_model import fit_mixed_model

STRUCTURES = ["diagonal", "id", "lowrank_1", "lowrank_2", "lowrank_id_1", "block", "block:2+1", "block_id"]
STRUCTURES += ["block_diag", "lowrank_diag_1", "truth"]
TRUTH = (np.eye(3) + 0.5, np.diag([1.0, 2.0, 3.0]))


def replicate(seed=3, spread=1.0):
    """60 genes, 12 motifs, 3 conditions; effects of correlated conditions."""
    rng = np.random.default_rng(seed)
    scores = rng.random((60, 12))
    root = np.eye(3) + rng.random((3, 3))
    signal = scores @ rng.standard_normal((12, 3)) @ root.T
    return scores, spread * (signal + 2.0 * rng.standard_normal((60, 3)) @ root)


@pytest.fixture(scope="module")
def shared():
    pytest.importorskip("limix_core", reason="the development extra limix-core is not installed")
    data = replicate()
    return data, {"decomposition": decompose(data[0]), "spectrum": row_spectrum(data[0])}


@pytest.mark.parametrize(("mean", "likelihood"), [("none", "ml"), ("intercept", "reml")])
@pytest.mark.parametrize("signal", STRUCTURES)
def test_limix_core_finds_what_regnet_finds_for_every_structure_of_v(signal, mean, likelihood, shared):
    data, parts = shared
    named = {"mean": mean, "likelihood": likelihood, "truth": TRUTH}
    own = fit_mixed_model(*data, signal, decomposition=parts["decomposition"], **named)
    peer = fit_with_limix_core(*data, signal, **named, **parts)
    assert peer.log_likelihood == pytest.approx(own.log_likelihood, abs=5e-3)
    assert peer.log_likelihood <= own.log_likelihood + 1e-4
    assert peer.n_parameters == own.n_parameters
    assert peer.converged
    np.testing.assert_allclose(peer.effects, own.effects, atol=0.02 * np.abs(data[1]).mean())


@pytest.mark.parametrize("noise", ["diagonal", "id", "block_id", "lowrank_id_1", "block:2+1", "truth"])
def test_limix_core_finds_what_regnet_finds_for_structures_of_sigma(noise, shared):
    data, parts = shared
    own = fit_mixed_model(*data, "lowrank_1", noise, truth=TRUTH)
    peer = fit_with_limix_core(*data, "lowrank_1", noise, truth=TRUTH, **parts)
    assert peer.log_likelihood == pytest.approx(own.log_likelihood, abs=5e-3)


def test_its_constant_keeps_limix_core_from_a_v_of_reduced_rank(shared):
    # small numbers, in which 1e-4 is much
    scores, expression = replicate(spread=0.05)
    parts = shared[1]
    own = fit_mixed_model(scores, expression)
    assert own.signal_rank < 3
    peer = fit_with_limix_core(scores, expression, **parts)
    assert np.linalg.eigvalsh(peer.signal_covariance)[0] >= 0.9999e-4
    assert peer.log_likelihood < own.log_likelihood - 0.5
    without = fit_with_limix_core(scores, expression, jitter=0.0, **parts)
    assert without.log_likelihood == pytest.approx(own.log_likelihood, abs=1e-2)


def test_a_time_limit_ends_the_fit_with_what_it_has(shared):
    data, parts = shared
    asked = iter([False] * 4)
    fit = fit_with_limix_core(*data, should_stop=lambda: next(asked, True), **parts)
    assert (fit.converged, fit.stop_reason) == (False, "time limit")
    assert np.isfinite(fit.effects).all()


@pytest.mark.parametrize(
    ("noise", "mean", "likelihood"), [("random", "intercept", "ml"), ("random", "none", "reml")]
)
def test_means_that_limix_core_has_not_are_refused(noise, mean, likelihood):
    with pytest.raises(InputError, match="mean none with likelihood ml, or intercept with reml"):
        fit_with_limix_core(*replicate(), mean=mean, likelihood=likelihood)


def test_a_proportional_noise_is_refused(shared):
    with pytest.raises(InputError, match="limix-core has, found proportional"):
        fit_with_limix_core(*shared[0], noise="proportional", **shared[1])


def test_without_limix_core_the_error_says_how_to_install_it(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "limix_core"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "limix_core", None)
    with pytest.raises(InputError) as caught:
        fit_with_limix_core(*replicate())
    assert HOW_TO_INSTALL in str(caught.value)
