"""How is a run watched from the command line? Its log is replayed: a bar on a terminal, else plain lines."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Protocol

from regnet.cli.output import harmless, time_in_words
from regnet.runs.folder import RunFolder
from regnet.runs.replay import LogLine, Progress, Replay
from regnet.runs.state import RunState

LEVELS = ("info", "warning", "error")
"""Levels of log lines, in rising order."""

_MOST_LINES = 20  # log lines short of errors that are printed while a run is watched; the rest is for the log
_POLL = 0.1  # seconds between looks at the log
_LINE_EVERY = 5.0  # seconds between plain lines of progress


class Interrupts:
    """How often Ctrl+C was pressed since the following began."""

    def __init__(self) -> None:
        self.count = 0

    def _press(self, number: int, frame: FrameType | None) -> None:
        self.count += 1

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count presses of Ctrl+C instead of raising KeyboardInterrupt at some random line."""
        before = signal.signal(signal.SIGINT, self._press)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


class _Display(Protocol):
    """What shows a run's progress."""

    def show(self, progress: Progress, state: RunState) -> None: ...

    def say(self, line: str) -> None: ...


def follow(
    folder: RunFolder,
    *,
    plain: bool,
    interrupts: Interrupts,
    on_interrupt: Callable[[], None] | None = None,
    level: str = "warning",
) -> Replay:
    """Show a run on standard error until it ends, or until the user leaves it.

    Parameters
    ----------
    folder : RunFolder
    plain : bool
        Plain lines instead of a bar that is redrawn.
    interrupts : Interrupts
        Where Ctrl+C is counted; its caller sees there whether the user left.
    on_interrupt : callable, optional
        What the first Ctrl+C does (stop the run); the second leaves. Without it, the first leaves.
    level : str
        The lowest level of log lines that are printed: info, warning or error.
    """
    replay = Replay(folder)
    leaves_at = 1 if on_interrupt is None else 2
    with interrupts.counted(), _display(plain) as display:
        is_asked = False
        log = _LogPrinter(replay, level, display)
        while True:
            state = replay.state()  # before the log: nothing can come after an end that was seen here
            replay.update()
            log.print_new()
            display.show(replay.progress(), state)
            if not state.is_alive:
                return replay
            if interrupts.count >= leaves_at:
                return replay
            if interrupts.count and on_interrupt is not None and not is_asked:
                is_asked = True
                display.say("stopping; what is computed is kept (Ctrl+C again: leave it to stop by itself)")
                on_interrupt()
            time.sleep(_POLL)


class _LogPrinter:
    """Prints the log lines that are new and weighty enough, errors and as many others as suit a screen."""

    def __init__(self, replay: Replay, level: str, display: _Display) -> None:
        self._replay, self._level, self._display = replay, LEVELS.index(level), display
        self._last: LogLine | None = None
        self._printed = 0

    def print_new(self) -> None:
        """Print what came since the last call."""
        new: list[LogLine] = []
        for line in reversed(self._replay.log):
            if line is self._last:
                break
            new.append(line)
        self._last = new[0] if new else self._last
        for line in reversed(new):
            if line.level in LEVELS and LEVELS.index(line.level) < self._level:
                continue
            if line.level == "error":  # there are few, and nobody should miss one
                self._display.say(log_text(line))
                continue
            self._printed += 1
            if self._printed <= _MOST_LINES:
                self._display.say(log_text(line))
            elif self._printed == _MOST_LINES + 1:
                run = self._replay.folder.id
                self._display.say(f"further lines are in the log: regnet runs show {run} --log")


def log_text(line: LogLine) -> str:
    """Return a log line as it is printed: its local time, level and text, harmless."""
    clock = time.strftime("%H:%M:%S", time.localtime(line.time)) if line.time == line.time else "--:--:--"
    return f"{clock} {harmless(line.level)}: {harmless(line.text)}"


def progress_text(progress: Progress, state: RunState) -> str:
    """Return progress in one line of words."""
    parts = [f"{state.name}: {progress.done} of {progress.total} replicates ({progress.fraction:.0%})"]
    if progress.failed:
        parts.append(f"{progress.failed} failed fits")
    if progress.per_second and state.is_alive:
        parts.append(f"{progress.per_second:.2g} per second")
    if progress.remaining is not None and state.is_alive:
        parts.append(f"about {time_in_words(progress.remaining)} left")
    return ", ".join(parts)


@contextlib.contextmanager
def _display(plain: bool) -> Iterator[_Display]:
    if plain:
        yield _Lines()
        return
    bar = _Bar()
    with bar.live:
        yield bar


class _Lines:
    """Plain lines on standard error: at the start, every few seconds, and at the end."""

    def __init__(self) -> None:
        self._last, self._when = "", -_LINE_EVERY

    def show(self, progress: Progress, state: RunState) -> None:
        line = progress_text(progress, state)
        is_due = time.monotonic() - self._when >= _LINE_EVERY
        if line != self._last and (is_due or not state.is_alive):
            self.say(line)
            self._last, self._when = line, time.monotonic()

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class _Bar:
    """A bar on standard error that is redrawn; lines go above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
        columns = BarColumn(bar_width=None), TextColumn("{task.description}", markup=False)
        self.live = Progress(*columns, console=self._console, transient=True, expand=True)
        self._task = self.live.add_task("", total=None)

    def show(self, progress: Progress, state: RunState) -> None:
        self.live.update(
            self._task,
            completed=progress.done,
            total=progress.total,
            description=progress_text(progress, state),
        )

    def say(self, line: str) -> None:
        self.live.console.print(line, soft_wrap=True)
