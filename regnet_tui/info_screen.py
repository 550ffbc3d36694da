"""Where do things lie, which versions are these, and what can this terminal do? What a report needs."""

from __future__ import annotations

import locale
import os
import platform
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

import regnet
from regnet_tui.clipboard import describe
from regnet_tui.quiet_widgets import Words
from regnet_tui.safe_text import clean, fit

if TYPE_CHECKING:
    from regnet_tui.app import RegnetApp

_PACKAGES = ("textual", "rich", "numpy", "scipy", "pandas", "scikit-learn", "joblib", "glimix-core")


class InfoScreen(ModalScreen[None]):
    """Paths, versions, terminal abilities, and how to report a problem."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,question_mark", "app.pop_screen", "back", show=False),
        Binding("y", "copy", "copy", show=False),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"):
            yield Words("About this regNet", classes="dialog-title")
            with VerticalScroll(id="info-text"):
                yield Words(Content("\n".join(self.lines())))
            yield Words("y: copy all this for a report   esc: back", classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one("#info-text").focus()

    def lines(self) -> list[str]:
        return list(facts(cast("RegnetApp", self.app)))

    def action_copy(self) -> None:
        app = cast("RegnetApp", self.app)
        text = "\n".join(self.lines()) + "\n"
        app.pop_screen()
        app.copy_text(text)


def facts(app: RegnetApp) -> Iterator[str]:
    """Yield the lines of what a report needs; packages are asked for by their metadata, not imported."""
    places = app.places

    def line(name: str, value: object) -> str:
        return f"{fit(name, 14)} {clean(value)}"

    yield line("regNet", regnet.__version__)
    yield line("Python", f"{platform.python_version()} on {platform.platform()}")
    for package in _PACKAGES:
        try:
            yield line(package, metadata.version(package))
        except metadata.PackageNotFoundError:
            yield line(package, "not installed")
    yield ""
    yield line("data", f"{places.root} ({places.why})")
    yield line("runs", places.runs)
    yield line("presets", places.presets)
    yield line("draft", places.drafts)
    yield ""
    colours = {"truecolor": "true colour", "256": "256 colours", "standard": "16 colours"}
    system = app.console.color_system
    yield line("terminal", os.environ.get("TERM", "not named"))
    yield line("colours", "none (NO_COLOR)" if app.no_color else colours.get(str(system), "none"))
    yield line("size", f"{app.size.width} × {app.size.height}")
    yield line("tmux", "yes" if os.environ.get("TMUX") else "no")
    yield line("encoding", locale.getpreferredencoding(False))
    yield line("clipboard", describe())
    yield line("processors", app.processors)
    yield ""
    yield "regnet doctor looks closer. To report a problem, add these lines, the run's"
    yield "events.jsonl and runner.log, and what you did and saw."
