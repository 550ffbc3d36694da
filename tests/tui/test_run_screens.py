"""The Runs, Run and Results screens: what they show, and what their keys do to runs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_runs import CREATED, make_run, replicate_event, write_log
from textual.pilot import Pilot
from textual.widgets import Input, Static

from regnet.execution import Execution
from regnet.places import Places
from regnet.runs.events import EventLog
from regnet.runs.folder import RunFolder, create_run, run_ids
from regnet.runs.listing import RunInfo, list_runs
from regnet.runs.queue import runs_at_once
from regnet.runs.state import state_of
from regnet.study import Study
from regnet_tui.app import RegnetApp
from regnet_tui.dialogs import Question
from regnet_tui.log_view import LogView
from regnet_tui.picture_view import PictureView
from regnet_tui.plots import Heat, Notice, Scatter
from regnet_tui.row_table import RowTable
from regnet_tui.run_index import RunIndex, RunLine
from regnet_tui.runs_screen import RunsScreen
from regnet_tui.study_screen import StudyScreen

OpenApp = Callable[..., RegnetApp]
GRID = Study(name="grid", conditions=[4, 8], covariance="id", replicates=5)


def text_of(app: RegnetApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).render())


def table(app: RegnetApp, selector: str) -> RowTable:
    return app.screen.query_one(selector, RowTable)


def names(app: RegnetApp) -> list[str]:
    return [line.name for line in table(app, "#runs").rows]


async def settle(pilot: Pilot[int]) -> None:
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


@pytest.fixture
def three(places: Places) -> list[RunFolder]:
    return [
        make_run(places, GRID, name="alpha", created=CREATED),
        make_run(places, GRID, name="beta", done=4, end="stopped", created=CREATED + 100, failed=2),
        make_run(places, GRID.replace(noise="identity"), name="gamma", created=CREATED + 200),
    ]


# ---- the list ----------------------------------------------------------------------------------------


async def test_an_empty_list_names_the_keys_to_press(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        await settle(pilot)
        drawn = table(app, "#runs").render_line(1).text
        assert "ctrl+r" in drawn


async def test_runs_are_listed_newest_first_filtered_and_sorted(
    open_app: OpenApp, three: list[RunFolder]
) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        await settle(pilot)
        assert names(app) == ["gamma", "beta", "alpha"]
        await pilot.press("slash", *"noise:identity")
        assert names(app) == ["gamma"]
        app.screen.query_one("#runs-filter", Input).value = "state:finished conditions>4"
        await pilot.pause()
        assert names(app) == ["gamma", "alpha"]
        app.screen.query_one("#runs-filter", Input).value = "nothing>3"
        await pilot.pause()
        assert "wanted one of" in text_of(app, "#runs-foot")
        await pilot.press("escape", "o", "enter")  # by name
        assert names(app) == ["alpha", "beta", "gamma"]
        await pilot.press("o", "enter")
        assert names(app) == ["gamma", "beta", "alpha"]


async def test_a_run_is_renamed_and_deleted_after_asking(
    open_app: OpenApp, places: Places, three: list[RunFolder]
) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        await settle(pilot)
        await pilot.press("n", "ctrl+u", *"delta", "enter")
        await settle(pilot)
        assert three[2].record()["name"] == "delta"
        await pilot.press("d")
        await pilot.pause()
        await pilot.press("enter")  # the default keeps it
        await settle(pilot)
        assert len(run_ids(places.runs)) == 3
        await pilot.press("d", "d")
        await settle(pilot)
        assert three[2].id not in run_ids(places.runs)
        assert names(app) == ["beta", "alpha"]


async def test_a_runs_study_is_copied_into_the_form(open_app: OpenApp, three: list[RunFolder]) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        await settle(pilot)
        await pilot.press("c")
        await pilot.pause()
        assert isinstance(app.screen, StudyScreen)
        assert app.screen.checked.study == GRID.replace(noise="identity")
        assert app.screen.state.origin_name == f"run {three[2].id}"
        assert app.screen.state.changed == ()


async def test_marked_runs_are_compared_side_by_side(open_app: OpenApp, three: list[RunFolder]) -> None:
    app = open_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f3")
        await settle(pilot)
        await pilot.press("space", "equals_sign")
        await pilot.pause()
        assert "mark two" in text_of(app, "#failure-text")
        await pilot.press("escape", "j", "space", "equals_sign")
        await settle(pilot)
        assert [row[0] for row in table(app, "#differing").rows] == ["noise"]
        assert len(table(app, "#compared").rows) == 6
        before = text_of(app, "#compare-title")
        await pilot.press("m")
        assert text_of(app, "#compare-title") != before


@pytest.mark.parametrize(("size", "whole"), [((80, 24), 2), ((80, 24), 3), ((200, 60), 3)])
async def test_compared_runs_fit_into_the_window_without_going_sideways(
    open_app: OpenApp, places: Places, size: tuple[int, int], whole: int
) -> None:
    grid = GRID.replace(covariance=["id", "random", "lowrank_2"])  # more lines than 24: a scroll bar
    for noise in ("random", "identity", "randomV"):
        make_run(places, grid.replace(noise=noise), name=f"with a long name and {noise} noise")
    app = open_app()
    async with app.run_test(size=size) as pilot:
        await pilot.press("f3")
        await settle(pilot)
        await pilot.press(*["space"] * whole, "equals_sign")
        await settle(pilot)
        for name in ("#differing", "#compared"):
            shown = table(app, name)
            assert not shown.show_horizontal_scrollbar
        compared = table(app, "#compared")
        assert compared.show_vertical_scrollbar == (size == (80, 24))
        widths = {column.width for column in compared.columns[2:]}
        assert len(widths) == 1
        for row in compared.rows:
            for column in compared.columns:
                cell = compared.cell(row, column.key)
                fitting = cell.text if len(cell.text) <= column.width else cell.short
                assert 0 < len(fitting) <= column.width
        if whole == 2 or size[0] > 80:  # differences with their means, not their intervals alone
            assert min(widths) >= max(len(compared.cell(row, "0").text) for row in compared.rows)


async def test_no_state_of_a_run_is_cut_in_a_narrow_window(
    open_app: OpenApp, places: Places, three: list[RunFolder]
) -> None:
    make_run(places, GRID, name="bad", failed=3, created=CREATED + 300)
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        await settle(pilot)
        shown = table(app, "#runs")
        (column,) = [column for column in shown.columns if column.key == "state"]
        cells = [shown.cell(row, "state") for row in shown.rows]
        assert cells[0].text == "! finished with failures"
        drawn = [cell.text if len(cell.text) <= column.width else cell.short for cell in cells]
        assert drawn == ["! 3 failed", "+ finished", "= stopped", "+ finished"]


async def test_how_many_runs_go_at_once_is_asked_and_kept(open_app: OpenApp, places: Places) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3", "p", "ctrl+u", "0", "enter")
        await pilot.pause()
        assert "whole number" in str(app.screen.query_one("#dialog-problem", Static).render())
        await pilot.press("ctrl+u", "3", "enter")
        await pilot.pause()
        assert runs_at_once(places) == 3


async def test_the_runs_are_listed_once_when_the_screen_opens_and_again_for_what_was_asked_meanwhile(
    open_app: OpenApp, three: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[Places] = []
    under_way: list[RunIndex] = []
    at_once: list[int] = []

    def slow_listing(places: Places) -> list[RunInfo]:
        listed.append(places)
        time.sleep(0.3)
        return list_runs(places)

    real = RunIndex.refresh

    def refresh(self: RunIndex) -> list[RunLine]:
        under_way.append(self)
        at_once.append(len(under_way))
        lines = real(self)
        under_way.pop()
        return lines

    monkeypatch.setattr("regnet_tui.run_index.list_runs", slow_listing)
    monkeypatch.setattr(RunIndex, "refresh", refresh)
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        await pilot.pause(0.1)
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        three[0].path.rename(three[0].path.with_name("2026-renamed-by-hand"))
        screen.read()
        await settle(pilot)
        await settle(pilot)
        assert len(listed) == 1
        assert set(at_once) == {1}
        assert "2026-renamed-by-hand" in [line.id for line in table(app, "#runs").rows]


async def test_a_folder_that_is_no_run_is_left_out(open_app: OpenApp, places: Places) -> None:
    (places.runs / "not-a-run").mkdir(parents=True)
    (places.runs / "2026-broken").mkdir()
    (places.runs / "2026-broken" / "run.json").write_text("{")
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        await settle(pilot)
        assert names(app) == []


# ---- one run -----------------------------------------------------------------------------------------


async def test_a_run_fills_in_while_its_log_grows(open_app: OpenApp, places: Places) -> None:
    folder = create_run(GRID, Execution(), places, command=["x"])
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.show_run(folder)
        await settle(pilot)
        assert table(app, "#summary").rows == []
        write_log(folder, GRID, done=7, end="")
        await pilot.pause(0.8)
        assert [row.done for row in table(app, "#progress").rows] == [5, 2]
        assert len(table(app, "#summary").rows) == 2
        assert "7/10" in text_of(app, "#run-head")
        first = text_of(app, "#summary-title")
        await pilot.press("m")
        assert text_of(app, "#summary-title") != first


async def test_no_rows_are_missed_while_another_view_is_looked_at(open_app: OpenApp, places: Places) -> None:
    folder = create_run(GRID, Execution(), places, command=["x"])
    write_log(folder, GRID, done=2, end="")
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.show_run(folder)
        await settle(pilot)
        await pilot.press("2")
        generator = random.Random(1)
        for scenario, replicate in ((0, 2), (1, 0), (1, 1)):  # each is seen by a look of its own
            log = EventLog(folder.events)
            log.append(("replicate", replicate_event(GRID, generator, scenario, replicate, False)))
            log.close()
            await pilot.pause(0.7)
        await pilot.press("1")
        await pilot.pause()
        assert [row.cell.n for row in table(app, "#summary").rows] == [3, 2]


async def test_the_log_is_filtered_by_level_and_text_and_followed(open_app: OpenApp, places: Places) -> None:
    lines = [("info", f"line {i}") for i in range(200)] + [("warning", "careful"), ("error", "broken")]
    folder = make_run(places, GRID, done=2, end="", log=tuple(lines))
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.show_run(folder)
        await settle(pilot)
        await pilot.press("2")
        log = app.screen.query_one("#log", LogView)
        total = log.counts[1]
        assert total > 202
        assert log.is_vertical_scroll_end
        await pilot.press("g")
        assert not log.follow
        await pilot.press("f")
        assert log.follow
        await pilot.press("w")
        assert log.counts[0] == 2
        await pilot.press("w")
        assert log.counts[0] == 1
        await pilot.press("w", "slash", *"line 19", "enter")
        assert log.counts[0] == 11  # 19 and 190 to 199
        await pilot.press("escape")
        assert app.screen.query_one("#view-overview").display


async def test_hostile_names_and_logs_are_drawn_as_data(open_app: OpenApp, places: Places) -> None:
    nasty = "\x1b]0;owned\x07\x1b[2J [bold red]markup[/] \u202e 漢字 e\u0301\u0301\u0301"
    folder = make_run(places, GRID, done=3, end="", log=(("error", nasty * 3), ("info", "x" * 10_000)))
    record = folder.record_file.read_text().replace('"grid"', '"[bold]\\u001b[31mgrid\\u202e"')
    folder.record_file.write_text(record)
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("2")
        await pilot.pause()
        drawn = [strip.text for strip in app.screen._compositor.render_strips()]
        assert not any("\x1b" in line or "\u202e" in line for line in drawn)
        assert any("[bold red]markup[/]" in line for line in drawn)
        assert all(len(line) <= 160 for line in drawn)


async def test_a_damaged_run_is_said_not_raised(open_app: OpenApp, places: Places) -> None:
    folder = make_run(places, GRID)
    folder.study_file.write_text("genes = 'lost'")
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.show_run(folder)
        await settle(pilot)
        assert "study.toml" in text_of(app, "#failure-text")
        await pilot.press("f5")
        await settle(pilot)
        assert "study.toml" in text_of(app, "#failure-text")


async def test_no_run_chosen_names_the_keys(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for key, selector in (("f4", "#progress"), ("f5", "#results-summary")):
            await pilot.press(key)
            await settle(pilot)
            assert "F3" in table(app, selector).render_line(1).text


# ---- starting, stopping, leaving ---------------------------------------------------------------------


class Runner:
    """Stands in for the processes that runs are: remembers what it was asked."""

    def __init__(self, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
        self.places = places
        self.asked: list[str] = []
        self.alive: set[RunFolder] = set()
        monkeypatch.setattr("regnet.runs.launch.start_run", self.start)
        monkeypatch.setattr("regnet.runs.launch.stop_run", self.stop)
        monkeypatch.setattr("regnet.runs.launch.resume_run", self.resume)
        monkeypatch.setattr(RegnetApp, "alive_runs", lambda app: sorted(self.alive))

    def start(self, study: Study, execution: Execution, places: Places, **_: object) -> RunFolder:
        folder = make_run(places, study, done=3, end="")
        self.asked.append("start")
        self.alive.add(folder)
        return folder

    def stop(self, folder: RunFolder, **_: object) -> None:
        self.asked.append("stop")
        self.alive.discard(folder)

    def resume(self, folder: RunFolder, **_: object) -> None:
        self.asked.append("resume")


@pytest.fixture
def runner(places: Places, monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(places, monkeypatch)


async def test_one_key_starts_the_first_run_and_shows_it(open_app: OpenApp, runner: Runner) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+r")
        await settle(pilot)
        assert runner.asked == ["start"]
        assert "quickstart" in text_of(app, "#run-head")
        assert table(app, "#progress").rows


@pytest.mark.parametrize(("key", "left", "asked"), [("enter", True, 1), ("s", True, 2), ("q", False, 1)])
async def test_leaving_while_a_run_is_alive_asks_and_keeps_it_running_by_default(
    open_app: OpenApp, runner: Runner, key: str, left: bool, asked: int
) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert isinstance(app.screen, Question)
        await pilot.press(key)
        await settle(pilot)
        assert (app.return_value == 0) is left
        assert len(runner.asked) == asked


async def test_a_stopped_run_resumes_and_an_ended_one_can_not_be_stopped(
    open_app: OpenApp, runner: Runner, three: list[RunFolder]
) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f3")
        await settle(pilot)
        await pilot.press("x")
        await pilot.pause()
        assert "nothing to stop" in text_of(app, "#failure-text")
        await pilot.press("escape", "j", "r")
        await settle(pilot)
        assert runner.asked == ["resume"]


async def test_the_focus_is_not_stolen_when_a_run_ends(
    open_app: OpenApp, runner: Runner, places: Places
) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press("f2", "tab", "tab")
        focused = app.focused
        (folder,) = runner.alive
        folder.events.unlink()
        write_log(folder, folder.study())
        await pilot.pause(2.2)
        assert state_of(folder).name == "finished"
        assert app.focused is focused
        assert "finished" in text_of(app, "#nav")


# ---- results -----------------------------------------------------------------------------------------


async def test_summary_and_replicates_are_filtered_sorted_and_their_columns_chosen(
    open_app: OpenApp, three: list[RunFolder]
) -> None:
    app = open_app()
    async with app.run_test(size=(120, 30)) as pilot:
        app.show_run(three[1], "results")
        await settle(pilot)
        summary = table(app, "#results-summary")
        total = len(summary.rows)
        await pilot.press("slash", *"metric:pearson", "enter")
        assert 0 < len(summary.rows) < total
        await pilot.press("2")
        replicates = table(app, "#replicates")
        assert len(replicates.rows) == 8
        await pilot.press("slash", *"status:failed", "enter")
        assert len(replicates.rows) == 2
        await pilot.press("slash", "ctrl+u", *"pearson>0.7", "enter")
        await pilot.press("o", "j", "enter")  # by replicate
        order = [replicates.cell(row, "replicate").text for row in replicates.rows]
        assert order == sorted(order)
        await pilot.press("C", "j", "space", "enter")
        await pilot.pause()
        assert "replicate" not in [column.key for column in replicates.columns]
        await pilot.press("1")
        assert app.screen.query_one("#results-filter", Input).value == "metric:pearson"


async def test_every_picture_is_shown_and_saved(
    open_app: OpenApp, places: Places, three: list[RunFolder]
) -> None:
    import numpy as np

    path = three[0].arrays_of(0, 0)
    path.parent.mkdir(parents=True)
    truth = {"effects": np.ones((3, 4)), "signal_covariance": np.eye(4)}
    np.savez(path, **truth, **{"LMM/effects": np.eye(3, 4), "LMM/signal_covariance": 2 * np.eye(4)})
    app = open_app()
    async with app.run_test(size=(100, 30)) as pilot:
        app.show_run(three[0], "results")
        await settle(pilot)
        picture = app.screen.query_one("#results-picture", PictureView)
        kinds = []
        await pilot.press("3")
        for _ in range(6):
            await pilot.pause(0.3)
            await settle(pilot)
            kinds.append(type(picture.chart))
            await pilot.press("s", "v")
        assert kinds[4] is Scatter
        assert kinds[5] is Heat
        assert len(set(kinds)) == 4
        saved = list((places.root / "pictures").glob("*.svg"))
        assert len(saved) == 6
        await pilot.press("V", "n")  # a replicate without arrays
        await pilot.pause(0.3)
        await settle(pilot)
        assert isinstance(picture.chart, Notice)


async def test_results_are_exported_and_copied(
    open_app: OpenApp, places: Places, three: list[RunFolder], tmp_path: Path
) -> None:
    app = open_app()
    target = tmp_path / "out.md"
    async with app.run_test(size=(80, 24)) as pilot:
        app.show_run(three[0], "results")
        await settle(pilot)
        await pilot.press("e")
        await pilot.pause()
        app.screen.query_one("#dialog-input", Input).value = str(target)
        await pilot.press("enter")
        await pilot.pause()
        assert target.read_text().startswith("| scenario |")
        await pilot.press("y")
        await pilot.pause()
        assert "\tmetric\tRidge\tLMM\t" in (places.root / "clipboard.txt").read_text()
