"""``regnet replay``: compute one replicate of a run again, here, and see whether the numbers are the same."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regnet.cli.arguments import add_data_option
from regnet.cli.exit_codes import DONE, FAILED
from regnet.cli.output import complain, harmless, table, write, write_json
from regnet.cli.which_run import named_run
from regnet.errors import InputError, shown
from regnet.places import Places, find_places
from regnet.runs.processors import thread_environment
from regnet.runs.replay import Replay
from regnet.runs.rows import Row

if TYPE_CHECKING:
    from regnet.runs.worker import Result

_TOLERANCE = 1e-9
"""Relative difference up to which numbers count as equal on another processor or other versions."""

_TIMES = ("seconds",)  # measured, not computed


def add_parser(subparsers: Any) -> None:
    """Add the command ``replay``."""
    parser = subparsers.add_parser(
        "replay",
        description="Compute one replicate of a run again, in this process, from the run's own study and "
        "seed; print its results beside the recorded ones. Exit code 1 where they differ.",
    )
    parser.add_argument("run", metavar="RUN", help="a run: its name, a part of it, its folder, or 'last'")
    parser.add_argument("replicate", metavar="REPLICATE", help="the replicate's number, from 0")
    parser.add_argument(
        "--scenario", metavar="N", default="0", help="the scenario's number, from 0 (default: 0)"
    )
    parser.add_argument("--output", "-o", metavar="FILE.npz", help="write all its arrays to this file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_data_option(parser)
    parser.set_defaults(func=again)


def again(options: argparse.Namespace) -> int:
    """Compute the replicate and print every metric, computed and recorded."""
    folder = named_run(find_places(options.data), options.run)
    replay = Replay(folder)
    replay.update()
    study = replay.study
    scenario = _number("--scenario", options.scenario, len(study.scenarios))
    replicate = _number("replicate", options.replicate, study.replicates)
    result = _compute(replay, scenario, replicate, "all" if options.output else "none")
    recorded = {
        row.label: row for row in replay.rows if (row.scenario, row.replicate) == (scenario, replicate)
    }
    differing = _differing(result, recorded)
    if options.output:
        _write_arrays(Path(options.output).expanduser(), result)
    if options.json:
        write_json(_as_json(result, recorded, differing))
    else:
        _print(result, recorded, differing)
    if result.problem:
        complain("computing it raised:")
        for line in result.problem.splitlines():
            complain(line)
    return FAILED if differing else DONE


def _compute(replay: Replay, scenario: int, replicate: int, keep: str) -> Result:
    """Compute a replicate as the run's own workers do: threads, data directory, working directory."""
    execution = replay.folder.execution()
    os.environ.update(thread_environment(execution.cores))  # before the linear algebra is loaded
    from regnet.runs.worker import Assignment, Task, compute_on, motif_table, prepare_scenario

    places = Places(Path(str(replay.record["data"])), "the run's own")
    assignment = Assignment(replay.study, places, execution.cores, keep, execution.time_limit)
    directory = Path(str(replay.record.get("directory", ".")))
    with contextlib.chdir(directory if directory.is_dir() else Path.cwd()):
        prepared = prepare_scenario(assignment, scenario, motif_table)
        return compute_on(assignment, prepared, Task(scenario, replicate))


def _differing(result: Result, recorded: dict[str, Row]) -> list[str]:
    """Return the metrics, as ``LMM pearson``, whose values aren't the recorded ones."""
    found = []
    for label, row in recorded.items():
        fit = result.fits[label]
        if fit["status"] != row.status:
            found.append(f"{label} status")
        for name, value in row.metrics.items():
            now = _value(fit["metrics"], name)
            is_same = now == value or (now != now and value != value)
            if name not in _TIMES and not is_same and not math.isclose(now, value, rel_tol=_TOLERANCE):
                found.append(f"{label} {name}")
    return found


def _print(result: Result, recorded: dict[str, Row], differing: list[str]) -> None:
    rows = []
    for label, fit in result.fits.items():
        row = recorded.get(label)
        notes = "; ".join([*filter(None, [fit["reason"]]), *fit["warnings"]])
        rows.append([label, "status", fit["status"], row.status if row else "–", notes])
        for name in fit["metrics"]:
            before = repr(row.metrics[name]) if row and name in row.metrics else "–"
            mark = "differs" if f"{label} {name}" in differing else ""
            rows.append([label, name, repr(fit["metrics"][name]), before, mark])
    write(table(["method", "metric", "now", "recorded", ""], rows))
    for name, value in result.truth.items():
        write(f"true {harmless(name)}: {value!r}")
    if not recorded:
        write("the run has not recorded this replicate (yet)")
    elif differing:
        write(f"{len(differing)} numbers differ from the recorded ones")
    else:
        write("the same as recorded")


def _as_json(result: Result, recorded: dict[str, Row], differing: list[str]) -> dict[str, object]:
    return {
        "scenario": result.task.scenario,
        "replicate": result.task.replicate,
        "truth": result.truth,
        "fits": {
            label: {**fit, "metrics": {name: _finite(value) for name, value in fit["metrics"].items()}}
            for label, fit in result.fits.items()
        },
        "recorded": bool(recorded),
        "differing": differing,
    }


def _write_arrays(path: Path, result: Result) -> None:
    from regnet.runs.arrays import write_arrays

    if path.exists():
        raise InputError("--output", "a new file", f"{shown(path)}, which exists")
    write_arrays(path, result.arrays, mode=0o644)


def _value(metrics: dict[str, Any], name: str) -> float:
    value = metrics.get(name)
    return math.nan if value is None else float(value)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _number(where: str, text: str, size: int) -> int:
    if not text.isdecimal() or int(text) >= size:
        raise InputError(where, f"a whole number from 0 to {size - 1}", shown(text))
    return int(text)
