"""How is a V that is free, or of limited rank, fitted together with Σ?

Σ is free too, or a sum Σ_g v_g B_g with known B_g (a diagonal, s I, s K).

Newton's method on the cone of positive semidefinite pairs, in the basis in which both are
diagonal. There the expected Hessian falls into 2×2 blocks, so it is a nearly free preconditioner;
conjugate gradients with the observed Hessian (two matrix products each) give quadratic
convergence. On the boundary, where V = H diag(α) Hᵀ has a null space, the face of the cone is
followed: eigenvalues that a step would make negative become exactly zero; a null direction whose
multiplier has the right sign stays null, but turns with the curvature that its multiplier
brings; one with the wrong sign is released. The numbers behind the choice of this
method stand in docs/decisions/0001-optimiser.md.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from regnet.models.canonical_scan import ShareGrid, rescan
from regnet.models.cone import Cone
from regnet.models.kronecker import (
    CanonicalBasis,
    Likelihood,
    SpectralData,
    change_of_basis,
    eigen,
    evaluate,
    hessian_product,
)
from regnet.models.optimum import Limits, Optimum, StopReason

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

FAR = 0.3
"""Criterion above which traits are scanned globally after a step."""
HOPE = 20.0
"""Most that −2 log likelihood is still expected to lose, in squared criteria, close to a maximum.

Half a square if the Hessian were the expected one; a flat direction of V loses more.
"""
SAME = 0.02
"""Largest difference of V and Σ from a maximum's, in its basis, that is taken for on the way back to it."""
MOST_PRODUCTS = 80
"""Most Hessian products of one step."""


def climb(
    data: SpectralData,
    start: CanonicalBasis,
    grid: ShareGrid | None,
    limits: Limits,
    cone: Cone,
    rival: Optimum | None = None,
) -> Optimum:
    """Follow the likelihood from a start to its next maximum.

    Parameters
    ----------
    grid : ShareGrid or None
        For global scans of the traits while far from the optimum; None stays local.
    cone : Cone
        The pairs among which the maximum is looked for; the start is one of them.
    rival : Optimum, optional
        A maximum to beat; the climb ends early ("no further progress") where it clearly will not, or
        only goes back to it.
    """
    basis = start
    likelihood = evaluate(data, basis)
    reason: StopReason = "iteration limit"
    criterion, iteration = np.inf, 0
    for iteration in range(limits.max_iterations + 1):
        basis, likelihood = _aligned(basis, likelihood, cone)
        model = _Model(data, basis, likelihood, cone)
        criterion = model.criterion
        if criterion <= limits.tolerance:
            reason = "converged"
            break
        if iteration == limits.max_iterations:
            break
        if rival is not None and _stays_ahead(rival, basis, likelihood, criterion):
            reason = "no further progress"
            break
        if limits.out_of_time():
            reason = "time limit"
            break
        scanned = grid if criterion > FAR and cone.noise_directions is None else None
        moved = _line_search(data, basis, likelihood, model, scanned, cone)
        if moved is None:
            reason = "no further progress"
            break
        basis, likelihood = moved
    return Optimum(basis, likelihood, criterion, iteration, reason)


def _stays_ahead(rival: Optimum, basis: CanonicalBasis, likelihood: Likelihood, criterion: float) -> bool:
    """Whether a climb clearly will not beat a maximum, or only goes back to it."""
    above = likelihood.deviance - rival.likelihood.deviance
    if criterion < FAR and above > HOPE * criterion**2:
        return True
    if above <= -1e-6:
        return False
    # In the rival's basis its V and Σ are diagonal.
    turn = rival.basis.weights.T @ basis.loadings
    for own, other in ((basis.signal, rival.basis.signal), (basis.noise, rival.basis.noise)):
        apart = (turn * own) @ turn.T
        apart.flat[:: len(apart) + 1] -= other
        if np.abs(apart).max() >= SAME:
            return False
    return True


