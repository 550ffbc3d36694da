"""What came out? Summary and replicates as tables to sort and filter, pictures, and files to take away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from regnet.errors import InputError
from regnet.row_filter import read_filter
from regnet.runs.folder import RunFolder
from regnet.runs.replay import Replay
from regnet.summary import Summary
from regnet_tui.from_thread import later
from regnet_tui.picture_view import PictureView
from regnet_tui.pictures import summary_of
from regnet_tui.plots import Notice
from regnet_tui.quiet_widgets import QuietInput, Words
from regnet_tui.replicate_rows import ReplicateRows
from regnet_tui.result_exports import export
from regnet_tui.result_pictures import ResultPictures
from regnet_tui.row_order import filtered, ordered
from regnet_tui.row_table import Cell, Column, RowTable
from regnet_tui.run_tables import (
    SUMMARY_KEYS,
    SummaryRow,
    metric_title,
    summary_cell,
    summary_columns,
    summary_rows,
    summary_value,
)
from regnet_tui.safe_text import clean, cut

VIEWS = ("summary", "replicates", "pictures")


class ResultsScreen(ResultPictures):
    """The results of the run that was opened last."""

    mode = "results"
    help_text = (
        "1 summary, 2 replicates, 3 pictures. / filters by words and by columns: metric:pearson, "
        "status:failed, pearson>0.8. o sorts, C chooses the columns. m is the metric of the pictures, "
        "v the next picture, n and N the next and previous replicate whose arrays are drawn, S the next "
        "scenario. e writes CSV, TSV, JSON, Markdown or LaTeX; s saves a picture as SVG; y copies the table."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("o", "order", "Sort"),
        Binding("v", "picture(1)", "Picture"),
        Binding("e", "export", "Export"),
        Binding("f1", "app.help", "Help"),
        Binding("q", "app.leave", "Quit"),
        Binding("1", "view('summary')", "summary", show=False),
        Binding("2", "view('replicates')", "replicates", show=False),
        Binding("3", "view('pictures')", "pictures", show=False),
        Binding("C", "columns", "choose columns", show=False),
        Binding("m", "metric(1)", "next metric", show=False),
        Binding("M", "metric(-1)", "previous metric", show=False),
        Binding("V", "picture(-1)", "previous picture", show=False),
        Binding("n", "replicate(1)", "next replicate", show=False),
        Binding("N", "replicate(-1)", "previous replicate", show=False),
        Binding("S", "scenario", "next scenario", show=False),
        Binding("s", "save_picture", "save the picture as SVG", show=False),
        Binding("y", "copy", "copy the table", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: ReplicateRows | None = None
        self._queries = dict.fromkeys(VIEWS, "")
        self._orders: dict[str, tuple[str, bool] | None] = dict.fromkeys(VIEWS)
        self._columns: dict[str, list[str] | None] = dict.fromkeys(VIEWS)

    def body(self) -> ComposeResult:
        yield Words("", id="results-head")
        yield Words("", id="results-tabs")
        yield QuietInput(placeholder="/ filters", id="results-filter")
        with Vertical(id="view-summary", classes="view"):
            yield RowTable(summary_cell, identity=_summary_identity, id="results-summary")
        with Vertical(id="view-replicates", classes="view"):
            yield RowTable(self._replicate_cell, identity=lambda row: row, id="replicates")
        with Vertical(id="view-pictures", classes="view"):
            yield PictureView(id="results-picture")
        yield Words("", id="results-foot", classes="keys")

    def on_mount(self) -> None:
        self.action_view(self._view)
        self.set_interval(2.0, self._tick)

    # ---- which run -------------------------------------------------------------------------------

    def resumed(self) -> None:
        chosen = self.regnet.shown_run
        if chosen is not None and (self.replay is None or self.replay.folder != chosen):
            self._start(chosen)
        self.draw()

    def _start(self, folder: RunFolder) -> None:
        self._scenario = self._replicate = 0
        try:
            self.replay = Replay(folder)
        except InputError as error:
            self.replay = None
            self.fail(str(error))
            return
        self._summary, self._rows = None, ReplicateRows(self.replay)
        self.read()

    def _tick(self) -> None:
        if self.app.screen is self and self.replay is not None:
            self.read()

    @work(thread=True, exclusive=True, group="read")
    def read(self) -> None:
        """Take what is new in the log, beside the screen."""
        replay = self.replay
        if replay is None:
            return
        news = False
        changed: set[int] = set()
        while replay.update(8_000_000):
            news = True
            changed |= replay.changed
        if news:
            summary = summary_of(replay, self._summary, changed)
            later(self, self._take, replay, summary)

    def _take(self, replay: Replay, summary: Summary) -> None:
        if replay is self.replay:
            self._summary = summary
            if self._rows is not None:
                self._rows.grow()
            self.draw()

    # ---- drawing ---------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw the view that is looked at."""
        replay, summary = self.replay, self._summary
        self._draw_tabs()
        if replay is None or summary is None:
            what = (
                "no run is chosen: F3 lists them, F2 starts one" if replay is None else "nothing recorded yet"
            )
            for name in ("#results-summary", "#replicates"):
                self.query_one(name, RowTable).show([], [], empty=what)
            self.query_one("#results-picture", PictureView).show(Notice("", what))
            self.query_one("#results-foot", Words).update("")
            return
        if self._view == "summary":
            self._draw_summary(replay, summary)
        elif self._view == "replicates":
            self._draw_replicates()
        else:
            self.draw_picture(replay, summary)

    def _draw_tabs(self) -> None:
        replay = self.replay
        head = ""
        if replay is not None:
            name = replay.record.get("name") or replay.folder.id
            size = f"{replay.done} of {replay.total} replicates, baseline {replay.study.baseline}"
            head = f" {clean(name)} · {clean(replay.folder.id)} · {clean(size)}"
        self.query_one("#results-head", Words).update(Content(cut(head, self.size.width)))
        self.query_one("#results-tabs", Words).update(Content("").join(self.tabs(VIEWS, self._view)))

    def _draw_summary(self, replay: Replay, summary: Summary) -> None:
        rows: Sequence[SummaryRow] = summary_rows(replay.study, summary, summary.metrics)
        columns = summary_columns(replay.study, summary, one_metric=False)
        self._show("#results-summary", rows, columns, SUMMARY_KEYS, _summary_text, summary_value)

    def _draw_replicates(self) -> None:
        if self._rows is not None:
            rows = self._rows
            self._show("#replicates", rows.keys, rows.columns(), rows.names(), rows.text, rows.value)

    def _show(
        self,
        name: str,
        rows: Sequence[Any],
        columns: Sequence[Column],
        keys: Sequence[str],
        text: Callable[[Any], str],
        value: Callable[[Any, str], object],
    ) -> None:
        """Show rows by the view's filter, order and choice of columns."""
        total, problem = len(rows), ""
        try:
            rows = filtered(rows, read_filter(self._queries[self._view], keys), text, value)
        except InputError as error:
            problem = str(error)
        order = self._orders[self._view]
        if order is not None:
            rows = ordered(rows, value, *order)
        chosen = self._columns[self._view]
        if chosen is not None:
            columns = [column for column in columns if column.key in chosen]
        table = self.query_one(name, RowTable)
        table.show(columns, rows, sorted_by=order, empty="no row passes the filter; esc leaves it")
        keys_line = f"{len(rows):,} of {total:,}  / filter  o sort  C columns  h l sideways  e export  y copy"
        self.query_one("#results-foot", Words).update(
            Content(f"! {clean(problem)}" if problem else keys_line)
        )

    def _replicate_cell(self, row: int, key: str) -> Cell:
        assert self._rows is not None
        return self._rows.cell(row, key)

    # ---- keys ------------------------------------------------------------------------------------

    def action_view(self, view: str) -> None:
        self._view = view
        for name in VIEWS:
            self.query_one(f"#view-{name}").display = name == view
        line = self.query_one("#results-filter", QuietInput)
        line.display = view != "pictures"
        with line.prevent(Input.Changed):
            line.value = self._queries[view]
        self.draw()
        self.set_focus(self.first_focus())

    def show_replicates(self, query: str) -> None:
        """List the replicates that a filter leaves, now or when the screen is mounted."""
        self._queries["replicates"] = query
        self._view = "replicates"
        if self._is_ready:
            self.action_view("replicates")

    def first_focus(self) -> Widget | None:
        names = {"summary": "#results-summary", "replicates": "#replicates", "pictures": "#results-picture"}
        return self.query_one(names[self._view])

    def action_filter(self) -> None:
        if self._view == "pictures":
            self.action_view("summary")
        self.query_one("#results-filter").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "results-filter":
            self._queries[self._view] = event.value
            self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.set_focus(self.first_focus())

    def leave_input(self, widget: Input) -> None:
        widget.value = ""
        self.set_focus(self.first_focus())

    def left(self) -> None:
        self.regnet.action_show_mode("run")

    def action_order(self) -> None:
        from regnet_tui.dialogs import ChoiceDialog

        if self._view == "pictures" or self.replay is None:
            return
        keys = [column.key for column in self._all_columns()]
        order = self._orders[self._view]

        def chosen(choices: list[str] | None) -> None:
            if choices:
                self._order_by(choices[0])

        title = "Sort by (again: the other way)"
        self.app.push_screen(ChoiceDialog(title, keys, [order[0]] if order else [], False), chosen)

    def on_row_table_header_clicked(self, event: RowTable.HeaderClicked) -> None:
        self._order_by(event.key)

    def _order_by(self, key: str) -> None:
        self._orders[self._view] = (key, self._orders[self._view] == (key, False))
        self.draw()

    def _all_columns(self) -> Sequence[Column]:
        if self._view == "replicates":
            return self._rows.columns() if self._rows is not None else ()
        if self._summary is None or self.replay is None:
            return ()
        return summary_columns(self.replay.study, self._summary, one_metric=False)

    def action_columns(self) -> None:
        from regnet_tui.dialogs import ChoiceDialog

        if self._view == "pictures" or self.replay is None:
            return
        keys = [column.key for column in self._all_columns()]

        def chosen(choices: list[str] | None) -> None:
            if choices:
                self._columns[self._view] = choices
                self.draw()

        now = self._columns[self._view] or keys
        self.app.push_screen(ChoiceDialog("Columns", keys, now, True), chosen)

    # ---- taking away -----------------------------------------------------------------------------

    def action_export(self) -> None:
        from regnet_tui.dialogs import TextDialog

        replay, summary = self.replay, self._summary
        if replay is None or summary is None:
            self.fail("there is nothing to export yet")
            return
        what = "replicates" if self._view == "replicates" else "summary"
        suggested = str(Path.cwd() / f"{replay.folder.id}-{what}.csv")
        text = "The ending says the format: .csv, .tsv, .json, .md or .tex. Every row and digit is written."

        def accept(path: str) -> None:
            written = export(what, replay, summary, path)
            self.done(f"written to {written}")

        self.app.push_screen(TextDialog(f"Export the {what}", text, suggested, accept))

    def action_copy(self) -> None:
        from regnet_tui.table_text import as_text

        if self._view != "pictures":
            self.regnet.copy_text(as_text(self.query_one(f"#{_TABLES[self._view]}", RowTable)))

    def resized(self) -> None:
        self.draw()

    def focused_help(self) -> str:
        """Return what the metric of the row or picture means, for F1."""
        from regnet.metrics import METRICS_BY_NAME

        row = self.query_one("#results-summary", RowTable).row
        name = row.metric if self._view == "summary" and row is not None else self._metric
        metric = METRICS_BY_NAME.get(name)
        return f"{metric_title(name)}: {metric.meaning}" if metric else ""


_TABLES = {"summary": "results-summary", "replicates": "replicates"}


def _summary_identity(row: SummaryRow) -> object:
    return (row.scenario, row.metric, row.cell.label)


def _summary_text(row: SummaryRow) -> str:
    return f"{row.label} {row.metric} {metric_title(row.metric)} {row.cell.label}".casefold()
