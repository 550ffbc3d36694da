"""Which rows of a table are shown, and in which order? Filters and sorts of up to 100,000 rows.

The filter's language is the engine's (:mod:`regnet.row_filter`); this is its quick path for tables
whose cells are asked for one by one, so that no row has to be built before it is needed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from regnet.row_filter import RowFilter, Term

Row = TypeVar("Row")
Get = Callable[[Any, str], Any]

_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ":": operator.eq,
}


def filtered(rows: Sequence[Row], chosen: RowFilter, text: Callable[[Row], str], get: Get) -> Sequence[Row]:
    """Return the rows that pass a filter.

    `text` gives a row's text in small letters, for terms without a column; `get` a cell's value, or a
    tuple of several, by column.
    """
    for term in chosen.terms:
        if not term.column:
            word = term.value.casefold()
            rows = [row for row in rows if word in text(row)]
        else:
            rows = _with_term(rows, term, get)
    return rows


def _with_term(rows: Sequence[Row], term: Term, get: Get) -> list[Row]:
    column = term.column
    compare = _NUMERIC.get(term.sign)
    try:
        limit = float(term.value)
    except ValueError:
        compare = None
    told: dict[object, bool] = {}  # what the term says of a text: columns of texts repeat a few
    kept = []
    for row in rows:
        value = get(row, column)
        if compare is not None and type(value) is float:
            passes = compare(value, limit)
        else:
            # numbers that are equal to a flag are another thing than the flag
            key = value if type(value) is str else (type(value), value)
            known = told.get(key)
            passes = told[key] = term.passes({column: value}) if known is None else known
        if passes:
            kept.append(row)
    return kept


def sorting_key(value: object) -> tuple[int, float, str]:
    """Return what puts numbers before text before nothing, whatever the column holds."""
    if isinstance(value, tuple):
        value = value[0] if value else None
    if value is None or value == "":
        return (2, 0.0, "")
    if isinstance(value, int | float):
        return (2, 0.0, "") if value != value else (0, float(value), "")
    return (1, 0.0, str(value).lower())


def ordered(rows: Sequence[Row], get: Get, key: str, descending: bool) -> list[Row]:
    """Return rows sorted by a column; those without a value come last either way."""
    keyed = [(sorting_key(get(row, key)), row) for row in rows]
    empty = [row for found, row in keyed if found[0] == 2]
    full = [pair for pair in keyed if pair[0][0] != 2]
    full.sort(key=operator.itemgetter(0), reverse=descending)
    return [row for _, row in full] + empty
