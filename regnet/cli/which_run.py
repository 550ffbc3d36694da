"""Which run does a command mean? One that there isn't has an exit code of its own."""

from __future__ import annotations

from regnet.cli.exit_codes import NoSuchRun
from regnet.errors import InputError
from regnet.places import Places
from regnet.runs.folder import RunFolder, find_run

RUN = "a run: its name, an unambiguous part of it, its folder, or 'last'"
"""What an argument that names a run may be, for helps."""


def named_run(places: Places, text: str) -> RunFolder:
    """Return the run that a user names: by id, an unambiguous part of it, its path, or ``last``.

    Raises
    ------
    NoSuchRun
    """
    try:
        return find_run(places, text)
    except InputError as error:
        raise NoSuchRun(error.where, error.wanted, error.found, error.remedy) from None
