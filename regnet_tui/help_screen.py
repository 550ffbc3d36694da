"""What can I do here? Help for the focused field, the screen, and all its keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from regnet_tui.page import PAGES, Page
from regnet_tui.quiet_widgets import Words
from regnet_tui.safe_text import clean, fit

KEY_NAMES = {
    "slash": "/",
    "equals_sign": "=",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pagedown": "PgDn",
    "pageup": "PgUp",
}


class HelpScreen(ModalScreen[None]):
    """Help over the screen it is about."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f1,question_mark", "app.pop_screen", "back", show=False),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("pagedown,space", "scroll(10)", "page down", show=False),
        Binding("pageup", "scroll(-10)", "page up", show=False),
        Binding("i", "info", "paths and versions", show=False),
    ]

    def __init__(self, page: Page) -> None:
        super().__init__()
        focused_help = getattr(page, "focused_help", lambda: "")()
        self._parts = [part for part in (focused_help, page.help_text) if part]
        name = next((name for mode, _, name in PAGES if mode == page.mode), "")
        self._title = f"Help: {name}"
        self._keys = list(keys_of(page))

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"):
            yield Words(Content(self._title), classes="dialog-title")
            with VerticalScroll(id="help-text"):
                for part in self._parts:
                    yield Words(Content("\n".join(map(clean, part.splitlines()))), classes="help-part")
                yield Words(Content("\n".join(self._keys)), classes="help-keys")
            yield Words("esc: back   j k: scroll   i: paths, versions, terminal", classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one("#help-text").focus()

    def action_scroll(self, lines: int) -> None:
        self.query_one("#help-text").scroll_relative(y=lines, animate=False)

    def action_info(self) -> None:
        from regnet_tui.info_screen import InfoScreen

        self.app.switch_screen(InfoScreen())


def keys_of(page: Page) -> Iterable[str]:
    """Yield a line for every key of a screen, its table and the app."""
    focused = page.focused
    groups = [("This screen", page._bindings)]
    if focused is not None and focused.BINDINGS:
        groups.insert(0, ("Here", focused._bindings))
    groups.append(("Everywhere", page.app._bindings))
    for title, bindings in groups:
        yield title
        told: dict[str, list[str]] = {}
        for key, binding in bindings:
            if binding.description:
                told.setdefault(binding.description.lower(), []).append(KEY_NAMES.get(key, key))
        for description, keys in told.items():
            yield f"  {fit(' '.join(dict.fromkeys(keys)), 18)} {description}"
        yield ""
