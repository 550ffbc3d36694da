"""What does a run's log amount to? Its rows, progress, notes and log lines, brought up to date by polling.

:class:`Replay` is what screens and commands look at: call :meth:`Replay.update` a few times a second. It
reads only what was appended, by byte offset, so that it works over NFS; only the standard library is used.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from regnet.runs.events import Damage, Event, EventReader, number_from
from regnet.runs.folder import RunFolder, name_in_commands
from regnet.runs.rows import Rows
from regnet.runs.rows_file import read_rows_file
from regnet.runs.state import RunState, state_of

MOST_LOG_LINES = 10_000
"""Log lines that are kept; older ones stand in ``events.jsonl``."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a run's log. ``level``: info, warning or error. ``text`` may hold anything: show it inert.

    ``failure`` tells a fit's failure apart from how the run is named where it lies now: what happened, and
    the arguments of ``regnet replay`` behind that name.
    """

    time: float
    level: str
    text: str
    failure: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. ``remaining`` is in seconds, None while it can't be told."""

    done: int
    total: int
    failed: int
    per_second: float | None
    remaining: float | None

    @property
    def fraction(self) -> float:
        """Share of the replicates that are recorded, 0 to 1."""
        return self.done / self.total if self.total else 1.0


@dataclass(slots=True)
class _Session:
    """What the present runner has done since it began."""

    begun: float = 0.0
    last: float = 0.0
    busy: float = 0.0
    done: int = 0
    seen: float = field(default_factory=time.monotonic)


