"""How does limix-core, the engine of the original study, fit the same mixed model?

limix-core 1.0.2 (``GP2KronSum``) is unmaintained since 2017 and takes part in ``regnet validate`` and
in the benchmarks only; it is imported when a fit is asked for, and not installed with regnet. It is
run as its authors published it: their optimiser and tolerances, and the constant that their free-form
covariance adds to the diagonal (`JITTER`).

Source: Casale, Rakitsch, Lippert and Stegle, Nat. Methods 12:755 (2015).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError
from regnet.models.decomposition import Decomposition, decompose, rotate
from regnet.models.existence import check_maximum_exists
from regnet.models.given_covariances import GivenCovariances, fit_at
from regnet.models.limix_compatibility import (
    ARITHMETIC_FAILURES,
    FitStopped,
    import_limix_core,
    limix_core_on_this_scipy,
)
from regnet.models.mixed_model import MixedModelFit
from regnet.models.optimum import StopReason
from regnet.models.structure_names import StructureName, check_pair

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Array = NDArray[np.float64]

JITTER = 1e-4
"""What limix-core's free-form covariance adds to its diagonal, by default, whatever the data's scale."""

HOW_TO_INSTALL = "pip install limix-core==1.0.2 six 'setuptools<81'"
"""limix-core declares neither six nor pkg_resources (of setuptools), and needs both."""


def installed_version() -> str:
    """Return the version of limix-core; empty where it isn't installed."""
    try:
        return metadata.version("limix-core")
    except metadata.PackageNotFoundError:
        return ""


def load() -> tuple[Any, Any]:
    """Import limix-core and return its modules ``covar`` and ``gp``.

    Raises
    ------
    InputError
        Where it isn't installed, or can't be imported.
    """
    try:
        with limix_core_on_this_scipy():
            return import_limix_core("covar"), import_limix_core("gp")
    except ImportError as error:
        raise InputError("engine limix-core", "limix-core 1.0.2", str(error), HOW_TO_INSTALL) from None


def row_spectrum(scores: ArrayLike) -> tuple[Vector, Matrix]:
    """Return the eigenvalues and eigenvectors of MMᵀ, which all replicates of a motif matrix share.

    Cost O(G³): limix-core works with all G rows, not with the rank of M.
    """
    motif_scores = np.asarray(scores, dtype=np.float64)
    values, vectors = np.linalg.eigh(motif_scores @ motif_scores.T)
    return np.maximum(values, 0.0), vectors


