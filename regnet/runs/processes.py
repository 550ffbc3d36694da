"""Is the process that wrote this still alive? Processes by host, boot, process id and start time.

A process id alone is used again after a while; with the boot's id and the process's start time it names
one process for ever. On another host, or in another container, nothing can be said: the caller looks at
the heartbeat instead.
"""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process of one boot of one machine. ``space`` tells containers of one machine apart."""

    host: str
    boot: str
    space: str
    pid: int
    started: str

    def as_fields(self) -> dict[str, str | int]:
        """Return the fields as JSON has them."""
        return asdict(self)

    @property
    def is_here(self) -> bool:
        """Whether the process belongs to this boot of this machine (and this container)."""
        return (self.host, self.space) == (host_name(), _space())

    @property
    def is_alive(self) -> bool | None:
        """Whether the process is alive; None where that can't be known from here."""
        if not self.is_here:
            return None
        if self.boot != boot_id():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except (PermissionError, OverflowError):
            pass
        return start_of(self.pid) == self.started


def process_id(pid: int | None = None) -> ProcessId:
    """Return the identity of a process of this machine (default: this one)."""
    pid = os.getpid() if pid is None else pid
    return ProcessId(host_name(), boot_id(), _space(), pid, start_of(pid) or "")


def process_from(fields: object) -> ProcessId | None:
    """Return the process that :meth:`ProcessId.as_fields` described; None where it isn't one."""
    if not isinstance(fields, Mapping):
        return None
    texts = [fields.get(name) for name in ("host", "boot", "space", "started")]
    pid = fields.get("pid")
    if not all(isinstance(text, str) for text in texts) or not isinstance(pid, int) or not 0 < pid < 2**31:
        return None
    host, boot, space, started = map(str, texts)
    return ProcessId(host, boot, space, pid, started)


def start_of(pid: int) -> str | None:
    """Return when a process started, in the kernel's ticks; None where it's gone or a zombie.

    Without /proc (macOS) the start isn't known: the empty string for a process that exists.
    """
    if not (_PROC / "self").exists():
        return ""
    try:
        # Field 2 is the command in parentheses and may hold anything; fields count from behind it.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


@functools.cache
def host_name() -> str:
    """Return this machine's name."""
    return socket.gethostname()


@functools.cache
def boot_id() -> str:
    """Return the id of this machine's current boot, or the empty string where there is none."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@functools.cache
def _space() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""
