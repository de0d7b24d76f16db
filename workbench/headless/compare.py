"""Prints how runs or studies differ, and whether they can be told apart."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from workbench import output
from workbench.errors import EXIT_DONE, UsageError
from workbench.files import short_path
from workbench.metrics import Metric, in_reading_order
from workbench.settings.changes import in_words, read
from workbench.settings.toml_text import toml
from workbench.tuning.differences import (
    REVISION,
    Effort,
    MetricDifference,
    compare_metrics,
    deciding,
    effort,
    environments_that_differ,
    same_loss,
    same_split,
    settings_that_differ,
)
from workbench.tuning.sides import SPLITS, Side, read_side
from workbench.tuning.statistics import DRAWS, LEVEL, least_pairs, mean_and_deviation
from workbench.units import duration

if TYPE_CHECKING:
    from workbench.console import SafeConsole

MOST_SIDES = len(ascii_uppercase)
MORE_THAN_NOISE = "cannot be told apart"
PLACES = {"validation": "", "test": "/test"}
"""What is added to the name of a metric in the result for scripts."""


def compare(names: Sequence[str], runs_folder: Path, studies_folder: Path, *, json_output: bool, quiet: bool) -> int:
    """Compares runs or studies, each with the first, and prints the result. Raises UsageError, PresetError."""
    if not 2 <= len(names) <= MOST_SIDES:
        raise UsageError(f"compare takes two runs or studies, or more up to {MOST_SIDES}; you gave {len(names)}")
    sides = [read_side(name, runs_folder, studies_folder) for name in names]
    for place, side in enumerate(sides):
        if side.path in [other.path for other in sides[:place]]:
            raise UsageError(f"{side.name} was given twice: there is nothing to compare it with")
    first, *others = sides
    found = [compare_metrics(first, other) for other in others]
    if json_output:
        print(json.dumps(as_json(sides, found)))
        return EXIT_DONE
    console = output.console()
    if not quiet:
        _print_sides(console, sides)
        _print_settings(console, sides)
        _print_environment(console, sides)
        _print_step_times(console, sides)
        _print_values(console, sides)
    for letter, other, differences in zip(ascii_uppercase[1:], others, found, strict=False):
        if not quiet:
            _print_differences(console, letter, differences)
        for line in conclusion(first, other, differences, letter):
            console.print(Text(line))
    return EXIT_DONE


def as_json(sides: Sequence[Side], found: Sequence[Sequence[MetricDifference]]) -> dict[str, Any]:
    """The result for scripts.

    A difference is the list of the values of all sides, by key path: settings as in a preset, `environment.` and a
    key of environment.json, `step_ms.` and a phase. A metric is one table; with more than two sides a list of them,
    one for each side after the first, null where that side has no such metric.
    """
    differences = dict(_settings(sides))
    differences |= {f"environment.{path}": values for path, values in _environments(sides).items()}
    differences |= {
        f"step_ms.{name.removeprefix('step ')}": list(values) for name, values in _step_times(sides).items()
    }
    tables = [{f"{each.metric.name}{PLACES[each.split]}": _metric_as_json(each) for each in one} for one in found]
    names = dict.fromkeys(name for one in tables for name in one)
    metrics = tables[0] if len(tables) == 1 else {name: [one.get(name) for one in tables] for name in names}
    return {"type": "result", "differences": differences, "metrics": metrics}


def _metric_as_json(found: MetricDifference) -> dict[str, Any]:
    return {
        "difference": found.difference,
        "interval": None if found.interval is None else list(found.interval),
        "p": found.test.p,
        "smallest_p": found.test.smallest_p,
    }


def conclusion(first: Side, other: Side, found: Sequence[MetricDifference], letter: str = "B") -> list[str]:
    """What can be concluded, and what it would take to conclude more. letter: the other side's."""
    decided = deciding(found, first)
    lines = [_verdict(decided, letter)]
    if len({side.first.monitor for side in (first, other)}) > 1:
        lines.append(
            f"A chose its best epoch by {first.first.monitor or 'an unknown metric'}, "
            f"{letter} by {other.first.monitor or 'an unknown metric'}."
        )
    if not same_loss(first, other):
        lines.append(f"A and {letter} minimise different losses: the values of these cannot be compared.")
    if not same_split(first, other):
        lines.append(f"A and {letter} are measured on different samples: part of any difference may come from those.")
    if not decided.is_told_apart:
        lines += _what_it_would_take(first, other, decided, letter)
    return lines


