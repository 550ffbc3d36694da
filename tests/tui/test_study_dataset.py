"""An old data set is opened from the Study screen: the form says what it holds, and Run fits it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Button, Static

from regnet.execution import Execution
from regnet.study import Study
from regnet_tui.app import RegnetApp
from regnet_tui.study_screen import StudyScreen

OpenApp = Callable[..., RegnetApp]
SAMPLE = next((Path(__file__).parents[1] / "reference" / "legacy").glob("*frac_20.pkl.gz"))


async def open_file(pilot: Pilot[int], path: str) -> None:
    await pilot.press("ctrl+n")
    await pilot.pause()
    field = pilot.app.screen.query_one("#dialog-input")
    field.value = path
    await pilot.press("enter")
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def test_the_form_takes_what_an_old_file_holds_and_run_fits_it(open_app: OpenApp, monkeypatch) -> None:
    started: list[Study] = []

    def start(self: RegnetApp, study: Study, execution: Execution, command: list[str]) -> None:
        started.append(study)

    monkeypatch.setattr(RegnetApp, "start", start)
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_file(pilot, str(SAMPLE))
        assert isinstance(app.screen, StudyScreen)
        texts = app.screen.state.texts
        assert (texts["genes"], texts["tfs"], texts["conditions"]) == ("978", "12", "4")
        assert (texts["covariance"], texts["noise"], texts["replicates"]) == ("lowrank_2", "random", "3")
        assert texts["dataset"] == str(SAMPLE)
        assert not app.screen.query_one("#run", Button).disabled
        await pilot.press("ctrl+r")
    (study,) = started
    assert study.scenarios[0].dataset == str(SAMPLE)
    assert study.n_fits == 6


async def test_a_file_that_is_none_is_said_in_the_window_and_one_that_cannot_be_read_on_the_screen(
    open_app: OpenApp,
) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        before = app.screen.state
        await open_file(pilot, "/no/such/file.pkl")
        assert "a file" in str(app.screen.query_one("#dialog-problem", Static).render())
        await pilot.press("escape")
        await open_file(pilot, __file__)
        assert "found the byte" in str(app.screen.query_one("#failure-text", Static).render())
        assert app.screen.state == before
