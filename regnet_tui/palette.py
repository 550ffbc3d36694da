"""Which commands does ctrl+p offer? The screens, the actions of the screen at hand, and the themes."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from regnet_tui.help_screen import KEY_NAMES
from regnet_tui.page import PAGES, Page
from regnet_tui.themes import THEMES

if TYPE_CHECKING:
    from regnet_tui.app import RegnetApp

_HIDDEN = (
    *("back", "next", "previous", "leave", "commands", "open", "select"),
    *("up", "down", "left", "right", "first", "last", "first row", "last row", "first line", "last line"),
    *("page up", "page down"),
)


def _actions(owner: Widget) -> Iterator[SystemCommand]:
    """Yield a command for everything that a screen or the widget in focus can do."""
    seen: set[str] = set()
    for key, binding in owner._bindings:
        told, action = binding.description, binding.action
        if told and told.lower() not in _HIDDEN and action not in seen and "screen." not in action:
            seen.add(action)
            title = told[0].upper() + told[1:]
            yield SystemCommand(title, f"key {KEY_NAMES.get(key, key)}", _run(owner, action))


def _run(owner: Widget, action: str) -> Callable[[], Awaitable[object]]:
    return functools.partial(owner.run_action, action)


def commands(app: RegnetApp, screen: Screen[Any]) -> Iterator[SystemCommand]:
    """Yield the commands for a screen: everything it can do, by name and key."""
    if isinstance(screen, Page):
        yield from _actions(screen)
        if screen.focused is not None and not isinstance(screen.focused, Input):
            yield from _actions(screen.focused)
    for mode, key, name in PAGES:
        yield SystemCommand(f"Go to {name}", f"key {key}", functools.partial(app.action_show_mode, mode))
    for name in THEMES:
        yield SystemCommand(f"Theme {name}", "colours of the app", functools.partial(app.choose_theme, name))
    yield SystemCommand("Paths, versions, terminal", "what a report needs", app.action_info)
    yield SystemCommand("Save the screen as SVG", "a picture of the app", app.action_save_screen)
