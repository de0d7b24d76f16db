"""Prints how runs or studies differ, and whether they can be told apart."""

from __future__ import annotations

import json
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
from workbench.headless.conclusion import conclusion, interval_of, p_of, signed
from workbench.headless.fitting import most_columns, widths_of
from workbench.metrics import Metric, in_reading_order
from workbench.settings.changes import in_words, read
from workbench.settings.toml_text import toml
from workbench.tuning.differences import (
    REVISION,
    MetricDifference,
    compare_metrics,
    environments_that_differ,
    own_metrics,
    settings_that_differ,
)
from workbench.tuning.sides import SPLITS, Side, read_side
from workbench.tuning.statistics import DRAWS, mean_and_deviation

if TYPE_CHECKING:
    from workbench.console import SafeConsole

MOST_SIDES = len(ascii_uppercase)
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
        if not quiet and any(each.pairs > 1 for each in differences):
            _print_differences(console, letter, differences)
        for line in conclusion(first, other, differences, letter):
            if console.is_terminal and not line.startswith(" "):
                console.print(Text(line))
            else:
                console.say(line)  # a command that was wrapped could not be copied
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
        f"step_ms.{name.removeprefix('step ')}": values
        for name, values in _step_times(sides).items()
        if any(value != values[0] for value in values)
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
    if side.seeds:
        parts.append(f"seed{'s' if len(side.seeds) > 1 else ''} {in_ranges(side.seeds)}")
    if side.folds:
        parts.append(f"fold{'s' if len(side.folds) > 1 else ''} {in_ranges(side.folds)}")
    if not side.is_study and side.first.status != "completed":
        parts.append(f"{side.first.status}: its best so far" if side.first.status == "running" else side.first.status)
    if side.left_out:
        parts.append(f"{side.left_out} more not completed")
    return ", ".join(parts)


def in_ranges(numbers: Sequence[int]) -> str:
    """Rising numbers, those in a row as a range: 0 to 4, 7."""
    starts = [place for place, number in enumerate(numbers) if place == 0 or number != numbers[place - 1] + 1]
    ranges = [(numbers[start], numbers[end - 1]) for start, end in pairwise([*starts, len(numbers)])]
    return ", ".join(f"{low}" if low == high else f"{low} to {high}" for low, high in ranges)


def _table(title: str, columns: Iterable[str], *, right: bool = False) -> Table:
    """An aligned table whose first column has the title."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    table.add_column(title, overflow="fold")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if right else "left")
    return table


def _print_numbers(console: SafeConsole, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints the columns that have room, for a number is not broken; and says which have none."""
    count = most_columns(widths_of([title, *columns], rows), console.width)
    table = _table(title, columns[: count - 1], right=True)
    for row in rows:
        table.add_row(*row[:count])
    console.print(table)
    if missing := columns[count - 1 :]:
        console.print(Text(f"no room for {', '.join(missing)}: widen the terminal, or see --json", style="dim"))


def _print_settings(console: SafeConsole, sides: Sequence[Side]) -> None:
    found = _settings(sides)
    if not found:
        console.print(Text("no setting differs", style="dim"))
        return
    table = _table("settings", ascii_uppercase[: len(sides)])
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
    table = _table("environment", ascii_uppercase[: len(sides)])
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
    rows = []
    for name, values in found.items():
        ratios = ["-" if not values[0] or value is None else f"{value / values[0]:.2f}" for value in values[1:]]
        rows.append([name, *("-" if value is None else f"{value:.3f}" for value in values), *ratios])
    _print_numbers(console, "time of a step, ms", [*letters, *(f"{letter} / A" for letter in letters[1:])], rows)


def _print_values(console: SafeConsole, sides: Sequence[Side]) -> None:
    several = any(len(side.runs) > 1 for side in sides)
    title = "mean ± deviation" if several else "metrics"
    rows = []
    for split in SPLITS:
        for metric in [*in_reading_order(), *own_metrics(sides)]:
            found = [list(side.values(split, metric.name).values()) for side in sides]
            if any(found):
                rows.append([f"{split} {metric.label}", *(_mean(metric, values) for values in found)])
    _print_numbers(console, title, ascii_uppercase[: len(sides)], rows)


def _mean(metric: Metric, values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean, deviation = mean_and_deviation(values)
    spread = "" if deviation is None else f" ± {metric.number(deviation)}"
    return f"{metric.number(mean)}{spread}{metric.unit}"


def _print_differences(console: SafeConsole, letter: str, found: Sequence[MetricDifference]) -> None:
    pairs = max(each.pairs for each in found)
    rows = []
    order = {metric.name: place for place, metric in enumerate(in_reading_order())}
    for each in sorted(found, key=lambda each: (SPLITS.index(each.split), order.get(each.metric.name, len(order)))):
        difference = f"{signed(each.metric, each.difference)}{each.metric.unit}"
        p = p_of(each) if each.pairs > 1 else "-"
        rows.append([f"{each.split} {each.metric.label}", difference, interval_of(each), p, _better(each, letter)])
    _print_numbers(console, f"{letter} - A, {pairs} pairs", ["difference", "95 % interval", "p", "better"], rows)
    test = max(found, key=lambda each: each.pairs).test
    notes = [f"p of an exact sign-flip test; the smallest that {pairs} pairs allow is {test.smallest_p:.3g}"]
    if not test.is_exact:
        notes = [f"p of a sign-flip test with {DRAWS:,} random choices of signs"]
    notes.append("each metric is tested by itself")
    if any(each.test_to_train for each in found):
        notes.append("intervals are corrected for folds, which share training samples (Nadeau & Bengio)")
    console.print(Text("; ".join(notes), style="dim"))


def _better(found: MetricDifference, letter: str) -> str:
    return (letter if found.second_is_better else "A") if found.is_told_apart else "unclear"


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
