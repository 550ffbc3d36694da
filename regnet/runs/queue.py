"""Whose turn is it? Runs of one data directory share a machine, first come first served, without a daemon.

Each runner draws a ticket: a numbered file that names its process. Its turn has come when fewer live
tickets of this machine stand before it than runs may go at once. A ticket whose process is gone counts
for nothing and is thrown away by whoever sees it, so a killed runner blocks nobody.

Machines don't wait for one another, nor do the jobs of a batch system: each has its own processors.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from regnet.atomic_files import write_whole
from regnet.errors import InputError
from regnet.parameters import Whole
from regnet.places import Places
from regnet.runs.processes import ProcessId, process_from, process_id
from regnet.settings import remember, setting

RUNS_AT_ONCE = Whole(1, 1000)
"""How many runs of a data directory may go at once on one machine."""

_TICKET = re.compile(r"(\d{9})\.json")
_MOST_BYTES = 10_000


@dataclass(frozen=True, slots=True, order=True)
class Ticket:
    """A place in the queue."""

    number: int
    path: Path
    process: ProcessId
    run: str
    group: str


def draw_ticket(places: Places, run: str) -> Ticket:
    """Stand at the queue's end; raise OSError where the data directory can't be written."""
    directory = _directory(places)
    directory.mkdir(mode=0o700, exist_ok=True)
    fields = {"process": process_id().as_fields(), "run": run, "group": _group()}
    # The whole ticket is linked to its number in one step: nobody reads an empty one.
    draft = directory / f".draft-{os.getpid()}"
    write_whole(draft, json.dumps(fields))
    number = 0
    try:
        while True:
            taken = [ticket.number for ticket in _tickets(directory)]
            number = max([number, *taken]) + 1
            path = directory / f"{number:09d}.json"
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
                return Ticket(number, path, process_id(), run, _group())
    finally:
        draft.unlink(missing_ok=True)


def ahead_of(ticket: Ticket) -> list[Ticket]:
    """Return the live tickets before this one on this machine, clearing away the dead."""
    return [
        other
        for other in _tickets(ticket.path.parent)
        if other.number < ticket.number and other.group == ticket.group and _is_live(other)
    ]


def leave(ticket: Ticket) -> None:
    """Throw a ticket away: its run has ended."""
    with contextlib.suppress(OSError):
        ticket.path.unlink()


def waiting_and_going(places: Places) -> list[str]:
    """Return the ids of the runs with a live ticket on this machine, in the queue's order."""
    return [ticket.run for ticket in _tickets(_directory(places)) if _is_live(ticket)]


def runs_at_once(places: Places) -> int:
    """Return how many runs may go at once, from the data directory's ``settings.json``; one by default."""
    number = RUNS_AT_ONCE.read(setting(places, "runs_at_once"))
    return number if isinstance(number, int) else 1


def set_runs_at_once(places: Places, number: int) -> None:
    """Write down how many runs may go at once; waiting runners notice within a second.

    Raises
    ------
    InputError
        Where the number can't be used or the data directory can't be written.
    """
    value = RUNS_AT_ONCE.read(number)
    if value is None:
        raise InputError("runs_at_once", RUNS_AT_ONCE.wanted, str(number))
    remember(places, "runs_at_once", int(value))


def _directory(places: Places) -> Path:
    return places.runs / ".queue"


def _group() -> str:
    """Return what shares processors: a machine, or one job of a batch system on it."""
    return os.environ.get("SLURM_JOB_ID", "")


def _tickets(directory: Path) -> list[Ticket]:
    found = []
    try:
        names = sorted(entry.name for entry in os.scandir(directory) if _TICKET.fullmatch(entry.name))
    except OSError:
        return []
    for name in names:
        path = directory / name
        try:
            with path.open("rb") as file:
                fields = json.loads(file.read(_MOST_BYTES))
            process = process_from(fields["process"])
            run, group = str(fields["run"]), str(fields["group"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if process is not None:
            found.append(Ticket(int(name[:9]), path, process, run, group))
    return found


def _is_live(ticket: Ticket) -> bool:
    """Whether a ticket's process lives on this machine; a dead one's ticket is thrown away."""
    alive = ticket.process.is_alive
    if alive is False:
        leave(ticket)
    return bool(alive)
