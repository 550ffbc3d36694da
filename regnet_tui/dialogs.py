"""What does the app ask before it does something, and how? Small windows over the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from regnet.errors import InputError
from regnet_tui.form_state import problem_of
from regnet_tui.quiet_widgets import QuietInput, Words
from regnet_tui.safe_text import clean


class Answer(NamedTuple):
    """One answer to a question: what it returns, its words, and the key that gives it."""

    value: str
    words: str
    key: str


class Question(ModalScreen[str]):
    """A question with a few answers, the first of them the default; escape takes the last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", show=False),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: str, answers: Sequence[Answer]) -> None:
        super().__init__()
        self._title, self._text, self._answers = title, text, answers
        for answer in answers:
            self._bindings.bind(answer.key, f"answer('{answer.value}')", show=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(Content(clean(self._title)), classes="dialog-title")
            yield Words(Content(clean(self._text)), classes="dialog-text")
            with Horizontal(classes="dialog-buttons"):
                for answer in self._answers:
                    label = Content(f"{answer.words} ({answer.key})")
                    yield Button(label, id=f"answer-{answer.value}", compact=True)

    def on_mount(self) -> None:
        self.query(Button).first().focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(str(event.button.id).removeprefix("answer-"))

    def action_answer(self, value: str) -> None:
        self.dismiss(value)

    def action_leave(self) -> None:
        self.dismiss(self._answers[-1].value)


def quit_question(n_alive: int) -> Question:
    """Return what is asked before leaving while runs are alive."""
    runs = "A run is" if n_alive == 1 else f"{n_alive} runs are"
    text = f"{runs} computing. It goes on without this window, and is here when you come back."
    answers = (
        Answer("keep", "Keep running", "k"),
        Answer("stop", "Stop it", "s"),
        Answer("stay", "Stay", "q"),
    )
    return Question("Leave regNet?", text, answers)


class TextDialog(ModalScreen[str | None]):
    """Asks for a line of text; what doesn't do is said under it and the window stays."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", show=False)]

    def __init__(self, title: str, text: str, value: str, accept: Callable[[str], object]) -> None:
        super().__init__()
        self._title, self._text, self._value, self._accept = title, text, value, accept

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(Content(clean(self._title)), classes="dialog-title")
            yield Words(Content(clean(self._text)), classes="dialog-text")
            yield QuietInput(self._value, id="dialog-input")
            yield Words("", id="dialog-problem")
            yield Words("enter: do it   esc: back", classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one("#dialog-input").focus()

    def on_input_submitted(self) -> None:
        value = self.query_one("#dialog-input", QuietInput).value
        try:
            self._accept(value)
        except InputError as error:
            self.query_one("#dialog-problem", Words).update(Content(clean(f"! {problem_of(error)}")))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self.query_one("#dialog-problem", Words).update(Content(clean(f"! {reason}")))
        else:
            self.dismiss(value)

    def action_leave(self) -> None:
        self.dismiss(None)


class VimOptions(OptionList):
    """A list with vim's keys as well."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False),
        Binding("k", "cursor_up", "up", show=False),
        Binding("g", "first", "first", show=False),
        Binding("G", "last", "last", show=False),
    ]


class ChoiceDialog(ModalScreen[list[str] | None]):
    """Offers a list; where several may be taken, space marks and Enter takes the marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", show=False),
        Binding("space", "mark", "mark", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[str], taken: Sequence[str], several: bool) -> None:
        super().__init__()
        self._title, self._choices, self._several = title, list(choices), several
        self._taken = [choice for choice in taken if choice in choices]

    def compose(self) -> ComposeResult:
        keys = "space: mark several   enter: take   esc: back" if self._several else "enter: take   esc: back"
        with Vertical(classes="dialog"):
            yield Words(Content(clean(self._title)), classes="dialog-title")
            yield VimOptions(*(Option(self._prompt(choice)) for choice in self._choices), id="choices")
            yield Words(keys, classes="dialog-keys")

    def on_mount(self) -> None:
        options = self.query_one("#choices", VimOptions)
        options.focus()
        if self._taken:
            options.highlighted = self._choices.index(self._taken[0])

    def _prompt(self, choice: str) -> Content:
        mark = ("[x] " if choice in self._taken else "[ ] ") if self._several else ""
        return Content(mark + clean(choice))

    def action_mark(self) -> None:
        options = self.query_one("#choices", VimOptions)
        if not self._several or options.highlighted is None:
            return
        choice = self._choices[options.highlighted]
        if choice in self._taken:
            self._taken.remove(choice)
        else:
            self._taken.append(choice)
        options.replace_option_prompt_at_index(options.highlighted, self._prompt(choice))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        chosen = self._choices[event.option_index]
        if self._several and len(self._taken) > 1:
            self.dismiss([choice for choice in self._choices if choice in self._taken])
        elif self._several and self._taken and chosen in self._taken:
            self.dismiss(list(self._taken))
        else:
            self.dismiss([chosen])

    def action_leave(self) -> None:
        self.dismiss(None)
