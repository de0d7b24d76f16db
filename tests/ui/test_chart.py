"""What is drawn is what was measured: compared cell by cell with the data, and read with the cursor."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.pilot import Pilot

from tests.ui import made
from workbench.plotting.points import Point, points_by_column
from workbench.plotting.quantities import LOSS
from workbench.plotting.scales import x_ticks, y_ticks
from workbench.runs.curve import Curve
from workbench.runs.events import EpochEnd, Event, Finished, Prepared, Steps
from workbench.runs.history import RunHistory
from workbench.runs.phases import PHASES
from workbench.runs.quantities import PHASE_TIMES, STEP_TIME
from workbench.ui.keys.actions import OTHER_KEYS
from workbench.ui.live.overlays import Overlay
from workbench.ui.look.chart import BROKEN, Drawing, Plot, Series, draw
from workbench.ui.look.glyphs import ASCII, UNICODE, Glyphs
from workbench.ui.look.run_marks import RunMarks
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.chart_curves import DOTS_A_CELL, MARK_LETTERS, ChartCurves, ChartView
from workbench.ui.panels.chart_window import Window
from workbench.ui.panels.charts import ChartPanel
from workbench.ui.panels.metric_chart import chart_panels
from workbench.ui.panels.x_axis import extent_of

BRAILLE = range(0x2801, 0x2900)


def style_of(name: str) -> Style:
    return Style(color={"train": "cyan", "validation": "yellow", "overlay-1": "magenta"}.get(name, "white"))


def plot(*curves: Sequence[Point], x_range: tuple[float, float] = (0.0, 100.0), **how: Any) -> Plot:
    styles = ("train", "validation")
    series = [Series(style, points, marker) for style, points, marker in zip(styles, curves, "*+", strict=False)]
    return Plot(series, x_range, x_label="{:,.0f}".format, y_label="{:g}".format, **how)


def flat(values: Iterable[float]) -> list[Point]:
    return [Point(float(x), value, value, value) for x, value in enumerate(values)]


def canvas(drawing: Drawing) -> list[str]:
    """The lines above the x axis, without the y axis and its labels."""
    return [line.plain[drawing.left :].ljust(drawing.columns) for line in drawing.lines[:-2]]


def drawn_rows(drawing: Drawing, column: int) -> list[int]:
    return [row for row, line in enumerate(canvas(drawing)) if ord(line[column]) in BRAILLE]


def empty_columns(drawing: Drawing) -> list[int]:
    return [column for column in range(drawing.columns) if not drawn_rows(drawing, column)]


def points_of(curve: Curve, steps: int, columns: int = 60) -> list[Point]:
    return points_by_column(
        curve.buckets, lambda bucket: float(bucket.last_step), (0.0, float(steps)), columns * DOTS_A_CELL
    )


def test_each_column_reaches_from_the_least_to_the_greatest_of_its_values() -> None:
    points = [Point(x + 0.5, low := (x * 37 % 50), low + 50, low + 25) for x in range(50)]
    drawing = draw(plot(points, x_range=(0.0, 50.0)), 55, 22, style_of)
    rows = len(drawing.lines) - 2
    assert drawing.columns == 50

    def row_of(value: float) -> float:
        return rows * (1 - value / 100) - 0.5

    for column in range(1, 49):
        drawn, beside = drawn_rows(drawing, column), points[column - 1 : column + 2]
        assert drawn[0] <= row_of(points[column].high) + 1
        assert drawn[-1] >= row_of(points[column].low) - 1
        # The line to a neighbour goes through its cell too, but no further than the neighbour's own values.
        assert drawn[0] >= row_of(max(point.high for point in beside)) - 1
        assert drawn[-1] <= row_of(min(point.low for point in beside)) + 1


def test_a_spike_of_one_step_in_a_hundred_thousand_is_seen() -> None:
    curve = Curve()
    for first in range(1, 100_001, 100):
        losses = [0.1] * 100
        if first == 50_001:
            losses[7] = 8.0
        curve.extend(first, losses, 0.0, 1.0)
    drawing = draw(plot(points_of(curve, 100_000), x_range=(0.0, 100_000.0)), 70, 16, style_of)
    high = [column for column in range(drawing.columns) if min(drawn_rows(drawing, column), default=99) < 5]
    assert len(high) in (1, 2)
    assert high[0] == pytest.approx(drawing.columns / 2, abs=1)


def test_a_line_breaks_where_the_loss_is_no_number() -> None:
    curve = Curve()
    for step in range(1, 101):
        curve.add(step, math.nan if 40 < step < 60 else 1.0, 0.0)
    drawing = draw(plot(points_of(curve, 100)), 105, 10, style_of)
    inside = [column for column in empty_columns(drawing) if 5 < column < drawing.columns - 5]
    assert inside == list(range(inside[0], inside[-1] + 1))
    assert drawing.x_of(inside[0]) == pytest.approx(41, abs=2)
    assert drawing.x_of(inside[-1]) == pytest.approx(59, abs=2)


def test_a_straight_line_on_a_log_scale_is_an_exponential() -> None:
    points = flat(10 ** (-x / 50) for x in range(101))
    drawing = draw(plot(points, log=True), 105, 24, style_of)
    rows = [drawn_rows(drawing, column)[0] for column in range(1, drawing.columns - 1)]
    assert rows == sorted(rows)
    middle = rows[len(rows) // 2]
    assert middle == pytest.approx((rows[0] + rows[-1]) / 2, abs=1)


def test_a_log_scale_leaves_out_what_is_not_positive_and_nothing_else() -> None:
    points = [Point(float(x), 0.0 if x % 2 else 0.1, 1.0, 0.5) for x in range(40)]
    points += [Point(float(x), -1.0, -1.0, -1.0) for x in range(40, 60)]
    points += [Point(float(x), 0.1, 1.0, 0.5) for x in range(60, 101)]
    drawing = draw(plot(points, log=True), 105, 12, style_of)
    inside = [drawing.x_of(column) for column in empty_columns(drawing)[1:-1]]
    assert inside
    assert all(38 <= x <= 61 for x in inside)


def test_a_log_scale_of_one_decade_and_more_has_more_than_its_ends_labelled() -> None:
    assert y_ticks((0.1, 5.0), 5, log=True) == pytest.approx([0.1, 0.3, 1.0, 3.0])
    assert y_ticks((0.1, 5.0), 6, log=True) == pytest.approx([0.1, 0.2, 0.5, 1.0, 2.0, 5.0])
    assert len(y_ticks((1e-30, 1e30), 5, log=True)) <= 5


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 12))
def test_ticks_are_round_numbers(low: float, width: float, most: int) -> None:
    ticks = y_ticks((low, low + width), most, log=False)
    assert 2 <= len(ticks) <= max(most + 1, 5), "a lone number tells no scale"
    steps = {float(f"{after - before:.3g}") for before, after in pairwise(ticks)}
    assert all(f"{step:e}"[0] in "125" and float(f"{step:.0e}") == step for step in steps)


def test_time_is_ticked_at_round_minutes() -> None:
    assert x_ticks((0.0, 600.0), 6, sixties=True) == [0.0, 120.0, 240.0, 360.0, 480.0, 600.0]


def test_a_run_of_less_than_a_second_has_labels_on_its_time_axis() -> None:
    """screen/REPORT #16: the only label was 0 s."""
    assert x_ticks((0.0, 0.2), 4, whole=False, sixties=True) == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2])


