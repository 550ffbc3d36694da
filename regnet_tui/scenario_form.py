"""How is a study typed in? One line a parameter, made from the parameters' own declarations.

The widgets hold no domain logic: they show a :class:`~regnet_tui.form_state.FormState` with what
:func:`~regnet_tui.form_state.check` says of it, and send a message for every edit.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from regnet.parameters import Flag, OneOf, Parameter
from regnet_tui.form_state import Checked, FormState, form_parameters, groups, is_changed, label_of
from regnet_tui.quiet_widgets import QuietInput, Words
from regnet_tui.safe_text import clean, fit

_LABEL = 17


class Field(Horizontal):
    """One parameter: its mark and name, its values, and what is to be said of them."""

    class Edited(Message):
        """A field's text was changed by the user."""

        def __init__(self, name: str, text: str) -> None:
            super().__init__()
            self.name = name
            self.text = text

    class Focused(Message):
        """A field got the focus."""

        def __init__(self, parameter: Parameter) -> None:
            super().__init__()
            self.parameter = parameter

    class ChoiceAsked(Focused):
        """The list of a field's choices is wanted."""

    def __init__(self, parameter: Parameter, text: str) -> None:
        super().__init__(classes="field")
        self.parameter = parameter
        self.input = FieldInput(parameter, text)
        self._heard = self.input.value  # the last text that the screen knows of
        self._label = Words("", classes="field-label")
        self._note = Words("", classes="field-note")

    def compose(self) -> ComposeResult:
        yield self._label
        yield self.input
        yield self._note

    def on_descendant_focus(self) -> None:
        self.add_class("-focused")

    def on_descendant_blur(self) -> None:
        self.remove_class("-focused")

    def show(self, text: str, origin: str, changed: bool, problem: str, warning: str) -> None:
        """Show a text and what is said of it; the cursor stays where it is."""
        # What is typed and not yet heard of is newer than the text.
        if self.input.value == self._heard and self.input.value != text:
            with self.prevent(Input.Changed):
                self.input.value = text
            self._heard = self.input.value
        self.set_class(changed, "-changed")
        self.set_class(bool(problem), "-problem")
        self.set_class(bool(warning) and not problem, "-warning")
        mark = "!" if problem or warning else "*" if changed else " "
        self._label.update(Content(fit(f"{mark} {label_of(self.parameter.name)}", _LABEL)))
        if problem or warning:
            note = problem or warning
        elif changed:
            note = f"was {origin or 'empty'} · {self.parameter.help}"
        else:
            note = self.parameter.help
        self._note.update(Content(clean(note)))

    def hear(self, text: str) -> None:
        """Take note that the screen knows of a text."""
        self._heard = text


class FieldInput(QuietInput):
    """The input of one field; Enter lists the choices where there are some, else goes on."""

    def __init__(self, parameter: Parameter, text: str) -> None:
        super().__init__(text, id=f"field-{parameter.name}")
        self.parameter = parameter

    def on_focus(self) -> None:
        self.post_message(Field.Focused(self.parameter))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(Field.Edited(self.parameter.name, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.parameter.kind.choices:
            self.post_message(Field.ChoiceAsked(self.parameter))
        else:
            self.app.action_focus_next()


class ScenarioForm(VerticalScroll, can_focus=False):
    """All fields in groups; the common ones first, the rest one key away."""

    def __init__(self, state: FormState, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._state = state
        self._checked = Checked()
        self._everything = False
        self._fields: dict[str, Field] = {}

    @property
    def everything(self) -> bool:
        """Whether the rarer parameters are shown too."""
        return self._everything

    def compose(self) -> ComposeResult:
        yield from self._rows()

    def _rows(self) -> Iterable[Words | Field]:
        self._fields = {}
        for group in groups():
            members = [p for p in form_parameters().values() if p.group == group]
            members = [p for p in members if self._everything or self._is_common(p)]
            if members:
                yield Words(Content(group), classes="field-group")
            for parameter in members:
                field = Field(parameter, self._state.texts[parameter.name])
                self._fields[parameter.name] = field
                self._show_field(parameter.name)
                yield field

    def _is_common(self, parameter: Parameter) -> bool:
        """Whether a field is on the first page: declared so, or changed, or wrong."""
        name = parameter.name
        return parameter.common or is_changed(self._state, name) or name in self._checked.problems

    def show(self, state: FormState, checked: Checked) -> None:
        """Show the state and what is said of it; fields that now matter appear."""
        self._state, self._checked = state, checked
        needed = {name for name, p in form_parameters().items() if self._everything or self._is_common(p)}
        if needed - self._fields.keys():
            self._rebuild()
            return
        for name in self._fields:
            self._show_field(name)

    def show_everything(self, everything: bool) -> None:
        """Show all parameters, or the common ones; the focus stays where it can."""
        self._everything = everything
        self._rebuild()

    def focus_field(self, name: str) -> None:
        """Put the cursor into a field, which is shown if it wasn't."""
        if name in form_parameters() and name not in self._fields:
            self._everything = True
            self._rebuild(name)
        elif name in self._fields:
            self._fields[name].input.focus()

    def hear(self, name: str, text: str) -> None:
        """Take note that a text that was typed has arrived."""
        if name in self._fields:
            self._fields[name].hear(text)

    def focus_first(self) -> None:
        next(iter(self._fields.values())).input.focus()

    def _rebuild(self, focus: str = "") -> None:
        focused = self.app.focused
        if not focus and isinstance(focused, FieldInput):
            focus = focused.parameter.name

        async def rebuild() -> None:
            with self.app.batch_update():
                await self.remove_children()
                await self.mount_all(self._rows())
            if focus in self._fields:
                self._fields[focus].input.focus()

        self.run_worker(rebuild(), exclusive=True, group="rebuild")

    def _show_field(self, name: str) -> None:
        state, checked = self._state, self._checked
        self._fields[name].show(
            state.texts[name],
            state.origin.get(name, ""),
            is_changed(state, name),
            checked.problems.get(name, ""),
            checked.warnings.get(name, ""),
        )


def hint_for(parameter: Parameter) -> str:
    """Return the keys that help with a field, in a few words."""
    hint = "enter: choices" if parameter.kind.choices else ""
    if parameter.grid and not isinstance(parameter.kind, Flag | OneOf):
        hint = ", ".join(part for part in (hint, "4, 8 makes a grid") if part)
    return hint
