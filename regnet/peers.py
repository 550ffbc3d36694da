"""Who else fits this mixed model, and which of its forms can each of them fit?

========================  ======================================  ==================================
engine                    mean and likelihood                     structures
========================  ======================================  ==================================
regnet                    none by ML; intercept by ML or REML     all
limix                     intercept by ML or REML                 V freeform or lowrank_k, Σ freeform
limix-core                none by ML; intercept by REML           all but proportional
limix-core, no constant   the same                                those with V freeform
========================  ======================================  ==================================

limix is version 3; limix-core is its predecessor, the engine of the original study. "No constant" is
limix-core without the 1e-4·I that it adds to free-form covariances: it shows what that constant costs.
The peers are imported when they fit, not with this module.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

import regnet
from regnet.models import limix_core_engine, limix_engine
from regnet.models.decomposition import Decomposition, decompose
from regnet.models.mixed_model import MixedModelFit, fit_mixed_model
from regnet.models.structure_names import StructureName
from regnet.simulation import Dataset

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """What is fitted: structures of V and Σ, the mean and the likelihood."""

    signal: StructureName
    noise: StructureName
    mean: Literal["none", "intercept"]
    likelihood: Literal["ml", "reml"]

    def __str__(self) -> str:
        return f"{self.signal} / {self.noise}, mean {self.mean}, {self.likelihood.upper()}"


@dataclass(frozen=True, eq=False)
class Problem:
    """One replicate, and what all replicates of its scores share.

    Attributes
    ----------
    dataset : Dataset
        Scores, expression, and the covariances that generated it (for the structure ``truth``).
    decomposition : Decomposition
        Of the scores.
    spectrum : tuple of ndarrays, optional
        Eigenvalues and eigenvectors of MMᵀ, where an engine wants them.
    matrices : tuple of ndarrays, optional
        What V and Σ are multiples of where their structure is ``fixed``.
    """

    dataset: Dataset
    decomposition: Decomposition
    spectrum: tuple[Matrix, Matrix] | None = None
    matrices: tuple[Matrix | None, Matrix | None] = (None, None)

    @property
    def truth(self) -> tuple[Matrix, Matrix]:
        """V and Σ that generated the data."""
        return self.dataset.signal_covariance, self.dataset.noise_covariance


@dataclass(frozen=True, slots=True)
class Engine:
    """Software that fits the model.

    Attributes
    ----------
    name : str
        As tables show it.
    version : str
        What is installed; empty where nothing is.
    how_to_install : str
        The command that installs it.
    can_fit : callable
        Whether it has a model.
    fit : callable
        Fits a model to a problem; the third argument is asked now and then whether to stop.
    load : callable
        Imports the software, so that no fit's time includes that.
    wants_spectrum : bool
        Whether a problem has to come with its spectrum.
    """

    name: str
    version: str
    how_to_install: str
    can_fit: Callable[[Model], bool]
    fit: Callable[[Problem, Model, Callable[[], bool]], MixedModelFit]
    load: Callable[[], object] = lambda: None
    wants_spectrum: bool = False


def engines() -> tuple[Engine, ...]:
    """Return every engine, installed or not; regnet's own is the first."""
    core, how = limix_core_engine.installed_version(), limix_core_engine.HOW_TO_INSTALL
    without = functools.partial(_fit_limix_core, jitter=0.0)
    limix, load = limix_engine.installed_version(), limix_core_engine.load
    return (
        Engine("regnet", regnet.__version__, "pip install regnet", _has_likelihood, _fit_regnet),
        Engine("limix", limix, "pip install glimix-core", _limix_can, _fit_limix, limix_engine.load),
        Engine("limix-core", core, how, _limix_core_can, _fit_limix_core, load, True),
        Engine("limix-core, no constant", core, how, _limix_core_adds, without, load, True),
    )


def prepare(dataset: Dataset, which_engines: Sequence[Engine]) -> Problem:
    """Import the engines that are installed, and compute what replicates with the same scores share."""
    which_engines = [engine for engine in which_engines if engine.version]
    for engine in which_engines:
        engine.load()
    wanted = any(engine.wants_spectrum for engine in which_engines)
    spectrum = limix_core_engine.row_spectrum(dataset.scores) if wanted else None
    return Problem(dataset, decompose(dataset.scores), spectrum)


def _has_likelihood(model: Model) -> bool:
    return model.mean == "intercept" or model.likelihood == "ml"


def _limix_can(model: Model) -> bool:
    return (
        model.mean == "intercept"
        and model.signal.kind in limix_engine.SIGNALS
        and model.noise.kind == "freeform"
    )


def _limix_core_can(model: Model) -> bool:
    return model.noise.kind != "proportional" and (model.mean, model.likelihood) in (
        ("none", "ml"),
        ("intercept", "reml"),
    )


def _limix_core_adds(model: Model) -> bool:
    return _limix_core_can(model) and model.signal.kind == "freeform"


def _fit_regnet(problem: Problem, model: Model, should_stop: Callable[[], bool]) -> MixedModelFit:
    signal_matrix, noise_matrix = _given(problem, model)
    return fit_mixed_model(
        problem.dataset.scores,
        problem.dataset.expression,
        model.signal,
        model.noise,
        decomposition=problem.decomposition,
        likelihood=model.likelihood,
        mean=model.mean,
        truth=problem.truth,
        signal_matrix=signal_matrix,
        noise_matrix=noise_matrix,
        should_stop=should_stop,
    )


def _given(problem: Problem, model: Model) -> tuple[Matrix | None, Matrix | None]:
    """Return the matrices of the structures ``fixed``, None for every other."""
    signal, noise = problem.matrices
    return (
        signal if model.signal.kind == "fixed" else None,
        noise if model.noise.kind == "fixed" else None,
    )


def _fit_limix(problem: Problem, model: Model, should_stop: Callable[[], bool]) -> MixedModelFit:
    return limix_engine.fit_with_limix(
        problem.dataset.scores,
        problem.dataset.expression,
        model.signal,
        model.noise,
        mean=model.mean,
        likelihood=model.likelihood,
        decomposition=problem.decomposition,
        should_stop=should_stop,
    )


def _fit_limix_core(
    problem: Problem,
    model: Model,
    should_stop: Callable[[], bool],
    jitter: float = limix_core_engine.JITTER,
) -> MixedModelFit:
    signal, noise = _given(problem, model)
    return limix_core_engine.fit_with_limix_core(
        problem.dataset.scores,
        problem.dataset.expression,
        model.signal,
        model.noise,
        mean=model.mean,
        likelihood=model.likelihood,
        truth=(problem.truth[0] if signal is None else signal, problem.truth[1] if noise is None else noise),
        jitter=jitter,
        decomposition=problem.decomposition,
        spectrum=problem.spectrum,
        should_stop=should_stop,
    )
