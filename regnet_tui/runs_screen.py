"""Which runs are there, and how is each? Browse, filter, sort, attach, stop, resume, compare."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from regnet.errors import InputError, shown
from regnet.row_filter import read_filter
from regnet.runs.folder import RunFolder
from regnet_tui.dialogs import ChoiceDialog, TextDialog
from regnet_tui.figures import age, bar
from regnet_tui.from_thread import later
from regnet_tui.page import Page
from regnet_tui.quiet_widgets import QuietInput, Words
from regnet_tui.row_order import filtered, ordered
from regnet_tui.row_table import Cell, Column, RowTable
from regnet_tui.run_actions import RunActions
from regnet_tui.run_index import FILTER_COLUMNS, RunIndex, RunLine

_REFRESH = 2.0
_NARROW = (
    Column("name", "run", 30, least=18),
    Column("state", "state", 24, least=15),
    Column("progress", "progress", 8),
    Column("done", "done", 11, True),
    Column("host", "host", 12, least=8),
    Column("age", "age", 6, True),
)
_WIDE = (
    Column("name", "name", 28, least=18),
    Column("id", "id", 40, least=26),
    Column("state", "state", 24, least=13),
    Column("progress", "progress", 10),
    Column("done", "done", 13, True),
    Column("failed", "failed", 6, True),
    Column("host", "host", 16, least=8),
    Column("age", "age", 6, True),
)
_TONES = {
    "running": "good",
    "queued": "dim",
    "stopping": "warn",
    "stopped": "warn",
    "lost": "bad",
    "finished with failures": "warn",
}
_SIGNS = {
    "running": "> running",
    "queued": ". queued",
    "stopping": "~ stopping",
    "stopped": "= stopped",
    "finished": "+ finished",
    "finished with failures": "! finished with failures",
    "lost": "x lost",
}


def run_cell(line: RunLine, key: str) -> Cell:
    """Return one cell of the list of runs."""
    state = line.state
    if key == "name":
        return Cell(line.name)
    if key == "id":
        return Cell(line.id, "dim")
    if key == "state":
        short = f"! {state.failed} failed" if state.name == "finished with failures" else ""
        return Cell(_SIGNS.get(state.name, state.name), _TONES.get(state.name, ""), short)
    if key == "progress":
        return Cell(bar(state.done / state.total if state.total else 0.0, 8))
    if key == "done":
        return Cell(f"{state.done}/{state.total}")
    if key == "failed":
        return Cell(str(state.failed) if state.failed else "", "bad")
    if key == "host":
        return Cell(line.host)
    return Cell(age(time.time() - line.info.created))


def value_of(line: RunLine, key: str) -> object:
    """Return a run's value for filters and sorts."""
    return line.value(key)


