"""Where will the user's own expression be analysed? Here, once its engine is there."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Center, Middle
from textual.content import Content

from regnet_tui.page import Page
from regnet_tui.quiet_widgets import Words


class DataScreen(Page):
    """Says what this version does not do yet, and what to do meanwhile."""

    mode = "data"
    help_text = "Motif activities of your own expression table will be estimated here."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "app.show_mode('study')", "Study"),
        Binding("f1", "app.help", "Help"),
        Binding("q", "app.leave", "Quit"),
    ]

    def body(self) -> ComposeResult:
        text = (
            "Your own expression data can't be analysed on this screen yet.\n\n"
            "From Python: regnet.fit_mixed_model(scores, expression).\n"
            "F2 goes to the study."
        )
        with Middle(), Center():
            yield Words(Content(text), id="data-text")

    def left(self) -> None:
        self.regnet.action_show_mode("study")