def test_a_dashed_curve_differs_from_a_whole_one_without_colours() -> None:
    """screen/REPORT, NO_COLOR."""
    curve = Series("validation", flat([1.0] * 101), dashed=True)
    dashed = draw(replace(plot(), series=[curve]), 60, 12, style_of)
    whole = draw(replace(plot(), series=[replace(curve, dashed=False)]), 60, 12, style_of)
    assert not empty_columns(whole)[1:]
    gaps = empty_columns(dashed)
    assert dashed.columns / 4 < len(gaps) < dashed.columns / 2
    lone = draw(replace(plot(), series=[replace(curve, points=curve.points[50:51])]), 60, 12, style_of)
    assert "×" in "".join(canvas(lone))


def test_values_stand_in_the_rows_of_their_labels_and_the_last_step_in_the_last_column() -> None:
    peak = [Point(0.0, 0.0, 0.0, 0.0), Point(50.0, 10.0, 10.0, 10.0), Point(100.0, 0.0, 0.0, 0.0)]
    for width, height in ((20, 5), (44, 9), (61, 16), (120, 33)):
        drawing = draw(plot(peak), width, height, style_of)
        drawn = [drawn_rows(drawing, column) for column in range(drawing.columns)]
        assert drawing.lines[0].plain.startswith("10 ")
        assert min(rows[0] for rows in drawn) == 0
        assert drawn[0][-1] == drawn[-1][-1] == height - 3


