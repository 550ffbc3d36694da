"""Which commands does ctrl+p offer? The screens, the actions of the screen at hand, and the themes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.screen import Screen

from regnet_tui.page import PAGES, Page
from regnet_tui.themes import THEMES

if TYPE_CHECKING:
    from regnet_tui.app import RegnetApp

_HIDDEN = ("back", "next", "previous", "leave")


def commands(app: RegnetApp, screen: Screen[Any]) -> Iterator[SystemCommand]:
    """Yield the commands for a screen: everything it can do, by name and key."""
    if isinstance(screen, Page):
        seen: set[str] = set()
        for key, binding in screen._bindings:
            if binding.description and binding.action not in seen and binding.description not in _HIDDEN:
                seen.add(binding.action)
                run = functools.partial(screen.run_action, binding.action)
                title = binding.description[0].upper() + binding.description[1:]
                yield SystemCommand(title, f"key {key}", run)
    for mode, key, name in PAGES:
        yield SystemCommand(f"Go to {name}", f"key {key}", functools.partial(app.action_show_mode, mode))
    for name in THEMES:
        yield SystemCommand(
            f"Theme {name}", "colours of the app", functools.partial(setattr, app, "theme", name)
        )
    yield SystemCommand("Paths, versions, terminal", "what a report needs", app.action_info)
    yield SystemCommand("Save the screen as SVG", "a picture of the app", app.action_save_screen)