class _Face:
    """Which entries of one covariance may change, and the curvature of the cone there.

    Attributes
    ----------
    pinned, free : ndarray of int
        Null directions that stay null, and all others.
    mask : ndarray of shape (n_conditions, n_conditions) or None
        Ones where an entry may change; None where all may.
    """

    __slots__ = ("_multipliers", "_sizes", "_turning", "free", "mask", "pinned", "values")

    def __init__(self, values: Vector, gradient: Matrix, max_rank: int) -> None:
        self.values = values
        self.mask: Matrix | None = None
        null = (values == 0.0).nonzero()[0]
        # Null directions whose multiplier has the wrong sign are released, as many as the rank allows.
        n_free = max_rank - (values.size - null.size)
        if null.size and n_free > 0:
            multipliers = gradient.diagonal()[null]
            order = np.argsort(multipliers, kind="stable")
            released = order[:n_free][multipliers[order[:n_free]] < 0.0]
            null = np.delete(null, released)
        self.pinned = null
        if not self.pinned.size:
            return
        is_pinned = np.zeros(values.size, dtype=bool)
        is_pinned[self.pinned] = True
        self.free = (~is_pinned).nonzero()[0]
        positive = values > 0.0
        turning = positive[:, None] & is_pinned
        turning = turning | turning.T
        self.mask = ((~is_pinned[:, None] & ~is_pinned) | turning).astype(np.float64)
        self._turning = turning.astype(np.float64)
        self._sizes = np.where(positive, values, 1.0)
        self._multipliers = gradient * (is_pinned[:, None] & is_pinned)

    def diagonal_curvature(self) -> Matrix:
        """Curvature that turning each pair of vectors brings, without that between pairs."""
        bend = np.maximum(self._multipliers.diagonal(), 0.0) / self._sizes[:, None]
        return (bend + bend.T) * self._turning

    def bend(self, change: Matrix) -> Matrix:
        """Curvature of the cone times a change: moving X off the range costs X α⁻¹ Xᵀ in the null space."""
        half = ((self._turning * change) @ self._multipliers) / self._sizes[:, None]
        return half + half.T

    def moved(self, step: Matrix) -> tuple[Matrix, int]:
        """Diagonal plus step, back on the cone, and its rank."""
        n_conditions = self.values.size
        matrix = step.copy()
        matrix.flat[:: n_conditions + 1] += self.values
        if not self.pinned.size:
            return _clipped(matrix)
        if not self.free.size:
            return np.zeros_like(matrix), 0
        inner, rank = _clipped(matrix[np.ix_(self.free, self.free)])
        lift = np.zeros((n_conditions, self.free.size))
        lift[self.free, np.arange(self.free.size)] = 1.0
        lift[self.pinned] = step[np.ix_(self.pinned, self.free)] / self._sizes[self.free]
        return lift @ inner @ lift.T, rank


