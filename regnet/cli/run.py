"""``regnet run``: start a study in a process of its own, watch it, and print who won."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from regnet.cli.estimate import Estimate, estimate
from regnet.cli.exit_codes import DONE, FAILED, INTERRUPTED, NO_RUN
from regnet.cli.follow import Interrupts, follow
from regnet.cli.output import (
    complain,
    definitions,
    harmless,
    room,
    size_in_words,
    table,
    time_in_words,
    wants_plain,
    write,
    write_json,
)
from regnet.cli.study_options import (
    add_run_arguments,
    execution_from_options,
    load_base,
    shown_values,
    study_from_options,
)
from regnet.errors import InputError
from regnet.execution import Execution
from regnet.parameters import write_value
from regnet.places import Places, find_places
from regnet.runs.folder import RunFolder
from regnet.runs.launch import start_run, stop_run
from regnet.runs.replay import Replay
from regnet.scenario import Scenario
from regnet.study import Study, study_parameters

_SCENARIOS_SHOWN = 40


def add_parser(subparsers: Any) -> None:
    """Add the command ``run``."""
    parser = subparsers.add_parser(
        "run",
        usage="regnet run STUDY [options]",
        description="Run a study in a process of its own that outlives this terminal, watch it, and print "
        "how Ridge and LMM compare. Ctrl+C stops the run cleanly and prints the command that resumes it; a "
        "second Ctrl+C only leaves. A parameter with several values, as --conditions 4,8, makes a grid.",
    )
    add_run_arguments(parser)
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Start the run that the options describe and, unless detached, follow it to its end."""
    places = find_places(options.data)
    study = study_from_options(load_base(options, places), options)
    execution = execution_from_options(options)
    check_files(study, places)
    if options.dry_run:
        return _dry_run(study, execution, places, options.json)
    if warning := estimate(study, execution, places).warning:
        complain(f"warning: {warning}")
    folder = start_run(study, execution, places, private=not options.shared, queued=not options.now)
    if options.detach:
        return _detached(folder, options)
    return follow_to_the_end(folder, options)


def check_files(study: Study, places: Places) -> None:
    """Raise InputError where a file doesn't hold what the study asks for.

    That is a scenario's genes and motifs, its data set, or a covariance of its conditions. The run would
    record or refuse that too; here it is said before there is a run.
    """
    from regnet.files.matrices import with_matrices
    from regnet.files.motifs import read_motifs
    from regnet.motif_subset import choose_subset

    with_matrices(study)
    checked: dict[tuple[str, int, int, str], Scenario] = {}
    for scenario in study.scenarios:
        if scenario.dataset:
            from regnet.legacy_datasets import load_dataset

            load_dataset(scenario, study.replicates, places)
        if scenario.dataset or scenario.motifs == "synthetic":
            continue
        size = (scenario.motifs, scenario.genes, scenario.tfs, scenario.subset)
        checked.setdefault(size, scenario)
    tables = {motifs: read_motifs(motifs, places) for motifs, *_ in checked}
    for scenario in checked.values():
        choose_subset(scenario, tables[scenario.motifs], seed=study.seed, held_out=0)


def follow_to_the_end(folder: RunFolder, options: argparse.Namespace) -> int:
    """Watch a run until it ends or is stopped by Ctrl+C, print its summary, and return the exit code."""
    interrupts = Interrupts()
    replay = follow(
        folder,
        plain=wants_plain(options.plain, stream="stderr"),
        interrupts=interrupts,
        on_interrupt=lambda: _ask_to_stop(folder),
    )
    return report(replay, options, interrupted=interrupts.count > 0)


