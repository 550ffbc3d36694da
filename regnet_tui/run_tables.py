"""What do a run's tables say? Rows of progress, summary and parameters, made from its replay.

Pure: no widget here. The figures themselves are the engine's (:mod:`regnet.summary`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from regnet.execution import Execution
from regnet.metrics import METRICS, METRICS_BY_NAME
from regnet.runs.replay import Replay
from regnet.runs.rows import Rows
from regnet.study import Study
from regnet.summary import Cell, Summary
from regnet_tui.figures import NOTHING, bar, duration, interval, share, signed, with_error
from regnet_tui.form_state import form_parameters, label_of, text_of
from regnet_tui.row_table import Cell as Drawn
from regnet_tui.row_table import Column
from regnet_tui.scenario_labels import scenario_labels


def metrics_at_hand(rows: Rows) -> tuple[str, ...]:
    """Return the metrics that occur, or the usual one while nothing has been recorded."""
    return tuple(rows.metric_names) or (METRICS[0].name,)


def metric_title(name: str) -> str:
    """Return a metric's heading, with an arrow for the better direction."""
    metric = METRICS_BY_NAME.get(name)
    return name if metric is None else metric.title + _ARROWS[metric.better]


def short_metric_title(name: str) -> str:
    """Return a metric's heading for narrow columns, distinct from all others."""
    metric = METRICS_BY_NAME.get(name)
    return name if metric is None else (metric.short or metric.title) + _ARROWS[metric.better]


_ARROWS = {"higher": " ↑", "lower": " ↓", None: ""}


# ---- progress ----------------------------------------------------------------------------------------


class ProgressRow(NamedTuple):
    """One scenario's progress; times in seconds, NaN while unknown."""

    scenario: int
    label: str
    short: str
    done: int
    total: int
    each: float
    left: float
    failed: int


def progress_columns(study: Study) -> tuple[Column, ...]:
    """Return the columns of the table of progress."""
    return (
        scenario_labels(study).column("label"),
        Column("bar", "progress", 12, least=8),
        Column("done", "done", max(2 * len(str(study.replicates)) + 1, 4), True),
        Column("each", "each", 10, True, 8),
        Column("left", "left", 10, True),
        Column("failed", "failed", 6, True),
    )


def progress_rows(replay: Replay) -> list[ProgressRow]:
    """Return each scenario's progress; what is left assumes as many side by side as now."""
    study, progress = replay.study, replay.progress()
    labels = scenario_labels(study)
    side_by_side = _side_by_side(replay)
    rows = []
    for number_, found in enumerate(replay.rows.scenarios):
        done = len(found)
        each = math.fsum(found.seconds) / done if done else math.nan
        left = (study.replicates - done) * each / side_by_side if done else math.nan
        if progress.done == progress.total or done == study.replicates:
            left = 0.0
        failed = sum(len(columns.statuses) - columns.statuses.count(0) for columns in found.methods.values())
        label, short = labels.full[number_], labels.short[number_]
        rows.append(ProgressRow(number_, label, short, done, study.replicates, each, left, failed))
    return rows


def _side_by_side(replay: Replay) -> float:
    jobs = replay.starts[-1].get("jobs") if replay.starts else 1
    return float(jobs) if isinstance(jobs, int) and jobs > 0 else 1.0


def progress_cell(row: ProgressRow, key: str) -> Drawn:
    """Return one cell of the progress table."""
    if key == "label":
        return Drawn(row.label, "", row.short)
    if key == "bar":
        return Drawn(bar(row.done / row.total if row.total else 1.0, 12), "good" if row.left == 0 else "")
    if key == "done":
        return Drawn(f"{row.done}/{row.total}")
    if key == "failed":
        return Drawn(str(row.failed) if row.failed else "", "bad")
    if key == "each":
        return Drawn(duration(row.each), "dim")
    return Drawn("done" if row.left == 0 else duration(row.left))


def time_spread(replay: Replay) -> float:
    """Return the relative standard error of the time that is left; NaN while it can't be told.

    Each replicate to come varies as those recorded did; a scenario not begun may cost what any other did.
    """
    study, known = replay.study, []
    for found in replay.rows.scenarios:
        if len(found) > 1:
            mean = math.fsum(found.seconds) / len(found)
            spread = math.fsum((s - mean) ** 2 for s in found.seconds) / (len(found) - 1)
            known.append((mean, spread))
    if not known:
        return math.nan
    usual = math.fsum(mean for mean, _ in known) / len(known)
    between = math.fsum((mean - usual) ** 2 for mean, _ in known) / max(len(known) - 1, 1)
    work = variance = 0.0
    for found in replay.rows.scenarios:
        left, n = study.replicates - len(found), len(found)
        if n > 1:
            mean = math.fsum(found.seconds) / n
            spread = math.fsum((s - mean) ** 2 for s in found.seconds) / (n - 1)
            variance += left * spread + left * left * spread / n
        else:
            mean = usual
            variance += left * left * max(between, (0.5 * usual) ** 2 if len(known) < 2 else 0.0)
        work += left * mean
    return math.sqrt(variance) / work if work > 0 else 0.0


# ---- the summary -------------------------------------------------------------------------------------


class SummaryRow(NamedTuple):
    """One scenario's comparison of a method with the baseline, by one metric."""

    scenario: int
    label: str
    short: str
    metric: str
    baseline: Cell | None
    cell: Cell


SUMMARY_KEYS = (
    *("scenario", "metric", "method", "mean", "mcse", "baseline"),
    *("difference", "low", "high", "won", "n", "failed", "undefined"),
)
"""What a filter on the summary can ask for."""


