"""The time of a step: its phases, percentiles and throughput."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from workbench.advice.verdict import verdict
from workbench.mfu import arithmetic_parts
from workbench.runs.history import RunHistory
from workbench.runs.measurements import Timing
from workbench.ui.look.themes import STYLES
from workbench.ui.panels.bars import flow, thin_bar
from workbench.ui.panels.graphs import history_lines
from workbench.ui.panels.panel import Panel
from workbench.units import milliseconds, rate

ROOMY_HEIGHT = 9
"""Lines beside those of the phases from which on each phase has a line of its own."""
ROW_FIGURES = 20
"""Cells of the mark, the gaps and the figures of such a line."""
MOST_BAR_CELLS = 48


class StepTimePanel(Panel):
    """A bar of phases with its legend, percentiles, throughput, a history, and a sentence."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._history: RunHistory | None = None

    def show(self, history: RunHistory | None) -> None:
        """Shows a run's latest timing."""
        self._history = history
        self.redraw()

    @property
    def _timing(self) -> Timing | None:
        return None if self._history is None else self._history.view.timing

    def heading(self) -> Text:
        return Text("step time", self.style_of("strong"))

    def footing(self) -> Text:
        timing, prepared = self._timing, self._history.view.prepared if self._history else None
        if timing is None or prepared is None:
            return Text()
        every = round(timing.steps / timing.timed_steps) if timing.timed_steps else 0
        timed = "every step timed" if every == 1 else f"1 step in {every} timed" if every else "not timed"
        engine = f"{prepared.engine} engine, " if prepared.engine else ""
        return Text(f"{engine}{timed}", self.style_of("dim"))

    def content(self, width: int, height: int) -> list[Text]:
        timing = self._timing
        if timing is None:
            return self.placeholder("the phases of a step appear here: data, forward, backward, optimizer", width)
        # Left out where the panel is low, in this order: how busy the card is, percentiles (the rarest first), the
        # legend of the smallest phases. The pace is always shown.
        pace = flow(self._pace(timing), width)
        lines = self._phases(timing, width, height - len(pace))
        percentiles = fitting(self._percentiles(timing), width, height - len(lines) - len(pace))
        pace = fitting(self._pace(timing) + self._use(timing), width, height - len(lines) - len(percentiles))
        spare = height - len(lines) - len(percentiles) - len(pace)
        if spare >= 3:
            lines.append(Text())
        lines += percentiles + pace
        said: list[Text] = []
        if spare >= 1 and self._history is not None:
            text = Text(verdict(timing, self._history.view.prepared), self.style_of("dim"))
            said = self.wrapped(text, width, spare - (spare >= 2))
        past = self._past(width, height - len(lines) - len(said))
        gap = [Text()] if len(past) > 1 and len(lines) + len(past) + len(said) < height else []
        return [*lines, *gap, *past, *said][:height]

    def _phases(self, timing: Timing, width: int, room: int) -> list[Text]:
        """The bar and its legend, on at most `room` lines; without room for the legend there is no bar."""
        total = sum(timing.phase_ms.values())
        if total <= 0 or room < 2:
            return []
        fractions = {phase: value / total for phase, value in timing.phase_ms.items()}
        if room >= ROOMY_HEIGHT + len(fractions):
            return [self._bar(fractions, width), Text(), *self._rows(timing, fractions, width)]
        named = [
            phase for phase, fraction in fractions.items() if fraction >= 0.005 or phase not in ("transfer", "rest")
        ]
        while len(legend := flow(self._legend(fractions, named), width)) > room - 1 and len(named) > 1:
            named.remove(min(named, key=lambda phase: fractions[phase]))
        return [self._bar(fractions, width), *legend]

    def _rows(self, timing: Timing, fractions: dict[str, float], width: int) -> list[Text]:
        """A line for each phase: its bar, its time and its fraction."""
        dim, strong, widest = self.style_of("dim"), self.style_of("strong"), max(map(len, fractions))
        bar_cells = min(max(width - widest - ROW_FIGURES, 1), MOST_BAR_CELLS)
        return [
            Text.assemble(
                (f"{self._mark(phase)} ", self.style_of(self._style_of_phase(phase))),
                (f"{phase:<{widest}}  ", dim),
                thin_bar(
                    fraction, bar_cells, self.glyphs, self.style_of(self._style_of_phase(phase)), self.style_of("line")
                ),
                (f"{milliseconds(timing.phase_ms[phase]):>10}", self.style_of("text")),
                (f"{100 * fraction:>5.0f}%", strong),
            )
            for phase, fraction in fractions.items()
        ]

    @property
    def _has_letters(self) -> bool:
        """Whether letters mark the phases: in plain ASCII, and without colours."""
        return self.glyphs.ascii or self.app.no_color

    def _mark(self, phase: str) -> str:
        return phase[0] if self._has_letters else "■"

    def _style_of_phase(self, phase: str) -> str:
        if self.app.no_color:
            return "text"  # a letter must be legible, so it is not in the grey that the phase's colour would be
        return f"phase-{phase}" if f"phase-{phase}" in STYLES else "dim"

    def _bar(self, fractions: dict[str, float], width: int) -> Text:
        """The bar: each cell belongs to the phase at its middle, and without colours shows the phase's first letter."""
        text, position, filled = Text(), 0.0, 0
        for phase, fraction in fractions.items():
            position += fraction * width
            cells = min(round(position), width) - filled
            filled += max(cells, 0)
            character = phase[0] if self._has_letters else self.glyphs.block
            text.append(character * max(cells, 0), self.style_of(self._style_of_phase(phase)))
        return text

    def _legend(self, fractions: dict[str, float], named: list[str]) -> list[Text]:
        dim, strong = self.style_of("dim"), self.style_of("strong")
        return [
            Text.assemble(
                (f"{self._mark(phase)} ", self.style_of(self._style_of_phase(phase))),
                (f"{phase} ", dim),
                (f"{100 * fractions[phase]:.0f}%", strong),
            )
            for phase in named
        ]

    def _percentiles(self, timing: Timing) -> list[Text]:
        return [
            Text.assemble((f"{name} ", self.style_of("dim")), (milliseconds(value), self.style_of("text")))
            for name, value in timing.step_ms.items()
        ]

    def _pace(self, timing: Timing) -> list[Text]:
        dim, strong = self.style_of("dim"), self.style_of("strong")
        paces = {" steps/s": timing.steps_per_second, " samples/s": timing.samples_per_second}
        return [Text.assemble((rate(pace), strong), (unit, dim)) for unit, pace in paces.items() if pace is not None]

    def _use(self, timing: Timing) -> list[Text]:
        """How busy the card is, and how many operations a second it does."""
        dim, strong = self.style_of("dim"), self.style_of("strong")
        parts = []
        if timing.gpu_busy_share is not None:
            parts.append(Text.assemble(("GPU busy ", dim), (f"{100 * timing.gpu_busy_share:.0f} %", strong)))
        if self._history is not None:
            view = self._history.view
            said = arithmetic_parts(view.footprint, view.prepared, timing.steps_per_second)
            parts += [Text(part, dim) for part in said]
        return parts

    def _past(self, width: int, height: int) -> list[Text]:
        """The medians of the last seconds."""
        timings = [] if self._history is None else self._history.timings
        medians = [item.step_ms["p50"] for item in timings if "p50" in item.step_ms]
        return history_lines("p50", medians, width, height, milliseconds, self)


def fitting(items: Sequence[Text], width: int, height: int) -> list[Text]:
    """The first items that fit on `height` lines, side by side."""
    kept = list(items)
    while kept and len(flow(kept, width)) > height:
        kept.pop()
    return flow(kept, width)
