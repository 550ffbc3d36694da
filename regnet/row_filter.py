"""Which rows does ``conditions>4 state:finished quick`` mean? The filter language of run lists.

Terms have blanks between them, and a row has to pass them all. A term is a column, a comparison and a
value: ``>``, ``>=``, ``<``, ``<=``, ``=``, ``!=`` or ``:`` (text: contains; a number: equals). Values
with blanks stand in quotes. A term without a comparison is looked for in the row's texts. Where a cell
holds several values (a study's grid), one that fits is enough. Only the standard library is used.
"""

from __future__ import annotations

import difflib
import operator
import re
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from regnet.errors import InputError, shown
from regnet.parameters import write_value

Cell = bool | int | float | str | None
Row = Mapping[str, Cell | Sequence[Cell]]
"""A row: its cells by column; a cell may hold several values."""

_TERM = re.compile(r"(?P<column>[A-Za-z_][\w-]*)(?P<sign>>=|<=|!=|[><=:])(?P<value>.*)", re.DOTALL)
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; ``column`` is empty where any text of the row may hold the value."""

    column: str
    sign: str
    value: str

    def passes(self, row: Row) -> bool:
        """Whether the row fits the term."""
        if not self.column:
            texts = (_text(cell) for name in row for cell in _cells(row, name))
            return any(self.value.casefold() in text.casefold() for text in texts)
        cells = _cells(row, self.column)
        if self.sign == "!=":
            return not any(_equal(cell, self.value) for cell in cells)
        return any(self._fits(cell) for cell in cells)

    def _fits(self, cell: Cell) -> bool:
        if self.sign in _ORDERS:
            number, limit = _number(cell), _number(self.value)
            return number is not None and limit is not None and _ORDERS[self.sign](number, limit)
        if self.sign == ":" and isinstance(cell, str):
            return self.value.casefold() in cell.casefold()
        return _equal(cell, self.value)


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Conditions that a row has to fit all; none at all lets every row through."""

    terms: tuple[Term, ...] = ()

    def passes(self, row: Row) -> bool:
        """Whether the row fits every term."""
        return all(term.passes(row) for term in self.terms)


def read_filter(text: str | Sequence[str], columns: Collection[str]) -> RowFilter:
    """Return the filter that a text, or several, stand for.

    Parameters
    ----------
    text : str or sequence of str
        As typed into one line, or as the words of a command line.
    columns : collection of str
        The columns that there are; in a term, ``-`` is as good as ``_``.

    Raises
    ------
    InputError
        For an unknown column (with the nearest one), or an order that asks for something but a number.
    """
    if isinstance(text, str):
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise InputError("filter", "quotes in pairs", str(error).lower()) from None
    else:
        words = list(text)
    return RowFilter(tuple(_read_term(word, columns) for word in words if word))


def _read_term(word: str, columns: Collection[str]) -> Term:
    match = _TERM.fullmatch(word)
    if match is None:
        return Term("", ":", word)
    column, sign, value = match["column"].replace("-", "_"), match["sign"], match["value"].strip()
    if column not in columns:
        near = difflib.get_close_matches(column, list(columns), 1, 0.5)
        remedy = f"did you mean {near[0]}?" if near else ""
        raise InputError("filter", f"one of {', '.join(columns)}", shown(column), remedy)
    if sign in _ORDERS and _number(value) is None:
        raise InputError(f"filter, {column}", f"a number after {sign}", shown(value))
    if not value:
        raise InputError(f"filter, {column}", f"a value after {sign}", "none")
    return Term(column, sign, value)


def _cells(row: Row, column: str) -> Sequence[Cell]:
    cell = row.get(column)
    return cell if isinstance(cell, list | tuple) else (cell,)


def _equal(cell: Cell, value: str) -> bool:
    if isinstance(cell, bool):
        return value.casefold() in (("yes", "true") if cell else ("no", "false"))
    if isinstance(cell, int | float):
        return cell == _number(value)
    return cell is not None and cell.casefold() == value.casefold()


def _number(cell: Cell) -> float | None:
    if cell is None or isinstance(cell, bool):
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _text(cell: Cell) -> str:
    return "" if cell is None else write_value(cell)
