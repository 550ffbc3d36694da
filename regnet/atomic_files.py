"""How is a whole file written so that a reader, or a crash, never sees half of it?

The content goes to a temporary file beside the target, is flushed to the disk, and takes the target's
name in one step; the directory is flushed too, so that the name survives a power cut.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PRIVATE = 0o600
"""File mode of what belongs to the user alone."""


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], *, mode: int = PRIVATE) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes `path`'s name when, and only when, the block ends well.

    Parameters
    ----------
    path : path-like
        The file to write or replace; its directory has to exist.
    mode : int
        Permissions of the new file.

    Raises
    ------
    OSError
        Where the file can't be written; what was at `path` before is still there.
    """
    target = Path(path)
    number, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)
    try:
        with open(number, "wb") as stream:  # noqa: PTH123  (a descriptor, not a path)
            yield stream
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.replace(name, target)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
    flush_directory(target.parent)


def write_whole(path: str | os.PathLike[str], content: str | bytes, *, mode: int = PRIVATE) -> None:
    """Write or replace a whole file with text (as UTF-8) or bytes; see :func:`replacing`."""
    with replacing(path, mode=mode) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def flush_directory(path: str | os.PathLike[str]) -> None:
    """Flush a directory's entries to the disk, where its file system can."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    with contextlib.suppress(OSError):
        os.fsync(number)
    os.close(number)
