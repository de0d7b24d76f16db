"""Draws charts as SVG: axes with round ticks, curves with the range of each pixel column, gaps where a value is NaN.

A chart is drawn with classes for its colours, so that a page can show it on a dark and on a light background.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from workbench.plotting.colours import LIGHT_VARIABLES
from workbench.plotting.limits import limits_of
from workbench.plotting.points import Point, fraction_across, from_gap_to_gap
from workbench.plotting.scales import fraction_of, value_range, x_ticks, y_ticks
from workbench.report_page.html import escaped

WIDTH, HEIGHT = 540, 270
TOP, BOTTOM, RIGHT = 12, 42, 16
LETTER_ROOM = 14
"""Pixels right of the curves for their letters."""
LETTER_PIXELS = 12
"""The least distance between two letters."""
PLOT_COLUMNS = 460
"""Columns of pixels that a curve is reduced to."""
DIGIT_PIXELS = 6.6
MOST_TICKS = 5
"""Of the y axis, about."""
MOST_DOTS = 40
"""Points of a curve up to which each is shown as a dot."""
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'


@dataclass(frozen=True)
class Line:
    """One curve."""

    name: str
    """For the legend."""
    colour: str
    """As in `workbench.plotting.colours`."""
    points: Sequence[Point]
    dash: str = ""
    """As SVG's stroke-dasharray; empty for a solid line."""
    letter: str = ""
    """Shown at its right end."""
    has_range: bool = False
    """Whether the range from the least to the greatest value of each point is shown behind it."""
    is_dots: bool = False
    """Whether each point is a dot, without a line between them."""
    is_faint: bool = False
    """Whether it stands back behind another line."""


@dataclass(frozen=True)
class Chart:
    """What to draw, in the units of the data."""

    id: str
    title: str
    lines: Sequence[Line]
    x_range: tuple[float, float]
    x_title: str
    x_label: Callable[[float], str]
    y_label: Callable[[float], str]
    log: bool = False
    """Whether the y axis is logarithmic; all values are then positive."""
    whole_x: bool = True
    most: float | None = None
    """Values above this have no meaning."""
    is_stacked: bool = False
    """Whether the lines are layers on top of each other, which share their x."""
    from_zero: bool = False
    """Whether the y axis begins at 0."""
    marks: Sequence[tuple[float, str, str]] = ()
    """x, letter and meaning of what happened there."""
    note: str = ""
    metric: str = ""
    """The name of the metric that it shows; empty for other quantities."""

    @property
    def heading(self) -> str:
        """The title, with the scale where it is logarithmic."""
        return f"{self.title}, log scale" if self.log else self.title


def draw(chart: Chart) -> str:
    """The chart as an SVG element."""
    content, height = draw_content(chart)
    return f"{opened(chart, height)}{content}</svg>"


def opened(chart: Chart, height: int, more: str = "") -> str:
    """The opening tag of a chart's element. more: further attributes."""
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escaped(chart.heading)}" '
        f'xmlns="http://www.w3.org/2000/svg"{more}>'
    )


def draw_content(chart: Chart, title: str = "") -> tuple[str, int]:
    """What is in the element, and its height in pixels. title: written above it; a page has its own."""
    layers = _stacked(chart.lines) if chart.is_stacked else list(chart.lines)
    y_range = _y_range(chart, layers)
    top = TOP + (30 if title else 0)
    height = HEIGHT + top - TOP
    ticks = y_ticks(y_range, MOST_TICKS, chart.log)
    left = max((len(chart.y_label(tick)) for tick in ticks), default=1) * DIGIT_PIXELS + 14
    right = WIDTH - RIGHT - (LETTER_ROOM if any(line.letter for line in layers) else 0)
    frame = _Frame(left, right, top, height - BOTTOM, chart.x_range, y_range, chart.log)
    parts = [f'<text class="t" x="{left:.0f}" y="24">{escaped(title)}</text>'] if title else []
    parts += _grid(chart, frame, ticks)
    for place, line in enumerate(layers):
        below = layers[place - 1].points if chart.is_stacked and place else ()
        parts += _layer(line, below, frame) if chart.is_stacked else _curve(line, frame)
    parts += _letters(layers, frame)
    return "".join(parts), height


