"""Which runs are on disk, and how is each? Listed beside the screen; later only what can have changed.

The first listing is the engine's (:func:`regnet.runs.listing.list_runs`). After it, new folders and
runs that are alive are looked at again; a run's parameters are read when a filter asks for them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from regnet.errors import InputError
from regnet.parameters import Value
from regnet.places import Places
from regnet.runs.folder import RunFolder, run_ids
from regnet.runs.listing import RunInfo, describe_run, list_runs
from regnet.runs.state import RunState
from regnet.study import Study, study_parameters


@dataclass(slots=True)
class RunLine:
    """One run as the list shows it."""

    info: RunInfo
    study: Study | None = None
    is_readable: bool = True
    _text: str = ""

    @property
    def folder(self) -> RunFolder:
        return self.info.folder

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def name(self) -> str:
        return self.info.name or self.id

    @property
    def state(self) -> RunState:
        return self.info.state

    @property
    def host(self) -> str:
        return self.state.host or self.info.host

    @property
    def text(self) -> str:
        """What words of a filter are looked for in."""
        if not self._text:
            self._text = " ".join((self.name, self.id, self.state.name, self.host)).casefold()
        return self._text

    def value(self, key: str) -> object:
        """Return a column's value for sorting and filtering, or a parameter's values."""
        state = self.state
        if key == "state":
            return state.name
        if key in ("done", "total", "failed"):
            return float(getattr(state, key))
        if key == "progress":
            return state.done / state.total if state.total else 0.0
        if key == "host":
            return self.host
        if key == "age":
            return time.time() - self.info.created
        if key == "id":
            return self.id
        return self.name if key == "name" else self.parameter(key)

    def parameter(self, key: str) -> tuple[Value, ...] | None:
        """Return a parameter's values; the study is read when it is first asked for."""
        if self.study is None and self.is_readable:
            try:
                self.study = self.folder.study()
            except InputError:
                self.is_readable = False
        return self.study.values.get(key) if self.study is not None else None


FILTER_COLUMNS = (
    *("name", "id", "state", "done", "total", "failed", "progress", "host", "age"),
    *(name for name in study_parameters() if name != "name"),
)
"""What a filter on runs can ask for."""


class RunIndex:
    """The runs of a data directory as they were last looked at."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lines: dict[str, RunLine] | None = None

    def refresh(self) -> list[RunLine]:
        """Look at what can have changed and return all runs, newest first; takes a moment at first."""
        if self._lines is None:
            self._lines = {info.id: RunLine(info) for info in list_runs(self._places)}
            return self._sorted()
        ids = set(run_ids(self._places.runs))
        for gone in self._lines.keys() - ids:
            del self._lines[gone]
        alive = {id for id, line in self._lines.items() if line.state.is_alive}
        for id in alive | (ids - self._lines.keys()):
            self.look_at(RunFolder(self._places.runs / id))
        return self._sorted()

    def look_at(self, folder: RunFolder) -> None:
        """Look at one run again."""
        if self._lines is None:
            return
        info = describe_run(folder)
        if info is None:
            self._lines.pop(folder.id, None)
            return
        known = self._lines.get(folder.id)
        self._lines[folder.id] = RunLine(info, known.study if known else None)

    def forget(self, id: str) -> None:
        """Read a run anew at the next refresh."""
        if self._lines is not None:
            self._lines.pop(id, None)

    def _sorted(self) -> list[RunLine]:
        lines = (self._lines or {}).values()
        return sorted(lines, key=lambda line: (line.info.created, line.id), reverse=True)
