"""How are 100,000 lines of replicates shown without making them? By their places in the columns.

A line is a whole number: the place of its replicate in a scenario's columns, its scenario and its
method, packed. Its cells are looked up when they are drawn, filtered or sorted.
"""

from __future__ import annotations

import math
from array import array

from regnet.metrics import METRICS_BY_NAME
from regnet.runs.replay import Replay
from regnet.runs.rows import STATUSES
from regnet_tui.figures import NOTHING, number
from regnet_tui.row_table import Cell, Column
from regnet_tui.scenario_labels import scenario_labels

_FIXED = (
    Column("replicate", "rep.", 5, True),
    Column("method", "method", 14),
    Column("status", "status", 9),
)
_LAST = (
    Column("signal_fraction", "signal", 7, True),
    Column("warnings", "warnings", 18),
    Column("reason", "reason", 40),
)


class ReplicateRows:
    """The lines of a run's replicate table, in the order in which they were recorded."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._labels = replay.rows.labels
        self._n_labels = len(self._labels)
        self._n_scenarios = len(replay.study.scenarios)
        self._seen = [0] * self._n_scenarios
        self._scenarios = scenario_labels(replay.study)
        self._texts = [
            [f"{label} {method} ".casefold() for method in self._labels] for label in self._scenarios.full
        ]
        self.keys: array[int] = array("q")
        self.grow()

    def grow(self) -> None:
        """Add lines for the replicates that were recorded since."""
        n_labels, n_scenarios = self._n_labels, self._n_scenarios
        for scenario, rows in enumerate(self._replay.rows.scenarios):
            first, last = self._seen[scenario], len(rows)
            self._seen[scenario] = last
            step = n_scenarios * n_labels
            for place in range(first, last):
                start = place * step + scenario * n_labels
                self.keys.extend(range(start, start + n_labels))

    def _find(self, key: int) -> tuple[int, int, str]:
        """Return a line's place, scenario and method."""
        rest, method = divmod(key, self._n_labels)
        place, scenario = divmod(rest, self._n_scenarios)
        return place, scenario, self._labels[method]

    def names(self) -> tuple[str, ...]:
        """Return what a filter can ask for."""
        return (
            *("scenario", "replicate", "method", "status", "reason", "warnings", "warned"),
            *self._replay.rows.truth_names,
            *self._replay.rows.metric_names,
            *(name for name in self._replay.study.varying),
        )

    def columns(self) -> list[Column]:
        """Return the columns: what the line is, its metrics, what was simulated, what went wrong."""
        metrics = []
        for name in self._replay.rows.metric_names:
            metric = METRICS_BY_NAME.get(name)
            title, short = (metric.title, metric.short) if metric is not None else (name, "")
            width, least = (max(len(text), 9) for text in (title, short or title))
            metrics.append(Column(name, title, width, True, least, short))
        return [self._scenarios.column("scenario"), *_FIXED, *metrics, *_LAST]

    def value(self, key: int, name: str) -> object:
        """Return a cell's value, for filters and sorts."""
        place, scenario, label = self._find(key)
        rows = self._replay.rows.scenarios[scenario]
        columns = rows.methods[label]
        found = columns.metrics.get(name)
        if found is not None:
            return found[place]
        if name == "scenario":
            return self._scenarios.full[scenario]
        if name == "replicate":
            return float(rows.replicates[place])
        if name == "method":
            return label
        if name == "status":
            return STATUSES[columns.statuses[place]]
        if name == "reason":
            return columns.reasons.get(place, "")
        if name == "warned":
            return place in columns.warnings
        if name == "warnings":
            return ", ".join(columns.warnings.get(place, ()))
        if name in rows.truth:
            return rows.truth[name][place]
        return getattr(self._replay.study.scenarios[scenario], name, None)

    def text(self, key: int) -> str:
        """Return a line's text in small letters, for filters."""
        rest, method = divmod(key, self._n_labels)
        place, scenario = divmod(rest, self._n_scenarios)
        columns = self._replay.rows.scenarios[scenario].methods[self._labels[method]]
        text = self._texts[scenario][method]
        if columns.statuses[place] or place in columns.warnings:
            more = (STATUSES[columns.statuses[place]], columns.reasons.get(place, ""))
            text += " ".join((*more, *columns.warnings.get(place, ()))).casefold()
        return text

    def cell(self, key: int, name: str) -> Cell:
        """Return a drawn cell."""
        value = self.value(key, name)
        if isinstance(value, float):
            if name == "replicate":
                return Cell(str(int(value)))
            return Cell(number(value, 4) if math.isfinite(value) else NOTHING)
        text = "" if value is None else str(value)
        if name == "scenario":
            return Cell(text, "", self._scenarios.short[self._find(key)[1]])
        return Cell(text, "bad" if name == "status" and text != "ok" else "")