def fit_with_limix_core(
    scores: ArrayLike,
    expression: ArrayLike,
    signal: str | StructureName = "freeform",
    noise: str | StructureName = "random",
    *,
    mean: str = "none",
    likelihood: str = "ml",
    truth: tuple[Matrix, Matrix] | None = None,
    jitter: float = JITTER,
    decomposition: Decomposition | None = None,
    spectrum: tuple[Vector, Matrix] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> MixedModelFit:
    """Fit the linear mixed model by limix-core.

    Parameters
    ----------
    scores : array_like of shape (n_genes, n_motifs)
        Motif scores M.
    expression : array_like of shape (n_genes, n_conditions)
        Expression Y, finite.
    signal, noise : str
        Structures of V and Σ: all but ``proportional``.
    mean, likelihood : str
        ``none`` with ``ml``, or ``intercept`` with ``reml``: limix-core has no other.
    truth : tuple of two matrices, optional
        What V and Σ are multiples of where their structure is ``fixed`` or ``truth``.
    jitter : float
        Constant on the diagonal of free-form covariances.
    decomposition : Decomposition, optional
        Of the scores, for what is computed from V and Σ.
    spectrum : tuple of ndarrays, optional
        Of `row_spectrum`, shared by replicates.
    should_stop : callable, optional
        Asked before each evaluation of the likelihood; true ends the fit with what it has.

    Raises
    ------
    InputError
        For what limix-core can't do or where it isn't installed; `NoMaximumError` where the likelihood
        has no maximum.
    numpy.linalg.LinAlgError
        Where limix-core's arithmetic breaks down.

    Notes
    -----
    O(G·C² + C³) an iteration and parameter.
    """
    if (mean, likelihood) not in (("none", "ml"), ("intercept", "reml")):
        wanted = "mean none with likelihood ml, or intercept with reml"
        raise InputError("engine limix-core", wanted, f"mean {mean}, likelihood {likelihood}")
    outcome = np.asarray(expression, dtype=np.float64)
    parts = decomposition or decompose(scores)
    has_mean = mean == "intercept"
    design = np.ones((parts.n_genes, int(has_mean)))
    rotated = rotate(parts, outcome, design if has_mean else None)
    n_conditions = outcome.shape[1]
    names = check_pair(signal, noise, n_conditions)
    check_maximum_exists(names[1], outcome, design, rotated, parts.left, truth[1] if truth else None)
    found = _optimise(
        spectrum or row_spectrum(scores), outcome, names, has_mean, truth or (None, None), jitter, should_stop
    )
    return fit_at(found, parts, rotated, names=names, likelihood="reml" if has_mean else "ml")


def _optimise(
    spectrum: tuple[Vector, Matrix],
    expression: Matrix,
    names: tuple[StructureName, StructureName],
    has_mean: bool,
    matrices: tuple[Matrix | None, Matrix | None],
    jitter: float,
    should_stop: Callable[[], bool] | None,
) -> GivenCovariances:
    """Fit V and Σ by ``GP2KronSum``, from half the empirical covariance each."""
    n_genes, n_conditions = expression.shape
    half = np.cov(expression.T, bias=True).reshape(n_conditions, n_conditions) / 2.0
    half += 1e-6 * np.trace(half) / n_conditions * np.eye(n_conditions)
    design = {"F": [np.ones((n_genes, 1))], "A": [np.eye(n_conditions)]} if has_mean else {}
    stop_reason: StopReason = "converged"
    covar, gp = load()
    with limix_core_on_this_scipy(should_stop) as reports:
        sums = []
        for name, matrix, role in zip(names, matrices, ("signal", "noise"), strict=True):
            parts = _parts(covar, name, n_conditions, matrix, jitter, role)
            _start(parts, half)
            sums.append(parts[0] if len(parts) == 1 else covar.SumCov(*parts))
        values, vectors = spectrum
        model = gp.GP2KronSum(Y=expression, Cg=sums[0], Cn=sums[1], S_R=values, U_R=vectors, **design)
        try:
            converged, _ = model.optimize(verbose=False)
            stop_reason = "converged" if converged else "no further progress"
        except FitStopped:
            stop_reason = "time limit"
        except ARITHMETIC_FAILURES as error:
            raise np.linalg.LinAlgError(f"limix-core: {error}") from error
        signal, noise = sums
        return GivenCovariances(
            signal=np.array(signal.K(), dtype=np.float64),
            noise=np.array(noise.K(), dtype=np.float64),
            signal_slopes=_slopes(signal),
            noise_slopes=_slopes(noise),
            n_iterations=sum(int(report["nit"]) for report in reports),
            stop_reason=stop_reason,
        )


def _slopes(covariance: Any) -> Array:
    """Return the derivatives of a limix-core covariance, parameters first."""
    return np.array([covariance.K_grad_i(i) for i in range(covariance.getNumberParams())], dtype=np.float64)


def _parts(
    covar: Any, name: StructureName, n: int, matrix: Matrix | None, jitter: float, role: str
) -> list[Any]:
    """Return the limix-core covariances whose sum is a structure."""
    ones, identity = np.ones((n, n)), np.eye(n)
    match name.kind:
        case "freeform":
            return [covar.FreeFormCov(n, jitter=jitter)]
        case "diagonal":
            return [covar.DiagonalCov(n)]
        case "id":
            return [covar.FixedCov(identity)]
        case "lowrank":
            return [covar.LowRankCov(n, name.rank)]
        case "lowrank_id":
            return [covar.LowRankCov(n, name.rank), covar.FixedCov(identity)]
        case "lowrank_diag":
            return [covar.LowRankCov(n, name.rank), covar.DiagonalCov(n)]
        case "block" if name.partition:
            return [covar.FixedCov(block) for block in _blocks(name.partition)]
        case "block":
            return [covar.FixedCov(ones)]
        case "block_id":
            return [covar.FixedCov(ones), covar.FixedCov(identity)]
        case "block_diag":
            return [covar.FixedCov(ones), covar.DiagonalCov(n)]
        case "fixed" | "truth" if matrix is not None:
            return [covar.FixedCov(np.array(matrix, dtype=np.float64))]
        case "fixed" | "truth":
            raise InputError(role, f"the matrix of the structure {name}", "none")
    raise InputError(
        role,
        "a structure that limix-core has",
        str(name),
        "it can't tie the noise covariance to the signal covariance; choose another",
    )


def _blocks(partition: tuple[int, ...]) -> list[Matrix]:
    """Return 11ᵀ + I of each block of conditions, zero elsewhere."""
    edges = np.cumsum((0, *partition))
    blocks = []
    for start, stop in pairwise(edges):
        block = np.zeros((edges[-1], edges[-1]))
        block[start:stop, start:stop] = 1.0
        block[range(start, stop), range(start, stop)] += 1.0
        blocks.append(block)
    return blocks


def _start(parts: list[Any], covariance: Matrix) -> None:
    """Start each part of a sum at its share of a covariance."""
    share = covariance / len(parts)
    for part in parts:
        if hasattr(part, "K0"):
            part.scale = np.trace(share) / np.trace(part.K0)
        else:
            part.setCovariance(share)
