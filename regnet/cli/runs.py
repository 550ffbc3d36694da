"""``regnet runs``: list, show and follow runs; what changes them is in :mod:`regnet.cli.run_changes`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

from regnet.cli import run_changes, run_comparison, run_list, run_queue
from regnet.cli.arguments import add_data_option
from regnet.cli.exit_codes import DONE, INTERRUPTED
from regnet.cli.follow import LEVELS, Interrupts, follow, log_text
from regnet.cli.output import definitions, harmless, room, table, wants_plain, write, write_json
from regnet.cli.run import data_words, report
from regnet.cli.study_options import execution_parameters, shown_values, write_values
from regnet.cli.which_run import RUN, named_run
from regnet.parameters import Parameter, Value, write_value
from regnet.places import find_places
from regnet.runs.replay import Replay
from regnet.study import study_parameters

_SHOWN_METRICS = ("pearson", "rmse", "r2_held_out", "seconds")


def add_parser(subparsers: Any) -> None:
    """Add the command ``runs`` and its own commands."""
    parser = subparsers.add_parser(
        "runs", description="List, show, follow, stop, resume, compare, export and delete runs."
    )
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    run_list.add_parser(commands)

    shown = commands.add_parser("show", help="parameters, state and results of a run")
    shown.add_argument("run", metavar="RUN", nargs="?", default="last", help=RUN + " (default)")
    shown.add_argument("--metric", action="append", metavar="NAME", help="show this metric (repeatable)")
    shown.add_argument("--log", action="store_true", help="print the log instead")
    shown.add_argument("--replicates", action="store_true", help="print every replicate instead")
    shown.add_argument("--level", choices=LEVELS, default="info", help="lowest level of log lines")
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.add_argument("--plain", action="store_true", help="tab-separated: no columns aligned by spaces")
    add_data_option(shown)
    shown.set_defaults(func=show)

    followed = commands.add_parser("follow", help="watch a run until it ends; Ctrl+C leaves it running")
    followed.add_argument("run", metavar="RUN", nargs="?", default="last", help=RUN + " (default)")
    followed.add_argument("--level", choices=LEVELS, default="info", help="lowest level of log lines")
    followed.add_argument("--plain", action="store_true", help="plain lines instead of a bar")
    followed.add_argument("--json", action="store_true", help="print the result as JSON")
    add_data_option(followed)
    followed.set_defaults(func=follow_run)

    run_changes.add_parsers(commands)
    run_comparison.add_parser(commands)
    run_queue.add_parser(commands)


def show(options: argparse.Namespace) -> int:
    """Print a run's parameters and summary, its log, or its replicates."""
    from regnet.cli.summary_table import HEADLINE, check_metrics, summary_lines
    from regnet.summary import summarise

    metrics = check_metrics(options.metric or HEADLINE)
    width = None if options.metric else room()
    replay = Replay(named_run(find_places(options.data), options.run), use_rows_file=not options.log)
    replay.update()
    if options.log:
        return _show_log(replay, options)
    if options.replicates:
        return _show_replicates(replay, options, check_metrics(options.metric or ()))
    if options.json:
        return report(replay, options)
    if options.plain:
        return _show_plainly(replay, metrics)
    write([*definitions(_facts(replay)), ""])
    write([*definitions(_parameters(replay, shown_values)), ""])
    write(summary_lines(summarise(replay.rows, replay.study.baseline), replay.study, metrics, width=width))
    for damage in replay.damages:
        write(f"line {damage.line} of events.jsonl is damaged: {harmless(damage.why)}")
    return DONE


def _show_plainly(replay: Replay, metrics: tuple[str, ...]) -> int:
    """Print what is known about a run, then its summary, a line each, separated by tabs."""
    from regnet.runs.export import summary_table, table_text
    from regnet.summary import summarise

    known = _facts(replay) | _parameters(replay)
    write([f"{name}\t{harmless(value)}" for name, value in known.items()])
    summary = summarise(replay.rows, replay.study.baseline)
    write(["", table_text(summary_table(replay.study, summary, metrics=metrics), "tsv").rstrip("\n")])
    return DONE


