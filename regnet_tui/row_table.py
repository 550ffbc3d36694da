"""How are ten thousand rows shown without building ten thousand rows of widgets?

:class:`RowTable` draws the rows in sight and nothing else; rows are whatever the screen gives, cells
are asked for by row and column. Sorting and filtering are the screen's (:mod:`regnet_tui.row_filter`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from regnet_tui.safe_text import clean, fit

Row = Any
_GAP, _NARROW_GAP, _NARROW = 2, 1, 100


class Column(NamedTuple):
    """One column: its key for cells and sorting, its title, width in cells, side, and least width.

    Where the window is narrow, columns with a least width shrink towards it, the first one last; `short`
    is its title where the whole one doesn't fit.
    """

    key: str
    title: str
    width: int
    right: bool = False
    least: int = 0
    short: str = ""


class Cell(NamedTuple):
    """One cell's text and tone: ``""``, ``dim``, ``good``, ``warn`` or ``bad``.

    `short` is the text where the whole one doesn't fit; without it, the end is cut off.
    """

    text: str
    tone: str = ""
    short: str = ""


class RowTable(ScrollView, can_focus=True):
    """A table of any length with a cursor, marks and vim's keys."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row-table--header",
        "row-table--cursor",
        "row-table--marked",
        "row-table--dim",
        "row-table--good",
        "row-table--warn",
        "row-table--bad",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("g,home", "to(0)", "first row", show=False),
        Binding("G,end", "to(-1)", "last row", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False),
        Binding("l,right", "sideways(8)", "right", show=False),
        Binding("h,left", "sideways(-8)", "left", show=False),
        Binding("enter", "choose", "open", show=False),
    ]

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, table: RowTable, row: Row | None) -> None:
            super().__init__()
            self.table = table
            self.row = row

        @property
        def control(self) -> RowTable:
            return self.table

    class Chosen(Moved):
        """Enter was pressed, or the row under the cursor clicked."""

    class HeaderClicked(Message):
        """A column's title was clicked."""

        def __init__(self, table: RowTable, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

    def __init__(
        self,
        cell: Callable[[Row, str], Cell],
        *,
        identity: Callable[[Row], object] = id,
        empty: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._cell = cell
        self._identity = identity
        self._empty = empty
        self._columns: Sequence[Column] = ()
        self._wanted: Sequence[Column] = ()
        self._gap = _GAP
        self._drawn: object = None
        self._rows: Sequence[Row] = ()
        self._sorted: tuple[str, bool] | None = None
        self.cursor = 0
        self.marked: set[object] = set()

    # ---- what it shows ---------------------------------------------------------------------------

    def show(
        self,
        columns: Sequence[Column],
        rows: Sequence[Row],
        *,
        sorted_by: tuple[str, bool] | None = None,
        empty: str | None = None,
    ) -> None:
        """Show these rows; the cursor stays on its row where that is still there."""
        here = self.row
        moved = here is not None and not (
            self.cursor < len(rows) and self._identity(rows[self.cursor]) == self._identity(here)
        )
        self._wanted, self._rows, self._sorted = columns, rows, sorted_by
        if empty is not None:
            self._empty = empty
        if moved:
            wanted = self._identity(here)
            found = next((i for i, row in enumerate(rows) if self._identity(row) == wanted), None)
            self.cursor = found if found is not None else self.cursor
        self.cursor = min(max(self.cursor, 0), max(len(rows) - 1, 0))
        self._fit_columns()
        self._keep_in_sight()
        drawn = self._in_sight()
        if drawn != self._drawn:
            self._drawn = drawn
            self.refresh()

    def _in_sight(self) -> object:
        """Return what is drawn, so that telling the same again writes nothing to the terminal."""
        first = self.scroll_offset.y
        rows = self._rows[first : first + max(self.size.height - 1, 0)]
        cells = [tuple(self._cell(row, column.key) for column in self._columns) for row in rows]
        marks = [self._identity(row) in self.marked for row in rows]
        return (self._columns, cells, marks, self.cursor, first, self._sorted, self._empty, self.size)

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    @property
    def columns(self) -> Sequence[Column]:
        return self._columns

    @property
    def natural_width(self) -> int:
        """Cells that the columns take where nothing narrows them, with an edge at both sides."""
        return 2 + sum(column.width + _GAP for column in self._wanted)

    def share(self, leading: Sequence[Column], count: int) -> int:
        """Return the width that each of some more columns can have beside leading ones at their least.

        Room for the scroll bar is left, whether the rows will need it or not.
        """
        gap = _GAP if self.size.width >= _NARROW else _NARROW_GAP
        taken = 1 + sum(min(column.least or column.width, column.width) + gap for column in leading)
        return (self.size.width - self.styles.scrollbar_size_vertical - taken + gap) // count - gap

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    def cell(self, row: Row, key: str) -> Cell:
        """Return one cell as it is drawn."""
        return self._cell(row, key)

    def marked_rows(self) -> list[Row]:
        """Return the marked rows in sight of the filter, in order."""
        return [row for row in self._rows if self._identity(row) in self.marked]

    def mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go one down."""
        if self.row is not None:
            self.marked ^= {self._identity(self.row)}
            self.refresh()
            self.action_move(1)

    def go(self, row: int) -> None:
        """Put the cursor on a row by its place."""
        if not self._rows:
            return
        row = min(max(row, 0), len(self._rows) - 1)
        if row != self.cursor:
            before, self.cursor = self.cursor, row
            self._keep_in_sight()
            self.refresh_line(before + 1)
            self.refresh_line(row + 1)
            self.post_message(self.Moved(self, self.row))

    # ---- keys and mouse --------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        self.go(self.cursor + step)

    def action_to(self, row: int) -> None:
        self.go(row if row >= 0 else len(self._rows) - 1)

    def action_page(self, step: int) -> None:
        self.go(self.cursor + step * max(self.size.height - 2, 1))

    def action_sideways(self, step: int) -> None:
        self.scroll_to(x=self.scroll_offset.x + step, animate=False)

    def action_choose(self) -> None:
        if self.row is not None:
            self.post_message(self.Chosen(self, self.row))

    def on_click(self, event: Click) -> None:
        if event.y == 0:
            x = event.x + self.scroll_offset.x - 1
            for column in self._columns:
                if x < column.width + self._gap:
                    self.post_message(self.HeaderClicked(self, column.key))
                    return
                x -= column.width + self._gap
            return
        row = self.scroll_offset.y + event.y - 1
        if row == self.cursor:
            self.action_choose()
        elif row < len(self._rows):
            self.go(row)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._fit_columns()
        self._keep_in_sight()

    def _fit_columns(self) -> None:
        """Narrow the columns that can be narrowed as far as the window asks for."""
        self._gap = _GAP if self.size.width >= _NARROW else _NARROW_GAP
        columns = list(self._wanted)
        room = self.size.width  # the scroll bar's cells included
        if len(self._rows) + 1 > self.size.height:
            room -= self.styles.scrollbar_size_vertical
        over = 1 + sum(column.width + self._gap for column in columns) - self._gap - room
        for place in (*range(1, len(columns)), *range(min(len(columns), 1))):
            column = columns[place]
            if over > 0 and 0 < column.least < column.width:
                width = max(column.least, column.width - over)
                over -= column.width - width
                columns[place] = column._replace(width=width)
        self._columns = columns
        width = 1 + sum(column.width + self._gap for column in columns) - self._gap if columns else 0
        self.virtual_size = Size(width, len(self._rows) + 1)

    def _keep_in_sight(self) -> None:
        top, height = self.scroll_offset.y, max(self.size.height - 1, 1)
        if self.cursor < top or self.cursor >= top + height:
            target = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=target, animate=False, immediate=True)

    # ---- drawing ---------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        offset = self.scroll_offset
        base = self.rich_style
        if y == 0:
            style = self.get_component_rich_style("row-table--header")
            return self._line([(self._title(column), style) for column in self._columns], style, " ")
        if not self._rows:
            text = self._empty if y == 1 else ""
            return Strip([Segment(fit(f"  {text}", width), base)], width)
        number = offset.y + y - 1
        if number >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[number]
        marked = self._identity(row) in self.marked
        line_style = self.get_component_rich_style("row-table--marked") if marked else base
        at_cursor = number == self.cursor
        if at_cursor and self.has_focus:
            line_style = self.get_component_rich_style("row-table--cursor")
        cells = []
        for column in self._columns:
            text, tone, short = self._cell(row, column.key)
            if short and len(text) > column.width:
                text = short
            style = line_style
            if tone and not (at_cursor and self.has_focus):
                style = line_style + Style(color=self.get_component_rich_style(f"row-table--{tone}").color)
            cells.append((fit(clean(text, 400), column.width, column.right), style))
        return self._line(cells, line_style, "*" if marked else ">" if at_cursor else " ")

    def _title(self, column: Column) -> str:
        title = column.short if column.short and len(column.title) > column.width else column.title
        if self._sorted and self._sorted[0] == column.key:
            title = f"{title}{'▾' if self._sorted[1] else '▴'}"
        return fit(title, column.width, column.right)

    def _line(self, cells: list[tuple[str, Style]], style: Style, edge: str) -> Strip:
        segments = [Segment(edge, style)]
        for text, cell_style in cells:
            segments.append(Segment(text, cell_style))
            segments.append(Segment(" " * self._gap, style))
        left = self.scroll_offset.x
        return Strip(segments).crop_extend(left, left + self.size.width, style)
