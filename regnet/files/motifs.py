"""How strongly does each motif match each gene's promoter? Tables of motif scores.

Tables as GimmeMotifs writes them (``gimme scan -T``: comment lines, an empty first header cell, rows
named by region, or by region and gene), and any tab- or comma-separated table with one row a gene and
one column a motif.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regnet.errors import InputError, shown
from regnet.files.table_names import find_table
from regnet.files.tables import read_table
from regnet.places import Places

if TYPE_CHECKING:
    import pandas as pd

_REGION_AND_GENE = re.compile(r"\S+:\d+-\d+\s+(\S+)")


@dataclass(frozen=True, eq=False)
class MotifScores:
    """A table of motif scores, raw: nothing is scaled, centred or dropped.

    Attributes
    ----------
    scores : ndarray of shape (n_genes, n_motifs)
        Motif scores, finite; not to be written to.
    genes, motifs : tuple of str
        Names of the rows and columns, each distinct.
    fingerprint : str
        16 hex digits that name the content (values and names), whatever the file was called.
    source : str
        Where the table comes from, in words.
    notes : tuple of str
        What a reader should know about how it was read.
    n_reserved : int
        Number of last rows that are kept for held-out genes and are not part of the fingerprint.
    """

    scores: NDArray[np.float64]
    genes: tuple[str, ...]
    motifs: tuple[str, ...]
    fingerprint: str
    source: str = ""
    notes: tuple[str, ...] = ()
    n_reserved: int = 0

    def __repr__(self) -> str:
        return f"MotifScores({len(self.genes)} genes × {len(self.motifs)} motifs, {self.source})"

    def to_frame(self) -> pd.DataFrame:
        """Return the scores as a DataFrame with genes as rows and motifs as columns."""
        import pandas as pd

        return pd.DataFrame(self.scores, index=list(self.genes), columns=list(self.motifs))


def motif_scores(
    scores: ArrayLike | pd.DataFrame,
    genes: Iterable[str] | None = None,
    motifs: Iterable[str] | None = None,
    *,
    source: str = "an array",
    notes: tuple[str, ...] = (),
    n_reserved: int = 0,
) -> MotifScores:
    """Make a table of motif scores from an array or a DataFrame.

    Parameters
    ----------
    scores : array_like or DataFrame of shape (n_genes, n_motifs)
        Motif scores, finite.
    genes, motifs : iterable of str, optional
        Names; by default a DataFrame's own, else ``gene_1 …`` and ``motif_1 …``.
    source, notes, n_reserved
        As in :class:`MotifScores`.

    Raises
    ------
    InputError
        Where the scores are not a finite matrix, or names are not distinct.
    """
    table: Any = scores
    named = hasattr(table, "columns")  # a DataFrame; a list has an index too, of another kind
    rows = table.index if genes is None and named else genes
    columns = table.columns if motifs is None and named else motifs
    try:
        matrix = np.array(scores, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise InputError("motif scores", "a matrix of numbers", "other values") from None
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InputError("motif scores", "a matrix of genes × motifs", f"an array of shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        where = f"motif scores, row {row + 1}, column {column + 1}"
        raise InputError(where, "a finite number", str(matrix[row, column]))
    names = (
        _names(rows, matrix.shape[0], "gene"),
        _names(columns, matrix.shape[1], "motif"),
    )
    matrix.setflags(write=False)
    kept = matrix.shape[0] - n_reserved
    fingerprint = _fingerprint(matrix[:kept], names[0][:kept], names[1])
    return MotifScores(matrix, *names, fingerprint, source, notes, n_reserved)


def read_motifs(path_or_name: str | os.PathLike[str], places: Places | None = None) -> MotifScores:
    """Read a table of motif scores.

    Parameters
    ----------
    path_or_name : str or path
        A file, or the name of a table that regNet ships (``"yeast"``) or that lies in ``motif/`` of
        the data directory.
    places : Places, optional
        The data directory; by default the one in force.

    Returns
    -------
    MotifScores
        Rows that GimmeMotifs names ``chrI:2170-2669 YAL068C`` are named by the gene (``YAL068C``),
        so that expression matches, if all rows are named so and the genes are distinct; else by the
        whole label.

    Raises
    ------
    InputError
        For a file that is missing, empty, no table, holds a cell that is no finite number, or names
        a gene or motif twice; with line and column.
    """
    try:
        path = find_table(path_or_name, "motif", places)
    except InputError as error:
        if path_or_name != "synthetic":
            raise
        remedy = "synthetic scores have the size of a scenario: regnet.simulate makes them"
        raise InputError("motifs", error.wanted, error.found, remedy) from None
    table = read_table(path, missing=False, column="motif")
    genes, notes = _gene_names(table.rows)
    source = f"{path_or_name}" if Path(path_or_name) != path else path.name
    return motif_scores(table.values, genes, table.columns, source=source, notes=notes)


def _gene_names(labels: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the genes' names, and notes on how they were found in the rows' labels."""
    matches = [_REGION_AND_GENE.fullmatch(label) for label in labels]
    genes = tuple(match[1] for match in matches if match)
    if len(genes) < len(labels):
        return labels, ()
    if len(set(genes)) < len(genes):
        return labels, ("genes have several regions each: rows are named by region and gene",)
    return genes, ()


def _names(given: Iterable[object] | None, size: int, what: str) -> tuple[str, ...]:
    if given is None:
        return tuple(f"{what}_{number}" for number in range(1, size + 1))
    names = tuple(str(name) for name in given)
    if len(names) != size:
        raise InputError("motif scores", f"{size} names of {what}s", f"{len(names)}")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise InputError("motif scores", f"{what}s with distinct names", f"{shown(name)} {count} times")
    return names


def _fingerprint(scores: NDArray[np.float64], genes: tuple[str, ...], motifs: tuple[str, ...]) -> str:
    digest = hashlib.sha256(json.dumps([genes, motifs]).encode())
    digest.update(np.ascontiguousarray(scores, dtype="<f8").data)
    return digest.hexdigest()[:16]
