"""How is a run? Derived from its log, its lock and its heartbeat; stored nowhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from regnet.runs.events import Event, last_event
from regnet.runs.folder import RunFolder
from regnet.runs.lock import SILENT_AFTER, Holder, read_holder

StateName = Literal["queued", "running", "stopping", "stopped", "finished", "finished with failures", "lost"]

_STARTS_WITHIN = 30.0  # seconds that a new runner may take until it holds its lock


@dataclass(frozen=True, slots=True)
class RunState:
    """A run's state at one moment.

    Attributes
    ----------
    name : str
        queued, running, stopping, stopped, finished, finished with failures, or lost.
    done, total, failed : int
        Replicates recorded, replicates of the study, and fits that have not gone well among them.
    host : str
        Where its runner is or last was; empty where none ever was, and of finished runs.
    silent : float or None
        Seconds since the runner's last sign of life.
    is_here : bool
        Whether the runner is on this machine, so that its process, not the heartbeat, was looked at.
    reason : str
        Why it stopped, is lost or waits, where that is known.
    """

    name: StateName
    done: int
    total: int
    failed: int
    host: str = ""
    silent: float | None = None
    is_here: bool = True
    reason: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether a runner is at work on it, or waiting for its turn."""
        return self.name in ("queued", "running", "stopping")

    @property
    def is_resumable(self) -> bool:
        """Whether there is something left to compute and nobody computes it."""
        return not self.is_alive and not self.name.startswith("finished")

    @property
    def sentence(self) -> str:
        """The state in words, with what is known about the runner (``running, 12 of 80, on node7``)."""
        parts: list[str] = [self.name]
        if self.done < self.total or self.failed:
            parts.append(f"{self.done} of {self.total}")
        if self.failed:
            parts.append(f"{self.failed} failed fits")
        if self.is_alive and not self.is_here and self.silent is not None:
            parts.append(f"on {self.host}, last sign {self.silent:.0f} s ago")
        elif self.is_alive and self.silent is not None and self.silent > SILENT_AFTER:
            parts.append(f"without a sign for {self.silent:.0f} s")  # suspended, or its disk hangs
        if self.reason:
            parts.append(self.reason)
        return ", ".join(parts)


def state_of(folder: RunFolder, record: Mapping[str, Any] | None = None) -> RunState:
    """Return a run's state, from the tail of its log; cheap enough for a list of thousands."""
    record = folder.record() if record is None else record
    last = last_event(folder.events)
    # Nothing changes a finished run any more: in a list of thousands, its lock needn't be read.
    is_over = last is not None and last["event"] == "finished"
    holder = None if is_over else read_holder(folder.lock, folder.heartbeat)
    return derive_state(
        last,
        holder,
        total=_whole(record.get("scenarios")) * _whole(record.get("replicates")),
        is_asked_to_stop=holder is not None and folder.stop_flag.exists(),
        age=time.time() - _real(record.get("created")),
    )


def derive_state(
    last: Event | None, holder: Holder | None, *, total: int, is_asked_to_stop: bool, age: float
) -> RunState:
    """Return the state that the last event, the lock's holder and the stop flag amount to.

    `age` is the run's, in seconds: a run without any lock is being started while it is young.
    """
    event = last or {}
    done, failed = _whole(event.get("done")), _whole(event.get("failed"))
    last_name = event.get("event")
    is_alive = holder is not None and holder.is_alive

    def state(name: StateName, reason: str = "") -> RunState:
        if holder is None:
            return RunState(name, done, total, failed, reason=reason)
        process = holder.process
        return RunState(name, done, total, failed, process.host, holder.silent, process.is_here, reason)

    if last_name == "finished":
        return state("finished with failures" if failed else "finished")
    if is_alive:
        if is_asked_to_stop or last_name == "stopping":
            return state("stopping")
        if last_name == "queued":
            return state("queued", str(event.get("reason") or ""))
        return state("queued" if last_name in (None, "stopped") else "running")
    if last_name == "stopped":
        return state("stopped", str(event.get("reason") or ""))
    if last is None and holder is None:
        if age < _STARTS_WITHIN:
            return state("queued")
        return state("lost", "its runner never began: see runner.log")
    if holder is not None and not holder.process.is_here and holder.silent is not None:
        return state("lost", f"no sign from {holder.process.host} for {holder.silent:.0f} s")
    return state("lost", "its runner ended without a word: see runner.log")


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _real(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
