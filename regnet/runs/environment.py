"""With what software and on what machine was a run computed, and may it be continued with this?"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from regnet import __version__
from regnet.errors import InputError
from regnet.runs.events import Event
from regnet.runs.processes import host_name
from regnet.runs.processors import processor_model, usable_processors

DECISIVE = ("regnet", "numpy", "scipy")
"""Packages whose version decides the numbers: a run isn't continued under others unless forced."""

_PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "joblib",
    "glimix-core",
    "limix",
    "dask",
    "distributed",
)


def environment() -> dict[str, Any]:
    """Return host, processors, and the versions of Python and packages; loads none of them."""
    versions = {"regnet": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "host": host_name(),
        "platform": platform.platform(),
        "processor": processor_model(),
        "processors": usable_processors().count,
        "machine_processors": os.cpu_count() or 1,
        "versions": versions,
    }


def differences(starts: Sequence[Event], now: Mapping[str, Any], cores: int) -> tuple[list[str], list[str]]:
    """Return what differs from a run's earlier starts: what forbids to continue, and what to mention.

    The first list names decisive versions (``numpy 2.3.1, now 2.4.0``); the second, what may change the
    numbers in their last digits (processor, cores per fit, Python).
    """
    forbidding: list[str] = []
    notable: list[str] = []
    for start in starts[:1]:
        then = start.get("versions")
        then = then if isinstance(then, dict) else {}
        for package in (*DECISIVE, "python"):
            was, now_is = then.get(package), now["versions"].get(package)
            if was != now_is:
                (forbidding if package in DECISIVE else notable).append(f"{package} {was}, now {now_is}")
        if start.get("processor") != now["processor"]:
            notable.append(f"processor {start.get('processor')}, now {now['processor']}")
        if start.get("cores") != cores:
            notable.append(f"{start.get('cores')} cores per fit, now {cores}")
    return forbidding, notable


def check_versions(run: str, starts: Sequence[Event], *, cores: int, force: bool) -> tuple[str, list[str]]:
    """Return what was forced (empty: nothing) and what to mention when a run is continued.

    Raises
    ------
    InputError
        Where numpy, scipy or regNet have other versions than when the run began, and `force` is false.
    """
    forbidding, notable = differences(starts, environment(), cores)
    if forbidding and not force:
        raise InputError(
            run,
            "the versions it was begun with",
            "; ".join(forbidding),
            "install those, or resume with --force: the run is marked as mixed",
        )
    return "; ".join(forbidding), notable
