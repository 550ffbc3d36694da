"""In what do two studies differ?"""

from __future__ import annotations

from typing import NamedTuple

from regnet.parameters import Value
from regnet.study import Study, study_parameters


class Difference(NamedTuple):
    """A parameter in which two studies differ, and its values in each."""

    name: str
    first: tuple[Value, ...]
    second: tuple[Value, ...]


def differences(first: Study, second: Study) -> tuple[Difference, ...]:
    """Return the parameters in which two studies differ, in the order of forms and files."""
    return tuple(
        Difference(name, first.values[name], second.values[name])
        for name in study_parameters()
        if first.values[name] != second.values[name]
    )
