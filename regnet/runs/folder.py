"""What lies in a run's folder, what may it be called, and how is it made, found and deleted?"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from regnet import __version__
from regnet.atomic_files import write_whole
from regnet.errors import InputError, shown
from regnet.execution import Execution
from regnet.files.matrices import matrix_files, with_matrices
from regnet.files.table_names import find_table
from regnet.places import MARKER, Places, find_places
from regnet.runs.environment import environment
from regnet.runs.processes import host_name
from regnet.study import Study

FORMAT = 1
"""Version of the folder's layout, named in ``run.json``."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_MOST_RECORD = 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class RunFolder:
    """One run on disk, by its path; what it says about itself is read when it's asked for."""

    path: Path

    @property
    def id(self) -> str:
        """The folder's name, which is the run's for commands."""
        return self.path.name

    @property
    def study_file(self) -> Path:
        """The study with every parameter written out."""
        return self.path / "study.toml"

    @property
    def record_file(self) -> Path:
        """``run.json``: what is known about the run from its start, for quick lists."""
        return self.path / "run.json"

    @property
    def events(self) -> Path:
        """The log, which is the truth about the run."""
        return self.path / "events.jsonl"

    @property
    def runner_log(self) -> Path:
        """What the runner and its workers printed."""
        return self.path / "runner.log"

    @property
    def lock(self) -> Path:
        """Names the runner that writes into this folder."""
        return self.path / "runner.lock"

    @property
    def heartbeat(self) -> Path:
        """Empty; its modification time is the runner's last sign of life."""
        return self.path / "heartbeat"

    @property
    def stop_flag(self) -> Path:
        """A file whose presence asks the runner to stop, from any host."""
        return self.path / "stop"

    @property
    def rows_file(self) -> Path:
        """Compact copy of the log's replicates, made at a run's end; can be made again at any time."""
        return self.path / "rows.bin"

    @property
    def summary_csv(self) -> Path:
        return self.path / "summary.csv"

    @property
    def replicates_csv(self) -> Path:
        return self.path / "replicates.csv"

    def arrays_of(self, scenario: int, replicate: int) -> Path:
        """Where the arrays of one replicate lie."""
        return self.path / self.arrays_name(scenario, replicate)

    @staticmethod
    def arrays_name(scenario: int, replicate: int) -> str:
        """The same, relative to the folder, as the log names it."""
        return f"arrays/{scenario:03d}/{replicate:05d}.npz"

    @property
    def file_mode(self) -> int:
        """Permissions of the files in it: private to the user, unless the folder itself isn't."""
        return 0o600 if self.is_private else 0o644

    @property
    def is_private(self) -> bool:
        """Whether only the user may read the folder."""
        try:
            return not self.path.stat().st_mode & 0o077
        except OSError:
            return True

    def study(self) -> Study:
        """Return the run's study.

        Raises
        ------
        InputError
            Where ``study.toml`` can't be read.
        """
        try:
            with self.study_file.open("rb") as file:
                text = file.read(_MOST_RECORD + 1).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{self.id}, study.toml", "a readable study", str(error)) from None
        return Study.from_toml(text, f"{self.id}/study.toml")

    def record(self) -> dict[str, Any]:
        """Return what ``run.json`` says.

        Raises
        ------
        InputError
            Where it is missing, damaged or of an unknown format.
        """
        record = read_record(self.record_file)
        if record is None:
            raise InputError(f"{self.id}, run.json", "a run's record", "none that can be read")
        if record.get("format") != FORMAT:
            found = shown(record.get("format"))
            raise InputError(f"{self.id}, format", f"{FORMAT}", found, "another version of regNet wrote it")
        return record

    def execution(self) -> Execution:
        """Return the settings of execution that the run was last started with.

        Raises
        ------
        InputError
            Where ``run.json`` doesn't hold them.
        """
        found = self.record().get("execution")
        try:
            return Execution(**found)  # type: ignore[arg-type]
        except (TypeError, InputError) as error:
            raise InputError(f"{self.id}, run.json, execution", "settings of execution", str(error)) from None

    def places(self) -> Places:
        """Return the data directory that the run was started with, where its motif tables are found."""
        return Places(Path(str(self.record().get("data") or self.path.parents[1])), "the run's own")


