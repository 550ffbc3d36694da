"""In what do the marked runs differ, and what came of each?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from regnet.errors import InputError
from regnet.runs.folder import RunFolder
from regnet.runs.replay import Replay
from regnet_tui.comparison import ComparedRow, compare, metrics_of
from regnet_tui.diff_screen import DiffRow, differing
from regnet_tui.form_state import label_of
from regnet_tui.from_thread import later
from regnet_tui.quiet_widgets import Words
from regnet_tui.row_table import Cell, Column, RowTable
from regnet_tui.run_tables import metric_title
from regnet_tui.safe_text import clean
from regnet_tui.scenario_labels import middle_cut

if TYPE_CHECKING:
    from regnet_tui.app import RegnetApp


_NARROWEST, _WIDEST = 14, 40
"""Cells of a run's column: an interval fits into the least."""


class CompareScreen(ModalScreen[None]):
    """Two or more runs: only differing parameters, and results side by side with their errors."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "back", show=False),
        Binding("m", "metric(1)", "next metric", show=False),
        Binding("M", "metric(-1)", "previous metric", show=False),
        Binding("y", "copy", "copy", show=False),
    ]

    def __init__(self, folders: Sequence[RunFolder]) -> None:
        super().__init__()
        self._folders = folders
        self._replays: list[Replay] = []
        self._differing: list[DiffRow] = []
        self._metric = "pearson"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog full"):
            yield Words(Content(f"{len(self._folders)} runs compared"), classes="dialog-title")
            yield RowTable(self._parameter, empty="no parameter differs", id="differing")
            yield Words("", id="compare-title", classes="dialog-title")
            yield RowTable(self._result, empty="reading …", id="compared")
            yield Words("m: next metric   h l: sideways   y: copy   esc: back", classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one("#compared").focus()
        self.read()

    @work(thread=True)
    def read(self) -> None:
        """Read the runs' results beside the screen."""
        replays = []
        for folder in self._folders:
            try:
                replay = Replay(folder)
                while replay.update():
                    pass
            except InputError as error:
                later(self, self._problem, str(error))
                return
            replays.append(replay)
        later(self, self._take, replays)

    def _problem(self, text: str) -> None:
        self.query_one("#compare-title", Words).update(Content(clean(f"! {text}")))

    def _take(self, replays: list[Replay]) -> None:
        self._replays = replays
        rows = differing([replay.study for replay in replays])
        self._differing = rows
        table = self.query_one("#differing", RowTable)
        table.styles.height = min(len(rows) + 1, max(self.size.height // 3, 4)) if rows else 2
        self.draw()

    def _run_columns(self, table: RowTable, leading: Sequence[Column], texts: Iterable[str]) -> list[Column]:
        """Return a column for each run: equally wide, as wide as texts and names need and there is room."""
        names = [clean(replay.record.get("name") or replay.folder.id) for replay in self._replays]
        ids = [replay.folder.id for replay in self._replays]
        names = [f"{name} {id[-4:]}" if names.count(name) > 1 else name for name, id in zip(names, ids)]
        wanted = min(max(map(len, (*names, *texts)), default=0), _WIDEST)
        each = min(wanted, max(table.share(leading, len(names)), _NARROWEST))
        return [Column(str(n), name, each, short=middle_cut(name, each)) for n, name in enumerate(names)]

    def draw(self) -> None:
        """Draw the parameters that differ, and the results by the chosen metric."""
        differing = self.query_one("#differing", RowTable)
        names = ["parameter", *(label_of(row[0]) for row in self._differing)]
        parameter = Column("name", names[0], max(map(len, names)))
        texts = (text for row in self._differing for text in row[1])
        differing.show([parameter, *self._run_columns(differing, [parameter], texts)], self._differing)

        self.query_one("#compare-title", Words).update(Content(clean(metric_title(self._metric))))
        compared = self.query_one("#compared", RowTable)
        scenarios, rows = compare(self._replays, self._metric)
        longest = max((len(row.method) for row in rows), default=0)
        leading = [
            scenarios.column("label"),
            Column("method", "method", max(longest, 6), least=min(max(longest, 6), 12)),
        ]
        texts = (cell.text for row in rows for cell in row.cells)
        columns = [*leading, *self._run_columns(compared, leading, texts)]
        compared.show(columns, rows, empty="nothing is recorded yet")

    @staticmethod
    def _parameter(row: DiffRow, key: str) -> Cell:
        return Cell(label_of(row[0])) if key == "name" else Cell(row[1][int(key)] or "empty")

    @staticmethod
    def _result(row: ComparedRow, key: str) -> Cell:
        if key == "label":
            return Cell(row.label, "", row.short)
        return Cell(row.method) if key == "method" else row.cells[int(key)]

    def action_metric(self, step: int) -> None:
        names = metrics_of(self._replays)
        at = names.index(self._metric) if self._metric in names else 0
        self._metric = names[(at + step) % len(names)]
        self.draw()

    def action_copy(self) -> None:
        from regnet_tui.table_text import as_text

        tables = [self.query_one(name, RowTable) for name in ("#differing", "#compared")]
        cast("RegnetApp", self.app).copy_text("\n".join(map(as_text, tables)))

    def on_resize(self) -> None:
        if self._replays:
            self.call_after_refresh(self.draw)  # when the tables know their new widths
