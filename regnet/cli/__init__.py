"""What does a ``regnet`` command line do? Each command is a module, imported when it is used."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

import regnet
from regnet.cli.arguments import Parser
from regnet.cli.exit_codes import DONE, EXIT_CODES, FAILED, INTERRUPTED, MENDABLE, NO_RUN, NoSuchRun
from regnet.cli.output import complain
from regnet.errors import InputError


class Command(NamedTuple):
    """A command, the module that does it and its line in ``regnet --help``."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("run", "regnet.cli.run", "run a study and compare Ridge with LMM"),
    Command("runs", "regnet.cli.runs", "list, show, follow, stop, resume, compare, export, delete runs"),
    Command("replay", "regnet.cli.replay", "compute one replicate of a run again, and show it"),
    Command("presets", "regnet.cli.presets", "list, show, save and exchange studies"),
    Command("simulate", "regnet.cli.simulate", "simulate expression and write it to files"),
    Command("fit", "regnet.cli.fit", "fit simulated data in files"),
    Command("convert", "regnet.cli.convert", "read the original software's files"),
    Command("validate", "regnet.cli.validate", "check the LMM against other software"),
    Command("info", "regnet.cli.info", "say where files lie and which versions are installed"),
    Command("doctor", "regnet.cli.doctor", "check the terminal, the machine and the installation"),
    Command("completion", "regnet.cli.completion", "print the completion script of a shell"),
    Command("tui", "regnet.cli.tui", "start the terminal app"),
)
"""Every command, in the order of ``regnet --help``."""


def main(words: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code; no error leaves as a traceback."""
    words = list(sys.argv[1:] if words is None else words)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        try:
            return _carry_out(words)
        finally:
            sys.stdout.flush()
    except InputError as error:
        complain(error)
        return NO_RUN if isinstance(error, NoSuchRun) else MENDABLE
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        complain(f"{error.filename or 'files'}: {(error.strerror or str(error)).lower()}")
        return MENDABLE
    except Exception as error:
        import traceback

        from regnet.cli.bug_report import bug_line

        complain(
            bug_line(f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)), words)
        )
        return FAILED


def full_parser(chosen: str = "") -> Parser:
    """Return the parser of the command line.

    Only the module of the `chosen` command is imported; of the others, the parser knows the name.
    """
    listed = "\n".join(f"  {command.name:<12}{command.help}" for command in COMMANDS)
    codes = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
    parser = Parser(
        prog="regnet",
        usage="regnet COMMAND …",
        description="Simulate gene expression from transcription-factor motifs, fit ridge regression and\n"
        f"linear mixed models to it, and compare how well each recovers the truth.\n\ncommands:\n{listed}",
        epilog=f"'regnet COMMAND --help' says more about a command.\n\nexit codes:\n{codes}",
        keeps_lines=True,
    )
    parser.add_argument("--version", action="version", version=f"regnet {regnet.__version__}")
    subparsers = parser.add_subparsers(
        metavar="COMMAND", dest="command", help=argparse.SUPPRESS, prog="regnet"
    )
    for command in COMMANDS:
        if command.name == chosen:
            importlib.import_module(command.module).add_parser(subparsers)
        else:
            subparsers.add_parser(command.name)
    return parser


def _carry_out(words: Sequence[str]) -> int:
    if words[:2] == ["completion", "--words"]:  # a shell's question: any words at all, -- among them
        from regnet.cli.completion import answer

        return answer(words[2:])
    words = _with_list(words)
    names = {command.name for command in COMMANDS}
    chosen = next((word for word in words if not word.startswith("-")), "")
    parser = full_parser(chosen if chosen in names else "")
    if chosen and chosen not in names:
        parser.refuse_command(chosen, names)
    options = parser.parse_strictly(words)
    if not hasattr(options, "func"):
        parser.print_help()
        return DONE if not words else MENDABLE
    code: int = options.func(options)
    return code


def _with_list(words: Sequence[str]) -> list[str]:
    """Return the words with ``list`` after a ``runs`` that no command of its own follows."""
    is_list = words[:1] == ["runs"] and (
        len(words) == 1 or (words[1].startswith("-") and words[1] not in ("-h", "--help"))
    )
    return ["runs", "list", *words[1:]] if is_list else list(words)
