"""What the tests of the command line share: carrying out a command, and the options of a small study."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import NamedTuple

from regnet.cli import main

SMALL = ["--genes", "60", "--tfs", "8", "--covariance", "id,random", "--penalty", "gcv,oracle"]
SMALL += ["--methods", "Ridge", "--conditions", "3", "--held-out", "20"]


LONG = ["--genes", "2000", "--tfs", "150", "--covariance", "random", "--methods", "Ridge"]
LONG += ["--penalty", "kfold", "--folds", "10", "--replicates", "5000", "--jobs", "1", "--keep", "none"]


class Outcome(NamedTuple):
    """What a command line did: its exit code, what it printed, and what it complained."""

    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


def carry_out(*words: str) -> Outcome:
    """Carry out a command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([*words])
        except SystemExit as exit:  # --help and --version
            code = int(exit.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())


class MadeRuns(NamedTuple):
    """A data directory and the ids of its two finished runs."""

    data: str
    first: str
    second: str
