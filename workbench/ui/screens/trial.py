"""A trial: first what is being measured, then both results side by side, to be kept or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from workbench.errors import WorkbenchError
from workbench.ui.screens.dialog import Dialog, plain
from workbench.ui.trial import SECONDS, Comparison, Measured, change_in_words, gain, ratio
from workbench.units import count, milliseconds, rate, size

if TYPE_CHECKING:
    from workbench.ui.app import WorkbenchApp

MEASURING_KEYS = "esc cancel"
LOOK_SECONDS = 1.0


class TrialDialog(Dialog[str]):
    """Dismisses with "keep", with "set" (keep, and set the learning rate of the run in progress), or None.

    Leaving it while it measures cancels the measuring.
    """

    app: WorkbenchApp
    title_text = "trial"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "keep", "keep", show=True),
        Binding("s", "set", "keep, and set it in this run", show=True),
        Binding("r", "cancel", "revert", show=True),
    ]

    def __init__(
        self,
        title: str,
        change: Sequence[str],
        measure: Callable[[Callable[[str], None]], Awaitable[Comparison]],
        *,
        can_set: bool,
    ) -> None:
        """title: the finding's; measure: gives the result, and tells what it does meanwhile; raises WorkbenchError.

        can_set: whether the learning rate of a run in progress may be set too.
        """
        super().__init__()
        self._heading = title
        self._change = change
        self._measure = measure
        self._can_set = can_set
        self._doing = "starting"
        self._seconds = 0
        self._timer: Timer | None = None
        self.comparison: Comparison | None = None
        self.failure = ""

    def body(self) -> Iterable[Widget]:
        yield plain(Text.assemble((self._heading, "bold"), f"  is {change_in_words(self._change)} better?"))
        yield plain("")
        yield Static("", id="told", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._timer = self.set_interval(LOOK_SECONDS, self._another_second)
        self._show()
        self._measure_in_turns()

    def keys_text(self) -> str:
        keys = MEASURING_KEYS
        if self.comparison is not None:
            also = "s keep, and set it in this run  " if self._can_set else ""
            keys = f"k keep  {also}r revert"
        elif self.failure:
            keys = "esc leave"
        return Text(keys).markup

    @work(exclusive=True)
    async def _measure_in_turns(self) -> None:
        try:
            self.comparison = await self._measure(self._is_doing)
        except WorkbenchError as error:
            self.failure = str(error)
        except OSError as error:
            self.failure = f"no measuring process can be started: {error.strerror}"
        self._show()

    def _is_doing(self, what: str) -> None:
        self._doing = what
        self._show()

    def _another_second(self) -> None:
        self._seconds += 1
        if self._is_measuring:
            self._show()

    @property
    def _is_measuring(self) -> bool:
        return self.comparison is None and not self.failure

    def _show(self) -> None:
        told = self.query_one("#told", Static)
        told.set_class(bool(self.failure), "error")
        if self.comparison is not None:
            told.update(self._results(self.comparison))
        elif self.failure:
            told.update(f"{self.app.glyphs.wrong} {self.failure}")
        else:
            told.update(
                f"{self._doing} {self.app.glyphs.ellipsis} {self._seconds} s\n\n"
                f"Both settings train in turns, {SECONDS:g} seconds each, from the first step on, on models that are "
                "thrown away. Nothing is saved."
            )
        self.query_one("#box").border_subtitle = self.keys_text()

    def _results(self, comparison: Comparison) -> Table:
        times = self.app.glyphs.times
        box = Table.grid()
        box.add_row(Text(gain(comparison, self._change, times), "bold"))
        box.add_row("")
        table = Table.grid(padding=(0, 3))
        for justify in ("left", "right", "right", "left"):
            table.add_column(justify=justify)
        table.add_row("", Text("as it is", "dim"), Text("changed", "dim"), "")
        low, high = ratio(comparison.ratio_low), ratio(comparison.ratio_high)
        remark = f"{ratio(comparison.ratio)} {times}  half of {comparison.turns} turns {low} to {high}"
        for title, value, said in (
            ("samples a second", lambda side: rate(side.samples_per_second), remark),
            ("a step, p50", lambda side: milliseconds(side.step_ms), ""),
            (f"loss after {count(comparison.loss_samples)}", _loss, "" if comparison.same_loss else "not comparable"),
            ("peak memory", _peak, ""),
            ("steps measured", lambda side: count(side.steps), ""),
        ):
            before, after = value(comparison.present), value(comparison.changed)
            if before or after:
                table.add_row(Text(title, "dim"), Text(before), Text(after), Text(said, "dim"))
        if comparison.present.engine != comparison.changed.engine:
            table.add_row(Text("engine", "dim"), Text(comparison.present.engine), Text(comparison.changed.engine), "")
        box.add_row(table)
        return box

    def action_keep(self) -> None:
        """The change goes into the settings."""
        if self.comparison is not None:
            self.dismiss("keep")

    def action_set(self) -> None:
        """The same, and the learning rate of the run in progress."""
        if self.comparison is not None and self._can_set:
            self.dismiss("set")


def _loss(side: Measured) -> str:
    return "not finite" if side.loss is None else f"{side.loss:.3g}"


def _peak(side: Measured) -> str:
    return "" if side.peak_bytes is None else size(side.peak_bytes)
