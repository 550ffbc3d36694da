"""Which option is which parameter, and which command line gives exactly this study?

Options are made from the parameters' declarations. :func:`command_for` writes the command that runs a
study, :func:`read_command` reads such a command back; the app shows the one and takes the other. Only
the standard library is imported here.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from regnet.cli.arguments import Parser, add_data_option
from regnet.errors import InputError, shown
from regnet.execution import Execution
from regnet.matrix_text import MatrixOrPath, is_written_out, parse_matrix
from regnet.parameters import (
    Flag,
    OneOf,
    Parameter,
    Real,
    Value,
    Whole,
    parameters_of,
    split_values,
    write_value,
)
from regnet.places import Places, find_places
from regnet.presets.preset_files import DEFAULT, load_study
from regnet.study import Study, study_parameters

_LONGEST_MATRIX = 60  # characters of a matrix that a terminal shows


def execution_parameters() -> Mapping[str, Parameter]:
    """Return every setting of execution by name, in the order of forms."""
    return {parameter.name: parameter for parameter in parameters_of(Execution)}


# ---- one parameter's values as text ------------------------------------------------------------------


def read_values(parameter: Parameter, text: str) -> tuple[Value, ...]:
    """Return the values in the text of an option or form field: ``"4, 8"``, or a JSON list.

    A list, ``["a,b.tsv", "c.tsv"]``, is for the rare value that holds a comma or a bracket.

    Raises
    ------
    InputError
        Where one of them isn't a value of the parameter.
    """
    if parameter.grid and text.lstrip().startswith("["):
        try:
            pieces = json.loads(text)
        except (ValueError, RecursionError):
            raise InputError(
                parameter.name, "values with commas between, or a JSON list", shown(text)
            ) from None
        return parameter.read_all(pieces)
    return parameter.read_all(text)


def write_values(parameter: Parameter, values: Iterable[Value]) -> str:
    """Return values as a user would type them; :func:`read_values` gives them back."""
    pieces = [write_value(value) for value in values]
    text = ",".join(pieces)
    if not parameter.grid or (split_values(text) == pieces and not text.startswith("[")):
        return text
    return json.dumps(pieces, ensure_ascii=False)


def shown_values(parameter: Parameter, values: Iterable[Value]) -> str:
    """Return values as a terminal shows them: as `write_values` does, but a large matrix cut short.

    It then ends with its size and eight hex digits that tell it from others.
    """
    text = write_values(parameter, values)
    if len(text) <= _LONGEST_MATRIX or not (
        isinstance(parameter.kind, MatrixOrPath) and is_written_out(text)
    ):
        return text
    size, content = len(parse_matrix(text)), hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[:_LONGEST_MATRIX].rsplit(' ', 1)[0]} … ({size} × {size}, {content})"


# ---- options -----------------------------------------------------------------------------------------


def add_study_options(parser: argparse.ArgumentParser, *, leave_out: Collection[str] = ()) -> None:
    """Add an option for every parameter of a study but those to leave out, in the parameters' groups."""
    _add_options(parser, [item for name, item in study_parameters().items() if name not in leave_out])


def add_execution_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for every setting of execution."""
    _add_options(parser, execution_parameters().values())


def study_from_options(base: Study, options: argparse.Namespace) -> Study:
    """Return the study `base` with the changes that parsed options make.

    Raises
    ------
    InputError
        Where a value can't be used, or doesn't go with the others; it names the option.
    """
    parameters = study_parameters()
    given = _given(options, parameters)
    try:
        return base.replace(**given)
    except InputError as error:
        raise _with_option(error, parameters) from None


def load_base(options: argparse.Namespace, places: Places) -> Study:
    """Return the study that the argument STUDY names; InputError where there is none or it can't be read."""
    if options.study is None:
        wanted = f"a preset's name, '{DEFAULT}' or a study's TOML file"
        raise InputError("study", wanted, "none", "put it first, as in 'regnet run quickstart'")
    return load_study(options.study, places)


def execution_from_options(options: argparse.Namespace) -> Execution:
    """Return the settings of execution that parsed options make; InputError names the option."""
    return execution_with_options(Execution(), options)


def execution_with_options(base: Execution, options: argparse.Namespace) -> Execution:
    """Return settings of execution with the changes that parsed options make; as `study_from_options`."""
    parameters = execution_parameters()
    given: dict[str, Any] = {name: values[0] for name, values in _given(options, parameters).items()}
    try:
        return dataclasses.replace(base, **given)
    except InputError as error:
        raise _with_option(error, parameters) from None


def _add_options(parser: argparse.ArgumentParser, parameters: Iterable[Parameter]) -> None:
    groups: dict[str, argparse._ArgumentGroup] = {}
    for parameter in parameters:
        if parameter.group not in groups:
            groups[parameter.group] = parser.add_argument_group(parameter.group)
        defaults = write_values(parameter, parameter.default)
        text = f"{parameter.help} (default: {defaults})" if defaults else parameter.help
        further: dict[str, Any] = {}
        if isinstance(parameter.kind, Flag):  # --perturb alone says yes
            further = {"nargs": "?", "const": "yes"}
        groups[parameter.group].add_argument(
            parameter.option,
            dest=parameter.name,
            action="append" if parameter.grid else "store",
            metavar=_metavar(parameter),
            help=text.replace("%", "%%"),
            **further,
        )


