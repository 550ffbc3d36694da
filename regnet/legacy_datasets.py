"""How does a data set of the original's form become one of ours, and ours one of its form?

An old data set holds everything a fit and its score need: expression, true effects, scores and
covariances of every replicate. So it takes the place of a simulation: :func:`design_from_ybetaparams`
is what its replicates share, :func:`dataset_from_ybetaparams` one replicate, and old studies are redone
with the new engine. The other way, :func:`simulate_ybetaparams` puts simulated replicates into the
original's form.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import regnet
from regnet.errors import InputError, shown
from regnet.files.legacy_names import DATA_SET, LegacyName, name_of
from regnet.files.motifs import MotifScores
from regnet.files.ybetaparams import YbetaParameters, Ybetaparams, load_ybetaparams
from regnet.methods import Method
from regnet.places import Places
from regnet.replicate import Prepared, prepare_design
from regnet.scenario import Scenario
from regnet.simulation import Dataset, Design, design, draw, explained_fraction, symmetric_root
from regnet.study import Study

Matrix = NDArray[np.float64]

USUAL_FRACTION = 0.2
"""Signal fraction that the original takes where none was given."""


def dataset_from_ybetaparams(source: str | os.PathLike[str] | Ybetaparams, replicate: int = 0) -> Dataset:
    """Return one replicate of a data set of the original's form, with its truth, as a simulated one.

    Parameters
    ----------
    source : path or Ybetaparams
        The file (an old pickle or our ``.npz``), or what :func:`regnet.load_ybetaparams` gave.
    replicate : int
        Number of the replicate, from 0.

    Raises
    ------
    InputError
        Where the file can't be read or has no such replicate.
    """
    data = source if isinstance(source, Ybetaparams) else load_ybetaparams(source)
    shared = design_from_ybetaparams(data)
    return recorded_replicate(data, shared, replicate)


def design_from_ybetaparams(data: Ybetaparams, *, seed: int = 1) -> Design:
    """Return what the replicates of a data set of the original's form share.

    Nothing is drawn from it but, with `seed`, the random starts of fits.
    """
    parameter = data.parameter
    return Design(
        scenario=scenario_of(data),
        seed=seed,
        identity=str(data.name) if data.name else "Ybetaparams",
        scores=parameter.motif_TG.to_numpy(np.float64),
        held_out_scores=np.empty((0, parameter.TF)),
        genes=tuple(map(str, parameter.motif_TG.index)),
        motifs=tuple(map(str, parameter.motif_TG.columns)),
        held_out_genes=(),
        conditions=_condition_names(parameter.C),
        signal_covariance=parameter.V,
        noise_covariance=data.noise_covariance(),
        signal_root=symmetric_root(parameter.V),
        noise_root=symmetric_root(data.noise_covariance()),
    )


def recorded_replicate(data: Ybetaparams, shared: Design, replicate: int) -> Dataset:
    """Return one replicate as it stands in the file; `shared` is its :func:`design_from_ybetaparams`."""
    expression, effects = data.replicate(replicate), data.effects(replicate)
    noise = expression - shared.scores @ effects
    within = expression.mean(axis=0)
    return Dataset(
        expression=expression,
        effects=effects,
        scores=shared.scores,
        signal_covariance=data.signal_covariance(replicate),
        noise_covariance=shared.noise_covariance,
        scenario=shared.scenario,
        genes=shared.genes,
        motifs=shared.motifs,
        conditions=shared.conditions,
        replicate=replicate,
        scale=float(data.parameter.sigma_beta2.to_numpy()[0, replicate]),
        signal_fraction=explained_fraction(noise, expression, expression.mean()),
        within_condition_fraction=explained_fraction(noise - noise.mean(axis=0), expression, within),
        held_out_scores=shared.held_out_scores,
        held_out_expression=np.empty((0, len(shared.conditions))),
    )


def scenario_of(data: Ybetaparams) -> Scenario:
    """Return the scenario that a data set comes from, as far as the file tells.

    Sizes and fractions are the file's own. The rest is what the ``.json`` beside our own files records,
    else what the file's name says; in an old file that was renamed, a covariance that is a multiple of
    the identity counts as ``id`` or ``identity`` and any other as ``random``.

    Raises
    ------
    InputError
        Where the file says what no scenario can be.
    """
    parameter = data.parameter
    is_part = parameter.fracNoise is not None
    noise = "identity" if _is_multiple_of_identity(parameter.Sigma) else "randomV" if is_part else "random"
    found: dict[str, Any] = {
        "motifs": str(data.name) if data.name else "Ybetaparams",
        "covariance": "id" if _is_multiple_of_identity(parameter.V) else "random",
        "noise": noise,
    }
    if data.name is not None:
        found |= data.name.scenario_fields()
    recorded = data.origin.get("scenario")
    if isinstance(recorded, dict):
        names = {field.name for field in fields(Scenario)}
        found |= {key: value for key, value in recorded.items() if key in names}
    found |= {
        "conditions": parameter.C,
        "genes": parameter.G,
        "tfs": parameter.TF,
        "signal_fraction": USUAL_FRACTION if parameter.frac is None else parameter.frac,
    }
    if is_part:
        found["noise_fraction"] = parameter.fracNoise
    return Scenario(**found)


def find_dataset(scenario: Scenario, replicates: int, places: Places) -> Path:
    """Return the file of a scenario's data set.

    Parameters
    ----------
    scenario : Scenario
        Its `dataset` is a file, or a folder in which the file is found by the original's name; empty
        stands for ``simulation/`` of the data directory.
    replicates : int
        Replicates of the study, which that name holds.
    places : Places

    Raises
    ------
    InputError
        Where there is no such file; it says which name was looked for.
    """
    folder = Path(scenario.dataset).expanduser() if scenario.dataset else places.simulation
    if folder.is_file():
        return folder
    name = data_set_name(scenario, replicates)
    for ending in (".npz", ".pkl", ".pkl.gz"):
        if (folder / f"{name}{ending}").is_file():
            return folder / f"{name}{ending}"
    wanted = f"a data set {name} (.npz or .pkl)" if folder.is_dir() else "a data set's file or folder"
    remedy = "generate it with 'regnet simulate' and the same parameters, or name another file"
    raise InputError("dataset", wanted, f"none at {shown(folder)}", remedy)


def load_dataset(scenario: Scenario, replicates: int, places: Places) -> Ybetaparams:
    """Read a scenario's data set, and check that it is what the scenario says.

    Raises
    ------
    InputError
        Where the file can't be found or read, has fewer replicates, or another size, covariance,
        noise or signal fraction.
    """
    path = find_dataset(scenario, replicates, places)
    data = load_ybetaparams(path)
    remedy = f"'regnet fit {path.name} --as-study' writes a study with the file's parameters"
    if data.n_replicates < replicates:
        raise InputError("replicates", f"at most the data set's {data.n_replicates}", f"{replicates}", remedy)
    held = scenario_of(data)
    for field in fields(Scenario):
        says, holds = getattr(scenario, field.name), getattr(held, field.name)
        is_unused = field.name == "noise_fraction" and not held.noise_holds_signal
        if field.name not in ("dataset", "motifs", "subset") and says != holds and not is_unused:
            raise InputError(field.name, f"{holds}, as the data set has", f"{says}", remedy)
    return data


def prepare_recorded(
    scenario: Scenario, data: Ybetaparams, *, seed: int, methods: Sequence[Method] = ()
) -> Prepared:
    """Prepare a data set's replicates for fits, as :func:`regnet.replicate.prepare` does simulated ones."""
    shared = dataclasses.replace(design_from_ybetaparams(data, seed=seed), scenario=scenario)
    recorded = functools.partial(recorded_replicate, data, shared)
    return dataclasses.replace(prepare_design(shared, methods), recorded=recorded)


