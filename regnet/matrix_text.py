"""How is a small matrix between conditions written on one line, and is it a covariance?

The matrix K of the structure ``fixed`` is a setting like any other: written out, row by row, as in
``1 0.5; 0.5 1``, it is a value that compares, is stored and goes to workers by its content. Until it is
read (:mod:`regnet.files.matrices`), a file's path may stand for it. Standard library only.
"""

from __future__ import annotations

import functools
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regnet.errors import InputError

Rows = tuple[tuple[float, ...], ...]

MOST_CONDITIONS = 120
"""Largest matrix that is written out: two of them, of numbers with all their digits, fit in a study file."""

_LONGEST_PATH = 1000
_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|nan)", re.IGNORECASE)
_TOLERANCE = 1e-10  # of the largest entry: asymmetry and negative eigenvalues that rounding explains
_SINGULAR = 1e-12  # of the trace: smallest eigenvalue of a nonsingular matrix


@dataclass(frozen=True, slots=True)
class MatrixOrPath:
    """A square matrix, written out or as nested lists, an array or a DataFrame; or a file's path; or none."""

    choices: tuple[str, ...] = ()
    wanted: str = (
        "a file's path, or a square matrix of finite numbers written out as 1 0.5; 0.5 1 "
        f"(at most {MOST_CONDITIONS} rows)"
    )

    def read(self, given: object) -> str | None:
        """Return a matrix in canonical text, a path as it is, or None for anything else."""
        if isinstance(given, os.PathLike):
            given = os.fspath(given)
        try:
            if not isinstance(given, str):
                return write_matrix(_rows_of(given))
            if is_written_out(given):
                return _canonical(given)
        except (TypeError, ValueError, OverflowError):  # an InputError, too
            return None
        line = given.strip()
        return line if line.isprintable() and len(line) <= _LONGEST_PATH else None


@functools.lru_cache(maxsize=32)
def _canonical(text: str) -> str:
    return write_matrix(parse_matrix(text))


@functools.lru_cache(maxsize=32)
def is_written_out(text: str) -> bool:
    """Whether a text is a matrix, and not a path: nothing but numbers, separated."""
    words = re.split(r"[\s,;]+", text.strip(" \t\r\n;"))
    return all(_NUMBER.fullmatch(word) for word in words)


@functools.lru_cache(maxsize=32)
def parse_matrix(text: str) -> Rows:
    """Return the rows of a matrix that is written out; ValueError where a word is no number."""
    lines = [line for line in text.split(";") if line.strip()]
    return tuple(tuple(float(word) for word in line.replace(",", " ").split()) for line in lines)


def write_matrix(rows: Sequence[Sequence[float]]) -> str:
    """Return a matrix on one line; ValueError where it isn't square, finite, and of a size that can be."""
    if not 0 < len(rows) <= MOST_CONDITIONS or any(len(row) != len(rows) for row in rows):
        raise ValueError("not square, or too large")
    if not all(math.isfinite(number) for row in rows for number in row):
        raise ValueError("not finite")
    return "; ".join(" ".join(_write_number(number) for number in row) for row in rows)


def arrange(rows: Rows, row_names: Sequence[str] | None, column_names: Sequence[str] | None) -> Rows:
    """Return a square matrix with its columns in the order of its rows.

    Where the names are those of the conditions of a simulation (``condition_1`` …), rows and columns
    come in the conditions' order.

    Raises
    ------
    InputError
        Where names repeat, or rows and columns have different ones.
    """
    names = list(row_names if row_names is not None else column_names or ())
    if not names:
        return rows
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise InputError("", "conditions with distinct names", f"{repeated[0]!r} more than once")
    others = list(column_names) if column_names is not None else names
    if sorted(others) != sorted(names):
        unknown = next((name for name in others if name not in names), others[0])
        raise InputError("", "the same conditions as rows and as columns", f"a column {unknown!r} of no row")
    own = [f"condition_{number}" for number in range(1, len(names) + 1)]
    order = own if sorted(own) == sorted(names) else names
    return tuple(tuple(rows[names.index(row)][others.index(column)] for column in order) for row in order)


@functools.lru_cache(maxsize=32)
def check_covariance(text: str, where: str, *, nonsingular: bool = False) -> None:
    """Check that a matrix written out is symmetric, positive semidefinite and not zero.

    `nonsingular` asks for positive definite: a multiple of a singular matrix can't be all of the noise.

    Raises
    ------
    InputError
        `where` names the field.
    """
    rows = parse_matrix(text)
    scale = max(abs(number) for row in rows for number in row)
    if scale == 0.0:
        raise InputError(where, "a matrix with some entry other than zero", "zeros")
    for i, row in enumerate(rows):
        for j in range(i):
            if abs(row[j] - rows[j][i]) > _TOLERANCE * scale:
                found = f"{row[j]:g} in row {i + 1}, column {j + 1} and {rows[j][i]:g} in its mirror image"
                raise InputError(where, "a symmetric matrix", found)
    if not _is_definite(rows, _TOLERANCE * scale):
        raise InputError(where, "a positive semidefinite matrix", "one with a negative eigenvalue")
    if nonsingular and not _is_definite(rows, -_SINGULAR * sum(row[i] for i, row in enumerate(rows))):
        raise InputError(
            where, "a nonsingular matrix for the noise", "a singular one", "add a little to its diagonal"
        )


def _is_definite(rows: Rows, shift: float) -> bool:
    """Whether a symmetric matrix plus shift·I is positive definite: whether its Cholesky factor exists."""
    factor: list[list[float]] = []
    for i, row in enumerate(rows):
        line: list[float] = []
        for j, above in enumerate(factor):
            line.append((row[j] - sum(a * b for a, b in zip(line, above[:j], strict=True))) / above[j])
        pivot = row[i] + shift - sum(number * number for number in line)
        if not pivot > 0.0:
            return False
        factor.append([*line, math.sqrt(pivot)])
    return True


def _rows_of(given: Any) -> Rows:
    """Return the rows of nested lists, an array or a DataFrame; TypeError or ValueError for all else."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        return ((float(given),),)
    names = [[str(name) for name in axis] for axis in getattr(given, "axes", ())]
    for method in ("to_numpy", "tolist"):
        given = getattr(given, method)() if hasattr(given, method) else given
    rows = tuple(tuple(float(number) for number in row) for row in given)
    unnamed = [str(number) for number in range(len(rows))]
    axes = [None if axis == unnamed else axis for axis in names]
    return arrange(rows, *axes) if len(axes) == 2 else rows


def _write_number(number: float) -> str:
    number = float(number) + 0.0
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