def _metavar(parameter: Parameter) -> str:
    kind = parameter.kind
    if isinstance(kind, Flag):
        word = "yes|no"
    elif isinstance(kind, Whole):
        word = "N"
    elif isinstance(kind, Real):
        word = "X"
    elif isinstance(kind, OneOf):
        word = "NAME"
    elif isinstance(kind, MatrixOrPath):
        word = "FILE"
    else:
        word = "TEXT" if not kind.choices else "NAME"
    return f"{word},…" if parameter.grid else word


def _given(options: argparse.Namespace, parameters: Mapping[str, Parameter]) -> dict[str, tuple[Value, ...]]:
    given = {}
    for name, parameter in parameters.items():
        texts = getattr(options, name, None)
        if texts is None:
            continue
        try:
            values = [
                value
                for text in (texts if isinstance(texts, list) else [texts])
                for value in read_values(parameter, text)
            ]
        except InputError as error:
            raise _with_option(error, parameters) from None
        given[name] = tuple(dict.fromkeys(values))
    return given


def _with_option(error: InputError, parameters: Mapping[str, Parameter]) -> InputError:
    """Return an error about a parameter as one about the option that sets it."""
    parameter = parameters.get(error.where)
    where = parameter.option if parameter else error.where
    return InputError(where, error.wanted, error.found, error.remedy)


# ---- the equivalent command --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StudyCommand:
    """What a ``regnet run`` command line says: from which study it starts, what it runs, and how."""

    base: str
    study: Study
    execution: Execution = field(default_factory=Execution)


def command_for(
    study: Study,
    base: str = DEFAULT,
    execution: Execution | None = None,
    *,
    base_study: Study | None = None,
    places: Places | None = None,
) -> str:
    """Return the command that runs a study, as ``regnet run quickstart --conditions 4,8``.

    Parameters
    ----------
    study : Study
        What to run.
    base : str
        Preset, TOML file or ``default`` to start from; only differences from it are written out.
    execution : Execution, optional
        Settings of execution; those that differ from the defaults are written out.
    base_study : Study, optional
        The study that `base` stands for, where it is known; else it is read.
    places : Places, optional
        Where the user's own presets lie; by default the data directory in force.

    Raises
    ------
    InputError
        Where `base` can't be read.
    """
    if base_study is None:
        base_study = load_study(base, places or find_places())
    words = ["regnet", "run", base if not base.startswith("-") else f"./{base}"]
    for name, parameter in study_parameters().items():
        if study.values[name] != base_study.values[name]:
            words += _option_words(parameter, study.values[name])
    execution = execution or Execution()
    for name, parameter in execution_parameters().items():
        value = getattr(execution, name)
        if (value,) != parameter.default:
            words += _option_words(parameter, (value,))
    return shlex.join(words)


def read_command(text: str, *, places: Places | None = None) -> StudyCommand:
    """Return what a ``regnet run`` command says; the inverse of :func:`command_for`.

    A leading ``$`` and line ends after a backslash are allowed, as they are in pasted text. The
    switches of ``regnet run`` that say how a run is started and watched (``--detach``, ``--plain`` …)
    change nothing here.

    Raises
    ------
    InputError
        Where it isn't such a command, an option's value can't be used, or ``--data`` names another
        data directory than `places`.
    """
    try:
        words = shlex.split(text.replace("\\\n", " "))
    except ValueError as error:
        raise InputError("command", "a regnet run command", str(error).lower()) from None
    if words[:1] == ["$"]:
        words = words[1:]
    if words and re.fullmatch(r"python[\d.]*", PurePath(words[0]).name) and words[1:3] == ["-m", "regnet"]:
        words = ["regnet", *words[3:]]
    if len(words) < 2 or PurePath(words[0]).name != "regnet" or words[1] != "run":
        raise InputError("command", "a command that begins with 'regnet run'", shown(text))
    options = _command_parser().parse_strictly(words[2:])
    places = places or find_places()
    if options.data and find_places(options.data).root != places.root:
        raise InputError("--data", f"the data directory in use, {places.root}", shown(options.data))
    study = study_from_options(load_base(options, places), options)
    return StudyCommand(options.study, study, execution_from_options(options))


def _command_parser() -> Parser:
    parser = Parser(prog="regnet run", add_help=False)
    add_run_arguments(parser)
    return parser


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all arguments of ``regnet run``: the study, how to watch it, and every parameter."""
    parser.add_argument(
        "study",
        metavar="STUDY",
        nargs="?",  # demanded by load_base, which can say what to do
        help="a preset's name, 'default', or the path of a study's TOML file",
    )
    parser.add_argument("--detach", action="store_true", help="start the run and return at once")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be run, its size and time, and run nothing"
    )
    parser.add_argument("--now", action="store_true", help="begin at once, not after the runs before it")
    parser.add_argument("--shared", action="store_true", help="let other users read the run's folder")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--plain", action="store_true", help="plain lines: no colours, bars or redrawing")
    add_data_option(parser)
    add_study_options(parser)
    add_execution_options(parser)


def _option_words(parameter: Parameter, values: Iterable[Value]) -> list[str]:
    text = write_values(parameter, values)
    if text.startswith("-") or not text:
        return [f"{parameter.option}={text}"]
    return [parameter.option, text]