def report(replay: Replay, options: argparse.Namespace, *, interrupted: bool = False) -> int:
    """Print a run's summary and how it ended, and return the exit code that says so."""
    from regnet.cli.summary_table import summary_lines, summary_records
    from regnet.summary import summarise

    folder, state = replay.folder, replay.state()
    summary = summarise(replay.rows, replay.study.baseline)
    resume = f"regnet runs resume {folder.id}{data_words(options)}"
    if options.json:
        write_json(
            {
                "run": folder.id,
                "path": str(folder.path),
                "state": state.name,
                "done": state.done,
                "total": state.total,
                "failed": state.failed,
                "forced": replay.forced,
                "resume": resume if state.is_resumable else None,
                "parameters": {name: list(values) for name, values in replay.study.changed().items()},
                "summary": summary_records(summary, replay.study),
            }
        )
    else:
        mixed = [f"computed under several versions, by force: {harmless(text)}" for text in replay.forced]
        write([f"{folder.id}: {harmless(state.sentence)}", *mixed, ""])
        write(summary_lines(summary, replay.study, width=room()))
        for label, count in replay.failures.items():
            if count:
                log = f"regnet runs show {folder.id} --log{data_words(options)}"
                write(f"{count} fits of {label} failed: '{log}' says which")
        write(["", f"everything is in {harmless(folder.path)}"])
    if state.is_resumable:
        complain(f"resume it with: {resume}")
    elif state.is_alive:
        complain(
            f"the run is {state.name}; look again with: regnet runs show {folder.id}{data_words(options)}"
        )
    if interrupted:
        return INTERRUPTED
    if state.name == "lost":
        return NO_RUN
    has_results = any(count < state.done for count in replay.failures.values())
    return DONE if state.name.startswith("finished") and has_results else FAILED


def where(folder: RunFolder) -> dict[str, str]:
    """Return what a script needs to find a run again."""
    return {"run": folder.id, "path": str(folder.path)}


def data_words(options: argparse.Namespace) -> str:
    """Return the ``--data …`` that a command has to repeat to find the same run; empty without one."""
    return f" --data {shlex.quote(options.data)}" if options.data else ""


def _ask_to_stop(folder: RunFolder) -> None:
    try:
        stop_run(folder, wait=0)
    except InputError as error:  # it ended in this very moment, or the folder has gone
        complain(error)


def _detached(folder: RunFolder, options: argparse.Namespace) -> int:
    if options.json:
        write_json(where(folder))
        return DONE
    data = data_words(options)
    write(
        [
            f"started {folder.id}",
            f"  follow it:  regnet runs follow {folder.id}{data}",
            f"  stop it:    regnet runs stop {folder.id}{data}",
            f"  results:    regnet runs show {folder.id}{data}",
        ]
    )
    return DONE


def _dry_run(study: Study, execution: Execution, places: Places, json: bool) -> int:
    """Print the scenarios, fits, disk, memory and time of a study; nothing is run or written."""
    found = estimate(study, execution, places)
    varying = study.varying
    if json:
        scenarios = [{name: getattr(scenario, name) for name in varying} for scenario in study.scenarios]
        write_json(
            {
                "scenarios": scenarios,
                "methods": list(study.labels),
                "replicates": found.replicates,
                "fits": found.fits,
                "jobs": found.jobs,
                "cores": found.cores,
                "processors": found.processors,
                "disk_bytes": round(found.disk),
                "memory_bytes": round(found.memory),
                "seconds": found.seconds,
                "warning": found.warning,
            }
        )
        return DONE
    changed = study.changed()
    if changed:
        parameters = study_parameters()
        write(["parameters that differ from their defaults:"])
        write(
            [
                "  " + line
                for line in definitions({k: shown_values(parameters[k], v) for k, v in changed.items()})
            ]
        )
    if varying:
        rows = [
            [number, *(write_value(getattr(scenario, name)) for name in varying)]
            for number, scenario in enumerate(study.scenarios[:_SCENARIOS_SHOWN])
        ]
        write(["", *table(["scenario", *varying], rows, "r")])
        if len(study.scenarios) > _SCENARIOS_SHOWN:
            write(f"… and {len(study.scenarios) - _SCENARIOS_SHOWN} more")
    write(["", *definitions(_sizes(study, found))])
    if found.warning:
        complain(f"warning: {found.warning}")
    return DONE


def _sizes(study: Study, found: Estimate) -> dict[str, object]:
    time = (
        "can't be told before a run has been made on this machine"
        if found.seconds is None
        else f"about {time_in_words(found.seconds)} (within a factor of two), from earlier runs"
    )
    return {
        "scenarios": found.scenarios,
        "replicates": f"{study.replicates} each, {found.replicates} in all",
        "methods": ", ".join(study.labels),
        "fits": found.fits,
        "workers": f"{found.jobs} jobs × {found.cores} cores per fit, on {found.processors} processors",
        "disk": f"about {size_in_words(found.disk)}",
        "memory": f"about {size_in_words(found.memory)}",
        "time": time,
    }
