"""How are arguments parsed so that every mistake is one clear line, and a suggestion?"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import NoReturn

from regnet.errors import InputError, shown


class Parser(argparse.ArgumentParser):
    """An argument parser that raises :class:`~regnet.errors.InputError` instead of printing and exiting.

    Options can't be abbreviated, so that a script means the same with the next version.
    """

    def __init__(self, *positional: object, **named: object) -> None:
        named.setdefault("allow_abbrev", False)
        named.setdefault("formatter_class", WideHelp)
        super().__init__(*positional, **named)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        raise InputError(self.prog, f"arguments as '{self.prog} --help' lists them", message)

    def parse_strictly(self, words: Sequence[str] | None = None) -> argparse.Namespace:
        """Parse arguments (default: those of the process).

        Raises
        ------
        InputError
            Where an argument is unknown (with the nearest option there is), missing or malformed.
        """
        options, unknown = self.parse_known_args(words)
        if unknown:
            parser = getattr(options, "parser", self)
            parser.refuse(unknown[0])
        return options

    def refuse(self, word: str) -> NoReturn:
        """Raise InputError about an argument that this parser doesn't know."""
        name = word.split("=")[0]
        if not name.startswith("-"):
            raise InputError(self.prog, "no further argument", shown(word))
        near = difflib.get_close_matches(name, self._option_string_actions, 1, 0.6)
        remedy = f"did you mean {near[0]}?" if near else f"see '{self.prog} --help'"
        raise InputError(self.prog, "one of its options", shown(name), remedy)


class WideHelp(argparse.HelpFormatter):
    """Help with room for regNet's long option names."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)
