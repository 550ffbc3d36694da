"""What is to be found out? A study: scenarios × methods × replicates, and one seed.

Every parameter of :class:`~regnet.scenario.Scenario`, :class:`~regnet.methods.Ridge` and
:class:`~regnet.methods.LMM` may hold several values; the study is their full grid. A study is frozen
and valid, is written as a flat TOML file with the parameters' own names, and reads back equal.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from regnet.errors import InputError, shown
from regnet.methods import LMM, Method, Ridge, labels_of, method_from_fields
from regnet.models.structure_names import default_true_signals
from regnet.parameters import OneOf, Parameter, Text, Value, Whole, declare, parameters_of
from regnet.scenario import ORIGINAL_COVARIANCES, Scenario

FORMAT = 1
"""Version of the TOML layout of a study; files of every earlier version keep opening."""

MOST_TEXT = 1_000_000
"""Longest study file that is read, in characters."""

MOST_SCENARIOS = 100_000
"""Largest grid that is expanded."""

Given = object
"""What a caller may pass for a parameter: a value, text as typed, or an iterable of either."""


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """A study's own parameters: those that hold for all its scenarios and methods."""

    name: str = declare("", Text(100), "name of the study", group="Study", common=True)
    note: str = declare("", Text(2000), "a note, for yourself", group="Study")
    replicates: int = declare(
        20,
        Whole(1, 10_000_000),
        "replicates of every scenario",
        details="How many independent data sets are simulated and fitted for every scenario.",
        group="Study",
        common=True,
    )
    seed: int = declare(
        1,
        Whole(0),
        "seed of all random numbers",
        details="The same study with the same seed gives the same numbers, whatever the jobs, the "
        "order or a resume. Adding scenarios or replicates changes none of the others.",
        group="Study",
        common=True,
    )
    methods: str = declare(
        "Ridge",
        OneOf(("Ridge", "LMM"), {"ridge": "Ridge", "lmm": "LMM"}),
        "what is fitted: Ridge, LMM",
        group="Study",
        grid=True,
        study_default=("Ridge", "LMM"),
    )
    baseline: str = declare(
        "",
        Text(200),
        "method that the others are compared with (empty: the first ridge)",
        details="Paired differences in the summary are each method minus this one. Give the name as "
        "the tables show it.",
        group="Study",
    )
    held_out: int = declare(
        200,
        Whole(0, 10_000_000),
        "most genes kept aside for the held-out R²",
        details="Held-out R² is computed on further rows of the motif table that no fit saw, the same "
        "in all replicates: at most this many. It is n/a where none are left.",
        group="Study",
    )
    top: int = declare(
        10,
        Whole(1, 100_000),
        "number of strongest motifs whose recovery is scored",
        details="Recovery is the share of the truly strongest motifs that are among as many estimated "
        "strongest, by the size of their effects over all conditions.",
        group="Study",
    )


OWNERS: tuple[type[Any], ...] = (Scenario, Ridge, LMM, StudySettings)


@functools.cache
def study_parameters() -> Mapping[str, Parameter]:
    """Return every parameter of a study by name, in the order of forms and files."""
    return {parameter.name: parameter for owner in OWNERS for parameter in parameters_of(owner)}


