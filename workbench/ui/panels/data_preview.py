"""The look of the data of the settings: a few samples, and the balance of the classes."""

from __future__ import annotations

from rich.text import Text

from workbench.processes.data import DataSummary
from workbench.ui.live.preview import Picture
from workbench.ui.panels.panel import Panel
from workbench.units import count

BALANCE_FROM = 8
"""From this height on there is room for the balance of the classes below the samples."""


class DataPreviewPanel(Panel):
    """Samples as large as they fit, under what there is to predict; below them how the targets are spread."""

    KEYS = (("D", "data"), ("m", "maximise"))

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._summary: DataSummary | None = None
        self._reason = ""
        """Why there is no summary."""
        self._name = ""

    def show(self, picture: Picture, name: str) -> None:
        """Shows data. name: the choice of data."""
        before, now = (self._summary, self._reason, self._name), (picture.data, picture.reason or picture.doing, name)
        self._summary, self._reason, self._name = now
        if before != now:  # pictures take some milliseconds to draw, and keys must not wait for them
            self.redraw()

    def heading(self) -> Text:
        title = Text.assemble(("data", self.style_of("strong")), (f"  {self._name}", self.style_of("accent")))
        summary = self._summary
        if summary is None:
            return title
        from workbench.pictures.facts import size_words  # late, as in `content`

        total = f"{count(sum(split.samples for split in summary.splits))} samples"
        written = [f"  {size_words(summary)}", f"  {total}", ""]
        return self.first_fitting(Text.assemble(title, (words, self.style_of("text"))) for words in written)

    def content(self, width: int, height: int) -> list[Text]:
        # Late: the app's first paint shows no samples, and does not wait for what draws them.
        from workbench.pictures.balance import balance_lines
        from workbench.pictures.strip import strip_lines
        from workbench.ui.look.pictures import look_of

        summary = self._summary
        if summary is None:
            return self.placeholder(self._reason or "a few samples appear here", width)
        look = look_of(self.app)
        head = [self.cut(Text(summary.learns, look.style_of("dim")), width)]
        balance = balance_lines(summary, width, look) if height >= BALANCE_FROM else []
        room = height - len(head) - len(balance) - bool(balance)
        lines = strip_lines(summary.samples, width, room, look)
        gap = [Text()] * bool(balance)
        return [*head, *lines, *gap, *balance]
