"""A disk that fills up, or turns read-only, under a real runner costs nothing that was recorded."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_runs import ended, numbers, small_study, wait_until

from regnet import Execution, InputError
from regnet.places import Places
from regnet.runs.events import read_events
from regnet.runs.folder import RunFolder, delete_run, rename_run
from regnet.runs.launch import resume_run, start_run, stop_run
from regnet.runs.listing import list_runs
from regnet.runs.lock import read_holder
from regnet.runs.state import state_of

STUDY = small_study(replicates=150, methods="Ridge")
Remount = Callable[[str], None]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Places, Remount]]:
    """A file system of its own, of 1 MiB, where this user may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        subprocess.run(command, check=True, capture_output=True)

    try:
        mount("size=1m")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root can mount a small file system")
    try:
        yield Places(disk / "data", "a test's"), lambda options: mount(f"remount,{options}")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], object]:
    folder = start_run(STUDY, Execution(jobs=1), Places(tmp_path_factory.mktemp("calm"), ""))
    assert ended(folder).name == "finished"
    return numbers(folder)


def is_whole(folder: RunFolder) -> bool:
    """Whether every line of the log is one, and the arrays that lines name are there."""
    events, damages = read_events(folder.events)
    names = [event["arrays"] for event in events if event["event"] == "replicate"]
    return not damages and all((folder.path / name).is_file() for name in names)


def test_a_full_disk_stops_the_run_which_goes_on_when_there_is_room(
    small_disk: tuple[Places, Remount], undisturbed: dict[tuple[int, int], object]
) -> None:
    places, remount = small_disk
    folder = start_run(STUDY, Execution(jobs=1), places)
    state = ended(folder)
    assert (state.name, state.reason) == ("stopped", "can't write: No space left on device")
    assert 0 < state.done < state.total
    assert is_whole(folder)
    remount("size=8m")
    resume_run(folder)
    assert ended(folder).name == "finished"
    assert numbers(folder) == undisturbed


def test_on_a_read_only_disk_runs_can_be_read_and_every_change_is_refused_in_one_line(
    small_disk: tuple[Places, Remount],
) -> None:
    places, remount = small_disk
    folder = start_run(STUDY, Execution(jobs=1), places)
    assert ended(folder).name == "stopped"

    def is_read_only() -> bool:
        try:
            remount("ro")
        except subprocess.CalledProcessError:  # the runner's workers are still closing their files
            return False
        return True

    wait_until(is_read_only)
    for forbidden in (
        lambda: start_run(STUDY, Execution(), places),
        lambda: resume_run(folder),
        lambda: delete_run(folder),
        lambda: rename_run(folder, "another name"),
    ):
        with pytest.raises(InputError, match="Read-only") as error:
            forbidden()
        assert "\n" not in str(error.value)
    assert state_of(folder).name == "stopped"
    assert is_whole(folder)
    assert [info.id for info in list_runs(places)] == [folder.id]


def test_a_limit_on_the_size_of_files_ends_the_run_with_whole_lines(
    places: Places, undisturbed: dict[tuple[int, int], object]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, before[1]))
    try:
        folder = start_run(STUDY, Execution(jobs=1), places)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    state = ended(folder)
    assert not state.is_alive
    assert is_whole(folder)
    if state.name != "finished":
        resume_run(folder)
    assert ended(folder).name == "finished"
    assert numbers(folder) == undisturbed


def test_a_folder_that_is_deleted_under_a_real_runner_ends_it_and_does_not_come_back(places: Places) -> None:
    folder = start_run(small_study(replicates=3000), Execution(jobs=1), places)
    wait_until(lambda: state_of(folder).done > 0)
    holder = read_holder(folder.lock, folder.heartbeat)
    assert holder is not None
    subprocess.run(["rm", "-rf", str(folder.path)], check=False)
    wait_until(lambda: holder.process.is_alive is False, 15)
    subprocess.run(["rm", "-rf", str(folder.path)], check=False)
    assert not folder.path.exists()


def test_a_run_can_be_stopped_while_another_reads_it(places: Places) -> None:
    folder = start_run(small_study(replicates=3000), Execution(jobs=1), places)
    wait_until(lambda: state_of(folder).done > 0)
    with folder.events.open("rb") as log:
        log.read()
        assert stop_run(folder).name == "stopped"
    assert is_whole(folder)
