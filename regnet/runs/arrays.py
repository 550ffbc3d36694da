"""How are a replicate's arrays written and read? As ``.npz``, nothing pickled.

A file of arrays counts from the moment that the log names it. So many are written first, then brought to
the disk together, which costs a fraction of doing it one by one, and only then named.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regnet.atomic_files import flush_directory
from regnet.errors import InputError
from regnet.files.npz import read_npz
from regnet.runs.folder import RunFolder

_TIME = (1980, 1, 1, 0, 0, 0)  # the same arrays give the same bytes


def write_arrays(path: Path, arrays: Mapping[str, NDArray[np.float64]], *, mode: int = 0o600) -> None:
    """Write arrays under their names, not yet brought to the disk: see :func:`bring_to_disk`.

    Raises
    ------
    OSError
        Where the file can't be written, or its directory doesn't exist.
    """
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    with os.fdopen(number, "wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", _TIME), "w") as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def bring_to_disk(paths: Iterable[Path]) -> None:
    """See to it that files, and their names in their directories, are on the disk; OSError if not."""
    written = list(paths)
    for path in written:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    for directory in sorted({parent for path in written for parent in (path.parent, path.parent.parent)}):
        flush_directory(directory)


def read_arrays(folder: RunFolder, scenario: int, replicate: int) -> dict[str, NDArray[np.float64]]:
    """Return the arrays of one replicate of a run by name.

    Raises
    ------
    InputError
        Where there are none (the run keeps none, or the replicate isn't computed), or they are damaged.
    """
    path = folder.arrays_of(scenario, replicate)
    if not path.is_file():
        found = f"none for scenario {scenario}, replicate {replicate}"
        raise InputError(folder.id, "the arrays of a replicate", found, "see --keep")
    return dict(read_npz(path))
