"""A learning rate for the run in progress."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from workbench.settings.optimizer_choice import LEARNING_RATE_BOUNDS
from workbench.ui.dialogs.dialog import Dialog, plain
from workbench.ui.form.parsing import shown
from workbench.ui.form.stepping import live_rate

PROBLEM = "must be a number above {gt} and at most {le}".format(**LEARNING_RATE_BOUNDS)


class LearningRateDialog(Dialog[float]):
    """Dismisses with the new rate."""

    title_text = "learning rate of the run in progress"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "set", show=True),
        Binding("up", "step(1)", "higher", show=True, priority=True),
        Binding("down", "step(-1)", "lower", show=True, priority=True),
    ]

    def __init__(self, current: float, began: float) -> None:
        """began: the rate of the run's first step. Stepping stays near it; any allowed rate can be typed."""
        super().__init__()
        self._current = current
        self._began = began

    def body(self) -> Iterable[Widget]:
        yield plain(f"now {shown(self._current)}, before the schedule", classes="dim")
        yield Input(shown(self._current), id="value")
        yield plain("", id="problem", classes="error")

    @on(Input.Changed)
    def _check(self) -> None:
        self.query_one("#problem", Static).update("" if self._value() is not None else PROBLEM)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_take()

    def action_take(self) -> None:
        """Dismisses with the typed rate, if it is valid."""
        if (value := self._value()) is not None:
            self.dismiss(value)

    def action_step(self, direction: int) -> None:
        """Steps the typed rate along the 1-2-5 ladder."""
        self.query_one(Input).value = shown(live_rate(self._value() or self._current, self._began, direction))

    def _value(self) -> float | None:
        try:
            value = float(self.query_one(Input).value)
        except ValueError:
            return None
        return value if LEARNING_RATE_BOUNDS["gt"] < value <= LEARNING_RATE_BOUNDS["le"] else None
