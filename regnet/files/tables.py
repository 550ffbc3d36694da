"""How is a table with one row a gene read, and what exactly is wrong with it?

Tab- or comma-separated text, plain or gzipped, with a header of column names and a first column of
row names; comment lines (#) may stand above. Pandas' C parser reads it; only where that finds
something wrong is the file read again, cell by cell, to say what stands on which line and column.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import warnings
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from regnet.errors import InputError, shown

MOST_BYTES = 16 * 2**30
"""Longest table that is read, in bytes of text after unpacking."""

MISSING = ("", "NA", "N/A", "NaN", "nan", "na", "null", "NULL", "None", "n/a", "#N/A")
"""Cells that stand for a missing value."""

_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[iI][nN][fF](?:inity)?)")
"""What counts as a number: less than Python reads, which takes 1_000 and digits of every script."""

_HEAD = 2**20  # bytes looked at to tell text from anything else
_LONGEST_LINE = 2**26  # characters of a header


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers with names of rows and columns, as they stand in a file.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Missing values are NaN.
    rows, columns : tuple of str
        Names, distinct.
    """

    values: NDArray[np.float64]
    rows: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the head of a file says about the rest of it."""

    where: str
    separator: str
    header_line: int  # number of the header's line, from 1
    columns: tuple[str, ...]


def read_table(path: Path, *, missing: bool, column: str) -> Table:
    """Read a table of numbers.

    Parameters
    ----------
    path : Path
        The file.
    missing : bool
        Whether cells may be empty (or NA, nan …); they are NaN.
    column : str
        What a column is, in messages (``"motif"``).

    Raises
    ------
    InputError
        With line and column, where the file cannot be read, is not a table, names a row or column
        twice, or holds a cell that is not a finite number.
    """
    try:
        layout = _read_layout(path, column)
        table = _read_quickly(path, layout)
        if table is None or _is_suspicious(path, table, missing):
            table = _read_carefully(path, layout, missing=missing, column=column)
        _check_rows(path, layout, table.rows)
    except UnicodeDecodeError:
        raise _not_text(path, "bytes that are not UTF-8") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InputError(shown(path.name), "a whole gzip file", "a damaged one", "copy it again") from None
    except OSError as error:
        raise InputError(shown(path.name), "a file that can be read", error.strerror or str(error)) from None
    return table


# ---- the quick way -----------------------------------------------------------------------------------


def _read_quickly(path: Path, layout: _Layout) -> Table | None:
    """Read with pandas; None where something about the file is not as it should be."""
    import pandas as pd

    numbers = [str(number) for number in range(1, len(layout.columns) + 1)]
    with _open(path) as stream, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            frame = pd.read_csv(
                stream,
                sep=layout.separator,
                header=None,
                skiprows=layout.header_line,
                names=["name", *numbers],
                index_col=False,
                dtype={"name": "object", **dict.fromkeys(numbers, "float64")},
                keep_default_na=False,
                na_values={number: list(MISSING) for number in numbers},
                encoding="utf-8-sig",
                float_precision=None if _rounds_rightly(pd.__version__) else "round_trip",
                low_memory=False,
            )
        except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError, ValueError) as e:
            if isinstance(e, UnicodeDecodeError):
                raise
            return None
    if frame.empty:
        return None
    values = np.ascontiguousarray(frame.iloc[:, 1:].to_numpy(dtype=np.float64))
    return Table(values, tuple(str(name).strip() for name in frame["name"]), layout.columns)


def _rounds_rightly(pandas_version: str) -> bool:
    """Whether this pandas by default reads the float nearest to the text; earlier ones have to be asked."""
    return tuple(int(part) for part in pandas_version.split(".")[:2]) >= (3, 1)


def _is_suspicious(path: Path, table: Table, missing: bool) -> bool:
    """Whether a table that pandas read may hold what it should not, so that it is worth a closer look."""
    values = table.values
    if "" in table.rows or np.isinf(values).any():
        return True
    # A row with too few cells ends with a missing value.
    if np.isnan(values[:, -1] if missing else values).any():
        return True
    # Pandas takes a column of the words True and False for ones and zeros.
    of_bits = ((values == 0.0) | (values == 1.0) | np.isnan(values)).all(axis=0)
    return bool(of_bits.any()) and _holds_truth_values(path)


def _holds_truth_values(path: Path) -> bool:
    with _open(path) as stream:
        end = b""
        while piece := stream.read(2**20):
            text = (end + piece).lower()
            if b"true" in text or b"false" in text:
                return True
            end = piece[-4:]
    return False


# ---- the careful way -----------------------------------------------------------------------------------


def _read_carefully(path: Path, layout: _Layout, *, missing: bool, column: str) -> Table:
    """Read cell by cell, and raise InputError for the first thing that is wrong."""
    n_cells = len(layout.columns) + 1
    names: list[str] = []
    values = array("d")
    for line, cells in _rows(path, layout):
        where = f"{layout.where}, line {line}"
        if len(cells) != n_cells:
            raise InputError(where, f"{n_cells} cells, as the header", f"{len(cells)}")
        names.append(cells[0].strip())
        if not names[-1]:
            raise InputError(where, "a gene's name in the first column", "an empty cell")
        for name, cell in zip(layout.columns, cells[1:], strict=True):
            text = cell.strip(" \t")
            is_missing = text in MISSING
            number = math.nan if is_missing else _number(text)
            if not (missing if is_missing else math.isfinite(number)):
                found = f"a missing value ({shown(text)})" if is_missing else shown(text)
                raise InputError(f"{where}, {column} {shown(name)}", "a finite number", found)
            values.append(number)
    if not names:
        raise InputError(layout.where, "at least one row below the header", "none")
    matrix = np.array(values, dtype=np.float64).reshape(len(names), n_cells - 1)
    return Table(matrix, tuple(names), layout.columns)


def _check_rows(path: Path, layout: _Layout, names: tuple[str, ...]) -> None:
    """Refuse a table that names a gene twice, with the lines."""
    if len(set(names)) == len(names):
        return
    name, _ = Counter(names).most_common(1)[0]
    lines = (line for line, cells in _rows(path, layout) if cells[0].strip() == name)
    found = f"{shown(name)} on lines {next(lines)} and {next(lines)}"
    raise InputError(layout.where, "genes with distinct names", found, "keep one of them, or their average")


def _rows(path: Path, layout: _Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield each row's line number and cells, blank lines left out."""
    with _open(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=layout.separator)
        try:
            for cells in reader:
                if reader.line_num > layout.header_line and cells and cells != [""]:
                    yield reader.line_num, cells
        except csv.Error as error:
            where = f"{layout.where}, line {reader.line_num}"
            raise InputError(where, "a row of a table", f"what can't be read ({error})") from None


