"""Which picture of the results is looked at? The part of the Results screen that pictures are."""

from __future__ import annotations

from textual import work
from textual.content import Content
from textual.timer import Timer

from regnet.runs.replay import Replay
from regnet.summary import Summary
from regnet_tui.from_thread import later
from regnet_tui.page import Page
from regnet_tui.picture_data import PictureData
from regnet_tui.picture_view import PictureView
from regnet_tui.pictures import OF_ARRAYS, PICTURES, TITLES, chart_of, chart_of_arrays
from regnet_tui.quiet_widgets import Words
from regnet_tui.run_tables import metrics_at_hand
from regnet_tui.scenario_labels import scenario_name

_SETTLE = 0.12  # seconds without a key before another process is asked for arrays


class ResultPictures(Page):
    """A screen with a picture of a run: its kind, metric, scenario and replicate are chosen by keys."""

    def __init__(self) -> None:
        super().__init__()
        self.replay: Replay | None = None
        self._summary: Summary | None = None
        self._view = "summary"
        self._metric = "pearson"
        self._picture = "differences"
        self._scenario = 0
        self._replicate = 0
        self._arrays = PictureData()
        self._asking: Timer | None = None

    def draw(self) -> None:
        """Draw the view that is looked at."""
        raise NotImplementedError

    def action_view(self, view: str) -> None:
        """Look at another view."""
        raise NotImplementedError

    def draw_picture(self, replay: Replay, summary: Summary) -> None:
        """Draw the picture that is chosen, or have its arrays read."""
        at = PICTURES.index(self._picture) + 1
        keys = "v next  m metric  S scenario  n replicate  s save"
        foot = f"{at}/{len(PICTURES)} {TITLES[self._picture]}  {keys}"
        self.query_one("#results-foot", Words).update(Content(foot))
        if self._asking is not None:
            self._asking.stop()
        if self._picture in OF_ARRAYS:
            self._asking = self.set_timer(_SETTLE, self._draw_arrays)
        else:
            chart = chart_of(self._picture, replay, summary, self._metric, self._scenario)
            self.query_one("#results-picture", PictureView).show(chart)

    @work(thread=True, exclusive=True, group="arrays")
    def _draw_arrays(self) -> None:
        """Draw one replicate's arrays, which another process reads."""
        replay, asked = self.replay, (self._picture, self._scenario, self._replicate)
        if replay is None or self._picture not in OF_ARRAYS:
            return
        kind, scenario, replicate = asked
        told = self._arrays.read(replay.folder.arrays_of(scenario, replicate))
        where = f"replicate {replicate}, {scenario_name(replay.study, scenario)}"
        chart = chart_of_arrays(kind, told, where)

        def show() -> None:
            if replay is self.replay and asked == (self._picture, self._scenario, self._replicate):
                self.query_one("#results-picture", PictureView).show(chart)

        later(self, show)

    # ---- keys ------------------------------------------------------------------------------------

    def action_metric(self, step: int) -> None:
        if self.replay is None:
            return
        names = metrics_at_hand(self.replay.rows)
        at = names.index(self._metric) if self._metric in names else 0
        self._metric = names[(at + step) % len(names)]
        self.action_view("pictures")

    def action_picture(self, step: int) -> None:
        if self._view == "pictures":
            self._picture = PICTURES[(PICTURES.index(self._picture) + step) % len(PICTURES)]
        self.action_view("pictures")

    def action_scenario(self) -> None:
        if self.replay is not None:
            self._scenario = (self._scenario + 1) % len(self.replay.study.scenarios)
            self.draw()

    def action_replicate(self, step: int) -> None:
        if self.replay is not None:
            self._replicate = (self._replicate + step) % self.replay.study.replicates
            self.draw()

    def action_save_picture(self) -> None:
        if self._view == "pictures" and self.replay is not None:
            chart = self.query_one("#results-picture", PictureView).chart
            parts = [self.replay.folder.id, self._picture]
            if self._picture in OF_ARRAYS:
                parts.append(f"{self._scenario:03d}-{self._replicate:05d}")
            else:
                parts.append(self._metric)
            self.regnet.save_picture(chart, "-".join(parts))
