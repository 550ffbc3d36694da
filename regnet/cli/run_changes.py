"""``regnet runs stop``, ``resume``, ``rename``, ``delete``, ``prune`` and ``export``."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Any

from regnet.cli.arguments import add_data_option
from regnet.cli.exit_codes import DONE, FAILED
from regnet.cli.output import complain, harmless, size_in_words, write, write_json
from regnet.cli.run import data_words, follow_to_the_end, where
from regnet.cli.run_list import add_filter_argument, columns, listed_runs
from regnet.cli.study_options import (
    add_execution_options,
    execution_parameters,
    execution_with_options,
)
from regnet.cli.which_run import RUN, named_run
from regnet.errors import InputError, shown
from regnet.places import find_places
from regnet.row_filter import read_filter
from regnet.runs.folder import RunFolder, delete_run, rename_run
from regnet.runs.launch import resume_run, stop_run

_DAY = 86_400.0


def add_parsers(commands: Any) -> None:
    """Add the commands that change runs, or take their results away."""
    stopped = _add(commands, "stop", stop, "stop a run; what is computed is kept")
    stopped.add_argument("--kill", action="store_true", help="end it by force if it doesn't stop")
    stopped.add_argument(
        "--wait", type=float, default=10.0, metavar="SECONDS", help="how long to wait (default: 10)"
    )
    _add_json_option(stopped)

    resumed = _add(commands, "resume", resume, "continue a run that was stopped or lost")
    resumed.add_argument("--detach", action="store_true", help="return at once")
    resumed.add_argument("--force", action="store_true", help="also under other versions of the packages")
    _add_json_option(resumed)
    resumed.add_argument("--plain", action="store_true", help="plain lines: no colours, bars or redrawing")
    add_execution_options(resumed)

    renamed = _add(commands, "rename", rename, "give a run another name")
    renamed.add_argument("name", metavar="NAME", help="the new name")
    _add_json_option(renamed)

    deleted = commands.add_parser("delete", help="delete runs, with everything in their folders")
    deleted.add_argument("runs", metavar="RUN", nargs="+", help=RUN)
    deleted.add_argument("--yes", action="store_true", help="don't ask")
    _add_json_option(deleted)
    add_data_option(deleted)
    deleted.set_defaults(func=delete)

    pruned = commands.add_parser(
        "prune",
        help="delete old runs that aren't alive",
        description="Delete runs that aren't alive and pass the filter, but the latest ones.",
    )
    add_filter_argument(pruned)
    pruned.add_argument("--keep", type=int, metavar="N", help="keep the latest N of them")
    pruned.add_argument(
        "--older-than", type=float, metavar="DAYS", help="only those made before so many days"
    )
    pruned.add_argument("--yes", action="store_true", help="don't ask")
    _add_json_option(pruned)
    add_data_option(pruned)
    pruned.set_defaults(func=prune)

    exported = _add(commands, "export", export, "write a run's tables, for other programs and papers")
    exported.add_argument("--table", choices=("summary", "replicates"), default="summary", help="which table")
    exported.add_argument(
        "--format",
        metavar="FORMAT",
        help="csv, tsv, json, markdown or latex; original or original-npz: the files of the original "
        "software (default: by the file's ending, else csv)",
    )
    exported.add_argument("--metric", action="append", metavar="NAME", help="only this metric (repeatable)")
    exported.add_argument("--output", "-o", metavar="PATH", help="file, or folder for the original's files")
    exported.add_argument("--force", action="store_true", help="replace a file that exists")


def stop(options: argparse.Namespace) -> int:
    """Ask a run to stop, wait for it, and say how it is."""
    folder = named_run(find_places(options.data), options.run)
    state = stop_run(folder, wait=options.wait, kill=options.kill)
    again = f"regnet runs resume {folder.id}{data_words(options)}" if state.is_resumable else None
    if options.json:
        counts = {"done": state.done, "total": state.total, "failed": state.failed}
        write_json({**where(folder), "state": state.name, **counts, "resume": again})
    else:
        write([f"{folder.id}: {harmless(state.sentence)}", *([f"resume it with: {again}"] if again else [])])
    return FAILED if state.is_alive else DONE


def resume(options: argparse.Namespace) -> int:
    """Continue a run and, unless detached, follow it to its end."""
    folder = named_run(find_places(options.data), options.run)
    is_changed = any(getattr(options, name) is not None for name in execution_parameters())
    execution = execution_with_options(folder.execution(), options) if is_changed else None
    resume_run(folder, execution=execution, force=options.force)
    if not options.detach:
        return follow_to_the_end(folder, options)
    if options.json:
        write_json(where(folder))
        return DONE
    write(f"resumed {folder.id}; follow it: regnet runs follow {folder.id}{data_words(options)}")
    return DONE


def rename(options: argparse.Namespace) -> int:
    """Give a run another name."""
    folder = named_run(find_places(options.data), options.run)
    rename_run(folder, options.name)
    if options.json:
        write_json({**where(folder), "name": folder.record()["name"]})
        return DONE
    write(f"{folder.id} is now called {harmless(options.name)}")
    return DONE


def delete(options: argparse.Namespace) -> int:
    """Delete runs, after asking."""
    places = find_places(options.data)
    return _delete_all([named_run(places, name) for name in options.runs], options)


def prune(options: argparse.Namespace) -> int:
    """Delete old runs that aren't alive, after asking."""
    if options.keep is None and options.older_than is None:
        raise InputError("prune", "--keep N or --older-than DAYS", "neither", "or name runs to 'runs delete'")
    for option, given in (("--keep", options.keep), ("--older-than", options.older_than)):
        if given is not None and not given >= 0:
            raise InputError(option, "a number of at least 0", shown(given))
    places = find_places(options.data)
    passing = listed_runs(places, read_filter(options.filter, columns()))
    found = [run.info for run in passing if not run.info.state.is_alive]
    found = found[options.keep or 0 :]
    if options.older_than is not None:
        before = time.time() - options.older_than * _DAY
        found = [info for info in found if info.created < before]
    if not found and not options.json:
        write("nothing to delete")
        return DONE
    return _delete_all([info.folder for info in found], options)


