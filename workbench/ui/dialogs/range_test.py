"""The learning rate range test: its curve, and the rates that it names; enter takes the selected one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static

from workbench.processes.range_test import Curve, RangeTest, Request, spread
from workbench.ui.dialogs.dialog import plain
from workbench.ui.dialogs.measuring import Measure, MeasuringDialog
from workbench.ui.panels.range_curve import RangeCurve, RangeCurveView
from workbench.wording import RATE_MARKS

NOW = "N"
"""The letter of the present learning rate on the axis."""


class RangeTestDialog(MeasuringDialog[float]):
    """Dismisses with the learning rate that is taken."""

    title_text = "range test of the learning rate"

    def __init__(self, measure: Measure, request: Request, now: float) -> None:
        """request: what `measure` asks; now: the present learning rate."""
        super().__init__(measure)
        self._request = request
        self._now = now
        self._curves: list[Curve] = []
        self._answer: RangeTest | None = None
        self._selected = ""
        """The name of a mark; empty where there is none."""

    def body(self) -> Iterable[Widget]:
        yield plain("", id="about", classes="dim")
        yield RangeCurveView(id="picture")
        yield plain("", id="below")

    def take_message(self, message: Any) -> None:
        if isinstance(message, Curve):
            self._curves.append(message)
        elif isinstance(message, RangeTest):
            self._answer = message
            self._selected = next(iter(self._marks), "")

    @property
    def _marks(self) -> dict[str, float]:
        """The rates that are named, in the order in which they are listed."""
        named = {} if self._answer is None else asdict(self._answer.suggested)
        return {name: named[name] for name in RATE_MARKS if named.get(name) is not None}

    # What is shown.

    def show_picture(self) -> None:
        self.query_one("#about", Static).update(self._about())
        self.query_one(RangeCurveView).show(self._curve())

    def _about(self) -> Text:
        seeds, done = self._request.seeds, len(self._curves)
        so_far = f"{seeds} seeds" if done == seeds else f"{done} of {seeds} seeds"
        return Text(f"smoothed loss, median and range over {so_far}; {NOW} is the rate now: {self._now:g}")

    def _curve(self) -> RangeCurve:
        swept = (self._request.low, self._request.high)
        marks, selected = self._marks, self._marks.get(self._selected)
        # The selected mark comes last: where two share a cell, it is the one that is seen.
        ordered = sorted(marks, key=lambda name: name == self._selected)
        letters = [(self._now, NOW), *((marks[name], RATE_MARKS[name][0]) for name in ordered)]
        if (answer := self._answer) is not None:
            return RangeCurve(answer.rates, answer.median, answer.lowest, answer.highest, swept, letters, selected)
        median, lowest, highest = spread(self._curves)
        return RangeCurve(self._request.rates()[: len(median)], median, lowest, highest, swept, letters)

    def found(self) -> list[Text]:
        assert self._answer is not None
        palette, glyphs = self.app.palette, self.app.glyphs
        lines = []
        for name, (letter, meaning) in RATE_MARKS.items():
            rate, is_selected = self._marks.get(name), name == self._selected
            value = "-" if rate is None else f"{rate:g}"
            style = palette["strong"] if is_selected else palette["text"]
            line = Text.assemble(  # fits into 80 columns
                (f"{glyphs.right if is_selected else ' '} ", palette["accent"]),
                (letter, palette["warning"]),
                (f"  {name.replace('_', ' '):<17} {value:<8} ", style if rate is not None else palette["dim"]),
                (meaning, palette["dim"]),
            )
            line.truncate(self.query_one("#below").size.width or line.cell_len, overflow="ellipsis")
            lines.append(line)
        return lines + [Text(note, palette["warning"]) for note in self._answer.notes]

    # What the user does.

    @property
    def can_take(self) -> bool:
        return bool(self._selected)

    def shown_keys(self) -> list[tuple[str, str]]:
        if not self.can_take:
            return [("esc", "cancel")]
        choose = [("left right", "choose")] if len(self._marks) > 1 else []
        return [("enter", f"take {self._marks[self._selected]:g}"), *choose, ("esc", "cancel")]

    def action_select(self, direction: int) -> None:
        """Selects the next mark, or the one before."""
        names = list(self._marks)
        if self._selected in names:
            self._selected = names[(names.index(self._selected) + direction) % len(names)]
            self.show_all()

    def action_take(self) -> None:
        """Dismisses with the selected rate."""
        if self.can_take:
            self.dismiss(self._marks[self._selected])
