"""Which widgets write to the terminal only when there is news? Inputs that don't blink, words that stay."""

from __future__ import annotations

from typing import ClassVar, Self

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.visual import VisualType
from textual.widgets import Input, Static

from regnet_tui.safe_text import clean


class Words(Static):
    """A piece of text; told the same again, it draws nothing and lays nothing out."""

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show another text (a plain string is no markup)."""
        words = content if isinstance(content, Content) else Content(str(content))
        told = self.content
        if isinstance(told, Content) and told.is_same(words):
            return
        super().update(words, layout=layout and self.styles.auto_dimensions)


class QuietInput(Input):
    """A one-line input without a blinking cursor; up and down go to the neighbours."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("up", "app.focus_previous", "previous field", show=False),
    ]

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(clean(value, 10_000), placeholder=placeholder, id=id)
        self.cursor_blink = False

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Draw the line again; its size never depends on its text, so no key lays the screen out anew."""
        return super().refresh(*regions, repaint=repaint, layout=False, recompose=recompose)

    def on_paste(self, event: events.Paste) -> None:
        # several lines become one, so that a command wrapped at backslashes arrives whole
        # (Textual calls Input's own handler after this one)
        event.text = " ".join(line.rstrip("\\").strip() for line in event.text.splitlines())
