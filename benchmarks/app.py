"""How quick and how quiet is the terminal app? Its figures, each beside its target.

    python benchmarks/app.py [--quick]

Everything is measured on the app as users have it, in a pseudo-terminal of 80 × 24, but for the tables
and the log, which are timed in their own process. Times of the screen depend on what else the machine
does: run it on a quiet one. Exit code 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

HOME = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HOME), str(HOME / "tests" / "tui")]

from fake_runs import make_run, places_in  # noqa: E402
from terminal import Terminal, plain  # noqa: E402

from regnet.execution import Execution  # noqa: E402
from regnet.places import Places  # noqa: E402
from regnet.row_filter import read_filter  # noqa: E402
from regnet.runs.events import EventLog  # noqa: E402
from regnet.runs.folder import RunFolder, create_run  # noqa: E402
from regnet.runs.launch import start_run, stop_run  # noqa: E402
from regnet.runs.replay import Replay  # noqa: E402
from regnet.runs.rows_file import write_rows_file  # noqa: E402
from regnet.runs.state import state_of  # noqa: E402
from regnet.study import Study  # noqa: E402

READY = "Run  ^r"
F2, F3 = "\x1bOQ", "\x1bOR"


class Figure(NamedTuple):
    """One measured figure and the most (or, with `least`, the least) that it may be."""

    name: str
    value: float
    target: float
    unit: str
    least: bool = False

    @property
    def is_met(self) -> bool:
        return self.value >= self.target if self.least else self.value <= self.target

    def line(self) -> str:
        sign = "≥" if self.least else "≤"
        verdict = "met" if self.is_met else "MISSED"
        return f"{self.name:52} {self.value:>12,.3g} {self.unit:8} {sign} {self.target:<8,g} {verdict}"


def first_paint(data: Path, repeats: int) -> Iterator[Figure]:
    """Time from the start of the program until the form and Run are on the screen."""
    times = []
    for _ in range(repeats + 1):
        with Terminal(data) as terminal:
            terminal.wait_for(READY, 60)
            times.append(time.perf_counter() - terminal.started)
    yield Figure("first useful paint (median, after a warm start)", statistics.median(times[1:]), 0.8, "s")


def key_echo(data: Path, n_keys: int, busy: bool) -> Iterator[Figure]:
    """Time from a key to its echo in a field, with all cores computing where `busy`."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(_cores() * busy)]
    try:
        with Terminal(data) as terminal:
            terminal.wait_for(READY, 60)
            for key in "\t\t":
                terminal.send(key)
                terminal.read(0.5)
            times = []
            for i in range(n_keys):
                key = str(1 + i % 9) if i % 5 else "\x15"  # now and then the field is emptied
                before = len(terminal.output)
                began = time.perf_counter()
                terminal.send(key)
                while len(terminal.output) == before and time.perf_counter() - began < 2:
                    terminal.read_once(0.002)
                times.append(time.perf_counter() - began)
                terminal.read(0.05)
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    name = "all cores busy" if busy else "idle machine"
    times.sort()
    yield Figure(f"key echo, median, {name}", 1000 * statistics.median(times), 50, "ms")
    yield Figure(f"key echo, p95, {name}", 1000 * times[int(0.95 * len(times))], 50, "ms")


def bytes_written(data: Path, seconds: float) -> Iterator[Figure]:
    """What the app writes to the terminal while nothing happens, and while a run is followed."""
    study = Study(name="live", conditions=[4, 8], covariance=["id", "random"], replicates=2000)
    folder = create_run(study, Execution(), places_in(data), command=["regnet"])
    with Terminal(data) as terminal:
        terminal.wait_for(READY, 60)
        terminal.read(3.0)
        yield Figure("written when idle, the study", len(terminal.read(seconds)) / seconds, 0, "B/s")
        terminal.send(F3)
        terminal.wait_for("live", 30)
        terminal.send("\r")
        terminal.wait_for("Overview", 30)
        terminal.read(2.0)
        with _growing(folder, study, per_second=20):
            terminal.read(1.0)
            written = len(terminal.read(seconds))
        yield Figure("written while a run is followed", written / seconds / 1024, 15, "KiB/s")


