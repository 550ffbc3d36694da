"""How are the pictures of the app taken? By the app itself, from runs in a data directory.

    python docs/screenshots/take.py DATA

DATA holds two finished runs or more (``regnet run quickstart --data DATA`` makes one). Every screen is
written beside this file, at 80 × 24 and wide.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from unittest import mock

from textual.worker import WorkerCancelled

from regnet.places import Places
from regnet_tui.app import RegnetApp

HERE = Path(__file__).resolve().parent
WIDE = (150, 42)

SCREENS: dict[str, str] = {
    "study": "tab tab",
    "choices": "tab tab tab tab tab enter",
    "runs": "f3",
    "run": "f3 {last} enter",
    "log": "f3 {last} enter 2",
    "parameters": "f3 {last} enter 3",
    "results": "f3 {last} e",
    "replicates": "f3 {last} e 2",
    "differences": "f3 {last} e 3",
    "paired": "f3 {last} e 3 v v S S",
    "convergence": "f3 {last} e 3 v v v S S",
    "effects": "f3 {last} e 3 v v v v S S",
    "covariances": "f3 {last} e 3 v v v v v S S",
    "compare": "f3 space space equals_sign",
    "help": "tab tab tab tab tab f1",
    "palette": "ctrl+p",
    "info": "ctrl+p p a t h s enter",
}


async def take(data: Path, name: str, keys: str, size: tuple[int, int]) -> None:
    """Write one screen at one size."""
    app = RegnetApp(Places(data, "--data"), theme="regnet-dark")
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.8)
        for key in keys.replace("{last}", "G").split():
            await pilot.press(key)
            with contextlib.suppress(WorkerCancelled):  # a search, by the next letter
                await app.workers.wait_for_complete()
            await pilot.pause(0.2)
        await pilot.pause(0.5)
        await app.workers.wait_for_complete()
        svg = app.export_screenshot(title="regNet")
    # leading blanks of a text must stand wherever the picture is drawn
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
    suffix = "80x24" if size == (80, 24) else "wide"
    (HERE / f"{name}-{suffix}.svg").write_text(svg)


def main(argv: list[str]) -> int:
    """Take all pictures, or those named after the data directory."""
    with tempfile.TemporaryDirectory() as folder:
        # a copy under a name that says nothing of this machine, without the user's drafts and presets
        shutil.copytree(Path(argv[0]).resolve() / "runs", Path(folder) / "regnet-data" / "runs")
        os.chdir(folder)
        data = Path("regnet-data")
        with mock.patch("platform.platform", return_value=platform.system()):
            for name, keys in SCREENS.items():
                if len(argv) == 1 or name in argv[1:]:
                    for size in ((80, 24), WIDE):
                        asyncio.run(take(data, name, keys, size))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
