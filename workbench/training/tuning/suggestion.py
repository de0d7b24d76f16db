"""What the curves of a range test say: which learning rates to try."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from workbench.processes.range_test import SAFETY, Curve, RangeTest, Suggested, spread

MOST_DISAGREEMENT = 3.0
"""Rates of the seeds that differ by more than this factor name none."""
LEAST_POINTS = 10
"""Steps before it diverges that a curve needs to say anything."""
LEAST_FALL = 0.02
"""Fraction of the first loss by which it must fall somewhere."""
WINDOW = 11
"""Steps over which a slope is measured. With fewer the seeds disagree; with more it is the slope of the whole fall."""
NEARLY = 0.8
"""Slopes of at least this fraction of the steepest, next to it, count as steepest."""
FIRST_STEPS = 10
"""Left out by the slope: the running mean of few losses is noisy."""

Mark = Callable[[Sequence[float], Curve], float | None]
"""Finds a rate in the smoothed curve of one seed: the rates of all steps, and the curve."""


def suggest(rates: Sequence[float], curves: Sequence[Curve]) -> RangeTest:
    """The median curve over the seeds, and the rates that they agree on.

    rates: of all steps, rising; curves: at least one, with at least one loss each.
    """
    steps = min(len(curve.losses) for curve in curves)
    middle, lowest, highest = spread(curves)
    notes: list[str] = []
    if steps < LEAST_POINTS:
        suggested = Suggested(None, None, None)
        notes.append(
            f"the loss diverges within {steps + 1} steps of the lowest rate tried, {rates[0]:.2g}: try lower ones "
            f"with --low {rates[0] / 1e4:.2g}"
        )
    else:
        found = {name: _agreed(name, mark, rates, curves, notes) for name, mark in MARKS.items()}
        suggested = Suggested(**found)
        notes += _about(rates, curves)
    return RangeTest(
        rates=list(rates[:steps]),
        median=middle,
        lowest=lowest,
        highest=highest,
        suggested=suggested,
        notes=notes,
    )


def _agreed(name: str, mark: Mark, rates: Sequence[float], curves: Sequence[Curve], notes: list[str]) -> float | None:
    """The median of the rates that the seeds name; None, with a note, where they disagree or most name none."""
    named = [rate for curve in curves if (rate := mark(rates, curve)) is not None]
    if 2 * len(named) <= len(curves):
        return None
    if max(named) > MOST_DISAGREEMENT * min(named):
        notes.append(
            f"{name.replace('_', ' ')}: the seeds disagree, from {min(named):.2g} to {max(named):.2g}, so none is named"
        )
        return None
    return float(f"{median(named):.3g}")


def _about(rates: Sequence[float], curves: Sequence[Curve]) -> list[str]:
    notes = []
    if sum(_falls(curve) for curve in curves) * 2 <= len(curves):
        notes.append("the loss hardly falls at any rate tried, so no steepest point and no valley is named")
    if sum(curve.diverged for curve in curves) * 2 <= len(curves):
        notes.append(f"the loss does not diverge up to the highest rate tried, {rates[-1]:.2g}")
    return notes


def _falls(curve: Curve) -> bool:
    return curve.losses[0] - min(curve.losses) > LEAST_FALL * abs(curve.losses[0])


def steepest(rates: Sequence[float], curve: Curve) -> float | None:
    """The rate at which the smoothed loss falls fastest by the logarithm of the rate; None where it hardly falls.

    As Lightning's learning rate finder suggests, which leaves out the first steps as well. But the slope is that of
    several steps, what lies behind the lowest loss does not count, and of a long straight fall it is the middle.
    """
    if not _falls(curve):
        return None
    losses = curve.losses
    end = max(losses.index(min(losses)) + 1, min(FIRST_STEPS + WINDOW, len(losses)))
    width = min(WINDOW, end)
    start = min(FIRST_STEPS, end - width)
    drops = [losses[step] - losses[step + width - 1] for step in range(start, end - width + 1)]
    steep = max(drops)
    first = last = drops.index(steep)
    while first > 0 and drops[first - 1] >= NEARLY * steep:
        first -= 1
    while last + 1 < len(drops) and drops[last + 1] >= NEARLY * steep:
        last += 1
    return rates[start + (first + last) // 2 + width // 2]


def valley(rates: Sequence[float], curve: Curve) -> float | None:
    """The middle of the valley by the logarithm of the rate; None where the loss hardly falls.

    The idea is that of `valley` of fastai's learning rate finder. There the valley is the longest subsequence of
    falling losses, whose ends depend on the noise where the curve is flat: seeds then disagree by a factor of ten.
    Here it reaches from where the smoothed loss has lost a quarter of all that it loses to where it has lost three.
    """
    if not _falls(curve):
        return None
    losses = curve.losses
    lowest = min(losses)
    last = losses.index(lowest)
    highest = max(losses[: last + 1])
    fall = highest - lowest
    begin = max(step for step in range(last + 1) if losses[step] >= highest - 0.25 * fall)
    end = min(step for step in range(begin, last + 1) if losses[step] <= highest - 0.75 * fall)
    return rates[(begin + end) // 2]


def before_divergence(rates: Sequence[float], curve: Curve) -> float | None:
    """A third of the last rate before the smoothed loss diverges; None where it does not diverge."""
    return rates[len(curve.losses) - 1] / SAFETY if curve.diverged else None


MARKS: dict[str, Mark] = {"steepest": steepest, "valley": valley, "before_divergence": before_divergence}
"""By the names of `Suggested`."""
