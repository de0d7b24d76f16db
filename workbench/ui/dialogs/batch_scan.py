"""The batch scan: a row for each batch size as it is measured, and the knee; enter takes the selected one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from workbench.advice.tuned import BATCH_SIZE, LEARNING_RATE
from workbench.processes.batch_scan import BatchScan, Measured, scaled_rate
from workbench.settings.preset import Preset
from workbench.ui.dialogs.dialog import plain
from workbench.ui.dialogs.measuring import Measure, MeasuringDialog
from workbench.ui.panels.batch_sizes import BatchSizesView
from workbench.wording import KNEE

Change = tuple[str, ...]
"""Assignments, as `--set` takes them."""


class BatchScanDialog(MeasuringDialog[Change]):
    """Dismisses with the batch size that is taken, and with the learning rate that suits it if that is wanted too."""

    title_text = "batch sizes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("l", "take_both", "learning rate", show=True)]

    def __init__(self, measure: Measure, preset: Preset) -> None:
        """preset: what is measured; its batch size and learning rate are the present ones."""
        super().__init__(measure)
        self._preset = preset
        self._measured: list[Measured] = []
        self._answer: BatchScan | None = None
        self._selected: int | None = None

    def body(self) -> Iterable[Widget]:
        yield plain("", id="about", classes="dim")
        yield BatchSizesView(id="picture")
        yield plain("", id="below")

    def take_message(self, message: Any) -> None:
        if isinstance(message, Measured):
            self._measured.append(message)
        elif isinstance(message, BatchScan):
            self._answer = message
            self._measured = message.measured
            if self._selected is None:
                self._selected = message.knee

    @property
    def _sizes(self) -> list[int]:
        """Those that can be taken."""
        return [each.batch_size for each in self._measured if each.samples_per_second is not None]

    # What is shown.

    def show_picture(self) -> None:
        self.query_one("#about", Static).update(self._about())
        names = {self._preset.data.batch_size: "present"}
        if self._answer is not None and (knee := self._answer.knee) is not None:
            names[knee] = ", ".join(["knee", *([names[knee]] if knee in names else [])])
        self.query_one(BatchSizesView).show(self._measured, names, self._selected)

    def _about(self) -> str:
        if self._answer is None:
            return "whole training steps, optimizer state included, and a validation batch each"
        return f"on {self._answer.device}, steps run by the engine {self._answer.engine or '-'}"

    def found(self) -> list[Text]:
        assert self._answer is not None
        palette = self.app.palette
        in_the_table = tuple(f"batch size {each.batch_size}:" for each in self._measured if each.problem)
        notes = [note for note in self._answer.notes if not note.startswith(in_the_table)]
        lines = [Text(note, palette["dim"]) for note in notes]
        if self._answer.knee is not None:
            lines.append(Text(f"knee {self._answer.knee}: {KNEE}", palette["dim"]))
        if self._selected is not None:
            lines.append(Text(self._scaled()[1], palette["text"]))
        return lines

    def _scaled(self) -> tuple[float, str]:
        """The learning rate for the selected batch size, and a sentence about it."""
        assert self._selected is not None
        check = "M on the learning rate"
        return scaled_rate(self._preset.optimizer, self._preset.data.batch_size, self._selected, check)

    # What the user does.

    @property
    def can_take(self) -> bool:
        return self._selected is not None

    @property
    def _can_take_both(self) -> bool:
        return self._selected is not None and self._scaled()[0] != self._preset.optimizer.learning_rate

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._can_take_both if action == "take_both" else super().check_action(action, parameters)

    def shown_keys(self) -> list[tuple[str, str]]:
        keys = [("enter", f"take {self._selected}")] if self.can_take else []
        if self._can_take_both:
            keys.append(("l", f"with learning rate {self._scaled()[0]:g}"))
        return [*keys, *([("up down", "choose")] if len(self._sizes) > 1 else []), ("esc", "cancel")]

    def action_select(self, direction: int) -> None:
        """Selects the next batch size that was measured, or the one before."""
        sizes = self._sizes
        if sizes:
            here = sizes.index(self._selected) if self._selected in sizes else len(sizes) - 1 - direction
            self._selected = sizes[min(max(here + direction, 0), len(sizes) - 1)]
            self.show_all()

    def action_take(self) -> None:
        """Dismisses with the selected batch size."""
        if self._selected is not None:
            self.dismiss((f"{BATCH_SIZE}={self._selected}",))

    def action_take_both(self) -> None:
        """Dismisses with the selected batch size and the learning rate that suits it."""
        if self._can_take_both:
            self.dismiss((f"{BATCH_SIZE}={self._selected}", f"{LEARNING_RATE}={self._scaled()[0]!r}"))
