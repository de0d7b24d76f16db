"""The statistics, against scipy's and against numbers that can be worked out by hand."""

from __future__ import annotations

import math
import random
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from workbench.tuning.statistics import (
    DRAWS,
    MOST_EXACT_PAIRS,
    least_pairs,
    mean_and_deviation,
    mean_interval,
    pairs_needed,
    sign_flip_test,
    smallest_p,
    t_quantile,
    variance_of_mean,
)


def drawn(count: int, seed: int, *, centre: float = 0.5) -> list[float]:
    source = random.Random(seed)
    return [source.gauss(centre, 1.0) for _ in range(count)]


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7.5, 30, 149, 10_000, 1e6])
@pytest.mark.parametrize("probability", [1e-9, 0.001, 0.2, 0.5, 0.6, 0.8, 0.975, 0.9995, 1 - 1e-9])
def test_the_quantiles_of_students_t(probability: float, degrees: float) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-7, abs=1e-9)


def test_the_quantiles_of_everyday_use_hold_to_ten_digits() -> None:
    for degrees in range(1, 60):
        assert t_quantile(0.975, degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-10)
    assert t_quantile(0.975, 1) == pytest.approx(math.tan(0.475 * math.pi), rel=1e-12), "a Cauchy distribution"


@pytest.mark.parametrize(("probability", "degrees"), [(0.0, 3), (1.0, 3), (0.5, 0), (math.nan, 3)])
def test_quantiles_that_do_not_exist_are_refused(probability: float, degrees: float) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        t_quantile(probability, degrees)


@pytest.mark.parametrize("count", [2, 3, 5, 8, 11])
@pytest.mark.parametrize("seed", range(4))
def test_the_sign_flip_test_is_scipys_exact_permutation_test(count: int, seed: int) -> None:
    differences = drawn(count, seed)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    tested = sign_flip_test(differences)
    assert tested.is_exact
    assert tested.p == pytest.approx(min(expected.pvalue, 1.0), rel=1e-12)
    assert tested.p >= tested.smallest_p == smallest_p(count)


def test_ties_and_zeros_count_as_equally_far() -> None:
    assert sign_flip_test([0.7]).p == smallest_p(1) == 1.0, "a single pair shows nothing"
    assert sign_flip_test([0.1, 0.2, -0.3]).p == 1.0, "a sum of zero, but for rounding"
    assert sign_flip_test([0.0] * 6).p == 1.0
    # ±0.3 with two zeros: all four choices of signs for them are as far out.
    assert sign_flip_test([0.1, 0.2, 0.0, 0.0]).p == 0.5
    # Each choice of one minus sign gives another sum; only none and all reach 0.6.
    assert sign_flip_test([0.1] * 6).p == smallest_p(6) == 0.03125


def test_the_order_and_the_side_do_not_matter() -> None:
    differences = drawn(9, 3)
    p = sign_flip_test(differences).p
    assert sign_flip_test(differences[::-1]).p == p
    assert sign_flip_test([-each for each in differences]).p == p


def test_many_pairs_are_tested_on_a_sample_that_says_so_and_is_always_the_same() -> None:
    differences = drawn(MOST_EXACT_PAIRS + 4, 5)
    tested = sign_flip_test(differences)
    assert not tested.is_exact
    assert sign_flip_test(differences) == tested
    sums = np.zeros(1)
    for each in differences:
        sums = np.concatenate([sums + each, sums - each])
    exact = np.mean(np.abs(sums) >= abs(sum(differences)) - 1e-9)
    assert tested.p == pytest.approx(exact, abs=4 * math.sqrt(exact / DRAWS) + 1 / DRAWS)
    clear = sign_flip_test([1.0 + 0.01 * place for place in range(150)])
    assert clear.p == clear.smallest_p == 1 / (DRAWS + 1)
    assert sign_flip_test([1.0, -1.0] * 75).p > 0.9


