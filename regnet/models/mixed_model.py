"""How is the linear mixed model vec(Y) ~ N(vec(XA), V ⊗ MMᵀ + Σ ⊗ I) fitted?

Checks what was asked for, brings it to natural units, fits from each start by the method that the
structures call for, and brings the estimates back. Likelihood and algebra:
:mod:`regnet.models.kronecker`; the optimisers: :mod:`regnet.models.free_fit` (V and Σ free) and
:mod:`regnet.models.structured_fit` (all else).

Source: Lederer, Heskes, van Heeringen & Albers, PLoS ONE 15(5):e0231824 (2020).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError
from regnet.models.decomposition import Decomposition, rotate
from regnet.models.existence import NoMaximumError, check_maximum_exists
from regnet.models.fitter import Fitter
from regnet.models.gaps import Gaps
from regnet.models.kronecker import SpectralData, posterior_effects, spectral_data
from regnet.models.missing_values import Missing, fill_gaps
from regnet.models.optimum import Limits, Optimum, StopReason
from regnet.models.starts import Init, starting_pairs
from regnet.models.structure_names import StructureName, check

__all__ = ["MixedModelFit", "NoMaximumError", "Start", "fit_mixed_model"]

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

RANK_CUT = 1e-9
"""Share of a canonical trait's variance from which V or Σ counts as present in it."""
TOLERANCE = 1e-6
"""Default of the convergence criterion, in standard errors."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start of an optimisation, and where it led.

    Attributes
    ----------
    log_likelihood : float
        At its end.
    converged : bool
    n_iterations : int
    criterion : float
        Final projected gradient, in standard errors.
    stop_reason : str
    """

    log_likelihood: float
    converged: bool
    n_iterations: int
    criterion: float
    stop_reason: StopReason


