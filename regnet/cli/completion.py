"""``regnet completion``: what may the next word of a command line be, and how does a shell ask?

The scripts are a few lines a shell; they ask regNet itself for the words, so that presets, runs and
values are completed too.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from regnet.cli.output import write
from regnet.errors import InputError
from regnet.places import Places, find_places

SCRIPTS = {
    "bash": """\
_regnet_complete() {
    local IFS=$'\\n'
    COMPREPLY=($(regnet completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -o bashdefault -F _regnet_complete regnet
""",
    "zsh": """\
#compdef regnet
_regnet_complete() {
    local -a candidates
    candidates=("${(@f)$(regnet completion --words "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${candidates[1]}" ]]; then compadd -Q -- "${candidates[@]}"; else _files; fi
}
compdef _regnet_complete regnet
""",
    "fish": """\
function __regnet_complete
    set -l words (commandline -opc)
    regnet completion --words $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c regnet -a '(__regnet_complete)'
""",
}
"""The completion script of each shell."""

_INSTALL = """\
bash:  regnet completion bash > ~/.local/share/bash-completion/completions/regnet
zsh:   regnet completion zsh > ~/.zsh/completions/_regnet   (a directory in $fpath)
fish:  regnet completion fish > ~/.config/fish/completions/regnet.fish"""


def add_parser(subparsers: Any) -> None:
    """Add the command ``completion``."""
    parser = subparsers.add_parser(
        "completion",
        keeps_lines=True,
        description="Print a shell's completion script, to be kept where the shell looks:\n\n" + _INSTALL,
    )
    parser.add_argument("shell", metavar="bash|zsh|fish", choices=sorted(SCRIPTS), nargs="?")
    parser.set_defaults(func=show)


def show(options: argparse.Namespace) -> int:
    """Print a shell's script."""
    if options.shell is None:
        raise InputError("completion", f"a shell ({', '.join(sorted(SCRIPTS))})", "none")
    write(SCRIPTS[options.shell].rstrip("\n"))
    return 0


def answer(words: Sequence[str]) -> int:
    """Print the words that may stand next: what the scripts ask for by ``completion --words …``."""
    with contextlib.suppress(InputError, OSError):
        write(candidates(words, find_places()))
    return 0


def candidates(words: Sequence[str], places: Places) -> list[str]:
    """Return what the last of the words (after ``regnet``), which may be empty, can be completed to."""
    from regnet.cli import COMMANDS, full_parser

    *before, begun = words or [""]
    names = [command.name for command in COMMANDS]
    chosen = next((word for word in before if word in names), "")
    if not chosen:
        return [] if before else _starting(begun, [*names, "--help", "--version"])
    parser: argparse.ArgumentParser = full_parser(chosen)
    positionals: list[argparse.Action] = []
    waiting: argparse.Action | None = None
    for word in before:
        commands = _commands_of(parser)
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            option = parser._option_string_actions.get(word)
            waiting = option if option is not None and option.nargs is None else None
        elif word in commands:
            parser = commands[word]
            positionals = _positionals(parser)
        elif positionals and positionals[0].nargs not in ("*", "+"):
            positionals.pop(0)
    if waiting is not None:
        return _values(waiting, begun)
    if begun.startswith("-"):
        return _starting(begun, parser._option_string_actions)
    if commands := _commands_of(parser):
        return _starting(begun, commands)
    return _starting(begun, _things(positionals[0].dest, places)) if positionals else []


def _values(option: argparse.Action, begun: str) -> list[str]:
    """Return values of an option; in a list with commas, for its last piece."""
    from regnet.cli.study_options import execution_parameters
    from regnet.study import study_parameters

    parameter = {**study_parameters(), **execution_parameters()}.get(option.dest)
    if option.choices is not None:
        return _starting(begun, map(str, option.choices))
    if parameter is None:
        return []
    done, comma, piece = begun.rpartition(",") if parameter.grid else ("", "", begun)
    return [done + comma + value for value in _starting(piece, parameter.kind.choices)]


def _things(kind: str, places: Places) -> Iterable[str]:
    """Return what a positional argument of a kind may be: the names of presets or runs there are."""
    from regnet.presets.preset_files import DEFAULT, list_presets

    presets = [preset.name for preset in list_presets(places)]
    if kind == "study":
        return [*presets, DEFAULT]
    if kind == "preset":
        return presets
    if kind in ("run", "runs", "first", "second"):
        from regnet.runs.folder import run_ids

        runs = [*sorted(run_ids(places.runs), reverse=True), "last"]
        return runs if kind in ("run", "runs") else [*presets, *runs]
    return sorted(SCRIPTS) if kind == "shell" else []


def _commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _positionals(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not action.option_strings]


def _starting(begun: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(begun)]
