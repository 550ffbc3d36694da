"""Runs killed at random moments, resumed, killed again: every value is that of an undisturbed run.

``REGNET_KILLS=200`` in the environment makes many more kills.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from small_runs import ended, numbers, small_study, wait_until

from regnet import Execution
from regnet.places import Places
from regnet.runs.events import EventReader, read_events
from regnet.runs.folder import RunFolder
from regnet.runs.launch import resume_run, start_run, stop_run
from regnet.runs.lock import read_holder
from regnet.runs.state import state_of

KILLS = int(os.environ.get("REGNET_KILLS", "8"))
STUDY = small_study(genes=120, tfs=40, replicates=300)


def runner_of(folder: RunFolder) -> int:
    holder = read_holder(folder.lock, folder.heartbeat)
    assert holder is not None
    return holder.process.pid


def children_of(pid: int) -> list[int]:
    """Return the process ids of a process's children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def shared_memory(runner: int) -> set[str]:
    """Return what a runner and its workers have in /dev/shm: semaphores, arrays."""
    return {path.name for path in Path("/dev/shm").iterdir() if f"-{runner}-" in path.name}


def is_there(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def has_begun(folder: RunFolder) -> bool:
    """Whether anything was computed."""
    return state_of(folder).done > 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], object]:
    places = Places(tmp_path_factory.mktemp("undisturbed"), "a test's")
    folder = start_run(STUDY, Execution(jobs=1), places, queued=False)
    assert ended(folder).name == "finished"
    found = numbers(folder)
    assert len(found) == 600
    return found


@pytest.mark.parametrize("jobs", [1, 2])
def test_whatever_kills_the_runner_at_random_moments_the_numbers_are_those_of_an_undisturbed_run(
    jobs: int, places: Places, undisturbed: dict[tuple[int, int], object]
) -> None:
    rng = random.Random(f"kills {jobs}")
    kills = {signal.SIGTERM: 0, signal.SIGKILL: 0, signal.SIGHUP: 0}
    runs = 0
    while sum(kills.values()) < KILLS:
        folder = start_run(STUDY, Execution(jobs=jobs), places, queued=False)
        runs += 1
        while True:
            # From before the workers have begun to after the last replicate; mostly amid the writing.
            if rng.random() < 0.7:
                before = state_of(folder).done
                wait_until(lambda: not state_of(folder).is_alive or state_of(folder).done > before)  # noqa: B023
                time.sleep(rng.uniform(0, 0.4))
            else:
                time.sleep(rng.uniform(0, 1.0))
            state = state_of(folder)
            if not state.is_alive:
                break
            number = min(kills, key=lambda kind: kills[kind] + rng.random())
            os.kill(runner_of(folder), number)
            kills[number] += 1
            if number == signal.SIGHUP:
                continue
            assert not ended(folder, 20).is_alive
            if state_of(folder).name.startswith("finished") or sum(kills.values()) >= KILLS:
                break
            resume_run(folder, queued=False)
        if not state_of(folder).name.startswith("finished") and not state_of(folder).is_alive:
            resume_run(folder, queued=False)
        assert ended(folder).name == "finished"
        assert numbers(folder) == undisturbed
    assert all(kills.values())
    print(f"{sum(kills.values())} kills ({kills}) in {runs} runs with {jobs} jobs: all values identical")


def test_after_sigkill_no_worker_and_no_shared_memory_is_left_within_ten_seconds(places: Places) -> None:
    folder = start_run(small_study(replicates=8000), Execution(jobs=2), places, queued=False)
    wait_until(lambda: has_begun(folder))
    runner = runner_of(folder)
    workers = children_of(runner)
    assert len(workers) >= 2
    assert shared_memory(runner)
    os.kill(runner, signal.SIGKILL)
    wait_until(lambda: not any(map(is_there, workers)), 10)
    wait_until(lambda: not shared_memory(runner), 10)
    assert state_of(folder).name == "lost"


def test_a_killed_worker_costs_nothing_but_time(places: Places) -> None:
    folder = start_run(small_study(replicates=300), Execution(jobs=2), places, queued=False)
    wait_until(lambda: has_begun(folder))
    for worker in children_of(runner_of(folder))[:3]:
        command = (Path("/proc") / str(worker) / "cmdline").read_bytes()
        if b"popen_loky" in command:
            os.kill(worker, signal.SIGKILL)
            break
    else:
        pytest.fail("there was no worker to kill")
    state = ended(folder)
    assert (state.name, state.done, state.failed) == ("finished", 600, 0)
    texts = [event.get("text", "") for event in read_events(folder.events)[0]]
    assert any("tried once more" in text for text in texts)


@pytest.mark.parametrize("way", ["signal", "flag"])
def test_a_run_asked_to_stop_ends_within_two_seconds(way: str, places: Places) -> None:
    study = small_study(genes=978, tfs=623, conditions=4, replicates=500, covariance="random")
    seconds = []
    while not seconds or (min(seconds) >= 2.0 and len(seconds) < 3):  # another try on a busy machine
        folder = start_run(study, Execution(jobs=2), places, queued=False)
        wait_until(lambda folder=folder: has_begun(folder))
        start = time.monotonic()
        if way == "signal":
            os.kill(runner_of(folder), signal.SIGTERM)
        else:
            folder.stop_flag.touch()
        state = ended(folder)
        seconds.append(time.monotonic() - start)
        assert state.name == "stopped"
        assert 0 < state.done < 500
    assert min(seconds) < 2.0


