"""Which pictures of a run are there, and what does each show? Charts made from rows, summary and arrays."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from regnet.runs.replay import Replay
from regnet.summary import Summary, summarise, t_quantile
from regnet_tui.figures import number, signed
from regnet_tui.plots import Chart, Curve, Curves, Forest, Heat, Interval, Notice, Panel, Scatter
from regnet_tui.run_tables import metric_title, tone_of
from regnet_tui.scenario_labels import scenario_labels, scenario_name

OF_ROWS = ("differences", "means", "paired", "convergence")
"""Pictures made from the numbers in the log."""

OF_ARRAYS = ("effects", "covariances")
"""Pictures of one replicate's arrays, which a process of its own reads."""

PICTURES = OF_ROWS + OF_ARRAYS

TITLES = {
    "differences": "paired differences",
    "means": "means",
    "paired": "replicates, paired",
    "convergence": "convergence",
    "effects": "effects",
    "covariances": "V and Σ",
}

_MOST_POINTS = 4000


def chart_of(kind: str, replay: Replay, summary: Summary, metric: str, scenario: int) -> Chart:
    """Return a picture made from rows; `scenario` is the one that is looked at, where only one can be."""
    if not len(replay.rows):
        return Notice(TITLES[kind], "no replicate is recorded yet")
    if kind == "differences":
        return differences(replay, summary, metric)
    if kind == "means":
        return means(replay, summary, metric)
    if kind == "paired":
        return paired(replay, summary.baseline, metric, scenario)
    return convergence(replay, summary.baseline, metric, scenario)


def differences(
    replay: Replay, summary: Summary, metric: str, expected: Mapping[tuple[int, str], float] | None = None
) -> Chart:
    """Return every scenario's paired difference with its interval, and what is expected, if known."""
    rows = []
    labels = scenario_labels(replay.study)
    several = len(summary.labels) > 2
    for cell in summary.cells:
        if cell.metric == metric and cell.difference is not None and cell.difference.n:
            label, short = labels.full[cell.scenario], labels.short[cell.scenario]
            if several:
                label, short = f"{label}, {cell.label}", f"{short}, {cell.label}"
            found = cell.difference
            known = (expected or {}).get((cell.scenario, cell.label))
            rows.append(Interval(label, found.mean, found.low, found.high, known, tone_of(cell), short))
    other = "method" if several else next((x for x in summary.labels if x != summary.baseline), "method")
    if not rows:
        return Notice("Differences", f"{metric_title(metric)} has no pair of methods to compare yet")
    title = f"{metric_title(metric)}: {other} − {summary.baseline}"
    return Forest(title, "difference of the same replicates", rows, row_title=labels.title)


def means(replay: Replay, summary: Summary, metric: str) -> Chart:
    """Return every method's mean with an interval of ± 1.96 Monte Carlo errors."""
    rows = []
    labels = scenario_labels(replay.study)
    for cell in sorted(summary.cells, key=lambda c: (c.scenario, summary.labels.index(c.label))):
        if cell.metric == metric and cell.n:
            half = 1.96 * cell.mcse if math.isfinite(cell.mcse) else math.nan
            texts = [f"{told[cell.scenario]}, {cell.label}" for told in (labels.full, labels.short)]
            rows.append(Interval(texts[0], cell.mean, cell.mean - half, cell.mean + half, short=texts[1]))
    if not rows:
        return Notice("Means", f"{metric_title(metric)} is not recorded yet")
    return Forest(
        f"{metric_title(metric)}: means", metric_title(metric), rows, zero=False, row_title=labels.title
    )