def _verdict(found: MetricDifference, letter: str) -> str:
    where = f"{found.metric.label} on the {found.split} split"
    if found.pairs < 2:
        why = "one pair of runs" if found.pairs else "no seed or fold that both were trained with"
        return f"A and {letter}: nothing can be told. There is {why}, and chance alone moves {where}."
    numbers = (
        f"difference {_signed(found.metric, found.difference)}{found.metric.unit}, "
        f"95 % interval {_interval(found)}, p {_p(found)} over {found.pairs} pairs"
    )
    if found.is_told_apart:
        better, worse = (letter, "A") if found.second_is_better else ("A", letter)
        return f"{better} is better than {worse} by {where}: {numbers}."
    return f"A and {letter} {MORE_THAN_NOISE} by {where}: {numbers}."


def _what_it_would_take(first: Side, other: Side, found: MetricDifference, letter: str) -> Iterable[str]:
    if 0 < found.pairs < least_pairs():
        yield (
            f"{found.pairs} pair{'s' if found.pairs > 1 else ''} allow{'' if found.pairs > 1 else 's'} "
            f"no p below {found.test.smallest_p:.3g}; {LEVEL:g} takes at least {least_pairs()}."
        )
    if first.folds or other.folds:
        if first.folds != other.folds or not same_split(first, other):
            yield "Folds are paired where both sides have the same folds of the same split."
        elif found.pairs < least_pairs():
            yield f"It would take at least {least_pairs()} folds: --set validation.folds={least_pairs()}"
        else:
            yield "More folds hardly help: they share training samples. Other settings may differ by more."
        return
    taken = effort(found, first, other)
    if taken is None:
        yield "No number of seeds that anybody trains would show so small a difference."
    elif taken.sides:
        yield from _effort_lines(taken, first, letter)


def _effort_lines(taken: Effort, first: Side, letter: str) -> Iterable[str]:
    both = len(taken.sides) > 1
    whose = "each" if both else f"for {'A' if taken.sides[0] is first else letter}"
    cost = "" if taken.seconds is None else f", about {duration(taken.seconds)}"
    yield f"It would take {taken.seeds} seeds {whose}{cost}; then compare the studies:"
    for side in taken.sides:
        seed = taken.first_seed
        start = "" if side.preset.training.seed == seed else f" --set training.seed={seed}"
        preset = shlex.quote(short_path(side.path / "preset.toml"))
        yield f"  workbench tune repeat --preset {preset} --seeds {taken.seeds}{start}"


