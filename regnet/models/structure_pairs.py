"""How do two structures, or one structure and a share, make a pair of V and Σ?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from regnet.models.covariance import SMALL, Covariance, diagonal_blocks

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


class Pair(Protocol):
    """V and Σ as functions of one parameter vector; G are gradients with respect to both."""

    @property
    def n_parameters(self) -> int:
        """Number of free parameters."""

    @property
    def parts(self) -> tuple[Covariance, ...]:
        """The structures; their parameters stand one after the other, before any others."""

    def with_part(self, position: int, structure: Covariance) -> Pair:
        """The same relation with another structure at a position of `parts`."""

    def shares(self, theta: Vector) -> tuple[tuple[float, float], ...]:
        """How much of each of `parts` V and Σ hold."""

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

    def turns(self, theta: Vector) -> Matrix:
        """Orthonormal directions along which V and Σ stay the same, one column each."""

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

    @property
    def parts(self) -> tuple[Covariance, ...]:
        return self.signal, self.noise

    def with_part(self, position: int, structure: Covariance) -> SeparatePair:
        return replace(self, **{("signal", "noise")[position]: structure})

    def shares(self, theta: Vector) -> tuple[tuple[float, float], ...]:
        return (1.0, 0.0), (0.0, 1.0)

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
        return diagonal_blocks([self.signal.curvature(signal), self.noise.curvature(noise)])

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

    def turns(self, theta: Vector) -> Matrix:
        first, second = self._split(theta)
        return diagonal_blocks([self.signal.turns(first), self.noise.turns(second)])

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

    @property
    def parts(self) -> tuple[Covariance, ...]:
        return (self.total,)

    def with_part(self, position: int, structure: Covariance) -> ProportionalPair:
        return replace(self, total=structure)

    def shares(self, theta: Vector) -> tuple[tuple[float, float], ...]:
        return ((float(np.cos(theta[-1]) ** 2), float(np.sin(theta[-1]) ** 2)),)

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
        return diagonal_blocks([own, last])

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

    def turns(self, theta: Vector) -> Matrix:
        return diagonal_blocks([self.total.turns(theta[:-1]), np.empty((1, 0))])

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
