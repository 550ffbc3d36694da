"""Which single letters did the original's shell scripts take, and what do they mean here?

``-c 4`` is ``--conditions 4``: each letter is another name of one of regNet's own options, so that
commands and scripts of the original's users go on working.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from regnet.parameters import Flag
from regnet.study import study_parameters

SIMULATION_FLAGS: Mapping[str, str] = {
    "-r": "replicates",
    "-c": "conditions",
    "-G": "genes",
    "-T": "tfs",
    "-S": "noise",
    "-f": "signal_fraction",
    "-N": "noise_fraction",
}
"""The flags of ``scripts/dataGeneration.sh``, and the parameter that each sets."""

FIT_FLAGS: Mapping[str, str] = {
    **SIMULATION_FLAGS,
    "-g": "covariance",
    "-e": "signal_model",
    "-E": "noise_model",
    "-i": "init",
    "-p": "perturb",
}
"""Those of ``scripts/compLimix_withParam.sh``, but ``-n`` (cores), which is no parameter of a study."""


def add_original_flags(parser: argparse.ArgumentParser, flags: Mapping[str, str]) -> None:
    """Add the original's flags; each writes where its parameter's own option does."""
    group = parser.add_argument_group("the original software's flags")
    for flag, name in flags.items():
        parameter = study_parameters()[name]
        further: dict[str, Any] = {"type": _as_start} if name == "init" else {}
        group.add_argument(
            flag,
            dest=name,
            action="append" if parameter.grid else "store",
            metavar=_METAVARS[flag],
            help=f"as {parameter.option}" + (" (False or True)" if isinstance(parameter.kind, Flag) else ""),
            **further,
        )


_METAVARS = {
    **{"-r": "REP", "-c": "COND", "-G": "GENES", "-T": "TF", "-S": "SIGMA", "-f": "FRACTION"},
    **{"-N": "NOISEFRACTION", "-g": "GEN", "-e": "ESTIM", "-E": "NOISE", "-i": "INIT", "-p": "PERTURB"},
}


def _as_start(text: str) -> str:
    """Return where the fit starts: the original's INIT is a boolean, true for the generating values."""
    answer = Flag().read(text)
    return text if answer is None else "truth" if answer else "default"