def paired(replay: Replay, baseline: str, metric: str, scenario: int) -> Chart:
    """Return each replicate's values: the baseline's across, the other methods' up."""
    found = replay.rows.scenarios[scenario]
    panels = []
    for label in replay.rows.labels:
        if label == baseline:
            continue
        pairs = _pairs(found.methods, baseline, label, metric)[:_MOST_POINTS]
        if pairs:
            above = sum(y > x for x, y in pairs)
            note = f"{above} of {len(pairs)} above the diagonal"
            panels.append(Panel(label, [x for x, _ in pairs], [y for _, y in pairs], note))
    if not panels:
        return Notice("Pairs", f"{metric_title(metric)} has no pair of methods to compare yet")
    title = f"{metric_title(metric)} of each replicate, {scenario_name(replay.study, scenario)}"
    return Scatter(title, baseline, "method", panels[:3])


def convergence(replay: Replay, baseline: str, metric: str, scenario: int) -> Chart:
    """Return the running mean of the paired difference with its 95% interval."""
    found = replay.rows.scenarios[scenario]
    curves = []
    for label in replay.rows.labels:
        if label == baseline:
            continue
        pairs = _pairs(found.methods, baseline, label, metric)
        curve = running_mean([y - x for x, y in pairs])
        if len(curve.x) > 1:
            last = f"{signed(curve.y[-1])} ± {number(curve.high[-1] - curve.y[-1])}"
            curves.append(Curve(f"{label} − {baseline}: {last}", curve.x, curve.y, curve.low, curve.high))
    if not curves:
        return Notice("Convergence", "three replicates are needed")
    title = f"{metric_title(metric)} as replicates come in, {scenario_name(replay.study, scenario)}"
    return Curves(title, "replicates", "mean difference and its interval", curves[:2], zero=True)


def running_mean(values: Sequence[float]) -> Curve:
    """Return the mean of the first n values with its 95% t interval, for n from 3 (Welford's sums)."""
    x, y, low, high = [], [], [], []
    mean = squares = 0.0
    step = max(len(values) // 400, 1)
    for n, value in enumerate(values, 1):
        change = value - mean
        mean += change / n
        squares += change * (value - mean)
        if n >= 3 and (n % step == 0 or n == len(values)):
            half = t_quantile(0.975, n - 1) * math.sqrt(squares / (n - 1) / n)
            x.append(float(n))
            y.append(mean)
            low.append(mean - half)
            high.append(mean + half)
    return Curve("", x, y, low, high)


def _pairs(methods: Mapping[str, Any], baseline: str, label: str, metric: str) -> list[tuple[float, float]]:
    """Return the values of baseline and method on the replicates where both have one."""
    if baseline not in methods or label not in methods:
        return []
    base, other = methods[baseline], methods[label]
    x, y = base.metrics.get(metric, ()), other.metrics.get(metric, ())
    return [
        (a, b)
        for a, b, s, t in zip(x, y, base.statuses, other.statuses)
        if not s and not t and math.isfinite(a) and math.isfinite(b)
    ]


def summary_of(
    replay: Replay, previous: Summary | None = None, changed: Collection[int] | None = None
) -> Summary:
    """Return a run's summary; scenarios that aren't among the `changed` are taken over from the previous.

    `changed` are those that got rows since the previous summary (by default, in the last update).
    """
    changed = replay.changed if changed is None else changed
    return summarise(replay.rows, replay.study.baseline, previous=previous, changed=changed)


def chart_of_arrays(kind: str, told: Mapping[str, Any], where: str) -> Chart:
    """Return a picture of one replicate's arrays from what the reading process told."""
    if told.get("problem"):
        return Notice(TITLES[kind], str(told["problem"]))
    if kind == "effects":
        panels = [
            Panel(panel["label"], panel["true"], panel["estimated"], panel["note"])
            for panel in told.get("effects", ())
        ]
        if not panels:
            return Notice(TITLES[kind], "the run kept no effects")
        return Scatter(f"Effects of {where}", "true", "estimated", panels[:3])
    matrices = [(str(title), matrix) for title, matrix in told.get("covariances", ())]
    if not matrices:
        return Notice(TITLES[kind], "the run kept no covariances")
    return Heat(f"Covariances of {where}, each scaled to trace 1", matrices)
