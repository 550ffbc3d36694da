"""``regnet runs queue``: whose turn is it on this machine, and how many runs may go at once?"""

from __future__ import annotations

import argparse
from typing import Any

from regnet.cli.arguments import add_data_option
from regnet.cli.exit_codes import DONE
from regnet.cli.output import harmless, table, write, write_json
from regnet.places import find_places
from regnet.runs.folder import RunFolder
from regnet.runs.queue import runs_at_once, set_runs_at_once, waiting_and_going
from regnet.runs.state import state_of


def add_parser(commands: Any) -> None:
    """Add the command ``runs queue``."""
    parser = commands.add_parser(
        "queue",
        help="runs that go or wait on this machine, and how many may go at once",
        description="Print the runs of the data directory that go or wait on this machine, in their order. "
        "Runs that are started at once share the machine, first come first served.",
    )
    parser.add_argument("--at-once", metavar="N", help="from now on, let N runs go at once (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plain", action="store_true", help="tab-separated, without headings")
    add_data_option(parser)
    parser.set_defaults(func=show)


def show(options: argparse.Namespace) -> int:
    """Set the limit where that is asked for, and print the queue."""
    places = find_places(options.data)
    if options.at_once is not None:
        set_runs_at_once(places, options.at_once)
    limit = runs_at_once(places)
    found = [(run, state_of(RunFolder(places.runs / run))) for run in waiting_and_going(places)]
    if options.json:
        runs = [
            {"run": run, "state": state.name, "done": state.done, "total": state.total}
            for run, state in found
        ]
        write_json({"at_once": limit, "runs": runs})
        return DONE
    rows = [[run, state.name, f"{state.done}/{state.total}"] for run, state in found]
    if options.plain:
        write(["\t".join(harmless(cell) for cell in row) for row in rows] or "nothing goes or waits")
        return DONE
    if rows:
        write([*table(["run", "state", "replicates"], rows, "llr"), ""])
    word = "run" if limit == 1 else "runs"
    write(f"{limit} {word} at once in {harmless(places.root)} on this machine")
    return DONE
