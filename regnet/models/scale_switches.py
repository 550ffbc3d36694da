"""Which single variances of a structure are worth switching on or off?

A variance at zero, or one that keeps V of full rank, can each be a maximum of its own where one
singular value of the scores dominates (see :mod:`regnet.models.canonical_scan`). A switch is judged
by −2 log likelihood with all else as it is, which overstates its rise, as the others have yet to adapt.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regnet.models.covariance import Scales
from regnet.models.kronecker import SpectralData, deviance
from regnet.models.structure_pairs import Pair
from regnet.models.structured_fit import basis_at

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

WORTH = 15.0
"""Most that −2 log likelihood may rise at first for a switch to be worth a climb."""
MOST_SWITCHES = 2
"""How many switches of one term are tried."""
SIZES = (0.03, 0.1, 0.3, 1.0)
"""Standard deviations at which a variance is switched on, in those of a condition."""


def switches(data: SpectralData, pair: Pair, theta: Vector, here: float) -> list[Vector]:
    """Parameters with one variance switched, those that promise most of each term first.

    Parameters
    ----------
    theta : ndarray
        A maximum.
    here : float
        −2 log likelihood there.
    """
    signal, noise = pair.matrices(theta)
    typical = float(np.sqrt(np.trace(signal + noise) / len(signal)))
    chosen: list[Vector] = []
    start = 0
    for structure in pair.parts:
        for term in structure.terms:
            places = range(start, start + term.size)
            start += term.size
            if not isinstance(term, Scales):
                continue
            rises = []
            for place in places:
                if theta[place] != 0.0:
                    values: tuple[float, ...] = (0.0,)
                else:
                    values = tuple(size * typical for size in SIZES)
                candidates = [np.where(np.arange(theta.size) == place, value, theta) for value in values]
                judged = [(deviance_at(data, pair, switched), switched) for switched in candidates]
                rises.append(min(judged, key=lambda pair: pair[0]))
            rises.sort(key=lambda pair: pair[0])
            chosen += [switched for value, switched in rises[:MOST_SWITCHES] if value < here + WORTH]
    return chosen


def deviance_at(data: SpectralData, pair: Pair, theta: Vector) -> float:
    """−2 log likelihood at parameters; infinite where it does not exist."""
    basis = basis_at(data, pair, theta)
    if basis is None:
        return np.inf
    value = deviance(data, basis)
    return value if np.isfinite(value) else np.inf
