"""Is each field of a generated data set what it should be? Each is read with its type, or refused by name.

The values come from an old pickle (rebuilt by :mod:`regnet.files.legacy_classes`) or from an ``.npz``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from regnet.errors import InputError, shown
from regnet.files.legacy_classes import Array, Frame

Floats = npt.NDArray[np.float64]


class Fields:
    """Reads fields of a file, each with its type, or says which one is wrong."""

    def __init__(self, given: Mapping[str, object], where: str) -> None:
        self._given = given
        self._where = where

    def _take(self, key: str) -> Any:
        if key not in self._given:
            raise InputError(f"{self._where}, {key}", "a value", "none")
        value = self._given[key]
        return value.values if isinstance(value, Array) else value

    def _wrong(self, key: str, wanted: str, value: object) -> InputError:
        return InputError(f"{self._where}, {key}", wanted, f"a {type(value).__name__}")

    def number(self, key: str) -> float | None:
        value = self._take(key)
        if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf":
            value = value.item()
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number", value)
        return None if math.isnan(value) else float(value)

    def count(self, key: str) -> int:
        number = self.number(key)
        if number is None or not 1 <= number < 1 << 53 or number != int(number):
            raise InputError(f"{self._where}, {key}", "a whole number of at least 1", shown(number))
        return int(number)

    def share(self, key: str) -> float | None:
        number = self.number(key)
        if number is not None and not 0 <= number <= 1:
            raise InputError(f"{self._where}, {key}", "a number from 0 to 1", shown(number))
        return number

    def array(self, key: str) -> Floats:
        value = self._take(key)
        if isinstance(value, list) and all(isinstance(one, int | float) for one in value):
            value = np.array(value, dtype=np.float64)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = np.array([value], dtype=np.float64)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iuf":
            raise self._wrong(key, "an array of numbers", value)
        return value.astype(np.float64, copy=False)

    def names(self, key: str) -> list[str]:
        value = self._take(key)
        if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "US":
            raise self._wrong(key, "a list of names", value)
        try:
            names = value.tolist()
        except ValueError:  # a code point that Unicode doesn't have
            raise self._wrong(key, "a list of names", value) from None
        return [name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in names]

    def table(self, key: str) -> pd.DataFrame:
        value = self._take(key)
        if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "iuf":
            return pd.DataFrame(value.astype(np.float64, copy=False), copy=False)
        if not isinstance(value, Frame) or value.blocks is None:
            raise self._wrong(key, "a table", value)
        return _to_pandas(value)


def _to_pandas(frame: Frame) -> pd.DataFrame:
    """Return an old DataFrame as one of today's that uses the same memory."""
    blocks = frame.blocks
    if blocks is None or blocks.columns is None or blocks.rows is None:
        raise ValueError("a DataFrame without its content")  # the reader has refused it before
    rows, columns = (
        pd.RangeIndex(index.labels.start, index.labels.stop, index.labels.step, name=index.name)
        if isinstance(index.labels, range)
        else pd.Index(
            index.labels, name=index.name, dtype=object if isinstance(index.labels, tuple) else None
        )
        for index in (blocks.rows, blocks.columns)
    )
    content = dict(enumerate(blocks.values)) if blocks.whole is None else blocks.whole
    table = pd.DataFrame(content, copy=False)
    table.index, table.columns = rows, columns
    return table
