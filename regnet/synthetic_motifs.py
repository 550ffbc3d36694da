"""What do motif scores look like where no table is large enough? A recipe for any size.

The recipe gives scores whose columns are as skewed, and as correlated, as those of the yeast promoter
table that regNet ships: 5,987 promoters × 179 motifs. Three steps, of which the first two depend on
the seed and the number of motifs only:

1. Correlations between motifs: a random orthogonal basis with eigenvalues in proportion to
   i^(−0.65)·(1 − (i−1)/T)^¼, i = 1 … T, scaled to a unit diagonal. (In yeast the first eigenvalue has
   7 % of the trace, the first ten 30 %.)
2. A skewness for each motif from the triangular distribution on (−1, 1.1) with its mode at 0.75. (In
   yeast the quantiles 5, 25, 50, 75 and 95 % are −0.7, 0.0, 0.4, 0.6 and 0.9.)
3. Genes are independent: normal variables with those correlations, each bent by the cubic of Wilson &
   Hilferty, PNAS 17:684 (1931), to a gamma variable of that skewness (mirrored where it is negative),
   with mean 5 and standard deviation 1, cut at 0 and rounded to 2 decimals. (Rounding makes the
   table, and with it every number that follows from its content, the same on every machine.)

Rows are drawn one after another: a table with more genes starts with the same rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.files.motifs import MotifScores, motif_scores, read_motifs
from regnet.places import Places
from regnet.randomness import stream
from regnet.scenario import Scenario

SYNTHETIC = "synthetic"
"""The motif source's name in scenarios."""

_DECAY, _TAIL = 0.65, 0.25
_SKEWNESS = (-1.0, 0.75, 1.1)
_MEAN = 5.0


def synthetic_motifs(n_genes: int, n_motifs: int, seed: int, *, n_reserved: int = 0) -> MotifScores:
    """Make a table of skewed, correlated, non-negative motif scores.

    Parameters
    ----------
    n_genes, n_motifs : int
        Numbers of rows and columns, at least 1.
    seed : int
        The same seed and number of motifs give the same rows, however many.
    n_reserved : int
        Number of further rows, for held-out genes.

    Raises
    ------
    InputError
        Where a size is below 1.

    Notes
    -----
    O(T³) for the correlations and O(G·T²) for the scores.
    """
    for what, size in (("genes", n_genes), ("tfs", n_motifs)):
        if size < 1:
            raise InputError(what, "a whole number of at least 1", str(size))
    recipe = stream(seed, "synthetic motifs", n_motifs)
    root = _correlation_root(n_motifs, recipe)
    skewness = recipe.triangular(*_SKEWNESS, size=n_motifs)
    n_rows = n_genes + n_reserved
    rows = stream(seed, "synthetic genes", n_motifs)
    normal = rows.standard_normal((n_rows, n_motifs)) @ root.T
    scores = np.round(np.maximum(_MEAN + _skewed(normal, skewness), 0.0), 2)
    return motif_scores(
        scores,
        [f"gene_{number}" for number in range(1, n_rows + 1)],
        [f"motif_{number}" for number in range(1, n_motifs + 1)],
        source=f"{SYNTHETIC}, {n_genes} × {n_motifs}, seed {seed}",
        n_reserved=n_reserved,
    )


def motifs_for(
    scenario: Scenario, seed: int, places: Places | None = None, *, held_out: int = 0
) -> MotifScores:
    """Return the motif table that a scenario asks for: read, or made to its size.

    Parameters
    ----------
    scenario : Scenario
        Its `motifs` is a file, a table's name or ``synthetic``.
    seed : int
        Seed of the study, for synthetic tables.
    places : Places, optional
        The data directory in which names are looked up.
    held_out : int
        Number of further genes that a synthetic table gets, for held-out R².

    Raises
    ------
    InputError
        As :func:`regnet.files.motifs.read_motifs`.
    """
    if scenario.motifs == SYNTHETIC:
        return synthetic_motifs(scenario.genes, scenario.tfs, seed, n_reserved=held_out)
    return read_motifs(scenario.motifs, places)


def _correlation_root(n_motifs: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a root R of the motifs' correlation matrix RRᵀ."""
    rank = np.arange(1, n_motifs + 1)
    eigenvalues = rank**-_DECAY * (1.0 - (rank - 1) / n_motifs) ** _TAIL
    basis, triangle = np.linalg.qr(rng.standard_normal((n_motifs, n_motifs)))
    basis *= np.where(np.diagonal(triangle) < 0.0, -1.0, 1.0)  # unique, whatever LAPACK's signs
    root = basis * np.sqrt(eigenvalues)
    return np.asarray(root / np.linalg.norm(root, axis=1, keepdims=True), dtype=np.float64)


def _skewed(normal: NDArray[np.float64], skewness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bend standard normal columns to mean 0, standard deviation 1 and the given skewness."""
    sign = np.where(skewness < 0.0, -1.0, 1.0)
    size = np.maximum(np.abs(skewness), 1e-3)
    # (2/g)·[(1 + g z/6 − g²/36)³ − 1]
    cubic = (1.0 + normal * (sign * size / 6.0) - size**2 / 36.0) ** 3
    return np.asarray(sign * (2.0 / size) * (cubic - 1.0), dtype=np.float64)
