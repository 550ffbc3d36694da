"""How are the effects estimated? The settings of ridge regression and of the mixed model.

These are specifications, compared and shown; what they mean is done by
:mod:`regnet.models.ridge` and :mod:`regnet.models.mixed_model`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from regnet.errors import InputError, shown
from regnet.matrix_text import MatrixOrPath, Rows, check_covariance, is_written_out, parse_matrix
from regnet.models.structure_names import STRUCTURES, Role, check_pair, parse_structure
from regnet.parameters import (
    Flag,
    OneOf,
    Real,
    Value,
    Whole,
    canonical_fields,
    declare,
    parameters_of,
    write_value,
)


@dataclass(frozen=True, slots=True)
class Structure:
    """The covariance structures that can be fitted; `proportional` describes the noise only."""

    role: Role

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(name for name in STRUCTURES if name not in self._left_out)

    @property
    def wanted(self) -> str:
        return "one of " + ", ".join(self.choices)

    def read(self, given: object) -> Value | None:
        if not isinstance(given, str):
            return None
        try:
            name = parse_structure(given)
        except InputError:
            return None
        return None if name.kind in self._left_out else str(name)

    @property
    def _left_out(self) -> tuple[str, ...]:
        return () if self.role == "noise" else ("proportional",)


@dataclass(frozen=True, kw_only=True)
class Ridge:
    """Ridge regression of expression on motif scores."""

    kind: ClassVar[str] = "Ridge"

    penalty: float | str = declare(
        "gcv",
        Real(0.0, words=("gcv", "loo", "kfold", "ml", "oracle"), low_open=True),
        "ridge penalty: gcv, loo, kfold, ml, oracle or a positive number",
        details="gcv: generalised cross-validation; loo: leave-one-out; kfold: k-fold cross-validation "
        "over genes; ml: marginal likelihood; oracle: the true noise variance over the true effect "
        "variance, which only a simulation knows; a number: that penalty k, as in (MᵀM + kI)⁻¹MᵀY.",
        group="Ridge",
        common=True,
        grid=True,
    )
    penalty_shared: bool = declare(
        True,
        Flag(),
        "one penalty shared by all conditions (no: one per condition)",
        group="Ridge",
        grid=True,
    )
    folds: int = declare(
        5,
        Whole(2, 1000),
        "folds of the k-fold cross-validation (penalty kfold)",
        group="Ridge",
    )

    def __post_init__(self) -> None:
        canonical_fields(self)

    def check(self, n_genes: int, n_conditions: int) -> None:
        """Raise InputError where this can't be fitted to data of the given size."""
        if self.penalty == "kfold" and self.folds > n_genes:
            raise InputError(
                "folds", f"at most {n_genes} with {n_genes} genes", str(self.folds), "use fewer folds"
            )