class RunsScreen(RunActions, Page):
    """Every run on disk."""

    mode = "runs"
    help_text = (
        "Every run in the data directory, newest first. enter opens one; space marks, and = compares the "
        "marked: the parameters in which they differ, and their results side by side. / filters by "
        "words and by columns or parameters: conditions>4 state:finished quick. o sorts. x asks a run to "
        "stop, r resumes a stopped or lost one, c copies its study into the form, n renames, d deletes."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("space", "mark", "Mark"),
        Binding("equals_sign", "compare", "Compare"),
        Binding("x", "stop", "Stop"),
        Binding("f1", "app.help", "Help"),
        Binding("q", "app.leave", "Quit"),
        Binding("r", "resume", "resume", show=False),
        Binding("c", "duplicate", "copy into the form", show=False),
        Binding("n", "rename", "rename", show=False),
        Binding("d,delete", "delete", "delete", show=False),
        Binding("o", "order", "sort by", show=False),
        Binding("R", "reload", "read again", show=False),
        Binding("e", "results", "results", show=False),
        Binding("y", "copy", "copy", show=False),
        Binding("p", "at_once", "how many runs at once", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._index: RunIndex | None = None
        self._lines: Sequence[RunLine] = ()
        self._shown: Sequence[RunLine] = ()
        self._order: tuple[str, bool] | None = None
        self._complete = False
        self._is_reading = self._is_reading_wanted = False

    def body(self) -> ComposeResult:
        yield QuietInput(placeholder="/ filters: words, state:finished, conditions>4", id="runs-filter")
        yield RowTable(run_cell, identity=lambda line: line.id, id="runs")
        yield Words("", id="runs-foot", classes="keys")

    def on_mount(self) -> None:
        self._index = RunIndex(self.regnet.places)
        self.set_focus(self.query_one("#runs"))
        self.set_interval(_REFRESH, self._tick)

    def resumed(self) -> None:
        self.read()

    def _tick(self) -> None:
        if self.app.screen is self and not self._is_reading:
            self.read()

    def read(self) -> None:
        """Read the runs beside the screen; where that is going on, once more when it is done.

        Two readings at once would take each other's time, and the first one of many runs has little.
        """
        self._is_reading_wanted = self._is_reading
        if not self._is_reading and self._index is not None:
            self._is_reading = True
            self._read(self._index)

    @work(thread=True, group="index")
    def _read(self, index: RunIndex) -> None:
        later(self, self._take, index.refresh())

    def _take(self, lines: Sequence[RunLine]) -> None:
        self._is_reading = False
        if self._is_reading_wanted:
            self.read()
        self._complete = True
        if self.is_mounted:
            self._lines = lines
            self.draw()

    # ---- drawing ---------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw the runs that pass the filter, in the chosen order."""
        query = self.query_one("#runs-filter", Input).value
        problem = ""
        lines = self._lines
        try:
            chosen = read_filter(query, FILTER_COLUMNS)
            lines = filtered(lines, chosen, lambda line: line.text, value_of)
        except InputError as error:
            problem = str(error)
        if self._order is not None:
            lines = ordered(lines, value_of, *self._order)
        self._shown = lines
        if not self._lines:
            empty = "no run yet: F2 opens the study, ctrl+r runs it" if self._complete else "reading …"
        else:
            empty = "no run passes the filter; esc leaves it"
        columns = _WIDE if self.size.width >= 150 else _NARROW
        self.query_one("#runs", RowTable).show(columns, lines, sorted_by=self._order, empty=empty)
        self._draw_foot(problem)

    def _draw_foot(self, problem: str) -> None:
        table = self.query_one("#runs", RowTable)
        text = f"{len(self._shown)} of {len(self._lines)}"
        if table.marked:
            text += f", {len(table.marked)} marked"
        text += "  enter open  r resume  c to form  n rename  d delete  o sort  e results"
        self.query_one("#runs-foot", Words).update(Content(f"! {problem}" if problem else text))

    def resized(self) -> None:
        self.draw()

    # ---- keys ------------------------------------------------------------------------------------

    def chosen_folder(self) -> RunFolder | None:
        row = self.query_one("#runs", RowTable).row
        return row.folder if row is not None else None

    def acted(self) -> None:
        folder = self.chosen_folder()
        if folder is not None and self._index is not None:
            self._index.forget(folder.id)
        self.read()

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        if event.row is not None:
            self.regnet.show_run(event.row.folder)

    def on_row_table_header_clicked(self, event: RowTable.HeaderClicked) -> None:
        self._order_by(event.key)

    def action_results(self) -> None:
        folder = self.chosen_folder()
        if folder is not None:
            self.regnet.show_run(folder, "results")

    def action_mark(self) -> None:
        self.query_one("#runs", RowTable).mark()
        self._draw_foot("")

    def action_compare(self) -> None:
        from regnet_tui.compare_screen import CompareScreen

        marked = self.query_one("#runs", RowTable).marked_rows()
        if len(marked) < 2:
            self.fail("mark two runs or more with space, then press =")
            return
        self.app.push_screen(CompareScreen([line.folder for line in reversed(marked)]))

    def action_filter(self) -> None:
        self.query_one("#runs-filter").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "runs-filter":
            self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.set_focus(self.query_one("#runs"))

    def action_order(self) -> None:
        def chosen(choices: list[str] | None) -> None:
            if choices:
                self._order_by(choices[0])

        columns = [column.key for column in _WIDE]
        now = [self._order[0]] if self._order else []
        self.app.push_screen(ChoiceDialog("Sort by (again: the other way)", columns, now, False), chosen)

    def _order_by(self, key: str) -> None:
        descending = self._order == (key, False)
        self._order = (key, descending)
        self.draw()

    def action_at_once(self) -> None:
        """Ask how many runs may go at once on this machine; the others wait for their turn."""
        from regnet.runs.queue import RUNS_AT_ONCE, runs_at_once, set_runs_at_once

        places = self.regnet.places

        def accept(text: str) -> None:
            number = RUNS_AT_ONCE.read(text)
            if number is None:
                raise InputError("runs at once", RUNS_AT_ONCE.wanted, shown(text))
            set_runs_at_once(places, int(number))
            self.done(f"{number} at once from now on")

        text = "How many runs may go at once on this machine; the others wait for their turn."
        self.app.push_screen(TextDialog("Runs at once", text, str(runs_at_once(places)), accept))

    def action_reload(self) -> None:
        self._index = RunIndex(self.regnet.places)
        self.read()

    def action_copy(self) -> None:
        from regnet_tui.table_text import as_text

        self.regnet.copy_text(as_text(self.query_one("#runs", RowTable)))

    def leave_input(self, widget: Input) -> None:
        widget.value = ""
        self.set_focus(self.query_one("#runs"))

    def first_focus(self) -> Widget | None:
        return self.query_one("#runs")

    def left(self) -> None:
        table = self.query_one("#runs", RowTable)
        if table.marked:
            table.marked.clear()
            self.draw()
        else:
            self.regnet.action_show_mode("study")
