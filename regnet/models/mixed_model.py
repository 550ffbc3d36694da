"""How is the linear mixed model vec(Y) ~ N(vec(XA), V ⊗ MMᵀ + Σ ⊗ I) fitted?

Checks what was asked for, brings it to natural units, fits from each start by the method that the
structures call for, and brings the estimates back (:mod:`regnet.models.mixed_model_problem`).
Likelihood and algebra: :mod:`regnet.models.kronecker`; the optimisers: :mod:`regnet.models.free_fit`
(V and Σ free), :mod:`regnet.models.stacked_fit` (the same for few conditions and many replicates) and
:mod:`regnet.models.structured_fit` (all else).

Source: Lederer, Heskes, van Heeringen & Albers, PLoS ONE 15(5):e0231824 (2020).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike

from regnet.errors import InputError
from regnet.models.decomposition import Decomposition, decompose
from regnet.models.existence import NoMaximumError
from regnet.models.fitter import Fitter
from regnet.models.missing_values import Missing
from regnet.models.mixed_model_problem import MixedModelFit, Problem, Start, prepare
from regnet.models.optimum import Limits
from regnet.models.starts import Init
from regnet.models.structure_names import StructureName

__all__ = ["MixedModelFit", "NoMaximumError", "Options", "Start", "fit_mixed_model", "fit_mixed_models"]

TOLERANCE = 1e-6
"""Default of the convergence criterion, in standard errors."""
MOST_ITERATIONS = 1000
"""Default of the most iterations of one start."""
RESTARTS = 10
"""Default of the number of perturbed restarts."""
PERTURB_SIZE = 1e-3
"""Default of the perturbations' standard deviation, in units of the starting parameters."""
STACK = 64
"""Replicates that are fitted together: beyond, no call is shared that matters."""

Failure = InputError | np.linalg.LinAlgError | FloatingPointError
"""Why a replicate has no fit."""


class Options(TypedDict, total=False):
    """What all replicates of :func:`fit_mixed_models` share; see :func:`fit_mixed_model`."""

    decomposition: Decomposition | None
    likelihood: Literal["ml", "reml"]
    mean: Literal["none", "intercept"] | ArrayLike
    init: Init
    signal_matrix: ArrayLike | None
    noise_matrix: ArrayLike | None
    perturb: bool
    restarts: int
    perturb_size: float
    restart_choice: Literal["first", "best"]
    missing: Missing
    tolerance: float
    max_iterations: int
    should_stop: Callable[[], bool] | None


def fit_mixed_model(
    scores: ArrayLike,
    expression: ArrayLike,
    signal: str | StructureName = "freeform",
    noise: str | StructureName = "random",
    *,
    decomposition: Decomposition | None = None,
    likelihood: Literal["ml", "reml"] = "ml",
    mean: Literal["none", "intercept"] | ArrayLike = "none",
    init: Init = "default",
    truth: tuple[ArrayLike, ArrayLike] | None = None,
    signal_matrix: ArrayLike | None = None,
    noise_matrix: ArrayLike | None = None,
    perturb: bool = False,
    restarts: int = RESTARTS,
    perturb_size: float = PERTURB_SIZE,
    restart_choice: Literal["first", "best"] = "first",
    rng: np.random.Generator | None = None,
    missing: Missing = "exact",
    tolerance: float = TOLERANCE,
    max_iterations: int = MOST_ITERATIONS,
    should_stop: Callable[[], bool] | None = None,
) -> MixedModelFit:
    """Fit the linear mixed model to scores and expression as they are.

    Parameters
    ----------
    scores : array_like of shape (n_genes, n_motifs)
        Motif scores M. Not read where `decomposition` is given and nothing is missing.
    expression : array_like of shape (n_genes, n_conditions)
        Expression Y; NaN where a value is missing.
    signal, noise : str
        Structures of V and Σ: `regnet.models.structure_names.STRUCTURES`.
    decomposition : Decomposition, optional
        Of the scores, shared by replicates.
    likelihood : "ml" or "reml"
    mean : "none", "intercept" or array_like of shape (n_genes, n_covariates)
        Mean of the expression: zero, an intercept per condition, or XA with given X.
    init : "default", "truth" or "random"
        Where to start: half the empirical covariance each, moved at once to the likeliest
        proportional pair; at `truth`; or at a random pair drawn from `rng`.
    truth : pair of array_like of shape (n_conditions, n_conditions), optional
        V and Σ that generated the data, for ``init="truth"`` and the structure ``truth``.
    signal_matrix, noise_matrix : array_like of shape (n_conditions, n_conditions), optional
        K of the structure ``fixed``.
    perturb : bool
        Add N(0, perturb_size²) to the starting parameters (relative to their units) and restart,
        up to `restarts` times.
    restart_choice : "first" or "best"
        Stop at the first start that converges, or make all and keep the likeliest.
    rng : numpy.random.Generator, optional
        Where random starts and perturbations come from; needed for them.
    missing : "exact", "refuse", "drop" or "impute"
        Missing expression: the exact likelihood of what is there (not with REML; up to some
        thousand values); an error that counts it; leave genes with missing values out; or the mean
        of the condition in their place. `MixedModelFit.missing` says what was done.
    tolerance : float
        Largest projected gradient, in standard errors, that counts as converged.
    max_iterations : int
        Most iterations of one start.
    should_stop : callable, optional
        Asked once an iteration; true ends the fit with what it has ("time limit").

    Raises
    ------
    InputError
        For input that does not fit together; `NoMaximumError` where the likelihood has no maximum.

    Notes
    -----
    After the decomposition O(r C² + C³) an iteration and O(r C) memory. The maximum found is a
    local one, as with every method known; for free V neighbouring ranks are searched
    (:mod:`regnet.models.rank_search`), for other structures directions of L and single variances
    (:mod:`regnet.models.direction_search`).
    """
    return _prepared(
        scores,
        expression,
        signal,
        noise,
        truth,
        rng,
        decomposition=decomposition,
        likelihood=likelihood,
        mean=mean,
        init=init,
        signal_matrix=signal_matrix,
        noise_matrix=noise_matrix,
        perturb=perturb,
        restarts=restarts,
        perturb_size=perturb_size,
        restart_choice=restart_choice,
        missing=missing,
        tolerance=tolerance,
        max_iterations=max_iterations,
        should_stop=should_stop,
    ).fit()


