"""How does limix itself fit the mixed model?

`fit_with_limix` fits V and Σ with ``Kron2Sum`` of limix 3 (Casale et al., Nat. Methods 12:755, 2015),
in the package ``limix`` where it is installed, else in ``glimix-core``, from which limix takes it. Its

    vec(Y) ~ N((A ⊗ X) vec(B), C₀ ⊗ GGᵀ + C₁ ⊗ I)

is regNet's model with G = M, C₀ = V, C₁ = Σ, X = 1 and A = I. Everything after the two covariances,
likelihood and effects included, is computed as for regNet's own fits, so that engines can be compared.
This is the one model file that imports more than numpy and scipy, when a fit is asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import warnings
from collections.abc import Callable
from importlib import metadata
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError
from regnet.models.decomposition import Decomposition, decompose, rotate
from regnet.models.existence import check_maximum_exists
from regnet.models.given_covariances import GivenCovariances, fit_at
from regnet.models.limix_compatibility import ARITHMETIC_FAILURES, FitStopped, glimix_core_on_this_scipy
from regnet.models.mixed_model import MixedModelFit
from regnet.models.optimum import StopReason
from regnet.models.structure_names import StructureName, check_pair

Matrix = NDArray[np.float64]
Array = NDArray[np.float64]

WHAT_LIMIX_CAN = (
    "signal freeform or lowrank_k, noise freeform, mean intercept, "
    "likelihood ml or reml, init default or limix"
)
"""All that limix 3 can express of the model."""
SIGNALS = ("freeform", "lowrank")
"""Kinds of V that limix 3 has; its Σ is always free."""


def installed_version() -> str:
    """Return which limix fits: ``limix 3.0.4 (glimix-core 3.1.14)``; empty where there is none."""
    found = []
    for package in ("limix", "glimix-core"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append(f"{package} {metadata.version(package)}")
    return f"{found[0]} ({found[1]})" if len(found) == 2 else "".join(found)


def load() -> Any:
    """Import limix and return its class, from the package limix where installed, else from glimix-core.

    Raises
    ------
    InputError
        Where it can't be imported.
    """
    if importlib.util.find_spec("limix") is not None:
        package, remedy = "limix.model.lmm", "pip install 'setuptools<81', or uninstall limix"
    else:
        package, remedy = "glimix_core.lmm", "pip install glimix-core"
    try:
        return importlib.import_module(package).Kron2Sum
    except ImportError as error:
        raise InputError("engine limix", f"{package} that can be imported", str(error), remedy) from None


def fit_with_limix(
    scores: ArrayLike,
    expression: ArrayLike,
    signal: str | StructureName = "freeform",
    noise: str | StructureName = "random",
    *,
    mean: str = "intercept",
    likelihood: Literal["ml", "reml"] = "ml",
    init: Literal["default", "limix"] = "default",
    decomposition: Decomposition | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> MixedModelFit:
    """Fit the linear mixed model by limix 3.

    Parameters
    ----------
    scores : array_like of shape (n_genes, n_motifs)
        Motif scores M.
    expression : array_like of shape (n_genes, n_conditions)
        Expression Y, finite.
    signal : str
        Structure of V: ``freeform`` or ``lowrank_k``.
    noise : str
        Structure of Σ: ``freeform`` (``random``).
    mean : str
        ``intercept``: limix can't do without.
    likelihood : "ml" or "reml"
        Maximum likelihood or restricted maximum likelihood.
    init : "default" or "limix"
        Start at half the empirical covariance each, as regNet does; or at Kron2Sum's own start, from
        which V never gets beyond rank 1 (see ``docs/decisions/0002-limix.md``).
    decomposition : Decomposition, optional
        Of the scores, for what is computed from V and Σ; limix makes its own.
    should_stop : callable, optional
        Asked before each evaluation of the likelihood; true ends the fit with what it has.

    Returns
    -------
    MixedModelFit
        ``converged`` is what limix's optimiser says of its own, loose tolerances (a relative change of
        the log-likelihood below 2e-9); ``criterion`` tells how far it was from a stationary point.

    Raises
    ------
    InputError
        For what limix can't do, naming what it can; for input that doesn't fit together;
        `NoMaximumError` where the likelihood has no maximum.
    numpy.linalg.LinAlgError
        Where limix's arithmetic breaks down.

    Notes
    -----
    O(r³k³) an iteration for V of rank k and scores of rank r, and O(r²k²·C²) memory: seconds at
    200 × 30 × 4, minutes at 978 × 200 × 4.
    """
    outcome = np.asarray(expression, dtype=np.float64)
    outcome = outcome[:, None] if outcome.ndim == 1 else outcome
    parts = decomposition or decompose(scores)
    design = np.ones((parts.n_genes, 1))
    rotated = rotate(parts, outcome, design)
    names = _checked(signal, noise, outcome.shape[1], mean, likelihood, init)
    if parts.rank == 0:
        raise InputError("scores", "some score other than zero", "nothing but zeros")
    check_maximum_exists(names[1], outcome, design, rotated, parts.left)
    found = _optimise(
        np.asarray(scores, dtype=np.float64),
        outcome,
        names[0].rank or outcome.shape[1],
        restricted=likelihood == "reml",
        own_start=init == "limix",
        should_stop=should_stop,
    )
    return fit_at(found, parts, rotated, names=names, likelihood=likelihood)


def _checked(
    signal: str | StructureName,
    noise: str | StructureName,
    n_conditions: int,
    mean: str,
    likelihood: str,
    init: str,
) -> tuple[StructureName, StructureName]:
    """Return the structures, or say what limix can do."""
    names = check_pair(signal, noise, n_conditions)
    asked = (
        ("signal", str(names[0]), names[0].kind in SIGNALS),
        ("noise", str(names[1]), names[1].kind == "freeform"),
        ("mean", mean, mean == "intercept"),
        ("likelihood", likelihood, likelihood in ("ml", "reml")),
        ("init", init, init in ("default", "limix")),
    )
    wrong = [f"{what} {value}" for what, value, is_right in asked if not is_right]
    if wrong:
        raise InputError(
            "engine limix", WHAT_LIMIX_CAN, ", ".join(wrong), "choose that, or the engine regnet"
        )
    return names


def _optimise(
    scores: Matrix,
    expression: Matrix,
    rank: int,
    *,
    restricted: bool,
    own_start: bool,
    should_stop: Callable[[], bool] | None,
) -> GivenCovariances:
    """Fit V of a given rank and a free Σ by ``Kron2Sum``.

    Kron2Sum holds Σ's eigenvalues above 1.5e-5 and the diagonal of its Cholesky factor below e¹¹, in
    absolute numbers. Expression is therefore divided by its standard deviation within conditions, and
    the covariances multiplied by its square: the same fit in other units.
    """
    n_genes, n_conditions = expression.shape
    centred = expression - expression.mean(axis=0)
    unit = float(np.sqrt(np.mean(centred**2)))
    kron2sum = load()
    with warnings.catch_warnings():
        # Kron2Sum warns of too few genes, which is refused with its remedy before
        warnings.simplefilter("ignore", UserWarning)
        model = kron2sum(
            expression / unit,
            np.eye(n_conditions),
            np.ones((n_genes, 1)),
            _with_positive_maximum(scores),
            rank=rank,
            restricted=restricted,
        )
    if not own_start:
        _start_at_halves(model, scores, centred.T @ centred / (n_genes * unit**2), rank)
    stop_reason: StopReason = "converged"
    with glimix_core_on_this_scipy(should_stop) as reports:
        optimix = importlib.import_module("optimix")
        try:
            model.fit(verbose=False)
        except FitStopped:
            stop_reason = "time limit"
        except optimix.OptimixError:
            stop_reason = "no further progress"
        except ARITHMETIC_FAILURES as error:
            raise np.linalg.LinAlgError(f"limix: {error}") from error
    largest = float(np.abs(scores).max())
    return GivenCovariances(
        signal=unit**2 * np.array(model.C0),
        noise=unit**2 * np.array(model.C1),
        signal_slopes=_slopes(model._cov.C0) * (unit / largest) ** 2,
        noise_slopes=_slopes(model._cov.C1) * unit**2,
        n_iterations=sum(int(report["nit"]) for report in reports),
        stop_reason=stop_reason,
    )


def _slopes(covariance: Any) -> Array:
    """Return the derivatives of one of Kron2Sum's covariances, parameters first."""
    return np.moveaxis(np.array(covariance.gradient()["Lu"]), -1, 0)


def _with_positive_maximum(scores: Matrix) -> Matrix:
    """Return the scores, or their negatives: MMᵀ is the same, and Kron2Sum divides by the maximum."""
    return scores if scores.max() >= -scores.min() else -scores


def _start_at_halves(model: Any, scores: Matrix, covariance: Matrix, rank: int) -> None:
    """Start with half the empirical covariance in Σ and half, for a gene of mean squared score, in V.

    Kron2Sum's own start is a factor of V with equal columns; its gradient has equal columns, too, and V
    would stay at rank 1 for ever. (Kron2Sum divides scores by their maximum.)
    """
    half = covariance / 2.0
    values, vectors = np.linalg.eigh(half)
    values = np.maximum(values, 1e-6 * values[-1])
    factor = (vectors * np.sqrt(values))[:, ::-1][:, :rank]
    per_gene = float(np.mean(np.einsum("ij,ij->i", scores, scores)))
    model._cov.C0.L = factor * (np.abs(scores).max() / np.sqrt(per_gene))
    model._cov.C1.L = np.linalg.cholesky((vectors * values) @ vectors.T)
