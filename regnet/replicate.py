"""What is one unit of work? A replicate: simulate, fit every method to it, score every fit.

A replicate is a function of its arguments alone: no file is read or written, and its random numbers
follow from the study's seed, the scenario and the replicate's number. The one thing that is measured
is the time of each fit, here and nowhere deeper, since the models know no clock.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.files.motifs import MotifScores
from regnet.methods import LMM, Method, Ridge
from regnet.models.decomposition import Decomposition, decompose
from regnet.models.ridge import fit_ridge
from regnet.models.ridge_penalty import Fold, decompose_folds
from regnet.randomness import stream
from regnet.scenario import Scenario
from regnet.scoring import score
from regnet.simulation import Dataset, Design, design, draw

Array = NDArray[np.float64]

OK, FAILED, REFUSED, TIMED_OUT = "ok", "failed", "refused", "timed out"
NOT_CONVERGED, AT_BOUNDARY = "did not converge", "at boundary"

_NUMERICAL = (np.linalg.LinAlgError, FloatingPointError)
"""What arithmetic on unlucky data raises. Any other exception is a bug, whose traceback is kept."""

_LONGEST_REASON = 1000  # characters of a reason, which is one line of the log

_SHOWN_ARRAYS = ("effects", "effects_sd", "signal_covariance", "noise_covariance")


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the replicates of one scenario share.

    Attributes
    ----------
    design : Design
        Scores in use, V and Σ, held-out genes.
    decomposition : Decomposition
        Of the scores: the one SVD for all replicates, methods and penalties.
    folds : dict of int to tuple of Fold
        The folds of cross-validations, by their number, for the methods that were announced.
    recorded : callable, optional
        Gives a replicate's data set by its number, where they come from a file; else they are drawn
        from the design.
    """

    design: Design
    decomposition: Decomposition
    folds: dict[int, tuple[Fold, ...]]
    recorded: Callable[[int], Dataset] | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know: constant motifs that were dropped, and the like."""
        return self.design.notes

    @property
    def sizes(self) -> dict[str, int]:
        """Sizes that decide what a replicate costs."""
        n_genes, n_motifs = self.design.scores.shape
        return {
            "genes": n_genes,
            "tfs": n_motifs,
            "conditions": len(self.design.conditions),
            "held_out": len(self.design.held_out_genes),
            "rank": self.decomposition.rank,
        }


@dataclass(frozen=True, eq=False)
class FitOutcome:
    """What became of one fit.

    Attributes
    ----------
    label : str
        The method's name in tables.
    status : str
        ``ok``; ``failed`` (its arithmetic broke down, or regNet has a bug), ``refused`` (it has no
        answer for these data) or ``timed out``.
    metrics : dict
        Values of :data:`regnet.metrics.METRICS`, None where undefined; empty unless ``ok``.
    reason : str
        Why there is no fit; empty where there is.
    seconds : float
        Time of the fit, without the shared decomposition and without scoring; an equal share of it where
        replicates were fitted together.
    warnings : tuple of str
        ``did not converge``, ``at boundary``.
    problem : str
        The traceback of an error that no arithmetic explains, in the fit or its scoring; else empty.
    """

    label: str
    status: str
    metrics: dict[str, float | None]
    reason: str
    seconds: float
    warnings: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, eq=False)
class ReplicateOutcome:
    """One replicate: the truth that it realised and what became of each fit.

    Attributes
    ----------
    replicate : int
        Its number, from 0.
    truth : dict
        ``signal_fraction`` and ``within_condition_fraction`` as realised (None where undefined), and
        ``scale``, the factor s² on V.
    fits : tuple of FitOutcome
        One for each method, in their order.
    arrays : dict of str to ndarray
        ``expression``, ``effects``, ``signal_covariance``, ``noise_covariance`` (the truth) and, for
        each fit, ``<label>/effects``, and ``<label>/effects_sd``, ``<label>/signal_covariance`` and
        ``<label>/noise_covariance`` where it has them.
    """

    replicate: int
    truth: dict[str, float | None]
    fits: tuple[FitOutcome, ...]
    arrays: dict[str, Array]


def prepare(
    scenario: Scenario,
    motifs: MotifScores,
    seed: int,
    held_out: int,
    methods: Sequence[Method] = (),
    earlier: Prepared | None = None,
) -> Prepared:
    """Compute what all replicates of a scenario share.

    Parameters
    ----------
    scenario, motifs, seed, held_out
        As in :func:`regnet.simulation.simulate`.
    methods : sequence of Ridge or LMM
        The methods to come: the folds of their cross-validations are decomposed once, here.
    earlier : Prepared, optional
        What was prepared for another scenario with the same methods: where the scores are the same, so
        are their decompositions, and they are taken over.

    Raises
    ------
    InputError
        Where the table has fewer genes or motifs than asked for.
    """
    shared = design(scenario, motifs, seed=seed, held_out=held_out)
    if earlier is not None and np.array_equal(earlier.design.scores, shared.scores):
        return Prepared(shared, earlier.decomposition, earlier.folds)
    return prepare_design(shared, methods)


def prepare_design(shared: Design, methods: Sequence[Method] = ()) -> Prepared:
    """Compute what all replicates of a design share; see :func:`prepare`."""
    decomposition = decompose(shared.scores)
    numbers = {m.folds for m in methods if isinstance(m, Ridge) and m.penalty == "kfold"}
    folds = {number: decompose_folds(decomposition, number) for number in sorted(numbers)}
    return Prepared(shared, decomposition, folds)


def compute_replicate(
    prepared: Prepared,
    methods: Sequence[Method],
    labels: Sequence[str],
    *,
    replicate: int,
    top: int = 10,
    limit: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext,
) -> ReplicateOutcome:
    """Simulate (or look up) one replicate, fit every method and score every fit.

    Parameters
    ----------
    prepared : Prepared
        What :func:`prepare` gave.
    methods, labels : sequences of equal length
        The methods, and their names in tables.
    replicate : int
        The replicate's number, from 0.
    top : int
        Number of strongest motifs whose recovery is scored.
    limit : callable
        Makes a context manager that raises TimeoutError inside a fit that takes too long.

    Returns
    -------
    ReplicateOutcome
        A fit that fails is an outcome like any other; it stops nothing. Nor does a bug in one method,
        whose traceback is in its outcome; one in what the methods share (the drawing) propagates.
    """
    (outcome,) = compute_replicates(prepared, methods, labels, replicates=[replicate], top=top, limit=limit)
    return outcome


def compute_replicates(
    prepared: Prepared,
    methods: Sequence[Method],
    labels: Sequence[str],
    *,
    replicates: Sequence[int],
    top: int = 10,
    limit: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext,
) -> list[ReplicateOutcome]:
    """Simulate (or look up) several replicates, and fit them together where that is faster.

    Parameters and result are those of :func:`compute_replicate`, and so are the numbers, to the bit; but
    `limit` may then be about all fits of a method, and their time is shared out evenly.
    """
    take = prepared.recorded or functools.partial(draw, prepared.design)
    datasets = [take(replicate) for replicate in replicates]
    attempts = [_attempts(prepared, datasets, method, limit) for method in methods]
    return [
        _outcome(
            dataset,
            [(label, of_method[number]) for label, of_method in zip(labels, attempts, strict=True)],
            top,
        )
        for number, dataset in enumerate(datasets)
    ]


def fit_dataset(
    prepared: Prepared,
    dataset: Dataset,
    methods: Sequence[Method],
    labels: Sequence[str],
    *,
    top: int = 10,
    limit: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext,
) -> ReplicateOutcome:
    """Fit every method to a data set with known truth, and score every fit.

    Parameters and result are those of :func:`compute_replicate`.
    """
    attempts = [_attempt(prepared, dataset, method, limit) for method in methods]
    return _outcome(dataset, list(zip(labels, attempts, strict=True)), top)


@dataclass(frozen=True, eq=False, slots=True)
class _Attempt:
    """A fit, or the exception in its place, and how long it took."""

    fit: Any
    error: Exception | None
    seconds: float


def _outcome(dataset: Dataset, attempts: Sequence[tuple[str, _Attempt]], top: int) -> ReplicateOutcome:
    arrays: dict[str, Array] = {
        "expression": dataset.expression,
        "effects": dataset.effects,
        "signal_covariance": dataset.signal_covariance,
        "noise_covariance": dataset.noise_covariance,
    }
    fits = []
    for label, attempt in attempts:
        outcome = _scored(attempt, dataset, label, top)
        fits.append(outcome)
        for name in _SHOWN_ARRAYS if outcome.status == OK else ():
            array = getattr(attempt.fit, name, None)
            if array is not None:
                arrays[f"{label}/{name}"] = np.asarray(array, dtype=np.float64)
    truth = {
        "signal_fraction": _defined(dataset.signal_fraction),
        "within_condition_fraction": _defined(dataset.within_condition_fraction),
        "scale": _defined(dataset.scale),
    }
    return ReplicateOutcome(dataset.replicate, truth, tuple(fits), arrays)


def _attempt(
    prepared: Prepared,
    dataset: Dataset,
    method: Method,
    limit: Callable[[], AbstractContextManager[Any]],
) -> _Attempt:
    start = time.perf_counter()
    try:
        with limit():
            fit = _fit(prepared, dataset, method)
    except Exception as error:
        return _Attempt(None, error, time.perf_counter() - start)
    return _Attempt(fit, None, time.perf_counter() - start)


def _attempts(
    prepared: Prepared,
    datasets: Sequence[Dataset],
    method: Method,
    limit: Callable[[], AbstractContextManager[Any]],
) -> list[_Attempt]:
    if len(datasets) > 1 and isinstance(method, LMM) and method.engine != "limix":
        start = time.perf_counter()
        # Whatever goes wrong with all of them is found out one by one.
        with contextlib.suppress(Exception), limit():
            fits = _fit_together(prepared, datasets, method)
            seconds = (time.perf_counter() - start) / len(fits)
            return [
                _Attempt(None, fit, seconds) if isinstance(fit, Exception) else _Attempt(fit, None, seconds)
                for fit in fits
            ]
    return [_attempt(prepared, dataset, method, limit) for dataset in datasets]


def _scored(attempt: _Attempt, dataset: Dataset, label: str, top: int) -> FitOutcome:
    fit, error, seconds = attempt.fit, attempt.error, attempt.seconds
    values: dict[str, float] = {}
    if error is None:
        try:
            if not np.isfinite(fit.effects).all():
                raise FloatingPointError("the estimated effects are not finite")
            values = {**score(fit, dataset, top=top), "seconds": seconds}
        except Exception as raised:
            error = raised
    if error is not None:
        status, reason, problem = _failure(error)
        line = " ".join(reason.split())[:_LONGEST_REASON]
        return FitOutcome(label, status, {}, line, seconds, (), problem)
    warnings = []
    if not getattr(fit, "converged", True):
        warnings.append(NOT_CONVERGED)
    if fit.at_boundary:
        warnings.append(AT_BOUNDARY)
    metrics = {name: _defined(value) for name, value in values.items()}
    return FitOutcome(label, OK, metrics, "", seconds, tuple(warnings))


def _failure(error: Exception) -> tuple[str, str, str]:
    """Return the status, the reason and, for a bug, the traceback of a fit that isn't."""
    if isinstance(error, TimeoutError):
        return TIMED_OUT, str(error) or "the fit took longer than its time limit", ""
    if isinstance(error, InputError):
        return REFUSED, str(error), ""
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, _NUMERICAL):
        return FAILED, reason, ""
    return FAILED, reason, "".join(traceback.format_exception(error))


