"""The two lines at the foot of the screen: a sentence, and the keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from rich.text import Text
from textual.screen import Screen

from workbench.ui.keys.key_names import edits_text, pressed_by_click
from workbench.ui.panels.panel import LineWidget

MOST_LINES = 4


class HintLine(LineWidget):
    """One sentence: the help of the setting at the cursor, an answer to a key, a fault."""

    DEFAULT_CSS = "HintLine { height: 1; }"
    IS_DRAWN_UNDER_DIALOGS = True  # a key that works everywhere is answered here

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = self._keys = Text()
        self._whole = False

    def show(self, text: Text, keys: Text | None = None, *, whole: bool = False) -> None:
        """Shows a sentence instead of the one before.

        keys: what to press; stands at the right and is never cut. whole: shows the sentence on as many lines as it
        needs, up to `MOST_LINES`.
        """
        self._text, self._keys, self._whole = text, keys or Text(), whole
        wanted = min(len(self._wrapped(self.app.size.width)), MOST_LINES)
        if self.styles.height is None or self.styles.height.value != wanted:
            self.styles.height = wanted
        self.redraw()

    @property
    def text(self) -> str:
        """The text shown, without its colours."""
        return self._text.plain

    def lines(self, width: int, height: int) -> list[Text]:
        if self._keys:
            return [self._with_keys(width)]
        lines = self._wrapped(width)
        rest = Text(" ").join(lines[height - 1 :])  # ends in an ellipsis where it is too long
        return [Text.assemble(" ", line) for line in [*lines[: height - 1], rest]]

    def _with_keys(self, width: int) -> Text:
        room = width - self._keys.cell_len - 3
        line = self.cut(Text.assemble(" ", self._text), room)
        line.pad_right(room - line.cell_len)
        return Text.assemble(line, "  ", self._keys)

    def _wrapped(self, width: int) -> list[Text]:
        return list(self._text.wrap(self.app.console, max(width - 2, 1))) if self._whole else [self._text]


@runtime_checkable
class HasKeys(Protocol):
    """A panel or a dialog that says which keys it has."""

    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """(key, label), in order."""
        ...


class ShownKey(NamedTuple):
    """A key of the line."""

    key: str
    label: str
    rank: int = 0
    """Where room is short, lower ones are left out first."""
    is_own: bool = False
    """Whether it is one of the panel with the focus."""


CLOSE = ("esc", "close")
GAPS = 3
"""Blanks around a key and its label."""
OWN_RANKS = (94, 89, 88)
"""Of the first keys of the panel with the focus: the first gives way to starting, quitting and the help alone."""
OTHER_OWN_RANK = 44


def fitting(keys: Iterable[ShownKey], width: int) -> list[ShownKey]:
    """The keys for which there is room in `width` cells; those of lower rank are left out first."""
    kept = list(keys)
    while kept and sum(len(each.key) + len(each.label) + GAPS for each in kept) > width:
        kept.remove(min(kept, key=lambda each: each.rank))
    return kept


def fitting_dialog_keys(keys: Sequence[tuple[str, str]], width: int) -> list[ShownKey]:
    """The keys of a dialog for which there is room: the first matters most, then the last, which closes it."""
    last = len(keys) - 1
    return fitting((ShownKey(*key, -place if 0 < place < last else 1) for place, key in enumerate(keys)), width)


class KeysLine(LineWidget):
    """The keys that matter now, those of the panel with the focus first; a click presses one.

    Where the line is short, those of lower rank are left out. Under a dialog they are the dialog's, because no others
    work; and while something is typed, none is shown that would be typed.
    """

    DEFAULT_CSS = "KeysLine { height: 1; }"
    IS_DRAWN_UNDER_DIALOGS = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys: list[ShownKey] = []

    def on_mount(self) -> None:
        self.app.screen_change_signal.subscribe(self, self._screen_changed)
        self.watch(self.screen, "focused", self._redraw_for_focus, init=False)

    def _redraw_for_focus(self) -> None:
        self.redraw()

    def _screen_changed(self, _: Screen[object]) -> None:
        self.call_later(self.redraw)  # once the dialog is there

    def show(self, keys: Sequence[tuple[str, str, int]], own: Sequence[tuple[str, str]] = ()) -> None:
        """Shows keys: (key, label, rank), in order. own: (key, label) of the panel with the focus."""
        ranks = (*OWN_RANKS, *(OTHER_OWN_RANK - place for place in range(len(own))))
        first = [ShownKey(*each, rank, is_own=True) for each, rank in zip(own, ranks, strict=False)]
        taken = {key for shown, _ in own for key in (shown, *shown.split())}
        self._keys = [*first, *(ShownKey(*each) for each in keys if each[0] not in taken)]
        self.redraw()

    def key_at(self, x: int) -> str:
        """The key at a column of the line; empty where there is none."""
        end = 0
        for shown in self._kept(self.size.width):
            end += len(shown.key) + len(shown.label) + GAPS
            if x < end:
                return shown.key
        return ""

    def _kept(self, width: int) -> list[ShownKey]:
        """The keys for which there is room."""
        if (top := self.app.screen) is not self.screen:
            return fitting_dialog_keys(top.shown_keys() if isinstance(top, HasKeys) else [CLOSE], width)
        focused = self.screen.focused
        is_typing = focused is not None and focused.check_consume_key("a", "a")
        return fitting((each for each in self._keys if each.is_own or not (is_typing and edits_text(each.key))), width)

    def lines(self, width: int, height: int) -> list[Text]:
        line = Text()
        for shown in self._kept(width):
            click = pressed_by_click(shown.key)
            label_style = self.style_of("text" if shown.is_own else "dim")
            line.append(f" {shown.key}", self.style_of("accent") + self.style_of("strong").without_color + click)
            line.append(f" {shown.label} ", label_style + click)
        return [line]


def keys_of_focus(screen: Screen[Any]) -> Sequence[tuple[str, str]]:
    """The keys of the panel with the focus: (key, label)."""
    focused = screen.focused
    around = () if focused is None else focused.ancestors_with_self
    return next((each.shown_keys() for each in around if each is not screen and isinstance(each, HasKeys)), ())


def keys_text(keys: Iterable[tuple[str, str]], on: LineWidget) -> Text:
    """Keys and what they do; a click on one presses it. `on` is the widget that shows them."""
    accent, dim = on.style_of("accent"), on.style_of("dim")
    return Text("  ").join(
        Text.assemble((key, accent + pressed_by_click(key)), (f" {label}", dim + pressed_by_click(key)))
        for key, label in keys
    )