def test_labels_have_thousands_separators_and_do_not_run_into_one_another() -> None:
    drawing = draw(plot(flat([1.0]), x_range=(0.0, 100_000.0)), 60, 8, style_of)
    labels = drawing.lines[-1].plain.split()
    assert "50,000" in labels
    assert labels[-1] == "100,000"


def test_a_single_value_a_constant_and_nothing_at_all_can_be_drawn() -> None:
    single = draw(plot([Point(50.0, 1.0, 1.0, 1.0)]), 60, 10, style_of)
    [line] = [line for line in canvas(single) if line.strip()]
    assert line.strip() == "●", "screen/REPORT #35: a single dot of braille cannot be seen"
    assert line.index("●") == pytest.approx(single.columns / 2, abs=1)
    constant = draw(plot(flat([0.5] * 101)), 60, 10, style_of)
    assert {tuple(drawn_rows(constant, column)) for column in range(2, constant.columns - 2)} == {(4,)}
    assert empty_columns(empty := draw(plot(), 60, 10, style_of)) == list(range(empty.columns))


numbers = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(-10, 10), st.just(0.0))


@settings(max_examples=60, deadline=None)
@example([5e-324, 1e-323], 40, 8, True, False)  # their ratio is lost in rounding
@example([1.7e308, -1.7e308], 40, 8, False, False)  # their difference overflows
@example([1.0, 1.0 + 2e-16], 40, 8, False, False)
@given(st.lists(numbers, max_size=30), st.integers(0, 60), st.integers(0, 20), st.booleans(), st.booleans())
def test_no_values_and_no_size_make_a_drawing_fail(
    values: list[float], width: int, height: int, log: bool, ascii_only: bool
) -> None:
    drawing = draw(plot(flat(values), log=log, ascii=ascii_only, cursor=3.0), width, height, style_of)
    assert len(drawing.lines) in (0, height)
    assert all(line.cell_len <= width for line in drawing.lines)
    if drawing.lines:
        assert drawing.left + drawing.columns <= width


def test_what_lies_far_beyond_the_axis_is_not_drawn() -> None:
    """Hundreds of lines a million widths long once took minutes and 3.5 GB, and no key was answered meanwhile."""
    near = flat(range(101))
    far = [Point(1e9 * number, 0.0, 0.0, 0.0) for number in range(1, 400)]
    assert canvas(draw(plot(near + far), 80, 20, style_of)) == canvas(draw(plot(near), 80, 20, style_of))


def test_every_letter_on_the_axis_is_explained_in_the_help() -> None:
    [text] = [text for _, rows in OTHER_KEYS for keys, text in rows if keys == "letters"]
    explained = [part.split()[0] for part in text.partition(":")[2].split(",")]
    assert explained == [*MARK_LETTERS.values(), BROKEN]


def test_twenty_by_five_cells_are_enough() -> None:
    assert len(draw(plot(flat(range(100))), 20, 5, style_of).lines) == 5


def test_plain_ascii_is_drawn_with_nothing_else() -> None:
    crossing = plot(flat(range(100)), flat(range(100, 0, -1)), ascii=True, marks=[(50.0, "L")], cursor=20.0)
    drawing = draw(crossing, 60, 16, style_of)
    text = "\n".join(line.plain for line in drawing.lines)
    assert text.isascii()
    assert {"*", "+", "L", "|"} <= set(text)


