"""The charts of a run, or of several runs side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from string import ascii_uppercase

from workbench.metrics import METRICS, Metric, metric
from workbench.plotting.points import Point, averaged, points_by_column
from workbench.plotting.quantities import LEARNING_RATE, THROUGHPUT, Quantity, quantity_of
from workbench.plotting.scales import count
from workbench.report_page.record import MEMORIES, RunRecord
from workbench.report_page.svg import PLOT_COLUMNS, Chart, Line
from workbench.runs.curve import Bucket, Curve
from workbench.runs.phases import PHASES

COLOURS = ("train", "validation", "overlay-1", "overlay-2", "overlay-3", "overlay-4")
DASHES = ("", "7 4", "2 4", "10 4 2 4")
OF_EACH_STEP = "loss/train"
"""The one curve with a value for each step."""
SPLITS = ("/train", "/validation")
"""Endings of the names of curves that are of a metric."""
MOST_RUNS = 12
"""Runs whose curves can still be told apart."""
MOST_MARKS = 30
MARKED = {"learning_rate": "L", "resumed": "R", "stop": "x"}
"""Requests that are marked in the charts of a single run, by the letters that the app uses."""
BAND = "behind it, from the least to the greatest step"
SMOOTHING = 0.8
"""The weight of the past in the average of the loss of each step, over a column of a curve that fills its chart."""
MOST_SMOOTHED = 4
"""Steps a point up to which it is smoothed: the mean of more steps is smooth by itself, and would only lag."""
LEAST_SMOOTHED = 60
"""Points from which on a curve of each step gets an average."""
LOG_FROM = 50.0
"""The ratio of the greatest to the least value from which on a scale is logarithmic."""


@dataclass(frozen=True)
class Look:
    """How a run is drawn among several."""

    letter: str
    colour: str
    dash: str


def looks(runs: int) -> list[Look]:
    """A look for each of several runs: neighbours differ in colour and in dash."""
    return [
        Look(letter, COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)])
        for place, letter in enumerate(ascii_uppercase[:runs])
    ]


def charts_of(records: Sequence[RunRecord], names: Sequence[str] = ()) -> list[Chart]:
    """The charts of one run, or of several, which compare them. Those without a finite value are left out.

    names: of several runs, for the legend.
    """
    made = _Charts(records, names)
    found = made.of_one(records[0]) if len(records) == 1 else made.of_several()
    return [chart for chart in found if _says_something(chart)]


def _says_something(chart: Chart) -> bool:
    """Whether a chart has a finite value; of time and memory two, of learning rates two that differ."""
    finite = [[point.mean for point in line.points if point.extent(log=False) is not None] for line in chart.lines]
    if chart.id == LEARNING_RATE.id:
        return any(len(set(values)) > 1 for values in finite)
    return any(len(values) >= (1 if chart.metric else 2) for values in finite)


class _Charts:
    """Makes the charts of runs that share an x axis."""

    def __init__(self, records: Sequence[RunRecord], names: Sequence[str]) -> None:
        self._records = records
        self._names = names or [record.name for record in records]
        self._by_epoch = all(map(_has_epochs, records))
        ends = [self._x(record, record.history.view.step) for record in records]
        self._x_range = 0.0, max([*ends, 0.0]) or 1.0

    def _x(self, record: RunRecord, step: int) -> float:
        return step / record.history.steps_per_epoch if self._by_epoch else float(step)

    def _points(self, record: RunRecord, curve: Curve | None) -> list[Point]:
        x_of = partial(self._x_of_bucket, record)
        return [] if curve is None else points_by_column(curve.buckets, x_of, self._x_range, PLOT_COLUMNS)

    def _x_of_bucket(self, record: RunRecord, bucket: Bucket) -> float:
        return self._x(record, bucket.last_step)

    def _of_each_step(self, points: Sequence[Point], record: RunRecord) -> Iterable[Line]:
        """The training loss: range and mean in each column of pixels, and their moving average where they are noisy."""
        if not points:
            return []
        if not _is_noisy(points, record):
            return [Line("train", "train", points, has_range=True)]
        each = Line("train, each step", "train", points, has_range=True, is_faint=True)
        return [each, Line("train, moving average", "train", self._average(points, record))]

    def _average(self, points: Sequence[Point], record: RunRecord) -> list[Point]:
        curve = record.history.curves[OF_EACH_STEP]
        averages = curve.averages(SMOOTHING, max(record.history.view.step, 1) / PLOT_COLUMNS)
        return averaged(points, curve.buckets, partial(self._x_of_bucket, record), averages)

    def _chart(self, quantity: Quantity, lines: Sequence[Line], *, title: str = "", note: str = "") -> Chart:
        return Chart(
            id=quantity.id,
            title=title or quantity.title,
            lines=lines,
            x_range=self._x_range,
            x_title="epoch" if self._by_epoch else "step",
            x_label=count,
            y_label=quantity.tick,
            log=quantity.metric is not None and quantity.can_be_log and _is_wide(lines),
            whole_x=not self._by_epoch or self._x_range[1] >= 2,
            most=quantity.most,
            marks=self._marks(),
            note=note,
            metric="" if quantity.metric is None else quantity.metric.name,
        )

    def _marks(self) -> list[tuple[float, str, str]]:
        if len(self._records) > 1:
            return []
        record = self._records[0]
        kept = [mark for mark in record.history.marks if mark.kind in MARKED][-MOST_MARKS:]
        return [(self._x(record, mark.step), MARKED[mark.kind], mark.text) for mark in kept]

    def _metrics(self) -> list[Metric]:
        """The metrics that have curves: those that are declared, then those of loops of the user's own."""
        keys = [key for record in self._records for key in record.history.curves if key.endswith(SPLITS)]
        names = dict.fromkeys(key.rpartition("/")[0] for key in keys)
        known = [each for each in METRICS if each.name in names]
        return [*known, *(metric(name) for name in names if name not in [each.name for each in METRICS])]

    # One run.

    def of_one(self, record: RunRecord) -> Iterator[Chart]:
        curves = record.history.curves
        for shown in self._metrics():
            quantity = quantity_of(shown, shown.name)
            lines: list[Line] = []
            for name, key, colour in quantity.curves:
                points = self._points(record, curves.get(key))
                if key == OF_EACH_STEP:
                    lines += self._of_each_step(points, record)
                elif points:
                    lines.append(Line(name, colour, points))
            yield self._chart(quantity, lines, note=BAND if any(map(_has_band, lines)) else "")
        yield self._chart(LEARNING_RATE, [Line("", "train", self._points(record, curves.get("learning_rate")))])
        yield self._phases(record)
        yield self._chart(THROUGHPUT, [Line("", "train", self._points(record, curves.get("samples_per_second")))])
        yield self._memory(record)

    def _phases(self, record: RunRecord) -> Chart:
        seen = [name for name in PHASES if any(bucket.maximum > 0 for bucket in record.phases[name].buckets)]
        layers = [Line(name, f"phase-{name}", self._points(record, record.phases[name])) for name in seen]
        return self._plain("phases", "time of a step by phase, ms", layers, is_stacked=True)

    def _memory(self, record: RunRecord) -> Chart:
        colours = dict(zip(MEMORIES, ("train", "overlay-2", "validation"), strict=True))
        most = max((bucket.maximum for curve in record.memory.values() for bucket in curve.buckets), default=0.0)
        scale, unit = (1, "GiB") if most >= 2 else (1024, "MiB")
        lines = [
            Line(MEMORIES[name], colours[name], [_scaled(point, scale) for point in self._points(record, curve)])
            for name, curve in record.memory.items()
            if any(bucket.maximum > 0 for bucket in curve.buckets)
        ]
        return self._plain("memory", f"memory, {unit}", lines)

    def _plain(self, id: str, title: str, lines: Sequence[Line], *, is_stacked: bool = False) -> Chart:
        """A chart of plain numbers from 0 on."""
        chart = self._chart(Quantity(id, title, (), str, "{:g}".format), lines)
        return replace(chart, is_stacked=is_stacked, from_zero=True)

    # Several runs.

    def of_several(self) -> Iterator[Chart]:
        loss = quantity_of(METRICS[0], "training-loss")
        yield self._chart(loss, self._lines(OF_EACH_STEP), title="training loss", note="averages over some steps")
        for shown in self._metrics():
            quantity = quantity_of(shown, shown.name)
            name = f"validation {quantity.title}"
            yield self._chart(quantity, self._lines(f"{shown.name}/validation"), title=name)
        yield self._chart(LEARNING_RATE, self._lines("learning_rate"))
        yield self._chart(THROUGHPUT, self._lines("samples_per_second"))

    def _lines(self, key: str) -> list[Line]:
        found = []
        for record, name, look in zip(self._records, self._names, looks(len(self._records)), strict=True):
            points = self._points(record, record.history.curves.get(key))
            if key == OF_EACH_STEP and _is_noisy(points, record):
                points = self._average(points, record)
            if points:
                found.append(Line(name, look.colour, points, look.dash, look.letter))
        return found


def _has_epochs(record: RunRecord) -> bool:
    """Whether a run has more than one epoch, and it is known how long one is."""
    view = record.history.view
    if view.prepared is None or view.prepared.steps_per_epoch is None:
        return False
    return (view.prepared.epochs or math.ceil(view.epoch)) > 1


def _is_noisy(points: Sequence[Point], record: RunRecord) -> bool:
    """Whether a curve of each step is to be smoothed: it has many points, each of a few steps."""
    return len(points) >= LEAST_SMOOTHED and record.history.view.step < MOST_SMOOTHED * len(points)


def _has_band(line: Line) -> bool:
    return line.has_range and any(point.low != point.high for point in line.points)


def _is_wide(lines: Iterable[Line]) -> bool:
    """Whether the values span so much, all of them positive, that a linear scale would hide most of it."""
    extents = [found for line in lines for point in line.points if (found := point.extent(log=False)) is not None]
    least = min((low for low, _ in extents), default=0.0)
    greatest = max((high for _, high in extents), default=0.0)
    return least > 0 and math.isfinite(greatest) and greatest / least >= LOG_FROM


def _scaled(point: Point, scale: int) -> Point:
    return Point(point.x, point.low * scale, point.high * scale, point.mean * scale)
