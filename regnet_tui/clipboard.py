"""How does text leave the screen for the user's clipboard, over SSH and inside tmux?

In tmux by its own buffer; else by the terminal's OSC 52 sequence, which can't be confirmed, so that
the text goes to a file as well, whose path is shown.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from regnet.atomic_files import write_whole

MOST_OSC52 = 74_994
"""Longest text that terminals take by OSC 52, in bytes before base64."""

_WITHOUT_OSC52 = ("linux", "dumb", "vt100", "vt220")


def copy(text: str, by_terminal: Callable[[str], None], folder: Path) -> str:
    """Copy a text and return a sentence that says where it went.

    `by_terminal` sends an OSC 52 sequence; `folder` is where the file of last resort goes.

    Raises
    ------
    OSError
        Where there is neither tmux nor a directory that can be written.
    """
    if os.environ.get("TMUX") and _by_tmux(text):
        return "copied to tmux's buffer (prefix ] pastes it)"
    path = folder / "clipboard.txt"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, text)
    if os.environ.get("TERM", "dumb") in _WITHOUT_OSC52 or len(text.encode()) > MOST_OSC52:
        return f"written to {path}"
    by_terminal(text)
    return f"copied (OSC 52), and written to {path}"


def describe() -> str:
    """Return in words what :func:`copy` would try first."""
    if os.environ.get("TMUX"):
        return "tmux load-buffer"
    return "a file" if os.environ.get("TERM", "dumb") in _WITHOUT_OSC52 else "OSC 52, and a file"


def _by_tmux(text: str) -> bool:
    for command in (["tmux", "load-buffer", "-w", "-"], ["tmux", "load-buffer", "-"]):
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=2, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if done.returncode == 0:
            return True
    return False
