"""How do a run's tables leave it? As CSV, TSV, JSON, Markdown or LaTeX, from its rows and its summary.

The machine-readable formats hold every digit; tables for people show four significant ones, by
:func:`number_text`, which the command line and the app use too. An undefined number is an empty cell
(``null`` in JSON, ``n/a`` for people).
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from regnet.atomic_files import replacing
from regnet.errors import InputError, shown
from regnet.parameters import Value, parameters_of, write_value
from regnet.runs.rows import Rows
from regnet.scenario import Scenario
from regnet.study import Study
from regnet.summary import Cell, Summary, summarise

if TYPE_CHECKING:
    from regnet.runs.folder import RunFolder
    from regnet.runs.replay import Replay

Item = Value | None

SCENARIO_COLUMNS = tuple(parameter.name for parameter in parameters_of(Scenario))
"""The scenario's parameters, as every table names them."""

SUMMARY_COLUMNS = (
    "method",
    "label",
    "metric",
    "n",
    "undefined",
    "failed",
    "mean",
    "sd",
    "mcse",
    "difference",
    "difference_low",
    "difference_high",
    "difference_n",
    "won",
)


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns, and rows that can be gone through any number of times."""

    columns: tuple[str, ...]
    rows: Iterable[tuple[Item, ...]]


@dataclass(frozen=True, slots=True)
class _Again(Iterable[tuple[Item, ...]]):
    """Rows that are made anew each time, so that a table of 100,000 needs no memory."""

    make: Callable[[], Iterator[tuple[Item, ...]]]

    def __iter__(self) -> Iterator[tuple[Item, ...]]:
        return self.make()


def summary_table(study: Study, summary: Summary, *, metrics: Sequence[str] | None = None) -> Table:
    """Return the summary as a long table: a line per scenario, method and metric."""
    kinds = {label: method.kind for label, method in zip(study.labels, study.methods)}
    wanted = summary.metrics if metrics is None else metrics

    def rows() -> Iterator[tuple[Item, ...]]:
        for cell in summary.cells:
            if cell.metric in wanted:
                settings = _settings(study.scenarios[cell.scenario])
                yield (cell.scenario, *settings, kinds[cell.label], *_cell_items(cell))

    return Table(("scenario", *SCENARIO_COLUMNS, *SUMMARY_COLUMNS), _Again(rows))


def replicate_table(study: Study, rows: Rows) -> Table:
    """Return the replicate table: a line per scenario, replicate and method, metrics as columns."""
    metrics, truths = rows.metric_names, rows.truth_names
    kinds = {label: method.kind for label, method in zip(study.labels, study.methods)}

    def lines() -> Iterator[tuple[Item, ...]]:
        for row in rows:
            yield (
                row.scenario,
                *_settings(study.scenarios[row.scenario]),
                row.replicate,
                kinds[row.label],
                row.label,
                row.status,
                row.reason,
                "; ".join(row.warnings),
                *(_defined(row.truth.get(name)) for name in truths),
                *(_defined(row.metrics.get(name)) for name in metrics),
            )

    columns = ("scenario", *SCENARIO_COLUMNS, "replicate", "method", "label", "status", "reason", "warnings")
    return Table((*columns, *(f"true_{name}" for name in truths), *metrics), _Again(lines))


def number_text(value: float | None) -> str:
    """Return a number as tables for people show it: four significant digits, n/a where undefined."""
    if value is None or math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0.000"
    if 1e-4 <= abs(value) < 1e6:
        decimals = max(0, 3 - math.floor(math.log10(abs(value))))
        return f"{value:.{decimals}f}"
    return f"{value:.3e}"


def item_text(item: Item) -> str:
    """Return any cell of a table as people see it."""
    if item is None:
        return "n/a"
    if isinstance(item, float):
        return number_text(item)
    return write_value(item)


def write_table(table: Table, format: str, stream: TextIO) -> None:
    """Write a table in one of :data:`FORMATS`.

    Raises
    ------
    InputError
        For an unknown format.
    """
    if format not in FORMATS:
        raise InputError("format", f"one of {', '.join(FORMATS)}", shown(format))
    FORMATS[format](table, stream)


def table_text(table: Table, format: str) -> str:
    """Return a table as text in one of :data:`FORMATS`."""
    stream = io.StringIO()
    write_table(table, format, stream)
    return stream.getvalue()


def write_tables(folder: RunFolder, replay: Replay) -> None:
    """Write ``summary.csv`` and ``replicates.csv`` into a run's folder, each whole or not at all."""
    study, rows = replay.study, replay.rows
    summary = summarise(rows, study.baseline)
    for path, table in (
        (folder.summary_csv, summary_table(study, summary)),
        (folder.replicates_csv, replicate_table(study, rows)),
    ):
        with replacing(path, mode=folder.file_mode) as file:
            stream = io.TextIOWrapper(file, encoding="utf-8", newline="")
            write_table(table, "csv", stream)
            stream.flush()
            stream.detach()


