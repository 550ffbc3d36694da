"""regNet: how do transcription-factor motifs drive expression, and does an LMM tell it better than ridge?

The names below are loaded when they are first used; importing the package does nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Execution": "regnet.execution",
    "InputError": "regnet.errors",
    "LMM": "regnet.methods",
    "Ridge": "regnet.methods",
    "Scenario": "regnet.scenario",
    "Study": "regnet.study",
    "read_motifs": "regnet.files.motifs",
    "read_expression": "regnet.files.expression",
    "MotifScores": "regnet.files.motifs",
    "simulate": "regnet.simulation",
    "Dataset": "regnet.simulation",
    "fit_ridge": "regnet.fitting",
    "fit_mixed_model": "regnet.fitting",
    "score": "regnet.scoring",
    "run": "regnet.runs.results",
    "load_run": "regnet.runs.results",
    "load_ybetaparams": "regnet.files.ybetaparams",
}

__all__ = ["__version__", *_HOMES]

if TYPE_CHECKING:
    from regnet.errors import InputError as InputError
    from regnet.execution import Execution as Execution
    from regnet.methods import LMM as LMM
    from regnet.methods import Ridge as Ridge
    from regnet.scenario import Scenario as Scenario
    from regnet.study import Study as Study


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'regnet' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
