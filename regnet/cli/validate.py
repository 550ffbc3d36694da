"""``regnet validate``: do regNet's LMM and other software find the same?"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from regnet.cli.arguments import add_data_option
from regnet.cli.exit_codes import DONE, FAILED
from regnet.cli.output import table, write, write_json
from regnet.cli.study_options import add_study_options, study_from_options
from regnet.errors import InputError, shown
from regnet.matrix_text import parse_matrix
from regnet.places import Places, find_places
from regnet.scenario import Scenario
from regnet.study import Study, study_parameters

if TYPE_CHECKING:
    from regnet.peers import Engine
    from regnet.validate import Agreement, EngineFit

_DEFAULTS = Study(genes=200, tfs=30, conditions=4, covariance="lowrank_2", replicates=2, methods="LMM")
_HEADINGS = ("model and engine", "log-likelihood", "below best", "V", "Σ", "effects", "seconds", "ratio")


def add_parser(subparsers: Any) -> None:
    """Add the command ``validate``."""
    parser = subparsers.add_parser(
        "validate",
        description="Fit the same simulated replicates with regNet's LMM and with every other engine that is "
        "installed: limix 3 and limix-core. One function evaluates the log-likelihood at what each "
        "found. By default every covariance structure that limix-core has is fitted, without a mean and "
        "with an intercept, by ML and by REML. Exit code 1 where another engine found a better fit.",
    )
    parser.add_argument("--engines", metavar="NAME,…", help="engines to compare regnet with (default: all)")
    parser.add_argument(
        "--time-limit", metavar="X", default="600", help="seconds after which a fit is stopped (default: 600)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_study_options(parser, leave_out=_left_out())
    add_data_option(parser)
    parser.set_defaults(func=validate)


def _left_out() -> set[str]:
    """Return the parameters that say neither what data there are nor which structures are fitted."""
    taken = ("replicates", "seed", "signal_model", "noise_model", "signal_matrix", "noise_matrix")
    return {
        name
        for name, parameter in study_parameters().items()
        if name == "dataset" or (parameter.owner != "Scenario" and name not in taken)
    }


def validate(options: argparse.Namespace) -> int:
    """Fit, compare and print, one scenario after the other."""
    from regnet.files.matrices import with_matrices
    from regnet.peers import engines
    from regnet.validate import summarise

    places = find_places(options.data)
    study = with_matrices(study_from_options(_DEFAULTS, options))
    seconds = _seconds(options.time_limit)
    chosen = _chosen(engines(), options.engines)
    records, is_beaten = [], False
    for scenario in study.scenarios:
        fits = _fits(scenario, study, places, options, chosen, seconds)
        agreements, notes = summarise(fits), _notes(chosen, fits)
        is_beaten |= bool(_beaten(fits))
        records.append(
            {
                "scenario": dataclasses.asdict(scenario),
                "fits": [_record(fit) for fit in fits],
                "agreement": [_record(agreement) for agreement in agreements],
                "notes": notes,
            }
        )
        if not options.json:
            write(
                [
                    _title(scenario, study),
                    "",
                    *table(_HEADINGS, _rows(agreements), "lrrrrrrr"),
                    "",
                    *notes,
                    "",
                ]
            )
    if options.json:
        write_json(
            {
                "seed": study.seed,
                "replicates": study.replicates,
                "engines": [_engine_record(engine) for engine in chosen],
                "scenarios": records,
            }
        )
    return FAILED if is_beaten else DONE


def _title(scenario: Scenario, study: Study) -> str:
    replicates = "1 replicate" if study.replicates == 1 else f"{study.replicates} replicates"
    return (
        f"{replicates} of {scenario.genes} genes × {scenario.tfs} transcription factors × "
        f"{scenario.conditions} conditions, covariance {scenario.covariance}, noise {scenario.noise}, "
        f"signal fraction {scenario.signal_fraction:g}, motifs {scenario.motifs}, seed {study.seed}"
    )


def _fits(
    scenario: Scenario,
    study: Study,
    places: Places,
    options: argparse.Namespace,
    chosen: Sequence[Engine],
    seconds: float,
) -> list[EngineFit]:
    import numpy as np
    from threadpoolctl import threadpool_limits

    from regnet.simulation import design, draw
    from regnet.synthetic_motifs import motifs_for
    from regnet.validate import models, validate

    named = [
        tuple(map(str, study.values[name])) if getattr(options, name) else ()
        for name in ("signal_model", "noise_model")
    ]
    which = models(scenario.conditions, *named)
    world = design(scenario, motifs_for(scenario, study.seed, places), seed=study.seed)
    datasets = (draw(world, number) for number in range(study.replicates))
    texts = [str(study.values[name][0]) for name in ("signal_matrix", "noise_matrix")]
    signal, noise = (np.array(parse_matrix(text)) if text else None for text in texts)
    fits = []
    with threadpool_limits(1):  # one core for everyone: their times are compared
        for fit in validate(datasets, which, chosen, matrices=(signal, noise), seconds_per_fit=seconds):
            fits.append(fit)
            _show_progress(f"replicate {fit.replicate + 1} of {study.replicates}: {fit.model}, {fit.engine}")
    _show_progress("")
    return fits


def _show_progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:<79.79}\r", end="", file=sys.stderr, flush=True)


def _chosen(every: Sequence[Engine], asked: str | None) -> list[Engine]:
    """Return regnet's engine and those asked for.

    "limix-core" stands for both of its forms.
    """
    if asked is None:
        return list(every)
    names = {engine.name.split(",")[0] for engine in every}
    wanted = [name.strip() for name in asked.split(",")]
    for name in wanted:
        if name not in names:
            raise InputError("--engines", f"some of {', '.join(sorted(names))}", shown(name))
    return [engine for engine in every if engine.name.split(",")[0] in ("regnet", *wanted)]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds > 0.0:
        raise InputError("--time-limit", "a number of seconds above 0", shown(text))
    return seconds


# ---- what is printed ---------------------------------------------------------------------------------


def _rows(agreements: Sequence[Agreement]) -> list[list[str]]:
    rows, last = [], None
    for one in agreements:
        if one.model != last:
            rows.append([str(one.model), *([""] * (len(_HEADINGS) - 1))])
            last = one.model
        rows.append(
            [
                f"  {one.engine}" + (f" ({one.n_failed} failed)" if one.n_failed else ""),
                _number(one.log_likelihood, ".4f"),
                _number(one.worst_shortfall, ".4f"),
                _number(one.signal_difference, ".0e"),
                _number(one.noise_difference, ".0e"),
                _number(one.effects_difference, ".0e"),
                _number(one.seconds, ".4f"),
                _number(one.ratio, ".3g"),
            ]
        )
    return rows


def _number(value: float | None, form: str) -> str:
    return "n/a" if value is None else format(value, form)


def _notes(chosen: Sequence[Engine], fits: Sequence[EngineFit]) -> list[str]:
    from regnet.validate import TOLERANCE, constant_costs

    notes = [
        "log-likelihood: mean over the replicates, by one function for all engines",
        "below best: largest distance from the best engine of the same replicate",
        "V, Σ, effects: median relative distance (Frobenius norm) from regnet's",
        "seconds: median on one core, without the decomposition that replicates share; ratio: to regnet's",
    ]
    costs = constant_costs(fits)
    if costs:
        notes.append(
            f"limix-core adds 1e-4·I to a free-form V: in {len(costs)} fits with a best V of reduced rank "
            f"it stops {min(costs):.4f} to {max(costs):.4f} log-likelihood units below the optimum"
        )
    for engine in chosen:
        if not engine.version and "," not in engine.name:
            notes.append(f"{engine.name} is not installed: {engine.how_to_install}")
    failures = {f"no fit by {fit.engine}: {fit.reason}": None for fit in fits if fit.reason}
    notes += failures
    own = [fit for fit in fits if fit.engine == "regnet"]
    if not own:
        notes.append("nothing was compared: no other engine that is installed has these models")
        return notes
    beaten = _beaten(fits)
    notes.append(
        f"regnet found the best log-likelihood (within {TOLERANCE:g}) in {len(own) - len(beaten)} "
        f"of {len(own)} fits"
    )
    return notes


def _beaten(fits: Sequence[EngineFit]) -> list[EngineFit]:
    """Return regnet's fits that another engine's lies above, or that are none where another's is one."""
    from regnet.validate import TOLERANCE

    done = {(fit.model, fit.replicate) for fit in fits if not fit.reason}
    return [
        fit
        for fit in fits
        if fit.engine == "regnet"
        and ((fit.shortfall or 0.0) > TOLERANCE or (fit.reason and (fit.model, fit.replicate) in done))
    ]


def _engine_record(engine: Engine) -> dict[str, object]:
    return {
        "name": engine.name,
        "version": engine.version or None,
        "how_to_install": engine.how_to_install,
    }


def _record(row: EngineFit | Agreement) -> dict[str, object]:
    """Return a row with its model's parts as text, and None for numbers that JSON hasn't."""
    fields = {name: getattr(row, name) for name in row.__slots__}
    model = fields.pop("model")
    parts = {name: str(getattr(model, name)) for name in model.__slots__}
    return parts | {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
    }
