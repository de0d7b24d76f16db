"""What the Judge screen shows before there is an answer: what is being done, or why there is none."""

from __future__ import annotations

from rich.text import Text

from workbench.processes.measuring import Progress
from workbench.ui.panels.bars import thin_bar
from workbench.ui.panels.panel import Panel

BAR_CELLS = 40


class JudgeDoingPanel(Panel):
    """A bar and a sentence, a third of the way down."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._progress: Progress | None = None
        self._seconds = 0
        self._problem = ""

    def show(self, progress: Progress | None, seconds: int, problem: str) -> None:
        """seconds: since it was asked; problem: why there is no answer."""
        self._progress, self._seconds, self._problem = progress, seconds, problem
        self.redraw()

    def heading(self) -> Text:
        return Text("judge", self.style_of("strong"))

    def content(self, width: int, height: int) -> list[Text]:
        lines = [Text() for _ in range(max((height - 3) // 3, 0))]
        if self._problem:
            error = Text(f"{self.glyphs.wrong} {self._problem}", self.style_of("error"))
            return [*lines, *error.wrap(self.app.console, max(width, 10))]
        progress = self._progress or Progress("starting")
        said = Text(f"{progress.doing} {self.glyphs.ellipsis} {self._seconds} s", self.style_of("text"))
        said.pad_left(max((width - said.cell_len) // 2, 0))
        if not progress.total:
            return [*lines, said]
        cells = min(BAR_CELLS, width)
        bar = thin_bar(
            progress.done / progress.total, cells, self.glyphs, self.style_of("train"), self.style_of("line")
        )
        bar.pad_left(max((width - cells) // 2, 0))
        return [*lines, said, Text(), bar]
