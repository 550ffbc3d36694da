"""What tells a scenario from the others of its study, in as little room as a table has for it?

The values of the parameters that vary, under a heading that names the parameters. Where even these are
too wide, values are cut in their middles, and no further than they stay distinct.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from regnet.parameters import write_value
from regnet.study import Study
from regnet_tui.form_state import label_of
from regnet_tui.row_table import Column

_BETWEEN, _CLOSE = " · ", "·"
_ROOM = 13  # cells of a short label, where its values can be told apart in so few
_WIDEST = 60

_SHORT = {
    "covariance": "V",
    "signal_fraction": "R²",
    "noise_fraction": "V share",
    "conditions": "C",
    "genes": "G",
    "tfs": "T",
}


def short_name(name: str) -> str:
    """Return a parameter's short name, as labels of scenarios use it."""
    return _SHORT.get(name, label_of(name))


def scenario_name(study: Study, scenario: int) -> str:
    """Return a scenario's values with their names, for a sentence: ``V=id noise=identity``."""
    chosen = study.scenarios[scenario]
    names = study.varying or ("covariance",)
    return " ".join(f"{short_name(name)}={write_value(getattr(chosen, name))}" for name in names)


@dataclass(frozen=True, slots=True)
class ScenarioLabels:
    """The labels of scenarios; `short` ones stand where `full` ones don't fit."""

    title: str
    short_title: str
    full: tuple[str, ...]
    short: tuple[str, ...]

    def column(self, key: str) -> Column:
        """Return the labels' column: as wide as they need, as narrow as the short ones are."""
        width = min(max(map(len, (self.title, *self.full))), _WIDEST)
        least = min(max(map(len, (self.short_title, *self.short))), width)
        return Column(key, self.title, width, least=least, short=self.short_title)


def scenario_labels(study: Study) -> ScenarioLabels:
    """Return the labels of a study's scenarios."""
    names = study.varying
    rows = [[write_value(getattr(scenario, name)) for name in names] for scenario in study.scenarios]
    return labels_from(names, rows, alone=scenario_name(study, 0))


def labels_from(names: Sequence[str], rows: Sequence[Sequence[str]], *, alone: str = "all") -> ScenarioLabels:
    """Return the labels of rows of values of some parameters; `alone`: what is said where nothing varies."""
    if not names:
        texts = (alone,) * len(rows)
        return ScenarioLabels("scenario", "scenario", texts, texts)
    titles = [short_name(name) for name in names]
    full = tuple(_BETWEEN.join(row) for row in rows)
    close = [(_CLOSE.join(row), _CLOSE.join(cut)) for row, cut in zip(rows, _shortened(rows, _ROOM))]
    short = tuple(whole if len(whole) <= _ROOM else cut for whole, cut in close)
    return ScenarioLabels(_BETWEEN.join(titles), _CLOSE.join(titles), full, short)


def middle_cut(text: str, width: int) -> str:
    """Return a text of at most `width` characters, with an ellipsis for its middle: ``ide…V``."""
    if len(text) <= width:
        return text
    tail = max((width - 1) // 3, 1)
    return f"{text[: max(width - 1 - tail, 1)]}…{text[-tail:]}"


def _shortened(rows: Sequence[Sequence[str]], room: int) -> list[tuple[str, ...]]:
    """Cut values to fit into `room` cells, as far as the values of each parameter stay distinct."""
    columns = [list(column) for column in zip(*rows)]
    widths = [_narrowest(column) for column in columns]
    longest = [max(map(len, column), default=0) for column in columns]
    left = room - sum(widths) - len(widths) + 1
    while left > 0 and widths != longest:  # what is left over goes to the narrowest that wants it
        place = min((i for i, w in enumerate(widths) if w < longest[i]), key=widths.__getitem__)
        widths[place] += 1
        left -= 1
    cut = [[middle_cut(text, width) for text in column] for column, width in zip(columns, widths)]
    return list(zip(*cut))


def _narrowest(texts: Sequence[str]) -> int:
    """Return the fewest cells in which texts that differ still differ when their middles are cut."""
    different = set(texts)
    longest = max(map(len, different), default=0)

    def is_distinct(width: int) -> bool:
        return len({middle_cut(text, width) for text in different}) == len(different)

    # a wider cut keeps all that a narrower one keeps, so the answer can be bisected for
    return bisect_left(range(longest), True, lo=min(3, longest), key=is_distinct) if longest else 0
