"""Which learning rates the curves of a range test name, on curves whose answer is known."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from workbench.processes.range_test import Curve, RangeTest
from workbench.training.tuning.range_test import Smoothing
from workbench.training.tuning.suggestion import before_divergence, steepest, suggest, valley

RATES = [10 ** (-6 + step / 20) for step in range(120)]
"""Twenty steps a decade, from 1e-6 to 9e-1."""


def sigmoid(middle: float, *, width: float = 0.3, until: int = 120, diverged: bool = False, seed: int = 0) -> Curve:
    """A loss that falls from 2 to 1 around a rate, symmetrically by the logarithm of the rate."""
    steps = [math.log10(rate / middle) / width for rate in RATES[:until]]
    return Curve(seed, [2 - 1 / (1 + math.exp(-step)) for step in steps], diverged)


def test_steepest_is_where_the_loss_falls_fastest() -> None:
    assert steepest(RATES, sigmoid(1e-3)) == pytest.approx(1e-3, rel=1e-6)


def test_a_fall_behind_the_lowest_loss_does_not_count() -> None:
    """As when the loss recovers from a bump shortly before it diverges."""
    curve = sigmoid(1e-4, until=80)
    bump = [curve.losses[-1] + height for height in (1.0, 1.4, 1.2, 0.9, 0.6, 0.3, 0.1, 0.05, 0.04, 0.03)]
    assert steepest(RATES, Curve(0, curve.losses + bump, True)) == pytest.approx(1e-4, rel=1e-6)


def test_of_a_long_straight_fall_steepest_is_the_middle() -> None:
    """Noise would else decide where on it the mark is."""
    line = [2.0] * 30 + [2 - step / 60 for step in range(61)] + [1.0] * 29
    line[80] -= 0.003
    assert steepest(RATES, Curve(0, line, False)) == pytest.approx(RATES[60], rel=0.13)


def test_the_noise_of_the_first_steps_is_not_the_steepest_fall() -> None:
    losses = sigmoid(1e-3).losses
    losses[:4] = [4.0, 3.0, 2.0, 2.0]
    assert steepest(RATES, Curve(0, losses, False)) == pytest.approx(1e-3, rel=1e-6)


def test_valley_is_the_middle_between_a_quarter_and_three_quarters_of_the_fall() -> None:
    assert valley(RATES, sigmoid(1e-3)) == pytest.approx(1e-3, rel=0.13)  # a step
    # Straight down by a half from step 20 to step 40, then by the other half to step 80: a quarter is step 30, three
    # quarters are step 60.
    line = [2.0] * 20 + [2 - step / 40 for step in range(20)] + [1.5 - step / 80 for step in range(41)] + [1.0] * 39
    assert valley(RATES, Curve(0, line, False)) == RATES[45]


def test_before_divergence_is_a_third_of_the_last_rate() -> None:
    assert before_divergence(RATES, sigmoid(1e-3, until=100, diverged=True)) == RATES[99] / 3
    assert before_divergence(RATES, sigmoid(1e-3)) is None


def test_what_the_seeds_agree_on_is_the_median() -> None:
    curves = [sigmoid(middle, until=100, diverged=True, seed=seed) for seed, middle in enumerate((1e-3, 2e-3, 1.1e-3))]
    answer = suggest(RATES, curves)
    assert answer.suggested.steepest == pytest.approx(1.1e-3, rel=0.13)
    assert answer.suggested.before_divergence == pytest.approx(RATES[99] / 3, rel=0.01)
    assert answer.notes == []
    assert answer.rates == RATES[:100]
    assert answer.median == curves[2].losses
    assert answer.lowest == curves[0].losses
    assert answer.highest == curves[1].losses


def test_where_the_seeds_disagree_by_more_than_three_no_rate_is_named_and_it_is_said() -> None:
    curves = [sigmoid(middle, until=100, diverged=True) for middle in (1e-3, 3.5e-3, 1e-3)]
    answer = suggest(RATES, curves)
    assert answer.suggested.steepest is None
    assert answer.suggested.valley is None
    assert answer.suggested.before_divergence is not None
    assert answer.suggested.best is None
    assert any("steepest: the seeds disagree, from 0.001 to 0.0035" in note for note in answer.notes)


def test_a_loss_that_hardly_falls_and_does_not_diverge_names_nothing() -> None:
    answer = suggest(RATES, [Curve(seed, [1.0] * 120, False) for seed in range(3)])
    assert answer.suggested.best is None
    assert [note.split(",")[0] for note in answer.notes] == [
        "the loss hardly falls at any rate tried",
        "the loss does not diverge up to the highest rate tried",
    ]


def test_divergence_at_the_lowest_rates_says_to_try_lower_ones() -> None:
    answer: RangeTest = suggest(RATES, [Curve(0, [1.0, 1.1, 3.0], True)])
    assert answer.suggested.best is None
    [note] = answer.notes
    assert note.startswith(
        "the loss diverges within 4 steps of the lowest rate tried, 1e-06: try lower ones with --low"
    )


def test_smoothing_is_the_running_mean_without_bias_and_ends_where_the_loss_diverges() -> None:
    smoothing = Smoothing()
    smoothing.add([2.0, 4.0])
    assert smoothing.losses == pytest.approx([2.0, (0.9 * 0.2 + 0.1 * 4) / (1 - 0.81)])
    smoothing.add([math.nan, 1.0])
    assert smoothing.diverged
    assert len(smoothing.losses) == 2

    constant = Smoothing()
    constant.add([3.0] * 50)
    assert constant.losses == pytest.approx([3.0] * 50)
    constant.add([1000.0])  # the mean becomes 102.9, more than four times the lowest
    assert constant.diverged
    assert len(constant.losses) == 50


def test_a_negative_loss_has_diverged_as_far_above_its_lowest_as_a_positive_one() -> None:
    smoothing = Smoothing()
    smoothing.add([-1.0] * 30 + [5.0])
    assert not smoothing.diverged  # the mean is at -0.4
    smoothing.add([5.0] * 6)
    assert smoothing.diverged
    assert all(earlier <= 2.0 for earlier, _ in pairwise(smoothing.losses))
