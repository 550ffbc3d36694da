"""What do all full screens have in common? The line of screens above, keys below, and a least size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Footer, Input

from regnet_tui.quiet_widgets import Words
from regnet_tui.safe_text import clean

if TYPE_CHECKING:
    from regnet_tui.app import RegnetApp

LEAST_SIZE = (72, 20)
"""Columns and rows below which a screen says what it needs."""

WIDE = 100
"""Columns from which a screen uses its wide layout."""

_SETTLED = 0.3  # seconds without another size after which a window has the one that it keeps

PAGES = (
    ("study", "F2", "Study"),
    ("runs", "F3", "Runs"),
    ("run", "F4", "Run"),
    ("results", "F5", "Results"),
    ("data", "F6", "Own data"),
)
"""The screens: their mode, key and name."""


class Failure(VerticalScroll):
    """Failures that stay in sight until they are dismissed with escape."""

    DEFAULT_CSS = (
        "Failure { height: auto; max-height: 5; display: none; background: $error 25%; padding: 0 1; }"
    )


class Page(Screen[None]):
    """A full screen."""

    mode: ClassVar[str] = ""
    help_text: ClassVar[str] = ""
    """The screen's own help, shown on F1."""
    _is_ready = False
    _settling: Timer | None = None

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "app.help", "help", show=False),
        Binding("escape", "back", "back", show=False),
        Binding("tab", "app.focus_next", "next", show=False),
        Binding("shift+tab", "app.focus_previous", "previous", show=False),
        # no screen's text is selected by keyboard: Ctrl+C asks to leave, as in other programs
        Binding("ctrl+c", "app.leave", "leave", show=False, system=True),
    ]

    def compose(self) -> ComposeResult:
        yield Words("", id="nav")
        yield Failure(Words("", id="failure-text"), id="failure", can_focus=False)
        yield from self.body()
        yield Footer(show_command_palette=False)
        yield Words("", id="too-small")

    def body(self) -> ComposeResult:
        """Yield the screen's own widgets."""
        yield from ()

    @property
    def regnet(self) -> RegnetApp:
        """The app, by its own type."""
        return cast("RegnetApp", self.app)

    # ---- size ------------------------------------------------------------------------------------

    @property
    def is_wide(self) -> bool:
        return self.size.width >= WIDE

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        self.set_class(width >= WIDE, "-wide")
        is_tiny = width < LEAST_SIZE[0] or height < LEAST_SIZE[1]
        self.set_class(is_tiny, "-tiny")
        if is_tiny:
            needs = f"regNet needs {LEAST_SIZE[0]} columns and {LEAST_SIZE[1]} rows"
            text = f"{needs};\nthis window has {width} and {height}.\n\nMake it larger; q leaves."
            self.query_one("#too-small", Words).update(Content(text))
        self.draw_nav()
        if self._is_ready:
            self.resized()
            if self._settling is not None:
                self._settling.stop()
            self._settling = self.set_timer(_SETTLED, self._draw_whole)

    def _draw_whole(self) -> None:
        """Draw all once more: a frame that falls between two sizes, or within a batch, may be lost."""
        self._settling = None
        self.refresh_bindings()
        self.refresh(layout=True)

    def resized(self) -> None:
        """Do what the screen has to after its size changed."""

    def tabs(self, views: Sequence[str], chosen: str) -> list[Content]:
        """Return the names of a screen's views with their keys, the chosen one reversed."""
        return [
            Content.styled(f" {key} {view.capitalize()} ", "reverse" if view == chosen else "")
            for key, view in enumerate(views, 1)
        ]

    # ---- the line of screens ---------------------------------------------------------------------

    def on_mount(self) -> None:
        # the handlers of the screens' own classes have run by now
        self._is_ready = True
        self.resumed()

    def on_screen_resume(self) -> None:
        self.come_back()

    def come_back(self) -> None:
        """Show what the app now wants shown; a screen that isn't mounted yet does so when it is."""
        if self._is_ready:
            self.draw_nav()
            self.resumed()

    def resumed(self) -> None:
        """Do what the screen has to when it comes to the front."""

    def draw_nav(self) -> None:
        """Draw the line of screens, with what is going on."""
        spans = [Content.styled(" regNet ", "bold")]
        for mode, key, name in PAGES:
            style = "reverse bold" if mode == self.mode else ""
            short = name if self.size.width >= 80 or mode == self.mode else name[:4]
            spans.append(Content.styled(f" {key} {short} ", style))
        nav = Content("").join(spans)
        news = self.regnet.news
        gap = self.size.width - nav.cell_length - len(news) - 1
        if news and gap > 0:
            nav = Content("").join([nav, Content(" " * gap), Content.styled(news, "bold")])
        self.query_one("#nav", Words).update(nav)

    # ---- failures --------------------------------------------------------------------------------

    def fail(self, text: str) -> None:
        """Show what went wrong until escape is pressed."""
        failure = self.query_one("#failure")
        self.query_one("#failure-text", Words).update(Content(f"! {clean(text)}  (esc dismisses)"))
        failure.display = True

    def done(self, text: str) -> None:
        """Say that an action is completed."""
        self.notify(clean(text, 400), markup=False, timeout=4)

    def action_back(self) -> None:
        failure = self.query_one("#failure")
        if failure.display:
            failure.display = False
        elif isinstance(self.focused, Input):
            self.leave_input(self.focused)
        else:
            self.left()

    def leave_input(self, widget: Input) -> None:
        """Do what escape does inside an input."""
        self.set_focus(self.first_focus())

    def left(self) -> None:
        """Do what escape does elsewhere."""

    def first_focus(self) -> Widget | None:
        """Where the focus goes when an input is left."""
        return next(iter(self.focus_chain), None)
