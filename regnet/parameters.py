"""What is a parameter, and how is its text read?

Each parameter is declared once, as a field of the frozen dataclass that holds it (:class:`Scenario`,
:class:`Ridge`, :class:`LMM`, :class:`Study`, :class:`Execution`), by :func:`declare`. The command
line, the TOML files and the app's forms are made from these declarations: a new field appears in all
three. Only the standard library is imported here, so that ``--help`` and the first screen come at once.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from regnet.errors import InputError, shown

Value = bool | int | float | str
T = TypeVar("T")


class Kind(Protocol):
    """The set of values that a parameter may take."""

    @property
    def choices(self) -> tuple[str, ...]:
        """The values by name, where they can be listed; examples where the set is open; else empty."""

    @property
    def wanted(self) -> str:
        """What is right, in words that complete "wanted …"."""

    def read(self, given: object) -> Value | None:
        """Return the canonical value of text or a Python value, or None where it isn't one."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds, both included; `words` are further values, by name."""

    low: int
    high: int = 2**63 - 1
    words: tuple[str, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        return self.words

    @property
    def wanted(self) -> str:
        words = "".join(f"{word} or " for word in self.words)
        top = f"to {self.high}" if self.high < 2**63 - 1 else "or more"
        return f"{words}a whole number, {self.low} {top}"

    def read(self, given: object) -> Value | None:
        if isinstance(given, str) and given.strip() in self.words:
            return given.strip()
        digits = isinstance(given, str) and re.fullmatch(r"\s*[+-]?\d{1,19}\s*", given)
        if digits or (isinstance(given, float) and given.is_integer()):
            given = int(given)  # type: ignore[call-overload]
        if not _is_integer(given):
            return None
        number = int(given)  # type: ignore[call-overload]
        return number if self.low <= number <= self.high else None


@dataclass(frozen=True, slots=True)
class Real:
    """A finite number between two bounds (`low_open`: above the lower one); `words` as in Whole."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    words: tuple[str, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        return self.words

    @property
    def wanted(self) -> str:
        words = "".join(f"{word}, " for word in self.words[:-1])
        words += f"{self.words[-1]} or " if self.words else ""
        if math.isfinite(self.high):
            span = f"from {self.low:g} to {self.high:g}"
        else:
            span = f"{'above' if self.low_open else 'of at least'} {self.low:g}"
        return f"{words}a number {span}"

    def read(self, given: object) -> Value | None:
        if isinstance(given, str):
            if given.strip() in self.words:
                return given.strip()
            try:
                given = float(given) if "_" not in given else None
            except ValueError:
                return None
        if isinstance(given, bool) or not hasattr(given, "__float__"):
            return None
        number = float(given)
        if not math.isfinite(number) or not self.low <= number <= self.high:
            return None
        return None if self.low_open and number == self.low else number + 0.0


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a closed list of names; `aliases` maps further spellings to them."""

    choices: tuple[str, ...]
    aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def wanted(self) -> str:
        also = "".join(f", {alias} (= {name})" for alias, name in self.aliases.items())
        return "one of " + ", ".join(self.choices) + also

    def read(self, given: object) -> Value | None:
        if not isinstance(given, str):
            return None
        name = self.aliases.get(given.strip(), given.strip())
        return name if name in self.choices else None


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    choices: tuple[str, ...] = ("yes", "no")
    wanted: str = "yes or no"

    def read(self, given: object) -> Value | None:
        if isinstance(given, bool):
            return given
        word = str(given).strip().lower()
        if word in ("yes", "true", "on", "1"):
            return True
        return False if word in ("no", "false", "off", "0") else None


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text without control characters; `examples` are offered, not required."""

    longest: int = 1000
    examples: tuple[str, ...] = ()
    needed: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        return self.examples

    @property
    def wanted(self) -> str:
        return f"a line of {1 if self.needed else 0} to {self.longest} printable characters"

    def read(self, given: object) -> Value | None:
        if not isinstance(given, str) or len(given) > self.longest:
            return None
        line = given.strip()
        if not line.isprintable() or (self.needed and not line):
            return None
        return line


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as the command line, a TOML file and a form know it.

    ``name`` is the field's name (``signal_fraction``), from which ``option`` follows
    (``--signal-fraction``). ``help`` is one line, ``details`` the full text. ``default`` is what it
    has when nobody says anything: several values where the default itself is a grid.
    """

    name: str
    kind: Kind
    default: tuple[Value, ...]
    help: str
    details: str
    group: str
    common: bool
    grid: bool
    owner: str

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")

    def read(self, given: object) -> Value:
        """Return one value in canonical form; raise :class:`InputError` where it isn't one."""
        value = self.kind.read(given)
        if value is None:
            raise InputError(self.name, self.kind.wanted, shown(given))
        return value

    def read_all(self, given: object) -> tuple[Value, ...]:
        """Return the values of a grid: from ``"4, 8"``, a list, or a single value; repeats merged.

        A table is a single value.
        """
        if isinstance(given, str):
            pieces: Iterable[object] = split_values(given) if self.grid else [given]
        elif isinstance(given, Iterable) and not _is_table(given):
            pieces = given
        else:
            pieces = [given]
        values = tuple(dict.fromkeys(self.read(piece) for piece in pieces))
        if not values:
            raise InputError(self.name, self.kind.wanted, "no value")
        if len(values) > 1 and not self.grid:
            raise InputError(self.name, f"a single value, {self.kind.wanted}", f"{len(values)} values")
        return values


@dataclass(frozen=True, slots=True)
class _Declared:
    kind: Kind
    help: str
    details: str
    group: str
    common: bool
    grid: bool
    default: tuple[Value, ...]


def declare(
    default: T,
    kind: Kind,
    help: str,
    *,
    group: str,
    details: str = "",
    common: bool = False,
    grid: bool = False,
    study_default: Sequence[Value] | None = None,
) -> T:
    """Declare a dataclass field that is a parameter. `study_default`: a study's grid, if not `default`."""
    values = tuple(study_default) if study_default is not None else (default,)
    declared = _Declared(kind, help, details, group, common, grid, values)  # type: ignore[arg-type]
    made: Any = dataclasses.field(default=default, metadata={"parameter": declared})
    return made  # type: ignore[no-any-return]


def parameters_of(owner: type[Any]) -> tuple[Parameter, ...]:
    """Return the parameters that a dataclass declares, in order."""
    found = []
    for field in dataclasses.fields(owner):
        declared = field.metadata.get("parameter")
        if declared is not None:
            found.append(
                Parameter(
                    name=field.name,
                    kind=declared.kind,
                    default=declared.default,
                    help=declared.help,
                    details=declared.details or declared.help,
                    group=declared.group,
                    common=declared.common,
                    grid=declared.grid,
                    owner=owner.__name__,
                )
            )
    return tuple(found)


def canonical_fields(instance: Any) -> None:
    """Bring every declared field of a frozen dataclass to canonical form, or raise InputError."""
    for parameter in parameters_of(type(instance)):
        value = parameter.read(getattr(instance, parameter.name))
        object.__setattr__(instance, parameter.name, value)


def split_values(text: str) -> list[str]:
    """Split ``"4, 8"`` at commas; the numbers of a partition (``block:2,2``) stay together."""
    pieces: list[str] = []
    for piece in (part.strip() for part in text.split(",")):
        if piece.isdigit() and pieces and re.fullmatch(r"block:\d+([,+]\d+)*", pieces[-1]):
            pieces[-1] += f"+{piece}"
        elif piece:
            pieces.append(piece)
    return pieces


def write_value(value: Value) -> str:
    """Return a value as a user would type it; :meth:`Parameter.read` gives the value back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def _is_table(given: object) -> bool:
    """Whether something is one matrix (an array, a DataFrame, nested lists), and not several values."""
    if isinstance(given, list | tuple):
        return bool(given) and all(isinstance(row, list | tuple) for row in given)
    return getattr(given, "ndim", 0) == 2


def _is_integer(given: object) -> bool:
    """Whether a value is a whole number of Python or NumPy, but not a bool."""
    return hasattr(given, "__index__") and type(given).__name__ not in ("bool", "bool_")
