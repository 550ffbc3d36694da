"""``regnet runs list``: which runs are there, filtered and sorted?"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from regnet.cli.arguments import add_data_option
from regnet.cli.exit_codes import DONE
from regnet.cli.output import harmless, table, write, write_json
from regnet.errors import InputError, shown
from regnet.places import Places, find_places
from regnet.row_filter import Cell, RowFilter, read_filter
from regnet.runs.listing import RunInfo, list_runs
from regnet.study import study_parameters

OWN_COLUMNS = ("run", "state", "created", "host", "done", "total", "failed", "scenarios", "command")
"""The columns of a run that aren't parameters of its study."""


class ListedRun(NamedTuple):
    """A run that passed a filter, and its cells by column (a grid's cell holds several values)."""

    info: RunInfo
    cells: dict[str, Cell | Sequence[Cell]]


def columns() -> tuple[str, ...]:
    """Return every column that runs can be filtered and sorted by."""
    return (*OWN_COLUMNS, *study_parameters())


def add_parser(commands: Any) -> None:
    """Add the command ``runs list``, which is also what ``runs`` with none of its commands does."""
    parser = commands.add_parser(
        "list",
        help="list runs, the latest first",
        description="List runs. A filter is a term such as 'conditions>4' (quote it: the shell knows >), "
        "state:finished or a word; the columns are " + ", ".join(columns()) + ".",
    )
    add_filter_argument(parser)
    parser.add_argument("--sort", metavar="COLUMN", default="created", help="sort by this (default: created)")
    parser.add_argument("--reverse", action="store_true", help="in rising order")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plain", action="store_true", help="tab-separated, without headings")
    add_data_option(parser)
    parser.set_defaults(func=show)


def add_filter_argument(parser: argparse.ArgumentParser) -> None:
    """Add the words of a filter."""
    parser.add_argument(
        "filter", metavar="FILTER", nargs="*", help="terms such as 'conditions>4' state:finished"
    )


def show(options: argparse.Namespace) -> int:
    """Print the runs that pass the filter."""
    sort = options.sort.replace("-", "_")
    if sort not in columns():
        raise InputError("--sort", f"one of {', '.join(columns())}", shown(options.sort))
    places = find_places(options.data)
    found = list(listed_runs(places, read_filter(options.filter, columns()), needed=[sort]))
    found.sort(key=lambda run: _sortable(run.cells.get(sort)), reverse=not options.reverse)
    found = found[: options.limit]
    if options.json:
        write_json([{**run.info.as_fields(), "path": str(run.info.folder.path)} for run in found])
        return DONE
    rows = [
        [
            run.info.id,
            run.info.state.name,
            f"{run.info.state.done}/{run.info.state.total}",
            run.info.state.failed,
            local_time(run.info.created),
            run.info.name,
        ]
        for run in found
    ]
    if options.plain:
        write(["\t".join(harmless(cell) for cell in row) for row in rows])
    elif rows:
        write(table(["run", "state", "replicates", "failed", "made", "name"], rows, "llrrl"))
    else:
        write(f"no run {'passes the filter' if options.filter else 'yet'} in {harmless(places.runs)}")
    return DONE


def listed_runs(places: Places, filter: RowFilter, needed: Collection[str] = ()) -> Iterator[ListedRun]:
    """Yield the runs of a data directory that pass a filter, the newest first.

    A run's study is opened only where the filter, or `needed`, asks for one of its parameters, so that
    a list of thousands comes at once.
    """
    asked = {term.column for term in filter.terms} | set(needed)
    opens_studies = bool(asked - set(OWN_COLUMNS) - {"name", ""})
    for info in list_runs(places):
        cells = _cells(info, opens_studies)
        if filter.passes(cells):
            yield ListedRun(info, cells)


def local_time(seconds: object) -> str:
    """Return seconds since the epoch as local date and time; empty where they can't be."""
    if not isinstance(seconds, int | float) or not 0 <= seconds < 1e11:
        return ""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _cells(info: RunInfo, opens_study: bool) -> dict[str, Cell | Sequence[Cell]]:
    state = info.state
    cells: dict[str, Cell | Sequence[Cell]] = {}
    if opens_study:
        try:
            cells |= info.folder.study().values
        except InputError:  # its other columns can still be looked at
            cells["note"] = "its study can't be read"
    cells |= {"run": info.id, "name": info.name, "created": info.created, "command": info.command}
    cells |= {"state": state.name, "host": state.host or info.host, "scenarios": info.scenarios}
    return cells | {"done": state.done, "total": state.total, "failed": state.failed}


def _sortable(cell: Cell | Sequence[Cell]) -> tuple[float, str]:
    """Return what sorts numbers by size, then texts; of a grid its first value counts."""
    if isinstance(cell, list | tuple):
        cell = cell[0] if cell else None
    if cell is None:
        return (-math.inf, "")
    if isinstance(cell, int | float):
        return (float(cell), "")
    return (math.inf, str(cell))
