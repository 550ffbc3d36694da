"""How are V and Σ fitted where one of them has a structure?

A trust region around Newton steps in the structures' parameters. The Hessian is exact: the
observed Hessian of :mod:`regnet.models.kronecker` in the canonical basis, by the chain rule, plus
the curvature of the parametrisation; a step is found by conjugate gradients that stop at the
region's edge or at negative curvature (Steihaug, SIAM J. Numer. Anal. 20:626, 1983),
preconditioned with the expected Hessian. All parameters are free (variances are squares), so a
covariance on the boundary of its structure is an ordinary minimum with quadratic convergence;
the false stationary points that squares have at zero are left by their multiplier's sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from regnet.models.covariance import SMALL, Covariance
from regnet.models.kronecker import (
    CanonicalBasis,
    Likelihood,
    SpectralData,
    canonical_basis,
    evaluate,
    hessian_product,
)
from regnet.models.optimum import Limits, Optimum, StopReason

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

MOST_PRODUCTS = 200
"""Most Hessian products of one step."""
MOST_PRECONDITIONED = 450
"""Most parameters for which the expected Hessian is formed and factored."""


class Pair(Protocol):
    """V and Σ as functions of one parameter vector; G are gradients with respect to both."""

    @property
    def n_parameters(self) -> int:
        """Number of free parameters."""

    def matrices(self, theta: Vector) -> tuple[Matrix, Matrix]:
        """V and Σ."""

    def push(self, theta: Vector, change: Vector) -> tuple[Matrix, Matrix]:
        """Differentials of V and Σ."""

    def pull(self, theta: Vector, signal: Matrix, noise: Matrix) -> Vector:
        """Gradient with respect to the parameters."""

    def bend(self, theta: Vector, change: Vector, signal: Matrix, noise: Matrix) -> Vector:
        """Curvature of the parametrisation times a change."""

    def curvature(self, theta: Vector, signal: Matrix, noise: Matrix) -> Matrix:
        """Curvature of the parametrisation for positive semidefinite gradients, written out."""

    def jacobian(self, theta: Vector, weights: Matrix) -> tuple[Matrix, Matrix]:
        """Differentials in a basis for all parameters, one row each."""

    def approach(self, signal: Matrix, noise: Matrix) -> Vector:
        """Parameters near two covariances."""

    def moved(self, theta: Vector, step: Vector, weights: Matrix) -> Vector:
        """Parameters after a step."""

    def snaps(self, theta: Vector) -> list[Vector]:
        """Parameters with a small direction set to zero, to be tried."""

    def release(self, theta: Vector, signal: Matrix, noise: Matrix) -> Vector | None:
        """Parameters off a false stationary point; None where there is none."""


@dataclass(frozen=True, eq=False, slots=True)
class SeparatePair:
    """V and Σ with parameters of their own."""

    signal: Covariance
    noise: Covariance

    @property
    def n_parameters(self) -> int:
        return self.signal.n_parameters + self.noise.n_parameters

    def _split(self, theta: Vector) -> tuple[Vector, Vector]:
        return theta[: self.signal.size], theta[self.signal.size :]

    def matrices(self, theta: Vector) -> tuple[Matrix, Matrix]:
        first, second = self._split(theta)
        return self.signal.matrix(first), self.noise.matrix(second)

    def push(self, theta: Vector, change: Vector) -> tuple[Matrix, Matrix]:
        (first, second), (move, other) = self._split(theta), self._split(change)
        return self.signal.push(first, move), self.noise.push(second, other)

    def pull(self, theta: Vector, signal: Matrix, noise: Matrix) -> Vector:
        first, second = self._split(theta)
        return np.concatenate([self.signal.pull(first, signal), self.noise.pull(second, noise)])

    def bend(self, theta: Vector, change: Vector, signal: Matrix, noise: Matrix) -> Vector:
        first, second = self._split(change)
        return np.concatenate([self.signal.bend(first, signal), self.noise.bend(second, noise)])

    def curvature(self, theta: Vector, signal: Matrix, noise: Matrix) -> Matrix:
        blocks = self.signal.curvature(signal), self.noise.curvature(noise)
        return np.asarray(scipy.linalg.block_diag(*blocks), dtype=np.float64)

    def jacobian(self, theta: Vector, weights: Matrix) -> tuple[Matrix, Matrix]:
        first, second = self._split(theta)
        upper = self.signal.jacobian(first, weights)
        lower = self.noise.jacobian(second, weights)
        n_upper, n_lower, width = len(upper), len(lower), upper.shape[1]
        return (
            np.concatenate([upper, np.zeros((n_lower, width))]),
            np.concatenate([np.zeros((n_upper, width)), lower]),
        )

    def approach(self, signal: Matrix, noise: Matrix) -> Vector:
        return np.concatenate([self.signal.approach(signal), self.noise.approach(noise)])

    def moved(self, theta: Vector, step: Vector, weights: Matrix) -> Vector:
        (first, second), (move, other) = self._split(theta), self._split(step)
        return np.concatenate(
            [self.signal.moved(first, move, weights), self.noise.moved(second, other, weights)]
        )

    def snaps(self, theta: Vector) -> list[Vector]:
        first, second = self._split(theta)
        return [np.concatenate([snapped, second]) for snapped in self.signal.snaps(first)] + [
            np.concatenate([first, snapped]) for snapped in self.noise.snaps(second)
        ]

    def release(self, theta: Vector, signal: Matrix, noise: Matrix) -> Vector | None:
        first, second = self._split(theta)
        scales = [float(np.sqrt(np.trace(m) / len(m))) for m in self.matrices(theta)]
        size = max(scales)
        moved = self.signal.release(first, signal, size)
        other = self.noise.release(second, noise, size)
        if moved is None and other is None:
            return None
        return np.concatenate([first if moved is None else moved, second if other is None else other])


@dataclass(frozen=True, eq=False, slots=True)
class ProportionalPair:
    """V = cos²φ S and Σ = sin²φ S; S with parameters of its own, φ the last one.

    Neither V = 0 nor Σ = 0 is at infinity then, as they would be with Σ = kV.
    """

    total: Covariance

    @property
    def n_parameters(self) -> int:
        return self.total.n_parameters + 1

    def matrices(self, theta: Vector) -> tuple[Matrix, Matrix]:
        total = self.total.matrix(theta[:-1])
        return np.cos(theta[-1]) ** 2 * total, np.sin(theta[-1]) ** 2 * total

    def push(self, theta: Vector, change: Vector) -> tuple[Matrix, Matrix]:
        moved = self.total.push(theta[:-1], change[:-1])
        turned = np.sin(2.0 * theta[-1]) * change[-1] * self.total.matrix(theta[:-1])
        signal, noise = self._shared(theta, moved, moved)
        return signal - turned, noise + turned

    def pull(self, theta: Vector, signal: Matrix, noise: Matrix) -> Vector:
        own = self.total.pull(theta[:-1], self._mixed(theta, signal, noise))
        slope = np.vdot(noise - signal, self.total.matrix(theta[:-1]))
        return np.append(own, np.sin(2.0 * theta[-1]) * slope)

    def bend(self, theta: Vector, change: Vector, signal: Matrix, noise: Matrix) -> Vector:
        slope, turn = noise - signal, change[-1]
        first, second = np.sin(2.0 * theta[-1]), 2.0 * np.cos(2.0 * theta[-1])
        own = self.total.bend(change[:-1], self._mixed(theta, signal, noise))
        own = own + first * turn * self.total.pull(theta[:-1], slope)
        last = second * turn * np.vdot(slope, self.total.matrix(theta[:-1]))
        last += first * np.vdot(slope, self.total.push(theta[:-1], change[:-1]))
        return np.append(own, last)

    def curvature(self, theta: Vector, signal: Matrix, noise: Matrix) -> Matrix:
        own = self.total.curvature(self._mixed(theta, signal, noise))
        # What leaving V = 0 costs counts at sin²φ = 1, what leaving Σ = 0 costs at cos²φ = 1.
        crossed = self._mixed(theta, noise, signal)
        last = np.array([[2.0 * float(np.vdot(crossed, self.total.matrix(theta[:-1])))]])
        return np.asarray(scipy.linalg.block_diag(own, last), dtype=np.float64)

    def jacobian(self, theta: Vector, weights: Matrix) -> tuple[Matrix, Matrix]:
        own = self.total.jacobian(theta[:-1], weights)
        here = np.ravel(weights.T @ self.total.matrix(theta[:-1]) @ weights)
        turned = np.sin(2.0 * theta[-1]) * here[None, :]
        signal, noise = self._shared(theta, own, own)
        return np.concatenate([signal, -turned]), np.concatenate([noise, turned])

    def approach(self, signal: Matrix, noise: Matrix) -> Vector:
        traces = max(float(np.trace(signal)), 0.0), max(float(np.trace(noise)), 0.0)
        angle = np.arctan2(np.sqrt(traces[1]), np.sqrt(traces[0]))
        return np.append(self.total.approach(signal + noise), angle)

    def moved(self, theta: Vector, step: Vector, weights: Matrix) -> Vector:
        return np.append(self.total.moved(theta[:-1], step[:-1], weights), theta[-1] + step[-1])

    def snaps(self, theta: Vector) -> list[Vector]:
        snapped = [np.append(own, theta[-1]) for own in self.total.snaps(theta[:-1])]
        if 0.0 < abs(np.cos(theta[-1])) < SMALL and np.cos(theta[-1]) != np.cos(0.5 * np.pi):
            snapped.append(np.append(theta[:-1], 0.5 * np.pi))
        return snapped

    def release(self, theta: Vector, signal: Matrix, noise: Matrix) -> Vector | None:
        total = self.total.matrix(theta[:-1])
        scale = float(np.sqrt(np.trace(total) / len(total)))
        own = self.total.release(theta[:-1], self._mixed(theta, signal, noise), scale)
        slope, angle = float(np.vdot(noise - signal, total)), theta[-1]
        if abs(np.cos(angle)) < 1e-4 and slope > 0.0:
            angle = 0.5 * np.pi - 0.03
        elif abs(np.sin(angle)) < 1e-4 and slope < 0.0:
            angle = 0.03
        if own is None and angle == theta[-1]:
            return None
        return np.append(theta[:-1] if own is None else own, angle)

    def _mixed(self, theta: Vector, signal: Matrix, noise: Matrix) -> Matrix:
        first, second = self._shared(theta, signal, noise)
        return first + second

    @staticmethod
    def _shared(theta: Vector, signal: Matrix, noise: Matrix) -> tuple[Matrix, Matrix]:
        return np.cos(theta[-1]) ** 2 * signal, np.sin(theta[-1]) ** 2 * noise


@dataclass(frozen=True, eq=False, slots=True)
class _Point:
    theta: Vector
    basis: CanonicalBasis
    likelihood: Likelihood
    signal: Matrix
    noise: Matrix
    gradient: Vector


def climb_structured(data: SpectralData, pair: Pair, start: Vector, limits: Limits) -> Optimum | None:
    """Follow the likelihood of a structured pair from a start to its next maximum.

    Returns None where the likelihood does not exist at the start.
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
            free = pair.release(point.theta, point.signal, point.noise)
            released = None if free is None else _point(data, pair, free)
            if released is None or released.likelihood.deviance >= point.likelihood.deviance:
                reason = "converged"
                break
            point = released
            continue
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
    return Optimum(point.basis, point.likelihood, criterion, iteration, reason)