@dataclass(frozen=True)
class _Frame:
    """Where the plot lies in the picture, and its ranges."""

    left: float
    right: float
    top: float
    bottom: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    log: bool

    def x(self, value: float) -> float:
        return self.left + (self.right - self.left) * fraction_across(value, self.x_range)

    def y(self, value: float) -> float:
        height = fraction_of(value, self.y_range, log=self.log)
        return self.bottom - (self.bottom - self.top) * min(max(height, 0.0), 1.0)

    def at(self, x: float, y: float) -> str:
        return f"{_short(self.x(x))},{_short(self.y(y))}"


def _short(pixels: float) -> str:
    return f"{pixels:.1f}".removesuffix(".0")


def _y_range(chart: Chart, lines: Sequence[Line]) -> tuple[float, float]:
    limits = limits_of((line.points for line in lines), log=chart.log, robust=False)
    if limits is None:
        return (0.1, 1.0) if chart.log else (0.0, 1.0)
    low, high = limits
    if chart.from_zero and not chart.log:
        low = min(low, 0.0)
    return value_range(low, high, log=chart.log, most=chart.most)


def _stacked(lines: Sequence[Line]) -> list[Line]:
    """The lines, each with the sum of its own and of those below it."""
    sums = accumulate(([point.mean for point in line.points] for line in lines), _added)
    return [
        Line(line.name, line.colour, [Point(p.x, y, y, y) for p, y in zip(line.points, total, strict=False)])
        for line, total in zip(lines, sums, strict=True)
    ]


def _added(below: list[float], own: list[float]) -> list[float]:
    return [one + other for one, other in zip(below, own, strict=False)]


def _grid(chart: Chart, frame: _Frame, ticks: Iterable[float]) -> Iterable[str]:
    for tick in ticks:
        y = _short(frame.y(tick))
        yield f'<path class="g" d="M{_short(frame.left)},{y}H{_short(frame.right)}"/>'
        yield f'<text class="y" x="{_short(frame.left - 7)}" y="{y}" dy=".32em">{escaped(chart.y_label(tick))}</text>'
    yield f'<path class="a" d="M{_short(frame.left)},{_short(frame.bottom)}H{_short(frame.right)}"/>'
    widest = max(len(chart.x_label(chart.x_range[1])), 3) * DIGIT_PIXELS
    most = max(int((frame.right - frame.left) / (widest + 34)), 2)
    ends_before = -math.inf
    for tick in x_ticks(chart.x_range, most, whole=chart.whole_x):
        label, x = chart.x_label(tick), frame.x(tick)
        if x - len(label) * DIGIT_PIXELS / 2 < ends_before:
            continue
        ends_before = x + len(label) * DIGIT_PIXELS / 2 + 8
        yield f'<path class="a" d="M{_short(x)},{_short(frame.bottom)}v4"/>'
        yield f'<text class="x" x="{_short(x)}" y="{_short(frame.bottom + 17)}">{escaped(label)}</text>'
    middle = (frame.left + frame.right) / 2
    yield f'<text class="x" x="{_short(middle)}" y="{_short(frame.bottom + 34)}">{escaped(chart.x_title)}</text>'
    for at, letter, meaning in chart.marks:
        across = _short(frame.x(at))
        yield (
            f"<g><title>{escaped(meaning)}</title>"
            f'<path class="m" d="M{across},{_short(frame.top + 10)}V{_short(frame.bottom)}"/>'
            f'<text class="x" x="{across}" y="{_short(frame.top + 7)}">{escaped(letter)}</text></g>'
        )


def _curve(line: Line, frame: _Frame) -> Iterable[str]:
    strokes = [[point for point, _ in joined] for joined in from_gap_to_gap(line.points, log=frame.log)]
    if not strokes:
        return
    yield f"<g><title>{escaped(line.name)}</title>"
    if line.has_range and any(point.low != point.high for stroke in strokes for point in stroke):
        for stroke in (each for each in strokes if len(each) > 1):
            upper = " ".join(frame.at(point.x, point.high) for point in stroke)
            lower = " ".join(frame.at(point.x, point.low) for point in reversed(stroke))
            yield f'<path class="r f-{line.colour}" d="M{upper} {lower}Z"/>'
    drawn = "".join("M" + " ".join(frame.at(p.x, p.mean) for p in stroke) for stroke in strokes if len(stroke) > 1)
    if drawn and not line.is_dots:
        dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
        yield f'<path class="l{_faint(line)} s-{line.colour}"{dash} d="{drawn}"/>'
    all_of_them = line.is_dots or sum(map(len, strokes)) <= MOST_DOTS
    for stroke in strokes:
        for point in stroke if all_of_them or len(stroke) == 1 else ():
            yield (
                f'<circle class="f-{line.colour}" cx="{_short(frame.x(point.x))}" '
                f'cy="{_short(frame.y(point.mean))}" r="2.4"/>'
            )
    yield "</g>"


