"""Which tables are known by a name, and which file does a name or path stand for?

A name is looked up in the user's data directory first, then among the tables that regNet ships; what
is no name is a path. Only the standard library is imported, so that a form can offer the names.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from regnet.errors import InputError, shown
from regnet.places import Places, find_places, shipped_data

Room = Literal["motif", "expression"]

SUFFIXES = (".tsv", ".csv", ".txt", ".tsv.gz", ".csv.gz", ".txt.gz")
"""Endings of files that are taken for tables, in the order in which a name tries them."""


def table_names(room: Room, places: Places | None = None) -> tuple[str, ...]:
    """Return the names of the tables in the user's data directory and of those shipped, sorted."""
    names = set()
    for folder in _folders(room, places):
        if folder.is_dir():
            for path in folder.iterdir():
                for suffix in SUFFIXES:
                    if path.name.endswith(suffix) and path.is_file():
                        names.add(path.name.removesuffix(suffix))
    return tuple(sorted(names))


def find_table(path_or_name: str | os.PathLike[str], room: Room, places: Places | None = None) -> Path:
    """Return the file that a path or name stands for.

    Parameters
    ----------
    path_or_name : str or path
        ``"yeast"``, ``"my-table.tsv"`` in the data directory's room, or any path.
    room : "motif" or "expression"
        The kind of table.
    places : Places, optional
        The data directory; by default the one in force.

    Raises
    ------
    InputError
        Where there is no such file; it lists the names that are known.
    """
    text = os.fspath(path_or_name)
    field = "motifs" if room == "motif" else room
    if "\0" in text or not text.strip():
        raise InputError(field, "a file or a table's name", shown(text))
    path = Path(text).expanduser()
    try:
        if Path(text).name == text:
            for folder in _folders(room, places):
                for ending in ("", *SUFFIXES):
                    candidate = folder / f"{text}{ending}"
                    if candidate.is_file():
                        return candidate
        is_there, is_file = path.exists(), path.is_file()
    except OSError as error:
        raise InputError(field, "a file or a table's name", shown(text), error.strerror or "") from None
    if not is_there:
        known = ", ".join(table_names(room, places)) or "none"
        raise InputError(field, f"a file, or the name of a table (there are: {known})", shown(text))
    if not is_file:
        found = "a directory" if path.is_dir() else "a device or pipe"
        raise InputError(shown(text), "a file", found)
    return path


def _folders(room: Room, places: Places | None) -> tuple[Path, Path]:
    own = places if places is not None else find_places()
    return (own.motif if room == "motif" else own.expression, shipped_data() / room)
