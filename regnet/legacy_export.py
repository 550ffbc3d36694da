"""How does a run look to scripts that were written for the original software?

Every scenario of a study is one data set of the original's, every mixed model one of its fits: this
hands their results on as the original's tables (see :mod:`regnet.files.legacy_results`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from regnet.errors import InputError
from regnet.files.legacy_names import LegacyName
from regnet.files.legacy_results import Ending, MethodResults, result_tables, write_results
from regnet.legacy_datasets import data_set_name
from regnet.methods import LMM
from regnet.runs.arrays import read_arrays
from regnet.runs.folder import RunFolder
from regnet.runs.replay import Replay
from regnet.runs.rows import ScenarioRows
from regnet.study import Study

Effects = Sequence[npt.NDArray[np.float64] | None]
EffectsOf = Callable[[str], Effects]
"""From a method's label to its estimated effects by replicate, None where there are none."""


def export_run(run: RunFolder, folder: Path, ending: Ending = "csv") -> list[Path]:
    """Write a run's results under the original's names.

    Parameters
    ----------
    run : RunFolder
        A run, also one that isn't finished: what it has so far.
    folder : Path
        Where to. Scenarios or mixed models that differ only in what the original's names don't say
        (motif table, choice of genes, kind of likelihood …) get folders of their own in it.
    ending : "csv" or "npz"

    Returns
    -------
    list of Path
        The files, by scenario and mixed model. Effects are among them where the run kept arrays.

    Raises
    ------
    InputError
        Where the run can't be read or holds nothing yet, or the files can't be written.
    """
    replay = Replay(run)
    replay.update()
    if not replay.done:
        raise InputError(run.id, "a run with results", "none yet", "wait for its first replicates")
    names = Counter(str(data_set_name(scenario, 1)) for scenario in replay.study.scenarios)
    files = []
    for number, scenario in enumerate(replay.study.scenarios):
        rows = replay.rows.scenarios[number]
        if not len(rows):
            continue
        own = folder if names[str(data_set_name(scenario, 1))] == 1 else folder / f"scenario_{number}"
        files += write_scenario(replay.study, number, rows, _kept_effects(run, number, rows), own, ending)
    return files


def write_scenario(
    study: Study,
    number: int,
    rows: ScenarioRows,
    effects_of: EffectsOf,
    folder: Path,
    ending: Ending,
    *,
    motifs: Sequence[str] = (),
) -> list[Path]:
    """Write the results of one scenario of a study under the original's names; return the files.

    Each mixed model is one fit of the original's, with the study's baseline (or its first ridge) beside
    it. Mixed models of the same structures get folders of their own, by their label.

    Raises
    ------
    InputError
        Where the files can't be written.
    """
    scenario = study.scenarios[number]
    models = {label: method for label, method in zip(study.labels, study.methods) if isinstance(method, LMM)}
    ridges = [label for label in study.labels if label not in models]
    ridge = study.baseline if study.baseline in ridges else next(iter(ridges), None)

    def results(label: str | None) -> MethodResults | None:
        if label is None:
            return None
        return MethodResults(effects=effects_of(label), metrics=rows.methods[label].metrics)

    fits: dict[str | None, LegacyName] = {
        label: data_set_name(
            scenario,
            study.replicates,
            "beta_posterior",
            signal_model=method.signal_model,
            noise_model=method.noise_model,
            from_truth=method.init == "truth",
        )
        for label, method in models.items()
    }
    fits = fits or {None: data_set_name(scenario, study.replicates, "beta_ridge")}
    counts = Counter(fits.values())
    files = []
    for label, name in fits.items():
        tables = result_tables(name, list(rows.replicates), results(label), results(ridge), motifs=motifs)
        own = folder if counts[name] == 1 else folder / str(label).replace("/", "_")
        files += write_results(tables, own, ending)
    return files


def _kept_effects(run: RunFolder, number: int, rows: ScenarioRows) -> EffectsOf:
    """Return where the effects of a scenario's replicates come from: its arrays, each file read once."""
    arrays = [
        read_arrays(run, number, replicate) if run.arrays_of(number, replicate).is_file() else {}
        for replicate in rows.replicates
    ]
    return lambda label: [one.get(f"{label}/effects") for one in arrays]
