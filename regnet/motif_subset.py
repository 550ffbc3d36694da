"""Which genes and motifs of a table take part, and how are their scores scaled?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError
from regnet.files.motifs import MotifScores
from regnet.randomness import stream
from regnet.scenario import Scenario

Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]

RANGE_OFFSET = 1e-4
"""Added to a motif's range when its scores are scaled, as in the original software."""

_LISTED = 3  # names of dropped motifs in a note


@dataclass(frozen=True, eq=False)
class MotifSubset:
    """The part of a motif table that is in use, scaled.

    Attributes
    ----------
    scores : ndarray of shape (n_genes, n_motifs)
        (m − min)/(max − min + 1e-4) for every motif over the genes in use, less its mean if centred.
    held_out_scores : ndarray of shape (n_held_out, n_motifs)
        Further genes, by the same minimum, range and mean; they may lie outside [0, 1].
    genes, motifs, held_out_genes : tuple of str
        Names, in the table's order.
    notes : tuple of str
        Which motifs were dropped as constant; how many genes could be held out, where fewer than asked.
    """

    scores: Matrix
    held_out_scores: Matrix
    genes: tuple[str, ...]
    motifs: tuple[str, ...]
    held_out_genes: tuple[str, ...]
    notes: tuple[str, ...]


def choose_subset(scenario: Scenario, table: MotifScores, *, seed: int = 1, held_out: int = 0) -> MotifSubset:
    """Choose the genes, then the motifs among those that vary over them, and scale the scores.

    Parameters
    ----------
    scenario : Scenario
        `genes`, `tfs`, `subset` and `centre_motifs` are used. ``random`` draws without replacement
        from (seed, table, genes, tfs); ``variable`` takes the highest variances of scores scaled to
        their range (over the whole table for genes, over the genes in use for motifs); ``first``
        takes the table's first.
    table : MotifScores
        The table, raw.
    seed : int
        Seed of the study.
    held_out : int
        Most genes to hold out: drawn at random from those not in use.

    Raises
    ------
    InputError
        Where the table has fewer genes, or fewer motifs that vary, than asked for, or `held_out` is
        negative.
    """
    if held_out < 0:
        raise InputError("held_out", "a whole number of at least 0", str(held_out))
    n_open = len(table.genes) - table.n_reserved
    n_genes, n_motifs = scenario.genes, scenario.tfs
    if n_genes > n_open:
        raise InputError(
            "genes",
            f"at most {n_open}, the number of rows of the motif table",
            str(n_genes),
            "ask for fewer genes or use another table (synthetic has any size)",
        )
    labels = (table.fingerprint, n_genes, n_motifs, scenario.subset)
    rng = stream(seed, "subset", *labels)
    rows = _choose_genes(scenario, table.scores[:n_open], rng)
    in_use = table.scores[rows]
    lowest, highest = in_use.min(axis=0), in_use.max(axis=0)
    varying = np.flatnonzero(highest > lowest)
    if n_motifs > varying.size:
        n_constant = len(table.motifs) - varying.size
        dropped = f" ({n_constant} constant ones dropped)" if n_constant else ""
        raise InputError(
            "tfs",
            f"at most {varying.size}, the number of motifs that vary over the {n_genes} genes{dropped}",
            str(n_motifs),
            "ask for fewer motifs or use another table (synthetic has any size)",
        )
    width = highest - lowest + RANGE_OFFSET
    columns = _choose_motifs(scenario, in_use, width, varying, rng)
    further = _choose_held_out(table, rows, stream(seed, "held-out genes", *labels))[:held_out]
    lowest, width = lowest[columns], width[columns]
    # Rows in memory, whatever numpy's indexing gives: products of it are the same to the last bit.
    scores = np.ascontiguousarray((in_use[:, columns] - lowest) / width)
    held = (table.scores[np.ix_(further, columns)] - lowest) / width
    if scenario.centre_motifs:
        mean = scores.mean(axis=0)
        scores, held = scores - mean, held - mean
    scores.setflags(write=False)
    held.setflags(write=False)
    return MotifSubset(
        scores=scores,
        held_out_scores=held,
        genes=tuple(table.genes[row] for row in rows),
        motifs=tuple(table.motifs[column] for column in columns),
        held_out_genes=tuple(table.genes[row] for row in further),
        notes=_notes(table, varying, held_out, further.size),
    )


def _choose_genes(scenario: Scenario, scores: Matrix, rng: np.random.Generator) -> Indices:
    n_rows = scores.shape[0]
    if scenario.subset == "first" or scenario.genes == n_rows:
        return np.arange(scenario.genes)
    if scenario.subset == "random":
        return np.sort(rng.choice(n_rows, scenario.genes, replace=False))
    lowest, highest = scores.min(axis=0), scores.max(axis=0)
    variance = ((scores - lowest) / (highest - lowest + RANGE_OFFSET)).var(axis=1)
    return _largest(variance, scenario.genes)


def _choose_motifs(
    scenario: Scenario, scores: Matrix, width: Matrix, varying: Indices, rng: np.random.Generator
) -> Indices:
    if scenario.subset == "first":
        return varying[: scenario.tfs]
    if scenario.subset == "random":
        return np.sort(rng.choice(varying, scenario.tfs, replace=False))
    return varying[_largest((scores.var(axis=0) / width**2)[varying], scenario.tfs)]


def _choose_held_out(table: MotifScores, rows: Indices, rng: np.random.Generator) -> Indices:
    """Return all genes not in use, in an order of which any beginning may be held out.

    Those reserved for it come first: whoever made the table made them for this.
    """
    n_open = len(table.genes) - table.n_reserved
    rest = rng.permutation(np.setdiff1d(np.arange(n_open), rows))
    return np.concatenate([np.arange(n_open, len(table.genes)), rest])


def _largest(values: Matrix, n: int) -> Indices:
    """Return the indices of the n largest values in ascending order; of equal values the first."""
    return np.sort(np.argsort(-values, kind="stable")[:n])


def _notes(table: MotifScores, varying: Indices, held_out: int, n_held_out: int) -> tuple[str, ...]:
    notes = []
    constant = sorted(set(range(len(table.motifs))) - set(varying.tolist()))
    if constant:
        names = ", ".join(table.motifs[column] for column in constant[:_LISTED])
        more = f" and {len(constant) - _LISTED} more" if len(constant) > _LISTED else ""
        plural = "motif is" if len(constant) == 1 else "motifs are"
        notes.append(f"{len(constant)} {plural} constant over the genes in use and dropped: {names}{more}")
    if n_held_out < held_out:
        notes.append(f"{n_held_out} genes are left to be held out, of the {held_out} asked for")
    return tuple(notes)
