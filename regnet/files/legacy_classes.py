"""Which classes may a file of the original software hold, and how is each rebuilt without running it?

A pickle names classes and functions and says what to call with what. Here the names are a closed list
(`NAMES`), each stands for a :class:`Name` of this module, and "calling" one looks its rule up. Nothing
that a file says can reach Python's own import, call, ``__setstate__`` or ``__reduce__``: there is no
object in play that has any.

The list is what the original writes: numpy arrays, data types and scalars; the DataFrame of pandas 0.24
with its blocks and indices (and the older modules that the same classes lived in under Python 2.7, as
pandas' own ``compat.pickle_compat`` lists them); its own class ``Ybetaparam``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
Labels = range | Numbers | tuple[str, ...]


LONGEST_NAME = 1000
"""Most characters of a gene's or motif's name: a table of names is as wide as its longest."""


class Refused(ValueError):
    """A file holds something that isn't on the closed list; the message names it."""


class Name(Enum):
    """What a file may refer to."""

    RECONSTRUCTOR = auto()
    OBJECT = auto()
    SLICE = auto()
    ARRAY_RECONSTRUCT = auto()
    ARRAY = auto()
    DTYPE = auto()
    SCALAR = auto()
    NEW_INDEX = auto()
    INDEX = auto()
    INTEGER_INDEX = auto()
    RANGE_INDEX = auto()
    FRAME = auto()
    BLOCKS = auto()
    YBETAPARAM = auto()


NAMES: dict[tuple[str, str], Name] = {
    ("copy_reg", "_reconstructor"): Name.RECONSTRUCTOR,
    ("__builtin__", "object"): Name.OBJECT,
    ("__builtin__", "slice"): Name.SLICE,
    ("numpy.core.multiarray", "_reconstruct"): Name.ARRAY_RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): Name.SCALAR,
    ("numpy", "ndarray"): Name.ARRAY,
    ("numpy", "dtype"): Name.DTYPE,
    ("pandas.core.frame", "DataFrame"): Name.FRAME,
    ("pandas.core.internals.managers", "BlockManager"): Name.BLOCKS,  # pandas 0.24
    ("pandas.core.internals", "BlockManager"): Name.BLOCKS,  # pandas 0.23 and before
    ("Ybetaparam", "Ybetaparam"): Name.YBETAPARAM,
}
for _module in ("pandas.core.indexes.base", "pandas.indexes.base", "pandas.core.index"):
    NAMES[_module, "_new_Index"] = Name.NEW_INDEX
    NAMES[_module, "Index"] = Name.INDEX
for _module in ("pandas.core.indexes.numeric", "pandas.indexes.numeric", "pandas.core.index"):
    NAMES[_module, "Int64Index"] = Name.INTEGER_INDEX
for _module in ("pandas.core.indexes.range", "pandas.indexes.range", "pandas.core.index"):
    NAMES[_module, "RangeIndex"] = Name.RANGE_INDEX

_DTYPES: dict[bytes, np.dtype[Any] | None] = {  # None: an array of Python objects
    b"f8": np.dtype("<f8"),
    b"f4": np.dtype("<f4"),
    b"i8": np.dtype("<i8"),
    b"i4": np.dtype("<i4"),
    b"b1": np.dtype("?"),
    b"O8": None,
}


@dataclass(eq=False, slots=True)
class Dtype:
    """A numpy data type of the list; `numbers` is None for Python objects (gene and motif names)."""

    numbers: np.dtype[Any] | None

    def build(self, state: object) -> None:
        """Accept the state of a plain little-endian type: no subarray, fields or metadata."""
        if not (isinstance(state, tuple) and len(state) == 8 and state[0] == 3):
            raise Refused("a numpy data type in an unknown form")
        if state[1] not in (b"<", b"|") or state[2:5] != (None, None, None):
            raise Refused("a numpy data type that isn't a plain little-endian number")


@dataclass(eq=False, slots=True)
class Array:
    """A numpy array: of numbers, or of names (a tuple of text); None until its state has come."""

    values: Numbers | tuple[str, ...] | None = None

    def build(self, state: object) -> None:
        """Take shape, type and content; the content's size is checked before anything is made of it."""
        if self.values is not None:
            raise Refused("a numpy array that is filled twice")
        if not (isinstance(state, tuple) and len(state) == 5 and state[0] == 1):
            raise Refused("a numpy array in an unknown form")
        _, shape, dtype, fortran, content = state
        if not (isinstance(shape, tuple) and len(shape) <= 2 and all(map(_is_size, shape))):
            raise Refused("a numpy array of an unknown shape")
        if not isinstance(dtype, Dtype) or not isinstance(fortran, bool):
            raise Refused("a numpy array in an unknown form")
        size = math.prod(shape)
        if not size:
            raise Refused("an empty numpy array")
        if dtype.numbers is None:
            self.values = _texts(content, shape, size)
        else:
            numbers = _numbers(content, dtype.numbers, size)
            self.values = numbers.reshape(shape, order="F" if fortran else "C")