def follow_run(options: argparse.Namespace) -> int:
    """Watch a run from now on; leaving it does it no harm."""
    folder = named_run(find_places(options.data), options.run)
    interrupts = Interrupts()
    plain = wants_plain(options.plain, "stderr")
    replay = follow(folder, plain=plain, interrupts=interrupts, level=options.level)
    if interrupts.count and replay.state().is_alive:
        write(f"left; the run goes on. Watch it again: regnet runs follow {folder.id}{data_words(options)}")
        return INTERRUPTED
    return report(replay, options)


def _facts(replay: Replay) -> dict[str, object]:
    record, state = replay.record, replay.state()
    facts: dict[str, object] = {
        "run": replay.folder.id,
        "name": record.get("name", ""),
        "state": state.sentence,
        "folder": replay.folder.path,
        "made": run_list.local_time(record.get("created")),
        "command": record.get("command", ""),
        "host": state.host or record.get("host", ""),
    }
    execution = record.get("execution")
    if isinstance(execution, dict):
        parameters = execution_parameters()
        told = [
            f"{name} {write_value(value)}"
            for name, value in execution.items()
            if name in parameters and value not in ("", 0.0)
        ]
        facts["execution"] = ", ".join(told)
    if replay.forced:
        facts["computed under several versions"] = "; ".join(replay.forced)
    warnings: dict[str, int] = {}
    for row in replay.rows:
        for warning in row.warnings:
            warnings[f"{row.label}: {warning}"] = warnings.get(f"{row.label}: {warning}", 0) + 1
    for label, count in replay.failures.items():
        if count:
            facts[f"failed fits of {label}"] = count
    if warnings:
        facts["warnings"] = "; ".join(f"{text} ({count}×)" for text, count in warnings.items())
    return facts


def _parameters(
    replay: Replay, text_of: Callable[[Parameter, Iterable[Value]], str] = write_values
) -> dict[str, object]:
    """Return the parameters that differ from their defaults, as they would be typed."""
    parameters = study_parameters()
    return {name: text_of(parameters[name], values) for name, values in replay.study.changed().items()}


def _show_log(replay: Replay, options: argparse.Namespace) -> int:
    lines = [line for line in replay.log if LEVELS.index(_level(line.level)) >= LEVELS.index(options.level)]
    if options.json:
        write_json([{"time": line.time, "level": line.level, "text": line.text} for line in lines])
    else:
        write([log_text(line) for line in lines] or "no line in the log")
    return DONE


def _level(name: str) -> str:
    return name if name in LEVELS else "warning"


def _show_replicates(replay: Replay, options: argparse.Namespace, metrics: tuple[str, ...]) -> int:
    from regnet.cli.summary_table import finite
    from regnet.runs.export import number_text

    if options.json:
        write_json(
            [
                {
                    "scenario": row.scenario,
                    "replicate": row.replicate,
                    "method": row.label,
                    "status": row.status,
                    "reason": row.reason,
                    "warnings": list(row.warnings),
                    "truth": {name: finite(value) for name, value in row.truth.items()},
                    "metrics": {name: finite(value) for name, value in row.metrics.items()},
                }
                for row in replay.rows
            ]
        )
        return DONE
    names = metrics or _SHOWN_METRICS
    rows = [
        [
            *(row.scenario, row.replicate, row.label, row.status),
            *(number_text(row.metrics.get(name)) for name in names),
            "; ".join(filter(None, [row.reason, *row.warnings])),
        ]
        for row in replay.rows
    ]
    headings = ["scenario", "replicate", "method", "status", *names, "notes"]
    if options.plain:
        lines = ["\t".join(harmless(cell) for cell in row) for row in rows]
        write(["\t".join(headings), *lines])
        return DONE
    write(table(headings, rows, "rrll" + "r" * len(names)))
    return DONE