class _Metric:
    """The expected Hessian in the parameters, factored; or its diagonal where there are many."""

    def __init__(self, pair: Pair, point: _Point) -> None:
        size = point.theta.size
        vv, vs, ss = (np.ravel(block) for block in point.likelihood.expected)
        upper, lower = pair.jacobian(point.theta, point.basis.weights)
        # What a null direction's multiplier adds is part of what a step costs, as in the free fit.
        expected = pair.curvature(point.theta, _positive(point.signal), _positive(point.noise))
        if size > MOST_PRECONDITIONED:
            diagonal = expected.diagonal() + (upper**2) @ vv + 2.0 * (upper * lower) @ vs
            diagonal += (lower**2) @ ss
            self.diagonal = diagonal + 1e-8 * diagonal.mean()
            self.factor = None
            return
        cross = (upper * vs) @ lower.T
        expected += (upper * vv) @ upper.T + (lower * ss) @ lower.T + cross + cross.T
        # Rotations of L change nothing: without this their block would be singular.
        expected.flat[:: size + 1] += 1e-8 * max(expected.trace() / size, 1e-300)
        self.diagonal = expected.diagonal()
        self.factor = scipy.linalg.cho_factor(expected, check_finite=False)

    def solve(self, vector: Vector) -> Vector:
        if self.factor is None:
            return np.asarray(vector / self.diagonal)
        return np.asarray(scipy.linalg.cho_solve(self.factor, vector, check_finite=False))


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


def _point(data: SpectralData, pair: Pair, theta: Vector) -> _Point | None:
    signal, noise = pair.matrices(theta)
    basis = canonical_basis(signal, noise)
    if basis is None or (data.n_residual and not basis.noise.min() > 1e-14):
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
    for count in range(MOST_PRODUCTS):
        product = _product(data, pair, point, direction)
        bend = float(direction @ product)
        if bend <= 0.0:
            return direction if count == 0 else step
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


def _product(data: SpectralData, pair: Pair, point: _Point, change: Vector) -> Vector:
    weights = point.basis.weights
    signal, noise = pair.push(point.theta, change)
    inside = np.concatenate([weights.T @ signal @ weights, weights.T @ noise @ weights])
    product = hessian_product(data, point.basis, point.likelihood, inside)
    n_conditions = weights.shape[0]
    back = pair.pull(
        point.theta,
        weights @ product[:n_conditions] @ weights.T,
        weights @ product[n_conditions:] @ weights.T,
    )
    return back + pair.bend(point.theta, change, point.signal, point.noise)