@contextlib.contextmanager
def _growing(folder: RunFolder, study: Study, per_second: int) -> Iterator[None]:
    """Write a run's log as its runner would, some replicates a second."""
    import random

    from fake_runs import replicate_event

    over = threading.Event()

    def write() -> None:
        log = EventLog(folder.events)
        begin = {"format": 1, "host": "here", "pid": 1, "jobs": 2, "cores": 1, "versions": {}, "to_do": 1}
        log.append(("started", begin))
        generator = random.Random(1)
        for place in range(len(study.scenarios) * study.replicates):
            if over.wait(1 / per_second):
                break
            replicate, scenario = divmod(place, len(study.scenarios))
            log.append(("replicate", replicate_event(study, generator, scenario, replicate, False)))
        log.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def link_lost(data: Path, repeats: int) -> Iterator[Figure]:
    """Time from a lost link to the same run's numbers in another terminal, while the run goes on."""
    study = Study(
        name="live",
        motifs="synthetic",
        genes=200,
        tfs=20,
        conditions=[2, 4],
        covariance="id",
        replicates=5000,
    )
    folder = start_run(study, Execution(jobs=1), places_in(data), command=["regnet"])
    times = []
    terminal = Terminal(data)
    try:
        _attach(terminal, study, least=10)
        for _ in range(repeats):
            seen = _attach(terminal, study, least=1)
            terminal.cut()
            began = time.perf_counter()
            gone, terminal = terminal, Terminal(data)
            shown = _attach(terminal, study, least=seen)
            times.append(time.perf_counter() - began)
            gone.close()
            if not seen <= shown <= state_of(folder).done:
                raise AssertionError(f"{shown} replicates are shown after {seen}, not what the log holds")
    finally:
        terminal.close()
        stop_run(folder, wait=10.0)
    yield Figure("from a lost link to the run's numbers again", statistics.median(times), 2.0, "s")


def _attach(terminal: Terminal, study: Study, least: int) -> int:
    """Open the one run there is; return how many replicates its screen shows, once `least` are."""
    if READY not in terminal.text():
        terminal.wait_for(READY, 60)
    start = len(terminal.output)
    terminal.send(F3)
    terminal.wait_for(study.name, 60)
    terminal.send("\r")
    end = time.perf_counter() + 60
    total = len(study.scenarios) * study.replicates
    while time.perf_counter() < end:
        told = plain(bytes(terminal.output[start:])).decode(errors="replace")
        done = [int(text) for text in re.findall(rf"(\d+)/{total}\b", told)]
        # the head with what is done, and the table of both methods' means
        if "Overview" in told and "±" in told and done and done[-1] >= least:
            return done[-1]
        terminal.read_once(0.01)
    raise AssertionError(f"the run was not shown: {terminal.text()[-2000:]}")


def many_runs(data: Path, n_runs: int) -> Iterator[Figure]:
    """The list of runs with thousands in it: until its first rows are drawn, and until a filter is."""
    places = places_in(data)
    _copy_runs(places, n_runs)
    from regnet.runs.listing import list_runs

    list_runs(places)  # as after any earlier listing: what never changes again is in the index
    with Terminal(data) as terminal:
        terminal.wait_for(READY, 60)
        terminal.read(1.0)
        terminal.send(F3)
        yield Figure(f"{n_runs:,} runs open", terminal.wait_for(f"{n_runs} of {n_runs}", 60), 1.0, "s")
    from regnet_tui.row_order import filtered
    from regnet_tui.run_index import FILTER_COLUMNS, RunIndex
    from regnet_tui.runs_screen import value_of

    lines = RunIndex(places).refresh()
    for query in ("state:finished done>5", "bench 7"):
        chosen = read_filter(query, FILTER_COLUMNS)
        seconds = _timed(lambda chosen=chosen: filtered(lines, chosen, lambda line: line.text, value_of))
        yield Figure(f"{n_runs:,} runs filtered by '{query}'", seconds, 0.1, "s")


def _copy_runs(places: Places, n_runs: int) -> None:
    first = make_run(places, Study(covariance="id", replicates=5), name="bench")
    texts = {path.name: path.read_bytes() for path in first.path.iterdir() if path.is_file()}
    for i in range(1, n_runs):
        folder = places.runs / f"2025-01-01-bench-{i:05d}"
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_bytes(text)


