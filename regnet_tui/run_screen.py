"""How is this run going? Progress, the comparison filling in, the log, the parameters and a live picture."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from regnet.errors import InputError
from regnet.execution import Execution
from regnet.runs.folder import RunFolder
from regnet.summary import Summary
from regnet_tui.figures import bar, count, duration
from regnet_tui.follower import PERIOD, Follower
from regnet_tui.log_view import LEVELS, LogView
from regnet_tui.page import Page
from regnet_tui.picture_view import PictureView
from regnet_tui.pictures import OF_ROWS, TITLES, chart_of, summary_of
from regnet_tui.plots import Forest, Notice
from regnet_tui.quiet_widgets import QuietInput, Words
from regnet_tui.row_table import RowTable
from regnet_tui.run_actions import RunActions
from regnet_tui.run_tables import (
    PARAMETER_COLUMNS,
    fit_warnings,
    metric_title,
    metrics_at_hand,
    only_other,
    parameter_cell,
    parameter_rows,
    progress_cell,
    progress_columns,
    progress_rows,
    summary_cell,
    summary_columns,
    summary_rows,
    time_spread,
    verdict,
)
from regnet_tui.safe_text import clean, cut

_WITH_PICTURE = 140  # columns from which a picture stands beside the progress
VIEWS = ("overview", "log", "parameters", "picture")


class RunScreen(RunActions, Page):
    """One run, alive or ended."""

    mode = "run"
    help_text = (
        "A run goes on without this window; closing it stops nothing. 1 to 4 switch between overview, "
        "log, parameters and picture. m goes to the next metric. In the log, / filters by text, w by "
        "level, f follows the end. x asks to stop after the replicates under way; what was computed "
        "is kept, and r resumes. c copies the run's study into the form. F5 shows the results."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "stop", "Stop"),
        Binding("r", "resume", "Resume"),
        Binding("m", "metric(1)", "Metric"),
        Binding("slash", "filter", "Filter log"),
        Binding("f1", "app.help", "Help"),
        Binding("q", "app.leave", "Quit"),
        Binding("M", "metric(-1)", "previous metric", show=False),
        Binding("1", "view('overview')", "overview", show=False),
        Binding("2", "view('log')", "log", show=False),
        Binding("3", "view('parameters')", "parameters", show=False),
        Binding("4", "view('picture')", "picture", show=False),
        Binding("c", "duplicate", "copy into the form", show=False),
        Binding("w", "level", "level of the log", show=False),
        Binding("W", "fit_warnings", "fits with warnings", show=False),
        Binding("f", "follow", "follow the log", show=False),
        Binding("v", "picture(1)", "next picture", show=False),
        Binding("s", "save_picture", "save the picture", show=False),
        Binding("y", "copy", "copy what is shown", show=False),
        Binding("ctrl+r", "resume", "resume", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.follower: Follower | None = None
        self._summary: Summary | None = None
        self._metric = "pearson"
        self._view = "overview"
        self._picture = "differences"
        self._fit_warnings: list[tuple[str, int]] = []
        self._has_news = False
        self._drawn_at = 0.0
        self._soon: Timer | None = None

    def body(self) -> ComposeResult:
        yield Words("", id="run-head")
        yield Words("", id="run-tabs")
        with Vertical(id="view-overview", classes="view"):
            with Horizontal(id="overview-top"):
                yield RowTable(progress_cell, identity=lambda row: row.scenario, id="progress")
                yield PictureView(id="live")
            yield Words("", id="summary-title", classes="pane-title")
            yield RowTable(
                summary_cell,
                identity=lambda row: (row.scenario, row.cell.label),
                empty="fills in as replicates are computed",
                id="summary",
            )
            yield Words("Log", id="tail-title", classes="pane-title")
            yield LogView(id="tail")
        with Vertical(id="view-log", classes="view"):
            with Horizontal(id="log-filter-line"):
                yield Words("", id="log-level")
                yield QuietInput(placeholder="text to filter by", id="log-filter")
            yield LogView(id="log")
        with Vertical(id="view-parameters", classes="view"):
            yield RowTable(parameter_cell, identity=lambda row: row[0], id="parameters")
        with Vertical(id="view-picture", classes="view"):
            yield PictureView(id="picture")

    def on_mount(self) -> None:
        self.query_one("#tail").can_focus = False
        self.query_one("#live").can_focus = False
        self.action_view("overview")
        self.set_interval(PERIOD, self.poll)

    # ---- which run -------------------------------------------------------------------------------

    def resumed(self) -> None:
        chosen = self.regnet.shown_run
        if chosen is not None and (self.follower is None or self.follower.folder != chosen):
            self.open(chosen)
        self.draw()

    def open(self, folder: RunFolder) -> None:
        """Look at a run; what is wrong with its folder is said, not raised."""
        try:
            self.follower = Follower(folder)
        except InputError as error:
            self.follower = None
            self.fail(str(error))
            return
        self._summary, self._fit_warnings = None, []
        self.poll()
        study = self.follower.replay.study
        rows = parameter_rows(study, self._execution())
        self.query_one("#parameters", RowTable).show(PARAMETER_COLUMNS, rows)
        for name in ("#tail", "#log"):
            self.query_one(name, LogView).show([])
        self.draw()

    def _execution(self) -> Execution | None:
        try:
            return self.follower.folder.execution() if self.follower else None
        except (InputError, KeyError, TypeError):
            return None

    def chosen_folder(self) -> RunFolder | None:
        """The run that the actions are about."""
        return self.follower.folder if self.follower is not None else None

    def acted(self) -> None:
        self.poll()

    # ---- following -------------------------------------------------------------------------------

    def poll(self) -> None:
        """Look for news while somebody looks; draw at most four times a second, however much there is."""
        follower = self.follower
        if follower is None or self.app.screen is not self:
            return
        self._has_news = follower.poll() or self._has_news
        now = time.monotonic()
        if self._has_news and (not follower.is_behind or now - self._drawn_at >= 0.25):
            self._has_news, self._drawn_at = False, now
            self.draw()
        elif follower.state.is_alive:
            self._draw_head()
        if follower.is_behind:  # a long log is read in bites, between which keys are heard
            if self._soon is not None:
                self._soon.stop()
            self._soon = self.set_timer(0.01, self.poll)

    def draw(self) -> None:
        """Draw what the view shows; the rest is drawn when it is looked at."""
        follower = self.follower
        if follower is not None:
            self._fit_warnings = fit_warnings(follower.replay.rows)
        self._draw_head()
        self._draw_tabs()
        if follower is None:
            empty = "no run is chosen: F3 lists the runs, F2 starts one"
            self.query_one("#progress", RowTable).show([], [], empty=empty)
            self.query_one("#summary", RowTable).show([], [], empty="")
            self.query_one("#picture", PictureView).show(Notice("", empty))
            return
        if self._view == "overview":
            self._draw_overview(follower)
        elif self._view == "log":
            self._draw_log(follower)
        elif self._view == "picture":
            self._draw_picture(follower)

    def _draw_head(self) -> None:
        head = self.query_one("#run-head", Words)
        follower = self.follower
        if follower is None:
            head.update("")
            return
        state, progress = follower.state, follower.progress
        width = self.size.width
        name = clean(follower.replay.record.get("name") or follower.folder.id)
        first = f" {name} · {clean(state.sentence)}"
        if name != follower.folder.id and width >= 100:
            first += f" · {follower.folder.id}"
        parts = [f"{progress.done}/{progress.total}"]
        if state.is_alive and progress.per_second:
            rate = progress.per_second
            parts.append(f"{rate:.1f}/s" if rate >= 1 else f"{duration(1 / rate)} each")
        if state.is_alive and progress.remaining is not None:
            spread = time_spread(follower.replay) * progress.remaining
            about = f" ± {duration(spread)}" if spread == spread and spread >= 0.5 else ""
            parts.append(f"{duration(progress.remaining)}{about} left")
        if follower.warnings:
            parts.append(f"{count(follower.warnings, 'warning')} (w)")
        parts += [f"{number}× {clean(text, 40)} (W)" for text, number in self._fit_warnings]
        bar_width = max(min(width - 50, 40), 12)
        second = f" {bar(progress.fraction, bar_width)} {'  '.join(parts)}"
        head.update(Content(f"{cut(first, width)}\n{cut(second, width)}"))

    def _draw_tabs(self) -> None:
        spans = self.tabs(VIEWS, self._view)
        hint = {
            "overview": "m metric  c into the form  F5 results",
            "log": "w level  f follow  / text  y copy",
            "parameters": "* changed  c into the form",
            "picture": "v next picture  m metric  s save as SVG",
        }[self._view]
        room = self.size.width - sum(span.cell_length for span in spans) - len(hint) - 2
        spans += [Content(" " * max(room, 1)), Content.styled(hint if room > 0 else "", "dim")]
        self.query_one("#run-tabs", Words).update(Content("").join(spans))

    def _draw_overview(self, follower: Follower) -> None:
        replay = follower.replay
        rows = progress_rows(replay)
        table = self.query_one("#progress", RowTable)
        table.show(progress_columns(replay.study), rows)
        self._summary = summary_of(replay, self._summary, follower.take_changed())
        n_compared = self._draw_summary(follower)
        lines = len(rows) + 1
        live = self.query_one("#live", PictureView)
        live.display = self.size.width >= _WITH_PICTURE
        if live.display:
            table.styles.width = min(table.natural_width, self.size.width * 3 // 5)
            chart = chart_of("differences", replay, self._summary, self._metric, 0)
            lines = max(lines, len(chart.rows) + 3 if isinstance(chart, Forest) else 2)
            live.show(chart)
        else:
            table.styles.width = "1fr"
        # half of what the tables share, or what the summary leaves of it
        room = self.size.height - (15 if self.is_wide else 11)
        most = max(room // 2, room - n_compared - 1, 3)
        self.query_one("#overview-top").styles.height = min(lines, most)
        self.query_one("#tail", LogView).show(follower.log)

    def _draw_summary(self, follower: Follower) -> int:
        """Draw the table of comparisons; return its number of rows."""
        summary = self._summary
        if summary is None:
            return 0
        rows = summary_rows(follower.replay.study, summary, [self._metric])
        against = f"{only_other(summary) or 'methods'} against {summary.baseline}"
        title = f"{metric_title(self._metric)}   {against}: {verdict(rows) or 'differences'}"
        self.query_one("#summary-title", Words).update(Content(clean(title)))
        columns = summary_columns(follower.replay.study, summary, one_metric=True)
        self.query_one("#summary", RowTable).show(columns, rows)
        return len(rows)

    def _draw_log(self, follower: Follower) -> None:
        log = self.query_one("#log", LogView)
        log.show(follower.log)
        shown, total = log.counts
        follow = "following" if log.follow else "not following"
        text = f" {log.level} and above · {shown} of {total} · {follow} · filter:"
        self.query_one("#log-level", Words).update(Content(text))

    def _draw_picture(self, follower: Follower) -> None:
        self._summary = summary_of(follower.replay, self._summary, follower.take_changed())
        scenario = self._scenario()
        chart = chart_of(self._picture, follower.replay, self._summary, self._metric, scenario)
        self.query_one("#picture", PictureView).show(chart)

    def _scenario(self) -> int:
        row = self.query_one("#progress", RowTable).row
        return row.scenario if row is not None else 0

    # ---- keys ------------------------------------------------------------------------------------

    def action_view(self, view: str) -> None:
        self._view = view
        for name in VIEWS:
            self.query_one(f"#view-{name}").display = name == view
        self.draw()
        self.set_focus(self.first_focus())

    def first_focus(self) -> Widget | None:
        names = {"overview": "#summary", "log": "#log", "parameters": "#parameters", "picture": "#picture"}
        return self.query_one(names[self._view])

    def action_metric(self, step: int) -> None:
        if self.follower is None:
            return
        names = metrics_at_hand(self.follower.replay.rows)
        at = names.index(self._metric) if self._metric in names else 0
        self._metric = names[(at + step) % len(names)]
        self.draw()

    def action_picture(self, step: int) -> None:
        if self._view != "picture":
            self.action_view("picture")
            return
        self._picture = OF_ROWS[(OF_ROWS.index(self._picture) + step) % len(OF_ROWS)]
        self.draw()

    def action_save_picture(self) -> None:
        if self._view == "picture" and self.follower is not None:
            chart = self.query_one("#picture", PictureView).chart
            self.regnet.save_picture(chart, f"{self.follower.folder.id}-{self._picture}")

    def action_filter(self) -> None:
        self.action_view("log")
        self.query_one("#log-filter").focus()

    def action_level(self) -> None:
        self.action_view("log")
        log = self.query_one("#log", LogView)
        log.filter(level=LEVELS[(LEVELS.index(log.level) + 1) % len(LEVELS)])
        self.draw()

    def action_fit_warnings(self) -> None:
        """List the replicates whose fits did not converge or lie at the boundary."""
        if self.follower is not None:
            self.regnet.show_replicates(self.follower.folder, "warned=yes")

    def action_follow(self) -> None:
        log = self.query_one("#log", LogView)
        log.follow = not log.follow
        if log.follow:
            log.action_last()
        self.draw()

    def action_copy(self) -> None:
        if self._view == "log":
            self.regnet.copy_text(self.query_one("#log", LogView).text())
        elif self._summary is not None and self.follower is not None:
            from regnet_tui.table_text import as_text

            table = self.query_one("#parameters" if self._view == "parameters" else "#summary", RowTable)
            self.regnet.copy_text(as_text(table))

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "log-filter":
            self.query_one("#log", LogView).filter(needle=event.value)
            self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.set_focus(self.query_one("#log"))

    def left(self) -> None:
        if self._view != "overview":
            self.action_view("overview")
        else:
            self.regnet.action_show_mode("runs")

    def resized(self) -> None:
        self.draw()

    def focused_help(self) -> str:
        """Return what the metric that is shown means, for F1."""
        from regnet.metrics import METRICS_BY_NAME

        metric = METRICS_BY_NAME.get(self._metric)
        shown = TITLES[self._picture] if self._view == "picture" else ""
        return "\n".join(filter(None, (f"{metric.title}: {metric.meaning}" if metric else "", shown)))
