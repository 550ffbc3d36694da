"""What does a data directory remember for its user? A few values in its ``settings.json``.

Each value belongs to the part that writes it; a part leaves the others' alone, those of later versions
included. A file that can't be read holds nothing, and is replaced by the next value written.
"""

from __future__ import annotations

import json

from regnet.atomic_files import write_whole
from regnet.errors import InputError
from regnet.places import Places

_MOST_BYTES = 100_000


def setting(places: Places, name: str) -> object:
    """Return a value as JSON has it; None where there is none. Whoever asks checks what it is."""
    return _read(places).get(name)


def remember(places: Places, name: str, value: str | int) -> None:
    """Write a value down beside the others.

    Raises
    ------
    InputError
        Where the data directory can't be written.
    """
    try:
        places.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(places.root / "settings.json", json.dumps({**_read(places), name: value}) + "\n")
    except OSError as error:
        raise InputError(str(places.root), "a directory that can be written", str(error.strerror)) from None


def _read(places: Places) -> dict[str, object]:
    try:
        with (places.root / "settings.json").open("rb") as file:
            found = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