@dataclass(frozen=True, init=False, repr=False)
class Study:
    """A grid of scenarios, the methods fitted to each, replicates and a seed.

    Parameters
    ----------
    **given
        Any parameter by name, as a value or several:
        ``Study(conditions=[4, 8], signal_fraction=0.2, penalty="gcv", replicates=50, seed=7)``.
        Parameters left out have the defaults of `study_parameters`.

    Raises
    ------
    InputError
        For an unknown name, a value that can't be used, or a combination of values that can't
        be simulated or fitted.
    """

    values: Mapping[str, tuple[Value, ...]]

    def __init__(self, **given: Given) -> None:
        parameters = study_parameters()
        for name in given:
            if name not in parameters:
                raise InputError(name, f"a parameter ({', '.join(parameters)})", "an unknown name")
        values = {
            name: parameter.read_all(given[name]) if name in given else parameter.default
            for name, parameter in parameters.items()
        }
        object.__setattr__(self, "values", values)
        self._check()

    # ---- what it holds ---------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return str(self.values["name"][0])

    @property
    def note(self) -> str:
        return str(self.values["note"][0])

    @property
    def replicates(self) -> int:
        return int(self.values["replicates"][0])

    @property
    def seed(self) -> int:
        return int(self.values["seed"][0])

    @property
    def held_out(self) -> int:
        return int(self.values["held_out"][0])

    @property
    def top(self) -> int:
        return int(self.values["top"][0])

    @functools.cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The grid's scenarios, those that would give the same data merged."""
        unique: dict[str, Scenario] = {}
        for scenario in self._expanded():
            unique.setdefault(scenario.identity(), scenario)
        return tuple(unique.values())

    @functools.cached_property
    def methods(self) -> tuple[Method, ...]:
        """The methods, ridge first; repeats merged."""
        methods: list[Method] = []
        for kind, owner in (("Ridge", Ridge), ("LMM", LMM)):
            if kind in self.values["methods"]:
                methods += [method_from_fields(kind, fields) for fields in self._grid(owner)]
        return tuple(dict.fromkeys(methods))

    @functools.cached_property
    def labels(self) -> tuple[str, ...]:
        """The methods' names in tables: ``Ridge`` and ``LMM``, where there is one of each."""
        return labels_of(self.methods)

    @property
    def baseline(self) -> str:
        """The label of the method that the others are compared with."""
        return str(self.values["baseline"][0]) or self.labels[0]

    @property
    def n_fits(self) -> int:
        """How many fits the whole study takes."""
        return len(self.scenarios) * len(self.methods) * self.replicates

    @property
    def varying(self) -> tuple[str, ...]:
        """The scenario parameters in which the scenarios differ."""
        return tuple(
            parameter.name
            for parameter in parameters_of(Scenario)
            if len({getattr(scenario, parameter.name) for scenario in self.scenarios}) > 1
        )

    def changed(self) -> dict[str, tuple[Value, ...]]:
        """Return the parameters that differ from their defaults."""
        parameters = study_parameters()
        return {name: value for name, value in self.values.items() if value != parameters[name].default}

    def replace(self, **given: Given) -> Study:
        """Return a study with some parameters changed."""
        return Study(**{**self.values, **given})

    def identity(self) -> str:
        """Return 16 hex digits that name the study's numbers: all but its name and note."""
        fields = {name: value for name, value in self.changed().items() if name not in ("name", "note")}
        text = json.dumps(fields, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Study) and self.values == other.values

    def __hash__(self) -> int:
        return hash(tuple(self.values.items()))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={_plain(value)!r}" for name, value in self.changed().items())
        return f"Study({given})"

    def __reduce__(self) -> tuple[Any, tuple[dict[str, tuple[Value, ...]]]]:
        return _rebuild, (dict(self.values),)

    # ---- files -----------------------------------------------------------------------------------

    def to_toml(self, *, full: bool = False) -> str:
        """Return the study as TOML: what differs from the defaults or, with `full`, everything."""
        import tomli_w

        shown_values = self.values if full else self.changed()
        return tomli_w.dumps({"format": FORMAT, **{k: _plain(v) for k, v in shown_values.items()}})

    @classmethod
    def from_toml(cls, text: str, where: str = "study") -> Study:
        """Read a study from TOML text; `where` names the file in messages.

        Raises
        ------
        InputError
            With the file's name and the line or field.
        """
        if len(text) > MOST_TEXT:
            raise InputError(where, f"a study of at most {MOST_TEXT} characters", f"{len(text)}")
        try:
            fields = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise InputError(where, "a TOML file", str(error) or "too deep nesting") from None
        found = fields.pop("format", FORMAT)
        if found != FORMAT:
            raise InputError(
                f"{where}, format", f"{FORMAT}", shown(found), "it was written by another version of regNet"
            )
        for name, value in fields.items():
            if isinstance(value, dict):
                raise InputError(
                    f"{where}, {shown(name)}", "a parameter with a value", "a table", "see the README"
                )
        try:
            return cls(**fields)
        except InputError as error:
            raise _with_line(error, text).at(where) from None

    # ---- inside ----------------------------------------------------------------------------------

    def _grid(self, owner: type[Any]) -> Iterator[dict[str, Value]]:
        names = [parameter.name for parameter in parameters_of(owner)]
        for combination in itertools.product(*(self.values[name] for name in names)):
            yield dict(zip(names, combination, strict=True))

    def _expanded(self) -> Iterator[Scenario]:
        for fields in self._grid(Scenario):
            if fields["covariance"] != ORIGINAL_COVARIANCES:
                yield Scenario(**fields)  # type: ignore[arg-type]
                continue
            for covariance in default_true_signals(int(fields["conditions"])):
                yield Scenario(**{**fields, "covariance": covariance})  # type: ignore[arg-type]

    def _check(self) -> None:
        size = 1
        for parameter in parameters_of(Scenario):
            size *= len(self.values[parameter.name])
        if size > MOST_SCENARIOS:
            raise InputError(
                "", f"at most {MOST_SCENARIOS} scenarios", f"a grid of {size}", "use fewer values"
            )
        for method in self.methods:
            for genes, conditions in {(s.genes, s.conditions) for s in self.scenarios}:
                method.check(genes, conditions)
        if self.baseline not in self.labels:
            raise InputError("baseline", f"one of {', '.join(self.labels)}", shown(self.baseline))


def _plain(values: tuple[Value, ...]) -> Value | list[Value]:
    return values[0] if len(values) == 1 else list(values)


def _rebuild(values: dict[str, tuple[Value, ...]]) -> Study:
    return Study(**values)


def _with_line(error: InputError, text: str) -> InputError:
    """Add the line of the TOML file on which the field of an error stands."""
    for number, line in enumerate(text.splitlines(), 1):
        if error.where and line.split("=")[0].strip().strip("\"'") == error.where:
            return error.at(f"line {number}")
    return error
