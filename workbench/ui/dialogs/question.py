"""A question with a few answers, each a line and a key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual import events, on
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList

from workbench.ui.dialogs.dialog import Dialog, options, plain


class QuestionDialog(Dialog[str]):
    """Dismisses with the key of the answer; None if the user closes it."""

    DEFAULT_CSS = """
    QuestionDialog #asked { height: auto; max-height: 12; }
    """

    def __init__(self, title: str, text: str, choices: Sequence[tuple[str, str]], default: str) -> None:
        """choices: (key, label); default: the key of the answer that enter gives."""
        super().__init__()
        self.title_text = title
        self._text = text
        self._choices = list(choices)
        self._default = default

    def body(self) -> Iterable[Widget]:
        with VerticalScroll(id="asked"):  # a long question scrolls, so that the answers stay in view
            yield plain(self._text)
        yield plain("")
        yield options((key, Text.assemble((f" {key}  ", "bold"), label)) for key, label in self._choices)

    def on_mount(self) -> None:
        super().on_mount()
        choices = self.query_one(OptionList)
        choices.highlighted = [key for key, _ in self._choices].index(self._default)
        choices.focus()

    def on_key(self, event: events.Key) -> None:
        """A letter chooses its answer."""
        if event.character and event.character in [key for key, _ in self._choices]:
            event.stop()
            self.dismiss(event.character)

    @on(OptionList.OptionSelected)
    def _chosen(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(message.option.id)
