"""What is one unit of work? A replicate: simulate, fit every method to it, score every fit.

A replicate is a function of its arguments alone: no file is read or written, and its random numbers
follow from the study's seed, the scenario and the replicate's number. The one thing that is measured
is the time of each fit, here and nowhere deeper, since the models know no clock.
"""

from __future__ import annotations

import contextlib
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
        Time of the fit, without the shared decomposition and without scoring.
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
    dataset = prepared.recorded(replicate) if prepared.recorded else draw(prepared.design, replicate)
    return fit_dataset(prepared, dataset, methods, labels, top=top, limit=limit)


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
    arrays: dict[str, Array] = {
        "expression": dataset.expression,
        "effects": dataset.effects,
        "signal_covariance": dataset.signal_covariance,
        "noise_covariance": dataset.noise_covariance,
    }
    fits = []
    for method, label in zip(methods, labels, strict=True):
        outcome, fit = _fit_and_score(prepared, dataset, method, label, top, limit)
        fits.append(outcome)
        for name in _SHOWN_ARRAYS:
            array = getattr(fit, name, None)
            if array is not None:
                arrays[f"{label}/{name}"] = np.asarray(array, dtype=np.float64)
    truth = {
        "signal_fraction": _defined(dataset.signal_fraction),
        "within_condition_fraction": _defined(dataset.within_condition_fraction),
        "scale": _defined(dataset.scale),
    }
    return ReplicateOutcome(dataset.replicate, truth, tuple(fits), arrays)


def _fit_and_score(
    prepared: Prepared,
    dataset: Dataset,
    method: Method,
    label: str,
    top: int,
    limit: Callable[[], AbstractContextManager[Any]],
) -> tuple[FitOutcome, Any]:
    start = time.perf_counter()

    def without_fit(status: str, reason: str, problem: str = "") -> tuple[FitOutcome, None]:
        seconds = time.perf_counter() - start
        line = " ".join(reason.split())[:_LONGEST_REASON]
        return FitOutcome(label, status, {}, line, seconds, (), problem), None

    try:
        with limit():
            fit = _fit(prepared, dataset, method)
        seconds = time.perf_counter() - start
        if not np.isfinite(fit.effects).all():
            return without_fit(FAILED, "the estimated effects are not finite")
        values = {**score(fit, dataset, top=top), "seconds": seconds}
    except TimeoutError as error:
        return without_fit(TIMED_OUT, str(error) or "the fit took longer than its time limit")
    except InputError as error:
        return without_fit(REFUSED, str(error))
    except _NUMERICAL as error:
        return without_fit(FAILED, f"{type(error).__name__}: {error}")
    except Exception as error:
        problem = "".join(traceback.format_exception(error))
        return without_fit(FAILED, f"{type(error).__name__}: {error}", problem)
    warnings = []
    if not getattr(fit, "converged", True):
        warnings.append(NOT_CONVERGED)
    if fit.at_boundary:
        warnings.append(AT_BOUNDARY)
    metrics = {name: _defined(value) for name, value in values.items()}
    return FitOutcome(label, OK, metrics, "", seconds, tuple(warnings)), fit


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
    kind: dict[str, Any] = {"mean": method.mean, "likelihood": method.likelihood}
    if method.engine == "limix":
        from regnet.models.limix_engine import fit_with_limix

        return fit_with_limix(
            dataset.scores,
            dataset.expression,
            method.signal_model,
            method.noise_model,
            decomposition=prepared.decomposition,
            **kind,
        )
    from regnet.models.mixed_model import fit_mixed_model

    settings: dict[str, Any] = {
        name: getattr(method, name)
        for name in ("init", "perturb", "restarts", "perturb_size", "restart_choice", "max_iterations")
    }
    return fit_mixed_model(
        dataset.scores,
        dataset.expression,
        method.signal_model,
        method.noise_model,
        decomposition=prepared.decomposition,
        truth=truth,
        signal_matrix=method.matrix("signal"),
        noise_matrix=method.matrix("noise"),
        rng=_start_stream(prepared.design, method, dataset.replicate),
        **kind,
        **settings,
    )


def _start_stream(design: Design, method: LMM, replicate: int) -> np.random.Generator:
    """Return the generator of a fit's random starts.

    It follows from the two structures, not from the method's label or place, so that a method starts
    the same whatever others the study has.
    """
    return stream(design.seed, "start", design.identity, replicate, method.signal_model, method.noise_model)


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None
