"""A bordered part of the screen that repaints only the cells that changed.

Over SSH, each byte counts. Textual repaints a whole widget; a panel keeps the lines that it drew last, and repaints
only the part of each line that changed. Its border is part of those lines, so that a title can show the latest value.
Hidden panels are not drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.events import Blur, Focus, Resize, Show
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from workbench.ui.keys.copying import Copied
from workbench.ui.look.glyphs import Glyphs
from workbench.ui.look.heat import Heat
from workbench.ui.look.styled_app import StyledApp


class LineWidget(Widget):
    """A widget of lines of text that repaints only the changed parts of lines."""

    app: StyledApp
    IS_DRAWN_UNDER_DIALOGS: ClassVar[bool] = False
    """Whether it changes under a dialog too, which covers only a part of the screen."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: list[Strip] = []
        self._stale = True
        self._drawn_in = ""
        """The theme of the lines that are kept."""

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with: Unicode, or ASCII with `--ascii`."""
        return self.app.glyphs

    def style_of(self, name: str) -> Style:
        """The Rich style of that name in the present theme: one of themes.STYLES."""
        return self.app.palette[name]

    @property
    def heat(self) -> Heat:
        """The backgrounds of cells that show fractions."""
        return self.app.heat

    def lines(self, width: int, height: int) -> list[Text]:
        """The lines to show: at most `height` lines; one wider than `width` ends in an ellipsis."""
        raise NotImplementedError

    @property
    def is_seen(self) -> bool:
        """Whether the widget can be seen: it is not hidden, not folded away, not under another screen."""
        if not self.is_attached or self.size.area == 0:
            return False
        if self.IS_DRAWN_UNDER_DIALOGS and self.app.screen.is_modal:
            return True
        return self.is_on_screen and self.screen.is_active

    def redraw(self) -> None:
        """Draws again, and repaints the changed cells. A hidden widget is drawn when it is shown."""
        if not self.is_seen:
            self._stale = True
            return
        old, self._strips, self._stale = self._strips, self._draw(), False
        if len(old) != len(self._strips):
            self.refresh()
            return
        for y, (before, after) in enumerate(zip(old, self._strips, strict=True)):
            if (stretch := changed_stretch(before, after)) is not None:
                self.refresh(Region(stretch[0], y, stretch[1] - stretch[0], 1))

    def _draw(self) -> list[Strip]:
        width, height = self.size
        self._drawn_in = self.app.theme
        lines = self.lines(width, height)[:height]
        lines += [Text()] * (height - len(lines))
        base = self.rich_style
        return [self._strip(line, width, base) for line in lines]

    def _strip(self, line: Text, width: int, base: Style) -> Strip:
        line = self.cut(line, width)
        console = self.app.console
        # Rich ignores the style of a whole text if no part of it has a style of its own.
        style = base + console.get_style(line.style)
        return Strip(line.render(console)).adjust_cell_length(width).apply_style(style).simplify()

    def cut(self, text: Text, cells: int) -> Text:
        """The text in at most `cells` cells; a longer one is copied, and ends in a dim ellipsis."""
        if text.cell_len <= cells:
            return text
        text = text.copy()
        text.truncate(max(cells - 1, 0))
        return text.append(self.glyphs.ellipsis, self.style_of("dim"))

    def render_line(self, y: int) -> Strip:
        if self._stale or len(self._strips) != self.size.height or self._drawn_in != self.app.theme:
            self._strips, self._stale = self._draw(), False
        strip = self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)
        return self._with_selection(strip, y).apply_offsets(0, y)

    # Selecting with the mouse.

    def _with_selection(self, strip: Strip, y: int) -> Strip:
        if (selection := self.text_selection) is None or (columns := self.selected_columns(selection, y)) is None:
            return strip
        start, end = columns
        before, inside, after = (strip.crop(0, start), strip.crop(start, end), strip.crop(end, strip.cell_length))
        chosen = self.screen.get_component_rich_style("screen--selection")
        return Strip.join([before, inside.apply_style(Style(bgcolor=chosen.bgcolor, color=chosen.color)), after])

    def selected_columns(self, selection: Selection, y: int) -> tuple[int, int] | None:
        """The first selected column of a line and the one after the last; None if nothing of it is selected."""
        if (span := selection.get_span(y)) is None:
            return None
        start, end = span
        return start, self.size.width if end == -1 else min(end, self.size.width)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, without blanks at the ends of lines."""
        found = [(strip, self.selected_columns(selection, y)) for y, strip in enumerate(self._strips)]
        lines = [strip.crop(*columns).text.rstrip() for strip, columns in found if columns is not None]
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._stale = True

    def on_show(self, _: Show) -> None:
        self.redraw()

    def on_resize(self, _: Resize) -> None:
        self._stale = True
        self.refresh()


