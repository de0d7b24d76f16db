"""Which charts are up: chosen ones first, in pages; and how many a screen has room for."""

from __future__ import annotations

import pytest

from tests.ui import made
from workbench.runs.history import RunHistory
from workbench.runs.quantities import metric_id
from workbench.ui.live.chart_choice import ChartChoice
from workbench.ui.live.remembered import Remembered
from workbench.ui.panels.layout import chart_columns, chart_counts


def trained() -> RunHistory:
    history = RunHistory()
    for event in made.events(1300):
        history.take(event)
    return history


def pages(choice: ChartChoice, count: int) -> list[list[str]]:
    return [[quantity.id for quantity in page] for page in choice.pages(count)]


def test_without_a_choice_all_are_shown_in_their_usual_order() -> None:
    choice = ChartChoice(Remembered())
    assert pages(choice, 4) == [["loss", "accuracy", "learning-rate", "throughput"], ["step-times", "memory-used"]]
    assert choice.follow(trained()), "the run has more"
    assert not choice.follow(trained())
    assert pages(choice, 6)[1] == [metric_id("f1_macro"), metric_id("roc_auc"), "phases"]


def test_chosen_ones_have_pages_of_their_own_before_all_others() -> None:
    choice = ChartChoice(Remembered())
    choice.choose(["memory-used", "loss", "learning-rate"])
    assert pages(choice, 2) == [
        ["memory-used", "loss"], ["learning-rate"], ["accuracy", "throughput"], ["step-times"]
    ]  # fmt: skip
    assert [each.id for each in choice.up(2)] == ["memory-used", "loss"]
    assert choice.turn(1, 2) == "charts: page 2 of 4"
    assert [each.id for each in choice.up(2)] == ["learning-rate"]
    assert choice.turn(-2, 2) == "charts: page 4 of 4"
    assert [each.id for each in choice.up(6)] == ["accuracy", "throughput", "step-times"], "fewer, larger pages"


def test_what_a_run_lacks_stays_chosen_for_the_next_one() -> None:
    remembered = Remembered(charts=["gradient-norm", "loss"])
    choice = ChartChoice(remembered)
    assert [each.id for each in choice.chosen] == ["loss"]
    choice.choose(["accuracy"])
    assert remembered.charts == ["accuracy", "gradient-norm"]


def test_the_next_quantity_follows_the_order_of_the_pages() -> None:
    choice = ChartChoice(Remembered(charts=["throughput"]))
    assert choice.next_to("throughput", 1).id == "loss"
    assert choice.next_to("throughput", -1).id == "memory-used"
    assert choice.next_to("gone", 1).id == "loss"


@pytest.mark.parametrize(
    ("size", "counts", "columns"),
    [
        ((60, 20), [2], [1]),
        ((80, 24), [2, 4], [1, 2]),
        ((110, 30), [2], [2]),
        ((120, 36), [2, 4], [2, 2]),
        ((140, 40), [2, 4, 6], [2, 2, 3]),
        ((200, 50), [2, 4, 6], [2, 2, 3]),
        ((300, 80), [2, 4, 6], [2, 2, 3]),
    ],
)
def test_as_many_charts_as_can_be_read(size: tuple[int, int], counts: list[int], columns: list[int]) -> None:
    assert chart_counts(*size) == counts
    assert [chart_columns(count, *size) for count in counts] == columns


def test_a_screen_too_small_for_two_charts_shows_them_all_the_same() -> None:
    assert chart_counts(20, 5) == [2]
    assert chart_columns(2, 20, 5) == 0
