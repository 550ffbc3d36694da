"""Who may write into a run folder? One runner, which holds the lock for its lifetime and beats.

The lock is a file that names its holder (host, boot, process id, start time), held with ``flock`` where
the file system has it. On the holder's machine the process decides whether the lock is held; from
another host, only the age of the heartbeat is known. A holder that finds another's name in the file (a
sleeping laptop's run was taken over elsewhere) must stop writing at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from regnet.errors import InputError
from regnet.runs.processes import ProcessId, process_from, process_id

SILENT_AFTER = 60.0
"""Seconds without a heartbeat after which a runner on another host counts as lost."""

_MOST_BYTES = 10_000
_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds, or last held, a lock, and how many seconds ago it gave a sign of life (None: never)."""

    process: ProcessId
    silent: float | None
    has_released: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether the runner lives: by its process on this machine, else by its heartbeat."""
        if self.has_released:
            return False
        alive = self.process.is_alive
        if alive is None:
            return self.silent is not None and self.silent < SILENT_AFTER
        return alive


class LockLost(Exception):
    """Another runner has taken the lock over, or the folder has gone: nothing may be written any more."""


class Lock:
    """The lock of a run folder, held from :func:`take` until :meth:`release` or the process's end."""

    def __init__(self, descriptor: int, path: Path, heartbeat: Path, me: ProcessId) -> None:
        self._descriptor, self._path, self._heartbeat, self._me = descriptor, path, heartbeat, me

    def beat(self) -> None:
        """Give a sign of life; raise :class:`LockLost` where the lock is no longer this process's."""
        try:
            os.utime(self._heartbeat)
            holder, _ = _read(self._path)
        except OSError as error:
            raise LockLost(f"the run folder can't be reached: {error.strerror}") from None
        if holder != self._me:
            raise LockLost(f"another runner has taken over ({holder.host if holder else 'unknown'})")

    def release(self) -> None:
        """Give the lock back; the file stays and names its last holder."""
        with contextlib.suppress(OSError):
            _write(self._descriptor, self._me, has_released=True)
        os.close(self._descriptor)


def take(path: Path, heartbeat: Path, *, force: bool = False, mode: int = 0o600) -> Lock:
    """Take the lock of a run folder for this process.

    Parameters
    ----------
    path, heartbeat : Path
        The lock file and the file whose modification time is the heartbeat.
    force : bool
        Take over from a runner on another host that still gives signs of life.

    Raises
    ------
    InputError
        Where another runner holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        _flock(descriptor, path)
        _touch(heartbeat, mode)
        me = process_id()
        holder, has_released = _read(path)
        if holder not in (None, me) and not (force and not holder.is_here):
            _refuse_if_alive(Holder(holder, _silence_by_file_clock(heartbeat, path), has_released), path)
        _write(descriptor, me, has_released=False)
        os.utime(heartbeat)
    except BaseException:
        os.close(descriptor)
        raise
    return Lock(descriptor, path, heartbeat, me)


def read_holder(path: Path, heartbeat: Path) -> Holder | None:
    """Return who holds or last held a lock; None where nobody ever did."""
    try:
        process, has_released = _read(path)
    except OSError:
        return None
    if process is None:
        return None
    try:
        silent = max(0.0, time.time() - heartbeat.stat().st_mtime)
    except OSError:
        silent = None
    return Holder(process, silent, has_released)


def _write(descriptor: int, process: ProcessId, *, has_released: bool) -> None:
    text = json.dumps({**process.as_fields(), "released": has_released}).encode()
    os.pwrite(descriptor, text.ljust(_LENGTH - 1) + b"\n", 0)  # one write of fixed length: never seen half
    os.ftruncate(descriptor, _LENGTH)
    os.fsync(descriptor)


def _read(path: Path) -> tuple[ProcessId | None, bool]:
    """Return the process that a lock file names, and whether it has given the lock back."""
    with path.open("rb") as file:
        text = file.read(_MOST_BYTES)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None, False
    process = process_from(fields)
    return process, process is not None and fields.get("released") is True


def _flock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        process, _ = _read(path)
        found = f"process {process.pid} on {process.host}" if process else "another process"
        raise _held(path, found) from None
    except OSError:
        pass  # a file system without locks: the names in the file have to do


def _touch(heartbeat: Path, mode: int) -> None:
    with contextlib.suppress(FileExistsError):
        os.close(os.open(heartbeat, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))


def _silence_by_file_clock(heartbeat: Path, path: Path) -> float:
    """Return the heartbeat's age by the file server's own clock, whatever this host's clock says."""
    beaten = heartbeat.stat().st_mtime
    os.utime(path)
    return path.stat().st_mtime - beaten


def _refuse_if_alive(holder: Holder, path: Path) -> None:
    if not holder.is_alive:
        return
    process = holder.process
    found = f"process {process.pid} on {process.host}"
    if not process.is_here and holder.silent is not None:
        found += f" (last sign of life {holder.silent:.0f} s ago)"
    raise _held(path, found)


def _held(path: Path, found: str) -> InputError:
    return InputError(path.parent.name, "a run that no other runner works on", found, "stop that one first")
