"""Where the time of a step goes: its phases, its spread, its pace."""

from __future__ import annotations

from rich.text import Text

from workbench.runs.events import Timing
from workbench.runs.history import RunHistory
from workbench.ui.panels.bars import flow, sparkline
from workbench.ui.panels.panel import STYLES, Panel
from workbench.ui.verdict import verdict
from workbench.units import milliseconds, rate

ROOMY_HEIGHT = 7


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
        return Text(f"{prepared.engine} engine, {timed}", self.style_of("dim"))

    def content(self, width: int, height: int) -> list[Text]:
        timing = self._timing
        if timing is None:
            return self.placeholder("the phases of a step appear here: data, forward, backward, optimizer", width)
        lines = []
        total = sum(timing.phase_ms.values())
        if total > 0:
            shares = {phase: value / total for phase, value in timing.phase_ms.items()}
            lines += [self._bar(shares, width)] * (2 if height > ROOMY_HEIGHT + 1 else 1)
            lines += self._legend(shares, width)
        facts = [*flow(self._percentiles(timing), width), *flow(self._pace(timing), width)]
        spare = height - len(lines) - len(facts)
        if spare >= 3:
            lines.append(Text())
        lines += facts
        if spare >= 2:
            lines.append(Text(self._spark(width), self.style_of("train")))
        if spare >= 1 and self._history is not None:
            lines.append(Text(verdict(timing, self._history.view.prepared), self.style_of("dim")))
        return lines

    def _style_of_phase(self, phase: str) -> str:
        return f"phase-{phase}" if f"phase-{phase}" in STYLES else "dim"

    def _bar(self, shares: dict[str, float], width: int) -> Text:
        """A cell belongs to the phase at its middle; in plain ASCII it is the phase's first letter."""
        text, position, filled = Text(), 0.0, 0
        for phase, share in shares.items():
            position += share * width
            cells = min(round(position), width) - filled
            filled += max(cells, 0)
            character = phase[0] if self.glyphs.ascii else self.glyphs.block
            text.append(character * max(cells, 0), self.style_of(self._style_of_phase(phase)))
        return text

    def _legend(self, shares: dict[str, float], width: int) -> list[Text]:
        dim, strong = self.style_of("dim"), self.style_of("strong")
        items = [
            Text.assemble(
                (f"{phase[0] if self.glyphs.ascii else '■'} ", self.style_of(self._style_of_phase(phase))),
                (f"{phase} ", dim),
                (f"{100 * share:.0f}%", strong),
            )
            for phase, share in shares.items()
            if share >= 0.005 or phase not in ("transfer", "rest")
        ]
        return flow(items, width)

    def _percentiles(self, timing: Timing) -> list[Text]:
        return [
            Text.assemble((f"{name} ", self.style_of("dim")), (milliseconds(value), self.style_of("text")))
            for name, value in timing.step_ms.items()
        ]

    def _pace(self, timing: Timing) -> list[Text]:
        dim, strong = self.style_of("dim"), self.style_of("strong")
        return [
            Text.assemble((rate(timing.steps_per_second), strong), (" steps/s", dim)),
            Text.assemble((rate(timing.samples_per_second), strong), (" samples/s", dim)),
        ]

    def _spark(self, width: int) -> str:
        assert self._history is not None
        return sparkline([item.step_ms.get("p50", 0.0) for item in self._history.timings], width, self.glyphs)