def many_rows(data: Path, n_rows: int) -> Iterator[Figure]:
    """A finished run with very many replicates: until its table stands, and until it is filtered."""
    study = Study(name="rows", conditions=[4, 8], covariance="id", replicates=n_rows // 4)
    folder = make_run(places_in(data), study, failed=50)
    replay = Replay(folder)
    while replay.update():
        pass
    write_rows_file(folder, replay.rows, replay.facts())
    from regnet_tui.pictures import summary_of
    from regnet_tui.replicate_rows import ReplicateRows
    from regnet_tui.row_order import filtered, ordered

    opened: list[ReplicateRows] = []

    def open_all() -> None:
        replay = Replay(folder)
        replay.update()
        summary_of(replay)
        opened[:] = [ReplicateRows(replay)]

    yield Figure(f"{n_rows:,} replicate rows open, with their summary", _timed(open_all, 3), 1.0, "s")
    rows = opened[0]
    for query in ("pearson>0.8", "status:failed", "lmm"):
        chosen = read_filter(query, rows.names())
        seconds = _timed(lambda chosen=chosen: filtered(rows.keys, chosen, rows.text, rows.value))
        yield Figure(f"{n_rows:,} replicate rows filtered by '{query}'", seconds, 0.1, "s")
    seconds = _timed(lambda: ordered(rows.keys, rows.value, "pearson", True))
    yield Figure(f"{n_rows:,} replicate rows sorted", seconds, 1.0, "s")


def longest_block(data: Path, n_rows: int) -> Iterator[Figure]:
    """The longest time that the screens' loop was not at the user's disposal, touring a large run."""
    study = Study(name="block", conditions=[4, 8], covariance="id", replicates=n_rows // 4)
    folder = make_run(places_in(data), study)

    async def tour() -> float:
        from regnet_tui.app import RegnetApp

        app = RegnetApp(places_in(data), theme="regnet-dark")
        longest, last = 0.0, time.perf_counter()

        async def watch() -> None:
            nonlocal longest, last
            last = time.perf_counter()
            while True:
                await asyncio.sleep(0.005)
                now = time.perf_counter()
                longest, last = max(longest, now - last - 0.005), now

        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(0.5)
            watcher = asyncio.create_task(watch())
            app.show_run(folder)
            await pilot.pause(3.0)
            for key in ("2", "3", "4", "v", "1", "m", "f5", "2", "j", "G", "g", "3", "v", "v", "f3", "f2"):
                await pilot.press(key)
                await pilot.pause(0.2)
            watcher.cancel()
        return longest

    yield Figure(f"longest block of the loop, {n_rows:,} rows", 1000 * asyncio.run(tour()), 250, "ms")


def log_lines(n_lines: int) -> Iterator[Figure]:
    """How many lines a second the log takes in, filtered by level and text, and shows the end of."""
    from textual.app import App, ComposeResult

    from regnet_tui.log_view import LogLine, LogView

    class LogApp(App[None]):
        def compose(self) -> ComposeResult:
            yield LogView(id="log")

    async def take() -> float:
        made = [LogLine("info", "12:00:00", f"line {i} of the log") for i in range(n_lines)]
        lines: list[LogLine] = []
        async with LogApp().run_test(size=(80, 24)) as pilot:
            log = pilot.app.query_one("#log", LogView)
            log.filter(needle="line")
            began = time.perf_counter()
            for start in range(0, n_lines, 1000):
                lines += made[start : start + 1000]
                log.show(lines)
                await asyncio.sleep(0)
            await pilot.pause()
            return n_lines / (time.perf_counter() - began)

    yield Figure("log lines taken in", asyncio.run(take()), 37_000, "lines/s", least=True)


def _timed(function: Callable[[], object], repeats: int = 5) -> float:
    """Return the median time of a few calls."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def main(argv: list[str] | None = None) -> int:
    """Measure, print each figure beside its target, and return 1 where one is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes, for a first look")
    quick = parser.parse_args(argv).quick
    n_runs, n_rows = (1000, 10_000) if quick else (10_000, 100_000)
    parts: list[Callable[[Path], Iterator[Figure]]] = [
        lambda data: first_paint(data, 3 if quick else 9),
        lambda data: key_echo(data, 40 if quick else 200, busy=False),
        lambda data: key_echo(data, 40 if quick else 200, busy=True),
        lambda data: bytes_written(data, 3.0 if quick else 10.0),
        lambda data: link_lost(data, 3 if quick else 9),
        lambda data: many_runs(data, n_runs),
        lambda data: many_rows(data, n_rows),
        lambda data: longest_block(data, n_rows // 10),
        lambda data: log_lines(n_rows),
    ]
    missed = 0
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            for figure in part(Path(folder)):
                print(figure.line(), flush=True)
                missed += not figure.is_met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
