"""How are V and Σ fitted where one of them has a structure?

Newton steps in the structures' parameters, with a line search. The Hessian is exact: the observed
Hessian of :mod:`regnet.models.kronecker` in the canonical basis, by the chain rule, plus the
curvature of the parametrisation; a step is found by conjugate gradients that stop at negative
curvature (Dembo & Steihaug, Math. Program. 26:190, 1983), preconditioned with the expected Hessian
and kept free of the rotations of L that leave LLᵀ as it is (the quotient geometry of Journée et al.,
SIAM J. Optim. 20:2327, 2010). All parameters are free (variances are squares), so a covariance on
the boundary of its structure is an ordinary minimum with quadratic convergence; the false stationary
points that squares have at zero are left by their multiplier's sign.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs

from regnet.models.kronecker import (
    CanonicalBasis,
    Likelihood,
    SpectralData,
    canonical_basis,
    evaluate,
    hessian_product,
)
from regnet.models.optimum import Limits, Optimum, StopReason
from regnet.models.structure_pairs import Pair

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

MOST_PRODUCTS = 200
"""Most Hessian products of one step."""
MOST_PRECONDITIONED = 450
"""Most parameters for which the expected Hessian is formed and factored."""
NEAR = 1.0
"""Criterion below which false stationary points are left, and hopeless climbs given up."""
WORTHWHILE = 1e-3
"""Least gain of −2 log likelihood that a climb which has something to beat goes on for."""
HOPE = 3.0
"""Most that −2 log likelihood is still expected to lose there, in squared criteria."""


@dataclass(frozen=True, eq=False, slots=True)
class _Point:
    theta: Vector
    basis: CanonicalBasis
    likelihood: Likelihood
    signal: Matrix
    noise: Matrix
    gradient: Vector


@dataclass(frozen=True, eq=False, slots=True)
class Climbed:
    """Where a climb ended, and at which parameters of the pair."""

    theta: Vector
    optimum: Optimum


def climb_structured(
    data: SpectralData, pair: Pair, start: Vector, limits: Limits, beat: float = np.inf
) -> Climbed | None:
    """Follow the likelihood of a structured pair from a start to its next maximum.

    Parameters
    ----------
    beat : float
        Value of −2 log likelihood that is worth reaching; the climb ends early
        ("no further progress") where it clearly will not be passed.

    Returns
    -------
    Climbed or None
        None where the likelihood does not exist at the start.
    """
    point = _point(data, pair, start)
    if point is None:
        return None
    reason: StopReason = "iteration limit"
    criterion, iteration = np.inf, 0
    for iteration in range(limits.max_iterations + 1):
        point = _snapped(data, pair, point)
        metric = _Metric(pair, point)
        criterion = float(np.sqrt(max(float(point.gradient @ metric.solve(point.gradient)), 0.0)))
        if criterion <= limits.tolerance:
            released = _released(data, pair, point)
            if released is None:
                reason = "converged"
                break
            point = released
            continue
        hope = HOPE * criterion**2 if criterion < NEAR else np.inf
        if point.likelihood.deviance - hope > beat - WORTHWHILE and not _is_stuck(pair, point):
            reason = "no further progress"
            break
        if iteration == limits.max_iterations:
            break
        if limits.out_of_time():
            reason = "time limit"
            break
        moved = _line_search(data, pair, point, metric, criterion)
        if moved is None:
            reason = "no further progress"
            break
        point = moved
    return Climbed(point.theta, Optimum(point.basis, point.likelihood, criterion, iteration, reason))


def _released(data: SpectralData, pair: Pair, point: _Point) -> _Point | None:
    """A likelier point off a false stationary one; None where there is none."""
    theta = pair.release(point.theta, point.signal, point.noise)
    there = None if theta is None else _point(data, pair, theta)
    if there is None or there.likelihood.deviance >= point.likelihood.deviance:
        return None
    return there


def _is_stuck(pair: Pair, point: _Point) -> bool:
    """Whether a false stationary point is near, from which the likelihood rises further."""
    return pair.release(point.theta, point.signal, point.noise) is not None


class _Metric:
    """The expected Hessian in the parameters, factored; or its diagonal where there are many.

    Rotations of L are no directions: they cost nothing in this metric, so what the Hessian shows of
    them away from a maximum would look like curvature of any size and sign. (In the diagonal alone
    they cost what other directions do.)
    """

    def __init__(self, pair: Pair, point: _Point) -> None:
        size = point.theta.size
        vv, vs, ss = (np.ravel(block) for block in point.likelihood.expected)
        upper, lower = pair.jacobian(point.theta, point.basis.weights)
        # What a null direction's multiplier adds is part of what a step costs, as in the free fit.
        expected = pair.curvature(point.theta, _positive(point.signal), _positive(point.noise))
        self.jacobian: Matrix | None = None
        self.factor: Matrix | None = None
        if size > MOST_PRECONDITIONED:
            diagonal = expected.diagonal() + (upper**2) @ vv + 2.0 * (upper * lower) @ vs
            diagonal += (lower**2) @ ss
            self.diagonal = diagonal + 1e-8 * diagonal.mean()
            return
        self.turns = pair.turns(point.theta)
        turned = expected @ self.turns
        half = (turned - 0.5 * self.turns @ (self.turns.T @ turned)) @ self.turns.T
        cross = (upper * vs) @ lower.T - half
        expected += (upper * vv) @ upper.T + (lower * ss) @ lower.T + cross + cross.T
        scale = max(expected.trace() / size, 1e-300)
        expected += scale * self.turns @ self.turns.T
        expected.flat[:: size + 1] += 1e-8 * scale
        self.jacobian = np.concatenate([upper, lower], axis=1)
        self.factor, failed = dpotrf(expected)
        if failed:
            raise np.linalg.LinAlgError("the expected Hessian is not positive definite")

    def solve(self, vector: Vector) -> Vector:
        if self.factor is None:
            return np.asarray(vector / self.diagonal)
        level = vector - self.turns @ (vector @ self.turns)
        return np.asarray(dpotrs(self.factor, level)[0])


def _snapped(data: SpectralData, pair: Pair, point: _Point) -> _Point:
    """Put a small direction at zero where that is likelier.

    Near zero the valley of a root L bends ever more sharply as the range of LLᵀ turns; at zero
    the direction drops out and the rest is smooth.
    """
    for theta in pair.snaps(point.theta):
        there = _point(data, pair, theta)
        if there is not None and there.likelihood.deviance <= point.likelihood.deviance:
            return there
    return point


def _positive(gradient: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(gradient)
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


def basis_at(data: SpectralData, pair: Pair, theta: Vector) -> CanonicalBasis | None:
    """V and Σ at parameters, diagonalised together; None where the likelihood does not exist."""
    basis = canonical_basis(*pair.matrices(theta))
    if basis is None or (data.n_residual and not basis.noise.min() > 1e-14):
        return None
    # Where V + Σ is singular to rounding error, its solver may not notice.
    return basis if (basis.signal + basis.noise).min() > 0.5 else None


def _point(data: SpectralData, pair: Pair, theta: Vector) -> _Point | None:
    basis = basis_at(data, pair, theta)
    if basis is None:
        return None
    likelihood = evaluate(data, basis)
    if not np.isfinite(likelihood.deviance):
        return None
    weights = basis.weights
    signal_gradient = weights @ likelihood.signal_gradient @ weights.T
    noise_gradient = weights @ likelihood.noise_gradient @ weights.T
    gradient = pair.pull(theta, signal_gradient, noise_gradient)
    return _Point(theta, basis, likelihood, signal_gradient, noise_gradient, gradient)


def _line_search(
    data: SpectralData, pair: Pair, point: _Point, metric: _Metric, criterion: float
) -> _Point | None:
    step = _newton_step(data, pair, point, metric, criterion)
    slope = float(point.gradient @ step)
    here = point.likelihood.deviance
    rounding = 1e-13 * abs(here) + 1e-12
    length = 1.0
    for _ in range(40):
        moved = _point(data, pair, pair.moved(point.theta, length * step, point.basis.weights))
        if moved is None:
            length *= 0.4
            continue
        change = moved.likelihood.deviance - here
        if change <= 1e-4 * length * slope + rounding:
            return moved
        rise = change - length * slope
        length *= min(max(-0.5 * length * slope / rise, 0.1), 0.5) if rise > 0.0 else 0.5
    return None


def _newton_step(data: SpectralData, pair: Pair, point: _Point, metric: _Metric, criterion: float) -> Vector:
    """Newton's step by preconditioned conjugate gradients, cut at negative curvature."""
    residual = -point.gradient
    ahead = metric.solve(residual)
    direction = ahead.copy()
    step = np.zeros_like(residual)
    size = first = float(residual @ ahead)
    forcing = min(0.1, 0.1 * criterion**0.5) ** 2
    for _ in range(MOST_PRODUCTS):
        product = _product(data, pair, point, metric, direction)
        bend = float(direction @ product)
        if bend <= 0.0:
            return step if step.any() else direction
        length = size / bend
        step = step + length * direction
        residual = residual - length * product
        ahead = metric.solve(residual)
        new_size = float(residual @ ahead)
        if new_size < forcing * first:
            break
        direction = ahead + (new_size / size) * direction
        size = new_size
    return step


def _product(data: SpectralData, pair: Pair, point: _Point, metric: _Metric, change: Vector) -> Vector:
    """The Hessian in the parameters times a change of them."""
    weights = point.basis.weights
    n_conditions = weights.shape[0]
    if metric.jacobian is not None:
        inside = (change @ metric.jacobian).reshape(-1, n_conditions)
        product = hessian_product(data, point.basis, point.likelihood, inside)
        back = metric.jacobian @ np.ravel(product)
    else:
        signal, noise = pair.push(point.theta, change)
        inside = np.concatenate([weights.T @ signal @ weights, weights.T @ noise @ weights])
        product = hessian_product(data, point.basis, point.likelihood, inside)
        back = pair.pull(
            point.theta,
            weights @ product[:n_conditions] @ weights.T,
            weights @ product[n_conditions:] @ weights.T,
        )
    return np.asarray(back + pair.bend(point.theta, change, point.signal, point.noise))