@dataclass(frozen=True, kw_only=True)
class LMM:
    """The linear mixed model vec(Y) ~ N(vec(1μᵀ), V ⊗ MMᵀ + Σ ⊗ I)."""

    kind: ClassVar[str] = "LMM"

    signal_model: str = declare(
        "freeform",
        Structure("signal"),
        "fitted structure of V, the covariance of effects between conditions",
        details="freeform: any covariance; diagonal; id: sI; lowrank_k: LLᵀ of rank k (where data are "
        "simulated, the same name means k blocks); lowrank_id_k: LLᵀ + sI; lowrank_diag_k: LLᵀ + "
        "diagonal; block: one constant s11ᵀ, or block:2,2 for a partition of the conditions with one "
        "scale each; block_id; block_diag; fixed: the matrix --signal-matrix, up to scale; truth: the "
        "covariance that generated the data, up to scale.",
        group="LMM",
        common=True,
        grid=True,
    )
    noise_model: str = declare(
        "freeform",
        Structure("noise"),
        "fitted structure of Σ, the covariance of noise (random = freeform, id, diag = diagonal)",
        details="As for the signal (fixed: the matrix --noise-matrix); also proportional: Σ = kV, under "
        "which the LMM is ridge regression.",
        group="LMM",
        common=True,
        grid=True,
    )
    signal_matrix: str = declare(
        "",
        MatrixOrPath(),
        "matrix K of the signal model fixed: a file, or written out as 1 0.5; 0.5 1",
        details="V = sK with this K, a covariance between the conditions, and s estimated. A file holds a "
        "table with a row and a column for each condition, with names or without. A run keeps the matrix "
        "itself, in its study.toml. It has no effect with other signal models.",
        group="LMM",
    )
    noise_matrix: str = declare(
        "",
        MatrixOrPath(),
        "matrix K of the noise model fixed: a file, or written out as 1 0.5; 0.5 1",
        details="Σ = sK with this K, as --signal-matrix; it has to be nonsingular. It has no effect with "
        "other noise models.",
        group="LMM",
    )
    init: str = declare(
        "default",
        OneOf(("default", "truth", "random")),
        "where the optimisation starts",
        details="default: half the empirical covariance each, as limix; truth: at the covariances that "
        "generated the data (the original's INIT); random: at a random pair of covariances.",
        group="LMM",
        common=True,
        grid=True,
    )
    perturb: bool = declare(
        False,
        Flag(),
        "perturb the start and restart until one start converges",
        details="Adds N(0, size²) to the starting parameters and restarts, up to --restarts times (the "
        "original's PERTURB).",
        group="LMM",
        common=True,
        grid=True,
    )
    restarts: int = declare(10, Whole(1, 1000), "most starts that --perturb may take", group="LMM", grid=True)
    perturb_size: float = declare(
        1e-3,
        Real(0.0, 1e3, low_open=True),
        "standard deviation of the perturbation",
        group="LMM",
        grid=True,
    )
    restart_choice: str = declare(
        "first",
        OneOf(("first", "best")),
        "which perturbed start counts: the first that converges, or the best of all",
        group="LMM",
        grid=True,
    )
    likelihood: str = declare(
        "ml",
        OneOf(("ml", "reml")),
        "maximum likelihood or restricted maximum likelihood",
        group="LMM",
        grid=True,
    )
    mean: str = declare(
        "none",
        OneOf(("none", "intercept")),
        "the model's mean: none, or an intercept per condition",
        group="LMM",
        grid=True,
    )
    engine: str = declare(
        "regnet",
        OneOf(("regnet", "limix")),
        "who fits: regnet, or limix 3 itself (slow; freeform or lowrank_k V, freeform Σ, intercept)",
        group="LMM",
        grid=True,
    )
    max_iterations: int = declare(
        1000, Whole(1, 1_000_000), "iterations after which a fit gives up", group="LMM"
    )

    def __post_init__(self) -> None:
        canonical_fields(self)
        if self.engine == "limix":
            self._check_limix()
        for role in ("signal", "noise"):
            if getattr(self, f"{role}_model") == "fixed":
                self._check_matrix(f"{role}_matrix", is_noise=role == "noise")

    def _check_matrix(self, field: str, *, is_noise: bool) -> None:
        text = getattr(self, field)
        if not text:
            remedy = "give a file, or the matrix itself (as 1 0.5; 0.5 1)"
            raise InputError(field, "the matrix K that the structure fixed is a multiple of", "none", remedy)
        if is_written_out(text):
            check_covariance(text, field, nonsingular=is_noise)

    def matrix(self, role: Role) -> Rows | None:
        """Return the matrix of the structure ``fixed``; None with any other.

        Raises
        ------
        InputError
            Where it is still the path of a file (see :func:`regnet.files.matrices.with_matrices`).
        """
        if getattr(self, f"{role}_model") != "fixed":
            return None
        text = getattr(self, f"{role}_matrix")
        if not is_written_out(text):
            raise InputError(f"{role}_matrix", "a matrix that has been read", f"the path {shown(text)}")
        return parse_matrix(text)

    def _check_limix(self) -> None:
        can = "freeform or lowrank_k signal, freeform noise, mean intercept, init default"
        lowrank = self.signal_model.startswith("lowrank_") and self.signal_model[8:].isdigit()
        fits = (self.signal_model == "freeform" or lowrank) and self.noise_model == "freeform"
        plain = self.mean == "intercept" and self.init == "default"
        if not (fits and plain) or self.perturb:
            found = (
                f"signal {self.signal_model}, noise {self.noise_model}, mean {self.mean}, "
                f"init {self.init}, perturb {write_value(self.perturb)}"
            )
            raise InputError("engine", f"what limix can fit ({can}, no perturb)", found)
        if self.max_iterations != type(self).max_iterations:
            wanted = f"{type(self).max_iterations} with the engine limix, which has a limit of its own"
            raise InputError("max_iterations", wanted, write_value(self.max_iterations))

    def check(self, n_genes: int, n_conditions: int) -> None:
        """Raise InputError where this can't be fitted to data of the given size."""
        check_pair(self.signal_model, self.noise_model, n_conditions, ("signal_model", "noise_model"))
        roles: tuple[Role, ...] = ("signal", "noise")
        for role in roles:
            text = getattr(self, f"{role}_matrix")
            is_in_use = getattr(self, f"{role}_model") == "fixed"
            if is_in_use and is_written_out(text) and (size := len(parse_matrix(text))) != n_conditions:
                wanted = f"a {n_conditions} × {n_conditions} matrix for {n_conditions} conditions"
                raise InputError(f"{role}_matrix", wanted, f"one of {size} × {size}")


Method = Ridge | LMM


def labels_of(methods: Sequence[Method]) -> tuple[str, ...]:
    """Return a short, distinct name for each method: ``Ridge`` and ``LMM``, where there is one of each.

    Of several methods of one kind, each name adds the settings in which they differ
    (``LMM diagonal, id``).
    """
    labels = []
    for method in methods:
        alike = [other for other in methods if other.kind == method.kind]
        differing = [
            _setting(parameter.name, getattr(method, parameter.name))
            for parameter in parameters_of(type(method))
            if len({getattr(other, parameter.name) for other in alike}) > 1
        ]
        labels.append(" ".join([method.kind, ", ".join(differing)]).strip())
    return tuple(labels)


def _setting(name: str, value: Value) -> str:
    """Return a setting as a label shows it: words stand for themselves, the rest with its name."""
    if name in ("penalty", "signal_model", "noise_model") and isinstance(value, str):
        return value
    return f"{name}={write_value(value)}"


def method_from_fields(kind: str, fields: dict[str, Value]) -> Method:
    """Return the method of a kind (``Ridge`` or ``LMM``) with the given fields; the rest default."""
    owner = {"Ridge": Ridge, "LMM": LMM}[kind]
    return owner(**fields)  # type: ignore[no-any-return]


def method_fields(method: Method) -> dict[str, Value]:
    """Return a method's settings by name."""
    return dataclasses.asdict(method)
