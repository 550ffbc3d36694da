"""The screens as a person has looked at them: pictures to compare with, at 60×20, 80×24 and wide.

``pytest tests/tui/test_looks.py --snapshot-update`` takes them anew; look at each before it is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_runs import CREATED, make_run
from textual.pilot import Pilot

from regnet.places import Places
from regnet.study import Study
from regnet_tui.app import RegnetApp

OpenApp = Callable[..., RegnetApp]
GRID = Study(name="sizes", conditions=[4, 8], covariance=["id", "random"], replicates=20)


@pytest.fixture
def runs(places: Places) -> Places:
    first = make_run(places, GRID, name="sizes", created=CREATED, failed=2)
    again = make_run(places, GRID, name="sizes again", done=41, end="stopped", created=CREATED + 3600)
    for folder in (first, again):  # today's date and four digits drawn by lot are in the folders' names
        folder.path.rename(places.runs / f"2026-01-01-{folder.record()['name'].replace(' ', '-')}-1a2b")
    return places


def by(*keys: str) -> Callable[[Pilot[int]], Any]:
    """Return what brings the app to the screen that is looked at."""

    async def press(pilot: Pilot[int]) -> None:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()

    return press


def test_60_by_20_says_what_it_needs(open_app: OpenApp, snap_compare: Any) -> None:
    assert snap_compare(open_app(), terminal_size=(60, 20))


@pytest.mark.parametrize("theme", ["regnet-dark", "ansi"])
def test_the_study_at_80_by_24(open_app: OpenApp, snap_compare: Any, theme: str) -> None:
    keys = by("tab", "tab", "5", "0", "0", "tab", "x")
    assert snap_compare(open_app(theme), terminal_size=(80, 24), run_before=keys)


def test_the_study_at_120_by_40(open_app: OpenApp, snap_compare: Any) -> None:
    keys = by("tab", "tab", "5", "0", "0", "tab", "x")
    assert snap_compare(open_app("regnet-light"), terminal_size=(120, 40), run_before=keys)


def test_the_runs_at_80_by_24(open_app: OpenApp, runs: Places, snap_compare: Any) -> None:
    assert snap_compare(open_app(), terminal_size=(80, 24), run_before=by("f3", "space"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_run(open_app: OpenApp, runs: Places, snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(open_app(), terminal_size=size, run_before=by("f3", "j", "enter"))


@pytest.mark.parametrize("keys", ["1", "2", "3"])
def test_results_at_80_by_24(open_app: OpenApp, runs: Places, snap_compare: Any, keys: str) -> None:
    app = open_app("high-contrast" if keys == "2" else "regnet-dark")
    assert snap_compare(app, terminal_size=(80, 24), run_before=by("f3", "j", "e", keys))
