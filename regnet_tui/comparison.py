"""How are the results of several runs drawn side by side? (What belongs together, the engine says.)"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from regnet.comparison import compare as side_by_side
from regnet.metrics import METRICS
from regnet.parameters import write_value
from regnet.runs.replay import Replay
from regnet.summary import Cell
from regnet_tui.figures import NOTHING, signed, signed_interval, with_error
from regnet_tui.row_table import Cell as Drawn
from regnet_tui.run_tables import tone_of
from regnet_tui.scenario_labels import ScenarioLabels, labels_from


class ComparedRow(NamedTuple):
    """One line of results: a scenario and a method (or a difference), and a cell of each run."""

    label: str
    short: str
    method: str
    cells: tuple[Drawn, ...]


def compare(replays: Sequence[Replay], metric: str) -> tuple[ScenarioLabels, list[ComparedRow]]:
    """Return the results of several runs side by side, by scenario and method, with their errors.

    Before the rows come the labels of the scenarios matched. A scenario's differences stand below its
    means.
    """
    found = side_by_side([replay.study for replay in replays], [replay.rows for replay in replays], metric)
    values = [[write_value(value) for value in scenario.values] for scenario in found.scenarios]
    labels = labels_from(found.varying, values)
    names = dict(zip(found.scenarios, zip(labels.full, labels.short)))
    rows: list[ComparedRow] = []
    for scenario, group in itertools.groupby(found.lines, key=lambda line: line.scenario):
        members = list(group)
        both = [(line.label, tuple(map(_mean, line.cells))) for line in members]
        both += [
            (found.difference_label(line.label), tuple(map(_difference, line.cells))) for line in members
        ]
        rows += [
            ComparedRow(*names[scenario], method, cells)
            for method, cells in both
            if any(cell.text != NOTHING for cell in cells)
        ]
    return labels, rows


def metrics_of(replays: Sequence[Replay]) -> tuple[str, ...]:
    """Return the metrics that any of the runs has."""
    found = {name for replay in replays for name in replay.rows.metric_names}
    return tuple(metric.name for metric in METRICS if metric.name in found) or (METRICS[0].name,)


def _mean(cell: Cell | None) -> Drawn:
    return Drawn(with_error(cell.mean, cell.mcse) if cell is not None and cell.n else NOTHING)


def _difference(cell: Cell | None) -> Drawn:
    if cell is None or cell.difference is None or not cell.difference.n:
        return Drawn(NOTHING)
    found = cell.difference
    interval = signed_interval(found.low, found.high)
    if interval == NOTHING:  # a single replicate
        return Drawn(signed(found.mean))
    short = interval.replace("+0.", "+.").replace("-0.", "-.")
    return Drawn(f"{signed(found.mean)} {interval}", tone_of(cell), short)
