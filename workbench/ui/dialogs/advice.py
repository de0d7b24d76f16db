"""All findings, each with its measurement, threshold, source and advice; and the rules that could not judge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from workbench.advice.finding import Finding
from workbench.ui.dialogs.dialog import Dialog
from workbench.ui.live.comparison import change_in_words
from workbench.ui.live.findings import Advice
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.advice import STYLES, can_be_tried, glyph_of, tried

TRY = "try advice"


class AdviceDialog(Dialog[str]):
    """Dismisses with "try" for the current finding."""

    app: StyledApp
    title_text = "advice"
    DEFAULT_CSS = """
    AdviceDialog > #box { width: 110; }
    AdviceDialog VerticalScroll { height: auto; max-height: 85vh; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "try", TRY, show=True),
        Binding("A", "next", "next advice", show=True),
        Binding("escape,i,q", "cancel", "close", show=True),
    ]

    def __init__(self, advice: Advice) -> None:
        super().__init__()
        self._advice = advice

    def body(self) -> Iterable[Widget]:
        yield VerticalScroll(Static(self._table(), id="findings"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something are offered."""
        if action == "try":
            return self._advice.current is not None and can_be_tried(self._advice.current)
        return len(self._advice.findings) > 1 if action == "next" else True

    def shown_keys(self) -> list[tuple[str, str]]:
        current = self._advice.current
        return [(key, tried(current) if label == TRY and current else label) for key, label in super().shown_keys()]

    def action_try(self) -> None:
        """Tries the change of the current finding."""
        self.dismiss("try")

    def action_next(self) -> None:
        """Moves to the next finding."""
        self._advice.go_to_next()
        self.query_one("#findings", Static).update(self._table())
        self.renew_keys()

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column()
        if not self._advice.findings:
            table.add_row("", Text("nothing found"))
        for place, finding in enumerate(self._advice.findings):
            if place:
                table.add_row("", "")
            self._add(table, finding, is_current=place == self._advice.place)
        if self._advice.abstained:
            table.add_row("", "")
            table.add_row("", Text("Not checked yet; each still needs:", "bold"))
            for rule, lacks in self._advice.abstained:
                table.add_row(Text(rule, "dim"), Text(lacks, "dim"))
        return table

    def _add(self, table: Table, finding: Finding, *, is_current: bool) -> None:
        style = self.app.palette[STYLES[finding.severity]]
        glyph = glyph_of(finding, self.app.glyphs)
        mark = f"{self.app.glyphs.folded} " if is_current and len(self._advice.findings) > 1 else ""
        table.add_row(Text(f"{mark}{glyph} {finding.severity}", style), Text(finding.title, style + Style(bold=True)))
        rows = [("measured", finding.fact), ("threshold", finding.threshold), ("source", finding.source)]
        for name, value in [*rows, ("advice", finding.advice)]:
            table.add_row(Text(name, "dim"), Text(value))
        if finding.change:
            table.add_row(Text("change", "dim"), Text(change_in_words(finding.change), "bold"))
        if finding.learning_rate is not None:
            rate = f"learning rate {finding.learning_rate:g} can be set in the run in progress"
            table.add_row(Text("at once", "dim"), Text(rate, "bold"))
