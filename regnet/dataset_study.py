"""Which study fits the data set in this file? Asked of a child process, for screens that load no numpy.

The app fills its form with the answer when a data set is opened. Only the standard library is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from regnet.errors import InputError, shown
from regnet.study import Study

LONGEST = 600.0
"""Seconds that reading a data set may take: a gigabyte takes some twelve."""


def study_of_file(path: str | os.PathLike[str]) -> Study:
    """Return the study that fits a data set of 'regnet simulate' or of the original software.

    Its parameters and replicates are the file's, its methods the default ones.

    Raises
    ------
    InputError
        With the line that ``regnet fit FILE --as-study`` says, where the file can't be read.
    """
    package = str(Path(__file__).resolve().parents[1])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "regnet", "fit", "--as-study", "--", str(path)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            timeout=LONGEST,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        raise InputError("dataset", "a data set that can be read", shown(error)) from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said = lines[-1].removeprefix("regnet: ") if lines else f"exit code {done.returncode}"
        raise InputError("dataset", "a data set that can be read", said)
    return Study.from_toml(done.stdout.decode("utf-8", "replace"), "regnet fit --as-study")
