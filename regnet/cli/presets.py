"""``regnet presets``: list, show, save and exchange studies."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from regnet.cli.arguments import add_data_option
from regnet.cli.output import harmless, room, table, write, write_json
from regnet.cli.study_options import (
    add_study_options,
    command_for,
    load_base,
    shown_values,
    study_from_options,
)
from regnet.comparison import differing_parameters
from regnet.errors import InputError
from regnet.places import Places, find_places
from regnet.presets.preset_files import (
    Preset,
    delete_preset,
    duplicate_preset,
    export_preset,
    find_preset,
    import_preset,
    list_presets,
    load_study,
    rename_preset,
    save_preset,
)
from regnet.study import Study, study_parameters


def add_parser(subparsers: Any) -> None:
    """Add the command ``presets`` and its own commands."""
    parser = subparsers.add_parser(
        "presets", description="List, show, save and exchange presets: studies that are ready to run."
    )
    parser.set_defaults(func=show_list, json=False, data=None)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")

    def add(name: str, func: Any, help: str, *arguments: tuple[str, str]) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = commands.add_parser(name, help=help, description=f"{help}.")
        for argument, meaning in arguments:
            command.add_argument(argument, metavar=argument.upper(), help=meaning)
        add_data_option(command)
        command.set_defaults(func=func)
        return command

    preset = ("preset", "a preset's name")
    listed = add("list", show_list, "List all presets (as without a command)")
    listed.add_argument("--json", action="store_true", help="print JSON")
    shown = add("show", show, "Print a preset as TOML", preset)
    shown.add_argument("--full", action="store_true", help="write out every parameter, defaults included")
    shown.add_argument("--json", action="store_true", help="print JSON")
    saved = add("save", save, "Save a study as a preset of your own", ("name", "the new preset's name"))
    saved.add_argument(
        "study", metavar="STUDY", nargs="?", help="a preset's name, 'default' or a study's TOML file"
    )
    saved.add_argument("--force", action="store_true", help="replace a preset of that name")
    own_name = {"name"}  # a study's own name follows the preset's
    add_study_options(saved, leave_out=own_name)
    new = ("new", "the new name")
    add("rename", rename, "Give a preset of your own another name", preset, new)
    add("duplicate", duplicate, "Copy a preset under another name", preset, new)
    add("delete", delete, "Delete a preset of your own", preset)
    imported = add("import", import_file, "Save a study's TOML file as a preset", ("file", "the TOML file"))
    imported.add_argument("--name", default="", help="the preset's name (default: the file's)")
    imported.add_argument("--force", action="store_true", help="replace a preset of that name")
    exported = add("export", export, "Write a preset to a TOML file", preset, ("file", "the file to write"))
    exported.add_argument("--full", action="store_true", help="write out every parameter, defaults included")
    exported.add_argument("--force", action="store_true", help="replace a file that exists")
    two = [("first", "a preset, TOML file or run"), ("second", "another")]
    compared = add("diff", diff, "Say in which parameters two presets, files or runs differ", *two)
    compared.add_argument("--json", action="store_true", help="print JSON")


def show_list(options: argparse.Namespace) -> int:
    """Print all presets with their sizes and notes; one that can't be read says why."""
    presets = list_presets(find_places(options.data))
    found = [(preset, *_read(preset)) for preset in presets]
    if options.json:
        write_json(
            [
                {
                    "name": preset.name,
                    "path": str(preset.path),
                    "shipped": preset.shipped,
                    "fits": study.n_fits if study else None,
                    "note": study.note if study else "",
                    "problem": problem,
                }
                for preset, study, problem in found
            ]
        )
        return 0
    rows = [
        [
            preset.name,
            "shipped" if preset.shipped else "own",
            len(study.scenarios) if study else "",
            study.n_fits if study else "",
            study.note if study else problem,
        ]
        for preset, study, problem in found
    ]
    lines = table(["preset", "kind", "scenarios", "fits", "note"], rows, "llrrl")
    if width := room():
        lines = [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]
    write(lines)
    return 0


def show(options: argparse.Namespace) -> int:
    """Print one preset as TOML or JSON."""
    study = load_study(options.preset, find_places(options.data))
    if options.json:
        values = study.values if options.full else study.changed()
        write_json({name: value[0] if len(value) == 1 else list(value) for name, value in values.items()})
        return 0
    write(study.to_toml(full=options.full).rstrip("\n"))
    return 0


def save(options: argparse.Namespace) -> int:
    """Save a study, with the options' changes, as a preset."""
    places = find_places(options.data)
    options.study = options.study or "default"
    study = study_from_options(load_base(options, places), options)
    return _said("saved", save_preset(study, options.name, places, replace=options.force), places)


def rename(options: argparse.Namespace) -> int:
    places = find_places(options.data)
    return _said("renamed", rename_preset(options.preset, options.new, places), places)


def duplicate(options: argparse.Namespace) -> int:
    places = find_places(options.data)
    return _said("saved", duplicate_preset(options.preset, options.new, places), places)


def delete(options: argparse.Namespace) -> int:
    places = find_places(options.data)
    path = find_preset(options.preset, places).path
    delete_preset(options.preset, places)
    write(f"deleted {harmless(path)}")
    return 0


def import_file(options: argparse.Namespace) -> int:
    places = find_places(options.data)
    preset = import_preset(options.file, places, name=options.name, replace=options.force)
    return _said("saved", preset, places)


def export(options: argparse.Namespace) -> int:
    places = find_places(options.data)
    path = export_preset(options.preset, options.file, places, replace=options.force, full=options.full)
    write(f"written to {harmless(path)}")
    return 0


def diff(options: argparse.Namespace) -> int:
    """Print the parameters in which two studies differ."""
    places = find_places(options.data)
    first, second = (_study_of(name, places) for name in (options.first, options.second))
    found = differing_parameters([first, second])
    if options.json:
        write_json({name: {"first": list(one), "second": list(two)} for name, (one, two) in found.items()})
        return 0
    if not found:
        write("no difference")
        return 0
    parameters = study_parameters()
    rows = [
        [name, *(shown_values(parameters[name], values) for values in each)] for name, each in found.items()
    ]
    write(table(["parameter", options.first, options.second], rows))
    return 0


def _study_of(name: str, places: Places) -> Study:
    """Return the study of a preset, file or run."""
    from regnet.runs.folder import find_run

    try:
        return load_study(name, places)
    except InputError as no_preset:
        if no_preset.where != "study":
            raise
        try:
            return find_run(places, name).study()
        except InputError:
            raise InputError("study", no_preset.wanted + ", or a run's name", no_preset.found) from None


def _read(preset: Preset) -> tuple[Study | None, str]:
    try:
        return preset.read(), ""
    except InputError as error:
        return None, str(error)


def _said(done: str, preset: Preset, places: Places) -> int:
    command = command_for(preset.read(), preset.name, places=places)
    data = "" if places.is_the_users else f" --data {shlex.quote(str(places.root))}"
    write(f"{done} as {harmless(preset.path)}; run it with: {command}{data}")
    return 0
