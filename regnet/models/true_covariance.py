"""Which covariances between conditions are data simulated with?

Draws the signal covariance V and the noise covariance Σ of a simulated study, as in Lederer,
Heskes, van Heeringen & Albers, PLoS ONE 15(5):e0231824 (2020). All are scaled to trace 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.models.structure_names import parse_true_noise, parse_true_signal

Matrix = NDArray[np.float64]

BETWEEN_BLOCKS = -0.01
"""Covariance between conditions of different blocks of ``lowrank_k``, before scaling."""
RIDGE_ON_DIAGONAL = 1e-4
"""Multiple of the identity that ``lowrank_k`` has, before scaling."""


def draw_signal_covariance(kind: str, n_conditions: int, rng: np.random.Generator) -> Matrix:
    """Draw a signal covariance V between conditions.

    Parameters
    ----------
    kind : str
        ``id``: the identity. ``random`` (also called ``freeform``): (I+N)(I+N)ᵀ with N
        uniform on (0, 1). ``lowrank_k``: the conditions split into k runs of
        random sizes of at least 1; ones inside a block, −0.01 between blocks, plus 1e-4 I,
        made positive semidefinite where it is not.
    n_conditions : int
        Number of conditions C.
    rng : numpy.random.Generator
        Where the draw comes from.

    Returns
    -------
    ndarray of shape (n_conditions, n_conditions)
        Positive semidefinite, of trace 1.

    Raises
    ------
    InputError
        For an unknown kind, or more blocks than conditions.
    """
    name = parse_true_signal(kind, n_conditions)
    if name.rank is not None:
        return _scaled_to_trace_one(_blocks(name.rank, n_conditions, rng))
    if name.kind == "id":
        return _scaled_to_trace_one(np.eye(n_conditions))
    root = np.eye(n_conditions) + rng.uniform(size=(n_conditions, n_conditions))
    return _scaled_to_trace_one(root @ root.T)


def draw_noise_covariance(
    kind: str,
    n_conditions: int,
    noise_fraction: float,
    signal_covariance: Matrix,
    rng: np.random.Generator,
) -> Matrix:
    """Draw a noise covariance Σ between conditions.

    Parameters
    ----------
    kind : str
        ``identity``: I. ``random``: RᵀR with R standard normal. ``identityV``, ``randomV``:
        the same plus γV, with γ such that V has the share `noise_fraction` of the trace.
    n_conditions : int
        Number of conditions C.
    noise_fraction : float
        Share f of V in the noise, 0 ≤ f ≤ 1, for the two kinds that end in V; γ =
        f/(1−f)·tr(Σ)/tr(V), and at f = 1 the noise covariance is V.
    signal_covariance : ndarray of shape (n_conditions, n_conditions)
        V, of any scale.
    rng : numpy.random.Generator
        Where the draw comes from.

    Returns
    -------
    ndarray of shape (n_conditions, n_conditions)
        Positive semidefinite, of trace 1.

    Raises
    ------
    InputError
        For an unknown kind, or a noise fraction outside [0, 1].
    """
    name = parse_true_noise(kind)
    if not 0.0 <= noise_fraction <= 1.0:
        raise InputError("noise_fraction", "a number from 0 to 1", repr(noise_fraction), "change it")
    if name.startswith("identity"):
        noise = np.eye(n_conditions)
    else:
        root = rng.standard_normal((n_conditions, n_conditions))
        noise = root.T @ root
    noise = _scaled_to_trace_one(noise)
    if name.endswith("V"):
        signal = _scaled_to_trace_one(signal_covariance)
        noise = (1.0 - noise_fraction) * noise + noise_fraction * signal
    return noise


def _blocks(n_blocks: int, n_conditions: int, rng: np.random.Generator) -> Matrix:
    cuts = np.sort(rng.choice(np.arange(1, n_conditions), size=n_blocks - 1, replace=False))
    block = np.searchsorted(cuts, np.arange(n_conditions), side="right")
    covariance = np.where(block[:, None] == block[None, :], 1.0, BETWEEN_BLOCKS)
    covariance = covariance + RIDGE_ON_DIAGONAL * np.eye(n_conditions)
    values, vectors = np.linalg.eigh(covariance)
    if values[0] < 0.0:
        covariance = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return covariance


def _scaled_to_trace_one(covariance: Matrix) -> Matrix:
    return np.asarray(covariance / np.trace(covariance), dtype=np.float64)
