"""How is a run's summary printed? Methods side by side, each with its error, and who wins."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from regnet.cli.output import table, width_of
from regnet.errors import InputError
from regnet.metrics import METRICS_BY_NAME
from regnet.parameters import write_value
from regnet.study import Study
from regnet.summary import Cell, Difference, Summary

_WIDE = 110  # cells of a line of words where the output is no terminal

HEADLINE = ("pearson", "r2_held_out")
"""The metrics that a summary shows unless others are asked for."""


class _Column(NamedTuple):
    """One column of the table: its heading, its alignment (l, r), and a cell a line."""

    heading: str
    aligned: str
    cells: list[str]


def summary_lines(
    summary: Summary, study: Study, metrics: Sequence[str] = HEADLINE, *, width: int | None = None
) -> list[str]:
    """Return the lines of a summary: a table, what its columns are, and the verdict in words.

    Parameters
    ----------
    summary : Summary
    study : Study
        The study whose scenarios they are.
    metrics : sequence of str
        The metrics shown; the differences and the verdict are of the first.
    width : int, optional
        Cells that a line may take: metrics that don't fit are left out, the last ones first.
    """
    if not any(cell.metric == metrics[0] for cell in summary.cells):
        return ["no fit has gone well yet"]
    columns = _columns(summary, study, metrics)
    lines = table(
        [column.heading for column in columns],
        list(zip(*(column.cells for column in columns))),
        "".join(column.aligned for column in columns),
    )
    if width is not None and len(metrics) > 1 and max(map(width_of, lines)) > width:
        return summary_lines(summary, study, metrics[:-1], width=width)
    told = [*_legend(summary, metrics), *verdict(summary, metrics[0], len(study.scenarios))]
    return [*lines, "", *(part for line in told for part in textwrap.wrap(line, width or _WIDE))]


def _columns(summary: Summary, study: Study, metrics: Sequence[str]) -> list[_Column]:
    """Return the columns that say something: the same n throughout is left to the legend."""
    first = METRICS_BY_NAME[metrics[0]].title
    found = [
        (scenario, [summary.cell(number, label, name) for name in metrics])
        for number, scenario in enumerate(study.scenarios)
        for label in summary.labels
        if summary.cell(number, label, metrics[0])
    ]
    leading = [cells[0] for _, cells in found if cells[0] is not None]
    columns = [
        _Column(name, "l", [write_value(getattr(scenario, name)) for scenario, _ in found])
        for name in study.varying
    ]
    columns.append(_Column("method", "l", [cell.label for cell in leading]))
    if len({cell.n for cell in leading}) > 1:
        columns.append(_Column("n", "r", [str(cell.n) for cell in leading]))
    for place, name in enumerate(metrics):
        cells = [mean_text(cells[place]) for _, cells in found]
        columns.append(_Column(METRICS_BY_NAME[name].title, "r", cells))
    if len(summary.labels) > 1:
        intervals = [interval_text(cell.difference) for cell in leading]
        columns.append(_Column(f"{first} − {summary.baseline}", "r", intervals))
        columns.append(_Column("won", "r", [_won(cell.difference) for cell in leading]))
    if any(cell.failed for cell in leading):
        columns.append(_Column("failed", "r", [str(cell.failed) for cell in leading]))
    return columns


def verdict(summary: Summary, metric: str, n_scenarios: int) -> list[str]:
    """Return a sentence a method: in how many scenarios it beats the baseline, loses, or is level."""
    better = METRICS_BY_NAME[metric].better
    if better is None or len(summary.labels) < 2:
        return []
    sentences = []
    for label in summary.labels:
        if label == summary.baseline:
            continue
        counts = dict.fromkeys(("better", "worse", "level", "unknown"), 0)
        for number in range(n_scenarios):
            cell = summary.cell(number, label, metric)
            counts[_outcome(cell.difference if cell else None, better)] += 1
        told = f"{label} is better than {summary.baseline} in {counts['better']} of {n_scenarios} scenarios"
        told += f", worse in {counts['worse']}, not told apart in {counts['level']}"
        told += f", not known in {counts['unknown']}" if counts["unknown"] else ""
        sentences.append(f"By {METRICS_BY_NAME[metric].title}, {told}.")
    return sentences


def check_metrics(names: Sequence[str]) -> tuple[str, ...]:
    """Return metric names that all exist; InputError for one that doesn't."""
    for name in names:
        if name not in METRICS_BY_NAME:
            raise InputError("--metric", f"one of {', '.join(METRICS_BY_NAME)}", repr(name))
    return tuple(names)


