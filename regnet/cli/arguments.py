"""How are arguments parsed so that every mistake is one clear line, with a suggestion?"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from regnet.errors import InputError, shown


class Parser(argparse.ArgumentParser):
    """An argument parser that raises :class:`~regnet.errors.InputError` instead of printing and exiting.

    Options can't be abbreviated, so that a script means the same with the next version. With
    `keeps_lines`, description and epilog are printed line by line, as they stand.
    """

    def __init__(self, *, keeps_lines: bool = False, **named: Any) -> None:
        named.setdefault("allow_abbrev", False)
        named.setdefault("formatter_class", WideHelpOfLines if keeps_lines else WideHelp)
        super().__init__(**named)

    def error(self, message: str) -> NoReturn:
        raise InputError(self._place, f"arguments as '{self.prog} --help' lists them", message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            self.refuse_command(value, action.choices)
        super()._check_value(action, value)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        options, unknown = super().parse_known_args(args, namespace)
        if not hasattr(options, "parser"):
            options.parser = self  # the innermost one: it ends first
        return options, unknown

    def parse_strictly(self, words: Sequence[str] | None = None) -> argparse.Namespace:
        """Parse arguments (default: those of the process).

        Raises
        ------
        InputError
            Where an argument is unknown (with the nearest option there is), missing or malformed.
        """
        options, unknown = self.parse_known_args(words)
        if unknown:
            options.parser.refuse(unknown[0])
        return options  # type: ignore[no-any-return]

    def refuse(self, word: str) -> NoReturn:
        """Raise InputError about an argument that this parser doesn't know."""
        name = word.split("=")[0]
        if not name.startswith("-"):
            raise InputError(self._place, "no further argument", shown(word))
        raise InputError(
            self._place, "one of its options", shown(name), self._nearest(name, self._option_string_actions)
        )

    def refuse_command(self, word: str, names: Iterable[str]) -> NoReturn:
        """Raise InputError about a command that there isn't."""
        raise InputError(self._place, "one of its commands", shown(word), self._nearest(word, names))

    @property
    def _place(self) -> str:
        """The command in an error's line, which begins with ``regnet:`` already."""
        return self.prog.removeprefix("regnet").strip()

    def _nearest(self, word: str, names: Iterable[str]) -> str:
        near = difflib.get_close_matches(word, list(names), 1, 0.6)
        return f"did you mean {near[0]}?" if near else f"see '{self.prog} --help'"


class WideHelp(argparse.HelpFormatter):
    """Help with room for regNet's long option names."""

    def __init__(self, prog: str, **named: Any) -> None:
        named["max_help_position"] = 30
        super().__init__(prog, **named)


class WideHelpOfLines(WideHelp, argparse.RawDescriptionHelpFormatter):
    """The same, where the description's own lines matter."""


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, the data directory; its value goes to :func:`regnet.places.find_places`."""
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="data directory (default: REGNET_DATA, ./data if it is marked, or the user's data directory)",
    )
