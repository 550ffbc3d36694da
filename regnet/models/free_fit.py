"""How are V and Σ fitted where both are free?

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

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from regnet.models.canonical_scan import ShareGrid, rescan
from regnet.models.kronecker import (
    CanonicalBasis,
    Likelihood,
    SpectralData,
    change_of_basis,
    evaluate,
    hessian_product,
)
from regnet.models.optimum import Limits, Optimum, StopReason

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

FAR = 0.3
"""Criterion above which traits are scanned globally after a step."""
MOST_PRODUCTS = 80
"""Most Hessian products of one step."""


def climb(
    data: SpectralData,
    start: CanonicalBasis,
    grid: ShareGrid | None,
    limits: Limits,
    beat: float = np.inf,
) -> Optimum:
    """Follow the likelihood from a start to its next maximum.

    Parameters
    ----------
    grid : ShareGrid or None
        For global scans of the traits while far from the optimum; None stays local.
    beat : float
        Value of −2 log likelihood that is worth reaching; the climb ends early
        ("no further progress") where it clearly will not.
    """
    basis = start
    likelihood = evaluate(data, basis)
    reason: StopReason = "iteration limit"
    criterion, iteration = np.inf, 0
    for iteration in range(limits.max_iterations + 1):
        basis, likelihood = _align_null_spaces(data, basis, likelihood)
        model = _Model(data, basis, likelihood)
        criterion = model.criterion
        if criterion <= limits.tolerance:
            reason = "converged"
            break
        if iteration == limits.max_iterations:
            break
        if criterion < 0.3 and likelihood.deviance - 4.0 * criterion**2 > beat:
            reason = "no further progress"
            break
        if limits.out_of_time():
            reason = "time limit"
            break
        moved = _line_search(data, basis, likelihood, model, grid if criterion > FAR else None)
        if moved is None:
            reason = "no further progress"
            break
        basis, likelihood = moved
    return Optimum(basis, likelihood, criterion, iteration, reason)


class _Face:
    """Which entries of one covariance may change, and the curvature of the cone there."""

    __slots__ = ("curvature", "free", "mask", "pinned", "values")

    def __init__(self, values: Vector, gradient: Matrix) -> None:
        multipliers = gradient.diagonal()
        positive = values > 0.0
        pinned = ~positive & (multipliers >= 0.0)
        self.values = values
        self.pinned = np.flatnonzero(pinned)
        self.free = np.flatnonzero(~pinned)
        self.mask: Matrix | None = None
        self.curvature: Matrix | None = None
        if self.pinned.size:
            turning = positive[:, None] & pinned
            kept = ~pinned[:, None] & ~pinned
            self.mask = (kept | turning | turning.T).astype(np.float64)
            safe = np.where(positive, values, 1.0)
            bend = np.where(turning, multipliers / safe[:, None], 0.0)
            self.curvature = bend + bend.T

    def moved(self, step: Matrix) -> tuple[Matrix, int]:
        """Diagonal plus step, back on the cone, and its rank."""
        n_conditions = self.values.size
        matrix = step.copy()
        matrix.flat[:: n_conditions + 1] += self.values
        if not self.pinned.size:
            return _clipped(matrix)
        inner, rank = _clipped(matrix[np.ix_(self.free, self.free)])
        lift = np.zeros((n_conditions, self.free.size))
        lift[self.free, np.arange(self.free.size)] = 1.0
        size = self.values[self.free]
        lift[self.pinned] = step[np.ix_(self.pinned, self.free)] / np.where(size > 0, size, 1.0)
        return lift @ inner @ lift.T, rank


class _Model:
    """The quadratic model of −2 log likelihood at one point of the cone."""

    __slots__ = ("criterion", "faces", "gradient", "inverse", "point", "slope")

    def __init__(self, data: SpectralData, basis: CanonicalBasis, likelihood: Likelihood) -> None:
        self.point = (data, basis, likelihood)
        signal = _Face(basis.signal, likelihood.signal_gradient)
        noise = _Face(basis.noise, likelihood.noise_gradient)
        self.faces = (signal, noise)
        vv, vs, ss = likelihood.expected
        self.gradient = np.concatenate([likelihood.signal_gradient, likelihood.noise_gradient])
        n_conditions = data.n_conditions
        if signal.curvature is not None and signal.mask is not None:
            vv = vv + signal.curvature
            vs = vs * signal.mask
            self.gradient[:n_conditions] *= signal.mask
        if noise.curvature is not None and noise.mask is not None:
            ss = ss + noise.curvature
            vs = vs * noise.mask
            self.gradient[n_conditions:] *= noise.mask
        determinant = vv * ss - vs * vs
        self.inverse = (ss / determinant, vs / determinant, vv / determinant)
        fisher_step = self.precondition(self.gradient)
        self.criterion = float(np.sqrt(max(np.vdot(self.gradient, fisher_step), 0.0)))
        self.slope = 0.0

    def precondition(self, vector: Matrix) -> Matrix:
        """Solve with the expected Hessian and the curvature of the faces."""
        n_conditions = vector.shape[1]
        signal, noise = vector[:n_conditions], vector[n_conditions:]
        out = np.empty_like(vector)
        ss, vs, vv = self.inverse
        np.subtract(ss * signal, vs * noise, out=out[:n_conditions])
        np.subtract(vv * noise, vs * signal, out=out[n_conditions:])
        return self.project(out)

    def project(self, vector: Matrix) -> Matrix:
        n_conditions = vector.shape[1]
        signal, noise = self.faces
        if signal.mask is not None:
            vector[:n_conditions] *= signal.mask
        if noise.mask is not None:
            vector[n_conditions:] *= noise.mask
        return vector

    def product(self, vector: Matrix) -> Matrix:
        """Multiply with the observed Hessian and the curvature of the faces."""
        data, basis, likelihood = self.point
        n_conditions = data.n_conditions
        out = hessian_product(data, basis, likelihood, vector)
        signal, noise = self.faces
        if signal.curvature is not None:
            out[:n_conditions] += signal.curvature * vector[:n_conditions]
        if noise.curvature is not None:
            out[n_conditions:] += noise.curvature * vector[n_conditions:]
        return self.project(out)

    def step(self) -> Matrix:
        """Newton's step by preconditioned conjugate gradients, cut at negative curvature."""
        residual = -self.gradient
        ahead = self.precondition(residual)
        direction = ahead.copy()
        step = np.zeros_like(residual)
        size = first = float(np.vdot(residual, ahead))
        forcing = min(0.1, 0.1 * self.criterion**0.5) ** 2
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
) -> tuple[CanonicalBasis, Likelihood] | None:
    step = model.step()
    n_conditions = data.n_conditions
    here = likelihood.deviance
    rounding = 1e-13 * abs(here) + 1e-12
    length = 1.0
    for _ in range(30):
        moved = _moved(basis, model, length * step[:n_conditions], length * step[n_conditions:])
        if moved is None or (data.n_residual and not moved.noise.min() > 0.0):
            length *= 0.4
            continue
        traits = data.rotated @ moved.weights
        if grid is not None:
            moved, traits = rescan(data, moved, grid, traits)
        there = evaluate(data, moved, traits)
        if there.deviance <= here + 1e-4 * length * model.slope + rounding:
            return moved, there
        rise = there.deviance - here - length * model.slope
        length *= min(max(-0.5 * length * model.slope / rise, 0.1), 0.5) if rise > 0 else 0.5
    return None


