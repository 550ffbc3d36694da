"""Where does an optimisation start?

limix, and with it the original study, starts both covariances at half the empirical covariance of
the expression; INIT starts them at the covariances that generated the data; PERTURB adds normal
noise to the starting parameters and restarts until one start converges.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.models.kronecker import SpectralData

Matrix = NDArray[np.float64]
CovariancePair = tuple[Matrix, Matrix]
Init = Literal["default", "truth", "random"]


def starting_pairs(
    data: SpectralData,
    init: Init,
    truth: CovariancePair | None,
    *,
    n_perturbed: int = 0,
    perturb_size: float = 1e-3,
    rng: np.random.Generator | None = None,
) -> Iterator[CovariancePair]:
    """Yield pairs of V and Σ to start from: one, or `n_perturbed` perturbed ones.

    Parameters
    ----------
    data : SpectralData
        In units in which expression and squared singular values are of order one.
    init : "default", "truth" or "random"
        Half the empirical covariance each (a gene of mean squared score having half its variance
        from the signal); `truth`, in the same units; or random roots times that of the
        empirical covariance.
    n_perturbed : int
        Number of starts perturbed by N(0, perturb_size²) on the Cholesky factors of both; 0 for
        the plain start alone.

    Raises
    ------
    InputError
        Where truth or generator are needed and missing.
    """
    if init not in ("default", "truth", "random"):
        raise InputError("init", "one of default, truth, random", repr(init), "choose one of them")
    if (init == "random" or n_perturbed) and rng is None:
        raise InputError("rng", "a random generator for random or perturbed starts", "none")
    if init == "truth" and truth is None:
        raise InputError("truth", "the pair of covariances to start from", "none", "pass truth=(V, Σ)")
    empirical = (data.rotated.T @ data.rotated + data.residual_gram) / data.n_genes
    for _ in range(max(n_perturbed, 1)):
        if init == "truth" and truth is not None:
            pair = truth
        elif init == "random" and rng is not None:
            pair = (_random(empirical, rng), _random(empirical, rng))
        else:
            pair = (0.5 * empirical, 0.5 * empirical)
        if n_perturbed and rng is not None:
            pair = (_perturbed(pair[0], perturb_size, rng), _perturbed(pair[1], perturb_size, rng))
        yield pair


def _random(empirical: Matrix, rng: np.random.Generator) -> Matrix:
    n_conditions = len(empirical)
    root = _root(empirical) @ rng.standard_normal((n_conditions, 2 * n_conditions))
    return np.asarray(root @ root.T * (10.0 ** rng.uniform(-2.0, 0.0) / (2 * n_conditions)))


def _perturbed(covariance: Matrix, size: float, rng: np.random.Generator) -> Matrix:
    root = _root(covariance)
    root = root + size * rng.standard_normal(root.shape)
    return np.asarray(root @ root.T)


def _root(covariance: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
