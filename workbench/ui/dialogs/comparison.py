"""A comparison of settings: first its progress, then both results side by side; the user keeps the change or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from workbench.advice.finding import Finding
from workbench.errors import WorkbenchError
from workbench.processes.comparison import Comparison, Progress, RefusedError
from workbench.processes.comparison_process import Report
from workbench.ui.dialogs.dialog import Dialog, plain
from workbench.ui.live.comparison_words import WITHOUT_MEASURE, answer, method, question, rows
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.bars import thin_bar
from workbench.units import time_left

POLL_SECONDS = 1.0
BAR_CELLS = 40


class ComparisonDialog(Dialog[str]):
    """Dismisses with "keep", with "set" (keep, and set the learning rate of the run in progress), or None.

    Closing the dialog during the measurement cancels it.
    """

    app: StyledApp
    title_text = "comparison of settings"
    DEFAULT_CSS = "ComparisonDialog > #box { width: 110; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "keep", show=True),
        Binding("l", "set", "learning rate", show=True),
    ]

    def __init__(
        self,
        finding: Finding,
        measure: Callable[[Report], Awaitable[Comparison]],
        *,
        now: str,
        can_set: bool,
        expected_seconds: float | None,
    ) -> None:
        """finding: proposes the change. measure: returns the result and reports its progress; raises WorkbenchError.

        now: the values that the changed settings have, in words. can_set: whether the learning rate of a run in
        progress may be set too. expected_seconds: for the whole comparison; None if unknown.
        """
        super().__init__()
        self._finding = finding
        self._measure = measure
        self._now = now
        self._can_set = can_set
        self._expected_seconds = expected_seconds
        self._progress = Progress("starting")
        self._seconds = 0
        self._timer: Timer | None = None
        self.comparison: Comparison | None = None
        self.refusal = "" if finding.measure is not None else WITHOUT_MEASURE
        """Why two training runs cannot answer; the change can be kept nevertheless."""
        self.failure = ""

    def body(self) -> Iterable[Widget]:
        finding = self._finding
        yield plain(Text.assemble((finding.title, "bold"), f"  {question(finding.change, finding.measure, self._now)}"))
        yield plain("")
        yield Static("", id="result", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._timer = self.set_interval(POLL_SECONDS, self._another_second)
        self._show()
        if not self.refusal:
            self._measure_in_rounds()

    def shown_keys(self) -> list[tuple[str, str]]:
        if self._can_keep:
            also = [("l", "keep, and set it in this run")] if self._can_set else []
            return [("enter", "keep"), *also, ("esc", "leave it")]
        return [("esc", "close")] if self.failure else [("esc", "cancel")]

    @property
    def _can_keep(self) -> bool:
        return self.comparison is not None or bool(self.refusal)

    @work(exclusive=True)
    async def _measure_in_rounds(self) -> None:
        try:
            self.comparison = await self._measure(self._report)
        except RefusedError as error:
            self.refusal = str(error)
        except WorkbenchError as error:
            self.failure = str(error)
        except OSError as error:
            self.failure = f"no measuring process can be started: {error.strerror}"
        self._show()

    def _report(self, progress: Progress) -> None:
        self._progress = progress
        self._show()

    def _another_second(self) -> None:
        self._seconds += 1
        if self._is_measuring:
            self._show()

    @property
    def _is_measuring(self) -> bool:
        return not self._can_keep and not self.failure

    def _show(self) -> None:
        result = self.query_one("#result", Static)
        result.set_class(bool(self.failure), "error")
        if self.comparison is not None:
            result.update(self._results(self.comparison))
        elif self.failure:
            result.update(f"{self.app.glyphs.wrong} {self.failure}")
        elif self.refusal:
            result.update(self.refusal)
        else:
            result.update(self._doing())
        self.renew_keys()

    def _doing(self) -> Text:
        progress, glyphs, palette = self._progress, self.app.glyphs, self.app.palette
        lines = [Text(f"{progress.doing} {glyphs.ellipsis} {self._seconds} s{self._left()}")]
        if progress.rounds:
            done = (progress.round - 1) / progress.rounds
            bar = thin_bar(done, BAR_CELLS, glyphs, palette["train"], palette["line"])
            lines.append(Text.assemble(bar, f"  round {progress.round} of {progress.rounds}"))
        if self._finding.measure is not None:
            lines += [Text(), Text(method(self._finding.measure))]
        return Text("\n").join(lines)

    def _left(self) -> str:
        """The time left, estimated from the rounds so far; before the first, from the run itself."""
        left = self._progress.seconds_left
        if left is None:
            if self._expected_seconds is None or self._seconds >= self._expected_seconds:
                return ""
            left = self._expected_seconds - self._seconds
        return f", about {time_left(max(left, 1))}"

    def _results(self, comparison: Comparison) -> Table:
        times = self.app.glyphs.times
        box = Table.grid()
        box.add_row(Text(answer(comparison, self._finding.change, self._finding.rule, times), "bold"))
        box.add_row("")
        table = Table.grid(padding=(0, 3))
        for justify in ("left", "right", "right", "left"):
            table.add_column(justify=justify)
        table.add_row("", Text("as it is", "dim"), Text("changed", "dim"), "")
        for title, before, after, remark in rows(comparison, times):
            table.add_row(Text(title, "dim"), Text(before), Text(after), Text(remark, "dim"))
        box.add_row(table)
        return box

    def action_keep(self) -> None:
        """Applies the change to the settings."""
        if self._can_keep:
            self.dismiss("keep")

    def action_set(self) -> None:
        """Applies the change, and sets the learning rate of the run in progress."""
        if self._can_keep and self._can_set:
            self.dismiss("set")
