"""In what do several studies differ, and which of their results belong side by side?

Pure: studies and recorded rows in, frozen tables of values out. How they are written, the command line
and the app decide, each for its own reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regnet.parameters import Value
from regnet.runs.rows import Rows
from regnet.study import Study, study_parameters
from regnet.summary import Cell, summarise


def differing_parameters(studies: Sequence[Study]) -> dict[str, tuple[tuple[Value, ...], ...]]:
    """Return the parameters in which not all studies agree, each with its values in every study.

    Parameters come in the order of forms and files.
    """
    return {
        name: tuple(study.values[name] for study in studies)
        for name in study_parameters()
        if len({study.values[name] for study in studies}) > 1
    }


@dataclass(frozen=True, slots=True)
class AlignedScenario:
    """One scenario of each study, of those that have it.

    Attributes
    ----------
    values : tuple
        What it is: its values of the parameters that vary.
    numbers : tuple of int or None
        Its place in every study; None where a study doesn't have it.
    """

    values: tuple[Value, ...]
    numbers: tuple[int | None, ...]


def align(studies: Sequence[Study]) -> tuple[tuple[str, ...], tuple[AlignedScenario, ...]]:
    """Match the scenarios of studies: those that agree in all parameters that vary within any study.

    A parameter that has one value in each study tells no scenario from another, even where the studies
    differ in it: they are then compared across it.

    Returns
    -------
    varying : tuple of str
        The parameters that vary within a study, in the order of forms and files.
    scenarios : tuple of AlignedScenario
        In the order of the first study, then what only later ones have.
    """
    varying = tuple(name for name in study_parameters() if any(name in study.varying for study in studies))
    matched: dict[tuple[Value, ...], list[int | None]] = {}
    for place, study in enumerate(studies):
        for number, scenario in enumerate(study.scenarios):
            values = tuple(getattr(scenario, name) for name in varying)
            matched.setdefault(values, [None] * len(studies))[place] = number
    return varying, tuple(AlignedScenario(values, tuple(numbers)) for values, numbers in matched.items())


@dataclass(frozen=True, slots=True)
class ComparedCells:
    """One method on one scenario, in every study.

    Attributes
    ----------
    scenario : AlignedScenario
    label : str
        The method's name.
    cells : tuple of Cell or None
        What each study has of it; None where it has no such scenario or method, or nothing yet.
    """

    scenario: AlignedScenario
    label: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The results of several studies by one metric, side by side.

    Attributes
    ----------
    varying : tuple of str
        The parameters whose values tell the scenarios apart.
    scenarios : tuple of AlignedScenario
    baselines : tuple of str
        The method that each study's differences are against.
    lines : tuple of ComparedCells
        By scenario and method; without those of which no study has anything.
    """

    varying: tuple[str, ...]
    scenarios: tuple[AlignedScenario, ...]
    baselines: tuple[str, ...]
    lines: tuple[ComparedCells, ...]

    def difference_label(self, label: str) -> str:
        """Return the name of a method's difference: ``LMM − Ridge``, where the baselines agree."""
        return f"{label} − {self.baselines[0] if len(set(self.baselines)) == 1 else 'baseline'}"


def compare(studies: Sequence[Study], recorded: Sequence[Rows], metric: str) -> Comparison:
    """Put the results of several studies side by side.

    Parameters
    ----------
    studies : sequence of Study
    recorded : sequence of Rows
        What each of them has recorded.
    metric : str
        One of :data:`regnet.metrics.METRICS`.
    """
    summaries = [
        summarise(rows, study.baseline, metrics=[metric])
        for study, rows in zip(studies, recorded, strict=True)
    ]
    labels = dict.fromkeys(label for study in studies for label in study.labels)
    varying, scenarios = align(studies)
    lines = []
    for scenario in scenarios:
        for label in labels:
            cells = tuple(
                summary.cell(number, label, metric) if number is not None else None
                for summary, number in zip(summaries, scenario.numbers, strict=True)
            )
            if any(cell is not None for cell in cells):
                lines.append(ComparedCells(scenario, label, cells))
    return Comparison(varying, scenarios, tuple(summary.baseline for summary in summaries), tuple(lines))
