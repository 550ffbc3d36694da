"""What is the app, and how does it start and end?

The app holds what its screens share: where data lie, the form's draft, which run is looked at. It
starts runs as processes of their own and never computes anything itself.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from regnet.errors import InputError
from regnet.places import Places, find_places
from regnet.settings import remember, setting
from regnet.study import Study
from regnet_tui.draft import take_draft
from regnet_tui.form_state import FormState, check
from regnet_tui.from_thread import later
from regnet_tui.page import Page
from regnet_tui.safe_text import clean
from regnet_tui.study_screen import StudyScreen
from regnet_tui.themes import THEMES, theme_for

if TYPE_CHECKING:
    from regnet.execution import Execution
    from regnet.runs.folder import RunFolder
    from regnet_tui.plots import Chart

FIRST_PRESET = "quickstart"
THEME = "theme"  # its name among the settings of the data directory


class RegnetApp(App[int]):
    """The terminal app."""

    TITLE = "regNet"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "study"
    ENABLE_COMMAND_PALETTE = True
    NOTIFICATION_TIMEOUT = 4
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "command_palette", "Commands", show=False),
        # First in line, so that screens change in the order of the keys, and what is typed ahead of a slow
        # link goes to the screen that it was meant for.
        Binding("f2", "show_mode('study')", "Study", show=False, priority=True),
        Binding("f3", "show_mode('runs')", "Runs", show=False, priority=True),
        Binding("f4", "show_mode('run')", "Run", show=False, priority=True),
        Binding("f5", "show_mode('results')", "Results", show=False, priority=True),
        Binding("f6", "show_mode('data')", "Own data", show=False, priority=True),
    ]

    def __init__(self, places: Places, *, theme: str = "") -> None:
        # without colours, Textual drops the codes only where it thinks in the terminal's own
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.animation_level = "none"
        self.places = places
        self.news = ""
        self.shown_run: RunFolder | None = None
        self.started: list[RunFolder] = []
        for known in THEMES.values():
            self.register_theme(known)
        # set before anything is mounted: a theme that comes later styles everything twice
        remembered = setting(places, THEME)
        self.theme = theme_for(theme, remembered, self.console.color_system, self.no_color)
        self._study: StudyScreen | None = None
        self._modes: dict[str, Callable[[], Screen[Any]]] = {  # type: ignore[assignment]
            "runs": functools.partial(self._make, "runs_screen", "RunsScreen"),
            "run": functools.partial(self._make, "run_screen", "RunScreen"),
            "results": functools.partial(self._make, "results_screen", "ResultsScreen"),
            "data": functools.partial(self._make, "data_screen", "DataScreen"),
        }

    def get_default_screen(self) -> StudyScreen:
        """Return the first screen.

        Textual puts a default screen on the stack before it composes it, and a mode's first screen
        after: too late since Python 3.12, where a task starts at once and widgets ask for their screen.
        """
        return self._make_study()

    def on_mount(self) -> None:
        self.add_mode(self.DEFAULT_MODE, self._make_study)  # a place to come back to
        self.set_interval(2.0, self.look_for_news)
        # What stands once the first screen does stays: the collector needn't look through it again.
        self.set_timer(0.3, gc.freeze)

    # ---- screens ---------------------------------------------------------------------------------

    def _make_study(self) -> StudyScreen:
        draft = take_draft(self.places.drafts)
        self._study = StudyScreen(draft or first_state(self.places))
        return self._study

    def _make(self, module: str, name: str) -> Screen[Any]:
        import importlib

        made: Screen[Any] = getattr(importlib.import_module(f"regnet_tui.{module}"), name)()
        return made

    def action_show_mode(self, mode: str) -> None:
        """Go to a screen; what lies over it stays with its own."""
        if len(self.screen_stack) == 1:
            self.switch_mode(mode)

    def action_help(self) -> None:
        from regnet_tui.help_screen import HelpScreen

        if isinstance(self.screen, Page):
            self.push_screen(HelpScreen(self.screen))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        from regnet_tui.palette import commands

        yield from commands(self, screen)

    # ---- what the screens ask for ----------------------------------------------------------------

    @functools.cached_property
    def processors(self) -> int:
        """How many processors this process may use."""
        from regnet.runs.processors import usable_processors

        return usable_processors().count

    def base_of(self, origin_name: str) -> tuple[str, Study | None]:
        """Return what a command may start from, given where the form was filled from."""
        from regnet.presets.preset_files import DEFAULT, list_presets

        if any(preset.name == origin_name for preset in list_presets(self.places)):
            assert self._study is not None
            return origin_name, check(self._study.state.origin).study
        return DEFAULT, None

    def copy_text(self, text: str) -> None:
        """Copy a text by the way that works here, and say which it was."""
        from regnet_tui.clipboard import copy

        try:
            self._done(copy(text, self.copy_to_clipboard, self.places.root))
        except OSError as error:
            self._fail(f"nothing copied: {error.strerror}")

    # ---- runs ------------------------------------------------------------------------------------

    @work(thread=True, group="start")
    def start(self, study: Study, execution: Execution, command: Sequence[str]) -> None:
        """Start a run in a process of its own and show it."""
        from regnet.runs.launch import start_run

        try:
            folder = start_run(study, execution, self.places, command=command)
        except (InputError, OSError) as error:
            later(self, self._fail, f"the run can't start: {error}")
        else:
            later(self, self._started, folder)

    def _started(self, folder: RunFolder) -> None:
        self.started.append(folder)
        self.show_run(folder)

    def look_for_news(self) -> None:
        """Say in the line of screens what became of the runs that were started here; steal no focus."""
        if not self.started:
            return
        from regnet.runs.state import state_of

        news = ""
        for folder in reversed(self.started):
            with contextlib.suppress(InputError):
                state = state_of(folder)
                news = news or f"{state.name} {state.done}/{state.total}"
                if state.is_alive:
                    news = f"{state.name} {state.done}/{state.total}"
                    break
        if news != self.news:
            self.news = news
            if isinstance(self.screen, Page):
                self.screen.draw_nav()

    def _fail(self, text: str) -> None:
        """Show a failure on the page, under whatever window lies over it."""
        page = self.screen_stack[0]
        if isinstance(page, Page):
            page.fail(text)

    def show_run(self, folder: RunFolder, mode: str = "run") -> None:
        """Look at a run, going on or ended."""
        self.shown_run = folder
        self.action_show_mode(mode)
        if isinstance(self.screen, Page) and self.screen.mode == mode:
            self.screen.come_back()

    def show_replicates(self, folder: RunFolder, query: str) -> None:
        """List the replicates of a run that a filter leaves."""
        from regnet_tui.results_screen import ResultsScreen

        self.show_run(folder, "results")
        screen = self.screen
        if isinstance(screen, ResultsScreen):
            screen.show_replicates(query)

    def fill_form(self, state: FormState) -> None:
        """Fill the form, and show it."""
        self.action_show_mode("study")
        if self._study is not None:
            self._study.take(state)

    def save_picture(self, chart: Chart, name: str) -> None:
        """Save a chart as an SVG file in the data directory's room for it."""
        from regnet.atomic_files import write_whole
        from regnet_tui.plots_svg import to_svg

        folder = self.places.root / "pictures"
        path = folder / f"{name}.svg"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, to_svg(chart))
        except OSError as error:
            self._fail(f"no picture saved: {error.strerror}")
        else:
            self._done(f"saved as {path}")

    def _done(self, text: str) -> None:
        self.notify(clean(text, 400), markup=False)

    def choose_theme(self, name: str) -> None:
        """Take other colours, now and the next time."""
        self.theme = name
        try:
            remember(self.places, THEME, name)
        except InputError as error:
            self._fail(f"the theme is not remembered: {error}")

    def action_info(self) -> None:
        from regnet_tui.info_screen import InfoScreen

        self.push_screen(InfoScreen())

    def action_save_screen(self) -> None:
        """Save what is on the screen as SVG."""
        import time

        folder = self.places.root / "pictures"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = time.strftime("screen-%Y%m%d-%H%M%S.svg")
            path = self.save_screenshot(name, str(folder))
        except OSError as error:
            self._fail(f"no picture saved: {error.strerror}")
        else:
            self._done(f"saved as {path}")

    # ---- the end ---------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        """Leave; while runs are alive, ask what becomes of them."""
        alive = self.alive_runs()
        if not alive:
            self._leave_now()
            return
        from regnet_tui.dialogs import quit_question

        def answered(answer: str | None) -> None:
            if answer == "keep":
                self._leave_now()
            elif answer == "stop":
                self._stop_and_leave(alive)

        self.push_screen(quit_question(len(alive)), answered)

    def alive_runs(self) -> list[RunFolder]:
        """Return the runs at work on this machine under this data directory."""
        from regnet.runs.folder import RunFolder
        from regnet.runs.queue import waiting_and_going
        from regnet.runs.state import state_of

        known = {RunFolder(self.places.runs / id) for id in waiting_and_going(self.places)}
        found = []
        for folder in sorted(known | set(self.started)):
            with contextlib.suppress(InputError):
                if state_of(folder).is_alive:
                    found.append(folder)
        return found

    @work(thread=True)
    def _stop_and_leave(self, folders: Sequence[RunFolder]) -> None:
        from regnet.runs.launch import stop_run

        for folder in folders:
            with contextlib.suppress(InputError, OSError):
                stop_run(folder, wait=0.0)
        later(self, self._leave_now)

    def _leave_now(self) -> None:
        self.save_draft()
        self.exit(0)

    def save_draft(self) -> None:
        """Save the form's draft, whatever state the terminal is in."""
        if self._study is not None:
            with contextlib.suppress(OSError):
                self._study.save_draft_now()

    def hang_up(self, number: int) -> None:
        """The terminal is gone: save the draft and leave within a second; runs go on."""
        self.save_draft()
        # the loop may be stuck in a write to a terminal that takes nothing any more
        threading.Timer(0.7, os._exit, args=(128 + number,)).start()
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self.exit, 128 + number)


def first_state(places: Places) -> FormState:
    """Return what the form holds when the app is opened for the first time."""
    from regnet.presets.preset_files import find_preset

    try:
        return FormState.from_study(find_preset(FIRST_PRESET, places).read(), FIRST_PRESET)
    except InputError:
        return FormState.from_study(Study(), "default")


def main(argv: Sequence[str] | None = None) -> int:
    """Start the app; return its exit code."""
    parser = argparse.ArgumentParser(prog="regnet-tui", description="regNet in the terminal.")
    parser.add_argument("--data", metavar="DIR", help="data directory (see: regnet info)")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--theme", choices=sorted(THEMES), default="", help="colours to start with")
    options = parser.parse_args(argv)
    try:
        places = find_places(options.data)
    except InputError as error:
        print(f"regnet-tui: {error}", file=sys.stderr)
        return 2
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # where Textual draws
        print("regnet-tui: wants a terminal; 'regnet run' works without one", file=sys.stderr)
        return 2
    app = RegnetApp(places, theme=options.theme)
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: app.hang_up(number))
    return app.run(mouse=not options.no_mouse) or 0
