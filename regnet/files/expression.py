"""How strongly is each gene expressed in each condition? Tables of expression."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from regnet.files.table_names import find_table
from regnet.files.tables import read_table
from regnet.places import Places

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Expression:
    """A table of expression as it stands in its file.

    Attributes
    ----------
    expression : ndarray of shape (n_genes, n_conditions)
        Expression; NaN where a value is missing. Not to be written to.
    genes, conditions : tuple of str
        Names of the rows and columns, each distinct.
    source : str
        Where the table comes from, in words.
    """

    expression: NDArray[np.float64]
    genes: tuple[str, ...]
    conditions: tuple[str, ...]
    source: str = ""

    @property
    def n_missing(self) -> int:
        """Number of missing values."""
        return int(np.isnan(self.expression).sum())

    def __repr__(self) -> str:
        return f"Expression({len(self.genes)} genes × {len(self.conditions)} conditions, {self.source})"

    def to_frame(self) -> pd.DataFrame:
        """Return the expression as a DataFrame with genes as rows and conditions as columns."""
        import pandas as pd

        return pd.DataFrame(self.expression, index=list(self.genes), columns=list(self.conditions))


def read_expression(path_or_name: str | os.PathLike[str], places: Places | None = None) -> Expression:
    """Read a table of expression: one row a gene, one column a condition.

    Parameters
    ----------
    path_or_name : str or path
        A file, or the name of a table that regNet ships (``"yeast"``) or that lies in
        ``expression/`` of the data directory. Cells may be empty (or NA): missing.
    places : Places, optional
        The data directory; by default the one in force.

    Raises
    ------
    InputError
        For a file that is missing, empty, no table, holds a cell that is neither missing nor a finite
        number, or names a gene or condition twice; with line and column.
    """
    path = find_table(path_or_name, "expression", places)
    table = read_table(path, missing=True, column="condition")
    table.values.setflags(write=False)
    source = f"{path_or_name}" if Path(path_or_name) != path else path.name
    return Expression(table.values, table.rows, table.columns, source)