def read_record(path: Path) -> dict[str, Any] | None:
    """Return a small JSON file's object; None where it's missing, too large or no JSON object."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_RECORD + 1)
        record = json.loads(text) if len(text) <= _MOST_RECORD else None
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def create_run(
    study: Study,
    execution: Execution,
    places: Places,
    *,
    name: str | None = None,
    command: Sequence[str] | None = None,
    private: bool = True,
) -> RunFolder:
    """Make a run's folder with its study and record; nothing is started.

    Parameters
    ----------
    study, execution, places
        What is run, how, and under which data directory.
    name : str, optional
        The run's name (default: the study's); its folder adds the date and four random digits.
    command : sequence of str, optional
        The command that started it, for the record.
    private : bool
        Whether only the user may read the folder (mode 0700, files 0600).

    Raises
    ------
    InputError
        Where the data directory can't be written, a motif table of the study isn't there, or one of
        its matrices can't be read.
    """
    from regnet.runs.readme import folder_readme

    asked, study = study, with_matrices(with_whole_paths(study, places))
    label = name if name is not None else study.name
    record = {
        "format": FORMAT,
        "name": label,
        "created": round(time.time(), 3),
        "host": host_name(),
        "regnet": __version__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "command": shlex.join(command if command is not None else sys.orig_argv),
        "directory": str(Path.cwd()),
        "data": str(places.root),
        "study": study.identity(),
        "scenarios": len(study.scenarios),
        "replicates": study.replicates,
        "methods": list(study.labels),
        "baseline": study.baseline,
        "seed": study.seed,
        "execution": asdict(execution),
    }
    try:
        make_data_directory(places)
        made = RunFolder(_make_folder(places.runs, label or "study", 0o700 if private else 0o755))
        mode = made.file_mode
        header = _header(record, matrix_files(asked))
        write_whole(made.study_file, header + study.to_toml(full=True), mode=mode)
        write_whole(made.path / "README.md", folder_readme(study), mode=mode)
        write_whole(made.record_file, json.dumps(record, indent=1) + "\n", mode=mode)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            str(places.runs), "a directory that can be written", reason, "give another with --data"
        ) from None
    return made


def with_whole_paths(study: Study, places: Places) -> Study:
    """Return a study whose motif files are named by their whole paths, so that they are found from anywhere.

    Where every scenario takes its expression from a data set, the motif table has no effect, and
    isn't looked for.

    Raises
    ------
    InputError
        Where a motif table isn't there.
    """
    if all(study.values["dataset"]):
        return study
    named = []
    for motifs in map(str, study.values["motifs"]):
        table = Path(motifs) if motifs == "synthetic" else find_table(motifs, "motif", places)
        is_path = table == Path(motifs).expanduser() and motifs != "synthetic"
        named.append(str(table.absolute()) if is_path else motifs)
    return study.replace(motifs=named)


def update_record(folder: RunFolder, **changes: object) -> None:
    """Change entries of ``run.json`` (its name, the settings of execution), whole or not at all.

    Raises
    ------
    InputError
        Where the record can't be read or written.
    """
    text = json.dumps({**folder.record(), **changes}, indent=1) + "\n"
    try:
        write_whole(folder.record_file, text, mode=folder.file_mode)
    except OSError as error:
        raise InputError(folder.id, "a folder that can be written", error.strerror or str(error)) from None


def rename_run(folder: RunFolder, name: str) -> None:
    """Give a run another name; its folder, and so its id, stays.

    Raises
    ------
    InputError
        Where the name is no line of at most 100 printable characters.
    """
    if not name.isprintable() or not 0 < len(name.strip()) <= 100:
        raise InputError("name", "a line of 1 to 100 printable characters", shown(name))
    update_record(folder, name=name.strip())


def find_run(places: Places, text: str) -> RunFolder:
    """Return the run that a user means: by id, an unambiguous part of it, its path, or ``last``.

    Raises
    ------
    InputError
        Where none or several are meant. (Commands end with exit code 3 then.)
    """
    if os.sep in text or text in (".", ".."):
        folder = RunFolder(Path(text).expanduser().resolve())
        if folder.record_file.is_file():
            return folder
        raise InputError("run", "a run's folder", shown(text), "it holds no run.json")
    ids = run_ids(places.runs)
    if text == "last" and ids:
        return max((RunFolder(places.runs / id) for id in ids), key=_created)
    meant = [text] if text in ids else sorted(id for id in ids if text and text in id)
    if len(meant) == 1:
        return RunFolder(places.runs / meant[0])
    if not meant:
        raise InputError("run", f"a run in {places.runs}", shown(text), "regnet runs lists them")
    some = ", ".join(meant[:4]) + (" …" if len(meant) > 4 else "")
    raise InputError("run", "one run", f"{len(meant)} that match {shown(text)}", f"say which: {some}")


def name_in_commands(folder: RunFolder) -> str:
    """Return what names a run in a command that is pasted into any shell, quoted for it.

    That is its id where commands look for runs anyway, else its path.
    """
    with contextlib.suppress(InputError):
        places = find_places()
        if places.is_the_users and folder.path.parent == places.runs:
            return folder.id
    return shlex.quote(str(folder.path.absolute()))


def run_ids(runs: Path) -> list[str]:
    """Return the names of the run folders in a directory, unsorted; symbolic links don't count."""
    try:
        with os.scandir(runs) as entries:
            return [
                entry.name
                for entry in entries
                if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []


def delete_run(folder: RunFolder) -> None:
    """Delete a run's folder. Symbolic links in it are removed, not followed.

    Raises
    ------
    InputError
        Where its runner is alive, or the folder isn't a run's.
    """
    from regnet.runs.lock import read_holder

    if folder.path.is_symlink() or not folder.record_file.is_file():
        raise InputError("run", "a run's folder", shown(folder.path), "it is left alone")
    holder = read_holder(folder.lock, folder.heartbeat)
    if holder is not None and holder.is_alive:
        raise InputError(
            folder.id, "a run that isn't alive", f"process {holder.process.pid}", "stop it first"
        )
    try:
        # The name goes first, in one step: nobody lists a run that is half deleted.
        doomed = folder.path.with_name(f".deleted-{folder.id}-{secrets.token_hex(2)}")
        folder.path.rename(doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        raise InputError(folder.id, "a folder that can be deleted", error.strerror or str(error)) from None


def make_data_directory(places: Places) -> None:
    """Make the data directory and its marker where they don't exist yet."""
    places.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    places.runs.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError, PermissionError):
        (places.root / MARKER).open("x").close()


def _make_folder(runs: Path, label: str, mode: int) -> Path:
    slug = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:40].strip("-") or "study"
    while True:
        path = runs / f"{time.strftime('%Y-%m-%d')}-{slug}-{secrets.token_hex(2)}"
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
            path.chmod(mode)
            return path


def _header(record: Mapping[str, object], matrices: Mapping[str, Path]) -> str:
    machine = environment()
    packages = ((name, number) for name, number in machine["versions"].items() if name not in record)
    lines = [
        f"regNet {record['regnet']}, Python {record['python']}, on {record['host']}",
        f"{machine['processors']} of {machine['machine_processors']} processors, {machine['processor']}",
        ", ".join(f"{name} {number}" for name, number in packages),
        f"command: {record['command']}",
        *(f"{name} as it stood in {path}" for name, path in matrices.items()),
        "Every parameter of the study, defaults included. What each session was computed with, the BLAS of",
        "the workers too, stands in the lines 'started', 'resumed' and 'scenario' of events.jsonl.",
    ]
    return "".join(f"# {''.join(c if c.isprintable() else '?' for c in line)}\n" for line in lines) + "\n"


def _created(folder: RunFolder) -> float:
    created = (read_record(folder.record_file) or {}).get("created", 0.0)
    return float(created) if isinstance(created, int | float) else 0.0