EDGE_CELLS = 6
"""Cells of a horizontal border that its text cannot use."""


class Panel(LineWidget, can_focus=True):
    """A part of the screen within a thin border, whose colour shows whether it has the focus."""

    KEYS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Keys and their labels while the panel has the focus, the most important first, for the line of keys."""

    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """The keys that do something now: (key, label)."""
        return self.KEYS

    def copyable(self) -> Copied | None:
        """What is copied while the panel has the focus: the lines that it shows."""
        lines = self.content(self.size.width - 4, self.size.height - 2)
        text = "\n".join(line.plain.rstrip() for line in lines).strip("\n")
        return Copied(self.heading().plain.partition("  ")[0] or "what is shown", text) if text else None

    def heading(self) -> Text:
        """The text of the upper border: the panel's name, a legend, latest values."""
        return Text()

    def footing(self) -> Text:
        """The text at the right of the lower border."""
        return Text()

    def first_fitting(self, texts: Iterable[Text]) -> Text:
        """The first text that fits into a border, else the last."""
        text = Text()
        for text in texts:
            if text.cell_len <= self.size.width - EDGE_CELLS:
                break
        return text

    def content(self, width: int, height: int) -> list[Text]:
        """The lines inside the border."""
        raise NotImplementedError

    def placeholder(self, text: str, width: int) -> list[Text]:
        """The lines of a panel that has nothing to show yet."""
        return list(Text(text, self.style_of("dim")).wrap(self.app.console, max(width, 1)))

    def wrapped(self, text: Text, width: int, height: int) -> list[Text]:
        """A text on at most `height` lines; a longer text ends in an ellipsis."""
        lines = list(text.wrap(self.app.console, width))
        if len(lines) > height > 0:
            lines = lines[:height]
            lines[-1].truncate(max(width - 1, 0))
            lines[-1].append(self.glyphs.ellipsis)
        return lines

    def lines(self, width: int, height: int) -> list[Text]:
        glyphs = self.glyphs
        border = self.style_of("accent" if self.has_focus or self.has_focus_within else "line")
        if width < 4 or height < 3:
            return []
        inside = [line.copy() for line in self.content(width - 4, height - 2)[: height - 2]]
        inside += [Text() for _ in range(height - 2 - len(inside))]
        upper_left, upper_right, lower_left, lower_right = list(glyphs.corners)
        top = self._edge(self.heading(), width, upper_left, upper_right, border, at_left=True)
        bottom = self._edge(self.footing(), width, lower_left, lower_right, border, at_left=False)
        return [top, *(self._framed(line, width, border) for line in inside), bottom]

    def _framed(self, line: Text, width: int, border: Style) -> Text:
        room = width - 4
        line = self.cut(line, room)
        line.pad_right(room - line.cell_len)
        return Text.assemble((f"{self.glyphs.vertical} ", border), line, (f" {self.glyphs.vertical}", border))

    def _edge(self, text: Text, width: int, left: str, right: str, border: Style, *, at_left: bool) -> Text:
        text = self.cut(text, width - EDGE_CELLS)
        line = self.glyphs.horizontal
        if not text.cell_len:
            return Text(f"{left}{line * (width - 2)}{right}", border)
        rule = (line * (width - 5 - text.cell_len), border)
        if at_left:
            return Text.assemble((f"{left}{line} ", border), text, (" ", border), rule, (right, border))
        return Text.assemble((left, border), rule, (" ", border), text, (f" {line}{right}", border))

    def selected_columns(self, selection: Selection, y: int) -> tuple[int, int] | None:
        """Without the border, which nobody wants to copy."""
        if not 0 < y < self.size.height - 1 or (columns := super().selected_columns(selection, y)) is None:
            return None
        start, end = max(columns[0], 2), min(columns[1], self.size.width - 2)
        return (start, end) if start < end else None

    def on_focus(self, _: Focus) -> None:
        self.redraw()

    def on_blur(self, _: Blur) -> None:
        self.redraw()


def changed_stretch(before: Strip, after: Strip) -> tuple[int, int] | None:
    """The first changed cell of a line and the one after the last; None if nothing has changed."""
    if before == after:
        return None
    old, new = _cells(before), _cells(after)
    if len(old) != len(new):
        return 0, after.cell_length
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=True)))
    backwards = zip(reversed(old), reversed(new), strict=True)
    same_at_end = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], backwards))
    return (same, len(new) - same_at_end) if same + same_at_end < len(new) else None


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    """A line cell by cell; the second cell of a wide character is empty."""
    cells: list[tuple[str, Style | None]] = []
    for text, style, _ in strip:
        if cell_len(text) == len(text):
            cells += [(character, style) for character in text]
            continue
        for character in text:
            cells.append((character, style))
            if cell_len(character) == 2:
                cells.append(("", style))
    return cells
