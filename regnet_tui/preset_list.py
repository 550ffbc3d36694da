"""Which presets are there, and what can be done with them? The left side of the Study screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets.option_list import Option

from regnet.errors import InputError
from regnet.places import Places
from regnet.presets import preset_files
from regnet.presets.preset_files import Preset
from regnet.study import Study
from regnet_tui.dialogs import Answer, Question, TextDialog, VimOptions
from regnet_tui.safe_text import clean


class PresetList(VimOptions):
    """The shipped presets and the user's own; Enter fills the form from one."""

    keys_line = "enter: fill the form  c copy  r rename  d delete  e export  i import  = compare"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "duplicate", "copy", show=False),
        Binding("r", "rename", "rename", show=False),
        Binding("d,delete", "delete", "delete", show=False),
        Binding("e", "export", "export", show=False),
        Binding("i", "import", "import", show=False),
        Binding("equals_sign", "diff", "compare with the form", show=False),
    ]

    class Loaded(Message):
        """A preset was chosen for the form."""

        def __init__(self, name: str, study: Study) -> None:
            super().__init__()
            self.name = name
            self.study = study

    class Saved(Loaded):
        """The form was saved as a preset."""

    class DiffAsked(Loaded):
        """A preset is to be compared with the form."""

    class Moved(Message):
        """Another preset is under the cursor; `note` says what it is."""

        def __init__(self, note: str) -> None:
            super().__init__()
            self.note = note

    def __init__(self, places: Places, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._places = places
        self._presets: tuple[Preset, ...] = ()

    def on_mount(self) -> None:
        self.reload()

    def reload(self, select: str = "") -> None:
        """Read the list again; `select` is where the cursor goes."""
        here = select or (preset.name if (preset := self.preset) else "")
        self._presets = preset_files.list_presets(self._places)
        self.clear_options()
        names = [preset.name for preset in self._presets]
        self.add_options(Option(Content(self._title(preset))) for preset in self._presets)
        self.highlighted = names.index(here) if here in names else 0

    @property
    def preset(self) -> Preset | None:
        """The preset under the cursor."""
        at = self.highlighted
        return self._presets[at] if at is not None and at < len(self._presets) else None

    @staticmethod
    def _title(preset: Preset) -> str:
        return clean(preset.name if preset.shipped else f"{preset.name} ·own")

    # ---- what is done with one -------------------------------------------------------------------

    def on_option_list_option_selected(self) -> None:
        self._with_study(lambda preset, study: self.post_message(self.Loaded(preset.name, study)))

    def on_option_list_option_highlighted(self) -> None:
        preset = self.preset
        if preset is None:
            return
        try:
            study = preset.read()
        except InputError as error:
            self.post_message(self.Moved(str(error)))
            return
        size = f"{len(study.scenarios)} scenarios × {study.replicates} replicates, {study.n_fits} fits"
        self.post_message(self.Moved(f"{study.note} ({size})" if study.note else size))

    def action_diff(self) -> None:
        self._with_study(lambda preset, study: self.post_message(self.DiffAsked(preset.name, study)))

    def ask_to_save(self, study: Study) -> None:
        """Ask for a name and save a study as one of the user's own presets."""
        preset = self.preset
        own = preset.name if preset is not None and not preset.shipped else ""
        title, text = "Save as a preset", "The name; the note is the form's field 'note'."
        self._ask(title, text, own or study.name, lambda name: self._save(study, name))

    def _save(self, study: Study, name: str) -> None:
        taken = any(p.name == name and not p.shipped for p in preset_files.list_presets(self._places))
        if not taken:
            self._saved(preset_files.save_preset(study, name, self._places))
            return
        preset_files.check_name(name)

        def answered(answer: str | None) -> None:
            if answer == "replace":
                self._saved(preset_files.save_preset(study, name, self._places, replace=True))

        answers = (Answer("replace", "Replace it", "r"), Answer("leave", "Leave it", "l"))
        self.app.push_screen(Question("Replace the preset?", f"{name} exists.", answers), answered)

    def _saved(self, preset: Preset) -> None:
        self.reload(preset.name)
        self.post_message(self.Saved(preset.name, preset.read()))
        self._done(f"saved as {preset.name}")

    def action_duplicate(self) -> None:
        if (preset := self.preset) is None:
            return

        def copy(name: str) -> None:
            preset_files.duplicate_preset(preset.name, name, self._places)
            self.reload(name)
            self._done(f"{preset.name} copied to {name}")

        self._ask(f"Copy {preset.name}", "The copy's name.", f"{preset.name} copy", copy)

    def action_rename(self) -> None:
        preset = self._own()
        if preset is None:
            return

        def rename(name: str) -> None:
            preset_files.rename_preset(preset.name, name, self._places)
            self.reload(name)
            self._done(f"{preset.name} is now {name}")

        self._ask(f"Rename {preset.name}", "The new name.", preset.name, rename)

    def action_delete(self) -> None:
        preset = self._own()
        if preset is None:
            return

        def answered(answer: str | None) -> None:
            if answer == "delete":
                preset_files.delete_preset(preset.name, self._places)
                self.reload()
                self._done(f"{preset.name} is deleted")

        answers = (Answer("delete", "Delete it", "d"), Answer("keep", "Keep it", "k"))
        self.app.push_screen(Question("Delete the preset?", f"{preset.name}, for good.", answers), answered)

    def action_export(self) -> None:
        if (preset := self.preset) is None:
            return

        def export(path: str) -> None:
            self._done(f"written to {preset_files.export_preset(preset.name, path, self._places)}")

        suggested = str(Path.cwd() / f"{preset.name}.toml")
        self._ask(f"Export {preset.name}", "The TOML file to write.", suggested, export)

    def action_import(self) -> None:
        def take(path: str) -> None:
            preset = preset_files.import_preset(Path(path).expanduser(), self._places)
            self.reload(preset.name)
            self._done(f"{preset.name} is imported; enter fills the form from it")

        self._ask("Import a preset", "The TOML file to read.", "", take)

    # ---- inside ----------------------------------------------------------------------------------

    def _own(self) -> Preset | None:
        preset = self.preset
        if preset is not None and preset.shipped:
            self._fail(f"{preset.name} is shipped with regNet and stays; copy it with c")
            return None
        return preset

    def _with_study(self, then: Callable[[Preset, Study], object]) -> None:
        if (preset := self.preset) is None:
            return
        try:
            study = preset.read()
        except InputError as error:
            self._fail(f"preset {preset.name}: {error}")
            return
        then(preset, study)

    def _ask(self, title: str, text: str, value: str, accept: Callable[[str], object]) -> None:
        self.app.push_screen(TextDialog(title, text, value, accept))

    def _done(self, text: str) -> None:
        self.app.notify(clean(text, 400), markup=False, timeout=4)

    def _fail(self, text: str) -> None:
        from regnet_tui.page import Page

        if isinstance(self.screen, Page):
            self.screen.fail(text)