@dataclass(frozen=True, eq=False)
class MixedModelFit:
    """A fitted mixed model.

    Attributes
    ----------
    effects, effects_sd : ndarray of shape (n_motifs, n_conditions)
        Posterior mean and standard deviation of the effects, given the estimated covariances and
        mean.
    signal_covariance, noise_covariance : ndarray of shape (n_conditions, n_conditions)
        Estimates of V and Σ, positive semidefinite.
    log_likelihood : float
        Maximised log-likelihood (restricted under REML).
    converged : bool
        Whether the criterion fell below the tolerance.
    n_iterations : int
        Iterations of the start that counts.
    criterion : float
        √(gᵀF⁻¹g) of the projected gradient g of −2 log likelihood, with the expected Hessian F:
        the gradient in standard errors, free of units.
    signal_rank, noise_rank : int
        Ranks of V and Σ.
    at_boundary : bool
        Whether V or Σ is singular where its structure would not demand it.
    stop_reason : str
        ``converged``, ``iteration limit``, ``time limit`` or ``no further progress``.
    starts : tuple of Start
        Every start that was made, in order.
    mean : ndarray of shape (n_covariates, n_conditions)
        Generalised least squares estimate of the mean's coefficients; no rows without a mean.
    n_parameters : int
        Free parameters: those of the covariances and of the mean.
    signal, noise : str
        Canonical names of the structures.
    likelihood : str
        ``ml`` or ``reml``.
    missing : str
        What was done about missing values (``none`` where there were none).
    n_genes : int
        Genes used.
    """

    effects: Matrix
    effects_sd: Matrix
    signal_covariance: Matrix
    noise_covariance: Matrix
    log_likelihood: float
    converged: bool
    n_iterations: int
    criterion: float
    signal_rank: int
    noise_rank: int
    at_boundary: bool
    stop_reason: StopReason
    starts: tuple[Start, ...]
    mean: Matrix
    n_parameters: int
    signal: str
    noise: str
    likelihood: str
    missing: str
    n_genes: int


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
    restarts: int = 10,
    perturb_size: float = 1e-3,
    restart_choice: Literal["first", "best"] = "first",
    rng: np.random.Generator | None = None,
    missing: Missing = "exact",
    tolerance: float = TOLERANCE,
    max_iterations: int = 1000,
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
    (:mod:`regnet.models.rank_search`).
    """
    outcome = _as_matrix(expression)
    n_conditions = outcome.shape[1]
    names = check(signal, n_conditions, "signal"), check(noise, n_conditions, "noise")
    _check_choice("likelihood", likelihood, ("ml", "reml"))
    _check_choice("restart_choice", restart_choice, ("first", "best"))
    given = _given_matrices(names, truth, (signal_matrix, noise_matrix))
    design = _design(mean, len(outcome))
    whole = fill_gaps(outcome, design, scores, decomposition, missing)
    parts, outcome, design = whole.decomposition, whole.expression, whole.design
    if parts.rank == 0:
        raise InputError("scores", "some score other than zero", "nothing but zeros")
    n_values = outcome.size - (0 if whole.missing is None else int(whole.missing.sum()))
    if likelihood == "reml":
        n_values -= design.shape[1] * n_conditions
    units = _Units.of(parts, outcome, n_values)
    outcome = outcome / units.expression
    shift = np.zeros((design.shape[1], n_conditions))
    centred: Matrix = outcome
    if design.shape[1]:  # changes the mean's coefficients alone, and spares sums that cancel
        shift = np.asarray(np.linalg.lstsq(design, outcome, rcond=None)[0], dtype=np.float64)
        centred = outcome - design @ shift
    rotated = rotate(parts, centred, design if design.shape[1] else None)
    check_maximum_exists(names[1], outcome, design, rotated, parts.left, given[1])
    data = units.applied(spectral_data(parts, rotated, likelihood == "reml"))
    if whole.missing is not None:
        if data.restricted:
            raise InputError(
                "missing", "ML for the exact likelihood", "REML", "drop or impute, or use likelihood ml"
            )
        data = replace(data, gaps=Gaps.of(parts, centred, whole.missing, design))
    fitter = Fitter(data, names, given)
    pairs = starting_pairs(
        data,
        init,
        None if truth is None else units.pair_in(truth),
        n_perturbed=restarts if perturb else 0,
        perturb_size=perturb_size,
        rng=rng,
    )
    limits = Limits(tolerance, max_iterations, should_stop or (lambda: False))
    best: Optimum | None = None
    records: list[Start] = []
    for pair in pairs:
        found = fitter.fit(pair, limits, settle=init == "default")
        records.append(_record(found, tolerance, units))
        if best is None or _is_better(found, best, tolerance):
            best = found
        if found.stop_reason == "time limit" or (found.criterion <= tolerance and restart_choice == "first"):
            break
    assert best is not None
    effects, effects_sd = posterior_effects(parts.right, data, best.basis)
    covariances = fitter.covariances(best)
    per_square, unit = units.expression**2 / units.square, units.expression
    signal_rank, noise_rank = _rank(best.basis.signal), _rank(best.basis.noise)
    return MixedModelFit(
        effects=effects * unit / np.sqrt(units.square),
        effects_sd=effects_sd * unit / np.sqrt(units.square),
        signal_covariance=covariances[0] * per_square,
        noise_covariance=covariances[1] * unit**2,
        log_likelihood=units.log_likelihood(best),
        converged=best.criterion <= tolerance,
        n_iterations=best.n_iterations,
        criterion=best.criterion,
        signal_rank=signal_rank,
        noise_rank=noise_rank,
        at_boundary=fitter.is_at_boundary(signal_rank, noise_rank),
        stop_reason=best.stop_reason,
        starts=tuple(records),
        mean=(best.likelihood.mean @ best.basis.loadings.T + shift) * unit,
        n_parameters=fitter.n_parameters + design.shape[1] * n_conditions,
        signal=str(names[0]),
        noise=str(names[1]),
        likelihood=likelihood,
        missing=whole.treatment,
        n_genes=parts.n_genes,
    )


@dataclass(frozen=True, slots=True)
class _Units:
    """Units in which expression and squared singular values are of order one.

    A fit in them is the same whatever the expression was multiplied by: V in units of
    expression²/square, Σ in expression².
    """

    expression: float
    square: float
    constant: float

    @classmethod
    def of(cls, parts: Decomposition, expression: Matrix, n_values: int) -> _Units:
        # A power of two, so that going to these units and back rounds nothing.
        mean_square = float(np.mean(expression**2))
        unit = 2.0 ** np.round(0.5 * np.log2(mean_square)) if mean_square > 0.0 else 1.0
        square = float(parts.singular_values @ parts.singular_values) / parts.n_genes
        return cls(float(unit), square, n_values * float(np.log(unit)))

    def applied(self, data: SpectralData) -> SpectralData:
        return replace(data, squares=data.squares / self.square)

    def pair_in(self, pair: tuple[ArrayLike, ArrayLike]) -> tuple[Matrix, Matrix]:
        signal, noise = (np.asarray(matrix, dtype=np.float64) for matrix in pair)
        return signal * (self.square / self.expression**2), noise / self.expression**2

    def log_likelihood(self, optimum: Optimum) -> float:
        return -0.5 * optimum.likelihood.deviance - self.constant


def _record(found: Optimum, tolerance: float, units: _Units) -> Start:
    return Start(
        log_likelihood=units.log_likelihood(found),
        converged=found.criterion <= tolerance,
        n_iterations=found.n_iterations,
        criterion=found.criterion,
        stop_reason=found.stop_reason,
    )


def _is_better(found: Optimum, best: Optimum, tolerance: float) -> bool:
    """Converged before not converged, then the likelier."""
    ranks = [(fit.criterion > tolerance, fit.likelihood.deviance) for fit in (found, best)]
    return ranks[0] < ranks[1]


def _rank(values: Vector) -> int:
    return int(np.count_nonzero(values > RANK_CUT))


def _as_matrix(expression: ArrayLike) -> Matrix:
    outcome = np.asarray(expression, dtype=np.float64)
    if outcome.ndim == 1:
        outcome = outcome[:, None]
    if outcome.ndim != 2 or 0 in outcome.shape:
        raise InputError("expression", "a matrix of genes × conditions", f"an array of shape {outcome.shape}")
    if np.isinf(outcome).any():
        row, column = np.argwhere(np.isinf(outcome))[0]
        raise InputError(
            f"expression, row {int(row) + 1}, column {int(column) + 1}", "a finite number", "infinity"
        )
    return outcome


def _design(mean: str | ArrayLike, n_genes: int) -> Matrix:
    if isinstance(mean, str):
        _check_choice("mean", mean, ("none", "intercept"))
        return np.ones((n_genes, 1 if mean == "intercept" else 0))
    design = np.asarray(mean, dtype=np.float64)
    design = design[:, None] if design.ndim == 1 else design
    if design.ndim != 2 or len(design) != n_genes or not np.isfinite(design).all():
        raise InputError(
            "mean", f"finite covariates with a row for each of {n_genes} genes", f"shape {design.shape}"
        )
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise InputError(
            "mean", "covariates that are linearly independent", "dependent ones", "leave some out"
        )
    return design


def _given_matrices(
    names: tuple[StructureName, StructureName],
    truth: tuple[ArrayLike, ArrayLike] | None,
    matrices: tuple[ArrayLike | None, ArrayLike | None],
) -> tuple[Matrix | None, Matrix | None]:
    given: list[Matrix | None] = []
    for position, (name, role) in enumerate(zip(names, ("signal", "noise"), strict=True)):
        source = matrices[position]
        if name.kind == "truth":
            if truth is None:
                raise InputError(role, "the covariances that generated the data", "none", "pass truth=(V, Σ)")
            source = truth[position]
        elif name.kind == "fixed" and source is None:
            raise InputError(role, "the matrix K of s·K", "none", f"pass {role}_matrix=K")
        elif name.kind != "fixed" and source is not None:
            raise InputError(
                f"{role}_matrix", "no matrix", f"one, with the structure {name}", "use the structure fixed"
            )
        given.append(None if source is None else np.asarray(source, dtype=np.float64))
    return given[0], given[1]


def _check_choice(where: str, found: object, choices: tuple[str, ...]) -> None:
    if found not in choices:
        raise InputError(where, "one of " + ", ".join(choices), repr(found), "choose one of them")
