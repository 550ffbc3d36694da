"""``regnet doctor``: is everything here as regNet needs it, and what would make it better?"""

from __future__ import annotations

import argparse
from typing import Any

from regnet.cli.arguments import add_data_option
from regnet.cli.machine_checks import GOOD, WRONG, Check, all_checks
from regnet.cli.output import harmless, table_without_headings, wants_plain, write, write_json
from regnet.places import find_places

_COLOURS = {"good": "32", "so-so": "33", "wrong": "31"}


def add_parser(subparsers: Any) -> None:
    """Add the command ``doctor``."""
    parser = subparsers.add_parser(
        "doctor",
        description="Check the terminal, the machine, the data directory and the installation. "
        "Exit code 1 where something is wrong.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plain", action="store_true", help="no colours")
    add_data_option(parser)
    parser.set_defaults(func=show)


def show(options: argparse.Namespace) -> int:
    """Print all findings, what to do about those that aren't good, and return 1 where one is wrong."""
    checks = all_checks(find_places(options.data))
    if options.json:
        write_json([check._asdict() for check in checks])
    else:
        write(_lines(checks, wants_plain(options.plain)))
    return 1 if any(check.verdict == WRONG for check in checks) else 0


def _lines(checks: list[Check], plain: bool) -> list[str]:
    rows = [[check.verdict, check.name, check.found] for check in checks]
    lines = []
    for check, line in zip(checks, table_without_headings(rows)):
        if not plain:
            line = f"\033[{_COLOURS[check.verdict]}m{line[: len('wrong')]}\033[0m{line[len('wrong') :]}"
        lines.append(line)
        if check.verdict != GOOD and check.remedy:
            lines.append(f"       → {harmless(check.remedy)}")
    return lines
