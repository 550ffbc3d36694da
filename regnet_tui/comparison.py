"""How do several runs compare? The parameters in which they differ, and their results side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from regnet.metrics import METRICS
from regnet.parameters import write_value
from regnet.runs.replay import Replay
from regnet.scenario import Scenario
from regnet.study import Study
from regnet.summary import Summary, summarise
from regnet_tui.figures import NOTHING, signed, with_error
from regnet_tui.scenario_labels import ScenarioLabels, labels_from


class ComparedRow(NamedTuple):
    """One line of results: a scenario and a method (or a difference), and each run's text."""

    label: str
    short: str
    method: str
    texts: tuple[str, ...]


def alignment(
    studies: Sequence[Study],
) -> tuple[list[str], dict[tuple[str, ...], list[int | None]]]:
    """Match the scenarios of several studies: equal up to the parameters that tell the studies apart.

    Returns the parameters that vary, and for each of their values a scenario's number in every study
    (None where it has none). Where leaving the parameters that tell the studies apart out would merge
    scenarios of one study, scenarios are matched whole.
    """
    fields = [field.name for field in dataclasses.fields(Scenario)]
    apart = {name for name in fields if len({study.values[name] for study in studies}) > 1}
    kept = [name for name in fields if name not in apart]
    for study in studies:
        keys = {tuple(getattr(scenario, name) for name in kept) for scenario in study.scenarios}
        if len(keys) < len(study.scenarios):
            kept = fields
    varying = [
        name
        for name in kept
        if len({getattr(scenario, name) for study in studies for scenario in study.scenarios}) > 1
    ]
    matched: dict[tuple[str, ...], list[int | None]] = {}
    for place, study in enumerate(studies):
        for number, scenario in enumerate(study.scenarios):
            key = tuple(write_value(getattr(scenario, name)) for name in varying)
            matched.setdefault(key, [None] * len(studies))[place] = number
    return varying, matched


def compare(replays: Sequence[Replay], metric: str) -> tuple[ScenarioLabels, list[ComparedRow]]:
    """Return the results of several runs side by side, by scenario and method, with their errors.

    Before the rows come the labels of the scenarios matched.
    """
    studies = [replay.study for replay in replays]
    summaries = [summarise(replay.rows, replay.study.baseline, metrics=[metric]) for replay in replays]
    labels = list(dict.fromkeys(label for study in studies for label in study.labels))
    rows = []
    varying, matched = alignment(studies)
    scenarios = labels_from(varying, list(matched))
    for label, short, numbers in zip(scenarios.full, scenarios.short, matched.values()):
        for method in labels:
            texts = tuple(_mean(s, n, method, metric) for s, n in zip(summaries, numbers))
            if any(text != NOTHING for text in texts):
                rows.append(ComparedRow(label, short, method, texts))
        for method in labels:
            texts = tuple(_difference(s, n, method, metric) for s, n in zip(summaries, numbers))
            if any(text != NOTHING for text in texts):
                bases = {summary.baseline for summary in summaries}
                base = bases.pop() if len(bases) == 1 else "baseline"
                rows.append(ComparedRow(label, short, f"{method} − {base}", texts))
    return scenarios, rows


def metrics_of(replays: Sequence[Replay]) -> tuple[str, ...]:
    """Return the metrics that any of the runs has."""
    found = {name for replay in replays for name in replay.rows.metric_names}
    return tuple(metric.name for metric in METRICS if metric.name in found) or (METRICS[0].name,)


def _mean(summary: Summary, scenario: int | None, method: str, metric: str) -> str:
    cell = summary.cell(scenario, method, metric) if scenario is not None else None
    return with_error(cell.mean, cell.mcse) if cell is not None and cell.n else NOTHING


def _difference(summary: Summary, scenario: int | None, method: str, metric: str) -> str:
    cell = summary.cell(scenario, method, metric) if scenario is not None else None
    if cell is None or cell.difference is None or not cell.difference.n:
        return NOTHING
    found = cell.difference
    return f"{signed(found.mean)} [{signed(found.low)}, {signed(found.high)}]"
