"""What has been typed into the form, and what does it amount to?

Pure: texts in, a study or the reasons why there is none out. The form's widgets show it and nothing
else; the parameters come from the same declarations as the command line and the TOML files.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from regnet.cli.study_options import execution_parameters, read_values, write_values
from regnet.errors import InputError
from regnet.execution import Execution
from regnet.files.matrices import MATRICES
from regnet.parameters import Parameter, Value
from regnet.study import Study, study_parameters

Texts = Mapping[str, str]


@functools.cache
def form_parameters() -> Mapping[str, Parameter]:
    """Return every parameter that the form holds: a study's and those of its execution."""
    return {**study_parameters(), **execution_parameters()}


def groups() -> tuple[str, ...]:
    """Return the groups of parameters in the order of the form."""
    return tuple(dict.fromkeys(parameter.group for parameter in form_parameters().values()))


def text_of(parameter: Parameter, values: tuple[Value, ...]) -> str:
    """Return a parameter's values as the form shows them; :func:`read_values` gives them back."""
    text = write_values(parameter, values)
    return text.replace(",", ", ") if parameter.grid and not text.startswith("[") else text


def texts_of(study: Study, execution: Execution | None = None) -> dict[str, str]:
    """Return the form's texts for a study; execution's settings default."""
    chosen = execution or Execution()
    values = {**study.values, **{name: (getattr(chosen, name),) for name in execution_parameters()}}
    return {name: text_of(parameter, values[name]) for name, parameter in form_parameters().items()}


@dataclass(frozen=True)
class FormState:
    """The texts in the form, and those that they came from (a preset, a run)."""

    texts: Texts
    origin: Texts
    origin_name: str

    @classmethod
    def from_study(cls, study: Study, name: str, execution: Execution | None = None) -> FormState:
        texts = texts_of(study, execution)
        return cls(texts, dict(texts), name)

    def edit(self, name: str, text: str) -> FormState:
        return replace(self, texts={**self.texts, name: text})

    def edit_all(self, texts: Texts) -> FormState:
        return replace(self, texts={**self.texts, **texts})

    def undo(self, name: str) -> FormState:
        """Return the state with one field as the origin has it."""
        return self.edit(name, self.origin[name])

    @property
    def changed(self) -> tuple[str, ...]:
        """The fields that differ from the origin, in the form's order."""
        return tuple(name for name in form_parameters() if is_changed(self, name))


def is_changed(state: FormState, name: str) -> bool:
    """Whether a field's values differ from the origin's; spelling alone makes no difference."""
    text, origin = state.texts.get(name, ""), state.origin.get(name, "")
    if text == origin:
        return False
    try:
        parameter = form_parameters()[name]
        return read_values(parameter, text) != read_values(parameter, origin)
    except InputError:
        return True


@dataclass(frozen=True)
class Checked:
    """What the texts amount to. ``problems`` and ``warnings`` are by field; ``""`` is the whole form."""

    study: Study | None = None
    execution: Execution | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    warnings: Mapping[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why it can't be run; empty where it can."""
        for name, problem in self.problems.items():
            more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            return (f"{label_of(name)}: " if name else "") + problem + more
        return ""


def label_of(name: str) -> str:
    """Return a parameter's name as the form shows it."""
    return name.replace("_", " ")


def check(texts: Texts, processors: int | None = None) -> Checked:
    """Read the texts: each field on its own first, then those that have to fit each other.

    `processors`: how many this process may use, for the warnings of too many jobs and cores.
    """
    problems: dict[str, str] = {}
    values: dict[str, tuple[Value, ...]] = {}
    for name, parameter in form_parameters().items():
        try:
            values[name] = read_values(parameter, texts.get(name, ""))
        except InputError as error:
            problems[name] = problem_of(error)
    study = execution = None
    if not problems.keys() & study_parameters().keys():
        study = _study(values, problems)
    mine = execution_parameters().keys()
    if not problems.keys() & mine:
        execution = _execution({name: values[name][0] for name in mine}, problems)
    return Checked(study, execution, problems, _warnings(values, processors))


def problem_of(error: InputError) -> str:
    """Return an error's line without the field's name, which stands beside it already."""
    line = f"wanted {error.wanted}"
    line += f", found {error.found}" if error.found else ""
    return line + (f"; {error.remedy}" if error.remedy else "")


def _study(values: Mapping[str, tuple[Value, ...]], problems: dict[str, str]) -> Study | None:
    try:
        return Study(**{name: values[name] for name in study_parameters()})
    except InputError as error:
        problems[error.where if error.where in form_parameters() else ""] = problem_of(error)
        return None


def _execution(fields: Mapping[str, Value], problems: dict[str, str]) -> Execution | None:
    try:
        return Execution(**fields)  # type: ignore[arg-type]
    except InputError as error:
        problems[error.where if error.where in form_parameters() else ""] = problem_of(error)
        return None


def _warnings(values: Mapping[str, tuple[Value, ...]], processors: int | None) -> dict[str, str]:
    """Return what is possible but unwise."""
    warnings: dict[str, str] = {}
    if processors and "cores" in values:
        cores = int(values["cores"][0])
        if cores > processors:
            warnings["cores"] = f"{cores} on {processors}: at most {processors} pay"
        elif "jobs" in values and values["jobs"][0] != "auto":
            jobs = int(values["jobs"][0])
            if jobs * cores > processors:
                fitting = max(processors // cores, 1)
                warnings["jobs"] = f"{jobs} × {cores} on {processors}: {fitting} would fit"
    shapes = values.get("noise", ())
    fractions = values.get("noise_fraction", ())
    if len(fractions) > 1 and shapes and not any(str(shape).endswith("V") for shape in shapes):
        warnings["noise_fraction"] = "has no effect without noise randomV or identityV"
    for matrix, model in MATRICES.items():
        if any(values.get(matrix, ())) and "fixed" not in values.get(model, ("fixed",)):
            warnings[matrix] = f"has no effect without {label_of(model)} fixed"
    return warnings


def study_size(texts: Texts) -> int:
    """Return the number of values' combinations, which says how much work checking them is."""
    combinations = 1
    for name, parameter in study_parameters().items():
        if parameter.grid:
            combinations *= max(texts.get(name, "").count(",") + 1, 1)
    return combinations