def _write_separated(table: Table, stream: TextIO, separator: str) -> None:
    writer = csv.writer(stream, delimiter=separator, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_plain(item) for item in row] for row in table.rows)


def _plain(item: Item) -> Item:
    return ("yes" if item else "no") if isinstance(item, bool) else item


def _write_json(table: Table, stream: TextIO) -> None:
    stream.write("[")
    separator = "\n"
    for row in table.rows:
        stream.write(separator + json.dumps(dict(zip(table.columns, row)), ensure_ascii=False))
        separator = ",\n"
    stream.write("\n]\n")


def _write_markdown(table: Table, stream: TextIO) -> None:
    rows = list(table.rows)
    is_number = _numeric(table, rows)
    stream.write(f"| {' | '.join(map(_markdown, table.columns))} |\n")
    stream.write(f"|{'|'.join('---:' if number else '---' for number in is_number)}|\n")
    for row in rows:
        stream.write(f"| {' | '.join(_markdown(item_text(item)) for item in row)} |\n")


def _write_latex(table: Table, stream: TextIO) -> None:
    rows = list(table.rows)
    layout = "".join("r" if number else "l" for number in _numeric(table, rows))
    stream.write(f"\\begin{{tabular}}{{{layout}}}\n\\hline\n")
    stream.write(" & ".join(map(_latex, table.columns)) + " \\\\\n\\hline\n")
    for row in rows:
        stream.write(" & ".join(_latex(item_text(item)) for item in row) + " \\\\\n")
    stream.write("\\hline\n\\end{tabular}\n")


FORMATS: dict[str, Callable[[Table, TextIO], None]] = {
    "csv": lambda table, stream: _write_separated(table, stream, ","),
    "tsv": lambda table, stream: _write_separated(table, stream, "\t"),
    "json": _write_json,
    "markdown": _write_markdown,
    "latex": _write_latex,
}
"""The formats of :func:`write_table`, by name."""


def _numeric(table: Table, rows: Sequence[tuple[Item, ...]]) -> list[bool]:
    return [
        any(isinstance(row[place], int | float) and not isinstance(row[place], bool) for row in rows)
        for place in range(len(table.columns))
    ]


_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\|*_`<>[]"} | {"\n": " "})
_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\n": " "}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "²": r"\textsuperscript{2}", "ρ": r"$\rho$"}
)


def _markdown(text: str) -> str:
    return text.translate(_MARKDOWN)


def _latex(text: str) -> str:
    return text.translate(_LATEX)


def _settings(scenario: Scenario) -> tuple[Item, ...]:
    return tuple(getattr(scenario, name) for name in SCENARIO_COLUMNS)


def _cell_items(cell: Cell) -> tuple[Item, ...]:
    difference = cell.difference
    against: tuple[Item, ...] = (None,) * 5
    if difference is not None:
        bounds = (_defined(difference.low), _defined(difference.high))
        against = (_defined(difference.mean), *bounds, difference.n, _defined(difference.won))
    moments = (_defined(cell.mean), _defined(cell.sd), _defined(cell.mcse))
    return (cell.label, cell.metric, cell.n, cell.undefined, cell.failed, *moments, *against)


def _defined(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