def _print_sides(console: SafeConsole, sides: Sequence[Side]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for letter, side in zip(ascii_uppercase, sides, strict=False):
        table.add_row(letter, Text(side.name), Text(_trained(side)))
    console.print(table)


def _trained(side: Side) -> str:
    """Seeds, folds, and what is missing."""
    parts = []
    if side.is_study:
        parts.append(f"{len(side.runs)} run{'s' if len(side.runs) > 1 else ''}")
    parts.append(f"seed{'s' if len(side.seeds) > 1 else ''} {in_ranges(side.seeds)}")
    if side.folds:
        parts.append(f"fold{'s' if len(side.folds) > 1 else ''} {in_ranges(side.folds)}")
    if not side.is_study and side.first.status != "completed":
        parts.append(f"{side.first.status}: its best so far" if side.first.status == "running" else side.first.status)
    if side.without_results:
        parts.append(f"{side.without_results} without results")
    return ", ".join(parts)


def in_ranges(numbers: Sequence[int]) -> str:
    """Rising numbers, those in a row as a range: 0 to 4, 7."""
    starts = [place for place, number in enumerate(numbers) if place == 0 or number != numbers[place - 1] + 1]
    ranges = [(numbers[start], numbers[end - 1]) for start, end in pairwise([*starts, len(numbers)])]
    return ", ".join(f"{low}" if low == high else f"{low} to {high}" for low, high in ranges)


def _table(console: SafeConsole, title: str, columns: Iterable[str], *, right: bool = False) -> Table:
    """An aligned table whose first column has the title."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column(title, overflow="fold")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if right else "left")
    return table


def _print_settings(console: SafeConsole, sides: Sequence[Side]) -> None:
    found = _settings(sides)
    if not found:
        console.print(Text("no setting differs", style="dim"))
        return
    table = _table(console, "settings", ascii_uppercase[: len(sides)])
    for path, values in found.items():
        table.add_row(path, *(Text(_setting(path, value)) for value in values))
    console.print(table)


def _setting(path: str, value: Any) -> str:
    if value is None:
        return "-"
    if path == "changes":
        return in_words(None, read(value)) or "none"
    if path.startswith("training.seed") or path == "validation.fold":
        return in_ranges(value) if isinstance(value, tuple) else str(value)
    return value if isinstance(value, str) and value else toml(value)


def _print_environment(console: SafeConsole, sides: Sequence[Side]) -> None:
    found = _environments(sides)
    if not found:
        console.print(Text("neither the environment nor the code revision differs", style="dim"))
        return
    table = _table(console, "environment", ascii_uppercase[: len(sides)])
    for path, values in found.items():
        table.add_row(
            "code revision" if path == REVISION else path, *(Text("-" if value is None else value) for value in values)
        )
    console.print(table)


def _print_step_times(console: SafeConsole, sides: Sequence[Side]) -> None:
    found = _step_times(sides)
    if not found:
        return
    letters = ascii_uppercase[: len(sides)]
    table = _table(console, "time of a step, ms", [*letters, *(f"{letter} / A" for letter in letters[1:])], right=True)
    for name, values in found.items():
        ratios = ["-" if not values[0] or value is None else f"{value / values[0]:.2f}" for value in values[1:]]
        table.add_row(name, *("-" if value is None else f"{value:.3f}" for value in values), *ratios)
    console.print(table)


def _print_values(console: SafeConsole, sides: Sequence[Side]) -> None:
    several = any(len(side.runs) > 1 for side in sides)
    title = "mean ± deviation" if several else "metrics"
    table = _table(console, title, ascii_uppercase[: len(sides)], right=True)
    for split in SPLITS:
        for metric in in_reading_order():
            found = [list(side.values(split, metric.name).values()) for side in sides]
            if any(found):
                table.add_row(f"{split} {metric.label}", *(_mean(metric, values) for values in found))
    console.print(table)


def _mean(metric: Metric, values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean, deviation = mean_and_deviation(values)
    spread = "" if deviation is None else f" ± {metric.number(deviation)}"
    return f"{metric.number(mean)}{spread}{metric.unit}"


def _print_differences(console: SafeConsole, letter: str, found: Sequence[MetricDifference]) -> None:
    pairs = max(each.pairs for each in found)
    how = f"{pairs} pair{'' if pairs == 1 else 's'}" if pairs else "not paired"
    table = _table(console, f"{letter} - A, {how}", ["difference", "95 % interval", "p", "better"])
    order = [metric.name for metric in in_reading_order()]
    for each in sorted(found, key=lambda each: (SPLITS.index(each.split), order.index(each.metric.name))):
        table.add_row(
            f"{each.split} {each.metric.label}",
            f"{_signed(each.metric, each.difference)}{each.metric.unit}",
            "-" if each.interval is None else _interval(each),
            _p(each) if each.pairs > 1 else "-",
            _better(each, letter),
        )
    console.print(table)
    if pairs > 1:
        notes = [f"smallest p that {pairs} pairs allow: {found[0].test.smallest_p:.3g}"]
        if not found[0].test.is_exact:
            notes.append(f"p from {DRAWS:,} random choices of signs")
        if any(each.test_to_train for each in found):
            notes.append("intervals corrected for folds (Nadeau & Bengio)")
        console.print(Text("; ".join(notes), style="dim"))


def _better(found: MetricDifference, letter: str) -> str:
    if found.pairs < 2:
        return "unknown"
    return (letter if found.second_is_better else "A") if found.is_told_apart else MORE_THAN_NOISE


def _signed(metric: Metric, value: float) -> str:
    return f"{'-' if value < 0 else '+'}{metric.number(abs(value))}"


def _interval(found: MetricDifference) -> str:
    assert found.interval is not None
    return f"{' to '.join(_signed(found.metric, end) for end in found.interval)}{found.metric.unit}"


def _p(found: MetricDifference) -> str:
    return f"{found.test.p:.2g}"


def _settings(sides: Sequence[Side]) -> dict[str, list[Any]]:
    """By key path: the values of all sides, where one differs from the first."""
    return _of_all(sides, [settings_that_differ(sides[0], other) for other in sides[1:]])


def _environments(sides: Sequence[Side]) -> dict[str, list[Any]]:
    found = _of_all(sides, [environments_that_differ(sides[0], other) for other in sides[1:]])
    return dict(sorted(found.items(), key=lambda item: item[0] == REVISION))


def _of_all(sides: Sequence[Side], found: Sequence[dict[str, tuple[Any, Any]]]) -> dict[str, list[Any]]:
    """The values of all sides by key path: a side that does not differ has the first's."""
    joined: dict[str, list[Any]] = {}
    for place, one in enumerate(found, start=1):
        for path, (here, there) in one.items():
            joined.setdefault(path, [here] * len(sides))[place] = there
    return joined


def _step_times(sides: Sequence[Side]) -> dict[str, list[float | None]]:
    times = [side.step_times for side in sides]
    return {name: [each.get(name) for each in times] for name in dict.fromkeys(name for each in times for name in each)}
