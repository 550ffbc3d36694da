"""Do the engines agree? The same replicates, fitted by every engine that is installed.

regNet's LMM and its peers (:mod:`regnet.peers`) fit the same model to the same data, with the same mean
and the same of the two likelihoods. What each found is then judged by one function: regNet's
log-likelihood at the engine's V and Σ.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.models.decomposition import rotate
from regnet.models.kronecker import canonical_basis, evaluate, spectral_data
from regnet.models.mixed_model import MixedModelFit
from regnet.models.structure_names import check_pair
from regnet.peers import Engine, Model, Problem, prepare
from regnet.simulation import Dataset

Matrix = NDArray[np.float64]

MEANS: tuple[tuple[Literal["none", "intercept"], Literal["ml", "reml"]], ...] = (
    ("none", "ml"),
    ("intercept", "ml"),
    ("intercept", "reml"),
)
"""The means that are compared, each with its likelihood; without a mean the two likelihoods are one."""
TOLERANCE = 1e-4
"""Log-likelihood units by which a fit may lie below the best and still agree with it."""


@dataclass(frozen=True, slots=True)
class EngineFit:
    """One model, fitted to one replicate by one engine.

    Attributes
    ----------
    model : Model
    replicate : int
    engine : str
        Its name.
    reason : str
        Why there is no fit; empty where there is. What follows is then None.
    log_likelihood : float
        At the engine's V and Σ, by regNet's function.
    shortfall : float
        The best log-likelihood of all engines minus this one.
    signal_difference, noise_difference, effects_difference : float
        Frobenius norm of the difference from the first engine's V, Σ and effects, relative to theirs.
    signal_rank : int
        Rank of V.
    is_reduced : bool
        Whether V is singular.
    converged : bool
        Whether the engine says that it has converged.
    n_iterations : int
        The engine's iterations.
    seconds : float
        Time of the fit, without what replicates share: the decomposition of the scores.
    """

    model: Model
    replicate: int
    engine: str
    reason: str = ""
    log_likelihood: float | None = None
    shortfall: float | None = None
    signal_difference: float | None = None
    noise_difference: float | None = None
    effects_difference: float | None = None
    signal_rank: int | None = None
    is_reduced: bool | None = None
    converged: bool | None = None
    n_iterations: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """One model and engine, over the replicates.

    Attributes
    ----------
    n_fits, n_failed : int
        Replicates with and without a fit.
    log_likelihood : float or None
        Mean.
    worst_shortfall : float or None
        Largest shortfall.
    signal_difference, noise_difference, effects_difference : float or None
        Medians.
    seconds : float or None
        Median time of a fit.
    ratio : float or None
        This median over that of the first engine.
    """

    model: Model
    engine: str
    n_fits: int
    n_failed: int
    log_likelihood: float | None
    worst_shortfall: float | None
    signal_difference: float | None
    noise_difference: float | None
    effects_difference: float | None
    seconds: float | None
    ratio: float | None


def models(n_conditions: int, signals: Sequence[str] = (), noises: Sequence[str] = ()) -> tuple[Model, ...]:
    """Return models to compare, each with all three combinations of mean and likelihood.

    Parameters
    ----------
    n_conditions : int
        Number of conditions.
    signals, noises : sequence of str
        Structures of V and Σ, in all combinations. Where neither is given: all structures that
        limix-core has, for V with a free Σ and for Σ with a free V.

    Raises
    ------
    InputError
        For a structure that doesn't exist for so many conditions.
    """
    if signals or noises:
        pairs = list(itertools.product(signals or ["freeform"], noises or ["freeform"]))
    else:
        pairs = _pairs_of_limix_core(n_conditions)
    return tuple(
        Model(*check_pair(signal, noise, n_conditions), mean, likelihood)
        for signal, noise in pairs
        for mean, likelihood in MEANS
    )


def _pairs_of_limix_core(n_conditions: int) -> list[tuple[str, str]]:
    many = n_conditions > 1
    half = n_conditions // 2
    variances = ["diagonal", "id", "lowrank_id_1", "lowrank_diag_1", "block_id", "block_diag", "truth"]
    variances += [f"block:{n_conditions - half}+{half}"] if many else []
    signals = ["lowrank_1", *(["lowrank_2"] if many else []), *variances, "block"]
    return [
        ("freeform", "freeform"),
        *((signal, "freeform") for signal in signals),
        *(("freeform", noise) for noise in variances),
    ]


def validate(
    datasets: Iterable[Dataset],
    which_models: Sequence[Model],
    which_engines: Sequence[Engine],
    *,
    matrices: tuple[Matrix | None, Matrix | None] = (None, None),
    seconds_per_fit: float | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[EngineFit]:
    """Fit models to data sets with every engine that is installed and has them.

    Parameters
    ----------
    datasets : iterable of Dataset
        Replicates; what they share is computed once as long as their scores are the same array.
    which_models : sequence of Model
        What to fit.
    which_engines : sequence of Engine
        Who fits; those that are not installed are left out. The first is the one that the others'
        covariances, effects and times are compared with.
    matrices : pair of ndarrays of shape (n_conditions, n_conditions), optional
        What V and Σ are multiples of in models with the structure ``fixed``.
    seconds_per_fit : float, optional
        Time after which a fit is stopped where it is; what it has found by then counts.
    clock : callable
        Measures seconds.

    Yields
    ------
    EngineFit
        For one data set and model after the other, as soon as all engines have fitted it. Models that
        only one engine has are left out.
    """
    installed = [engine for engine in which_engines if engine.version]
    problem: Problem | None = None
    for dataset in datasets:
        if problem is None or problem.dataset.scores is not dataset.scores:
            problem = prepare(dataset, installed)
        problem = replace(problem, dataset=dataset, matrices=matrices)
        for model in which_models:
            able = [engine for engine in installed if engine.can_fit(model)]
            if len(able) > 1:
                yield from _compare(problem, model, able, seconds_per_fit, clock)


def summarise(fits: Iterable[EngineFit]) -> tuple[Agreement, ...]:
    """Summarise fits over the replicates, by model and engine, in the order in which they come."""
    groups: dict[tuple[Model, str], list[EngineFit]] = {}
    for fit in fits:
        groups.setdefault((fit.model, fit.engine), []).append(fit)
    base: dict[Model, float | None] = {}
    agreements = []
    for (model, engine), group in groups.items():
        done = [fit for fit in group if not fit.reason]
        seconds = _middle(fit.seconds for fit in done)
        first = base.setdefault(model, seconds)
        agreements.append(
            Agreement(
                model,
                engine,
                n_fits=len(done),
                n_failed=len(group) - len(done),
                log_likelihood=fmean(fit.log_likelihood or 0.0 for fit in done) if done else None,
                worst_shortfall=max((fit.shortfall or 0.0 for fit in done), default=None),
                signal_difference=_middle(fit.signal_difference for fit in done),
                noise_difference=_middle(fit.noise_difference for fit in done),
                effects_difference=_middle(fit.effects_difference for fit in done),
                seconds=seconds,
                ratio=seconds / first if seconds is not None and first else None,
            )
        )
    return tuple(agreements)


def constant_costs(fits: Iterable[EngineFit]) -> tuple[float, ...]:
    """Return how far limix-core stopped below the best where the best has a free V of reduced rank.

    One number for each replicate and model, in log-likelihood units. That it is the constant on the
    diagonal of V which keeps limix-core from a V of reduced rank shows in its fits without the constant.
    """
    by_case: dict[tuple[Model, int], dict[str, EngineFit]] = {}
    for fit in fits:
        if fit.model.signal.kind == "freeform" and not fit.reason:
            by_case.setdefault((fit.model, fit.replicate), {})[fit.engine] = fit
    costs = []
    for case in by_case.values():
        best = min(case.values(), key=lambda fit: fit.shortfall or 0.0)
        if best.is_reduced and "limix-core" in case:
            costs.append(case["limix-core"].shortfall or 0.0)
    return tuple(costs)


def _compare(
    problem: Problem,
    model: Model,
    able: Sequence[Engine],
    seconds_per_fit: float | None,
    clock: Callable[[], float],
) -> Iterator[EngineFit]:
    """Fit one model to one data set with each engine."""
    replicate = problem.dataset.replicate
    found: dict[str, tuple[MixedModelFit, float]] = {}
    reasons: dict[str, str] = {}
    for engine in able:
        start = clock()

        def is_late(start: float = start) -> bool:
            return seconds_per_fit is not None and clock() - start > seconds_per_fit

        try:
            fit = engine.fit(problem, model, is_late)
        except (InputError, np.linalg.LinAlgError, FloatingPointError) as error:
            reasons[engine.name] = str(error)
        else:
            found[engine.name] = fit, clock() - start
    values = {name: log_likelihood(problem, model, fit) for name, (fit, _) in found.items()}
    first = found.get(able[0].name)
    for engine in able:
        if engine.name in reasons:
            yield EngineFit(model, replicate, engine.name, reasons[engine.name])
            continue
        fit, seconds = found[engine.name]

        def difference(name: str, fit: MixedModelFit = fit) -> float | None:
            return None if first is None else _difference(getattr(fit, name), getattr(first[0], name))

        yield EngineFit(
            model,
            replicate,
            engine.name,
            log_likelihood=values[engine.name],
            shortfall=max(values.values()) - values[engine.name],
            signal_difference=difference("signal_covariance"),
            noise_difference=difference("noise_covariance"),
            effects_difference=difference("effects"),
            signal_rank=fit.signal_rank,
            is_reduced=fit.signal_rank < len(fit.signal_covariance),
            converged=fit.converged,
            n_iterations=fit.n_iterations,
            seconds=seconds,
        )


def log_likelihood(problem: Problem, model: Model, fit: MixedModelFit) -> float:
    """Return the log-likelihood of a data set at a fit's V and Σ, whoever fitted them."""
    expression = problem.dataset.expression
    covariates = np.ones((len(expression), 1)) if model.mean == "intercept" else None
    rotated = rotate(problem.decomposition, expression, covariates)
    data = spectral_data(problem.decomposition, rotated, model.likelihood == "reml")
    basis = canonical_basis(fit.signal_covariance, fit.noise_covariance)
    if basis is None:
        return -np.inf
    return -0.5 * evaluate(data, basis).deviance


def _difference(matrix: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    size = float(np.linalg.norm(reference))
    return float(np.linalg.norm(matrix - reference)) / size if size else float(np.linalg.norm(matrix))


def _middle(values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return median(present) if present else None