def test_marks_stand_on_the_axis_and_curves_end_in_their_letter() -> None:
    under = Series("overlay-1", flat(range(60)), "a", "A")
    full = Plot([under], (0.0, 100.0), "{:g}".format, "{:g}".format, marks=[(25.0, "L"), (900.0, "p")])
    drawing = draw(full, 106, 20, style_of)
    axis = drawing.lines[-2].plain[drawing.left :]
    assert axis.index("L") == pytest.approx(drawing.columns / 4, abs=1)
    assert "p" not in axis
    assert sum(line.count("A") for line in canvas(drawing)) == 1


def test_each_curve_has_its_own_colour() -> None:
    drawing = draw(plot(flat([1.0] * 101), flat([2.0] * 101)), 60, 12, style_of)
    colours = [
        {str(span.style.color.name) for span in line.spans if isinstance(span.style, Style) and span.style.color}
        for line in drawing.lines[:-2]
    ]
    assert [("yellow" in names, "cyan" in names) for names in colours].count((True, False)) == 1
    assert [("yellow" in names, "cyan" in names) for names in colours].count((False, True)) == 1


def test_a_curve_over_a_band_has_no_dots_but_its_own() -> None:
    """A cell has one colour: with the band's dots in it, a thin curve would look as thick as a row."""
    band = Series("line", [Point(float(x), 0.0, 100.0, 50.0) for x in range(101)], behind=True)
    curve = Series("train", flat([50.0] * 101))
    alone = canvas(draw(replace(plot(), series=[curve], most=100.0), 60, 12, style_of))
    both = draw(replace(plot(), series=[band, curve], most=100.0), 60, 12, style_of)
    found = [row for row in canvas(both) if "\u28ff" not in row[1:-1]]
    assert len(found) == 1, "the band fills every row but the curve's"
    assert set(found[0][1:-1]) == {character for row in alone for character in row[1:-1] if ord(character) in BRAILLE}


def test_a_curve_that_grows_changes_only_the_cells_at_its_end() -> None:
    losses = [2 * math.exp(-step / 300) + 0.1 * math.sin(step) + 0.2 for step in range(1, 1001)]

    def after(steps: int) -> list[str]:
        curve = Curve()
        curve.extend(1, losses[:steps], 0.0, 1.0)
        return canvas(draw(plot(points_of(curve, 1000), x_range=(0.0, 1000.0)), 66, 20, style_of))

    before, now = after(500), after(510)
    changed = {x for old, new in zip(before, now, strict=True) for x in range(len(old)) if old[x] != new[x]}
    assert changed
    assert max(changed) - min(changed) <= 3


def test_outliers_leave_the_canvas_and_are_counted_at_its_edges() -> None:
    """screen/REPORT #36: one spike owned the axis for the whole run."""
    values = [0.5 + 0.1 * math.sin(x) for x in range(101)]
    values[50], values[70], values[80] = 8.0, 9.04, -70.0
    whole = draw(plot(flat(values)), 80, 20, style_of)
    robust = draw(plot(flat(values), robust=True), 80, 20, style_of)
    assert "above" not in "".join(canvas(whole))
    assert "▲ 2 above, up to 9" in canvas(robust)[0]
    assert "▼ 1 below, down to -70" in canvas(robust)[-1]
    spike = int(50.5 / 101 * robust.columns)
    assert drawn_rows(robust, spike)[0] == 0, "the line leaves at the top"
    ticks = [float(label) for line in robust.lines[:-2] if (label := line.plain[: robust.left - 1].strip())]
    assert min(ticks) >= 0.4
    assert max(ticks) <= 0.6
    in_ascii = canvas(draw(plot(flat(values), robust=True, ascii=True), 80, 20, style_of))
    assert "^ 2 above, up to 9" in in_ascii[0]
    assert "v 1 below, down to -70" in in_ascii[-1]


def test_a_part_of_the_x_axis_is_drawn_as_the_whole_is_there() -> None:
    """Lines to points outside cross the edges where they would; the axis says which part of the whole is seen."""
    points = [Point(x, x, x, x) for x in (0.0, 40.0, 60.0, 100.0)]
    drawing = draw(plot(points, x_range=(44.0, 56.0), whole=(0.0, 100.0)), 70, 22, style_of)
    rows = [drawn_rows(drawing, column) for column in range(drawing.columns)]
    assert all(rows)
    assert (rows[0][-1], rows[-1][0]) == (len(drawing.lines) - 3, 0)
    axis = drawing.lines[-2].plain[drawing.left :]
    assert axis.index("━") == pytest.approx(0.44 * drawing.columns, abs=1)
    assert axis.count("━") == pytest.approx(0.12 * drawing.columns, abs=1.5)
    assert "━" not in draw(plot(points, whole=(0.0, 100.0)), 70, 22, style_of).lines[-2].plain


