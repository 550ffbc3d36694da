"""How are the likelihoods of many small data sets climbed in step?

Newton's method on the faces of the cone, as :mod:`regnet.models.free_fit` does it for one data set and
any structure; here V is free or of limited rank, Σ is free, there is no mean and there are few
conditions, so that the Hessian is written out and solved with. Where it is not positive definite, its
eigenvalues in the metric of the expected Hessian are turned positive.

Every data set goes its own way: it takes its own steps, and leaves the stack where it has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from regnet.models.canonical_scan import ShareGrid
from regnet.models.free_fit import FAR, HOPE, SAME
from regnet.models.kronecker import eigen
from regnet.models.optimum import Limits, StopReason
from regnet.models.stacked_likelihood import (
    Array,
    Bases,
    Indices,
    Likelihoods,
    Stack,
    entries,
    evaluate_stack,
    simultaneous,
)
from regnet.models.stacked_model import Flags, Models, newton_steps
from regnet.models.stacked_scan import rescan_stack

WILD = 1e8
"""Size of a step, in a basis where V + Σ is one, that leads nowhere."""


@dataclass(frozen=True, eq=False, slots=True)
class Optima:
    """Where each climb ended, and why there; see :class:`regnet.models.optimum.Optimum`."""

    bases: Bases
    likelihoods: Likelihoods
    criterion: Array
    n_iterations: Indices
    stop_reasons: list[StopReason]

    def put(self, number: np.intp, others: Optima, other: np.intp) -> None:
        """Replace one by another, but for the count of iterations."""
        here, there = np.array([number]), np.array([other])
        self.bases.put(here, others.bases.take(there))
        self.likelihoods.put(here, others.likelihoods.take(there))
        self.criterion[here] = others.criterion[there]
        self.stop_reasons[number] = others.stop_reasons[other]


def climb_stack(
    stack: Stack,
    start: Bases,
    grid: ShareGrid | None,
    limits: Limits,
    max_rank: int,
    rivals: Rivals | None = None,
    likelihoods: Likelihoods | None = None,
) -> Optima:
    """Follow each likelihood from its start to its next maximum.

    Parameters
    ----------
    grid : ShareGrid or None
        For global scans of the traits while far from the optimum; None stays local.
    max_rank : int
        Largest rank that V may have.
    rivals : Rivals, optional
        Maxima that are known already, and how many iterations each climb may take; those of the limits
        by default.
    likelihoods : Likelihoods, optional
        Of the starts, where they are known.
    """
    n_sets = len(start.weights)
    most = np.full(n_sets, limits.max_iterations) if rivals is None else rivals.most_iterations
    iterations = np.zeros(n_sets, dtype=np.intp)
    ends = _Ends(n_sets)
    active = np.arange(n_sets)
    bases = start.take(active)
    now = evaluate_stack(stack, bases) if likelihoods is None else likelihoods.take(active)
    while active.size:
        _align(bases, now, max_rank)
        model = Models.of(bases, now, max_rank)
        hopeless = (
            np.zeros(active.size, dtype=bool) if rivals is None else rivals.stay_ahead(bases, now, model)
        )
        going = np.ones(active.size, dtype=bool)
        for position, reason in _ended(model.criterion, limits, iterations[active] >= most[active], hopeless):
            ends.keep(int(active[position]), bases, now, model, position, reason)
            going[position] = False
        if not going.all():
            left = going.nonzero()[0]
            if not left.size:
                break
            active, stack = active[left], stack.take(left)
            bases, now, model = bases.take(left), now.take(left), model.take(left)
            rivals = None if rivals is None else rivals.take(left)
        trial, there, moved = _step(stack, bases, now, model, grid, may_add=max_rank >= stack.n_conditions)
        if not moved.all():
            for still in (~moved).nonzero()[0].tolist():
                ends.keep(int(active[still]), bases, now, model, still, "no further progress")
            left = moved.nonzero()[0]
            active, stack = active[left], stack.take(left)
            trial, there = trial.take(left), there.take(left)
            rivals = None if rivals is None else rivals.take(left)
        iterations[active] += 1
        bases, now = trial, there
    return ends.optima(iterations)


@dataclass(frozen=True, eq=False, slots=True)
class Rivals:
    """Maxima that climbs have to beat.

    Attributes
    ----------
    bases : Bases
        Where they stand.
    deviance : ndarray of shape (n_sets,)
        Their −2 log likelihood.
    most_iterations : ndarray of int, shape (n_sets,)
        Iterations of each climb after which to give up.
    """

    bases: Bases
    deviance: Array
    most_iterations: Indices

    def take(self, chosen: Indices) -> Rivals:
        """Return those at some positions."""
        return Rivals(self.bases.take(chosen), self.deviance[chosen], self.most_iterations[chosen])

    def stay_ahead(self, bases: Bases, now: Likelihoods, model: Models) -> Flags:
        """Which climbs clearly will not beat them, or only go back to them."""
        hopeless = now.deviance - HOPE * model.criterion**2 > self.deviance
        hopeless &= model.criterion < FAR
        # In the rival's basis its V and Σ are diagonal.
        turn = self.bases.weights.transpose(0, 2, 1) @ bases.loadings
        values = np.stack([bases.signal, bases.noise], axis=1)
        apart = (turn[:, None] * values[:, :, None, :]) @ turn.transpose(0, 2, 1)[:, None]
        diagonal = np.einsum("bsjj->bsj", apart)
        diagonal[:, 0] -= self.bases.signal
        diagonal[:, 1] -= self.bases.noise
        returns = np.abs(apart).max(axis=(1, 2, 3)) < SAME
        return np.asarray(hopeless | (returns & (now.deviance > self.deviance - 1e-6)))


class _Ends:
    """Where the climbs that have ended stand."""

    def __init__(self, n_sets: int) -> None:
        self._found: list[tuple[Bases, Likelihoods, Array]] = [None] * n_sets  # type: ignore[list-item]
        self._reasons: list[StopReason] = ["iteration limit"] * n_sets

    def keep(
        self, number: int, bases: Bases, now: Likelihoods, model: Models, position: int, reason: StopReason
    ) -> None:
        here = np.array([position])
        self._found[number] = bases.take(here), now.take(here), model.criterion[here]
        self._reasons[number] = reason

    def optima(self, iterations: Indices) -> Optima:
        bases, likelihoods, criteria = zip(*self._found, strict=True)
        return Optima(
            Bases.joined(bases),
            Likelihoods.joined(likelihoods),
            np.concatenate(criteria),
            iterations,
            self._reasons,
        )


def _ended(
    criterion: Array, limits: Limits, spent: Flags, hopeless: Flags
) -> Iterator[tuple[int, StopReason]]:
    """Which data sets of a stack have ended, and why."""
    out_of_time = limits.out_of_time()
    for position, value in enumerate(criterion.tolist()):
        if value <= limits.tolerance:
            yield position, "converged"
        elif spent[position]:
            yield position, "iteration limit"
        elif hopeless[position]:
            yield position, "no further progress"
        elif out_of_time:
            yield position, "time limit"


def _step(
    stack: Stack, bases: Bases, now: Likelihoods, model: Models, grid: ShareGrid | None, *, may_add: bool
) -> tuple[Bases, Likelihoods, Flags]:
    """Move every data set by a line search along its step; the flags tell which ones moved."""
    n_sets, n_conditions = bases.signal.shape
    steps = newton_steps(stack, bases, now, model)
    slope = (model.slopes * steps).reshape(n_sets, -1).sum(axis=-1)
    # The sums cancel, so their size counts too: that of one unit for each value.
    allowed = 1e-13 * (np.abs(now.deviance) + 10.0 * stack.n_genes * n_conditions)
    length = np.ones(n_sets)
    trial, there = _tried(stack, bases, model, steps, grid, may_add)
    for _ in range(29):
        rise = there.deviance - now.deviance
        short = (~(rise <= 1e-4 * length * slope + allowed)).nonzero()[0]
        if not short.size:
            break
        gain, over = length[short] * slope[short], (rise - length * slope)[short]
        with np.errstate(invalid="ignore"):
            cut = np.clip(-0.5 * gain / over, 0.1, 0.5)
        length[short] *= np.where(np.isinf(over), 0.4, np.where(over > 0.0, cut, 0.5))
        again = steps[short] * length[short, None, None]
        part = _tried(stack.take(short), bases.take(short), model.take(short), again, grid, may_add)
        trial.put(short, part[0])
        there.put(short, part[1])
    return trial, there, there.deviance - now.deviance <= 1e-4 * length * slope + allowed


def _tried(
    stack: Stack, bases: Bases, model: Models, steps: Array, grid: ShareGrid | None, may_add: bool
) -> tuple[Bases, Likelihoods]:
    """Where steps lead, and the likelihood there: none (an infinite deviance) where a pair is no pair."""
    trial, exists = _moved(bases, model, entries(stack.n_conditions).symmetric(steps))
    missing = (~exists).nonzero()[0]
    if missing.size:
        trial.put(missing, bases.take(missing))
    traits = trial.weights.transpose(0, 2, 1) @ stack.rotated
    if grid is not None:
        far = (exists & (model.criterion > FAR)).nonzero()[0]
        if far.size:
            rescan_stack(stack, trial, grid, traits, far, may_add=may_add)
    there = evaluate_stack(stack, trial, traits)
    there.deviance[missing] = np.inf
    return trial, there


def _moved(bases: Bases, model: Models, step: Array) -> tuple[Bases, Flags]:
    """Where a step of V and Σ in the bases leads, back on the cone, and where it leads to anything."""
    n_conditions = bases.signal.shape[1]
    number = np.arange(n_conditions)
    is_tame = np.abs(step).reshape(len(step), -1).max(axis=1) < WILD
    if not is_tame.all():
        step[~is_tame] = 0.0
    noise = step[:, 1].copy()
    noise[:, number, number] += bases.noise
    signal = step[:, 0] * (model.free[:, :, None] & model.free[:, None, :])
    signal[:, number, number] += bases.signal
    rank = np.count_nonzero(model.free, axis=1)
    # Where Gershgorin's circles leave no room for a negative eigenvalue, none is computed.
    least = 2.0 * signal[:, number, number] - np.abs(signal).sum(axis=-1)
    cut = np.flatnonzero((model.free & (least <= 0.0)).any(axis=1))
    if cut.size:
        values, vectors = np.linalg.eigh(signal[cut])
        kept = np.count_nonzero(values > 1e-14 * np.maximum(values[:, -1:], 0.0), axis=1)
        rank[cut] = np.minimum(rank[cut], kept)
        values[number < n_conditions - rank[cut, None]] = 0.0
        signal[cut] = (vectors * values[:, None, :]) @ vectors.transpose(0, 2, 1)
    pinned = np.flatnonzero(~model.free.all(axis=1))
    if pinned.size:  # V's range turns into the null directions that stay null
        sizes = np.where(bases.signal[pinned] > 0.0, bases.signal[pinned], np.inf)
        lift = step[pinned, 0] * (~model.free[pinned])[:, :, None] / sizes[:, None, :]
        lift[:, number, number] += 1.0
        signal[pinned] = lift @ signal[pinned] @ lift.transpose(0, 2, 1)
    moved, exists = simultaneous(bases, signal, noise)
    moved.signal[number < n_conditions - rank[:, None]] = 0.0
    return moved, exists & is_tame


def _align(bases: Bases, now: Likelihoods, max_rank: int) -> None:
    """Turn null spaces with a wrong sign so that their multipliers are diagonal, in place."""
    null = bases.signal == 0.0
    if not null.any():
        return
    n_null = np.count_nonzero(null, axis=1)
    for position in ((n_null > 1) & (null.shape[1] - n_null < max_rank)).nonzero()[0]:
        own = null[position].nonzero()[0]
        slopes, turn = eigen(now.gradient[position, 0][np.ix_(own, own)])
        if slopes[0] < 0.0:
            _turn(bases, now, position, own, turn)


def _turn(bases: Bases, now: Likelihoods, position: np.intp, own: Indices, turn: Array) -> None:
    whole = np.eye(bases.signal.shape[1])
    whole[np.ix_(own, own)] = turn
    bases.weights[position] = bases.weights[position] @ whole
    bases.loadings[position] = bases.loadings[position] @ whole
    # The traits of a null space have the same precision where they have the same noise.
    now.scaled[position] = whole.T @ now.scaled[position]
    for matrices in (now.gradient[position], now.residual[position][None]):
        turned = whole.T @ matrices @ whole
        matrices[:] = 0.5 * (turned + turned.transpose(0, 2, 1))
