"""What can be concluded from a comparison, in sentences, and what it would take to conclude more."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from workbench.files import short_path
from workbench.metrics import Metric, in_reading_order
from workbench.tuning.differences import Effort, MetricDifference, deciding, effort, same_loss, same_split
from workbench.tuning.sides import SPLITS, Side
from workbench.tuning.statistics import DRAWS, LEVEL, least_pairs
from workbench.units import duration


def conclusion(first: Side, other: Side, found: Sequence[MetricDifference], letter: str = "B") -> list[str]:
    """What can be concluded, and what it would take to conclude more. letter: the other side's."""
    decided = deciding(found, first)
    has_seeds = bool(first.seeds and other.seeds)
    lines = [_verdict(decided, letter, has_seeds=has_seeds)]
    if len({side.first.monitor for side in (first, other)}) > 1:
        lines.append(
            f"A chose its best epoch by {first.first.monitor or 'an unknown metric'}, "
            f"{letter} by {other.first.monitor or 'an unknown metric'}."
        )
    if not same_loss(first, other):
        lines.append(f"A and {letter} minimise different losses: the values of these cannot be compared.")
    if not same_split(first, other):
        lines.append(f"A and {letter} are measured on different samples: part of any difference may come from those.")
    if not decided.is_told_apart and has_seeds:
        lines += _what_it_would_take(first, other, decided, letter)
    return lines


def _verdict(found: MetricDifference, letter: str, *, has_seeds: bool) -> str:
    """has_seeds: whether the seeds of both sides are known; those of a loop of the user's own are not."""
    where = f"{found.metric.label} on the {found.split} split"
    if found.pairs < 2:
        why = "one pair of runs" if found.pairs else "no seed or fold that both were trained with"
        if not has_seeds:
            why = "one run each, and their seeds are not known"
        return f"A and {letter}: nothing can be concluded. There is {why}, and chance alone moves {where}."
    numbers = (
        f"difference {signed(found.metric, found.difference)}{found.metric.unit}, "
        f"95 % interval {interval_of(found)}{found.metric.unit}, p {p_of(found)} over {found.pairs} pairs"
    )
    if found.is_told_apart:
        better, worse = (letter, "A") if found.second_is_better else ("A", letter)
        return f"{better} is better than {worse} by {where}: {numbers}."
    return f"A and {letter} cannot be told apart by {where}: {numbers}."


def _what_it_would_take(first: Side, other: Side, found: MetricDifference, letter: str) -> Iterable[str]:
    if 1 < found.pairs < least_pairs():
        yield (
            f"{found.pairs} pairs allow no p below {found.test.smallest_p:.3g}; "
            f"one below {LEVEL:g} takes at least {least_pairs()}."
        )
    if first.folds or other.folds:
        if not found.pairs:
            yield "Folds are paired where both sides have the same folds of the same split."
        elif found.pairs < least_pairs():
            yield f"It would take at least {least_pairs()} folds: --set validation.folds={least_pairs()}"
        else:
            yield (
                "More folds hardly help, because they share training samples. Seeds do: repeat both sides with "
                "`workbench tune repeat --set validation.method=holdout`, and compare the studies."
            )
        return
    taken = effort(found, first, other)
    if taken is None:
        yield "No realistic number of seeds would show so small a difference."
    elif taken.sides:
        yield from _effort_lines(taken, first, letter, at_least=found.pairs < least_pairs())


def _effort_lines(taken: Effort, first: Side, letter: str, *, at_least: bool) -> Iterable[str]:
    both = len(taken.sides) > 1
    whose = "each" if both else f"for {'A' if taken.sides[0] is first else letter}"
    cost = "" if taken.seconds is None else f", about {duration(taken.seconds)}"
    many = f"{'at least ' if at_least else ''}{taken.seeds} seeds"
    yield f"It would take {many} {whose}{cost}. Train them so, and compare the studies:"
    for side in taken.sides:
        seed = taken.first_seed
        assert side.preset is not None  # it has seeds
        start = "" if side.preset.training.seed == seed else f" --set training.seed={seed}"
        preset = shlex.quote(short_path(side.path / "preset.toml"))
        yield f"  workbench tune repeat --preset {preset} --seeds {taken.seeds}{start}"


def signed(metric: Metric, value: float) -> str:
    """A difference with its sign, as the metric is written, without its unit."""
    return f"{'-' if value < 0 else '+'}{metric.number(abs(value))}"


def interval_of(found: MetricDifference) -> str:
    """The 95 % interval, without its unit; a dash for fewer than two pairs."""
    return "-" if found.interval is None else " to ".join(signed(found.metric, end) for end in found.interval)


def p_of(found: MetricDifference) -> str:
    """The p of the sign-flip test."""
    return f"{found.test.p:.3g}"


DIFFERENCE_COLUMNS = ("difference", "95 % interval", "p", "better")


def differences_title(found: Sequence[MetricDifference], letter: str) -> str:
    """Which sides, and how many pairs."""
    return f"{letter} - A, {max(each.pairs for each in found)} pairs"


def difference_rows(found: Sequence[MetricDifference], letter: str) -> list[list[str]]:
    """The paired differences, a row for each metric: its name, then the columns of `DIFFERENCE_COLUMNS`."""
    rows = []
    order = {metric.name: place for place, metric in enumerate(in_reading_order())}
    for each in sorted(found, key=lambda each: (SPLITS.index(each.split), order.get(each.metric.name, len(order)))):
        difference = f"{signed(each.metric, each.difference)}{each.metric.unit}"
        p = p_of(each) if each.pairs > 1 else "-"
        rows.append([f"{each.split} {each.metric.label}", difference, interval_of(each), p, _better(each, letter)])
    return rows


def difference_notes(found: Sequence[MetricDifference]) -> str:
    """Which test, and what it allows."""
    widest = max(found, key=lambda each: each.pairs)
    smallest = f"{widest.test.smallest_p:.3g}"
    notes = [f"p of an exact sign-flip test; the smallest that {widest.pairs} pairs allow is {smallest}"]
    if not widest.test.is_exact:
        notes = [f"p of a sign-flip test with {DRAWS:,} random choices of signs"]
    notes.append("each metric is tested by itself")
    if any(each.test_to_train for each in found):
        notes.append("intervals are corrected for folds, which share training samples (Nadeau & Bengio)")
    return "; ".join(notes)


def _better(found: MetricDifference, letter: str) -> str:
    return (letter if found.second_is_better else "A") if found.is_told_apart else "unclear"
