"""How is a run's summary printed? Methods side by side, each with its error, and who wins."""

from __future__ import annotations

import math
from collections.abc import Sequence

from regnet.cli.output import table
from regnet.errors import InputError
from regnet.metrics import METRICS_BY_NAME
from regnet.parameters import Value, write_value
from regnet.study import Study
from regnet.summary import Cell, Difference, Summary

HEADLINE = ("pearson", "r2_held_out")
"""The metrics that a summary shows unless others are asked for."""


def summary_lines(summary: Summary, study: Study, metrics: Sequence[str] = HEADLINE) -> list[str]:
    """Return the lines of a summary: a table, what its columns are, and the verdict in words.

    Parameters
    ----------
    summary : Summary
    study : Study
        The study whose scenarios they are.
    metrics : sequence of str
        The metrics shown; the differences and the verdict are of the first.
    """
    first = METRICS_BY_NAME[metrics[0]]
    varying = study.varying
    headings = [*varying, "method", "n", *(METRICS_BY_NAME[name].title for name in metrics)]
    headings += [f"{first.title} − {summary.baseline}", "won", "failed"]
    rows = []
    for number, scenario in enumerate(study.scenarios):
        values: list[Value] = [getattr(scenario, name) for name in varying]
        for label in summary.labels:
            cells = [summary.cell(number, label, name) for name in metrics]
            if cells[0] is not None:
                rows.append([*(write_value(value) for value in values), *_row(label, cells)])
    if not rows:
        return ["no fit has gone well yet"]
    aligned = "l" * (len(varying) + 1) + "r" * (len(headings) - len(varying) - 1)
    lines = table(headings, rows, aligned)
    told = verdict(summary, metrics[0], len(study.scenarios))
    return [*lines, "", *_legend(summary, metrics), *([told] if told else [])]


def verdict(summary: Summary, metric: str, n_scenarios: int) -> str:
    """Return in words in how many scenarios each method beats the baseline, loses, or is level."""
    better = METRICS_BY_NAME[metric].better
    if better is None or len(summary.labels) < 2:
        return ""
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
    return "\n".join(sentences)


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
            names = ("n", "mean", "sd", "low", "high", "won")
            record["difference"] = {name: finite(getattr(cell.difference, name)) for name in names}
        records.append(record)
    return records


def finite(number: float) -> float | None:
    """Return a number as JSON has it: None for one that isn't finite."""
    return number if math.isfinite(number) else None


def _row(label: str, cells: Sequence[Cell | None]) -> list[str]:
    first = cells[0]
    assert first is not None
    row = [label, str(first.n), *(mean_text(cell) for cell in cells)]
    difference = first.difference
    if difference is None:
        return [*row, "", "", str(first.failed)]
    won = "–" if math.isnan(difference.won) else f"{difference.won:.0%}"
    return [*row, _interval(difference), won, str(first.failed)]


def mean_text(cell: Cell | None) -> str:
    """Return a mean with its Monte Carlo error, as many digits as the error leaves meaning to."""
    if cell is None or math.isnan(cell.mean):
        return "n/a"
    error = f" ± {cell.mcse:.1g}" if cell.mcse == cell.mcse else ""
    if 0 < cell.mcse < 1:
        digits = min(6, max(3, -math.floor(math.log10(cell.mcse))))
        return f"{cell.mean:.{digits}f} ± {cell.mcse:.{digits}f}"
    return f"{cell.mean:.4g}{error}"


def _interval(difference: Difference) -> str:
    if math.isnan(difference.mean):
        return "n/a"
    if math.isnan(difference.low):
        return f"{difference.mean:+.4f}"
    return f"{difference.mean:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"


def _outcome(difference: Difference | None, better: str) -> str:
    if difference is None or math.isnan(difference.low):
        return "unknown"
    sign = 1 if better == "higher" else -1
    low, high = sorted((sign * difference.low, sign * difference.high))
    return "better" if low > 0 else "worse" if high < 0 else "level"


def _legend(summary: Summary, metrics: Sequence[str]) -> list[str]:
    lines = [f"{METRICS_BY_NAME[name].title}: {METRICS_BY_NAME[name].meaning}" for name in metrics]
    percent = f"{100 * summary.confidence:g}%"
    lines.append(
        f"mean ± Monte Carlo standard error; paired difference with its {percent} interval; "
        "share of replicates won."
    )
    return lines