def export(options: argparse.Namespace) -> int:
    """Write a table of a run to a file or to standard output."""
    from regnet.runs.export import FORMATS, replicate_table, summary_table, table_text
    from regnet.runs.replay import Replay
    from regnet.summary import summarise

    folder = named_run(find_places(options.data), options.run)
    format = options.format or _format_of(options.output, FORMATS)
    if format in ("original", "original-npz"):
        return _export_original(folder, options.output, "npz" if format.endswith("npz") else "csv")
    if format not in FORMATS:
        raise InputError("--format", f"one of {', '.join(FORMATS)}, original, original-npz", shown(format))
    replay = Replay(folder)
    replay.update()
    if options.table == "replicates":
        if options.metric:
            raise InputError("--metric", "no metric with --table replicates, which has all", "one")
        made = replicate_table(replay.study, replay.rows)
    else:
        from regnet.cli.summary_table import check_metrics

        metrics = check_metrics(options.metric) if options.metric else None
        made = summary_table(replay.study, summarise(replay.rows, replay.study.baseline), metrics=metrics)
    text = table_text(made, format)
    if options.output is None:
        sys.stdout.write(text)
        return DONE
    return _write_export(Path(options.output).expanduser(), text, options.force)


def _write_export(path: Path, text: str, force: bool) -> int:
    from regnet.atomic_files import write_whole

    if path.is_dir():
        raise InputError(shown(path), "a file", "a directory", "name a file in it")
    if path.exists() and not force:
        raise InputError(shown(path), "a new file", "one that exists", "give another path or --force")
    write_whole(path, text, mode=0o644)
    write(f"written to {harmless(path)}")
    return DONE


def _export_original(folder: RunFolder, output: str | None, ending: Any) -> int:
    from regnet.legacy_export import export_run

    if output is None:
        raise InputError("--output", "the folder for the original's files", "none")
    files = export_run(folder, Path(output).expanduser(), ending)
    write([harmless(file) for file in files])
    return DONE


def _format_of(output: str | None, formats: Any) -> str:
    endings = {"md": "markdown", "tex": "latex"}
    ending = Path(output).suffix.removeprefix(".").lower() if output else "csv"
    ending = endings.get(ending, ending)
    return ending if ending in formats else "csv"


def _add(commands: Any, name: str, func: Any, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=f"{help[0].upper()}{help[1:]}."
    )
    parser.add_argument("run", metavar="RUN", help=RUN)
    add_data_option(parser)
    parser.set_defaults(func=func)
    return parser


def _add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _delete_all(folders: list[RunFolder], options: argparse.Namespace) -> int:
    total = sum(_size(folder.path) for folder in folders)
    if options.json and not options.yes:
        raise InputError("delete", "--yes with --json", "none")
    if not options.json:
        write([f"{folder.id}  {size_in_words(_size(folder.path))}" for folder in folders])
    if not options.yes:
        if not sys.stdin.isatty():
            raise InputError("delete", "--yes, where nobody can be asked", "no terminal")
        plural = "s" if len(folders) > 1 else ""
        answer = input(f"Delete {len(folders)} run{plural} ({size_in_words(total)}) for good? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            write("nothing is deleted")
            return DONE
    code = DONE
    gone = []
    for folder in folders:
        try:
            delete_run(folder)
            gone.append(folder.id)
        except InputError as error:  # the others can still go
            complain(error)
            code = FAILED
    if options.json:
        write_json({"deleted": gone})
    elif code == DONE:
        write("deleted")
    return code


def _size(path: Path) -> float:
    """Return the bytes of the files in a folder; symbolic links aren't followed."""
    total = 0.0
    for directory, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(directory, name).lstat().st_size
    return total
