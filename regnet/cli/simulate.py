"""``regnet simulate``: simulate expression with known truth, and write it to files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regnet.cli.arguments import add_data_option
from regnet.cli.original_flags import SIMULATION_FLAGS, add_original_flags
from regnet.cli.output import definitions, size_in_words, write, write_json
from regnet.cli.study_options import add_study_options, study_from_options
from regnet.errors import InputError
from regnet.parameters import write_value
from regnet.places import Places, find_places
from regnet.scenario import Scenario
from regnet.study import Study, study_parameters

if TYPE_CHECKING:
    from regnet.files.ybetaparams import Ybetaparams

_TAKEN = {"Scenario": None, "StudySettings": ("replicates", "seed")}


def add_parser(subparsers: Any) -> None:
    """Add the command ``simulate``."""
    parser = subparsers.add_parser(
        "simulate",
        description="Simulate expression with known truth and write it under the original software's names: "
        "an .npz of the arrays (no pickle) and a .json of the parameters for every scenario. By default "
        "these are four: effects independent, freely correlated, and in two and C/2 blocks of conditions.",
    )
    add_original_flags(parser, SIMULATION_FLAGS)
    parser.add_argument("--out", metavar="DIR", help="where to (default: simulation/ in the data directory)")
    parser.add_argument("--force", action="store_true", help="replace other data sets of the same name")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_study_options(parser, leave_out=_left_out())
    add_data_option(parser)
    parser.set_defaults(func=simulate)


def _left_out() -> set[str]:
    """Return the parameters of a study that say nothing about its data."""
    return {
        name
        for name, parameter in study_parameters().items()
        if parameter.owner not in _TAKEN or name not in (_TAKEN[parameter.owner] or (name,))
    } | {"dataset"}


def simulate(options: argparse.Namespace) -> int:
    """Simulate every scenario, write it, and say what came of it, on the screen and in stats/."""
    places = find_places(options.data)
    study = study_from_options(Study(), options)
    folder = Path(options.out).expanduser() if options.out else places.simulation
    records = []
    for scenario in study.scenarios:
        data, path = _simulate_one(scenario, study, places, folder, options.force)
        lines = definitions(_facts(data, scenario, study, path))
        log = _append_to_stats(places, scenario, study, lines)
        records.append({"scenario": data.origin["scenario"], "file": str(path), "console": str(log)})
        if not options.json:
            write([*lines, ""])
    if options.json:
        write_json(records)
    return 0


def _simulate_one(
    scenario: Scenario, study: Study, places: Places, folder: Path, force: bool
) -> tuple[Ybetaparams, Path]:
    from regnet.files.ybetaparams import write_ybetaparams
    from regnet.legacy_datasets import data_set_name, simulate_ybetaparams
    from regnet.synthetic_motifs import motifs_for

    motifs = motifs_for(scenario, study.seed, places)
    data = simulate_ybetaparams(scenario, motifs, seed=study.seed, replicates=study.replicates)
    stem = folder / str(data_set_name(scenario, study.replicates))
    if not force:
        _refuse_to_replace_others(stem, data)
    folder.mkdir(parents=True, exist_ok=True)
    return data, write_ybetaparams(data, stem)


def _refuse_to_replace_others(stem: Path, data: Ybetaparams) -> None:
    """Raise InputError where a data set of that name lies there that isn't the same.

    The original's names hold neither seed nor motif table, so that different data sets can share one.
    """
    from regnet.files.ybetaparams import read_origin

    path = stem.with_name(f"{stem.name}.npz")
    if not path.exists():
        return
    there = read_origin(path)
    if any(there.get(key) != data.origin[key] for key in ("seed", "identity")):
        raise InputError(
            str(path),
            "a name that no other data set has",
            f"one with seed {there.get('seed', 'unknown')}",
            "give --force to replace it, or another folder with --out",
        )


def _facts(data: Ybetaparams, scenario: Scenario, study: Study, path: Path) -> dict[str, object]:
    realised = [value for value in data.origin["signal_fraction"] if value is not None]
    fraction = f"{scenario.signal_fraction:g}"
    if realised:
        fraction += f" (realised: {min(realised):.6g} to {max(realised):.6g})"
    scales = data.parameter.sigma_beta2.to_numpy()
    noise = scenario.noise
    if scenario.noise_holds_signal:
        noise += f", {scenario.noise_fraction:g} of it with the signal's covariance"
    return {
        "data set": f"{study.replicates} replicates, {scenario.conditions} conditions, "
        f"{data.parameter.G} genes, {data.parameter.TF} transcription factors",
        "covariance": scenario.covariance,
        "noise": noise,
        "signal fraction": fraction,
        "sigma_beta2": f"{scales.min():.4g} to {scales.max():.4g}",
        "seed": study.seed,
        "motifs": scenario.motifs,
        **({"notes": "; ".join(data.origin["notes"])} if data.origin["notes"] else {}),
        "file": f"{path} ({size_in_words(path.stat().st_size)})",
    }


def _append_to_stats(places: Places, scenario: Scenario, study: Study, lines: list[str]) -> Path:
    """Add what is printed to the console output in stats/, in the file that the original names so."""
    name = (
        f"output_dataGeneration_C_{scenario.conditions}_G_{scenario.genes}_TF_{scenario.tfs}"
        f"_rep_{study.replicates}_Sigma_{scenario.noise}"
        f"_FracNoise_{write_value(scenario.noise_fraction)}"
        f"_Rsquared_mean_V_mean_M_FRAC_{write_value(scenario.signal_fraction)}.txt"
    )
    path = places.stats / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write("\n".join([*lines, "", ""]))
    return path