class Replay:
    """A run as its log tells it.

    Attributes
    ----------
    folder : RunFolder
    study : Study
    record : dict
        What ``run.json`` says.
    rows : Rows
        Everything recorded so far, in columns.
    log : deque of LogLine
        The latest log lines, oldest first.
    damages : list of Damage
        Lines of the log that can't be trusted; what they held counts as not computed.
    starts : list of dict
        The ``started`` and ``resumed`` events: host, jobs, cores, versions …
    notes : dict of int to dict
        By scenario: sizes, seconds of preparation and notes (dropped columns …).
    failures : dict of str to int
        By method: fits that have not gone well.
    changed : set of int
        Scenarios that got rows in the last :meth:`update`.

    Raises
    ------
    InputError
        Where the folder's study or record can't be read.
    """

    def __init__(self, folder: RunFolder, *, use_rows_file: bool = True) -> None:
        self.folder = folder
        self.study = folder.study()
        self.record = folder.record()
        self.rows = Rows.empty(self.study.labels, len(self.study.scenarios))
        self.log: deque[LogLine] = deque(maxlen=MOST_LOG_LINES)
        self.starts: list[Event] = []
        self.notes: dict[int, Event] = {}
        self.failures = dict.fromkeys(self.study.labels, 0)
        self.changed: set[int] = set()
        self._reader = EventReader(folder.events)
        self._seen: list[set[int]] = [set() for _ in self.study.scenarios]
        self._session = _Session()
        self._failed = 0
        self._use_rows_file = use_rows_file
        self._run = name_in_commands(folder)

    @property
    def damages(self) -> list[Damage]:
        return self._reader.damages

    @property
    def forced(self) -> list[str]:
        """What was forced on resuming: other versions of the packages than the run was begun with."""
        return list(dict.fromkeys(str(start["forced"]) for start in self.starts if start.get("forced")))

    @property
    def done(self) -> int:
        """Replicates recorded, over all scenarios."""
        return sum(map(len, self.rows.scenarios))

    @property
    def total(self) -> int:
        """Replicates of the whole study, over all scenarios."""
        return len(self.study.scenarios) * self.study.replicates

    def update(self, most: int = 1 << 62) -> bool:
        """Read what was appended since the last call; return whether there was anything.

        `most` bounds the bytes of log that one call reads, so that a screen can open a long log in steps.
        """
        self.changed.clear()
        if self._use_rows_file:
            self._use_rows_file = False
            if self._read_rows_file():
                return True
        events = self._reader.read(most)
        for event in events:
            self._take(event)
        return bool(events)

    def state(self) -> RunState:
        """Return the run's state now."""
        return state_of(self.folder, self.record)

    def progress(self) -> Progress:
        """Return how far the run is, with its rate and the seconds that remain.

        Scenarios differ in what a replicate costs: what remains is priced scenario by scenario (those
        not begun, at the mean of the others) and divided by how many replicates ran side by side.
        """
        done, session = self.done, self._session
        span = session.last - session.begun
        if session.done < 2 or span <= 0:
            return Progress(done, self.total, self._failed, None, None if done < self.total else 0.0)
        per_second = session.done / span
        means = [
            math.fsum(rows.seconds) / len(rows) if len(rows) else math.nan for rows in self.rows.scenarios
        ]
        known = [mean for mean in means if mean == mean]
        usual = math.fsum(known) / len(known) if known else math.nan
        work = math.fsum(
            (self.study.replicates - len(rows)) * (mean if mean == mean else usual)
            for rows, mean in zip(self.rows.scenarios, means)
        )
        side_by_side = session.busy / span
        remaining = work / side_by_side if side_by_side > 0 else math.nan
        waited = time.monotonic() - session.seen
        left = max(0.0, remaining - waited) if math.isfinite(remaining) else None
        return Progress(done, self.total, self._failed, per_second, left)

    def missing(self) -> list[tuple[int, int]]:
        """Return scenario and replicate of everything that isn't recorded, scenario by scenario."""
        return [
            (scenario, replicate)
            for scenario, seen in enumerate(self._seen)
            for replicate in range(self.study.replicates)
            if replicate not in seen
        ]

    def facts(self) -> dict[str, Any]:
        """Return everything but the rows, as the rows file keeps it."""
        return {
            "starts": self.starts,
            "notes": {str(scenario): note for scenario, note in self.notes.items()},
            "failures": self.failures,
            "failed": self._failed,
            "log": [
                [line.time, line.level, *(line.failure or (line.text,))] for line in list(self.log)[-1000:]
            ],
            "damages": [[damage.line, damage.why] for damage in self.damages],
            "lines": self._reader.line,
            "offset": self._reader.offset,
        }

    # ---- inside ----------------------------------------------------------------------------------

    def _read_rows_file(self) -> bool:
        found = read_rows_file(self.folder, self.study)
        if found is None:
            return False
        rows, facts = found
        try:
            starts = [dict(start) for start in facts["starts"]]
            notes = {int(scenario): dict(note) for scenario, note in facts["notes"].items()}
            failures = {label: int(facts["failures"][label]) for label in rows.labels}
            lines = [self._line(*line) for line in facts["log"]]
            damages = [Damage(int(line), str(why)) for line, why in facts["damages"]]
            failed, line, offset = (int(facts[name]) for name in ("failed", "lines", "offset"))
        except (KeyError, TypeError, ValueError, AttributeError):
            return False  # not as facts() makes them: the log tells
        self.rows, self.starts, self.notes, self.failures = rows, starts, notes, failures
        self.log.extend(lines)
        self._failed = failed
        self._reader.damages, self._reader.line, self._reader.offset = damages, line, offset
        self._seen = [set(rows.replicates) for rows in self.rows.scenarios]
        self.changed = set(range(len(self.rows.scenarios)))
        return True

    def _line(self, time: float, level: str, text: str, again: str = "") -> LogLine:
        """Return a line of log as the rows file keeps it."""
        if again:
            return self._failure(float(time), str(text), str(again))
        return LogLine(float(time), str(level), str(text))

    def _take(self, event: Event) -> None:
        take = _TAKERS.get(event["event"])
        if take is not None:
            take(self, event)

    def _take_replicate(self, event: Event) -> None:
        scenario, replicate = event.get("scenario"), event.get("replicate")
        if not (type(scenario) is int and 0 <= scenario < len(self._seen)):
            return self._say(event, "warning", f"a replicate of an unknown scenario: {scenario!r}")
        if not (type(replicate) is int and 0 <= replicate < self.study.replicates):
            return self._say(event, "warning", f"an unknown replicate: {replicate!r}")
        if replicate in self._seen[scenario]:
            return None
        self._seen[scenario].add(replicate)
        self.changed.add(scenario)
        failed = self.rows.scenarios[scenario].append(event, self.rows.labels)
        session = self._session
        session.last = number_from(event.get("elapsed"))
        session.busy += number_from(event.get("seconds"))
        session.done += 1
        session.seen = time.monotonic()
        self._failed += failed
        if failed:
            self._say_failures(event, scenario, replicate)
        return None

    def _say_failures(self, event: Event, scenario: int, replicate: int) -> None:
        again = str(replicate) + (f" --scenario {scenario}" if len(self._seen) > 1 else "")
        rows = self.rows.scenarios[scenario]
        for label in self.rows.labels:
            row = self.rows.row(scenario, len(rows) - 1, label)
            if row.status != "ok":
                self.failures[label] += 1
                said = f"scenario {scenario}, replicate {replicate}: {label} {row.status}: {row.reason}"
                self.log.append(self._failure(number_from(event.get("time")), said, again))

    def _failure(self, time: float, said: str, again: str) -> LogLine:
        """Return the line of a fit that has not gone well, with the command that computes it again."""
        command = f"regnet replay {self._run} {again}"
        return LogLine(time, "warning", f"{said} (seed {self.study.seed}: {command})", (said, again))

    def _take_start(self, event: Event) -> None:
        self.starts.append(event)
        began = number_from(event.get("elapsed"))
        self._session = _Session(begun=began, last=began)
        host, jobs, cores = event.get("host"), event.get("jobs"), event.get("cores")
        todo = event.get("to_do")
        self._say(
            event, "info", f"{event['event']} on {host}: {todo} replicates to do, {jobs} jobs × {cores} cores"
        )
        if event.get("forced"):
            self._say(event, "warning", f"resumed by force: {event['forced']}")

    def _take_scenario(self, event: Event) -> None:
        scenario = event.get("scenario")
        if type(scenario) is int:
            self.notes[scenario] = event
        seconds = number_from(event.get("seconds"))
        self._say(event, "info", f"scenario {scenario} prepared in {seconds:.2f} s")
        notes = event.get("notes")
        for note in notes if isinstance(notes, list) else ():
            self._say(event, "info", f"scenario {scenario}: {note}")

    def _take_log(self, event: Event) -> None:
        self._say(event, str(event.get("level", "info")), str(event.get("text", "")))

    def _take_end(self, event: Event) -> None:
        reason = f": {event['reason']}" if event.get("reason") else ""
        self._say(event, "error" if event.get("error") else "info", f"{event['event']}{reason}")

    def _say(self, event: Event, level: str, text: str) -> None:
        self.log.append(LogLine(number_from(event.get("time")), level, text))


_TAKERS = {
    "replicate": Replay._take_replicate,
    "started": Replay._take_start,
    "resumed": Replay._take_start,
    "scenario": Replay._take_scenario,
    "log": Replay._take_log,
    "queued": Replay._take_end,
    "stopping": Replay._take_end,
    "stopped": Replay._take_end,
    "finished": Replay._take_end,
}
