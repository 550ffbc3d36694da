"""Small studies, runs that are waited for, and every number of a run for comparison."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from regnet import Study
from regnet.runs.arrays import read_arrays
from regnet.runs.events import read_events
from regnet.runs.folder import RunFolder
from regnet.runs.state import RunState, state_of


def small_study(**changes: Any) -> Study:
    settings: dict[str, Any] = {
        "name": "small",
        "motifs": "synthetic",
        "genes": 60,
        "tfs": 12,
        "conditions": 3,
        "covariance": ["id", "random"],
        "replicates": 6,
        "held_out": 20,
    }
    return Study(**{**settings, **changes})


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something to become true; fail loudly where it doesn't."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it didn't happen in time"
        time.sleep(0.02)


def ended(folder: RunFolder, seconds: float = 60.0) -> RunState:
    """Return a run's state when it is no longer alive."""
    wait_until(lambda: not state_of(folder).is_alive, seconds)
    return state_of(folder)


def numbers(folder: RunFolder) -> dict[tuple[int, int], Any]:
    """Return every value that a run recorded (but for what is measured: seconds), and its arrays' bytes."""
    events, damages = read_events(folder.events)
    damaged = {damage.line for damage in damages}
    found: dict[tuple[int, int], Any] = {}
    for event in events:
        if event["event"] != "replicate":
            continue
        key = (event["scenario"], event["replicate"])
        assert key not in found, f"{key} is recorded twice ({damaged})"
        fits = {}
        for label, fit in event["fits"].items():
            metrics = {name: value for name, value in fit["metrics"].items() if name != "seconds"}
            fits[label] = (fit["status"], metrics, fit["reason"], fit["warnings"])
        arrays = {}
        if event["arrays"]:
            kept = read_arrays(folder, *key)
            arrays = {name: (array.shape, array.tobytes()) for name, array in kept.items()}
        found[key] = (event["truth"], fits, arrays)
    return found
