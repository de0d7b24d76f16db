"""A learning rate for the run in progress."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from workbench.ui.form.stepping import ladder
from workbench.ui.screens.dialog import Dialog, plain


class LearningRateDialog(Dialog[float]):
    """Dismisses with the new rate."""

    title_text = "learning rate of the run in progress"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "set", show=True),
        Binding("up", "step(1)", "higher", show=True, priority=True),
        Binding("down", "step(-1)", "lower", show=True, priority=True),
    ]

    def __init__(self, current: float) -> None:
        super().__init__()
        self._current = current

    def body(self) -> Iterable[Widget]:
        yield plain(f"now {self._current:g}, before the schedule", classes="dim")
        yield Input(f"{self._current:g}", id="value")
        yield plain("", id="problem", classes="error")

    @on(Input.Changed)
    def _check(self) -> None:
        self.query_one("#problem", Static).update("" if self._value() is not None else "must be a number above 0")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_take()

    def action_take(self) -> None:
        """Sets it, if it is a rate."""
        if (value := self._value()) is not None:
            self.dismiss(value)

    def action_step(self, direction: int) -> None:
        """One rung of the 1-2-5 ladder."""
        self.query_one(Input).value = f"{ladder(self._value() or self._current, direction):g}"

    def _value(self) -> float | None:
        try:
            value = float(self.query_one(Input).value)
        except ValueError:
            return None
        return value if 0 < value < math.inf else None
