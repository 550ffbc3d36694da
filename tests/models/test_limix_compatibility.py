"""Does limix's code do what its authors meant, whatever scipy is installed, and leave no trace?"""

import threading

import numpy as np
import numpy_sugar.linalg
import pytest
import scipy
import scipy.linalg
import scipy.optimize
from glimix_core.lmm import Kron2Sum

from regnet.models.limix_compatibility import (
    FitStopped,
    glimix_core_on_this_scipy,
    limix_core_on_this_scipy,
)


def kron2sum_of_rank(rank: int, restricted: bool = False) -> Kron2Sum:
    rng = np.random.default_rng(4)
    scores = rng.random((25, 6))
    expression = scores @ rng.standard_normal((6, 3)) + rng.standard_normal((25, 3))
    model = Kron2Sum(expression, np.eye(3), np.ones((25, 1)), scores, rank=rank, restricted=restricted)
    model._cov.C0.L = rng.standard_normal((3, rank))
    model._cov.C1.L = np.linalg.cholesky(np.cov(expression.T))
    return model


def finite_differences(model: Kron2Sum, step: float = 1e-6) -> dict[str, np.ndarray]:
    gradient = {}
    for name, covariance in (("C0.Lu", model._cov.C0), ("C1.Lu", model._cov.C1)):
        start = np.array(covariance.Lu)
        slopes = []
        for direction in np.eye(start.size):
            covariance.Lu = start + step * direction
            above = model.value()
            covariance.Lu = start - step * direction
            slopes.append((above - model.value()) / (2 * step))
            covariance.Lu = start
        gradient[name] = np.array(slopes)
    return gradient


def refuse_disp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make scipy's optimiser refuse `disp`, as scipy 1.18 does, whatever scipy is installed."""
    minimise = scipy.optimize.fmin_l_bfgs_b

    def without_disp(func, x0, fprime=None, *, bounds=None, factr=1e7, pgtol=1e-5):
        return minimise(func, x0, fprime, bounds=bounds, factr=factr, pgtol=pgtol)

    monkeypatch.setattr(scipy.optimize, "fmin_l_bfgs_b", without_disp)


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_gradient_of_kron2sum_is_that_of_finite_differences(rank, restricted):
    model = kron2sum_of_rank(rank, restricted)
    with glimix_core_on_this_scipy():
        gradient = model.gradient()
        expected = finite_differences(model)
    for name, slopes in expected.items():
        np.testing.assert_allclose(gradient[name], slopes, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(
    tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 16), reason="lu_solve is batched since 1.16"
)
def test_without_the_adaptation_the_gradient_is_wrong_so_that_it_is_still_needed():
    model = kron2sum_of_rank(2)
    gradient, expected = model.gradient()["C0.Lu"], finite_differences(model)["C0.Lu"]
    assert np.linalg.norm(gradient - expected) > np.linalg.norm(expected)


def test_a_fit_succeeds_where_scipy_refuses_disp(monkeypatch):
    refuse_disp(monkeypatch)
    with pytest.raises(TypeError, match="disp"):
        kron2sum_of_rank(1).fit(verbose=False)
    model = kron2sum_of_rank(1)
    with glimix_core_on_this_scipy() as reports:
        model.fit(verbose=False)
    assert [report["warnflag"] for report in reports] == [0]
    assert max(abs(slopes).max() for slopes in finite_differences(model).values()) < 0.05


def test_a_refused_disp_changes_no_number(monkeypatch):
    values = []
    for refuse in (False, True):
        if refuse:
            refuse_disp(monkeypatch)
        model = kron2sum_of_rank(2)
        with glimix_core_on_this_scipy():
            model.fit(verbose=False)
        values.append(model.lml())
    assert values[0] == values[1]


def test_what_was_exchanged_is_put_back_even_after_an_error():
    before = scipy.optimize.fmin_l_bfgs_b, numpy_sugar.linalg.lu_solve, set(vars(scipy))

    def fail_inside() -> None:
        with glimix_core_on_this_scipy():
            assert scipy.optimize.fmin_l_bfgs_b is not before[0]
            assert numpy_sugar.linalg.lu_solve is not before[1]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert (scipy.optimize.fmin_l_bfgs_b, numpy_sugar.linalg.lu_solve, set(vars(scipy))) == before


def test_a_fit_stops_when_the_caller_says_so():
    asked = iter([False] * 5 + [True])
    model = kron2sum_of_rank(2)
    with pytest.raises(FitStopped), glimix_core_on_this_scipy(lambda: next(asked)):
        model.fit(verbose=False)
    assert next(asked, None) is None


def test_two_threads_do_not_see_each_others_exchanges():
    order = []
    inside = threading.Event()

    def second() -> None:
        inside.wait()
        with glimix_core_on_this_scipy():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with glimix_core_on_this_scipy():
        inside.set()
        thread.join(timeout=0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_limix_core_finds_numpys_functions_in_scipy_and_only_then():
    pytest.importorskip("limix_core", reason="limix-core is not installed", exc_type=ImportError)
    before = set(vars(scipy))
    with limix_core_on_this_scipy():
        assert scipy.dot is np.dot
        assert scipy.newaxis is None
        assert scipy.linalg.inv(2 * np.eye(2))[0, 0] == 0.5
    assert set(vars(scipy)) == before