def _layer(line: Line, below: Sequence[Point], frame: _Frame) -> Iterable[str]:
    points = [point for point in line.points if point.extent(log=False) is not None]
    if not points:
        return
    upper = " ".join(frame.at(point.x, point.mean) for point in points)
    floor = [(point.x, point.mean) for point in below] or [(points[0].x, 0.0), (points[-1].x, 0.0)]
    lower = " ".join(frame.at(x, y) for x, y in reversed(floor))
    yield f'<path class="f-{line.colour}" d="M{upper} {lower}Z"><title>{escaped(line.name)}</title></path>'


def _letters(lines: Sequence[Line], frame: _Frame) -> Iterable[str]:
    """The letters at the right ends of the curves, moved apart where they would lie on each other."""
    ends = []
    for line in lines:
        drawn = [point for point in line.points if point.extent(log=frame.log)] if line.letter else []
        if drawn:
            ends.append((frame.y(drawn[-1].mean), frame.x(drawn[-1].x), line))
    ends.sort(key=lambda end: end[0])
    for y, (_, x, line) in zip(_apart([y for y, _, _ in ends], frame.bottom), ends, strict=True):
        yield (
            f'<text class="e f-{line.colour}" x="{_short(x + 6)}" y="{_short(y)}" dy=".32em">'
            f"{escaped(line.letter)}</text>"
        )


def _apart(heights: Sequence[float], bottom: float) -> list[float]:
    """Heights of letters, from the top: moved down as far as needed, and up again where that is below the plot."""
    placed: list[float] = []
    for y in heights:
        placed.append(max(y, placed[-1] + LETTER_PIXELS if placed else y))
    limit = bottom
    for place in reversed(range(len(placed))):
        placed[place] = min(placed[place], limit)
        limit = placed[place] - LETTER_PIXELS
    return placed


def style(colours: dict[str, str]) -> str:
    """The style sheet of charts. colours: by name, as CSS."""
    rules = [
        f".chart text{{font:11.5px {FONT};fill:{colours['dim']}}}",
        f".chart .t{{font-size:15px;font-weight:600;fill:{colours['ink']}}}",
        ".chart .y{text-anchor:end}.chart .x{text-anchor:middle}.chart .e{font-weight:700}",
        f".chart .g{{stroke:{colours['line']};stroke-width:.6;fill:none}}",
        f".chart .a{{stroke:{colours['dim']};stroke-width:.8;fill:none}}",
        f".chart .m{{stroke:{colours['dim']};stroke-width:.8;stroke-dasharray:1 3;fill:none}}",
        ".chart .l{fill:none;stroke-width:1.7;stroke-linejoin:round;stroke-linecap:round}",
        ".chart .r{opacity:.2}.chart .w{opacity:.45;stroke-width:.8}",
    ]
    for name in LIGHT_VARIABLES:
        rules += [f".chart .s-{name}{{stroke:{colours[name]}}}", f".chart .f-{name}{{fill:{colours[name]}}}"]
    return "".join(rules)


def swatch_mark(line: Line, x: float, y: float, *, stacked: bool = False) -> str:
    """A piece of the curve, for a legend: 30 pixels long, at the height y."""
    if stacked:
        return f'<rect class="f-{line.colour}" x="{x:g}" y="{y - 6:g}" width="30" height="12"/>'
    if line.is_dots:
        return f'<circle class="f-{line.colour}" cx="{x + 15:g}" cy="{y:g}" r="2.4"/>'
    dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
    return f'<path class="l{_faint(line)} s-{line.colour}"{dash} d="M{x:g},{y:g}h30"/>'


def _faint(line: Line) -> str:
    return " w" if line.is_faint else ""
