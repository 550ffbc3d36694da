"""What is in one replicate's arrays that a picture shows? A process of its own reads it, and prints JSON.

``python -m regnet_tui.picture_data ARRAYS.npz``. The screen's process never imports NumPy; it asks this
one when a picture is looked at (see :class:`PictureData`).
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

_MOST_POINTS = 2000
_MOST_SIDE = 40  # conditions of a covariance that are drawn
_CACHED = 32


class PictureData:
    """Asks the reading process, and remembers what it said of the files asked for last."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[str, int], dict[str, Any]] = OrderedDict()

    def read(self, path: Path) -> dict[str, Any]:
        """Return what a picture needs of a file of arrays; blocks, so it is called from a thread."""
        try:
            key = (str(path), path.stat().st_mtime_ns)
        except OSError:
            return {"problem": "the run kept no arrays of this replicate (keep: estimates or all)"}
        if key not in self._told:
            self._told[key] = self._ask(path)
            while len(self._told) > _CACHED:
                self._told.popitem(last=False)
        self._told.move_to_end(key)
        return self._told[key]

    @staticmethod
    def _ask(path: Path) -> dict[str, Any]:
        command = [sys.executable, "-m", "regnet_tui.picture_data", str(path)]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
            )
            told = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return {"problem": f"{path.name} can't be read"}
        return told if isinstance(told, dict) else {"problem": f"{path.name} can't be read"}


def describe(path: Path) -> dict[str, Any]:
    """Return points of true and estimated effects, and covariances scaled to trace 1, as plain lists."""
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        names = list(arrays.files)
        labels = sorted({name.rsplit("/", 1)[0] for name in names if "/" in name}, key=_ridge_first)
        effects, covariances = [], []
        if "effects" in names:
            true = np.asarray(arrays["effects"], dtype=float).ravel()
            every = max(math.ceil(true.size / _MOST_POINTS), 1)
            for label in labels:
                if f"{label}/effects" not in names:
                    continue
                found = np.asarray(arrays[f"{label}/effects"], dtype=float).ravel()
                flat = true.std() == 0 or found.std() == 0
                r = math.nan if flat else float(np.corrcoef(true, found)[0, 1])
                note = "r not defined" if math.isnan(r) else f"r = {r:.3f}, {true.size} effects"
                points = {"true": true[::every].tolist(), "estimated": found[::every].tolist()}
                effects.append({"label": label, "note": note, **points})
        for symbol, name in (("V", "signal_covariance"), ("Σ", "noise_covariance")):
            for label in ("", *labels):
                key = f"{label}/{name}" if label else name
                if key in names and any(f"{other}/{name}" in names for other in labels):
                    matrix = np.asarray(arrays[key], dtype=float)[:_MOST_SIDE, :_MOST_SIDE]
                    trace = float(np.trace(matrix))
                    scaled = matrix / trace if trace > 0 else matrix
                    covariances.append((f"{symbol} {label or 'true'}", scaled.tolist()))
    return {"effects": effects, "covariances": covariances}


def _ridge_first(label: str) -> tuple[bool, str]:
    return (not label.startswith("Ridge"), label)


def main(argv: list[str]) -> int:
    """Print what a file of arrays holds; what can't be read is said in the same JSON."""
    path = Path(argv[0])
    try:
        told = describe(path)
    except (OSError, ValueError, KeyError) as error:
        told = {"problem": f"{path.name} can't be read: {error}"}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
