"""How is a run set going so that it outlives the terminal, and how is it ended?

The runner is a session of its own without a terminal, its input closed and its output in
``runner.log``: a lost link, a closed app or a hang-up doesn't reach it. The command line and the app
only start it and read its log.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from regnet.errors import InputError
from regnet.execution import Execution
from regnet.places import Places
from regnet.runs.environment import check_versions
from regnet.runs.events import EventReader
from regnet.runs.folder import RunFolder, create_run, update_record
from regnet.runs.lock import read_holder
from regnet.runs.state import RunState, state_of
from regnet.study import Study

_BEGINS_WITHIN = 20.0  # seconds a runner may take to hold its lock, on a busy machine
_launched: list[subprocess.Popen[bytes]] = []  # kept so that ended children are reaped


def start_run(
    study: Study,
    execution: Execution,
    places: Places,
    *,
    name: str | None = None,
    command: Sequence[str] | None = None,
    private: bool = True,
    queued: bool = True,
) -> RunFolder:
    """Make a run's folder and start its runner; return as soon as the runner holds the folder's lock.

    Parameters
    ----------
    study, execution, places
        What is run, how, and under which data directory.
    name : str, optional
        The run's name (default: the study's).
    command : sequence of str, optional
        The command for the record (default: this process's own).
    private : bool
        Whether only the user may read the folder.
    queued : bool
        Whether to wait for other runs of the data directory on this machine (see
        :mod:`regnet.runs.queue`), or to begin at once.

    Raises
    ------
    InputError
        Where the folder can't be made or the runner doesn't begin.
    """
    folder = create_run(study, execution, places, name=name, command=command, private=private)
    launch(folder, queued=queued)
    return folder


def resume_run(
    folder: RunFolder, *, execution: Execution | None = None, force: bool = False, queued: bool = True
) -> None:
    """Continue a run that was stopped or lost; only what isn't recorded is computed.

    Parameters
    ----------
    folder : RunFolder
    execution : Execution, optional
        Other settings of execution from now on.
    force : bool
        Continue under other versions of numpy, scipy or regNet (the run is marked), or where a runner
        on another host may still be alive.
    queued : bool
        As for :func:`start_run`.

    Raises
    ------
    InputError
        Where the run is alive, finished, or would be continued under other versions.
    """
    state = state_of(folder)
    if state.is_alive and not (force and not state.is_here):
        raise InputError(folder.id, "a run that isn't alive", f"it is {state.sentence}", "stop it first")
    if state.name.startswith("finished"):
        raise InputError(folder.id, "a run with something left to do", f"it is {state.name}")
    chosen = execution or folder.execution()
    starts = [event for event in EventReader(folder.events).read() if event["event"] == "started"]
    check_versions(folder.id, starts, cores=chosen.cores, force=force)
    try:
        folder.stop_flag.unlink(missing_ok=True)
        if execution is not None:
            update_record(folder, execution=asdict(execution))
    except OSError as error:
        raise InputError(folder.id, "a folder that can be written", error.strerror or str(error)) from None
    launch(folder, force=force, queued=queued)


def launch(folder: RunFolder, *, force: bool = False, queued: bool = True) -> None:
    """Start a runner for a folder, detached; return when it holds the lock.

    Raises
    ------
    InputError
        Where it ends before it holds the lock: with its last words.
    """
    _launched[:] = [process for process in _launched if process.poll() is None]
    command = [sys.executable, "-m", "regnet.runs.runner", str(folder.path)]
    command += ["--force"] * force + ["--now"] * (not queued)
    directory = str(folder.record().get("directory", ""))
    # The safe path: a file in the user's directory that bears a module's name must not be run.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(_import_path()), "PYTHONSAFEPATH": "1"}
    try:
        mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        output = os.open(folder.runner_log, mode, folder.file_mode)
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=directory if Path(directory).is_dir() else str(folder.path),
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(output)
    except OSError as error:
        raise InputError(folder.id, "a runner that starts", error.strerror or str(error)) from None
    _launched.append(process)
    deadline = time.monotonic() + _BEGINS_WITHIN
    while time.monotonic() < deadline:
        code = process.poll()
        if code is not None and code != 0:
            raise InputError(folder.id, "a runner that begins", _last_words(folder), "see runner.log")
        holder = read_holder(folder.lock, folder.heartbeat)
        if code == 0 or (holder is not None and holder.process.pid == process.pid):
            return
        time.sleep(0.01)


def stop_run(folder: RunFolder, *, wait: float = 10.0, kill: bool = False) -> RunState:
    """Ask a run to stop, and see to it; return its state then.

    First by the stop flag, a file, so that it works from another host on the same file system; on this
    host by SIGTERM too. What was computed is kept, replicates under way are left to the next resume.

    Parameters
    ----------
    folder : RunFolder
    wait : float
        Seconds to wait for the runner's end; 0: return at once, the state then is ``stopping``.
    kill : bool
        End the runner by SIGKILL where it hasn't ended within `wait` (on its host only). Its workers
        end by themselves when they notice.

    Raises
    ------
    InputError
        Where the run isn't alive or the flag can't be written.
    """
    state = state_of(folder)
    if not state.is_alive:
        raise InputError(folder.id, "a run that is alive", f"it is {state.sentence}")
    try:
        folder.stop_flag.open("w").close()
    except OSError as error:
        raise InputError(folder.id, "a folder that can be written", error.strerror or str(error)) from None
    _signal(folder, signal.SIGTERM)
    state = _wait_for_end(folder, wait)
    if kill and state.is_alive:
        _signal(folder, signal.SIGKILL)
        state = _wait_for_end(folder, 5.0)
    return state


def _wait_for_end(folder: RunFolder, seconds: float) -> RunState:
    deadline = time.monotonic() + seconds
    while True:
        state = state_of(folder)
        if not state.is_alive or time.monotonic() >= deadline:
            return state
        time.sleep(0.02)


def _signal(folder: RunFolder, number: signal.Signals) -> None:
    """Send a signal to the runner, where it is on this machine and certainly the same process."""
    holder = read_holder(folder.lock, folder.heartbeat)
    if holder is not None and holder.process.is_alive:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(holder.process.pid, number)


def _import_path() -> list[str]:
    """Return where the runner must look for this very regnet, wherever it is started."""
    home = str(Path(__file__).resolve().parents[2])
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [home, *(str(Path(other).absolute()) for other in others if other)]


def _last_words(folder: RunFolder) -> str:
    try:
        lines = folder.runner_log.read_text(errors="replace")[-4000:].strip().splitlines()
    except OSError:
        return "no word"
    return "".join(c if c.isprintable() else "?" for c in lines[-1][:500]) if lines else "no word"
