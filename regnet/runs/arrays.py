"""How are a replicate's arrays written and read? As ``.npz``, whole or not at all, nothing pickled."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regnet.atomic_files import replacing
from regnet.errors import InputError
from regnet.files.npz import read_npz
from regnet.runs.folder import RunFolder

_TIME = (1980, 1, 1, 0, 0, 0)  # the same arrays give the same bytes


def write_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, NDArray[np.float64]], *, mode: int = 0o600
) -> None:
    """Write arrays under their names; the directory has to exist. Raises OSError where it can't."""
    with replacing(path, mode=mode) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _TIME), "w") as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def read_arrays(folder: RunFolder, scenario: int, replicate: int) -> dict[str, NDArray[np.float64]]:
    """Return the arrays of one replicate of a run by name.

    Raises
    ------
    InputError
        Where there are none (the run keeps none, or the replicate isn't computed), or they are damaged.
    """
    path: Path = folder.arrays_of(scenario, replicate)
    if not path.is_file():
        found = f"none for scenario {scenario}, replicate {replicate}"
        raise InputError(folder.id, "the arrays of a replicate", found, "see --keep")
    return dict(read_npz(path))