def summary_columns(study: Study, summary: Summary, *, one_metric: bool) -> tuple[Column, ...]:
    """Return the columns of the summary table."""
    baseline, other = summary.baseline, only_other(summary)
    columns = [scenario_labels(study).column("label")]
    if not one_metric:
        columns.append(Column("metric", "metric", 25, least=13))
    columns.append(Column("baseline", baseline[:16], 12, True, 11))
    if not other:
        columns.append(Column("method", "method", 24, least=12))
    columns += [
        Column("mean", other[:12] or "its mean", 12, True, 11),
        Column("difference", "diff.", 6, True),
        Column("interval", "95% interval", 15, True, 14),
        Column("won", "won", 4, True),
        Column("n", "n", 6, True, 5),
    ]
    return tuple(columns)


def only_other(summary: Summary) -> str:
    """Return the one method beside the baseline; empty where there are several."""
    others = [label for label in summary.labels if label != summary.baseline]
    return others[0] if len(others) == 1 else summary.baseline if not others else ""


def summary_rows(study: Study, summary: Summary, metrics: Sequence[str]) -> list[SummaryRow]:
    """Return the comparisons by scenario, metric and method; the baseline alone where it is alone."""
    others = [label for label in summary.labels if label != summary.baseline]
    labels = scenario_labels(study)
    rows = []
    for scenario, (full, short) in enumerate(zip(labels.full, labels.short)):
        for metric in metrics:
            base = summary.cell(scenario, summary.baseline, metric)
            for label in others or [summary.baseline]:
                cell = summary.cell(scenario, label, metric)
                if cell is not None:
                    rows.append(SummaryRow(scenario, full, short, metric, base, cell))
    return rows


def summary_value(row: SummaryRow, key: str) -> object:
    """Return a cell's value, for sorting and filtering."""
    difference = row.cell.difference
    if key in ("mean", "mcse", "n", "failed", "undefined"):
        return float(getattr(row.cell, key))
    if key == "baseline":
        return row.baseline.mean if row.baseline is not None else math.nan
    if key in ("low", "high", "won"):
        return getattr(difference, key) if difference is not None else math.nan
    if key in ("difference", "interval"):
        return difference.mean if difference is not None else math.nan
    return {"label": row.label, "scenario": row.label, "metric": row.metric, "method": row.cell.label}.get(
        key
    )


def summary_cell(row: SummaryRow, key: str) -> Drawn:
    """Return one drawn cell of the summary table."""
    difference = row.cell.difference
    if key == "label":
        return Drawn(row.label, "", row.short)
    if key == "metric":
        return Drawn(metric_title(row.metric), "", short_metric_title(row.metric))
    if key == "method":
        return Drawn(row.cell.label)
    if key == "baseline":
        return Drawn(with_error(row.baseline.mean, row.baseline.mcse) if row.baseline else NOTHING)
    if key == "mean":
        return Drawn(with_error(row.cell.mean, row.cell.mcse))
    if key == "n":
        missing = row.cell.failed + row.cell.undefined
        return Drawn(f"{row.cell.n}/{row.cell.n + missing}", "warn") if missing else Drawn(str(row.cell.n))
    if difference is None:
        return Drawn("", "dim")
    if key == "won":
        return Drawn(share(difference.won))
    tone = tone_of(row.cell)
    if key == "difference":
        return Drawn(signed(difference.mean), tone)
    return Drawn(interval(difference.low, difference.high), tone)


def verdict(rows: Sequence[SummaryRow]) -> str:
    """Return in a few words how often the differences are told from zero, and which way."""
    tones = [tone_of(row.cell) for row in rows if row.cell.difference is not None]
    if not tones or METRICS_BY_NAME.get(rows[0].metric, METRICS[0]).better is None:
        return ""
    return f"better {tones.count('good')}, worse {tones.count('bad')}, not told apart {tones.count('')}"


def tone_of(cell: Cell) -> str:
    """Return the tone of a difference: good or bad where its interval leaves out zero."""
    difference, metric = cell.difference, METRICS_BY_NAME.get(cell.metric)
    if difference is None or metric is None or metric.better is None:
        return ""
    if difference.low > 0:
        return "good" if metric.better == "higher" else "bad"
    if difference.high < 0:
        return "bad" if metric.better == "higher" else "good"
    return ""


def fit_warnings(rows: Rows) -> list[tuple[str, int]]:
    """Return how many fits were recorded with each warning, the most frequent first."""
    counts: dict[str, int] = {}
    for scenario in rows.scenarios:
        for columns in scenario.methods.values():
            for warnings in columns.warnings.values():
                for warning in warnings:
                    counts[warning] = counts.get(warning, 0) + 1
    return sorted(counts.items(), key=lambda item: -item[1])


# ---- the parameters ----------------------------------------------------------------------------------

PARAMETER_COLUMNS = (
    Column("name", "parameter", 18),
    Column("value", "value", 34),
    Column("default", "default", 24),
)

ParameterRow = tuple[str, str, str]


def parameter_rows(study: Study, execution: Execution | None) -> list[ParameterRow]:
    """Return every parameter with its value and default, the changed ones first."""
    changed: list[ParameterRow] = []
    same: list[ParameterRow] = []
    for name, parameter in form_parameters().items():
        if name in study.values:
            values = study.values[name]
        elif execution is not None:
            values = (getattr(execution, name),)
        else:
            continue
        row = (name, text_of(parameter, values), text_of(parameter, parameter.default))
        (changed if values != parameter.default else same).append(row)
    return changed + same


def parameter_cell(row: ParameterRow, key: str) -> Drawn:
    """Return one cell of the parameters' table."""
    name, value, default = row
    is_changed = value != default
    if key == "name":
        return Drawn(f"{'*' if is_changed else ' '} {label_of(name)}")
    if key == "value":
        return Drawn(value or "empty")
    return Drawn((default or "empty") if is_changed else "", "dim")
