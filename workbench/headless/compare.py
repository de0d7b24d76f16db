"""Prints how runs or studies differ, and whether they can be told apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from workbench import output
from workbench.errors import EXIT_DONE, UsageError
from workbench.headless.fitting import most_columns, widths_of
from workbench.metrics import in_reading_order
from workbench.tuning.conclusion import (
    DIFFERENCE_COLUMNS,
    conclusion,
    difference_notes,
    difference_rows,
    differences_title,
)
from workbench.tuning.differences import (
    REVISION,
    MetricDifference,
    compare_metrics,
    own_metrics,
)
from workbench.tuning.side_tables import (
    environments_of_all,
    no_environment_lines,
    own_loop_lines,
    settings_of_all,
    shown_environments,
    shown_settings,
    step_times_of_all,
    trained_in_words,
    written_mean,
    written_setting,
)
from workbench.tuning.sides import SPLITS, Side, read_side

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
    differences = dict(settings_of_all(sides))
    differences |= {f"environment.{path}": values for path, values in environments_of_all(sides).items()}
    differences |= {
        f"step_ms.{name.removeprefix('step ')}": values
        for name, values in step_times_of_all(sides).items()
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
        table.add_row(letter, Text(side.name), Text(trained_in_words(side)))
    console.print(table)


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
    found, lines = shown_settings(sides), own_loop_lines(sides, ascii_uppercase)
    if found:
        table = _table("settings", ascii_uppercase[: len(sides)])
        for path, values in found.items():
            table.add_row(path, *(Text(written_setting(path, value)) for value in values))
        console.print(table)
    elif not lines:
        lines = ["no setting differs"]
    for line in lines:
        console.print(Text(line, style="dim"))


def _print_environment(console: SafeConsole, sides: Sequence[Side]) -> None:
    found, lines = shown_environments(sides), no_environment_lines(sides, ascii_uppercase)
    if found:
        table = _table("environment", ascii_uppercase[: len(sides)])
        for path, values in found.items():
            name = "code revision" if path == REVISION else path
            table.add_row(name, *(Text("-" if value is None else value) for value in values))
        console.print(table)
    elif not lines:
        lines = ["neither the environment nor the code revision differs"]
    for line in lines:
        console.print(Text(line, style="dim"))


def _print_step_times(console: SafeConsole, sides: Sequence[Side]) -> None:
    found = step_times_of_all(sides)
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
                rows.append([f"{split} {metric.label}", *(written_mean(metric, values) for values in found)])
    _print_numbers(console, title, ascii_uppercase[: len(sides)], rows)


def _print_differences(console: SafeConsole, letter: str, found: Sequence[MetricDifference]) -> None:
    _print_numbers(console, differences_title(found, letter), DIFFERENCE_COLUMNS, difference_rows(found, letter))
    console.print(Text(difference_notes(found), style="dim"))