def _moved(
    basis: CanonicalBasis, model: _Model, signal_step: Matrix, noise_step: Matrix
) -> CanonicalBasis | None:
    signal_face, noise_face = model.faces
    signal, signal_rank = signal_face.moved(signal_step)
    if model.point[0].n_residual:
        noise, noise_rank = np.diag(basis.noise) + noise_step, basis.noise.size
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
    return CanonicalBasis(basis.weights @ weights, basis.loadings @ loadings, np.maximum(alpha, 0.0), beta)


def _clipped(matrix: Matrix) -> tuple[Matrix, int]:
    values, vectors = np.linalg.eigh(matrix)
    if values[0] > 0.0:
        return matrix, values.size
    kept = values > 1e-14 * max(values[-1], 0.0)
    return (vectors[:, kept] * values[kept]) @ vectors[:, kept].T, int(kept.sum())


def _align_null_spaces(
    data: SpectralData, basis: CanonicalBasis, likelihood: Likelihood
) -> tuple[CanonicalBasis, Likelihood]:
    """Turn each null space so that the gradient is diagonal in it: its multipliers."""
    for values, name in ((basis.signal, "signal_gradient"), (basis.noise, "noise_gradient")):
        null = np.flatnonzero(values == 0.0)
        if null.size > 1:
            block = np.ix_(null, null)
            _, turn = np.linalg.eigh(getattr(likelihood, name)[block])
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

    products = likelihood.products.copy()
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