def study_of(data: Ybetaparams, path: Path) -> Study:
    """Return the study that fits a data set, which lies at `path`, by the default methods."""
    scenario = asdict(scenario_of(data)) | {"dataset": str(path.absolute())}
    return Study(**scenario, replicates=data.n_replicates)


def simulate_ybetaparams(
    scenario: Scenario, motifs: MotifScores, *, seed: int, replicates: int
) -> Ybetaparams:
    """Simulate replicates of a scenario into the original's form.

    Parameters
    ----------
    scenario, motifs, seed
        As in :func:`regnet.simulate`, which gives the same numbers replicate by replicate.
    replicates : int
        How many.

    Returns
    -------
    Ybetaparams
        ``V`` and ``Sigma`` have trace 1; ``sigma_beta2`` is the scale of each replicate's effects,
        ``delta`` 1 (0 where the signal fraction is 1: no noise). ``frac`` is the fraction asked for.

    Raises
    ------
    InputError
        As :func:`regnet.simulate`.
    """
    if replicates < 1:
        raise InputError("replicates", "a whole number of at least 1", shown(replicates))
    shared = design(scenario, motifs, seed=seed)
    n_genes, n_motifs = shared.scores.shape
    expression = np.empty((replicates, n_genes * scenario.conditions))
    effects = np.empty((replicates, n_motifs * scenario.conditions))
    scales = np.empty((1, replicates))
    realised = []
    for replicate in range(replicates):
        dataset = draw(shared, replicate)
        expression[replicate] = dataset.expression.reshape(-1, order="F")
        effects[replicate] = dataset.effects.reshape(-1, order="F")
        scales[0, replicate] = dataset.scale
        realised.append(dataset.signal_fraction)
    parameter = YbetaParameters(
        C=scenario.conditions,
        G=n_genes,
        TF=n_motifs,
        V=shared.signal_covariance,
        Sigma=shared.noise_covariance,
        delta=np.array([0.0 if scenario.signal_fraction == 1.0 else 1.0]),
        sigma_beta2=pd.DataFrame(scales),
        frac=scenario.signal_fraction,
        fracNoise=scenario.noise_fraction if scenario.noise_holds_signal else None,
        motif_TG=pd.DataFrame(shared.scores, index=list(shared.genes), columns=list(shared.motifs)),
    )
    origin = {
        "software": f"regnet {regnet.__version__}",
        "seed": seed,
        "scenario": asdict(scenario),
        "identity": shared.identity,
        "signal_fraction": [None if math.isnan(value) else value for value in realised],
        "notes": list(shared.notes),
    }
    return Ybetaparams(
        Y=pd.DataFrame(expression.T, copy=False),
        beta=pd.DataFrame(effects.T, copy=False),
        parameter=parameter,
        name=data_set_name(scenario, replicates),
        origin=origin,
    )


def data_set_name(scenario: Scenario, replicates: int, kind: str = DATA_SET, **fitted: Any) -> LegacyName:
    """Return the original's name for a scenario's data set, or with `fitted` for a result of it."""
    return name_of(
        kind,
        conditions=scenario.conditions,
        genes=scenario.genes,
        tfs=scenario.tfs,
        covariance=scenario.covariance,
        replicates=replicates,
        noise=scenario.noise,
        noise_fraction=scenario.noise_fraction,
        signal_fraction=scenario.signal_fraction,
        **fitted,
    )


def _condition_names(n_conditions: int) -> tuple[str, ...]:
    return tuple(f"condition_{number}" for number in range(1, n_conditions + 1))


def _is_multiple_of_identity(covariance: Matrix) -> bool:
    identity = np.eye(len(covariance))
    return bool(np.allclose(covariance, covariance[0, 0] * identity, atol=1e-12 * abs(covariance[0, 0])))
