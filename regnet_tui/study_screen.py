"""What is to be run? Presets at the left, the form, the equivalent command, and what running it takes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Input

from regnet.cli.study_options import command_for, read_command, read_values
from regnet.errors import InputError, shown
from regnet.parameters import parameters_of, write_value
from regnet.presets.preset_files import load_study
from regnet.scenario import Scenario
from regnet.study import Study
from regnet_tui.draft import save_draft
from regnet_tui.form_state import Checked, FormState, check, form_parameters, study_size, text_of, texts_of
from regnet_tui.from_thread import later
from regnet_tui.page import Page
from regnet_tui.preflight import counted, estimated
from regnet_tui.preset_list import PresetList
from regnet_tui.quiet_widgets import QuietInput, Words
from regnet_tui.safe_text import clean
from regnet_tui.scenario_form import Field, ScenarioForm, hint_for

_AT_ONCE = 300  # grids up to this size are checked right after a key's echo
_AFTER_ECHO = 0.05  # seconds, so that the letter is on the screen before anything is said of it
_SETTLE = 0.25  # seconds without a key before a larger grid is checked
_AUTOSAVE = 1.5
_ESTIMATE = 0.4


class CommandInput(QuietInput):
    """The equivalent command, and the place to paste another one into."""


class StudyScreen(Page):
    """The form for a study; the app's first screen."""

    mode = "study"
    help_text = (
        "Fill in a study and run it with ctrl+r. Several values, as in 4, 8, make a grid: every "
        "combination becomes a scenario. A star marks what differs from the preset or run that the form "
        "was filled from; an exclamation mark what can't be used. ctrl+o shows the rarer parameters. "
        "The command at the bottom does the same from a shell; paste one there and press enter, and the "
        "form takes it. The form is saved as you type and comes back after a lost connection."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "run", "Run"),
        Binding("ctrl+s", "save", "Save preset"),
        Binding("ctrl+o", "everything", "All fields"),
        Binding("ctrl+p", "app.command_palette", "Commands"),
        Binding("f1", "app.help", "Help"),
        Binding("q", "app.leave", "Quit"),
        Binding("ctrl+l", "command_line", "command line", show=False),
        Binding("ctrl+t", "presets", "presets", show=False),
        Binding("ctrl+z", "undo", "undo field", show=False),
        Binding("ctrl+y", "copy_command", "copy command", show=False),
        Binding("ctrl+g", "problem", "next problem", show=False),
        Binding("ctrl+n", "open_dataset", "fit a data set from a file", show=False),
    ]

    def __init__(self, state: FormState) -> None:
        super().__init__()
        self.state = state
        self.checked = Checked()
        self._counted = ""
        self._estimating: Timer | None = None
        self._pending: Timer | None = None
        self._saving: Timer | None = None
        self._saved: FormState | None = state

    def body(self) -> ComposeResult:
        with Horizontal(id="study-body"):
            with Vertical(id="presets-pane"):
                yield Words("Presets", id="presets-title")
                yield PresetList(self.regnet.places, id="presets")
                yield Words("", id="preset-note")
            with Vertical(id="form-pane"):
                yield ScenarioForm(self.state, id="form")
        with Vertical(id="study-foot"):
            yield Words("", id="help-line")
            with Horizontal(id="command-line"):
                yield Words("$", id="command-prompt")
                yield CommandInput(id="command")
            with Horizontal(id="run-line"):
                yield Button("Run  ^r", id="run", compact=True)
                yield Words("", id="run-reason")

    def on_mount(self) -> None:
        self.check_now()
        self.query_one(PresetList).focus()
        if self.state.changed:
            self.call_after_refresh(
                self.done, "what you typed last time is back; enter takes a preset instead"
            )

    # ---- editing ---------------------------------------------------------------------------------

    def take(self, state: FormState) -> None:
        """Fill the form from a preset, a run or a draft."""
        self.state = state
        self.check_now()
        self.autosave()

    def on_field_edited(self, event: Field.Edited) -> None:
        self.query_one(ScenarioForm).hear(event.name, event.text)
        if self.state.texts.get(event.name) == event.text:
            return
        self.state = self.state.edit(event.name, event.text)
        self.autosave()
        if self._pending is not None:
            self._pending.stop()
        if study_size(self.state.texts) <= _AT_ONCE:
            self._pending = self.set_timer(_AFTER_ECHO, self.check_now)
        else:
            self._pending = self.set_timer(_SETTLE, self.check_large)

    def check_now(self) -> None:
        self.show_checked(check(self.state.texts, self.regnet.processors))

    @work(thread=True, exclusive=True, group="check")
    def check_large(self) -> None:
        """Check a large grid beside the screen's loop."""
        state = self.state
        checked = check(state.texts, self.regnet.processors)
        if checked.study is not None:
            _ = checked.study.n_fits  # expands the grid here, where it keeps no key waiting
        later(self, lambda: self.show_checked(checked) if state is self.state else None)

    def show_checked(self, checked: Checked) -> None:
        """Show what the texts amount to: beside the fields, as a command, and before Run."""
        self.checked = checked
        self.query_one(ScenarioForm).show(self.state, checked)
        button = self.query_one("#run", Button)
        button.disabled = bool(checked.reason)
        reason = self.query_one("#run-reason", Words)
        reason.set_class(bool(checked.reason), "-problem")
        if checked.study is None or checked.execution is None:
            self._counted = ""
            reason.update(Content(clean(f"can't run: {checked.reason}")))
            self.query_one("#command-line").add_class("-stale")
            return
        self.query_one("#command-line").remove_class("-stale")
        before, self._counted = (
            self._counted,
            counted(checked.study, checked.execution, self.regnet.processors),
        )
        if before != self._counted:
            reason.update(Content(clean(self._counted)))
        if self.focused is None or self.focused.id != "command":
            self.show_command()
        if self._estimating is not None:
            self._estimating.stop()
        self._estimating = self.set_timer(_ESTIMATE, self.estimate)

    @work(thread=True, exclusive=True, group="estimate")
    def estimate(self) -> None:
        """Add the time that earlier runs on this host suggest, once it is known."""
        from regnet.cli.estimate import estimate

        study, execution = self.checked.study, self.checked.execution
        if study is not None and execution is not None:
            told = estimated(estimate(study, execution, self.regnet.places))
            later(self, self._show_estimate, study, told)

    def _show_estimate(self, study: object, told: str) -> None:
        if self.checked.study is study:
            self.query_one("#run-reason", Words).update(Content(clean(f"{self._counted} · {told}")))

    # ---- the equivalent command ------------------------------------------------------------------

    def command(self) -> str:
        """Return the command that runs what the form holds; empty where it can't be run."""
        study, execution = self.checked.study, self.checked.execution
        if study is None or execution is None:
            return ""
        base, base_study = self.regnet.base_of(self.state.origin_name)
        return command_for(study, base, execution, base_study=base_study, places=self.regnet.places)

    def show_command(self) -> None:
        command = self.command()
        if command:
            self.query_one("#command", Input).value = command

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id != "command":
            return
        try:
            told = read_command(event.value, places=self.regnet.places)
            origin = load_study(told.base, self.regnet.places)
        except InputError as error:
            self.fail(str(error))
            return
        state = FormState.from_study(origin, told.base).edit_all(texts_of(told.study, told.execution))
        self.take(state)
        self.query_one(ScenarioForm).focus_first()
        self.done("the form holds what the command says")

    def leave_input(self, widget: Input) -> None:
        if widget.id == "command":
            self.show_command()
        self.set_focus(self.query_one(PresetList))

    def action_command_line(self) -> None:
        self.query_one("#command").focus()

    def action_copy_command(self) -> None:
        self.regnet.copy_text(self.command() or self.query_one("#command", Input).value)

    # ---- help and choices ------------------------------------------------------------------------

    def on_field_focused(self, event: Field.Focused) -> None:
        hint = hint_for(event.parameter)
        text = event.parameter.help
        if hint and len(text) + len(hint) + 6 <= self.size.width:
            text += f"  [{hint}]"
        self.show_help_line(text)

    def show_help_line(self, text: str) -> None:
        self.query_one("#help-line", Words).update(Content(clean(text)))

    def on_descendant_focus(self) -> None:
        focused = self.focused
        if isinstance(focused, PresetList):
            self.show_help_line(focused.keys_line)
        elif focused is not None and focused.id == "command":
            self.show_help_line(
                "the same from a shell; edit or paste one: enter takes it, ctrl+y copies, esc"
            )
        elif focused is not None and focused.id == "run":
            self.show_help_line("enter or ctrl+r starts the run; it goes on when you leave")

    def on_field_choice_asked(self, event: Field.ChoiceAsked) -> None:
        from regnet_tui.dialogs import ChoiceDialog

        parameter = event.parameter
        try:
            taken = [write_value(v) for v in read_values(parameter, self.state.texts[parameter.name])]
        except InputError:
            taken = []
        dialog = ChoiceDialog(parameter.help, parameter.kind.choices, taken, parameter.grid)

        def chosen(choices: list[str] | None) -> None:
            if choices:
                text = text_of(parameter, parameter.read_all(choices))
                self.state = self.state.edit(parameter.name, text)
                self.check_now()
                self.autosave()

        self.app.push_screen(dialog, chosen)

    def focused_help(self) -> str:
        """Return the full text about the focused field, for F1."""
        focused = self.focused
        name = (focused.id or "").removeprefix("field-") if focused is not None else ""
        parameter = form_parameters().get(name)
        if parameter is None:
            return ""
        default = text_of(parameter, parameter.default) or "empty"
        grid = " Several values make a grid." if parameter.grid else ""
        return (
            f"{parameter.option}   (TOML: {parameter.name})\n{parameter.details}\n"
            f"Wanted: {parameter.kind.wanted}.{grid} Default: {default}."
        )

    # ---- actions ---------------------------------------------------------------------------------

    def action_everything(self) -> None:
        form = self.query_one(ScenarioForm)
        form.show_everything(not form.everything)

    def action_presets(self) -> None:
        self.query_one(PresetList).focus()

    def action_problem(self) -> None:
        """Go to the first field that can't be used."""
        for name in self.checked.problems:
            self.query_one(ScenarioForm).focus_field(name)
            return

    def action_undo(self) -> None:
        """Give the focused field the value it has in the preset or run."""
        name = (self.focused.id or "").removeprefix("field-") if self.focused is not None else ""
        if name in self.state.origin:
            self.state = self.state.undo(name)
            self.check_now()
            self.autosave()

    def action_save(self) -> None:
        if self.checked.study is None:
            self.fail(f"only a study that can run is saved: {self.checked.reason}")
        else:
            self.query_one(PresetList).ask_to_save(self.checked.study)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "run":
            self.action_run()

    def action_run(self) -> None:
        """Start a run of what the form holds, and show it."""
        self.check_now()
        if self.checked.study is None or self.checked.execution is None:
            self.action_problem()
            return
        self.save_draft_now()
        self.regnet.start(self.checked.study, self.checked.execution, shlex.split(self.command()))

    def on_preset_list_loaded(self, event: PresetList.Loaded) -> None:
        self.take(FormState.from_study(event.study, event.name))

    def on_preset_list_moved(self, event: PresetList.Moved) -> None:
        note = self.query_one("#preset-note", Words)
        note.update(Content(clean(event.note)))
        # The first note comes while the screen is laid out for the first time, which asks no height again.
        self.call_after_refresh(note.refresh, layout=True)

    def on_preset_list_saved(self, event: PresetList.Saved) -> None:
        study, execution = event.study, self.checked.execution
        self.state = FormState.from_study(study, event.name, execution)
        self.check_now()
        self.save_draft_now()

    def on_preset_list_diff_asked(self, event: PresetList.DiffAsked) -> None:
        from regnet_tui.diff_screen import DiffScreen

        if self.checked.study is None:
            self.fail(f"only a study that can run is compared: {self.checked.reason}")
            return
        named = [(event.name, event.study), ("the form", self.checked.study)]
        self.app.push_screen(DiffScreen(named))

    # ---- data from files -------------------------------------------------------------------------

    def action_open_dataset(self) -> None:
        """Ask for a data set's file; the form then says what it holds, and Run fits it."""
        from regnet_tui.dialogs import TextDialog

        def accept(text: str) -> None:
            if not Path(text).expanduser().is_file():
                raise InputError("dataset", "a file", shown(text))

        def read(text: str | None) -> None:
            if text:
                self.show_help_line("reading the data set …")
                self.read_dataset(Path(text).expanduser())

        told = "an .npz that regnet simulate wrote, or an old .pkl of the original software"
        now = self.state.texts.get("dataset", "")
        self.app.push_screen(TextDialog("Fit a data set from a file", told, now, accept), read)

    @work(thread=True, exclusive=True, group="dataset")
    def read_dataset(self, path: Path) -> None:
        """Have a process of its own read the file, which needs what no screen loads."""
        from regnet.dataset_study import study_of_file

        try:
            study = study_of_file(path)
        except InputError as error:
            later(self, self.fail, str(error))
        else:
            later(self, self.take_dataset, study)

    def take_dataset(self, study: Study) -> None:
        """Fill the form with what a data set holds; methods and the rest stay as they are."""
        texts = texts_of(study)
        of_file = (*(parameter.name for parameter in parameters_of(Scenario)), "replicates")
        self.take(self.state.edit_all({name: texts[name] for name in of_file}))
        self.done(f"the form holds the data set's parameters; run fits its {texts['replicates']} replicates")

    # ---- the draft -------------------------------------------------------------------------------

    def autosave(self) -> None:
        """Save the draft once the typing pauses."""
        if self._saving is not None:
            self._saving.stop()
        self._saving = self.set_timer(_AUTOSAVE, self._save_in_thread)

    @work(thread=True, exclusive=True, group="draft")
    def _save_in_thread(self) -> None:
        try:
            self.save_draft_now()
        except OSError as error:
            later(self, self.fail, f"the draft can't be saved: {error.strerror}")

    def save_draft_now(self) -> None:
        """Save the draft before anything may happen to the terminal."""
        state = self.state
        if state is not self._saved:
            save_draft(Path(self.regnet.places.drafts), state)
            self._saved = state

    def first_focus(self) -> Widget | None:
        return self.query_one(PresetList)
