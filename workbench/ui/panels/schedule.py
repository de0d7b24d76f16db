"""The learning rate that the settings plan, as a curve over the epochs."""

from __future__ import annotations

from rich.text import Text

from workbench.plotting.points import Point
from workbench.plotting.quantities import LEARNING_RATE
from workbench.plotting.scales import count
from workbench.settings.preset import Preset
from workbench.ui.form.parsing import wording
from workbench.ui.look.chart import Plot, Series, draw
from workbench.ui.panels.panel import Panel
from workbench.units import counted

DOTS_A_CELL = 2
WAITS = {"plateau": "falls when the validation loss stops improving"}
"""What a schedule does that depends on results."""


class SchedulePanel(Panel):
    """The learning rate over the planned epochs."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._preset: Preset | None = None

    def show(self, preset: Preset | None) -> None:
        """Shows the schedule of a preset; None: of settings that are wrong."""
        before, self._preset = self._preset, preset
        if preset is not before:
            self.redraw()

    def heading(self) -> Text:
        title = Text("learning rate", self.style_of("strong"))
        preset = self._preset
        if preset is None:
            return title
        title.append(f"  {wording(preset.schedule.label())}", self.style_of("accent"))
        rates = self._rates(preset, DOTS_A_CELL * self.size.width)
        first, peak, last = rates[0].mean, max(point.mean for point in rates), rates[-1].mean
        written = [f"{peak:.3g}"] if first == peak == last else [f"{first:.3g}", f"{peak:.3g}", f"{last:.3g}"]
        arrow = " -> " if self.glyphs.ascii else " → "
        fitting = [arrow.join(dict.fromkeys(written)), f"up to {peak:.3g}"]
        style = self.style_of("text")
        return self.first_fitting([*(Text.assemble(title, (f"  {words}", style)) for words in fitting), title])

    def footing(self) -> Text:
        preset = self._preset
        if preset is None:
            return Text()
        parts = [WAITS[preset.schedule.name]] if preset.schedule.name in WAITS else []
        if preset.schedule.warmup_epochs:
            parts.append(f"warm-up {preset.schedule.warmup_epochs:g}")
        parts.append(counted(preset.training.epochs, "epoch"))
        shorter = ("  ".join(parts[place:]) for place in range(len(parts)))
        return self.first_fitting(Text(words, self.style_of("dim")) for words in shorter)

    def content(self, width: int, height: int) -> list[Text]:
        preset = self._preset
        if preset is None:
            return self.placeholder("the learning rate over the epochs appears here", width)
        plot = Plot(
            series=[Series("train", self._rates(preset, DOTS_A_CELL * width))],
            x_range=(0.0, float(preset.training.epochs)),
            x_label=count,
            y_label=LEARNING_RATE.tick,
            whole_x=preset.training.epochs >= 2,
            ascii=self.glyphs.ascii,
        )
        return draw(plot, width, height, self.style_of).lines

    def _rates(self, preset: Preset, places: int) -> list[Point]:
        """The learning rate at `places` evenly spaced moments, and just before the end."""
        epochs, rate = preset.training.epochs, preset.optimizer.learning_rate
        schedule = preset.schedule.build(epochs)
        moments = [epochs * place / max(places, 1) for place in range(places)] + [epochs * (1 - 1e-9)]
        values = [(moment, rate * schedule.factor(moment)) for moment in moments]
        return [Point(moment, value, value, value) for moment, value in values]
