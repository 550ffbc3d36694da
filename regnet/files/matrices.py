"""Which matrix stands in this small table? The matrix K of the structure ``fixed``, read from text.

Tab-, comma- or blank-separated, one row and one column a condition, with the conditions' names at the
top, at the left, both or neither. Only the standard library is imported: a form starts runs, too.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from regnet.errors import InputError, shown
from regnet.matrix_text import MOST_CONDITIONS, arrange, is_written_out, write_matrix

if TYPE_CHECKING:
    from regnet.study import Study

MATRICES = {"signal_matrix": "signal_model", "noise_matrix": "noise_model"}
"""The parameters that hold a matrix, and those that say whether it has an effect."""

_MOST_BYTES = 2_000_000
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NO_NAMES = ("NA", "N/A", "NAN", "NULL", "NONE", "INF", "+INF", "-INF")  # cells that are no names

Line = tuple[int, list[str]]


def matrix_files(study: Study) -> dict[str, Path]:
    """Return the files that stand for matrices of a study, by parameter; those with an effect."""
    texts = {name: str(study.values[name][0]) for name, model in MATRICES.items() if _is_used(study, model)}
    return {
        name: Path(text).expanduser().absolute() for name, text in texts.items() if not is_written_out(text)
    }


def with_matrices(study: Study) -> Study:
    """Return a study whose matrices are written out, so that it needs no files for them.

    A matrix without effect, since the structure isn't ``fixed``, is left out.

    Raises
    ------
    InputError
        Where a file can't be read, or doesn't hold a covariance of the study's conditions; it names
        the file.
    """
    for name, path in matrix_files(study).items():
        matrix = read_matrix(path, name)
        try:
            study = study.replace(**{name: matrix})
        except InputError as error:
            raise error.at(shown(path.name)) from None
    without_effect = [name for name, model in MATRICES.items() if not _is_used(study, model)]
    return study.replace(**dict.fromkeys(without_effect, ""))


def _is_used(study: Study, model: str) -> bool:
    return "LMM" in study.values["methods"] and "fixed" in study.values[model]


def read_matrix(path: Path, field: str = "matrix") -> str:
    """Return the matrix in a file, written out as :mod:`regnet.matrix_text` says.

    Parameters
    ----------
    path : Path
        The file. Rows and columns come in the order of the rows' names or, where the conditions are
        named as in a simulation (``condition_1`` …), in the conditions' order.
    field : str
        The parameter, for the message where there is no such file.

    Raises
    ------
    InputError
        With line and column, where it isn't a square table of finite numbers, or rows and columns
        have different names.
    """
    where = shown(path.name)
    lines = _lines(path, field, where)
    header, columns = _header(lines)
    body = lines[len(header) :]
    if not body:
        raise InputError(where, "a row of numbers for each condition", "a header only")
    has_names = len(body[0][1]) > len(columns) if columns else not _may_be_number(body[0][1][0])
    rows, names = [], []
    for number, cells in body:
        place = f"{where}, line {number}"
        if len(cells) != len(body[0][1]):
            raise InputError(place, f"{len(body[0][1])} cells, as in line {body[0][0]}", str(len(cells)))
        names.append(cells[0])
        rows.append(tuple(_number(cell, place, at) for at, cell in enumerate(cells, 1) if at > has_names))
    if len(rows) != len(rows[0]) or (columns and len(columns) != len(rows)):
        found = f"{len(rows)} rows and {len(columns or rows[0])} columns"
        raise InputError(where, "a square table, a row and a column for each condition", found)
    if len(rows) > MOST_CONDITIONS:
        raise InputError(where, f"a matrix of at most {MOST_CONDITIONS} conditions", f"{len(rows)}")
    try:
        return write_matrix(arrange(tuple(rows), names if has_names else None, columns or None))
    except InputError as error:
        raise error.at(where) from None


def _lines(path: Path, field: str, where: str) -> list[Line]:
    """Return each line's number and cells; blank ones and comments left out."""
    try:
        is_there, is_file = path.exists(), path.is_file()
        if is_file:
            with path.open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(field, "a file that can be read", shown(path), str(error)) from None
    if not is_file:
        found = "which is no file" if is_there else "which isn't there"
        raise InputError(field, "a file, or the matrix itself (as 1 0.5; 0.5 1)", f"{shown(path)}, {found}")
    if len(data) > _MOST_BYTES:
        raise InputError(where, f"a table of at most {_MOST_BYTES:,} bytes", "a longer one")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(where, "a table in text", "other bytes", "export it as tab-separated text (.tsv)")
    lines = [(at, line) for at, line in enumerate(text.splitlines(), 1) if line.strip()]
    lines = [(at, line) for at, line in lines if not line.lstrip().startswith("#")]
    if not lines:
        raise InputError(where, "a table", "an empty file")
    separator = next((sign for sign in "\t," if sign in lines[0][1]), None)
    return [(at, _cells(line, separator, f"{where}, line {at}")) for at, line in lines]


def _cells(line: str, separator: str | None, where: str) -> list[str]:
    if separator is None:
        return [cell.strip("\"'") for cell in line.split()]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
    except csv.Error as error:
        raise InputError(where, "a row of a table", f"what can't be read ({error})") from None


def _header(lines: Sequence[Line]) -> tuple[Sequence[Line], list[str]]:
    """Return the line with the columns' names, in a list, and the names; both empty where there is none."""
    first = lines[0][1]
    second = lines[1][1] if len(lines) > 1 else []
    named = [not _may_be_number(cell) for cell in first]
    rows_are_named = bool(second) and not _may_be_number(second[0])
    is_shorter = len(second) == len(first) + 1  # as R writes it, without a cell above the rows' names
    if not (is_shorter or any(named[1:]) or not first[0] or (named[0] and second and not rows_are_named)):
        return [], []
    has_corner = not is_shorter and (not first[0] or rows_are_named or len(lines) == len(first))
    return lines[:1], first[1:] if has_corner else first


def _may_be_number(cell: str) -> bool:
    """Whether a cell is a number, or stands where one is missing, and not a name."""
    return bool(_NUMBER.fullmatch(cell)) or not cell or cell.upper() in _NO_NAMES


def _number(cell: str, where: str, column: int) -> float:
    number = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    if not math.isfinite(number):
        raise InputError(f"{where}, column {column}", "a finite number", shown(cell))
    return number
