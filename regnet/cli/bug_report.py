"""What is said of an error that should not be? One line, and a file with all that a report needs."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence

import regnet


def bug_line(what: str, trace: str, words: Sequence[str]) -> str:
    """Write a traceback down with the command that led to it; return the line that says where.

    `what` is the error in one line, `words` is the command line without ``regnet``.
    """
    number, path = tempfile.mkstemp(prefix="regnet-bug-", suffix=".txt")
    with open(number, "w", encoding="utf-8", errors="backslashreplace") as stream:  # noqa: PTH123
        print(f"regnet {regnet.__version__}, Python {sys.version}, {sys.platform}", file=stream)
        print(f"command: regnet {' '.join(words)}\n", file=stream)
        print(trace, end="", file=stream)
    return f"a bug in regNet ({what[:250]}); please report it with the file {path}"
