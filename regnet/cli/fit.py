"""``regnet fit``: fit Ridge and LMM to data sets in files, the original's old ones among them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regnet.cli.arguments import add_data_option
from regnet.cli.bug_report import bug_line
from regnet.cli.exit_codes import DONE, FAILED
from regnet.cli.original_flags import FIT_FLAGS, add_original_flags
from regnet.cli.output import complain, harmless, write, write_json
from regnet.cli.study_options import add_study_options, study_from_options
from regnet.cli.summary_table import check_metrics, summary_lines, summary_records
from regnet.errors import InputError
from regnet.execution import Execution
from regnet.places import Places, find_places
from regnet.runs.rows import Rows
from regnet.runs.time_limit import TimeLimit
from regnet.study import Study, study_parameters
from regnet.summary import summarise

if TYPE_CHECKING:
    from regnet.files.ybetaparams import Ybetaparams
    from regnet.replicate import FitOutcome, ReplicateOutcome

_OF_SIMULATION = ("motifs", "dataset", "subset", "centre_motifs", "signal_mode", "held_out")
_NOT_ITS_BUSINESS = (*_OF_SIMULATION, "name", "note")
_METRICS = ("pearson", "r2")  # no genes are held out
_FORMS = ("npz", "csv", "none")


def add_parser(subparsers: Any) -> None:
    """Add the command ``fit``."""
    parser = subparsers.add_parser(
        "fit",
        usage="regnet fit [FILE …] [options]",
        description="Fit Ridge and LMM to data sets that 'regnet simulate' or the original software wrote, "
        "compare them with the truth, and write the results under the original's names. Without a FILE, "
        "the options say which data sets in simulation/ of the data directory are meant.",
    )
    parser.add_argument(
        "files", metavar="FILE", nargs="*", help="a data set: .npz, or an old .pkl or .pkl.gz"
    )
    add_original_flags(parser, FIT_FLAGS)
    parser.add_argument(
        "-n", "--cores", default="1", metavar="CORES", help="cores (BLAS threads) per fit (default: 1)"
    )
    parser.add_argument("--jobs", default="1", metavar="N", help="replicates fitted at a time (default: 1)")
    parser.add_argument("--time-limit", default="0", metavar="X", help="seconds a fit may take; 0: no limit")
    parser.add_argument("--out", metavar="DIR", help="where results go (default: beside the data set)")
    parser.add_argument(
        "--results", default="npz", choices=_FORMS, help="form of the result files (default: npz)"
    )
    parser.add_argument(
        "--as-study", action="store_true", help="fit nothing: write the study that 'regnet run' can carry out"
    )
    parser.add_argument("--metric", action="append", metavar="NAME", help="a metric to show; repeatable")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_study_options(parser, leave_out=_NOT_ITS_BUSINESS)
    add_data_option(parser)
    parser.set_defaults(func=fit)


@dataclass(frozen=True, slots=True)
class _Task:
    """A data set to fit, and the study that says how: one scenario, all methods."""

    path: Path
    data: Ybetaparams
    study: Study


def fit(options: argparse.Namespace) -> int:
    """Fit every data set, write its results and print how the methods compare."""
    places = find_places(options.data)
    execution = _execution(options)
    metrics = check_metrics(options.metric or _METRICS)
    if options.as_study:
        return _write_study(options, places)
    records = []
    code = DONE
    for task in _tasks(options, places):
        rows, outcomes = _fit_all(task, execution, quiet=options.json)
        if _report_bugs(outcomes):
            code = FAILED
        written = _write_results(task, rows, outcomes, options)
        summary = summarise(rows, task.study.baseline)
        if options.json:
            cells = summary_records(summary, task.study)
            records.append({"file": str(task.path), "summary": cells, "results": [str(p) for p in written]})
            continue
        write(f"{harmless(task.path)}: {task.data.n_replicates} replicates")
        write(summary_lines(summary, task.study, metrics))
        if written:
            write(f"{len(written)} result files in {harmless(written[0].parent)}")
        write("")
    if options.json:
        write_json(records)
    return code


def _write_study(options: argparse.Namespace, places: Places) -> int:
    tasks = list(_tasks(options, places))
    if len(tasks) != 1:
        raise InputError("--as-study", "one data set", f"{len(tasks)}", "name one FILE")
    write(tasks[0].study.to_toml().rstrip("\n"))
    return 0


def _execution(options: argparse.Namespace) -> Execution:
    return Execution(jobs=options.jobs, cores=options.cores, time_limit=options.time_limit)


def _tasks(options: argparse.Namespace, places: Places) -> Iterator[_Task]:
    from regnet.files.matrices import with_matrices
    from regnet.files.ybetaparams import load_ybetaparams
    from regnet.legacy_datasets import study_of

    paths = [Path(file).expanduser() for file in options.files]
    if not paths:
        paths = _meant_by_options(study_from_options(Study(), options), places)
    else:
        _refuse_contradiction(options)
    for path in paths:
        data = load_ybetaparams(path)
        said_by_file = dict.fromkeys((*_scenario_names(), "replicates"))
        rest = argparse.Namespace(**{**vars(options), **said_by_file})
        yield _Task(path, data, with_matrices(study_from_options(study_of(data, path), rest)))


def _scenario_names() -> list[str]:
    return [name for name, parameter in study_parameters().items() if parameter.owner == "Scenario"]


def _refuse_contradiction(options: argparse.Namespace) -> None:
    """Refuse options that say which data set is meant beside a FILE, which says it itself."""
    for name in (*_scenario_names(), "replicates"):
        if getattr(options, name, None) is not None:
            option = study_parameters()[name].option
            raise InputError(option, "a FILE or options that choose one", "both", f"leave out {option}")


def _meant_by_options(study: Study, places: Places) -> list[Path]:
    """Return the data sets in simulation/ that a grid of scenarios names."""
    from regnet.legacy_datasets import find_dataset

    return [find_dataset(scenario, study.replicates, places) for scenario in study.scenarios]


def _fit_all(task: _Task, execution: Execution, *, quiet: bool) -> tuple[Rows, list[ReplicateOutcome]]:
    """Fit all replicates of a data set; return their rows and, for the results, what each gave."""
    study = task.study
    rows = Rows.empty(study.labels, 1)
    outcomes: list[ReplicateOutcome] = []
    began = shown = time.monotonic()
    for outcome in _outcomes(task, execution):
        for name in [name for name in outcome.arrays if not name.endswith("/effects")]:
            del outcome.arrays[name]  # known, or in no result of the original's
        outcomes.append(outcome)
        fits = {
            fit.label: {
                "status": fit.status,
                "metrics": fit.metrics,
                "reason": fit.reason,
                "seconds": fit.seconds,
                "warnings": fit.warnings,
            }
            for fit in outcome.fits
        }
        seconds = sum(fit.seconds for fit in outcome.fits)
        event = {"replicate": outcome.replicate, "seconds": seconds, "truth": outcome.truth, "fits": fits}
        rows.scenarios[0].append(event, study.labels)
        if not quiet and sys.stderr.isatty() and time.monotonic() - shown > 0.2:
            shown = time.monotonic()
            done = f"{len(outcomes)} of {task.data.n_replicates} replicates, {shown - began:.0f} s"
            print(f"\r{done}\x1b[K", end="", file=sys.stderr, flush=True)
    if shown > began:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return rows, outcomes


def _report_bugs(outcomes: Sequence[ReplicateOutcome]) -> bool:
    """Say which methods raised errors, one line and one file for each; return whether any did."""
    raised: dict[str, list[FitOutcome]] = {}
    for fit in (fit for outcome in outcomes for fit in outcome.fits if fit.problem):
        raised.setdefault(fit.label, []).append(fit)
    for label, fits in raised.items():
        what = f"{label} in {len(fits)} of {len(outcomes)} replicates: {fits[0].reason}"
        complain(bug_line(what, fits[0].problem, sys.argv[1:]))
    return bool(raised)


def _outcomes(task: _Task, execution: Execution) -> Iterator[ReplicateOutcome]:
    from threadpoolctl import threadpool_limits

    from regnet.legacy_datasets import design_from_ybetaparams, recorded_replicate
    from regnet.replicate import prepare_design
    from regnet.runs.processors import jobs_for, usable_processors

    study, data = task.study, task.data
    shared = design_from_ybetaparams(data, seed=study.seed)
    with threadpool_limits(execution.cores):
        prepared = prepare_design(shared, study.methods)
    datasets = (recorded_replicate(data, shared, number) for number in range(data.n_replicates))
    jobs = jobs_for(execution, usable_processors(), data.n_replicates)
    if jobs == 1:
        yield from (_fit_one(prepared, dataset, study, execution) for dataset in datasets)
        return
    from joblib import Parallel, delayed

    workers = Parallel(n_jobs=jobs, return_as="generator")
    yield from workers(delayed(_fit_one)(prepared, dataset, study, execution) for dataset in datasets)


def _fit_one(prepared: Any, dataset: Any, study: Study, execution: Execution) -> ReplicateOutcome:
    from threadpoolctl import threadpool_limits

    from regnet.replicate import fit_dataset

    with threadpool_limits(execution.cores):
        return fit_dataset(
            prepared,
            dataset,
            study.methods,
            study.labels,
            top=study.top,
            limit=TimeLimit(execution.time_limit),
        )


def _write_results(
    task: _Task, rows: Rows, outcomes: list[ReplicateOutcome], options: argparse.Namespace
) -> list[Path]:
    if options.results == "none":
        return []
    from regnet.legacy_export import write_scenario

    folder = Path(options.out).expanduser() if options.out else task.path.parent
    parameter = task.data.parameter

    def effects_of(label: str) -> list[Any]:
        return [outcome.arrays.get(f"{label}/effects") for outcome in outcomes]

    return write_scenario(
        task.study,
        0,
        rows.scenarios[0],
        effects_of,
        folder,
        options.results,
        motifs=[str(motif) for motif in parameter.motif_TG.columns],
    )