class _Model:
    """The quadratic model of −2 log likelihood at one point of the cone."""

    __slots__ = (
        "_across",
        "_directions",
        "_inner",
        "_own",
        "criterion",
        "faces",
        "gradient",
        "mask",
        "point",
        "slope",
    )

    def __init__(self, data: SpectralData, basis: CanonicalBasis, likelihood: Likelihood, cone: Cone) -> None:
        self.point = (data, basis, likelihood)
        signal = _Face(basis.signal, likelihood.signal_gradient, cone.max_rank)
        # Genes beyond the motifs' reach keep Σ inside its cone.
        noise = None if data.n_residual else _Face(basis.noise, likelihood.noise_gradient, basis.noise.size)
        self.faces = (signal, noise)
        vv, vs, ss = likelihood.expected
        self.gradient = np.concatenate([likelihood.signal_gradient, likelihood.noise_gradient])
        self.mask: Matrix | None = None
        if signal.mask is not None or (noise is not None and noise.mask is not None):
            ones = np.ones_like(vv)
            above = ones if signal.mask is None else signal.mask
            below = ones if noise is None or noise.mask is None else noise.mask
            self.mask = np.concatenate([above, below])
            vs = vs * above * below
            vv = vv if signal.mask is None else vv + signal.diagonal_curvature()
            ss = ss if noise is None or noise.mask is None else ss + noise.diagonal_curvature()
            self.gradient *= self.mask
        self._directions: Matrix | None = None
        if cone.noise_directions is not None:
            turned = basis.weights.T @ cone.noise_directions @ basis.weights
            self._directions = directions = turned.reshape(len(turned), -1)
            self._own, self._across = vv, vs / vv
            inner = (directions * np.ravel(ss - vs * self._across)) @ directions.T
            self._inner = scipy.linalg.cho_factor(inner, check_finite=False)
            self._settle()
            return
        # V and Σ may be told apart by nothing, as with one gene: the floor keeps that harmless.
        determinant = np.maximum(vv * ss - vs * vs, 1e-12 * vv * ss)
        self._own = np.concatenate([ss, vv])
        self._own /= np.concatenate([determinant, determinant])
        self._across = vs / determinant
        if self.mask is not None:
            self._own *= self.mask
        self._settle()

    def _settle(self) -> None:
        self.criterion = math.sqrt(max(np.vdot(self.gradient, self.precondition(self.gradient)), 0.0))
        self.slope = 0.0

    def precondition(self, vector: Matrix) -> Matrix:
        """Solve with the expected Hessian, as far as it is made of 2×2 blocks."""
        n_conditions = vector.shape[1]
        if self._directions is not None:
            return self._precondition_along(self._directions, vector)
        out = self._own * vector
        out[:n_conditions] -= self._across * vector[n_conditions:]
        out[n_conditions:] -= self._across * vector[:n_conditions]
        return out

    def _precondition_along(self, directions: Matrix, vector: Matrix) -> Matrix:
        # V's 2×2 partners are eliminated, which leaves one equation for each variance of Σ.
        n_conditions = vector.shape[1]
        signal = vector[:n_conditions]
        target = directions @ np.ravel(vector[n_conditions:] - self._across * signal)
        variances = scipy.linalg.cho_solve(self._inner, target, check_finite=False)
        noise = (variances @ directions).reshape(n_conditions, n_conditions)
        out = np.concatenate([signal / self._own - self._across * noise, noise])
        if self.mask is not None:
            out *= self.mask
        return out

    def product(self, vector: Matrix) -> Matrix:
        """Multiply with the observed Hessian and the curvature of the faces."""
        data, basis, likelihood = self.point
        n_conditions = data.n_conditions
        out = hessian_product(data, basis, likelihood, vector)
        if self.mask is not None:
            signal, noise = self.faces
            if signal.mask is not None:
                out[:n_conditions] += signal.bend(vector[:n_conditions])
            if noise is not None and noise.mask is not None:
                out[n_conditions:] += noise.bend(vector[n_conditions:])
            out *= self.mask
        return out

    def step(self) -> Matrix:
        """Newton's step by preconditioned conjugate gradients, cut at negative curvature."""
        residual = -self.gradient
        ahead = self.precondition(residual)
        direction = ahead.copy()
        step = np.zeros_like(residual)
        size = first = float(np.vdot(residual, ahead))
        forcing = min(0.2, 0.2 * self.criterion**0.5) ** 2
        for count in range(MOST_PRODUCTS):
            product = self.product(direction)
            bend = float(np.vdot(direction, product))
            if bend <= 0.0:
                if count == 0:
                    step = direction
                break
            length = size / bend
            step += length * direction
            residual -= length * product
            ahead = self.precondition(residual)
            new_size = float(np.vdot(residual, ahead))
            if new_size < forcing * first:
                break
            direction *= new_size / size
            direction += ahead
            size = new_size
        self.slope = float(np.vdot(self.gradient, step))
        return step


