"""On a real cluster of separate processes the numbers are the same, whoever of its workers is killed."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_runs import ended, numbers, small_study, wait_until

from regnet import Execution
from regnet.places import Places
from regnet.runs import dask_crew, worker
from regnet.runs.crews import CrewLost
from regnet.runs.dask_crew import DaskCrew
from regnet.runs.events import read_events
from regnet.runs.folder import create_run
from regnet.runs.launch import start_run
from regnet.runs.lock import take
from regnet.runs.runner import Runner
from regnet.runs.state import state_of
from regnet.runs.worker import Assignment, Task

distributed = pytest.importorskip("distributed")
STUDY = small_study(replicates=40)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    settings = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "processes": True,
        "host": "127.0.0.1",
        "dashboard_address": None,
    }
    with distributed.LocalCluster(**settings) as made:
        yield made


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Any]:
    places = Places(tmp_path_factory.mktemp("local"), "a test's")
    folder = start_run(STUDY, Execution(jobs=1), places)
    assert ended(folder).name == "finished"
    return numbers(folder)


def on(cluster: Any) -> Execution:
    return Execution(backend="dask", scheduler=cluster.scheduler_address)


def test_a_cluster_gives_the_numbers_of_one_machine(
    cluster: Any, local: dict[tuple[int, int], Any], places: Places
) -> None:
    folder = start_run(STUDY, on(cluster), places)
    assert ended(folder).name == "finished"
    assert numbers(folder) == local


def test_workers_may_be_killed_and_join_in_the_middle(
    cluster: Any, local: dict[tuple[int, int], Any], places: Places
) -> None:
    folder = start_run(STUDY, on(cluster), places)
    wait_until(lambda: state_of(folder).done > 5)
    victim = next(iter(cluster.workers.values())).process.pid
    cluster.scale(3)
    os.kill(victim, signal.SIGKILL)
    state = ended(folder, 120)
    assert (state.name, state.done, state.failed) == ("finished", 80, 0)
    assert numbers(folder) == local


def test_the_table_and_its_decomposition_travel_once_per_worker_not_once_per_task(
    cluster: Any, tmp_path: Path
) -> None:
    study = small_study(genes=400, tfs=100, replicates=30, covariance="id", methods="Ridge")
    crew = DaskCrew(Assignment(study, Places(tmp_path, ""), 1, "none", 0.0), cluster.scheduler_address)
    try:
        before = _bytes_received(crew)
        for replicate in range(30):
            crew.submit(Task(0, replicate))
        done = 0
        while crew.under_way:
            done += len(crew.collect(0.1))
        assert done == 30
        size = 400 * 100 * 8
        # The scores and their decomposition are some 3 such matrices; 30 tasks would need 90.
        assert _bytes_received(crew) - before < 3 * 8 * size
        assert len(crew._prepared) == len(crew._tables) == 1
    finally:
        crew.close()


def _bytes_received(crew: DaskCrew) -> int:
    def received(dask_worker: Any) -> int:
        return int(sum(log["total"] for log in dask_worker.transfer_incoming_log))

    return sum(crew._client.run(received).values())


def test_a_run_without_a_scheduler_stops_and_says_so(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regnet.runs.dask_crew._ANSWERS_WITHIN", 1)
    execution = Execution(backend="dask", scheduler="tcp://127.0.0.1:9")
    folder = create_run(small_study(), execution, places)
    runner = Runner(folder, take(folder.lock, folder.heartbeat))
    runner.carry_out()
    runner.leave()
    state = state_of(folder)
    assert state.name == "stopped"
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in state.reason


def test_workers_with_other_versions_are_refused(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regnet.runs.environment.version", lambda package: "0.0.1")
    with pytest.raises(CrewLost, match=r"numpy .*, not 0\.0\.1"):
        DaskCrew(Assignment(STUDY, Places(tmp_path, ""), 1, "none", 0.0), cluster.scheduler_address)


def test_a_scenario_whose_preparation_raises_is_failed_replicate_by_replicate_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'frobnicate'")

    monkeypatch.setattr("regnet.replicate.prepare", broken)
    assignment = Assignment(STUDY, Places(tmp_path, ""), 1, "none", 0.0)
    shared = dask_crew._prepare(assignment, 1, worker.motif_table(assignment, 1))
    (result,) = dask_crew._compute(assignment, pickle.loads(pickle.dumps(shared)), (Task(1, 7),), {})
    assert result.task == Task(1, 7)
    assert result.fits["Ridge"]["reason"] == "ModuleNotFoundError: No module named 'frobnicate'"
    assert "in broken" in result.problem


def test_a_fit_on_a_cluster_has_its_time_limit_too(cluster: Any, places: Places) -> None:
    execution = Execution(backend="dask", scheduler=cluster.scheduler_address, time_limit=1e-6)
    folder = start_run(small_study(replicates=2), execution, places)
    assert ended(folder).name == "finished with failures"
    events, _ = read_events(folder.events)
    statuses = {f["status"] for e in events if e["event"] == "replicate" for f in e["fits"].values()}
    assert "timed out" in statuses  # a fit quicker than the alarm may still end well