def test_a_curve_that_is_not_finite_has_a_mark_on_the_axis_where_it_breaks() -> None:
    drawing = draw(plot(flat([1.0] * 40), breaks=[(40.0, "error")]), 106, 12, style_of)
    axis = drawing.lines[-2].plain[drawing.left :]
    assert axis.index("×") == pytest.approx(0.4 * drawing.columns, abs=1)


def test_drawing_leaves_the_terminal_and_the_signals_alone(capfd: pytest.CaptureFixture[str]) -> None:
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)
    before = [signal.getsignal(number) for number in watched]
    draw(plot(flat(range(100))), 60, 16, style_of)
    assert [signal.getsignal(number) for number in watched] == before
    assert capfd.readouterr() == ("", "")


# The panel.


class Host(StyledApp):
    """The charts and nothing else."""

    CSS = "ChartPanel { height: 1fr; }"

    def __init__(self, history: RunHistory | None, view: ChartView, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(ascii_only=glyphs.ascii)
        self.shown = history, view
        self.maximised: list[ChartPanel.Maximise] = []

    def compose(self) -> ComposeResult:
        yield from chart_panels()

    def on_mount(self) -> None:
        for panel in self.query(ChartPanel):
            panel.show(*self.shown)

    @on(ChartPanel.CursorMoved)
    def _cursor_moved(self, message: ChartPanel.CursorMoved) -> None:
        history, view = self.shown
        self.shown = history, replace(view, cursor=message.x)
        for panel in self.query(ChartPanel):
            panel.show(*self.shown)

    @on(ChartPanel.Maximise)
    def _maximise(self, message: ChartPanel.Maximise) -> None:
        self.maximised.append(message)


def watch(
    drive: Callable[[Pilot[None], ChartPanel], Awaitable[None]],
    history: RunHistory | None,
    view: ChartView | None = None,
    *,
    panel: str = "loss",
    glyphs: Glyphs = UNICODE,
) -> None:
    """Shows a history in a host of 120 × 40 with that panel focused."""

    async def run() -> None:
        app = Host(history, view or ChartView(), glyphs)
        async with app.run_test(size=(120, 40)) as pilot:
            chart = app.query_one(f"#{panel}", ChartPanel)
            chart.focus()
            await pilot.pause()
            await drive(pilot, chart)

    asyncio.run(run())


def shown(panel: ChartPanel) -> str:
    return "\n".join(panel.render_line(row).text for row in range(panel.size.height))


def taken(events: Iterable[Event]) -> RunHistory:
    history = RunHistory()
    for event in events:
        history.take(event)
    return history


def test_a_chart_says_its_latest_values_and_its_cursor_those_of_another_step() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        assert "train 0.1459" in shown(panel)
        assert "validation 0.2023" in shown(panel)
        await pilot.press("right")
        assert f"train {made.loss_at(8):.2f}"[:8] in panel.footing().plain
        await pilot.press("escape")
        assert "train" not in panel.footing().plain

    watch(drive, taken(made.events(1300)))


def test_the_title_gives_what_is_drawn_and_the_last_value() -> None:
    """screen/REPORT #18: the title said 0.0385, the last batch's loss, where the line stood at 0.25."""

    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        assert panel._curves is not None
        [run] = [series for series in panel._curves.plot(ascii=False).series if series.style == "train"]
        assert run.points[-1].mean > 0.15
        assert f"train {run.points[-1].mean:.4f} (last 0.1459)" in panel.heading().plain
        panel.show(history, ChartView())
        assert "train 0.1459  " in panel.heading().plain

    history = taken(made.events(1300))
    watch(drive, history, ChartView(smoothing=0.6))


def test_a_smoothed_value_is_the_same_at_any_width_and_in_any_window() -> None:
    history = taken(made.events(1300))

    def smooth(width: int, window: Window | None = None) -> dict[float, float]:
        curves = ChartCurves(LOSS, history, (), ChartView(smoothing=0.6, window=window), no_color=False, width=width)
        [train] = [each for each in curves.own if each.raw]
        return {point.x: point.mean for point in train.points}

    narrow, wide = smooth(20), smooth(200)
    assert len(narrow) < 50 < len(wide)
    assert all(wide[x] == value for x, value in narrow.items() if x in wide)
    assert len(narrow.keys() & wide.keys()) > 5
    window = smooth(60, Window(600.0, 700.0))
    assert len(window.keys() & wide.keys()) > 5
    assert all(wide[x] == value for x, value in window.items() if x in wide)


@pytest.mark.parametrize("steps", [7, 130, 1_001, 1_300])
def test_no_more_than_an_eighth_of_a_chart_is_empty(steps: int) -> None:
    """screen/REPORT #37: x ended at 1, 2 or 5 times a power of ten, half of the width away."""

    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        extent = extent_of("step", history, [])
        assert extent.whole[0] == 0
        assert steps <= extent.whole[1] <= steps * 1.13
        assert extent.done == extent.end == steps

    history = taken(
        Prepared(**{**vars(event), "epochs": 1000}) if isinstance(event, Prepared) else event
        for event in made.events(steps)
    )
    watch(drive, history)


def test_without_colours_the_validation_curve_is_dashed_and_the_legend_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """screen/REPORT, NO_COLOR: #9e9e9e and #a8a8a8 could not be told apart."""
    monkeypatch.setenv("NO_COLOR", "1")

    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        title = panel.heading().plain
        assert "━ train" in title
        assert "╍ validation" in title
        assert panel._curves is not None
        plot = panel._curves.plot(ascii=False)
        assert [series.dashed for series in plot.series] == [False, True]

    history = taken(made.events(1300))
    watch(drive, history)


def test_without_colours_more_than_two_curves_have_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        assert panel._curves is not None
        curves = replace(panel._curves, quantity=PHASE_TIMES)
        letters = [series.letter for series in curves.plot(ascii=False).series if series.points]
        assert letters == ["d", "f", "b", "o", "r"], "data, forward, backward, optimizer, rest"
        assert len({phase[0] for phase in PHASES}) == len(PHASES)

    watch(drive, taken(made.events(1300)))


def test_the_cursor_comes_in_from_the_right_at_the_end_of_what_is_done() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        await pilot.press("left")
        step = int(panel.footing().plain.split()[1].replace(",", ""))
        assert step == pytest.approx(1300, abs=20)
        assert "train 0.1459" in panel.footing().plain
        await pilot.press("home")
        assert "train 2.28" in panel.footing().plain
        await pilot.press("end")
        assert "train 0.1459" in panel.footing().plain

    watch(drive, taken(made.events(1300)))


def test_beyond_the_end_of_a_run_the_cursor_reads_the_longer_run_alone() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        panel.show(history, ChartView(), [longer])
        await pilot.press("end")
        panel.show(history, ChartView(cursor=1300), [longer])
        foot = panel.footing().plain
        assert foot.startswith("step 1,300  A 0.")
        assert "train" not in foot

    history, longer = taken(made.events(700)), Overlay(RunMarks().of("longer"), (), (taken(made.events(1300)),))
    watch(drive, history)


def test_the_cursor_stays_at_its_step_when_the_screen_is_resized() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        await pilot.press("right", *["shift+right"] * 4)
        before = int(panel.footing().plain.split()[1].replace(",", ""))
        await pilot.resize_terminal(80, 40)
        await pilot.pause()
        assert int(panel.footing().plain.split()[1].replace(",", "")) == pytest.approx(before, abs=30)

    watch(drive, taken(made.events(1300)))


def test_enter_asks_for_the_whole_screen() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        await pilot.press("enter")
        await pilot.pause()
        assert len(pilot.app.maximised) == 1  # type: ignore[attr-defined]

    watch(drive, taken(made.events(1300)))


def test_without_a_run_a_chart_says_what_will_come() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        assert "loss appears here" in shown(panel)
        await pilot.press("left", "right", "escape")

    watch(drive, None)


def test_a_window_at_the_end_moves_with_the_run() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        view = ChartView(window=Window(1100.0, 1300.0, follows=True))
        for steps, shown_range in ((1300, (1100.0, 1300.0)), (1351, (1160.0, 1360.0)), (1355, (1160.0, 1360.0))):
            panel.show(taken(made.events(steps)), view)
            assert panel._drawing.x_range == shown_range
            assert "× follows" in panel.footing().plain
        panel.show(history, replace(view, window=Window(700.0, 900.0)))
        assert "follows" not in panel.footing().plain

    history = taken(made.events(1300))
    watch(drive, history)


def test_the_step_at_which_a_loss_is_no_number_is_marked() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        assert panel._curves is not None
        assert panel._curves.plot(ascii=False).breaks == [(700.0, "error")]
        assert "×" in shown(panel).splitlines()[-3]

    watch(drive, taken(made.events(700, diverges=True)), ChartView(smoothing=0.6))


def test_a_run_whose_weights_are_not_finite_has_the_mark_in_every_chart() -> None:
    def events() -> Iterable[Event]:
        yield from made.events(700)
        yield Finished(status="failed", step=700, kind="diverged", what="weight")

    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        for chart in pilot.app.query(ChartPanel):
            assert chart._curves is not None
            assert chart._curves.plot(ascii=False).breaks == [(700.0, "error")]

    history = taken(events())
    assert history.marks[-1].text == "weight is not finite"
    watch(drive, history)


def test_the_cursor_marks_the_points_that_it_reads_and_says_what_was_measured() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        assert panel._curves is not None
        train, validation = panel._curves.readings
        assert train.raw == pytest.approx(made.loss_at(500), abs=0.05)
        assert train.value > train.raw, "the average lags behind a falling curve"
        assert validation.x == 400
        assert validation.value == validation.raw == pytest.approx(made.loss_at(400) + 0.03)
        assert shown(panel).count("●") == 2
        assert f"train {train.value:.4f} (raw {train.raw:.4f})" in panel.footing().plain

    watch(drive, taken(made.events(1300)), ChartView(smoothing=0.6, cursor=500.0))


def test_a_curve_seen_more_closely_than_it_was_kept_says_so() -> None:
    history = RunHistory()
    history.curve("loss/train").extend(1, [1.0] * 100_000, 0.0, 10.0)
    history.view.step, history.view.seconds = 100_000, 10.0

    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        assert "a point" not in panel.footing().plain
        panel.show(history, ChartView(window=Window(50_000.0, 51_000.0)))
        assert "100×  64 steps a point" in panel.footing().plain

    watch(drive, history)


def test_scale_and_smoothing_are_shown_at_the_foot() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        foot = panel.footing().plain
        assert foot.startswith("log")
        assert "smooth" in foot
        assert "0.6" in foot
        assert "by epoch" in foot

    watch(drive, taken(made.events(1300)), ChartView(smoothing=0.6, log=True, x_axis="epoch"))


def test_in_plain_ascii_the_panel_has_no_other_character() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        await pilot.press("left")
        assert shown(panel).isascii()

    watch(drive, taken(made.events(1300)), ChartView(smoothing=0.6), glyphs=ASCII)


def test_a_run_that_predicts_numbers_has_a_coefficient_of_determination_in_place_of_an_accuracy() -> None:
    def events() -> Iterable[Event]:
        for event in made.events(50):
            if isinstance(event, Prepared):
                yield Prepared(**{**vars(event), "task": "regression"})
        yield Steps(first_step=1, epoch=1.0, losses=[1.0] * 200, learning_rate=0.1, seconds=1.0)
        for epoch in (1, 2):
            yield EpochEnd(
                epoch=epoch, step=200 * epoch, learning_rate=0.1, train={"loss": 1.0}, best=True,
                validation={"loss": 1.0, "r2": 0.4 * epoch, "rmse": 2.0}, train_seconds=1.0, validation_seconds=0.1,
            )  # fmt: skip

    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        assert "R²" in shown(panel)
        assert "0.8" in panel.heading().plain

    watch(drive, taken(events()), panel="accuracy")


def test_the_chart_of_a_metric_shows_one_after_the_other_of_those_that_the_run_has() -> None:
    def events() -> Iterable[Event]:
        yield from made.events(50)
        for epoch in (1, 2):
            values = {"loss": 1.0, "accuracy": 0.4 * epoch, "precision_macro": 0.5, "mcc": 0.3 * epoch, "r2": 0.1}
            yield EpochEnd(
                epoch=epoch, step=200 * epoch, learning_rate=0.1, train={"loss": 1.0}, best=True,
                validation=values, train_seconds=1.0, validation_seconds=0.1,
            )  # fmt: skip

    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        titles = []
        for _ in range(3):
            titles.append((panel.heading().plain.split("  ")[0], "0.6000" in panel.heading().plain))
            await pilot.press("b")
        assert titles == [("accuracy %", False), ("MCC", True), ("accuracy %", False)]
        assert "best 80.00 at epoch 2" not in panel.footing().plain
        await pilot.press("b")
        assert "best 80.00 at epoch 2" in panel.footing().plain

    watch(drive, taken(events()), panel="accuracy")


def test_where_the_border_has_no_room_the_values_at_the_cursor_stand_in_the_chart() -> None:
    async def drive(pilot: Pilot[None], panel: ChartPanel) -> None:
        await pilot.resize_terminal(44, 60)
        panel.show(history, ChartView(cursor=900.0), beside)
        await pilot.pause()
        assert panel.footing().plain == "step 900"
        lines = [line.strip("│ ") for line in shown(panel).splitlines()]
        values = [line.split()[-2:] for line in lines if line.endswith(tuple("0123456789")) and " " in line][:6]
        assert [name for name, _ in values] == ["validation", "A", "train", "B", "C", "D"]
        assert [float(value) for _, value in values] == sorted((float(value) for _, value in values), reverse=True)

    history = taken(made.events(1300))
    marks = RunMarks()
    beside = [
        Overlay(marks.of(f"run {slope}"), (f"lr {slope}",), (taken(made.events(1300, slope=slope)),))
        for slope in (1.0, 1.2, 1.4, 1.6)
    ]
    watch(drive, history)


@pytest.mark.parametrize("x", [2.0**62, -(2.0**62), 1e300])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_point_far_outside_is_drawn_at_the_edge(x: float, ascii_only: bool) -> None:
    """Reliability R6: a line is drawn dot by dot, and one to there took all memory, which ended the app."""
    points = [*flat([1.0, 2.0, 1.0]), Point(x, 2.0, 2.0, 2.0)]
    drawing = draw(plot(points, ascii=ascii_only, cursor=x, marks=[(x, "L")]), 60, 14, style_of)
    assert len(drawing.lines) == 14
    buckets = Curve()
    buckets.add(1, 1.0, 0.0)
    buckets.add(int(x), 2.0, 0.0)
    assert [point.mean for point in points_of(buckets, 100)] == [1.0, 2.0]


def test_a_band_reaches_from_each_range_to_the_next() -> None:
    """The range of a group of runs, each with few points: no column between them is empty."""
    points = [Point(0.0, 10.0, 30.0, 20.0), Point(100.0, 20.0, 80.0, 50.0)]
    for filled, empty in ((True, 0), (False, 50)):
        series = [Series("line", points, behind=True, filled=filled), Series("train", [])]
        tall = draw(Plot(series, (0.0, 100.0), x_label="{:,.0f}".format, y_label="{:g}".format), 106, 22, style_of)
        rows = [len(drawn_rows(tall, column)) for column in range(tall.columns)]
        assert sum(count < 2 for count in rows) >= empty
        if filled:
            assert rows[0] < rows[-1], "it grows wider"
            assert rows == sorted(rows)


def test_curves_whose_first_letters_are_the_same_keep_their_names() -> None:
    panel = ChartPanel(STEP_TIME)
    assert [panel._short(name, 1) for name in ("p50", "p99")] == ["p50", "p99"]
    loss = ChartPanel(LOSS)
    assert [loss._short(name, 1) for name in ("train", "validation", "A2")] == ["t", "v", "A2"]
