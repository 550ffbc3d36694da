"""How does a table leave the screen as text? With tabs between its cells, as spreadsheets take it."""

from __future__ import annotations

from regnet_tui.row_table import RowTable
from regnet_tui.safe_text import clean

MOST_ROWS = 5000
"""Rows that are copied; a longer table is exported to a file instead."""


def as_text(table: RowTable) -> str:
    """Return a table's columns and rows as lines of cells with tabs between."""
    lines = ["\t".join(column.title for column in table.columns)]
    for row in table.rows[:MOST_ROWS]:
        lines.append("\t".join(clean(table.cell(row, column.key).text) for column in table.columns))
    return "\n".join(lines) + "\n"
