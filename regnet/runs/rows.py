"""How are a run's results held in memory? In columns: one number each, many thousands of replicates.

The replicates of a scenario come in the order in which they were recorded; place k of every column
belongs to the same replicate, so that methods are paired by position.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from regnet.runs.events import Event, number_from

STATUSES = ("ok", "failed", "refused", "timed out")
"""What can have become of a fit; a column holds the place in this list."""

NAN = math.nan


@dataclass(slots=True)
class MethodColumns:
    """One method's results on one scenario: a status, and a number per metric (NaN: undefined).

    ``reasons`` and ``warnings`` are kept for the places that have some.
    """

    statuses: bytearray = field(default_factory=bytearray)
    metrics: dict[str, array[float]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    warnings: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def append(self, fit: Mapping[str, Any]) -> bool:
        """Add the next replicate's fit; return whether it went well."""
        place = len(self.statuses)
        status = fit.get("status")
        code = STATUSES.index(status) if status in STATUSES else 1
        self.statuses.append(code)
        values = fit.get("metrics")
        values = dict(values) if isinstance(values, dict) else {}
        values["seconds"] = fit.get("seconds")
        for name, column in self.metrics.items():
            value = values.pop(name, None)
            column.append(value if type(value) is float else number_from(value))
        for name, value in values.items():
            self.metrics[name] = array("d", [NAN]) * place
            self.metrics[name].append(number_from(value))
        if fit.get("reason"):
            self.reasons[place] = str(fit["reason"])
        warnings = fit.get("warnings")
        if warnings and isinstance(warnings, list):
            self.warnings[place] = tuple(map(str, warnings))
        return code == 0


@dataclass(slots=True)
class ScenarioRows:
    """The recorded replicates of one scenario."""

    replicates: array[int] = field(default_factory=lambda: array("q"))
    seconds: array[float] = field(default_factory=lambda: array("d"))
    truth: dict[str, array[float]] = field(default_factory=dict)
    methods: dict[str, MethodColumns] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.replicates)

    def append(self, event: Event, labels: Sequence[str]) -> int:
        """Add a ``replicate`` event; return how many of its fits have not gone well."""
        place = len(self.replicates)
        self.replicates.append(int(event["replicate"]))
        self.seconds.append(number_from(event.get("seconds")))
        truth = event.get("truth")
        truth = dict(truth) if isinstance(truth, dict) else {}
        for name, column in self.truth.items():
            column.append(number_from(truth.pop(name, None)))
        for name, value in truth.items():
            self.truth[name] = array("d", [NAN]) * place
            self.truth[name].append(number_from(value))
        fits = event.get("fits")
        fits = fits if isinstance(fits, dict) else {}
        failed = 0
        for label in labels:
            fit = fits.get(label)
            fit = fit if isinstance(fit, dict) else {"reason": "not recorded"}
            columns = self.methods.get(label)
            if columns is None:
                columns = self.methods[label] = MethodColumns()
            failed += not columns.append(fit)
        return failed


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the replicate table: one method on one replicate of one scenario."""

    scenario: int
    replicate: int
    label: str
    status: str
    metrics: Mapping[str, float]
    truth: Mapping[str, float]
    reason: str
    warnings: tuple[str, ...]


@dataclass(slots=True)
class Rows:
    """All recorded replicates of a run, by scenario.

    Attributes
    ----------
    labels : tuple of str
        The methods' names, in the study's order.
    scenarios : list of ScenarioRows
        One a scenario, in the study's order.
    """

    labels: tuple[str, ...]
    scenarios: list[ScenarioRows]

    @classmethod
    def empty(cls, labels: Sequence[str], n_scenarios: int) -> Rows:
        """Return rows of a study of which nothing has been recorded yet."""
        return cls(tuple(labels), [ScenarioRows() for _ in range(n_scenarios)])

    def __len__(self) -> int:
        """How many lines the replicate table has."""
        return len(self.labels) * sum(map(len, self.scenarios))

    @property
    def metric_names(self) -> list[str]:
        """The metrics that occur, in the order of their list (unknown ones last)."""
        return self._ordered(
            name
            for scenario in self.scenarios
            for columns in scenario.methods.values()
            for name in columns.metrics
        )

    @property
    def truth_names(self) -> list[str]:
        """What is recorded of the simulated truth."""
        return list(dict.fromkeys(name for scenario in self.scenarios for name in scenario.truth))

    def keys(self) -> list[tuple[int, int, str]]:
        """Return scenario, replicate and label of every line, in that order."""
        return [
            (number, replicate, label)
            for number, scenario in enumerate(self.scenarios)
            for replicate in sorted(scenario.replicates)
            for label in self.labels
        ]

    def __iter__(self) -> Iterator[Row]:
        """Yield the lines of the replicate table, by scenario, replicate and method."""
        for number, scenario in enumerate(self.scenarios):
            places = sorted(range(len(scenario)), key=scenario.replicates.__getitem__)
            for place in places:
                for label in self.labels:
                    yield self.row(number, place, label)

    def row(self, number: int, place: int, label: str) -> Row:
        """Return one line: of a scenario, the replicate at a place of its columns, a method."""
        scenario = self.scenarios[number]
        columns = scenario.methods[label]
        return Row(
            number,
            scenario.replicates[place],
            label,
            STATUSES[columns.statuses[place]],
            {name: values[place] for name, values in columns.metrics.items()},
            {name: values[place] for name, values in scenario.truth.items()},
            columns.reasons.get(place, ""),
            columns.warnings.get(place, ()),
        )

    @staticmethod
    def _ordered(names: Iterator[str]) -> list[str]:
        from regnet.metrics import METRICS

        known = [metric.name for metric in METRICS]
        found = dict.fromkeys(names)
        return [name for name in known if name in found] + [name for name in found if name not in known]