def _number(text: str) -> float:
    """Return the number that a cell holds; NaN where it holds none."""
    return float(text) if _NUMBER.fullmatch(text) else math.nan


# ---- the head of a file ------------------------------------------------------------------------------


def _read_layout(path: Path, column: str) -> _Layout:
    where = shown(path.name)
    with _open(path) as stream:
        head = stream.read(_HEAD)
    if not head.strip():
        raise InputError(where, "a table", "an empty file")
    if b"\0" in head:
        raise _not_text(path, "a binary file")
    lines = _lines(path, where)
    header = next(((number, text) for number, text in lines if text and not text.startswith("#")), None)
    if header is None:
        raise InputError(where, "a header with names below the comment lines", "comment lines only")
    number, line = header
    separator = "\t" if "\t" in line else ","
    if separator not in line:
        raise InputError(f"{where}, line {number}", "a header of tab- or comma-separated names", shown(line))
    cells = _cells(line, separator, f"{where}, line {number}")
    following = next((text for _, text in lines if text), "")
    # A table written by R has no cell above the rows' names.
    if following and len(_cells(following, separator, where)) == len(cells) + 1:
        names = tuple(cells)
    else:
        names = tuple(cells[1:])
    _check_names(names, f"{where}, line {number}", column)
    return _Layout(where, separator, number, names)


def _lines(path: Path, where: str) -> Iterator[tuple[int, str]]:
    """Yield the first lines' numbers and text, without spaces (but not tabs) at their ends."""
    with _open(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        number = 0
        while line := text.readline(_LONGEST_LINE):
            number += 1
            if len(line) == _LONGEST_LINE:
                found = "a longer one"
                raise InputError(
                    f"{where}, line {number}", f"a line of less than {_LONGEST_LINE} characters", found
                )
            yield number, line.strip("\r\n ")


def _cells(line: str, separator: str, where: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
    except csv.Error as error:
        raise InputError(where, "a row of a table", f"what can't be read ({error})") from None


def _check_names(names: tuple[str, ...], where: str, column: str) -> None:
    if all(_NUMBER.fullmatch(name) for name in names):
        found = f"numbers ({shown(', '.join(names))})"
        raise InputError(where, f"a header with the {column}s' names", found, "add a first line with names")
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 2):
        if not name:
            raise InputError(f"{where}, column {number}", f"a {column}'s name", "an empty cell")
        if name in seen:
            found = f"{shown(name)} in columns {seen[name]} and {number}"
            raise InputError(where, f"{column}s with distinct names", found, "rename or drop one")
        seen[name] = number


# ---- files as bytes ----------------------------------------------------------------------------------


class _Limited(io.RawIOBase):
    """A stream that refuses to go on after `MOST_BYTES`: a small packed file may hold anything."""

    def __init__(self, inner: IO[bytes], name: str) -> None:
        self._inner = inner
        self._name = name
        self._left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._inner.read(len(buffer))
        self._left -= len(piece)
        if self._left < 0:
            found = "a longer one"
            raise InputError(shown(self._name), f"a table of at most {MOST_BYTES / 2**30:g} GiB", found)
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._inner.close()
        super().close()


def _open(path: Path) -> io.BufferedReader:
    """Open a file for reading bytes, unpacked where it is gzipped (told by content, not by name)."""
    with path.open("rb") as probe:
        is_packed = probe.read(2) == b"\x1f\x8b"
    stream: Any = gzip.open(path, "rb") if is_packed else path.open("rb")  # noqa: SIM115
    return io.BufferedReader(_Limited(stream, path.name), buffer_size=2**18)


def _not_text(path: Path, found: str) -> InputError:
    remedy = "export it as tab-separated text (.tsv)"
    return InputError(
        shown(path.name), "a table in text (tab- or comma-separated, plain or .gz)", found, remedy
    )
