"""How is a run carried out? ``python -m regnet.runs.runner FOLDER``, the only writer of its folder.

It waits for its turn, hands replicates to a crew of workers, and writes what comes back: first the
arrays, then one line of the log. It ends when everything is recorded, when it is asked to (SIGTERM, the
stop flag), or when it can't write any more; whatever ends it, the next runner goes on from the log.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from regnet.errors import InputError
from regnet.execution import Execution
from regnet.runs import queue
from regnet.runs.crews import Crew, CrewLost, LocalCrew
from regnet.runs.dispatch import POLL, Dispatch, StopRun
from regnet.runs.environment import check_versions, environment
from regnet.runs.events import FORMAT
from regnet.runs.folder import RunFolder
from regnet.runs.lock import Lock, LockLost, take
from regnet.runs.processors import jobs_for, oversubscription, usable_processors
from regnet.runs.recorder import Recorder
from regnet.runs.rows_file import write_rows_file
from regnet.runs.worker import Assignment, Task

GRACE = 1.0
"""Seconds that replicates under way get to end when the run is asked to stop."""

_BEAT = 1.0  # seconds between two signs of life
_RESERVE = 65_536  # bytes kept free for the last words on a full disk
_STALLED = 600.0  # seconds without any result, beyond the time limits, after which workers are given up


class Runner:
    """One session of work on one run folder, under its lock.

    Parameters
    ----------
    folder : RunFolder
    lock : Lock
        Held by this process.
    write, make_crew : callables
        What writes the log's bytes, and what hires the workers; a test puts others in their place.
    is_asked_to_stop : callable
        Whether the process was sent SIGTERM.
    """

    def __init__(
        self,
        folder: RunFolder,
        lock: Lock,
        *,
        write: Callable[[int, bytes], int] = os.write,
        make_crew: Callable[[Assignment, Execution, int], Crew] | None = None,
        is_asked_to_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.folder, self.lock = folder, lock
        self._make_crew = make_crew or hire
        self.execution = folder.execution()
        self.places = folder.places()
        self.recorder = Recorder(folder, write=write)
        self.replay, self.say, self.note = self.recorder.replay, self.recorder.say, self.recorder.note
        self.study = self.replay.study
        self._is_asked_to_stop = is_asked_to_stop
        self._last_beat = 0.0

    # ---- its life --------------------------------------------------------------------------------

    def look(self) -> None:
        """Give a sign of life, and raise what ends the run: :class:`StopRun` or ``LockLost``."""
        now = time.monotonic()
        if now - self._last_beat >= _BEAT:
            self._last_beat = now
            self.lock.beat()
        if self._is_asked_to_stop():
            raise StopRun("asked to, by signal")
        if self.folder.stop_flag.exists():
            raise StopRun("asked to")

    def carry_out(self, *, force: bool = False, queued: bool = True) -> None:
        """Do what there is to do, to the end or until something ends it."""
        try:
            self._carry_out(force=force, queued=queued)
        except StopRun as stop:
            self.say("stopped", reason=str(stop), error=stop.is_error, pid=os.getpid())
            self._write_rows()
        except OSError as error:
            self._last_words(error)

    def _carry_out(self, *, force: bool, queued: bool) -> None:
        missing = self.replay.missing()
        forced, notable = check_versions(
            self.folder.id, self.replay.starts, cores=self.execution.cores, force=force
        )
        self._make_reserve()
        with self._turn(queued):
            processors = usable_processors()
            jobs = jobs_for(self.execution, processors, len(missing))
            self.say(
                "resumed" if self.replay.starts else "started",
                format=FORMAT,
                pid=os.getpid(),
                **environment(),
                jobs=jobs,
                cores=self.execution.cores,
                backend=self.execution.backend,
                to_do=len(missing),
                command=" ".join(sys.orig_argv),
                forced=forced,
            )
            self._note_repairs(notable)
            warning = oversubscription(self.execution, processors)
            if warning:
                self.note(warning, "warning")
            if missing:
                assignment = Assignment(
                    self.study,
                    self.places,
                    self.execution.cores,
                    self.execution.keep,
                    self.execution.time_limit,
                )
                self._work(assignment, jobs, [Task(*task) for task in missing])
        self._finish()

    @contextlib.contextmanager
    def _turn(self, queued: bool) -> Iterator[None]:
        """Hold a place in the queue, from when its turn has come until the work is done."""
        if self.execution.backend != "local" or not queued:
            yield
            return
        ticket = queue.draw_ticket(self.places, self.folder.id)
        try:
            ahead = queue.ahead_of(ticket)
            if len(ahead) >= queue.runs_at_once(self.places):
                names = ", ".join(other.run for other in ahead)
                self.say("queued", reason=f"behind {names}")
                while len(queue.ahead_of(ticket)) >= queue.runs_at_once(self.places):
                    self.look()
                    time.sleep(5 * POLL)
            yield
        finally:
            queue.leave(ticket)

    def _work(self, assignment: Assignment, jobs: int, tasks: Sequence[Task]) -> None:
        """Hire a crew and have it compute everything that is missing."""
        try:
            crew = self._make_crew(assignment, self.execution, jobs)
        except CrewLost as lost:
            raise StopRun(str(lost), is_error=True) from None
        limit = self.execution.time_limit
        dispatch = Dispatch(
            crew,
            tasks,
            self.study.labels,
            record=self.recorder.take,
            note=self.note,
            patience=_STALLED + 2 * limit * len(self.study.methods) if limit else 0.0,
        )
        try:
            dispatch.work(self.look)
            self.recorder.settle()
        except StopRun as stop:
            self.recorder.settle()
            if not stop.is_error:
                self.say("stopping", reason=str(stop))
                dispatch.let_end(GRACE)
                self.recorder.settle()
            raise
        finally:
            crew.close()

    # ---- beginning and end -----------------------------------------------------------------------

    def _note_repairs(self, notable: Sequence[str]) -> None:
        if self.recorder.torn:
            self.note(f"the log's last line was torn ({self.recorder.torn} bytes): cut off", "warning")
        for damage in self.replay.damages:
            self.note(
                f"line {damage.line} of the log is damaged ({damage.why}): what it held is computed again",
                "warning",
            )
        for text in notable:
            self.note(
                f"{text}: numbers agree with the earlier ones to about 1e-9, not to the last bit", "warning"
            )

    def _finish(self) -> None:
        from regnet.runs.export import write_tables

        self.replay.update()
        write_tables(self.folder, self.replay)
        self.say("finished")
        self._write_rows()

    def _write_rows(self) -> None:
        """Write the compact copy of the log; a run without it is no worse."""
        with contextlib.suppress(OSError):
            self.replay.update()
            write_rows_file(self.folder, self.replay.rows, self.replay.facts())

    def _make_reserve(self) -> None:
        with (self.folder.path / "reserve").open("wb") as file:
            file.write(b"\0" * _RESERVE)

    def _last_words(self, error: OSError) -> None:
        """Say why nothing can be written any more, in the room that was kept for that."""
        reason = f"can't write: {error.strerror or error}"
        print(reason, file=sys.stderr, flush=True)
        self.recorder.give_up()
        with contextlib.suppress(OSError):
            (self.folder.path / "reserve").unlink(missing_ok=True)
            self.say("stopped", reason=reason, error=True, pid=os.getpid())

    def leave(self) -> None:
        """Tidy up; the lock is given back last."""
        self.recorder.close()
        with contextlib.suppress(OSError):
            (self.folder.path / "reserve").unlink(missing_ok=True)
            self.folder.stop_flag.unlink(missing_ok=True)
        self.lock.release()


def hire(assignment: Assignment, execution: Execution, jobs: int) -> Crew:
    """Return the crew that the settings of execution ask for."""
    if execution.backend == "dask":
        from regnet.runs.dask_crew import DaskCrew

        return DaskCrew(assignment, execution.scheduler)
    return LocalCrew(assignment, jobs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the run of a folder; return the exit code (0 done or stopped, 2 refused, 3 lock lost)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    force, now = "--force" in given, "--now" in given
    paths = [argument for argument in given if not argument.startswith("--")]
    if len(paths) != 1:
        print("usage: python -m regnet.runs.runner FOLDER [--force] [--now]", file=sys.stderr)
        return 2
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file-size limit is an OSError then
    # Before the lock is held, since whoever sees it held may send the signal.
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    folder = RunFolder(Path(paths[0]).resolve())
    os.umask(0o077 if folder.is_private else 0o022)
    try:
        lock = take(folder.lock, folder.heartbeat, force=force, mode=folder.file_mode)
        runner = Runner(folder, lock, is_asked_to_stop=lambda: bool(asked))
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    with contextlib.suppress(OSError):
        os.nice(10)
    try:
        runner.carry_out(force=force, queued=not now)
    except LockLost as lost:
        print(f"nothing more is written: {lost}", file=sys.stderr)
        return 3
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    runner.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())