@dataclass(frozen=True, eq=False, slots=True)
class Index:
    """The labels of a DataFrame's rows or columns."""

    labels: Labels
    name: str | None


@dataclass(eq=False, slots=True)
class Blocks:
    """What a DataFrame holds: the labels of its columns and rows, and its columns' values.

    ``whole`` is the same values as one table, where the file has them in one block.
    """

    columns: Index | None = None
    rows: Index | None = None
    values: tuple[Numbers, ...] = ()
    whole: Numbers | None = None

    def build(self, state: object) -> None:
        """Take axes and blocks from the part of the state that pandas calls 0.14.1."""
        if self.columns is not None:
            raise Refused("a DataFrame that is filled twice")
        versions = state[3] if isinstance(state, tuple) and len(state) == 4 else None
        inner = versions.get(b"0.14.1") if isinstance(versions, dict) else None
        if not (isinstance(inner, dict) and set(inner) == {b"axes", b"blocks"}):
            raise Refused("a DataFrame in an unknown form (only that of pandas 0.14 to 0.24 is known)")
        axes, blocks = inner[b"axes"], inner[b"blocks"]
        if not (isinstance(axes, list) and len(axes) == 2 and isinstance(blocks, list)):
            raise Refused("a DataFrame in an unknown form")
        columns, rows = axes
        if not (isinstance(columns, Index) and isinstance(rows, Index)):
            raise Refused("a DataFrame whose labels aren't an index")
        self.values = _columns_of(blocks, len(columns.labels), len(rows.labels))
        if len(blocks) == 1 and blocks[0][b"mgr_locs"] == range(len(columns.labels)):
            self.whole = blocks[0][b"values"].values.T
        self.columns, self.rows = columns, rows


@dataclass(eq=False, slots=True)
class Frame:
    """A DataFrame of pandas 0.24 and before."""

    blocks: Blocks | None = None

    def build(self, state: object) -> None:
        """Take the one thing a DataFrame consists of, its blocks."""
        known = {b"_metadata", b"_typ", b"_data"}
        if self.blocks is not None or not (isinstance(state, dict) and set(state) == known):
            raise Refused("a DataFrame in an unknown form")
        blocks = state[b"_data"]
        if state[b"_typ"] != b"dataframe" or state[b"_metadata"] != []:
            raise Refused("a DataFrame in an unknown form")
        if not isinstance(blocks, Blocks) or blocks.columns is None:
            raise Refused("a DataFrame without its content")
        self.blocks = blocks


@dataclass(eq=False, slots=True)
class LegacyYbetaparam:
    """The original's data set: ``Y``, ``beta`` and ``parameter``, its three slots."""

    slots: dict[str, object] | None = None

    def build(self, state: object) -> None:
        """Take the three slots."""
        known = {b"Y", b"beta", b"parameter"}
        if self.slots is not None or not (isinstance(state, dict) and set(state) == known):
            raise Refused("a Ybetaparam with other parts than Y, beta and parameter")
        self.slots = {key.decode(): value for key, value in state.items()}


BUILDABLE = (Dtype, Array, Blocks, Frame, LegacyYbetaparam)
"""What a file may fill with a state; each checks it for itself."""


def call(function: object, arguments: object) -> object:
    """Return what the original's `function(*arguments)` stands for.

    Raises
    ------
    Refused
        Where `function` isn't on the list, or is called as the original never calls it.
    """
    rule = _RULES.get(function) if isinstance(function, Name) else None
    if rule is None or not isinstance(function, Name):
        raise Refused(f"a call of {_kind(function)}")
    if not isinstance(arguments, tuple):
        raise Refused(f"a call of {_kind(function)} without arguments")
    return rule(arguments)


def _reconstructor(arguments: tuple[object, ...]) -> object:
    if len(arguments) == 3 and arguments[1:] == (Name.OBJECT, None):
        if arguments[0] is Name.FRAME:
            return Frame()
        if arguments[0] is Name.BLOCKS:
            return Blocks()
        if arguments[0] is Name.YBETAPARAM:
            return LegacyYbetaparam()
    raise Refused(f"an object made from {_kinds(arguments)}")


def _array_reconstruct(arguments: tuple[object, ...]) -> Array:
    if arguments != (Name.ARRAY, (0,), b"b"):
        raise Refused(f"a numpy array made from {_kinds(arguments)}")
    return Array()


def _dtype(arguments: tuple[object, ...]) -> Dtype:
    code = arguments[0] if len(arguments) == 3 and arguments[1:] == (0, 1) else None
    if not isinstance(code, bytes):
        raise Refused(f"a numpy data type made from {_kinds(arguments)}")
    if code not in _DTYPES:
        raise Refused(f"the numpy data type {code!r:.40}")
    return Dtype(_DTYPES[code])


