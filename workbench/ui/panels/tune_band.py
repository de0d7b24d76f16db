"""Trials that all count, as a band: the mean of them, and behind it the range that they span."""

from __future__ import annotations

from workbench.plotting.points import Point
from workbench.tuning.view import TrialView
from workbench.ui.live.study_watch import StudyWatch
from workbench.ui.look.chart import Series
from workbench.ui.panels.tune_chart import CURRENT, DOT, FAINT, curve_of, joined, point_at

MOST_CURVES = 20
"""With more trials, their curves would hide the mean: the band says how far they spread."""


def band_points(watch: StudyWatch) -> list[Point]:
    """The range from the least to the greatest value of the trials, by epoch."""
    return [Point(float(epoch), least, greatest, mean) for epoch, least, mean, greatest in watch.band()]


def band_series(watch: StudyWatch, current: TrialView | None) -> list[Series]:
    """The ends of the band, each trial thin unless there are many, the one under the cursor, and the mean."""
    band, trials = band_points(watch), watch.view.trials.values()
    curves = map(curve_of, trials) if len(trials) <= MOST_CURVES else []
    ends = [[point_at(point.x, point.low) for point in band], [point_at(point.x, point.high) for point in band]]
    return [
        Series(FAINT, joined(ends), "+"),
        Series(DOT, joined(curves), "."),
        Series(CURRENT, [] if current is None else curve_of(current), "o"),
        Series("train", [point_at(point.x, point.mean) for point in band], "*"),
    ]
