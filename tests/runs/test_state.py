"""A run's state follows from its last event, its lock and its heartbeat."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from regnet import InputError
from regnet.runs.folder import RunFolder
from regnet.runs.lock import SILENT_AFTER, Holder, LockLost, read_holder, take
from regnet.runs.processes import ProcessId, process_from, process_id
from regnet.runs.state import derive_state, state_of

ME = process_id()
GONE = ProcessId(ME.host, ME.boot, ME.space, 2**22 - 1, "1")
REUSED = ProcessId(ME.host, ME.boot, ME.space, ME.pid, "1")
REBOOTED = ProcessId(ME.host, "another boot", ME.space, ME.pid, ME.started)
ELSEWHERE = ProcessId("node7", "its boot", "its space", 17, "1")


def event(name: str, done: int = 3, failed: int = 0, **keys: object) -> dict[str, object]:
    return {"event": name, "done": done, "failed": failed, **keys}


@pytest.mark.parametrize(
    ("last", "holder", "asked", "expected"),
    [
        (None, Holder(ME, 0.0), False, "queued"),
        ("queued", Holder(ME, 0.0), False, "queued"),
        ("started", Holder(ME, 0.0), False, "running"),
        ("replicate", Holder(ME, 999.0), False, "running"),
        ("replicate", Holder(ME, 0.0), True, "stopping"),
        ("stopping", Holder(ME, 0.0), False, "stopping"),
        ("stopped", Holder(ME, 0.0), False, "queued"),
        ("stopped", Holder(ME, 0.0, True), False, "stopped"),
        ("stopped", Holder(GONE, 0.0), False, "stopped"),
        ("finished", Holder(ME, 0.0), False, "finished"),
        ("finished", Holder(GONE, 9.0), False, "finished"),
        ("replicate", Holder(GONE, 1.0), False, "lost"),
        ("replicate", Holder(REUSED, 1.0), False, "lost"),
        ("replicate", Holder(REBOOTED, 1.0), False, "lost"),
        ("replicate", Holder(ELSEWHERE, 1.0), False, "running"),
        ("replicate", Holder(ELSEWHERE, SILENT_AFTER + 1), False, "lost"),
        ("replicate", Holder(ELSEWHERE, None), False, "lost"),
        ("started", None, False, "lost"),
    ],
)
def test_states(last: str | None, holder: Holder | None, asked: bool, expected: str) -> None:
    state = derive_state(
        event(last) if last else None,
        holder,
        total=12,
        is_asked_to_stop=asked,
        age=5.0,  # type: ignore[arg-type]
    )
    assert state.name == expected
    assert state.is_alive == (expected in ("queued", "running", "stopping"))


def test_a_finished_run_with_failed_fits_says_so() -> None:
    state = derive_state(event("finished", 12, 2), None, total=12, is_asked_to_stop=False, age=5.0)  # type: ignore[arg-type]
    assert state.name == "finished with failures"
    assert "2 failed fits" in state.sentence


def test_a_runner_elsewhere_is_shown_with_the_age_of_its_heartbeat() -> None:
    state = derive_state(
        event("replicate"),
        Holder(ELSEWHERE, 4.2),
        total=12,
        is_asked_to_stop=False,
        age=5.0,  # type: ignore[arg-type]
    )
    assert state.sentence == "running, 3 of 12, on node7, last sign 4 s ago"
    assert not state.is_here


def test_a_run_whose_runner_never_began_is_lost_after_a_while() -> None:
    young = derive_state(None, None, total=12, is_asked_to_stop=False, age=1.0)
    old = derive_state(None, None, total=12, is_asked_to_stop=False, age=100.0)
    assert (young.name, old.name) == ("queued", "lost")


def test_a_lock_is_held_by_one_and_can_be_taken_when_given_back(tmp_path: Path) -> None:
    lock = take(tmp_path / "lock", tmp_path / "heartbeat")
    with pytest.raises(InputError, match=f"process {os.getpid()}"):
        take(tmp_path / "lock", tmp_path / "heartbeat")
    lock.beat()
    lock.release()
    holder = read_holder(tmp_path / "lock", tmp_path / "heartbeat")
    assert holder is not None
    assert holder.process == ME
    assert not holder.is_alive
    take(tmp_path / "lock", tmp_path / "heartbeat").release()


def pretend(path: Path, process: ProcessId) -> None:
    (path / "lock").write_text(json.dumps(process.as_fields()))
    (path / "heartbeat").touch()


@pytest.mark.parametrize("process", [GONE, REUSED, REBOOTED])
def test_the_lock_of_a_process_that_is_gone_is_free(process: ProcessId, tmp_path: Path) -> None:
    pretend(tmp_path, process)
    take(tmp_path / "lock", tmp_path / "heartbeat").release()


def test_the_lock_of_another_host_is_held_while_its_heart_beats(tmp_path: Path) -> None:
    pretend(tmp_path, ELSEWHERE)
    with pytest.raises(InputError, match="process 17 on node7"):
        take(tmp_path / "lock", tmp_path / "heartbeat")
    take(tmp_path / "lock", tmp_path / "heartbeat", force=True).release()
    pretend(tmp_path, ELSEWHERE)
    old = time.time() - SILENT_AFTER - 5
    os.utime(tmp_path / "heartbeat", (old, old))
    take(tmp_path / "lock", tmp_path / "heartbeat").release()


def test_a_holder_that_was_taken_over_or_whose_folder_has_gone_notices(tmp_path: Path) -> None:
    lock = take(tmp_path / "lock", tmp_path / "heartbeat")
    pretend(tmp_path, ELSEWHERE)
    with pytest.raises(LockLost, match="node7"):
        lock.beat()
    (tmp_path / "heartbeat").unlink()
    with pytest.raises(LockLost, match="can't be reached"):
        lock.beat()


def test_a_lock_that_is_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic"):
        take(tmp_path / "lock", tmp_path / "heartbeat")
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"pid": -1}', "[" * 999, '{"pid": "1"}'])
def test_a_damaged_lock_names_nobody(text: str, folder: RunFolder) -> None:
    folder.lock.write_text(text)
    assert read_holder(folder.lock, folder.heartbeat) is None
    assert state_of(folder).name == "queued"


def test_a_process_is_read_back_as_written() -> None:
    assert process_from(json.loads(json.dumps(ME.as_fields()))) == ME
    assert process_from({**ME.as_fields(), "pid": 2**40}) is None
    assert ME.is_alive
    assert GONE.is_alive is False
    assert ELSEWHERE.is_alive is None