def _scalar(arguments: tuple[object, ...]) -> object:
    if len(arguments) != 2 or not isinstance(arguments[0], Dtype) or arguments[0].numbers is None:
        raise Refused(f"a numpy scalar made from {_kinds(arguments)}")
    return _numbers(arguments[1], arguments[0].numbers, 1)[0].item()


def _slice(arguments: tuple[object, ...]) -> range:
    if len(arguments) == 3:
        start, stop, step = arguments
        if _is_size(start) and _is_size(stop) and _is_size(step) and step:
            return range(start, stop, step)
    raise Refused(f"a slice made from {_kinds(arguments)}")


def _new_index(arguments: tuple[object, ...]) -> Index:
    if len(arguments) != 2 or not isinstance(arguments[1], dict):
        raise Refused(f"an index made from {_kinds(arguments)}")
    kind = arguments[0]
    parts: dict[object, object] = arguments[1]
    given = parts.get(b"name")
    name = _text(given) if given is not None else None
    if kind is Name.RANGE_INDEX and set(parts) == {b"start", b"stop", b"step", b"name"}:
        return Index(_slice((parts[b"start"], parts[b"stop"], parts[b"step"])), name)
    data = parts.get(b"data")
    if set(parts) == {b"data", b"name"} and isinstance(data, Array):
        if kind is Name.INDEX and isinstance(data.values, tuple):
            return Index(data.values, name)
        if kind is Name.INTEGER_INDEX and _is_line_of_integers(data.values):
            return Index(data.values, name)
    raise Refused("an index in an unknown form")


_RULES: dict[Name, Callable[[tuple[object, ...]], object]] = {
    Name.RECONSTRUCTOR: _reconstructor,
    Name.ARRAY_RECONSTRUCT: _array_reconstruct,
    Name.DTYPE: _dtype,
    Name.SCALAR: _scalar,
    Name.SLICE: _slice,
    Name.NEW_INDEX: _new_index,
}


def _columns_of(blocks: Sequence[object], n_columns: int, n_rows: int) -> tuple[Numbers, ...]:
    """Return a DataFrame's columns in order, each a view into its block."""
    columns: dict[int, Numbers] = {}
    for block in blocks:
        if not (isinstance(block, dict) and set(block) == {b"mgr_locs", b"values"}):
            raise Refused("a block of a DataFrame in an unknown form")
        places, array = block[b"mgr_locs"], block[b"values"]
        if isinstance(places, Array):
            places = places.values
        if not (isinstance(places, range) or _is_line_of_integers(places)):
            raise Refused("a block of a DataFrame in an unknown place")
        values = array.values if isinstance(array, Array) else None
        if not isinstance(values, np.ndarray) or values.shape != (len(places), n_rows):
            raise Refused("a block of a DataFrame that isn't numbers of the DataFrame's size")
        for place, column in zip(places, values, strict=True):
            if int(place) in columns or not 0 <= place < n_columns:
                raise Refused("a DataFrame whose blocks overlap")
            columns[int(place)] = column
    if len(columns) != n_columns:
        raise Refused("a DataFrame with columns missing")
    return tuple(columns[place] for place in range(n_columns))


def _numbers(content: object, dtype: np.dtype[Any], size: int) -> Numbers:
    if not isinstance(content, bytes | bytearray):
        raise Refused(f"numbers given as {_kind(content)}")
    if len(content) != size * dtype.itemsize:
        raise Refused(f"{size} numbers that claim {size * dtype.itemsize} bytes and have {len(content)}")
    numbers: Numbers = np.frombuffer(content, dtype=dtype)
    return numbers if isinstance(content, bytearray) else numbers.copy()


def _texts(content: object, shape: tuple[int, ...], size: int) -> tuple[str, ...]:
    if len(shape) != 1:
        raise Refused("a table of Python objects")
    if not isinstance(content, list) or len(content) != size:
        raise Refused(f"{size} Python objects given as {_kind(content)}")
    return tuple(map(_text, content))


def _text(value: object) -> str:
    if isinstance(value, str | bytes) and len(value) > LONGEST_NAME:
        raise Refused(f"a name of {len(value)} characters")
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    raise Refused(f"a name that is {_kind(value)}, not text")


def _is_size(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 60


def _is_line_of_integers(values: object) -> TypeGuard[Numbers]:
    return isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind == "i"


def _kind(value: object) -> str:
    """Return what a value is, for a message; never what it holds."""
    if isinstance(value, Name):
        return next(f"{module}.{name}" for (module, name), known in NAMES.items() if known is value)
    return f"a value of type {type(value).__name__}"


def _kinds(values: Sequence[object]) -> str:
    return f"({', '.join(map(_kind, values[:4]))})"
