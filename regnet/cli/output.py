"""How does the command line write? Aligned tables, and text from files that can do no harm.

Names, notes and logs may hold anything. Before they are printed, control characters (with them every
escape sequence), bidirectional overrides and lone surrogates are written out as escapes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

LONGEST = 2000
"""Longest piece of foreign text that is printed on one line, in characters."""


def harmless(text: object, longest: int = LONGEST) -> str:
    """Return text as one line without control, format or unprintable characters."""
    line = str(text)
    if len(line) > longest:
        line = f"{line[:longest]}… (+{len(line) - longest} characters)"
    if line.isprintable():
        return line
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in line
    )


def width_of(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], right: str = "") -> list[str]:
    """Return the lines of an aligned table.

    Parameters
    ----------
    headings : sequence of str
        One a column.
    rows : sequence of sequences
        Their cells are made harmless.
    right : str
        A letter a column, ``r`` for those that are aligned at the right; the rest at the left.
    """
    cells = [[harmless(heading) for heading in headings]]
    cells += [[harmless(cell) for cell in row] for row in rows]
    widths = [max(width_of(row[column]) for row in cells) for column in range(len(headings))]
    lines = []
    for row in cells:
        padded = []
        for column, cell in enumerate(row):
            gap = " " * (widths[column] - width_of(cell))
            padded.append(gap + cell if right[column : column + 1] == "r" else cell + gap)
        lines.append("  ".join(padded).rstrip())
    return lines


def definitions(pairs: Mapping[str, object]) -> list[str]:
    """Return lines of names and what they stand for, aligned."""
    return table_without_headings([[f"{name}:", value] for name, value in pairs.items()])


def table_without_headings(rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of an aligned table that needs no headings."""
    columns = max((len(row) for row in rows), default=0)
    return table([""] * columns, rows)[1:]


def write(lines: Sequence[str] | str) -> None:
    """Write lines to standard output."""
    print(lines if isinstance(lines, str) else "\n".join(lines))


def write_json(value: object) -> None:
    """Write a value to standard output as JSON, for scripts; keys keep their order."""
    print(json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False))


def complain(text: object) -> None:
    """Write one line about what is wrong to standard error."""
    print(f"regnet: {harmless(text)}", file=sys.stderr)


def wants_plain(asked: bool, stream: Literal["stdout", "stderr"] = "stdout") -> bool:
    """Whether to write plain lines: asked for, not a terminal, one that can't redraw, or NO_COLOR."""
    is_terminal = getattr(sys, stream).isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return asked or not is_terminal or bool(os.environ.get("NO_COLOR"))


def room() -> int | None:
    """Return how many cells a line of standard output may take; None where it isn't a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def size_in_words(n_bytes: float) -> str:
    """Return a number of bytes as a person reads it: ``1.5 GB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "bytes" or n_bytes >= 100 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def time_in_words(seconds: float) -> str:
    """Return a duration as a person reads it: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
