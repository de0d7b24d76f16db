"""What a few numbers allow to conclude: intervals, a permutation test, and how many more numbers it would take.

Everything is paired: a difference is that of two trainings with the same seed, or on the same fold. Plain Python,
because scipy.stats takes 2 s to import.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

LEVEL = 0.05
"""Of a test: how often it may find a difference where there is none. Intervals hold 1 - LEVEL."""
POWER = 0.8
"""How often enough pairs show a difference of the size that was seen."""
MOST_EXACT_PAIRS = 16
"""Of a permutation test that looks at every choice of signs: 2^15 sums, 10 ms."""
DRAWS = 20_000
"""Random choices of signs where there are more pairs."""
MOST_PAIRS = 10_000
"""Nobody trains more."""
_BLOCK = 8
"""Signs that one byte decides."""


@dataclass(frozen=True)
class SignFlipTest:
    """Whether paired differences could be centred on zero."""

    p: float
    """Two-sided: the fraction of all choices of signs whose mean is at least as far from zero as the one seen."""
    smallest_p: float
    """The smallest p that this number of pairs allows."""
    is_exact: bool
    """Whether every choice of signs was looked at, and not a random sample of them."""


def sign_flip_test(differences: Sequence[float]) -> SignFlipTest:
    """Tests by permutation of the signs whether paired differences are centred on zero.

    If the two sides were alike, each difference could as well have the other sign (Fisher 1935, *The Design of
    Experiments*, section 21). Nothing is assumed about the shape of their distribution. With more than
    MOST_EXACT_PAIRS, DRAWS random choices of signs stand for all of them, always the same ones. Raises ValueError for
    no differences, and for one that is not finite.
    """
    _check(differences, 1)
    # Sums that are equal but for rounding count as equal.
    limit = abs(math.fsum(differences)) - 1e-9 * math.fsum(map(abs, differences))
    smallest = smallest_p(len(differences))
    if len(differences) > MOST_EXACT_PAIRS:
        extreme = sum(abs(each) >= limit for each in _random_sums(differences))
        # The choice that was seen is one of them, so that p is never 0 (Phipson & Smyth 2010).
        p = (1 + extreme) / (1 + DRAWS)
        return SignFlipTest(p, max(smallest, 1 / (1 + DRAWS)), is_exact=False)
    sums = [differences[0]]  # the first keeps its sign: the other half has the same sums with the other sign
    for each in differences[1:]:
        sums = [before + each for before in sums] + [before - each for before in sums]
    return SignFlipTest(sum(abs(each) >= limit for each in sums) / len(sums), smallest, is_exact=True)


def _random_sums(differences: Sequence[float]) -> list[float]:
    """The sums under DRAWS random choices of signs: a random byte chooses among the sums of each block."""
    tables = []
    for start in range(0, len(differences), _BLOCK):
        sums = [0.0]
        for each in differences[start : start + _BLOCK]:
            sums = [before + each for before in sums] + [before - each for before in sums]
        tables.append(sums * (2**_BLOCK // len(sums)))
    source = random.Random(0)
    return [
        sum(table[byte] for table, byte in zip(tables, source.randbytes(len(tables)), strict=True))
        for _ in range(DRAWS)
    ]


def smallest_p(pairs: int) -> float:
    """The smallest two-sided p of a sign-flip test with this number of pairs: 2 of 2^pairs choices of signs."""
    return min(2.0 ** (1 - pairs), 1.0)


def least_pairs(level: float = LEVEL) -> int:
    """The smallest number of pairs whose sign-flip test can have a p below the level: 6 for 0.05."""
    return next(pairs for pairs in range(1, MOST_PAIRS) if smallest_p(pairs) < level)


def pairs_needed(mean: float, deviation: float, *, test_to_train: float = 0.0) -> int | None:
    """The number of pairs that shows a difference of this mean and deviation 4 times in 5 (POWER), at the LEVEL.

    test_to_train: as for `mean_interval`. None where MOST_PAIRS are not enough, or no number would be.
    """

    def suffices(pairs: int) -> bool:
        error = deviation * math.sqrt(1 / pairs + test_to_train)
        quantiles = t_quantile(1 - LEVEL / 2, pairs - 1) + t_quantile(POWER, pairs - 1)
        return abs(mean) >= error * quantiles

    if mean == 0 or not suffices(MOST_PAIRS):
        return None
    return _first(suffices, least_pairs(), MOST_PAIRS)


def _first(suffices: Callable[[int], bool], low: int, high: int) -> int:
    """The first number from low to high that suffices; the last one does, and so do all after the first."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle + 1, high)
    return low


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean and the standard deviation of a sample (n - 1); no deviation for a single value.

    Raises ValueError for no values, and for one that is not finite.
    """
    _check(values, 1)
    return math.fsum(values) / len(values), statistics.stdev(values) if len(values) > 1 else None


def mean_interval(
    values: Sequence[float], *, confidence: float = 1 - LEVEL, test_to_train: float = 0.0
) -> tuple[float, float]:
    """The interval that holds the mean, by Student's t; of paired differences: that of the difference.

    test_to_train: for values from folds, the samples left out over those trained on. Folds share training samples,
    so that their values vary too little: the variance of the mean is then that of a value × (1/n + test/train)
    (Nadeau & Bengio 2003, *Inference for the Generalization Error*). Raises ValueError for fewer than two values, and
    for one that is not finite.
    """
    _check(values, 2)
    mean = math.fsum(values) / len(values)
    error = math.sqrt(variance_of_mean(values, test_to_train=test_to_train))
    half = t_quantile((1 + confidence) / 2, len(values) - 1) * error
    return mean - half, mean + half


def variance_of_mean(values: Sequence[float], *, test_to_train: float = 0.0) -> float:
    """The variance of the mean of at least two values. test_to_train: as for `mean_interval`."""
    return statistics.variance(values) * (1 / len(values) + test_to_train)


@lru_cache(maxsize=1000)
def t_quantile(probability: float, degrees: float) -> float:
    """The value below which a variable with Student's t distribution lies with this probability (0 < p < 1)."""
    if not 0 < probability < 1 or not degrees > 0:
        raise ValueError(f"there is no quantile {probability} of Student's t with {degrees} degrees of freedom")
    if probability < 0.5:
        return -t_quantile(1 - probability, degrees)
    low, high = 0.0, 1.0
    while _t_above(high, degrees) > 1 - probability:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _t_above(middle, degrees) > 1 - probability else (low, middle)
    return middle


