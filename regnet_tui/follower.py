"""How does a screen follow a run that another process writes? By replaying its log's new bytes.

Polled by a timer, at most four times a second, a bounded number of bytes at a time, so that a screen
stays quick whatever the run does. Polling by offset works on NFS, where file watching does not.
"""

from __future__ import annotations

import time
from itertools import islice

from regnet.runs.folder import RunFolder
from regnet.runs.replay import Progress, Replay
from regnet.runs.state import RunState
from regnet_tui.log_view import LogLine

PERIOD = 0.5
"""Seconds between two looks at a run's log."""

_MOST_BYTES = 200_000
_AT_A_TIME = 0.03  # seconds of reading between which the screen's keys are heard
_STATE_EVERY = 1.0


class Follower:
    """One run's replay and what the screen has seen of it.

    Raises
    ------
    InputError
        Where the run's study or record can't be read.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.replay = Replay(folder)
        self.log: list[LogLine] = []
        self.state: RunState = self.replay.state()
        self.began = self.replay.record.get("created", time.time())
        self._last_log: object = None
        self._state_at = 0.0
        self._changed: set[int] = set()
        self.is_behind = True

    def poll(self) -> bool:
        """Take what is new; return whether there was anything to show."""
        changed, self.is_behind = False, True
        end = time.monotonic() + _AT_A_TIME
        while self.replay.update(_MOST_BYTES):
            changed = True
            self._changed |= self.replay.changed
            if time.monotonic() > end:
                break
        else:
            self.is_behind = False
        now = time.monotonic()
        if changed or now - self._state_at >= _STATE_EVERY:
            before, self.state = self.state, self.replay.state()
            self._state_at = now
            changed = changed or before != self.state
        self._take_log()
        return changed

    def take_changed(self) -> set[int]:
        """Return the scenarios that got rows since this was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    @property
    def progress(self) -> Progress:
        return self.replay.progress()

    @property
    def warnings(self) -> int:
        """How many lines of the log are warnings or errors."""
        return sum(line.level != "info" for line in self.log)

    def _take_log(self) -> None:
        """Copy the replay's new log lines, which it keeps in a bounded queue."""
        lines = self.replay.log
        new = []
        for line in reversed(lines):
            if line is self._last_log:
                break
            new.append(line)
        if not new:
            return
        self._last_log = new[0]
        for line in reversed(new):
            clock = (
                time.strftime("%H:%M:%S", time.localtime(line.time)) if line.time == line.time else "--:--:--"
            )
            self.log.append(LogLine(line.level, clock, line.text))
        most = lines.maxlen or 10_000
        if len(self.log) > 2 * most:
            self.log = list(islice(self.log, len(self.log) - most, None))
