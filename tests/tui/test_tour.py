"""One tour through the app by keyboard alone, at 80×24: every action that any screen declares is reached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_runs import make_run
from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.pilot import Pilot

from regnet.places import Places
from regnet.runs.folder import RunFolder
from regnet.study import Study
from regnet_tui import app as app_module
from regnet_tui.app import RegnetApp
from regnet_tui.compare_screen import CompareScreen
from regnet_tui.data_screen import DataScreen
from regnet_tui.dialogs import ChoiceDialog, Question, TextDialog, VimOptions
from regnet_tui.diff_screen import DiffScreen
from regnet_tui.help_screen import HelpScreen
from regnet_tui.info_screen import InfoScreen
from regnet_tui.log_view import LogView
from regnet_tui.page import PAGES, Page
from regnet_tui.preset_list import PresetList
from regnet_tui.quiet_widgets import QuietInput
from regnet_tui.results_screen import ResultsScreen
from regnet_tui.row_table import RowTable
from regnet_tui.run_screen import RunScreen
from regnet_tui.runs_screen import RunsScreen
from regnet_tui.study_screen import StudyScreen

OpenApp = Callable[..., RegnetApp]

OWNERS = (
    *(RegnetApp, StudyScreen, RunsScreen, RunScreen, ResultsScreen, DataScreen),
    *(PresetList, VimOptions, QuietInput, RowTable, LogView),
    *(Question, TextDialog, ChoiceDialog, DiffScreen, CompareScreen, HelpScreen, InfoScreen),
)

TOUR = {
    "presets: move, copy, rename, compare, export, delete, import": (
        "G g j k c ctrl+u {own} enter r ctrl+u {ours} enter equals_sign escape e ctrl+u {file} enter "
        "d d i ctrl+u {file} enter i escape"
    ),
    "form: fields, choices, undo, problems, all fields": (
        "tab down up 9 ctrl+z x ctrl+g ctrl+z ctrl+o ctrl+o ctrl+t tab enter j space escape"
    ),
    "form: command, copying, saving, data sets": (
        "ctrl+l ctrl+y escape ctrl+s escape ctrl+n escape enter ctrl+p escape f1 j k pagedown pageup i y "
        "question_mark escape shift+tab"
    ),
    "run": (
        "ctrl+r wait 1 2 3 4 v v s m M 2 w f j k pagedown pageup g G l h slash enter y c f4 wait x l r wait "
        "ctrl+r wait f4 wait W wait f3 wait"
    ),
    "runs: filter, sort, mark, compare, results, copy, rename, delete": (
        "j k g G pagedown pageup l h slash escape o escape space space equals_sign wait m M y escape wait "
        "R wait p escape n escape d k e wait f3 wait c f3 wait enter wait"
    ),
    "results": (
        "f5 wait 1 2 3 v V m M n N S s 1 slash enter o escape C escape e escape y enter escape escape"
    ),
    "own data, and out": "f6 f2 f5 f6 f2 escape q",
}


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> set[tuple[type, str]]:
    """Return the actions that were carried out, with the classes of their owners."""
    seen: set[tuple[type, str]] = set()
    dispatch = App._dispatch_action

    async def recorded(self: App[Any], namespace: DOMNode, action_name: str, params: Any) -> bool:
        seen.add((type(namespace), action_name))
        return await dispatch(self, namespace, action_name, params)

    monkeypatch.setattr(App, "_dispatch_action", recorded)
    return seen


def declared() -> set[tuple[type, str]]:
    """Return every action that the app's own classes declare a key for, with the class that has it."""
    found = set()
    for owner in OWNERS:
        for base in owner.__mro__:
            if base.__module__.startswith(app_module.__name__.split(".", maxsplit=1)[0]):
                for binding in base.__dict__.get("BINDINGS", ()):
                    action = binding.action.partition("(")[0]
                    found.add((RegnetApp, action[4:]) if action.startswith("app.") else (owner, action))
    return found