def _line_search(
    data: SpectralData,
    basis: CanonicalBasis,
    likelihood: Likelihood,
    model: _Model,
    grid: ShareGrid | None,
    cone: Cone,
) -> tuple[CanonicalBasis, Likelihood] | None:
    step = model.step()
    n_conditions = data.n_conditions
    here = likelihood.deviance
    # The sums cancel, so their size counts too: that of one unit for each value.
    rounding = 1e-13 * (abs(here) + 10.0 * data.n_genes * n_conditions)
    length = 1.0
    for _ in range(30):
        moved = _moved(basis, model, cone, length * step[:n_conditions], length * step[n_conditions:])
        if moved is None or (data.n_residual and not moved.noise.min() > 0.0):
            length *= 0.4
            continue
        traits = data.traits(moved.weights)
        if grid is not None:
            moved, traits = rescan(data, moved, grid, traits, may_add=cone.max_rank >= data.n_conditions)
        there = evaluate(data, moved, traits)
        if there.deviance <= here + 1e-4 * length * model.slope + rounding:
            return moved, there
        rise = there.deviance - here - length * model.slope
        length *= min(max(-0.5 * length * model.slope / rise, 0.1), 0.5) if rise > 0 else 0.5
    return None


def _moved(
    basis: CanonicalBasis, model: _Model, cone: Cone, signal_step: Matrix, noise_step: Matrix
) -> CanonicalBasis | None:
    signal_face, noise_face = model.faces
    signal, signal_rank = signal_face.moved(signal_step)
    if noise_face is None:
        noise, noise_rank = cone.moved_noise(basis, noise_step), basis.noise.size
    else:
        noise, noise_rank = noise_face.moved(noise_step)
    change = change_of_basis(signal, noise)
    if change is None:
        return None
    weights, loadings, alpha, beta = change
    if signal_rank < alpha.size:
        alpha[np.argsort(alpha)[: alpha.size - signal_rank]] = 0.0
    if noise_rank < beta.size:
        beta[np.argsort(beta)[: beta.size - noise_rank]] = 0.0
        if not (alpha + beta).all():  # V and Σ would leave a direction to neither
            return None
    return CanonicalBasis(basis.weights @ weights, basis.loadings @ loadings, np.maximum(alpha, 0.0), beta)


def _clipped(matrix: Matrix) -> tuple[Matrix, int]:
    values, vectors = eigen(matrix)
    if values[0] > 0.0:
        return matrix, values.size
    kept = values > 1e-14 * max(values[-1], 0.0)
    return (vectors[:, kept] * values[kept]) @ vectors[:, kept].T, int(kept.sum())


def _aligned(basis: CanonicalBasis, likelihood: Likelihood, cone: Cone) -> tuple[CanonicalBasis, Likelihood]:
    """Turn a null space with a multiplier of the wrong sign so that its multipliers are diagonal."""
    for values, name in ((basis.signal, "signal_gradient"), (basis.noise, "noise_gradient")):
        if values.all():
            continue
        null = (values == 0.0).nonzero()[0]
        is_full = name == "signal_gradient" and values.size - null.size >= cone.max_rank
        if null.size > 1 and not is_full:
            slopes, turn = eigen(getattr(likelihood, name)[np.ix_(null, null)])
            if slopes[0] < 0.0:
                basis, likelihood = _turned(basis, likelihood, null, turn)
    return basis, likelihood


def _turned(
    basis: CanonicalBasis, likelihood: Likelihood, columns: NDArray[np.intp], turn: Matrix
) -> tuple[CanonicalBasis, Likelihood]:
    n_conditions = basis.signal.size
    whole = np.eye(n_conditions)
    whole[np.ix_(columns, columns)] = turn

    def both_sides(matrix: Matrix) -> Matrix:
        turned = whole.T @ matrix @ whole
        return np.asarray(0.5 * (turned + turned.T), dtype=np.float64)

    products = likelihood.products.copy(order="K")
    products[:, columns] = products[:, columns] @ turn
    products[:, n_conditions + columns] = products[:, n_conditions + columns] @ turn
    turned_basis = replace(basis, weights=basis.weights @ whole, loadings=basis.loadings @ whole)
    # The traits of a null space have the same precision, so everything else stays as it is.
    residual, cross = likelihood.residual, likelihood.cross
    return turned_basis, replace(
        likelihood,
        signal_gradient=both_sides(likelihood.signal_gradient),
        noise_gradient=both_sides(likelihood.noise_gradient),
        products=products,
        residual=None if residual is None else both_sides(residual),
        mean=likelihood.mean @ whole,
        cross=None if cross is None else cross @ whole,
    )
