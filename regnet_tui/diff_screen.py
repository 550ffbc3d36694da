"""In what do two or more studies differ?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from regnet.comparison import differing_parameters
from regnet.study import Study, study_parameters
from regnet_tui.form_state import label_of, text_of
from regnet_tui.quiet_widgets import Words
from regnet_tui.row_table import Cell, Column, RowTable
from regnet_tui.safe_text import clean

Named = tuple[str, Study]
DiffRow = tuple[str, tuple[str, ...]]


def differing(studies: Sequence[Study]) -> list[DiffRow]:
    """Return each parameter in which not all studies agree, with its values as text in each."""
    parameters = study_parameters()
    return [
        (name, tuple(text_of(parameters[name], values) for values in each))
        for name, each in differing_parameters(studies).items()
    ]


class DiffScreen(ModalScreen[None]):
    """The parameters that differ, side by side."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "app.pop_screen", "back", show=False)]

    def __init__(self, named: Sequence[Named]) -> None:
        super().__init__()
        self._named = named

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog diff"):
            title = " against ".join(name for name, _ in self._named)
            yield Words(Content(clean(title)), classes="dialog-title")
            yield RowTable(self._cell, empty="no parameter differs", id="diff")
            yield Words("esc: back", classes="dialog-keys")

    def on_mount(self) -> None:
        rows = differing([study for _, study in self._named])
        columns = [Column("name", "parameter", 17)]
        columns += [Column(str(i), clean(name), 24) for i, (name, _) in enumerate(self._named)]
        table = self.query_one("#diff", RowTable)
        table.show(columns, rows)
        table.styles.height = min(len(rows) + 2, 16)
        table.focus()

    @staticmethod
    def _cell(row: DiffRow, key: str) -> Cell:
        return Cell(label_of(row[0])) if key == "name" else Cell(row[1][int(key)] or "empty")
