"""How does a thread tell a screen what it found? Without waiting, and only while the screen is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from textual.app import App
from textual.widget import Widget


def later(owner: Widget | App[int], function: Callable[..., object], *args: object) -> None:
    """Call a function in the loop of the screens, as soon as the owner's messages are done.

    Unlike ``call_from_thread`` it doesn't wait for the result, so that no thread is left hanging when
    the app leaves, and the function isn't called on a screen that has been taken down.
    """

    def call() -> None:
        if owner.app.is_running and (isinstance(owner, App) or _is_there(owner)):
            function(*args)

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there to be told
        owner.call_later(call)


def _is_there(owner: Widget) -> bool:
    return owner.is_attached and bool(owner.children) and owner.app.return_value is None
