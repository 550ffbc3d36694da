"""The app in a real pseudo-terminal: hang-ups, stalls, resizes, few colours, and nothing said when idle."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fake_runs import make_run, places_in
from terminal import HOME, Terminal

from regnet.runs.folder import run_ids
from regnet.study import Study
from regnet_tui.draft import take_draft

READY = "Run  ^r"
PATIENCE = 30.0  # seconds: the machine that runs the tests may be busy


def drawn(terminal: Terminal, size: tuple[int, int]) -> str:
    return "\n".join(terminal.screen(size))


def test_the_screens_process_loads_nothing_that_fits_or_simulates(tmp_path: Path) -> None:
    make_run(places_in(tmp_path), Study(covariance="id", replicates=5))
    script = f"""
import asyncio, sys
from pathlib import Path
from regnet.places import Places
from regnet_tui.app import RegnetApp

async def tour():
    app = RegnetApp(Places(Path({str(tmp_path)!r}), "for a test"))
    async with app.run_test(size=(120, 40)) as pilot:
        for key in "f3 enter 2 3 4 v f5 2 3 v v v v f2 ctrl+o".split():
            await pilot.press(key)
            await app.workers.wait_for_complete()
            await pilot.pause()

asyncio.run(tour())
heavy = {{"numpy", "pandas", "scipy", "sklearn", "joblib", "limix", "glimix_core", "dask"}} & set(sys.modules)
heavy |= {{m for m in sys.modules if m in ("regnet.simulation", "regnet.replicate", "regnet.runs.runner")}}
print(sorted(heavy))
"""
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "[]", done.stderr[-2000:]


def test_a_hang_up_saves_the_draft_and_ends_the_app_within_a_second(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.wait_for(READY, PATIENCE)
        for key in "\t\t77":
            terminal.send(key)
            terminal.read(0.3)
        assert "--genes 77" in drawn(terminal, (80, 24))
        began = time.perf_counter()
        os.kill(terminal.pid, signal.SIGHUP)
        code = terminal.wait()
        assert time.perf_counter() - began < 1.5
        assert code == 128 + signal.SIGHUP
    state = take_draft(tmp_path / "drafts")
    assert state is not None
    assert state.texts["genes"] == "77"


def test_a_terminal_that_takes_nothing_does_not_keep_the_app_from_leaving(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.wait_for(READY, PATIENCE)
        for key in "\t\t78":
            terminal.send(key)
            terminal.read(0.3)
        assert "--genes 78" in drawn(terminal, (80, 24))
        for _ in range(60):  # nobody reads: the pseudo-terminal's buffer is full soon
            terminal.send("\x1bOR\x1bOQ")  # F3, F2
            time.sleep(0.02)
        began = time.perf_counter()
        os.kill(terminal.pid, signal.SIGHUP)
        end = time.perf_counter() + 5
        pid = 0
        while not pid and time.perf_counter() < end:
            pid, status = os.waitpid(terminal.pid, os.WNOHANG)
            time.sleep(0.02)
        assert pid == terminal.pid
        terminal.code = os.waitstatus_to_exitcode(status)
        assert time.perf_counter() - began < 2.0
    state = take_draft(tmp_path / "drafts")
    assert state is not None
    assert state.texts["genes"] == "78"


def test_a_stalled_terminal_shows_the_right_screen_when_it_goes_on(tmp_path: Path) -> None:
    make_run(places_in(tmp_path), Study(covariance="id", replicates=5), name="stalled one")
    with Terminal(tmp_path) as terminal:
        terminal.wait_for(READY, PATIENCE)
        for _ in range(40):
            terminal.send("\x1bOR\x1bOQ")
            time.sleep(0.02)
        terminal.send("\x1bOR")
        terminal.wait_for("stalled one", PATIENCE)
        terminal.read(1.0)
        assert "stalled one" in drawn(terminal, (80, 24))
        terminal.send("q")
        assert terminal.wait(PATIENCE) == 0


def test_a_storm_of_resizes_ends_in_a_whole_screen(tmp_path: Path) -> None:
    with Terminal(tmp_path, size=(80, 24)) as terminal:
        terminal.wait_for(READY, PATIENCE)
        for i in range(60):
            terminal.resize(40 + (i * 37) % 160, 10 + (i * 13) % 50)
            terminal.read(0.01)
        terminal.resize(100, 30)
        end = time.perf_counter() + PATIENCE
        lines = [""]
        while ("Quit" not in lines[-1] or "regNet" not in lines[0]) and time.perf_counter() < end:
            terminal.read(0.5)
            lines = terminal.screen((100, 30))
        assert "regNet" in lines[0]
        assert "Quit" in lines[-1]
        assert "quickstart" in "\n".join(lines)
        terminal.send("q")
        assert terminal.wait(PATIENCE) == 0


def test_a_window_that_has_settled_is_drawn_whole_once_more(tmp_path: Path) -> None:
    with Terminal(tmp_path, size=(100, 30)) as terminal:
        terminal.wait_for(READY, PATIENCE)
        terminal.resize(50, 10)
        terminal.wait_for("this window has 50 and 10", PATIENCE)
        terminal.resize(100, 30)
        terminal.wait_for("Quit", PATIENCE)
        del terminal.output[:]  # what was drawn at once counts no more
        terminal.wait_for("Quit", PATIENCE)
        terminal.read(0.5)
        lines = terminal.screen((100, 30))
        assert "regNet" in lines[0]
        assert "Quit" in lines[-1]
        assert terminal.read(1.0) == b""


@pytest.mark.parametrize(
    ("environment", "wanted", "unwanted"),
    [
        ({"TERM": "xterm-256color"}, rb"\x1b\[[0-9;]*38;5;\d+", rb"38;2;"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, rb"38;2;\d+;\d+;\d+", rb"38;5;"),
        ({"TERM": "xterm-16color"}, rb"\x1b\[[0-9;]*3[0-7]", rb"38;[25];"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, rb"\x1b\[[0-9;]*7m|\x1b\[1;7m|\x1b\[7", rb"38;[25];"),
    ],
)
def test_each_depth_of_colour_is_drawn_in_its_own_codes(
    tmp_path: Path, environment: dict[str, str], wanted: bytes, unwanted: bytes
) -> None:
    with Terminal(tmp_path, environment=environment) as terminal:
        terminal.wait_for(READY, PATIENCE)
        terminal.read(0.5)
        written = bytes(terminal.output)
        assert re.search(wanted, written)
        assert not re.search(unwanted, written)
        assert "F2 Study" in drawn(terminal, (80, 24))


def test_without_colour_no_colour_code_is_written_and_the_cursor_is_seen(tmp_path: Path) -> None:
    make_run(places_in(tmp_path), Study(covariance="id", replicates=5), name="one run")
    with Terminal(tmp_path, environment={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for(READY, PATIENCE)
        terminal.send("\x1bOR")
        terminal.wait_for("one run", PATIENCE)
        terminal.read(0.5)
        codes = re.findall(rb"\x1b\[([0-9;]*)m", bytes(terminal.output))
        numbers = {int(number) for code in codes for number in code.split(b";") if number}
        assert not numbers & (set(range(30, 38)) | set(range(40, 48)) | set(range(90, 108)))
        assert 7 in numbers  # reverse video marks the cursor's row
        assert any(line.startswith(">one run") for line in terminal.screen((80, 24)))


def test_an_idle_app_writes_nothing(tmp_path: Path) -> None:
    make_run(places_in(tmp_path), Study(covariance="id", replicates=5))
    with Terminal(tmp_path) as terminal:
        terminal.wait_for(READY, PATIENCE)
        for keys in ("", "\x1bOR", "\r", "\x1b[15~"):  # the study, the runs, a run, its results
            terminal.send(keys)
            terminal.read(3.0)
            assert terminal.read(1.5) == b"", keys


def test_hostile_names_reach_the_terminal_as_data(tmp_path: Path) -> None:
    folder = make_run(places_in(tmp_path), Study(covariance="id", replicates=3))
    nasty = '"name": "\\u001b]0;owned\\u0007\\u001b[2J\\u009b31m[bold]x"'
    folder.record_file.write_text(re.sub(r'"name": "[^"]*"', lambda _: nasty, folder.record_file.read_text()))
    with Terminal(tmp_path) as terminal:
        terminal.wait_for(READY, PATIENCE)
        start = len(terminal.output)
        terminal.send("\x1bOR")
        terminal.wait_for("31m[bold", PATIENCE)
        written = bytes(terminal.output[start:])
        assert b"\x1b]0;" not in written
        assert b"\x1b[2J" not in written
        assert "\u009b".encode() not in written


def test_no_mouse_leaves_the_mouse_to_the_terminal(tmp_path: Path) -> None:
    with Terminal(tmp_path, arguments=["--no-mouse"]) as terminal:
        terminal.wait_for(READY, PATIENCE)
        assert b"\x1b[?1000h" not in terminal.output


def test_without_a_terminal_one_line_says_so() -> None:
    command = [sys.executable, "-m", "regnet_tui"]
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "terminal" in done.stderr


def test_a_data_directory_that_is_a_file_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Terminal(tmp_path / "file") as terminal:
        assert terminal.wait(PATIENCE) == 2
        assert "wanted a directory" in terminal.text()


def test_a_data_directory_that_can_not_be_written_is_said_and_the_app_goes_on(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "runs").write_text("in the way")
    with Terminal(tmp_path / "data") as terminal:
        terminal.wait_for(READY, PATIENCE)
        terminal.send("\x12")
        terminal.wait_for("can't start", PATIENCE)
        terminal.send("\x1b")
        terminal.read(0.5)
        terminal.send("q")
        assert terminal.wait(PATIENCE) == 0


def test_a_run_started_here_outlives_the_terminal(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.wait_for(READY, PATIENCE)
        terminal.send("\x12")
        terminal.wait_for("Overview", PATIENCE)
        os.kill(terminal.pid, signal.SIGHUP)
        terminal.wait(PATIENCE)
    from regnet.runs.folder import RunFolder
    from regnet.runs.launch import stop_run
    from regnet.runs.state import state_of

    (run,) = run_ids(tmp_path / "runs")
    folder = RunFolder(tmp_path / "runs" / run)
    try:
        assert state_of(folder).is_alive
    finally:
        stop_run(folder, wait=20, kill=True)