def test_the_runner_is_a_session_without_terminal_and_survives_a_hangup(places: Places) -> None:
    folder = start_run(small_study(replicates=30), Execution(jobs=1), places, queued=False)
    runner = runner_of(folder)
    assert os.getsid(runner) == runner != os.getsid(0)
    assert (Path("/proc") / str(runner) / "fd/0").readlink() == Path("/dev/null")
    assert (Path("/proc") / str(runner) / "fd/1").readlink() == folder.runner_log
    wait_until(lambda: has_begun(folder))
    os.killpg(runner, signal.SIGHUP)
    assert ended(folder).name == "finished"


def test_a_run_goes_on_with_other_jobs_and_gives_the_same_numbers(
    places: Places, undisturbed: dict[tuple[int, int], object]
) -> None:
    folder = start_run(STUDY, Execution(jobs=1), places, queued=False)
    wait_until(lambda: has_begun(folder))
    assert stop_run(folder).name == "stopped"
    resume_run(folder, execution=Execution(jobs=2), queued=False)
    assert ended(folder).name == "finished"
    assert folder.execution() == Execution(jobs=2)
    assert numbers(folder) == undisturbed


def test_a_module_in_the_users_directory_is_not_run(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('not this one')")
    (tmp_path / "json.py").write_text("raise SystemExit('nor this one')")
    monkeypatch.chdir(tmp_path)
    folder = start_run(small_study(replicates=2), Execution(jobs=1), places, queued=False)
    assert ended(folder).name == "finished"


def test_two_runners_on_one_folder_are_refused(places: Places) -> None:
    folder = start_run(small_study(replicates=8000), Execution(jobs=1), places, queued=False)
    with pytest.raises(ValueError, match="isn't alive"):
        resume_run(folder)
    from regnet.runs.launch import launch

    with pytest.raises(ValueError, match=f"process {runner_of(folder)}"):
        launch(folder)
    assert stop_run(folder).name == "stopped"


def test_runs_started_at_once_go_one_after_another(places: Places) -> None:
    first = start_run(small_study(replicates=8000), Execution(jobs=1), places)
    wait_until(lambda: has_begun(first))
    second = start_run(small_study(), Execution(jobs=1), places)
    wait_until(lambda: state_of(second).name == "queued" and state_of(second).host != "")
    time.sleep(0.3)
    assert state_of(second).name == "queued"
    assert stop_run(first).name == "stopped"
    assert ended(second).name == "finished"
    third = start_run(small_study(), Execution(jobs=1), places)
    assert ended(third).name == "finished"


def test_a_queued_run_can_be_stopped_and_a_killed_one_blocks_nobody(places: Places) -> None:
    first = start_run(small_study(replicates=8000), Execution(jobs=1), places)
    wait_until(lambda: has_begun(first))
    second = start_run(small_study(), Execution(jobs=1), places)
    assert stop_run(second).name == "stopped"
    third = start_run(small_study(), Execution(jobs=1), places)
    os.kill(runner_of(first), signal.SIGKILL)
    assert ended(third).name == "finished"


def test_a_fit_that_takes_longer_than_its_limit_is_recorded_as_timed_out(places: Places) -> None:
    folder = start_run(small_study(replicates=3), Execution(jobs=1, time_limit=1e-6), places, queued=False)
    state = ended(folder)
    assert (state.name, state.done) == ("finished with failures", 6)
    statuses = {
        fit["status"]
        for event in EventReader(folder.events).read()
        if event["event"] == "replicate"
        for fit in event["fits"].values()
    }
    assert statuses == {"timed out"}


def test_a_fit_that_does_not_converge_is_recorded_with_a_warning_and_the_study_goes_on(
    places: Places,
) -> None:
    study = small_study(replicates=3, max_iterations=1)
    folder = start_run(study, Execution(jobs=1), places, queued=False)
    assert ended(folder).done == 6
    fits = [e["fits"]["LMM"] for e in read_events(folder.events)[0] if e["event"] == "replicate"]
    assert any("did not converge" in fit["warnings"] for fit in fits)


def test_a_motif_table_that_is_too_small_is_a_refusal_in_one_line_not_a_crash(places: Places) -> None:
    table = places.root / "few.tsv"
    places.root.mkdir()
    table.write_text("\tA\tB\n" + "".join(f"g{n}\t{n}\t{n * n % 7}\n" for n in range(10)))
    folder = start_run(small_study(motifs=str(table)), Execution(jobs=1), places, queued=False)
    state = ended(folder)
    assert (state.name, state.done) == ("finished with failures", 12)
    event = next(e for e in read_events(folder.events)[0] if e["event"] == "replicate")
    assert event["fits"]["Ridge"]["status"] == "refused"
    assert "genes" in event["fits"]["Ridge"]["reason"]