def test_the_smallest_p() -> None:
    assert [smallest_p(pairs) for pairs in (0, 1, 2, 5, 6)] == [1.0, 1.0, 0.5, 0.0625, 0.03125]
    assert least_pairs() == 6
    assert least_pairs(0.01) == 8


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
@pytest.mark.parametrize("count", [2, 3, 10, 150])
def test_the_interval_of_a_paired_difference_is_that_of_scipys_paired_t_test(count: int, confidence: float) -> None:
    here, there = drawn(count, 1), drawn(count, 2, centre=0.9)
    expected = stats.ttest_rel(here, there).confidence_interval(confidence)
    differences = [one - other for one, other in zip(here, there, strict=True)]
    assert mean_interval(differences, confidence=confidence) == pytest.approx(tuple(expected), rel=1e-9)


def test_the_interval_of_a_mean_and_its_deviation() -> None:
    values = drawn(7, 9)
    mean, deviation = mean_and_deviation(values)
    assert (mean, deviation) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    expected = stats.t.interval(0.95, 6, loc=mean, scale=stats.sem(values))
    assert mean_interval(values) == pytest.approx(expected)
    assert mean_and_deviation([3.5]) == (3.5, None)
    assert mean_interval([2.0, 2.0, 2.0]) == (2.0, 2.0)


def test_the_interval_of_folds_is_widened_as_nadeau_and_bengio_say() -> None:
    differences = [0.02, 0.05, 0.01, 0.04, 0.03, 0.06, 0.00, 0.03, 0.02, 0.04]
    ratio = 1 / 9  # ten folds
    variance = float(np.var(differences, ddof=1)) * (1 / 10 + 1 / 9)
    assert variance_of_mean(differences, test_to_train=ratio) == pytest.approx(variance)
    expected = stats.t.interval(0.95, 9, loc=np.mean(differences), scale=math.sqrt(variance))
    assert mean_interval(differences, test_to_train=ratio) == pytest.approx(expected)
    assert variance_of_mean(differences) == pytest.approx(stats.sem(differences) ** 2)


@pytest.mark.parametrize("effect", [0.2, 0.35, 0.5, 0.8, 1.0])
def test_so_many_pairs_show_the_difference_four_times_in_five(effect: float) -> None:
    def power(pairs: int) -> float:
        """Of the paired t test, exactly."""
        limit, shift = stats.t.ppf(0.975, pairs - 1), effect * math.sqrt(pairs)
        return float(stats.nct.sf(limit, pairs - 1, shift) + stats.nct.cdf(-limit, pairs - 1, shift))

    needed = pairs_needed(-3 * effect, 3.0)
    assert needed is not None
    assert power(needed - 2) < 0.8 <= power(needed + 1)


def test_what_no_number_of_pairs_would_show() -> None:
    assert pairs_needed(0.0, 1.0) is None
    assert pairs_needed(0.001, 1.0) is None, "more than anybody trains"
    assert pairs_needed(1.0, 0.0) == 6
    assert pairs_needed(10.0, 1.0) == 6, "fewer could not have a p below 0.05"
    # With the correction the error never falls below deviation × √(test/train): here 1/2, and 2.8 of it are needed.
    assert pairs_needed(1.0, 1.0, test_to_train=0.25) is None
    assert pairs_needed(1.5, 1.0, test_to_train=0.25) is not None


@pytest.mark.parametrize("values", [[], [math.nan, 1.0], [math.inf, 1.0]])
def test_what_is_no_sample_is_refused(values: list[float]) -> None:
    for function in (sign_flip_test, mean_and_deviation, mean_interval):
        with pytest.raises(ValueError, match="finite numbers are needed"):
            function(values)
    with pytest.raises(ValueError, match="at least 2"):
        mean_interval([1.0])


def test_it_needs_neither_numpy_nor_scipy() -> None:
    script = "import sys, workbench.tuning.statistics; print(*({'numpy', 'scipy', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
