"""Which runs are there, and how is each? Ten thousand of them, within a second.

What never changes again (a finished or stopped run) is remembered in a small index beside the runs,
which is nothing but a copy: it is checked against each log's size and time, and made again when it is
lost. A listing never waits for it, and two apps writing it at once do no harm: each writes a whole file.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from regnet.atomic_files import write_whole
from regnet.places import Places
from regnet.runs.folder import RunFolder, read_record, run_ids
from regnet.runs.state import RunState, state_of

_INDEX = ".index.json"
_FORMAT = 1
_MOST_INDEX = 256 * 1024 * 1024
_SETTLED = ("finished", "finished with failures", "stopped")
_WORTH_WRITING = 20  # newly settled runs after which the index is written again


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run in a list: where it is, what it was asked to do, and its state when it was listed."""

    runs: Path
    id: str
    name: str
    created: float
    host: str
    command: str
    methods: tuple[str, ...]
    scenarios: int
    replicates: int
    state: RunState

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.runs / self.id)  # made when asked for: paths were most of a long list's time

    @property
    def age(self) -> float:
        """Seconds since the run was made."""
        return max(0.0, time.time() - self.created)

    def as_fields(self) -> dict[str, Any]:
        """Return everything as JSON has it, for scripts."""
        # Not dataclasses.asdict, whose deep copies would be most of a long list's time.
        state = {field.name: getattr(self.state, field.name) for field in fields(RunState)}
        own = {field.name: getattr(self, field.name) for field in fields(RunInfo) if field.name != "runs"}
        return {**own, "state": state}


def list_runs(places: Places) -> list[RunInfo]:
    """Return the runs of a data directory, the newest first. Folders that hold no run are left out."""
    runs = places.runs
    index = _read_index(runs)
    found: list[RunInfo] = []
    fresh: dict[str, Any] = {}
    news = 0
    for id in run_ids(runs):
        stamp = _stamp(f"{runs}/{id}")
        entry = index.get(id)
        if entry is not None and stamp is not None and entry.get("stamp") == stamp:
            info = _remembered(runs, id, entry)
            if info is not None:
                fresh[id] = entry
                found.append(info)
                continue
        info = describe_run(RunFolder(runs / id))
        if info is None:
            continue
        found.append(info)
        if info.state.name in _SETTLED and stamp is not None:
            fresh[id] = {**info.as_fields(), "stamp": stamp}
            news += 1
    if news >= _WORTH_WRITING or (news and len(found) >= 200):
        with contextlib.suppress(OSError):
            write_whole(runs / _INDEX, json.dumps({"format": _FORMAT, "runs": fresh}))
    return sorted(found, key=lambda info: (info.created, info.id), reverse=True)


def describe_run(folder: RunFolder) -> RunInfo | None:
    """Return what a list shows of one run; None where its record can't be read."""
    record = read_record(folder.record_file)
    if record is None:
        return None
    return _info(folder.path.parent, folder.id, record, state_of(folder, record))


def _remembered(runs: Path, id: str, entry: Mapping[str, Any]) -> RunInfo | None:
    try:
        return _info(runs, id, entry, RunState(**entry["state"]))
    except (KeyError, TypeError):
        return None


def _info(runs: Path, id: str, given: Mapping[str, Any], state: RunState) -> RunInfo | None:
    try:
        return RunInfo(
            runs,
            id,
            str(given["name"]),
            float(given["created"]),
            str(given["host"]),
            str(given["command"]),
            tuple(map(str, given["methods"])),
            int(given["scenarios"]),
            int(given["replicates"]),
            state,
        )
    except (KeyError, TypeError, ValueError):
        return None


def _stamp(place: str) -> list[int] | None:
    """Return what changes when a run goes on or is renamed: times and sizes of its log and record."""
    try:
        log, record = os.stat(f"{place}/events.jsonl"), os.stat(f"{place}/run.json")  # noqa: PTH116
    except OSError:
        return None
    return [log.st_size, log.st_mtime_ns, record.st_size, record.st_mtime_ns]


def _read_index(runs: Path) -> dict[str, Any]:
    try:
        with (runs / _INDEX).open("rb") as file:
            index = json.loads(file.read(_MOST_INDEX))
        return dict(index["runs"]) if index["format"] == _FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
