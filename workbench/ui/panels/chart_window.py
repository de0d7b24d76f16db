"""The part of the x axis that all charts show: zoomed, panned, following the end of the data."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.plotting.scales import round_step, round_up

Range = tuple[float, float]
PAN = 0.25
"""Of the width of the window, by which a key moves it."""
STEPS_TO_END = 20
"""A window that follows the data moves in about this many steps across its width, so that most redraws are small."""
LEAST_STEPS = 4
"""Optimizer steps that a window shows at least."""


@dataclass(frozen=True)
class Extent:
    """What there is to see: all of the x axis, and where on it the data end."""

    whole: Range
    done: float
    """The x of the run's latest step; without one, of the overlaid runs'."""
    end: float
    """The greatest x of any data: an overlaid run may be longer."""
    least_width: float
    """Of the narrowest window."""


@dataclass(frozen=True)
class Window:
    """A range of x, no wider than the whole. One that follows ends where the data end."""

    first: float
    last: float
    follows: bool = False

    def shown(self, extent: Extent) -> Range:
        """The range that charts show now."""
        width = self.last - self.first
        if self.follows:
            end = extent.done
            if end < extent.whole[1]:  # a run in progress: the window must not move with each of its steps
                end = min(round_up(end, round_step(width / STEPS_TO_END)), extent.whole[1])
            return max(end - width, extent.whole[0]), max(end, extent.whole[0] + width)
        return (self.first, self.last) if self.first < extent.whole[1] else extent.whole


def zoomed(shown: Range, extent: Extent, factor: float, at: float) -> Window | None:
    """The window that shows `factor` times less; x = `at` keeps its place. None: all is shown."""
    first, last = shown
    width = max((last - first) / factor, extent.least_width)
    if width >= (extent.whole[1] - extent.whole[0]) * (1 - 1e-9):
        return None
    part = min(max((at - first) / (last - first), 0.0), 1.0)
    return _placed(first + part * (last - first - width), width, extent)


def panned(shown: Range, extent: Extent, by: float) -> Window | None:
    """The window moved by a distance, but not beyond the whole. None: all is shown."""
    first, last = shown
    if last - first >= (extent.whole[1] - extent.whole[0]) * (1 - 1e-9):
        return None
    return _placed(first + by, last - first, extent)


def _placed(first: float, width: float, extent: Extent) -> Window:
    """A window of that width where there are data; it follows them where they end at its right edge."""
    margin = width / STEPS_TO_END
    limit = min(extent.whole[1], extent.end + margin)
    first = max(min(first, limit - width), extent.whole[0])
    last = first + width
    return Window(first, last, follows=last - 2 * margin <= extent.done <= last)
