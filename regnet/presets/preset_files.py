"""Where is the study that a name stands for, and how are a user's own presets kept?

A preset is a study's TOML file. The shipped ones lie beside this module and can't be changed; the
user's own lie in the data directory, private, one file a preset. The word ``default`` stands for the
study of which every parameter has its default. Only the standard library is imported here.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from regnet.atomic_files import write_whole
from regnet.errors import InputError, shown
from regnet.places import Places
from regnet.study import MOST_TEXT, Study

DEFAULT = "default"
"""The name that stands for the study of defaults, of which there is no file."""

_NAME = re.compile(r"\w(?:[\w .+-]{0,46}[\w+-])?")
_NAME_WANTED = "1 to 48 letters, digits, spaces and .+-_ that begin with a letter or digit"


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset's file; `read` opens it."""

    name: str
    path: Path
    shipped: bool

    def read(self) -> Study:
        """Return the study.

        Raises
        ------
        InputError
            Where the file isn't a study, with its line or field.
        """
        return _named(read_study_file(self.path), self.name)


def read_study_file(path: str | os.PathLike[str]) -> Study:
    """Return the study in a TOML file.

    Raises
    ------
    InputError
        Where it can't be read or isn't a study, with its line or field.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_TEXT * 4 + 1)
        text = content.decode()
    except UnicodeDecodeError:
        raise InputError(shown(path), "a TOML file in UTF-8", "other bytes") from None
    except OSError as error:
        raise InputError(shown(path), "a study's TOML file", _reason(error)) from None
    return Study.from_toml(text, where=shown(path))


def list_presets(places: Places) -> tuple[Preset, ...]:
    """Return the shipped presets in their own order, then the user's own by name; nothing is opened."""
    here = Path(__file__).resolve().parent
    shipped = [Preset(path.stem, path, True) for path in here.glob("*.toml")]
    shipped.sort(key=lambda preset: (preset.name != "quickstart", preset.name))
    own = []
    with contextlib.suppress(OSError):
        own = [
            Preset(path.stem, path, False)
            for path in sorted(places.presets.glob("*.toml"))
            if _NAME.fullmatch(path.stem)
        ]
    return (*shipped, *own)


def find_preset(name: str, places: Places) -> Preset:
    """Return the preset of a name; raise InputError, with the names there are, where there is none."""
    presets = list_presets(places)
    for preset in presets:
        if preset.name == name:
            return preset
    known = ", ".join(preset.name for preset in presets)
    raise InputError("preset", f"one of {known}", shown(name))


def load_study(base: str, places: Places) -> Study:
    """Return the study that a user names: ``default``, a preset's name, or the path of a TOML file.

    One without a name of its own bears its file's.

    Raises
    ------
    InputError
        Where there is no such preset or file, or it isn't a study.
    """
    if base == DEFAULT:
        return Study()
    if base.endswith(".toml") or os.sep in base:
        return _named(read_study_file(Path(base).expanduser()), Path(base).stem)
    try:
        return find_preset(base, places).read()
    except InputError as error:
        if error.where != "preset":
            raise
        wanted = f"{DEFAULT}, a TOML file's path or a preset ({error.wanted.removeprefix('one of ')})"
        raise InputError("study", wanted, error.found) from None


def save_preset(study: Study, name: str, places: Places, *, replace: bool = False) -> Preset:
    """Save a study as one of the user's own presets; the file bears the name, and so does the study.

    Raises
    ------
    InputError
        Where the name can't be one, is a shipped preset's, or is taken and `replace` is false.
    """
    check_name(name)
    _check_free(name, places, replace=replace)
    places.presets.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = places.presets / f"{name}.toml"
    write_whole(path, study.replace(name=name).to_toml())
    return Preset(name, path, False)


def rename_preset(old: str, new: str, places: Places) -> Preset:
    """Give one of the user's own presets another name; InputError as for `save_preset`."""
    preset = _own(old, places)
    saved = save_preset(preset.read(), new, places)
    preset.path.unlink(missing_ok=True)
    return saved


def duplicate_preset(old: str, new: str, places: Places) -> Preset:
    """Save a copy of any preset under another name; InputError as for `save_preset`."""
    return save_preset(find_preset(old, places).read(), new, places)


def delete_preset(name: str, places: Places) -> None:
    """Delete one of the user's own presets; InputError where it is a shipped one or isn't there."""
    _own(name, places).path.unlink(missing_ok=True)


def import_preset(
    path: str | os.PathLike[str], places: Places, *, name: str = "", replace: bool = False
) -> Preset:
    """Save the study in a TOML file as a preset, under `name` or else the file's own."""
    return save_preset(read_study_file(path), name or Path(path).stem, places, replace=replace)


def export_preset(
    name: str, path: str | os.PathLike[str], places: Places, *, replace: bool = False, full: bool = False
) -> Path:
    """Write a preset to a TOML file of the user's choice; with `full`, every parameter is written out.

    Raises
    ------
    InputError
        Where there is no such preset, or the file is there and `replace` is false, or can't be written.
    """
    study = load_study(name, places)
    target = Path(path).expanduser()
    if target.is_dir():
        target = target / f"{name}.toml"
    if target.exists() and not replace:
        raise InputError(shown(target), "a new file", "one that exists", "give another path or --force")
    try:
        write_whole(target, study.to_toml(full=full), mode=0o644)
    except OSError as error:
        raise InputError(shown(target), "a file that can be written", _reason(error)) from None
    return target


def check_name(name: str) -> None:
    """Raise InputError unless a preset may bear the name: no path, no control character, not reserved."""
    if not _NAME.fullmatch(name):
        raise InputError("preset's name", _NAME_WANTED, shown(name))
    if name == DEFAULT:
        raise InputError("preset's name", f"another name than {DEFAULT}", f"{DEFAULT}, which is reserved")


def _check_free(name: str, places: Places, *, replace: bool) -> None:
    for preset in list_presets(places):
        if preset.name == name and preset.shipped:
            raise InputError("preset's name", "another name", f"{name}, a shipped preset's")
        if preset.name == name and not replace:
            raise InputError(
                "preset's name", "a new name", f"{name}, which exists", "use another, or --force to replace"
            )


def _named(study: Study, name: str) -> Study:
    """Return a study that has a name: its own, else its file's where that can be one."""
    return study if study.name or not name.isprintable() else study.replace(name=name[:100])


def _own(name: str, places: Places) -> Preset:
    preset = find_preset(name, places)
    if preset.shipped:
        raise InputError("preset", "one of your own", f"{name}, which is shipped", "duplicate it first")
    return preset


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