def fit_mixed_models(
    scores: ArrayLike,
    expressions: Sequence[ArrayLike],
    signal: str | StructureName = "freeform",
    noise: str | StructureName = "random",
    *,
    truths: Sequence[tuple[ArrayLike, ArrayLike] | None] | None = None,
    rngs: Sequence[np.random.Generator | None] | None = None,
    **options: Unpack[Options],
) -> list[MixedModelFit | Failure]:
    """Fit the linear mixed model to many replicates on the same scores.

    The same numbers as one by one, to the bit. Together, and thereby some three times faster, go
    replicates of up to six conditions with V free or of limited rank, Σ free, no mean and nothing
    missing, from the default start (docs/decisions/0001-optimiser.md); others are fitted in turn.

    Parameters
    ----------
    scores : array_like of shape (n_genes, n_motifs)
        Not read where a decomposition is given and nothing is missing; without one, it is made once.
    expressions : sequence of array_like of shape (n_genes, n_conditions)
        Expression of each replicate.
    truths, rngs : sequences, optional
        `truth` and `rng` of each replicate.
    **options
        Those of :func:`fit_mixed_model`, the same for all.

    Returns
    -------
    list of MixedModelFit or exception
        In the order of the replicates; one that can't be fitted has the error in its place.
    """
    if options.get("decomposition") is None:
        options["decomposition"] = decompose(np.asarray(scores, dtype=np.float64))
    found: list[MixedModelFit | Failure | None] = [None] * len(expressions)
    waiting: list[tuple[int, Problem]] = []
    for number, expression in enumerate(expressions):
        truth, rng = truths[number] if truths else None, rngs[number] if rngs else None
        try:
            problem = _prepared(scores, expression, signal, noise, truth, rng, **options)
        except (InputError, np.linalg.LinAlgError, FloatingPointError) as error:
            found[number] = error
            continue
        if problem.is_stackable:
            waiting.append((number, problem))
        else:
            found[number] = _fit_or_failure(problem)
    for size in sorted({problem.data.n_conditions for _, problem in waiting}):
        same = [(number, problem) for number, problem in waiting if problem.data.n_conditions == size]
        for first in range(0, len(same), STACK):
            block = same[first : first + STACK]
            for (number, _), fit in zip(block, _fit_together([p for _, p in block]), strict=True):
                found[number] = fit
    return [fit for fit in found if fit is not None]


def _fit_together(problems: Sequence[Problem]) -> list[MixedModelFit | Failure]:
    try:
        optima = Fitter.fit_together([problem.fitter for problem in problems], problems[0].limits)
    except (np.linalg.LinAlgError, FloatingPointError):  # of one of them: the others have their own numbers
        return [_fit_or_failure(problem) for problem in problems]
    return [problem.fitted_at(optimum) for problem, optimum in zip(problems, optima, strict=True)]


def _fit_or_failure(problem: Problem) -> MixedModelFit | Failure:
    try:
        return problem.fit()
    except (InputError, np.linalg.LinAlgError, FloatingPointError) as error:
        return error


def _prepared(
    scores: ArrayLike,
    expression: ArrayLike,
    signal: str | StructureName,
    noise: str | StructureName,
    truth: tuple[ArrayLike, ArrayLike] | None,
    rng: np.random.Generator | None,
    **options: Unpack[Options],
) -> Problem:
    limits = Limits(
        options.get("tolerance", TOLERANCE),
        options.get("max_iterations", MOST_ITERATIONS),
        options.get("should_stop") or (lambda: False),
    )
    return prepare(
        scores,
        expression,
        signal,
        noise,
        decomposition=options.get("decomposition"),
        likelihood=options.get("likelihood", "ml"),
        mean=options.get("mean", "none"),
        init=options.get("init", "default"),
        truth=truth,
        matrices=(options.get("signal_matrix"), options.get("noise_matrix")),
        n_perturbed=options.get("restarts", RESTARTS) if options.get("perturb") else 0,
        perturb_size=options.get("perturb_size", PERTURB_SIZE),
        restart_choice=options.get("restart_choice", "first"),
        rng=rng,
        missing=options.get("missing", "exact"),
        limits=limits,
    )
