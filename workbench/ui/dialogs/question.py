"""A question with a few answers, a line each; an answer that is an action has the key of that action too."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList

from workbench.ui.dialogs.dialog import Dialog, options, plain
from workbench.ui.keys.key_names import key_name
from workbench.ui.keys.meanings import key_of

STAY = "stay"
"""The answer that changes nothing, as closing the dialog does."""
HELD_SECONDS = 0.4
"""A key that follows itself sooner than this is held down, and gives no answer."""


class QuestionDialog(Dialog[str]):
    """Dismisses with the name of the answer; None if the user stays."""

    DEFAULT_CSS = """
    QuestionDialog #asked { height: auto; max-height: 12; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "choose")]

    def __init__(
        self, title: str, text: str, choices: Sequence[tuple[str, str]], default: str, asked_by: str = ""
    ) -> None:
        """choices: (name, label); a name that is the label of an action has its key. default: the answer of enter.

        asked_by: the answer whose key has brought up the question: it may still be held down.
        """
        super().__init__()
        self.title_text = title
        self._text = text
        self._choices = list(choices)
        self._default = default
        self._asked_by, self._last_key = asked_by, time.monotonic()
        self._keys = {name: "escape" if name == STAY else key_of(name) for name, _ in choices}

    def body(self) -> Iterable[Widget]:
        with VerticalScroll(id="asked"):  # a long question scrolls, so that the answers stay in view
            yield plain(self._text)
        yield plain("")
        yield options((name, self._line(name, label)) for name, label in self._choices)

    def _line(self, name: str, label: str) -> Text:
        widest = max(len(key_name(key)) for key in self._keys.values())
        return Text.assemble((f" {key_name(self._keys[name]):<{widest}}  ", "bold"), label)

    def on_mount(self) -> None:
        super().on_mount()
        choices = self.query_one(OptionList)
        choices.highlighted = [name for name, _ in self._choices].index(self._default)
        choices.focus()

    def on_key(self, event: events.Key) -> None:
        """The key of an answer gives it."""
        name = next((name for name, key in self._keys.items() if key == event.key), None)
        if name is not None:
            event.stop()
            since, self._last_key = self._last_key, time.monotonic()
            if name != self._asked_by or self._last_key - since >= HELD_SECONDS:
                self._answer(name)

    def action_choose(self) -> None:
        """Gives the highlighted answer."""
        self.query_one(OptionList).action_select()

    @on(OptionList.OptionSelected)
    def _chosen(self, message: OptionList.OptionSelected) -> None:
        self._answer(message.option.id or STAY)

    def _answer(self, name: str) -> None:
        self.dismiss(None if name == STAY else name)
