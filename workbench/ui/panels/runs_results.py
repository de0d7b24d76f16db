"""The columns of the table of runs with results: metrics, and how far a run is from the base and from the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, stdev

from workbench.metrics import Metric, metric
from workbench.runs.row import RunRow, goodness
from workbench.runs.run_conditions import is_number
from workbench.ui.look.glyphs import Glyphs
from workbench.ui.panels.runs_column import NOTHING, Column, Parts
from workbench.ui.panels.runs_shown import ShownRuns

BEST = "best"
"""The key of the column of the monitored metric."""
METRIC, TESTED = "metric:", "test:"
"""How the keys of columns begin that show a metric of the best epoch, and one of the test split."""
VALUE_CELLS = 8
"""Of a metric, without its label."""
MEAN_CELLS = 16
"""Of a mean with its deviation."""
STAR_CELLS = 2


def result_columns(runs: ShownRuns, glyphs: Glyphs, *, is_grouped: bool) -> list[Column]:
    """The columns, in order."""
    least = MEAN_CELLS if is_grouped else VALUE_CELLS
    return [
        _best(runs, glyphs, least),
        _distance(runs, "base", "vs base", lambda row: runs.base, "base", glyphs, 8.8),
        _distance(runs, "to best", "vs best", runs.best_beside, "best", glyphs, 6.0),
        _test(runs, least),
        *(_metric(f"{METRIC}{name}", metric(name), _of_metrics(name), least) for name in runs.metrics),
        *(_metric(f"{TESTED}{name}", metric(name), _of_test(name), least, "test ") for name in runs.test_metrics),
    ]


def tested(row: RunRow) -> float | None:
    """The metric that chose the best epoch, on the test split."""
    return number((row.test or {}).get(row.monitor))


def number(value: object) -> float | None:
    """A number from a file that may hold anything."""
    return float(value) if is_number(value) else None  # type: ignore[arg-type]


def label_of(name: str) -> str:
    """A metric as people write it."""
    return metric(name).label


def written(name: str, value: float | None) -> str:
    """A metric's value as people read it."""
    return "-" if value is None else metric(name).write(value)


def mean_and_deviation(values: Sequence[float], write: Callable[[float], str]) -> str:
    """The mean of some values with their standard deviation; of one value, that alone; empty without one."""
    if len(values) < 2:
        return "".join(map(write, values))
    return f"{write(fmean(values))} ± {write(stdev(values))}"


def difference(each: Metric, value: float, other: float) -> str:
    """A value less another one, with its sign; of a fraction in percentage points."""
    amount = each.number(abs(value - other))
    return amount if value == other else f"{'+' if value > other else '-'}{amount}"


def _titled(each: Metric, before: str = "") -> str:
    return f"{before}{each.label}{each.unit}"


def _best(runs: ShownRuns, glyphs: Glyphs, least: int) -> Column:
    """The monitored metric; the best run of each has a star."""
    common = metric(runs.monitor) if runs.monitor else None
    title = "best" if common is None else _titled(common)

    def parts(row: RunRow, _: int) -> Parts:
        if row.best is None:
            return NOTHING
        is_best = runs.best_beside(row) is row
        star = (f"{glyphs.best} ", "good") if is_best else ("", "")
        value = metric(row.monitor).number(row.best)
        if common is not None:
            return star, (value, "strong" if is_best else "text")
        return star, (f"{label_of(row.monitor)} ", "dim"), (f"{value}{metric(row.monitor).unit}", "text")

    def summary(rows: Sequence[RunRow]) -> str:
        known = [row for row in rows if row.best is not None]
        if len({runs.compared(row) for row in known}) != 1:
            return ""
        return mean_and_deviation([row.best for row in known if row.best is not None], metric(known[0].monitor).number)

    labels = {label_of(row.monitor) for row in runs.rows if row.best is not None} if common is None else set()
    mixed = max((len(label) + 1 + VALUE_CELLS for label in labels), default=0)
    least = max(len(title), least, STAR_CELLS + VALUE_CELLS, STAR_CELLS + mixed)
    return Column(
        BEST, title, parts, least, 9.0, at_right=True, summary=summary,
        sort_key=lambda row: goodness(row.monitor, row.best),
    )  # fmt: skip


def _test(runs: ShownRuns, least: int) -> Column:
    def parts(row: RunRow, _: int) -> Parts:
        value = tested(row)
        return NOTHING if value is None else ((metric(row.monitor).number(value), "text"),)

    def summary(rows: Sequence[RunRow]) -> str:
        known = [(row, value) for row in rows if (value := tested(row)) is not None]
        if len({runs.compared(row) for row, _ in known}) != 1:
            return ""
        return mean_and_deviation([value for _, value in known], metric(known[0][0].monitor).number)

    unit = metric(runs.monitor).unit if runs.monitor else ""
    return Column(
        "test", f"test{unit}", parts, least, 7.0, at_right=True, summary=summary,
        sort_key=lambda row: goodness(row.monitor, tested(row)),
    )  # fmt: skip


def _distance(
    runs: ShownRuns, key: str, title: str, other_of: Callable[[RunRow], RunRow | None], word: str, glyphs: Glyphs,
    rank: float,
) -> Column:  # fmt: skip
    """How far a run's best value is from that of another run, if they can be compared.

    word: what stands at that run itself.
    """

    def pair(row: RunRow) -> tuple[Metric, float, float] | None:
        other = other_of(row)
        if other is None or other.best is None or row.best is None or runs.compared(row) != runs.compared(other):
            return None
        return metric(row.monitor), row.best, other.best

    def gain(row: RunRow) -> float | None:
        found = pair(row)
        return None if found is None else found[0].rank(found[1]) - found[0].rank(found[2])

    def parts(row: RunRow, _: int) -> Parts:
        found = pair(row)
        if found is None:
            return ()
        if (other := other_of(row)) is not None and other.run == row.run:
            return ((word, "dim"),)
        each, value, best = found
        better = each.rank(value) - each.rank(best)
        glyph, style = (glyphs.better, "good") if better > 0 else (glyphs.worse, "error") if better else ("", "dim")
        return (f"{glyph} ", style), (difference(each, value, best), style)

    def summary(rows: Sequence[RunRow]) -> str:
        found = [each for row in rows if (each := pair(row)) is not None]
        if not found or len({best for _, _, best in found}) > 1:  # of runs that are compared with several others
            return ""
        shown_as, _, other = found[0]
        return difference(shown_as, fmean(value for _, value, _ in found), other)

    return Column(key, title, parts, VALUE_CELLS + 2, rank, at_right=True, summary=summary, sort_key=gain)


def _metric(key: str, each: Metric, value_of: Callable[[RunRow], float | None], least: int, before: str = "") -> Column:
    def rank(row: RunRow) -> float | None:
        value = value_of(row)
        return None if value is None or value != value else each.rank(value)

    def parts(row: RunRow, _: int) -> Parts:
        value = value_of(row)
        return NOTHING if value is None else ((each.number(value), "text"),)

    def summary(rows: Sequence[RunRow]) -> str:
        return mean_and_deviation([value for row in rows if (value := value_of(row)) is not None], each.number)

    title = _titled(each, before)
    return Column(key, title, parts, max(len(title), least), at_right=True, summary=summary, sort_key=rank)


def _of_metrics(name: str) -> Callable[[RunRow], float | None]:
    return lambda row: number((row.metrics or {}).get(name))


def _of_test(name: str) -> Callable[[RunRow], float | None]:
    return lambda row: number((row.test or {}).get(name))