def summary_records(summary: Summary, study: Study) -> list[dict[str, object]]:
    """Return the cells of a summary as JSON has them: numbers that don't exist are null."""
    records = []
    for cell in summary.cells:
        scenario = study.scenarios[cell.scenario]
        record: dict[str, object] = {"scenario": cell.scenario}
        record |= {name: getattr(scenario, name) for name in study.varying}
        record |= {"method": cell.label, "metric": cell.metric, "n": cell.n}
        record |= {"undefined": cell.undefined, "failed": cell.failed}
        record |= {name: finite(getattr(cell, name)) for name in ("mean", "sd", "mcse")}
        if cell.difference is not None:
            record["difference"] = difference_record(cell.difference)
        records.append(record)
    return records


def difference_record(difference: Difference | None) -> dict[str, float | None] | None:
    """Return a paired difference as JSON has it; None for the baseline itself."""
    if difference is None:
        return None
    return {name: finite(getattr(difference, name)) for name in ("n", "mean", "sd", "low", "high", "won")}


def finite(number: float) -> float | None:
    """Return a number as JSON has it: None for one that isn't finite."""
    return number if math.isfinite(number) else None


def mean_text(cell: Cell | None) -> str:
    """Return a mean with its Monte Carlo error, as many digits as the error leaves meaning to."""
    if cell is None or math.isnan(cell.mean):
        return "n/a"
    error = f" ± {cell.mcse:.1g}" if cell.mcse == cell.mcse else ""
    if 0 < cell.mcse < 1:
        digits = min(6, max(3, -math.floor(math.log10(cell.mcse))))
        return f"{cell.mean:.{digits}f} ± {cell.mcse:.{digits}f}"
    return f"{cell.mean:.4g}{error}"


def interval_text(difference: Difference | None) -> str:
    """Return a paired difference with its interval; nothing for the baseline itself."""
    if difference is None:
        return ""
    if math.isnan(difference.mean):
        return "n/a"
    if math.isnan(difference.low):
        return f"{difference.mean:+.3g}"
    half = (difference.high - difference.low) / 2
    digits = 3 if not 0 < half < 1 else min(8, max(3, -math.floor(math.log10(half))))
    low, high = (f"{bound:+.{digits}f}" for bound in (difference.low, difference.high))
    return f"{difference.mean:+.{digits}f} [{low}, {high}]"


def _won(difference: Difference | None) -> str:
    if difference is None:
        return ""
    return "–" if math.isnan(difference.won) else f"{difference.won:.0%}"


def _outcome(difference: Difference | None, better: str) -> str:
    if difference is None or math.isnan(difference.low):
        return "unknown"
    sign = 1 if better == "higher" else -1
    low, high = sorted((sign * difference.low, sign * difference.high))
    return "better" if low > 0 else "worse" if high < 0 else "level"


def _legend(summary: Summary, metrics: Sequence[str]) -> list[str]:
    lines = [f"{METRICS_BY_NAME[name].title}: {METRICS_BY_NAME[name].meaning}" for name in metrics]
    counts = {cell.n for cell in summary.cells if cell.metric == metrics[0]}
    told = f"{counts.pop()} replicates each; " if len(counts) == 1 else ""
    told += "mean ± Monte Carlo standard error"
    if len(summary.labels) > 1:
        percent = f"{100 * summary.confidence:g}%"
        told += f"; paired difference with its {percent} interval; share of replicates won"
    return [*lines, told + "."]
