"""``regnet info``: where do files lie, and which versions are installed?"""

from __future__ import annotations

import argparse
import platform
from importlib import metadata
from typing import Any

import regnet
from regnet.cli.arguments import add_data_option
from regnet.cli.output import definitions, write, write_json
from regnet.files.table_names import SUFFIXES, Room
from regnet.places import find_places, shipped_data

ROOMS: tuple[Room, ...] = ("motif", "expression")
"""The rooms that have shipped tables."""

PACKAGES = (
    *("numpy", "scipy", "pandas", "scikit-learn", "joblib", "threadpoolctl", "glimix-core", "limix"),
    *("dask", "distributed", "rich", "textual"),
)
"""The packages whose versions matter for results or screens; the last ones may be missing."""


def add_parser(subparsers: Any) -> None:
    """Add the command ``info``."""
    parser = subparsers.add_parser(
        "info", description="Say where files lie, which data are shipped and which versions are installed."
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_data_option(parser)
    parser.set_defaults(func=show)


def show(options: argparse.Namespace) -> int:
    """Print places, shipped data and versions."""
    places = find_places(options.data)
    rooms = ("motif", "expression", "simulation", "stats", "runs", "presets", "drafts")
    where: dict[str, object] = {"data directory": str(places.root), "chosen because": places.why}
    where |= {room: str(getattr(places, room)) for room in rooms}
    shipped = {"shipped data": str(shipped_data())}
    for room in ROOMS:
        shipped[f"shipped {room}"] = ", ".join(shipped_tables(room)) or "none"
    versions = {"regnet": regnet.__version__, "python": platform.python_version()}
    versions |= {name: installed_version(name) or "not installed" for name in PACKAGES}
    if options.json:
        write_json({"places": where, "shipped": shipped, "versions": versions})
        return 0
    for section in (where, shipped, versions):
        write([*definitions(section), ""])
    return 0


def installed_version(package: str) -> str:
    """Return a package's installed version without importing it; empty where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def shipped_tables(room: Room) -> tuple[str, ...]:
    """Return the names of the tables that regNet ships in a room."""
    found = set()
    for path in (shipped_data() / room).glob("*"):
        suffix = next((ending for ending in SUFFIXES if path.name.endswith(ending)), None)
        if suffix:
            found.add(path.name.removesuffix(suffix))
    return tuple(sorted(found))
