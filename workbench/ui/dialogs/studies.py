"""Chooses a study to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.widget import Widget
from textual.widgets import OptionList

from workbench.tuning.directory import StudyDirectory
from workbench.ui.dialogs.dialog import Dialog, options, plain


class StudiesDialog(Dialog[StudyDirectory]):
    """Dismisses with the study to show."""

    title_text = "studies"

    def __init__(self, studies: Sequence[tuple[StudyDirectory, str]], shown: str, folder: str) -> None:
        """studies: each with a line about it, the latest first; shown: the name of the one on the screen."""
        super().__init__()
        self._studies = list(studies)
        self._shown = shown
        self._folder = folder

    def body(self) -> Iterable[Widget]:
        if not self._studies:
            yield plain(f"no studies yet in {self._folder}", classes="dim")
            return
        yield plain("enter shows one", classes="dim")
        yield plain("")
        yield options((str(number), f"{study.name}  {line}") for number, (study, line) in enumerate(self._studies))

    def on_mount(self) -> None:
        super().on_mount()
        names = [study.name for study, _ in self._studies]
        if names:
            choices = self.query_one(OptionList)
            choices.highlighted = names.index(self._shown) if self._shown in names else 0
            choices.focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(self._studies[message.option_index][0])
