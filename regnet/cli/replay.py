"""``regnet replay``: compute one replicate of a run again, here, and see whether the numbers are the same."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regnet.cli.arguments import add_data_option
from regnet.cli.exit_codes import DONE, FAILED
from regnet.cli.output import complain, harmless, table, write, write_json
from regnet.cli.which_run import RUN, named_run
from regnet.errors import InputError, shown
from regnet.places import find_places
from regnet.runs.events import plain
from regnet.runs.processors import thread_environment

if TYPE_CHECKING:
    from regnet.runs.repetition import Repetition


def add_parser(subparsers: Any) -> None:
    """Add the command ``replay``."""
    parser = subparsers.add_parser(
        "replay",
        description="Compute one replicate of a run again, in this process, from the run's own study and "
        "seed; print its results beside the recorded ones. Exit code 1 where they differ.",
    )
    parser.add_argument("run", metavar="RUN", help=RUN)
    parser.add_argument("replicate", metavar="REPLICATE", help="the replicate's number, from 0")
    parser.add_argument("--scenario", metavar="N", default="0", help="the scenario's number (default: 0)")
    parser.add_argument("--output", "-o", metavar="FILE.npz", help="write all its arrays to this file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_data_option(parser)
    parser.set_defaults(func=again)


def again(options: argparse.Namespace) -> int:
    """Compute the replicate and print every metric, computed and recorded."""
    folder = named_run(find_places(options.data), options.run)
    os.environ.update(thread_environment(folder.execution().cores))  # before linear algebra is loaded
    from regnet.runs.repetition import replay_replicate

    output = Path(options.output).expanduser().absolute() if options.output else None
    if output is not None and output.exists():
        raise InputError("--output", "a new file", f"{shown(output)}, which exists")
    scenario, replicate = _number("--scenario", options.scenario), _number("replicate", options.replicate)
    directory = Path(str(folder.record().get("directory", ".")))
    with contextlib.chdir(directory if directory.is_dir() else Path.cwd()):  # of relative paths in the study
        repetition = replay_replicate(folder, scenario, replicate)
    if output is not None:
        from regnet.runs.arrays import write_arrays

        write_arrays(output, repetition.result.arrays, mode=0o644)
    if options.json:
        write_json(_as_json(repetition))
    else:
        _print(repetition)
    if repetition.result.problem:
        complain("computing it raised an error:")
        print("\n".join(map(harmless, repetition.result.problem.splitlines())), file=sys.stderr)
    return FAILED if repetition.differences else DONE


def _print(repetition: Repetition) -> None:
    result = repetition.result
    recorded: Any = (repetition.recorded or {}).get("fits", {})
    rows = []
    for label, fit in result.fits.items():
        before = recorded.get(label, {})
        notes = "; ".join([*filter(None, [fit["reason"]]), *fit["warnings"]])
        rows.append([label, "status", fit["status"], before.get("status", "–"), notes])
        for name, value in fit["metrics"].items():
            rows.append([label, name, repr(value), repr(before.get("metrics", {}).get(name, "–")), ""])
    write(table(["method", "metric", "now", "recorded", ""], rows))
    write([f"true {harmless(name)}: {value!r}" for name, value in result.truth.items()])
    for difference in repetition.mixed:
        write(f"not as in the run: {harmless(difference)}")
    if repetition.recorded is None:
        write("the run has not recorded this replicate")
    elif not repetition.differences:
        write("the same as recorded, to the last bit")
    for difference in repetition.differences:
        write(f"differs: {harmless(difference)}")


def _as_json(repetition: Repetition) -> object:
    result = repetition.result
    return plain(
        {
            "scenario": result.task.scenario,
            "replicate": result.task.replicate,
            "truth": result.truth,
            "fits": result.fits,
            "recorded": repetition.recorded is not None,
            "differences": repetition.differences,
            "environment": repetition.mixed,
            "problem": result.problem,
        }
    )


def _number(where: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 12:
        raise InputError(where, "a whole number from 0", shown(text))
    return int(text)
