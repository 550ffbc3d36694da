"""What do later releases of scipy break in limix's code, and how is it made up for?

The packages are used as their authors published them; what scipy took away is given back for the
length of a call and taken away again afterwards. The reasons and the measurements behind this are in
``docs/decisions/0002-limix.md``.

==================  =============  ==================================================================
limix               scipy          what happens without this module
==================  =============  ==================================================================
glimix-core         1.18           ``fmin_l_bfgs_b`` refuses the argument ``disp``: no fit at all
(limix 3)           1.16           ``lu_solve`` takes a three-way array for a stack of matrices: the
                                   gradient of ``Kron2Sum`` is wrong wherever V has two or more
                                   different factors, and the fit stops far below the optimum
limix-core          any that       ``scipy.dot``, ``scipy.zeros`` … no longer exist
                    Python 3.11 has
==================  =============  ==================================================================
"""

from __future__ import annotations

import importlib
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import scipy
import scipy.optimize

_PATCHED = threading.RLock()  # what is exchanged belongs to the whole process: one fit at a time

_NUMPY_NAMES = """
    any arange around array concatenate cov diag diagonal dot exp eye inf isfinite isnan ix_ kron linspace log
    nan newaxis ones reshape sin sort sqrt sum tensordot tile trace tril_indices where zeros zeros_like
"""
"""The numpy names that limix-core looks up in scipy."""


ARITHMETIC_FAILURES = (ValueError, RuntimeError, ArithmeticError, AssertionError, np.linalg.LinAlgError)
"""What limix's code raises where its arithmetic breaks down (NaN in a decomposition, a negative scale)."""


class FitStopped(Exception):
    """The caller's `should_stop` became true while limix was optimising."""


@contextmanager
def glimix_core_on_this_scipy(
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[list[dict[str, Any]]]:
    """Let glimix-core optimise with any scipy, and listen to its optimiser.

    Parameters
    ----------
    should_stop : callable, optional
        Asked before each evaluation of the likelihood; where it returns True, `FitStopped` is raised
        through limix's code.

    Yields
    ------
    list of dict
        Grows by one entry for each run of L-BFGS-B that ends: scipy's report (``grad``, ``task``,
        ``nit``, ``funcalls``, ``warnflag``). glimix-core restarts up to five times on its own.
    """
    linear_algebra = importlib.import_module("numpy_sugar.linalg")
    solve_matrix = linear_algebra.lu_solve
    reports: list[dict[str, Any]] = []
    minimise = _watched(scipy.optimize.fmin_l_bfgs_b, reports, should_stop)

    def lu_solve(factors: Any, right: Any) -> Any:
        # one system with many right-hand sides, whatever the number of trailing axes
        right = np.asarray(right)
        return solve_matrix(factors, right.reshape(len(right), -1)).reshape(right.shape)

    with (
        _PATCHED,
        _exchanged(linear_algebra, lu_solve=lu_solve),
        _exchanged(scipy.optimize, fmin_l_bfgs_b=minimise),
    ):
        yield reports


@contextmanager
def limix_core_on_this_scipy(
    should_stop: Callable[[], bool] | None = None,
) -> Iterator[list[dict[str, Any]]]:
    """Let limix-core find numpy's functions in scipy, where scipy had them of old.

    Parameters and what is yielded are those of `glimix_core_on_this_scipy`.
    """
    missing = {name: getattr(np, name) for name in _NUMPY_NAMES.split() if not hasattr(scipy, name)}
    reports: list[dict[str, Any]] = []
    with _PATCHED, _exchanged(scipy, **missing):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pkg_resources, invalid escapes: nothing a user can mend
            optimiser = import_limix_core("optimize.optimize_bfgs")
        with _exchanged(optimiser, optimize=_watched(optimiser.optimize, reports, should_stop)):
            yield reports


def import_limix_core(name: str) -> ModuleType:
    """Import a module of limix-core, inside of `limix_core_on_this_scipy`.

    For each of its functions limix-core reads the source of every frame on the call stack. A thread of
    its own has few: under pytest 6 seconds instead of 20.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(importlib.import_module, f"limix_core.{name}").result()


def _watched(
    minimise: Callable[..., Any], reports: list[dict[str, Any]], should_stop: Callable[[], bool] | None
) -> Callable[..., Any]:
    """Return scipy's L-BFGS-B without `disp`, that keeps its reports and stops when it should."""

    def fmin_l_bfgs_b(func: Callable[..., Any], *args: Any, disp: object = None, **options: Any) -> Any:
        def watched(*point: Any) -> Any:
            if should_stop is not None and should_stop():
                raise FitStopped
            return func(*point)

        result = minimise(watched, *args, **options)
        reports.append(result[2])
        return result

    return fmin_l_bfgs_b


@contextmanager
def _exchanged(module: ModuleType, **replacements: object) -> Iterator[None]:
    """Give a module other attributes, and its own ones back at the end, whatever happens."""
    before = {name: vars(module)[name] for name in replacements if name in vars(module)}
    vars(module).update(replacements)
    try:
        yield
    finally:
        for name in replacements:
            del vars(module)[name]
        vars(module).update(before)
