"""A text field with a list of completions under it, which typing narrows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from workbench.ui.form.completion import Candidate, common_beginning
from workbench.ui.panels.settings_editor import EDGE_CELLS, ChoiceList, Leave, ValueField

Offer = Callable[[str, bool], tuple[list[Candidate], bool]]
"""Takes the text, and whether the user has typed; gives the candidates, and whether enter takes the first one."""
HOW_TO_COMPLETE = "tab completes"
MOST_CELLS = 60
MOST_ROWS = 12


class CandidateList(OptionList, can_focus=False):
    """The list of candidates; the field keeps the focus."""

    DEFAULT_CSS = ChoiceList.DEFAULT_CSS.replace("ChoiceList", "CandidateList")


class CompletedField(ValueField):
    """A value being typed, with candidates for it.

    Up and down choose a candidate. Enter takes it, or the typed text if none is chosen. Tab completes the beginning
    that all candidates have in common.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", show=False),
        Binding("down", "choose(1)", show=False),
        Binding("tab", "complete", show=False),
        Binding("enter", "take", show=False),
    ]

    def __init__(self, value: str, leave: Leave, offer: Offer, placeholder: str = "") -> None:
        super().__init__(value, leave, placeholder)
        self._offer = offer
        self._first = value
        self._has_typed = False
        self._candidates, _ = offer(value, False)
        self._sentence = ""
        self.offered = CandidateList()

    def on_mount(self) -> None:
        glyphs = getattr(self.app, "glyphs", None)
        self.offered.set_class(glyphs is not None and glyphs.ascii, "-ascii")
        self.renew()

    def show_sentence(self, text: str) -> None:
        """Shows a sentence instead of the list: that columns are being read, or why there are none."""
        self._sentence = text
        self.renew()

    def renew(self) -> None:
        """Shows the candidates that fit the present text."""
        self._has_typed = self._has_typed or self.value != self._first
        self._candidates, takes_first = self._offer(self.value, self._has_typed)
        widest = max((len(candidate.label) for candidate in self._candidates), default=0)
        lines = [_line(candidate, widest) for candidate in self._candidates]
        if not lines and self._sentence:
            lines = [Text(self._sentence, "dim")]
        self.offered.set_options(Option(line, disabled=not self._candidates) for line in lines)
        self.offered.display = bool(lines)
        self.offered.border_subtitle = HOW_TO_COMPLETE if self._candidates else ""
        self.offered.highlighted = 0 if self._candidates and takes_first else None
        widest_line = max((line.cell_len for line in lines), default=0)
        self.offered.styles.width = min(max(widest_line + 5, len(HOW_TO_COMPLETE) + EDGE_CELLS), MOST_CELLS)

    def place_list(self, left: int, line: int, above: int, below: int) -> None:
        """Puts the list under the field, or over it where there is more room.

        left and line: the field's place in the panel; above and below: lines of the screen on either side of it.
        """
        opens_below = below >= min(MOST_ROWS + 2, above)
        most = max((below if opens_below else above) - 2, 1)
        height = min(len(self._candidates) or 1, MOST_ROWS, most) + 2
        self.offered.styles.height = height
        self.offered.styles.offset = (left, line + 1 if opens_below else line - height)

    @property
    def _chosen(self) -> Candidate | None:
        place = self.offered.highlighted
        return None if place is None or place >= len(self._candidates) else self._candidates[place]

    @property
    def _others(self) -> Sequence[Candidate]:
        return [candidate for candidate in self._candidates if candidate.text != self.value]

    def action_choose(self, rows: int) -> None:
        """Chooses the next candidate; without any, takes the value and moves to a neighbour."""
        if not self._others:
            self.action_leave(True, rows)
            return
        here = self.offered.highlighted
        if here is None:
            here = -1 if rows > 0 else 0
        self.offered.highlighted = (here + rows) % len(self._candidates)

    def action_complete(self) -> None:
        """Completes the beginning that all candidates have in common; if that adds nothing, takes the value."""
        common = common_beginning(self._candidates)
        if self._chosen is not None:
            self._put(self._chosen.text)
        elif len(common) > len(self.value) and common.startswith(self.value):
            self._put(common)
        elif self._others:
            self.action_choose(1)
        else:
            self.action_leave(True, 1)

    def action_take(self) -> None:
        """Takes the chosen candidate, else the typed text."""
        chosen = self._chosen
        if chosen is not None:
            self._put(chosen.text)
        if chosen is None or chosen.is_whole:
            self.action_leave(True, 0)

    def pick(self, place: int) -> None:
        """Takes the candidate that was clicked on."""
        self.offered.highlighted = place
        self.action_take()

    def _put(self, text: str) -> None:
        self._has_typed = True
        self.value = text
        self.cursor_position = len(text)
        self.renew()

    def on_blur(self, event: events.Blur) -> None:
        """A click on a candidate takes it; see `ValueField`."""
        if self.is_attached and self.offered.is_attached and self.offered.is_mouse_over:
            event.prevent_default()
            self.focus()


def _line(candidate: Candidate, widest: int) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{candidate.label:<{widest if candidate.help else 0}}", "bold")
    line.append(f"  {candidate.help}" if candidate.help else "", "dim")
    return line