async def press(pilot: Pilot[int], keys: str, words: dict[str, str]) -> None:
    for key in keys.split():
        if key == "wait":
            await pilot.app.workers.wait_for_complete()
        elif key.startswith("{"):
            await pilot.press(*words[key[1:-1]])
        else:
            await pilot.press(key)
        await pilot.pause()


async def test_every_declared_action_is_reached_by_keyboard_at_80_by_24(
    open_app: OpenApp,
    places: Places,
    reached: set[tuple[type, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    study = Study(covariance="id", conditions=[4, 8], replicates=4)
    log = (("warning", "mind this"),)

    def start(study: Study, *_: object, **__: object) -> RunFolder:
        folder = make_run(places, study.replace(replicates=4), done=5, end="stopped", log=log)
        path = folder.arrays_of(0, 0)
        path.parent.mkdir(parents=True)
        np.savez(path, effects=np.eye(4), **{"LMM/effects": np.eye(4)})
        return folder

    make_run(places, study, log=log)
    monkeypatch.setattr("regnet.runs.launch.start_run", start)
    monkeypatch.setattr("regnet.runs.launch.resume_run", lambda folder: None)
    monkeypatch.chdir(tmp_path)
    words = {"own": "own", "ours": "ours", "file": "ours.toml"}
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for part, keys in TOUR.items():
            await press(pilot, keys, words)
            assert app.is_running or part.startswith("own data"), part
    left_out = {(owner.__name__, action) for owner, action in declared() - reached}
    # what a mixin or a base declares is reached on one of its classes
    reached_names = {action for _, action in reached}
    missing = {(owner, action) for owner, action in left_out if action not in reached_names}
    assert missing == set()
    assert app.return_value == 0


@pytest.mark.parametrize("page", [StudyScreen, RunsScreen, RunScreen, ResultsScreen, DataScreen])
def test_no_screen_shows_more_than_six_keys_or_takes_a_key_of_tmux_and_friends(page: type[Page]) -> None:
    shown = [
        binding for base in page.__mro__ for binding in base.__dict__.get("BINDINGS", ()) if binding.show
    ]
    assert len(shown) <= 6
    for owner in OWNERS:
        for binding in owner.__dict__.get("BINDINGS", ()):
            assert not {"ctrl+a", "ctrl+b", "ctrl+q", "shift+enter"} & set(binding.key.split(","))


async def test_the_palette_offers_every_screen_and_the_actions_at_hand(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        offered = [command.title for command in app.get_system_commands(app.screen)]
        assert {f"Go to {name}" for _, _, name in PAGES} <= set(offered)
        assert {"Run", "Rename", "Theme ansi", "Paths, versions, terminal"} <= set(offered)
        await pilot.press("ctrl+p", *"high-con", "enter")
        await pilot.pause(0.5)
        assert app.theme == "high-contrast"
        assert RegnetApp(app.places).theme in ("high-contrast", "ansi")  # ansi: few colours here


async def test_help_tells_the_focused_field_the_screen_and_its_keys(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.screen.query_one("#field-covariance").focus()
        await pilot.press("f1")
        await pilot.pause()
        text = "\n".join(str(node.render()) for node in app.screen.query("Static"))
        assert "--covariance" in text
        assert "(I+N)(I+N)ᵀ" in text
        assert "ctrl+r" in text


async def test_screens_change_in_the_order_of_the_keys_however_fast_they_come(open_app: OpenApp) -> None:
    app = open_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for key in (*("f3", "f2", "f5", "f4") * 10, "f3"):
            app.post_message(events.Key(key, None))
        await pilot.pause()
        await pilot.pause()
        assert app.current_mode == "runs"
        await pilot.press("/")
        app.post_message(events.Key("f2", None))  # from within an input, too
        await pilot.pause()
        assert app.current_mode == "study"