def _fit(prepared: Prepared, dataset: Dataset, method: Method) -> Any:
    truth = (dataset.signal_covariance, dataset.noise_covariance)
    if isinstance(method, Ridge):
        return fit_ridge(
            dataset.scores,
            dataset.expression,
            method.penalty,
            shared=method.penalty_shared,
            folds=prepared.folds.get(method.folds, method.folds),
            truth=truth,
            decomposition=prepared.decomposition,
        )
    if method.engine == "limix":
        from regnet.models.limix_engine import fit_with_limix

        return fit_with_limix(
            dataset.scores,
            dataset.expression,
            method.signal_model,
            method.noise_model,
            decomposition=prepared.decomposition,
            **{name: getattr(method, name) for name in ("mean", "likelihood")},
        )
    from regnet.models.mixed_model import fit_mixed_model

    return fit_mixed_model(
        dataset.scores,
        dataset.expression,
        method.signal_model,
        method.noise_model,
        truth=truth,
        rng=_start_stream(prepared.design, method, dataset.replicate),
        **_options(prepared, method),
    )


def _fit_together(prepared: Prepared, datasets: Sequence[Dataset], method: LMM) -> list[Any]:
    from regnet.models.mixed_model import fit_mixed_models

    return list(
        fit_mixed_models(
            datasets[0].scores,
            [dataset.expression for dataset in datasets],
            method.signal_model,
            method.noise_model,
            truths=[(dataset.signal_covariance, dataset.noise_covariance) for dataset in datasets],
            rngs=[_start_stream(prepared.design, method, dataset.replicate) for dataset in datasets],
            **_options(prepared, method),
        )
    )


def _options(prepared: Prepared, method: LMM) -> dict[str, Any]:
    return {
        "decomposition": prepared.decomposition,
        "signal_matrix": method.matrix("signal"),
        "noise_matrix": method.matrix("noise"),
        "mean": method.mean,
        "likelihood": method.likelihood,
        "init": method.init,
        "perturb": method.perturb,
        "restarts": method.restarts,
        "perturb_size": method.perturb_size,
        "restart_choice": method.restart_choice,
        "max_iterations": method.max_iterations,
    }


def _start_stream(design: Design, method: LMM, replicate: int) -> np.random.Generator:
    """Return the generator of a fit's random starts.

    It follows from the two structures, not from the method's label or place, so that a method starts
    the same whatever others the study has.
    """
    return stream(design.seed, "start", design.identity, replicate, method.signal_model, method.noise_model)


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None