def _t_above(value: float, degrees: float) -> float:
    """The probability that a variable with Student's t distribution lies above a value >= 0."""
    square = value * value
    return 0.5 * _incomplete_beta(degrees / (degrees + square), square / (degrees + square), degrees / 2, 0.5)


def _incomplete_beta(x: float, rest: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b). rest: 1 - x, which may be too small to be computed so.

    By its continued fraction (NIST, *Digital Library of Mathematical Functions*, 8.17.22), which converges fast where x
    is below (a + 1) / (a + b + 2); beyond, by symmetry.
    """
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(rest, x, b, a)
    scale = math.exp(a * math.log(x) + b * math.log(rest) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)) / a
    # Numerators and denominators of the fraction, cut after each term, by Lentz's method.
    numerator, denominator = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = denominator
    for n in range(1, 10_000):
        even = n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n))
        odd = -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1))
        for term in (even, odd):
            denominator = 1 / (1 + term * denominator)
            numerator = 1 + term / numerator
            fraction *= numerator * denominator
        if abs(numerator * denominator - 1) < 1e-16:
            break
    return scale * fraction


def _check(values: Sequence[float], least: int) -> None:
    if len(values) < least or not all(map(math.isfinite, values)):
        raise ValueError(f"at least {least} finite numbers are needed, not {list(values)[:8]}")
