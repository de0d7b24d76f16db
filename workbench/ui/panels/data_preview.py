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
        self._picture: Picture | None = None
        self._drawn_from: tuple[object, ...] = ()
        """What was drawn last."""
        self._name = ""

    def show(self, picture: Picture, name: str) -> None:
        """Shows data. name: the choice of data."""
        before, now = self._drawn_from, (picture.data, picture.reason, picture.doing, name)
        self._picture, self._name, self._drawn_from = picture, name, now
        if before != now:  # pictures take some milliseconds to draw, and keys must not wait for them
            self.redraw()

    @property
    def _summary(self) -> DataSummary | None:
        return None if self._picture is None else self._picture.data

    def heading(self) -> Text:
        title = Text.assemble(("data", self.style_of("strong")), (f"  {self._name}", self.style_of("accent")))
        summary = self._summary
        if summary is None:
            return title
        splits = [f"{count(split.samples)} {split.name}" for split in summary.splits]
        total = f"{count(sum(split.samples for split in summary.splits))} samples"
        written = [f"  {', '.join(splits)}", f"  {total}", ""]
        return self.first_fitting(Text.assemble(title, (words, self.style_of("text"))) for words in written)

    def content(self, width: int, height: int) -> list[Text]:
        # Late: the app's first paint shows no samples, and does not wait for what draws them.
        from workbench.pictures.balance import balance_lines
        from workbench.pictures.strip import strip_lines
        from workbench.ui.look.pictures import look_of

        summary = self._summary
        if summary is None:
            picture = self._picture
            reason = "" if picture is None else picture.reason or picture.doing
            return self.placeholder(reason or "a few samples appear here", width)
        look = look_of(self.app)
        head = [self.cut(Text(summary.learns, look.style_of("dim")), width)]
        balance = balance_lines(summary, width, look) if height >= BALANCE_FROM else []
        room = height - len(head) - len(balance) - bool(balance)
        lines = strip_lines(summary.samples, width, room, look)
        gap = [Text()] * bool(balance)
        return [*head, *lines, *gap, *balance]
