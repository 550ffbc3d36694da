"""What does a fit of the mixed model need before it begins, and how are its estimates brought back?

The checks of what was asked for, the natural units, the starts; and the fit as users get it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError
from regnet.models.decomposition import Decomposition, rotate
from regnet.models.existence import check_maximum_exists
from regnet.models.fitter import Fitter
from regnet.models.gaps import Gaps
from regnet.models.kronecker import SpectralData, posterior_effects, spectral_data
from regnet.models.missing_values import Missing, fill_gaps
from regnet.models.optimum import Limits, Optimum, StopReason
from regnet.models.starts import Init, starting_pairs
from regnet.models.structure_names import StructureName, check_pair

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

RANK_CUT = 1e-9
"""Share of a canonical trait's variance from which V or Σ counts as present in it."""


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


@dataclass(frozen=True, eq=False, slots=True)
class Problem:
    """A model and data that were checked against each other, in natural units, with the starts to make.

    Attributes
    ----------
    fitter : Fitter
        The method, with the data.
    pairs : list of pair of ndarray
        V and Σ of each start.
    settle : bool
        Whether a start is first moved to the likeliest proportional pair.
    """

    fitter: Fitter
    pairs: list[tuple[Matrix, Matrix]]
    settle: bool
    limits: Limits
    data: SpectralData
    units: _Units
    parts: Decomposition
    names: tuple[StructureName, StructureName]
    shift: Matrix
    restart_choice: str
    likelihood: str
    missing: str

    @property
    def is_stackable(self) -> bool:
        """Whether it can be fitted together with others on the same scores, with the same numbers."""
        return self.fitter.is_stackable and self.settle and len(self.pairs) == 1

    def fit(self) -> MixedModelFit:
        """Fit from one start after another."""
        tolerance = self.limits.tolerance
        best: Optimum | None = None
        records: list[Start] = []
        for pair in self.pairs:
            found = self.fitter.fit(pair, self.limits, settle=self.settle)
            records.append(self._record(found))
            if best is None or _is_better(found, best, tolerance):
                best = found
            if found.stop_reason == "time limit":
                break
            if found.criterion <= tolerance and self.restart_choice == "first":
                break
        assert best is not None
        return self._result(best, records)

    def fitted_at(self, optimum: Optimum) -> MixedModelFit:
        """Return the fit with an optimum that was found elsewhere."""
        return self._result(optimum, [self._record(optimum)])

    def _record(self, found: Optimum) -> Start:
        return Start(
            log_likelihood=self.units.log_likelihood(found),
            converged=found.criterion <= self.limits.tolerance,
            n_iterations=found.n_iterations,
            criterion=found.criterion,
            stop_reason=found.stop_reason,
        )

    def _result(self, best: Optimum, records: list[Start]) -> MixedModelFit:
        effects, effects_sd = posterior_effects(self.parts, self.data, best.basis, best.likelihood)
        signal, noise = self.fitter.covariances(best)
        units, unit = self.units, self.units.expression
        signal_rank, noise_rank = _rank(best.basis.signal), _rank(best.basis.noise)
        return MixedModelFit(
            effects=effects * unit / np.sqrt(units.square),
            effects_sd=effects_sd * unit / np.sqrt(units.square),
            signal_covariance=signal * (unit**2 / units.square),
            noise_covariance=noise * unit**2,
            log_likelihood=units.log_likelihood(best),
            converged=best.criterion <= self.limits.tolerance,
            n_iterations=best.n_iterations,
            criterion=best.criterion,
            signal_rank=signal_rank,
            noise_rank=noise_rank,
            at_boundary=self.fitter.is_at_boundary(signal_rank, noise_rank),
            stop_reason=best.stop_reason,
            starts=tuple(records),
            mean=(best.likelihood.mean @ best.basis.loadings.T + self.shift) * unit,
            n_parameters=self.fitter.n_parameters + self.shift.size,
            signal=str(self.names[0]),
            noise=str(self.names[1]),
            likelihood=self.likelihood,
            missing=self.missing,
            n_genes=self.data.n_genes,
        )


def prepare(
    scores: ArrayLike,
    expression: ArrayLike,
    signal: str | StructureName,
    noise: str | StructureName,
    *,
    decomposition: Decomposition | None,
    likelihood: Literal["ml", "reml"],
    mean: Literal["none", "intercept"] | ArrayLike,
    init: Init,
    truth: tuple[ArrayLike, ArrayLike] | None,
    matrices: tuple[ArrayLike | None, ArrayLike | None],
    n_perturbed: int,
    perturb_size: float,
    restart_choice: Literal["first", "best"],
    rng: np.random.Generator | None,
    missing: Missing,
    limits: Limits,
) -> Problem:
    """Check a model against data, and bring both to natural units.

    Parameters and errors are those of :func:`regnet.models.mixed_model.fit_mixed_model`; `matrices` are
    K of a fixed V and Σ, `n_perturbed` is the number of perturbed restarts.
    """
    outcome = _as_matrix(expression)
    n_conditions = outcome.shape[1]
    names = check_pair(signal, noise, n_conditions)
    _check_choice("likelihood", likelihood, ("ml", "reml"))
    _check_choice("restart_choice", restart_choice, ("first", "best"))
    given = _given_matrices(names, truth, matrices)
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
    pairs = starting_pairs(
        data,
        init,
        None if truth is None else units.pair_in(truth),
        n_perturbed=n_perturbed,
        perturb_size=perturb_size,
        rng=rng,
    )
    return Problem(
        fitter=Fitter(data, names, given),
        pairs=list(pairs),
        settle=init == "default",
        limits=limits,
        data=data,
        units=units,
        parts=parts,
        names=names,
        shift=shift,
        restart_choice=restart_choice,
        likelihood=likelihood,
        missing=whole.treatment,
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
