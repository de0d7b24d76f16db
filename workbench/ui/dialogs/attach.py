"""Offers the runs in progress when the app starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.widget import Widget
from textual.widgets import OptionList

from workbench.runs.directory import RunDirectory
from workbench.ui.dialogs.dialog import Dialog, options, plain


class AttachDialog(Dialog[RunDirectory]):
    """Dismisses with the run to watch; None to start afresh."""

    title_text = "still running"

    def __init__(self, runs: Sequence[tuple[RunDirectory, str]]) -> None:
        """runs: each with a line about it."""
        super().__init__()
        self._runs = list(runs)

    def body(self) -> Iterable[Widget]:
        yield plain("These runs are still training. enter watches one, esc starts fresh.", classes="dim")
        yield plain("")
        yield options((str(number), f"{run.name}  {line}") for number, (run, line) in enumerate(self._runs))

    @on(OptionList.OptionSelected)
    def _chosen(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(self._runs[message.option_index][0])
