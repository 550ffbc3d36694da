"""How do results get onto the disk while the workers go on? In batches, by a thread of its own.

A disk takes its time to say that it has something, most of all a busy or a network one. Results are taken
at once and written together a quarter of a second later: all arrays, then the lines that name them. There
is one writer of the log at any time: whoever wants to say something else waits for the batch.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from regnet.runs.events import EventLog
from regnet.runs.folder import RunFolder
from regnet.runs.replay import Replay
from regnet.runs.worker import Result

HELD = 0.25
"""Seconds that a result may wait to be written with others."""

_BATCH = 64  # results after which a batch doesn't wait any longer
_SHOWN_PROBLEMS = 20  # tracebacks that a session prints to runner.log


class Recorder:
    """The writing side of a run's folder.

    Parameters
    ----------
    folder : RunFolder
    write : callable
        What writes the log's bytes (``os.write``); a test may put a failing one in its place.

    Attributes
    ----------
    replay : Replay
        What the log said when the recorder began.
    done, failed : int
        Replicates recorded, and fits that have not gone well among them.

    Raises
    ------
    InputError
        Where the folder's study can't be read.
    """

    def __init__(self, folder: RunFolder, *, write: Callable[[int, bytes], int] = os.write) -> None:
        self.folder = folder
        self._log = EventLog(folder.events, write=write, mode=folder.file_mode)
        self.replay = Replay(folder, use_rows_file=False)
        self.replay.update()
        self.done, self.failed = self.replay.done, self.replay.progress().failed
        self._noted = set(self.replay.notes)
        self._problems = 0
        self._taken: list[Result] = []
        self._oldest = 0.0
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._writing: Future[None] | None = None

    @property
    def torn(self) -> int:
        """Bytes of a torn last line that were cut off the log."""
        return self._log.torn

    def say(self, event: str, **keys: object) -> None:
        """Write one event, with the counts that every event has, behind everything taken so far.

        Raises
        ------
        OSError
            Where it, or what was taken, can't be written. (The same for the other methods.)
        """
        self.settle()
        self._log.append((event, {**keys, "done": self.done, "failed": self.failed}))

    def note(self, text: str, level: str = "info") -> None:
        """Write one line for people."""
        self.say("log", level=level, text=text)

    def take(self, results: Sequence[Result]) -> None:
        """Take results to be written soon."""
        if results and not self._taken:
            self._oldest = time.monotonic()
        self._taken += results
        is_full = len(self._taken) >= _BATCH
        if is_full or (self._taken and time.monotonic() - self._oldest > HELD):
            self._begin_writing(wait=is_full)

    def settle(self) -> None:
        """Write everything that was taken, and wait until it is on the disk."""
        while self._taken or self._writing is not None:
            self._begin_writing(wait=True)
            self._end_writing()

    def give_up(self) -> None:
        """Forget what was taken and not written: it can't be, and is computed again on resume."""
        self._taken = []
        with contextlib.suppress(OSError):
            self._end_writing()

    def close(self) -> None:
        """Close the log; what was taken and not written is given up."""
        self._thread.shutdown(wait=True)
        self._log.close()

    # ---- inside ----------------------------------------------------------------------------------

    def _begin_writing(self, *, wait: bool) -> None:
        """Start on what was taken, unless a batch is under way and needn't be waited for."""
        if self._writing is not None and not (wait or self._writing.done()):
            return
        self._end_writing()
        if self._taken:
            batch, self._taken = self._taken, []
            self._writing = self._thread.submit(self._write, batch)

    def _end_writing(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _write(self, results: Sequence[Result]) -> None:
        names = [self._write_arrays(result) for result in results]
        if any(names):
            from regnet.runs.arrays import bring_to_disk

            bring_to_disk(self.folder.path / name for name in names if name)
        events: list[tuple[str, Mapping[str, object]]] = []
        done, failed = self.done, self.failed
        for result, name in zip(results, names):
            task = result.task
            if result.preparation is not None and task.scenario not in self._noted:
                self._noted.add(task.scenario)
                counts = {"done": done, "failed": failed}
                events.append(("scenario", {"scenario": task.scenario, **result.preparation, **counts}))
            if result.problem and self._problems < _SHOWN_PROBLEMS:
                self._problems += 1
                where = f"scenario {task.scenario}, replicate {task.replicate}"
                print(f"{where} raised:\n{result.problem}", file=sys.stderr, flush=True)
            done += 1
            failed += sum(fit["status"] != "ok" for fit in result.fits.values())
            keys = {
                "scenario": task.scenario,
                "replicate": task.replicate,
                "seconds": result.seconds,
                "truth": result.truth,
                "fits": result.fits,
                "arrays": name,
                "done": done,
                "failed": failed,
            }
            events.append(("replicate", keys))
        self._log.append(*events)
        self.done, self.failed = done, failed

    def _write_arrays(self, result: Result) -> str | None:
        if not result.arrays:
            return None
        from regnet.runs.arrays import write_arrays

        task = result.task
        path = self.folder.arrays_of(task.scenario, task.replicate)
        # Level by level, never with parents: a folder that was deleted must not come back.
        for directory in (path.parent.parent, path.parent):
            with contextlib.suppress(FileExistsError):
                directory.mkdir(mode=0o700 if self.folder.is_private else 0o755)
        write_arrays(path, result.arrays, mode=self.folder.file_mode)
        return self.folder.arrays_name(task.scenario, task.replicate)
