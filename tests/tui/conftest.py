"""The app in a test: on a data directory of its own, with nothing that differs between machines."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_runs import CREATED, places_in

from regnet.places import VARIABLE, Places
from regnet_tui.app import RegnetApp
from regnet_tui.study_screen import StudyScreen


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return places_in(tmp_path / "data")


@pytest.fixture
def open_app(places: Places, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., RegnetApp]]:
    """Return what makes an app: four processors, no estimate from this machine, a fixed hour and zone."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    for name in ("TMUX", "NO_COLOR", "SLURM_CPUS_PER_TASK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    # commands name runs by their ids in the user's own data directory, and by their paths elsewhere
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *_: str(places.root))
    monkeypatch.setattr(RegnetApp, "processors", 4)
    monkeypatch.setattr(StudyScreen, "estimate", lambda self: None)
    monkeypatch.setattr("regnet_tui.runs_screen.time.time", lambda: CREATED + 7300)

    def make(theme: str = "regnet-dark") -> RegnetApp:
        return RegnetApp(places, theme=theme)

    yield make
    os.environ.pop("TZ", None)
    monkeypatch.undo()
    time.tzset()
