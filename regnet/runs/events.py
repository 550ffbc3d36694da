"""What happened in a run? The append-only log ``events.jsonl``, its one writer and its readers.

One line is one JSON object with ``n`` (the line's number from 0), ``time`` (seconds since the epoch, UTC),
``elapsed`` (seconds since this runner began, by a clock that never jumps), ``event``, the event's own
keys, and last ``crc``: the CRC-32 of everything before it. A line without its newline, or whose checksum
doesn't hold, never happened.
"""

from __future__ import annotations

import json
import math
import os
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
"""Version of the log's layout, named in every ``started`` and ``resumed`` event."""

LONGEST_LINE = 16 * 1024 * 1024
"""Longest line that is read, in bytes; a longer one counts as damaged."""

_CHUNK = 4 * 1024 * 1024
_CRC = b', "crc": "'
_TAIL = len(_CRC) + 8 + 2  # , "crc": "01234567"}

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Damage:
    """A line of the log that can't be trusted: its number from 0, and what is wrong with it."""

    line: int
    why: str


def plain(value: object) -> object:
    """Return a value as JSON has it: NaN as null, infinities as "inf" and "-inf", NumPy's as Python's."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    if hasattr(value, "__index__"):
        return int(value)
    if hasattr(value, "__float__"):
        number = float(value)
        if math.isfinite(number):
            return number
        return None if math.isnan(number) else str(number)
    return str(value)


def number_from(value: object) -> float:
    """Return a number as :func:`plain` wrote it; NaN for anything else."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return math.nan
    return float(value) if value in ("inf", "-inf") else math.nan


def encode(event: Mapping[str, object]) -> bytes:
    """Return an event as one line with its checksum and newline."""
    text = json.dumps(plain(event), ensure_ascii=True, allow_nan=False)
    body = text[:-1].encode("ascii")
    return body + _CRC + b'%08x"}\n' % zlib.crc32(body)


def decode(line: bytes) -> Event:
    """Return the event of one line (without its newline).

    Raises
    ------
    ValueError
        Where the line is too long, its checksum doesn't hold or it isn't an event; the message says which.
    """
    if len(line) > LONGEST_LINE:
        raise ValueError(f"a line of {len(line)} bytes")
    body, check = line[:-_TAIL], line[-_TAIL:]
    if not (check.startswith(_CRC) and check.endswith(b'"}')):
        raise ValueError("no checksum at its end")
    if check[len(_CRC) : -2] != b"%08x" % zlib.crc32(body):
        raise ValueError("its checksum doesn't hold")
    try:
        event = json.loads(body + b"}")
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise ValueError("not an event")
    return event


class EventReader:
    """Reads a log as it grows: each call of :meth:`read` returns the events that came since.

    Only whole lines are taken, by byte offset and without any lock or notification, so that it works
    over NFS and never sees a line that is still being written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.offset = 0
        self.line = 0
        self.damages: list[Damage] = []
        self._rest = b""

    def read(self, most: int = 1 << 62) -> list[Event]:
        """Return new events, of at most about `most` bytes of log; damaged lines go to ``damages``.

        An empty list means that there is nothing new, or no log (yet).
        """
        events: list[Event] = []
        try:
            with self.path.open("rb") as log:
                log.seek(self.offset + len(self._rest))
                while most > 0:
                    chunk = log.read(min(_CHUNK, most))
                    if not chunk:
                        break
                    most -= len(chunk)
                    self._take(chunk, events)
        except (FileNotFoundError, NotADirectoryError):
            pass
        return events

    def _take(self, chunk: bytes, events: list[Event]) -> None:
        whole, newline, self._rest = (self._rest + chunk).rpartition(b"\n")
        if not newline:
            return
        self.offset += len(whole) + 1
        for line in whole.split(b"\n"):
            try:
                events.append(decode(line))
            except ValueError as error:
                self.damages.append(Damage(self.line, str(error)))
            self.line += 1


def last_event(path: str | os.PathLike[str], *, most: int = 1 << 16) -> Event | None:
    """Return the last trustworthy event of a log by reading its tail only; None where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        tail = min(4096, size)
        while True:
            text = os.pread(descriptor, tail, size - tail)
            lines = text.split(b"\n")
            for line in reversed(lines[(0 if tail == size else 1) : -1]):
                try:
                    return decode(line)
                except ValueError:
                    continue
            if tail >= min(size, most):
                return None
            tail = min(4 * tail, size)
    except OSError:
        return None
    finally:
        os.close(descriptor)


class EventLog:
    """The one writer of a log. Opening it repairs a torn last line and continues the numbers.

    Parameters
    ----------
    path : path
        The log; made where it doesn't exist.
    clock, elapsed : callables
        The wall clock and a clock that never jumps, in seconds.
    write : callable
        What writes bytes to a descriptor (``os.write``); a test may put a failing one in its place.
    mode : int
        Permissions of a new log.

    Attributes
    ----------
    torn : int
        How many bytes of a torn last line were cut off at opening.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
        write: Callable[[int, bytes], int] = os.write,
        mode: int = 0o600,
    ) -> None:
        self._clock, self._elapsed, self._write = clock, elapsed, write
        self._begun = elapsed()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        self.n, self._size, self.torn = _whole_lines(self._descriptor)
        if self.torn:
            os.ftruncate(self._descriptor, self._size)
            os.fsync(self._descriptor)

    def append(self, *events: tuple[str, Mapping[str, object]]) -> None:
        """Write events (name and keys), all of them durable on return.

        Raises
        ------
        OSError
            Where they can't be written (disk full, quota); what was written in part is taken back.
        """
        now = {"time": round(self._clock(), 3), "elapsed": round(self._elapsed() - self._begun, 3)}
        lines = b"".join(
            encode({"n": self.n + place, **now, "event": name, **keys})
            for place, (name, keys) in enumerate(events)
        )
        try:
            os.lseek(self._descriptor, self._size, os.SEEK_SET)
            written = 0
            while written < len(lines):
                written += self._write(self._descriptor, lines[written:])
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(lines)
        self.n += len(events)

    def close(self) -> None:
        """Close the log; it can't be written to any more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_events(path: str | os.PathLike[str]) -> tuple[list[Event], list[Damage]]:
    """Return all events of a log and the damaged lines among them."""
    reader = EventReader(path)
    events = reader.read()
    return events, reader.damages


def names_of(events: Iterable[Event]) -> list[str]:
    """Return the names of events, in order."""
    return [str(event["event"]) for event in events]


def _whole_lines(descriptor: int) -> tuple[int, int, int]:
    """Return the number of whole lines of a file, the bytes they take, and the bytes after them."""
    lines, size, end = 0, 0, 0
    os.lseek(descriptor, 0, os.SEEK_SET)
    while chunk := os.read(descriptor, _CHUNK):
        lines += chunk.count(b"\n")
        last = chunk.rfind(b"\n")
        if last >= 0:
            end = size + last + 1
        size += len(chunk)
    return lines, end, size - end
