"""Ranges and ticks of axes: round numbers, which seldom change while a curve grows."""

from __future__ import annotations

import math


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `least`."""
    if not (least > 0 and math.isfinite(least)):
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= least * (1 - 1e-9)), 10 * power)


def round_up(value: float, step: float) -> float:
    """The least multiple of a step that is not below the value."""
    return math.ceil(value / step - 1e-9) * step  # rounding errors make no further step


def value_range(low: float, high: float, *, log: bool, most: float | None = None) -> tuple[float, float]:
    """Round numbers around the values from `low` to `high`.

    most: the range ends there, because values have no meaning above it.
    """
    if log:
        low, high = _log_floor(low), round_step(high)
        return (low / 2, high * 2) if low == high else (low, high)
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # they differ by rounding only
        margin = abs(low) / 10 or 0.5
        low, high = low - margin, high + margin
    step = round_step((high - low) / 8)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    if most is not None:
        top = min(top, most)
    return (max(bottom, 0.0) if low >= 0 else bottom, top)


def y_ticks(y_range: tuple[float, float], most: int, log: bool) -> list[float]:
    """Round numbers within the range, about `most` of them at most."""
    low, high = y_range
    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for factors in ((1, 2, 5), (1, 3), (1,)):
            rungs = [factor * 10.0**power for power in powers for factor in factors]
            kept = [rung for rung in rungs if low * (1 - 1e-9) <= rung <= high * (1 + 1e-9)]
            if len(kept) <= most:
                break
        return kept[:: max(math.ceil(len(kept) / most), 1)] if len(kept) > 1 else [low, high]
    step = round_step((high - low) / most)
    ticks = _multiples(step, low, high)
    # One number alone does not show an axis's scale.
    return ticks if len(ticks) > 1 else _multiples(round_step(step / 2.5), low, high)


def x_ticks(x_range: tuple[float, float], most: int, *, whole: bool = True, sixties: bool = False) -> list[float]:
    """Round numbers within the range, about `most` of them at most.

    whole: no fractions; sixties: of seconds, so that ticks stand at round minutes and hours.
    """
    low, high = x_range
    least = (high - low) / max(most, 1)
    step = _minutes_step(least) if sixties else round_step(least)
    return _multiples(max(step, 1.0) if whole else step, low, high)


def fraction_of(value: float, value_range: tuple[float, float], *, log: bool = False) -> float:
    """Where a value lies in a range: 0 at its foot, 1 at its top; below 0 or above 1 outside of it.

    On a log scale, a value that is not positive lies at the foot.
    """
    low, high = value_range
    if log:
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low)) if value > 0 else 0.0
    return (value - low) / ((high - low) or 1.0)


def count(value: float) -> str:
    """A label of steps or epochs."""
    return f"{value:,.0f}" if value >= 10 or float(value).is_integer() else f"{value:.3g}"


def clock(seconds: float, decimals: int = 0) -> str:
    """A label of time: seconds, minutes and seconds, or hours. decimals: of the seconds, from 10 s on."""
    if seconds < 10:
        return f"{seconds:.3g} s"
    if decimals and (minutes := int(seconds // 60)):
        hours = f"{minutes // 60}:{minutes % 60:02d}" if minutes >= 60 else f"{minutes}"
        return f"{hours}:{math.floor((seconds % 60) * 10**decimals) / 10**decimals:0{3 + decimals}.{decimals}f}"
    if decimals:
        return f"{seconds:.{decimals}f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def _multiples(step: float, low: float, high: float) -> list[float]:
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _minutes_step(least: float) -> float:
    if least < 1:
        return round_step(least)
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
    return next((float(step) for step in steps if step >= least), round_step(least / 86400) * 86400)


def _log_floor(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= value * (1 + 1e-9))
