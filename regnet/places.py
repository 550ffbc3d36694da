"""Where do things lie: shipped data, the user's data directory, and the rooms in it?

The data directory is, in this order: the one that is asked for (``--data``), the environment variable
``REGNET_DATA``, ``./data`` where it holds regNet's marker file, or the user's data directory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from regnet.errors import InputError, shown

MARKER = ".regnet"
"""Name of the file that marks a directory as one of regNet's data directories."""

VARIABLE = "REGNET_DATA"
"""Environment variable that names the data directory."""

_THE_USERS = "the user's data directory"


@dataclass(frozen=True, slots=True)
class Places:
    """The rooms of one data directory; none has to exist yet.

    ``why`` says in words how the directory was chosen.
    """

    root: Path
    why: str

    @property
    def is_the_users(self) -> bool:
        """Whether this is the data directory that commands use where nothing says another."""
        return self.why == _THE_USERS

    @property
    def motif(self) -> Path:
        """Motif tables, found by their name."""
        return self.root / "motif"

    @property
    def expression(self) -> Path:
        """Expression tables, found by their name."""
        return self.root / "expression"

    @property
    def simulation(self) -> Path:
        """Simulated data sets."""
        return self.root / "simulation"

    @property
    def stats(self) -> Path:
        """Console output of simulations and fits."""
        return self.root / "stats"

    @property
    def runs(self) -> Path:
        """Run folders, one a run."""
        return self.root / "runs"

    @property
    def presets(self) -> Path:
        """The user's own presets."""
        return self.root / "presets"

    @property
    def drafts(self) -> Path:
        """Autosaved drafts of the app's form."""
        return self.root / "drafts"


def find_places(asked: str | os.PathLike[str] | None = None) -> Places:
    """Return the data directory in force; nothing is created.

    Raises
    ------
    InputError
        Where the directory's path exists and is something else than a directory.
    """
    if asked:
        places = Places(_absolute(asked), "asked for by --data")
    elif os.environ.get(VARIABLE):
        places = Places(_absolute(os.environ[VARIABLE]), f"named by {VARIABLE}")
    elif (Path("data") / MARKER).is_file():
        places = Places(_absolute("data"), f"./data holds {MARKER}")
    else:
        import platformdirs

        places = Places(Path(platformdirs.user_data_dir("regnet", False)), _THE_USERS)
    if places.root.exists() and not places.root.is_dir():
        raise InputError("data", "a directory", shown(places.root), "give another path to --data")
    return places


def shipped_data() -> Path:
    """Return the directory of the data that regNet ships (``motif/``, ``expression/``)."""
    package = Path(__file__).resolve().parent
    installed = package / "data"
    return installed if installed.is_dir() else package.parent / "data"


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(path).expanduser().absolute()
