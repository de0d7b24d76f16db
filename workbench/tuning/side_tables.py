"""What the sides of a comparison differ in, side by side, and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from workbench.metrics import Metric
from workbench.runs.own_loop import KEY, LOOPS
from workbench.settings.changes import in_words, read
from workbench.settings.toml_text import toml
from workbench.tuning.differences import REVISION, environments_that_differ, settings_that_differ
from workbench.tuning.sides import Side
from workbench.tuning.statistics import mean_and_deviation
from workbench.units import counted


def settings_of_all(sides: Sequence[Side]) -> dict[str, list[Any]]:
    """The settings in which a side differs from the first, by key path: the values of all sides."""
    return _of_all(sides, [settings_that_differ(sides[0], other) for other in sides[1:]])


def environments_of_all(sides: Sequence[Side]) -> dict[str, list[Any]]:
    """Of environment.json, the same; the code's revision comes last."""
    found = _of_all(sides, [environments_that_differ(sides[0], other) for other in sides[1:]])
    return dict(sorted(found.items(), key=lambda item: item[0] == REVISION))


def shown_settings(sides: Sequence[Side]) -> dict[str, list[Any]]:
    """Of `settings_of_all`, those to show to people.

    Left out are the settings of a preset that only a side without a preset lacks, see `own_loop_lines`.
    """
    found = rows_that_differ(settings_of_all(sides), _are_own_loops_beside_presets(sides))
    return {path: values for path, values in found.items() if path != KEY or all(side.preset is None for side in sides)}


def shown_environments(sides: Sequence[Side]) -> dict[str, list[Any]]:
    """Of `environments_of_all`, what to show to people: not what only a side lacks that need not have it."""
    return rows_that_differ(environments_of_all(sides), may_lack_environment(sides))


def rows_that_differ(rows: Mapping[str, Sequence[Any]], may_lack: Sequence[bool]) -> dict[str, list[Any]]:
    """The rows whose values differ, where None in the column of a side that may lack the value is no difference."""
    found = {}
    for name, values in rows.items():
        compared = [value for value, may in zip(values, may_lack, strict=True) if value is not None or not may]
        if any(value != compared[0] for value in compared):
            found[name] = list(values)
    return found


def may_lack_environment(sides: Sequence[Side]) -> list[bool]:
    """Of each side whether a value of its environment that is missing means nothing: none or few were recorded."""
    own = _are_own_loops_beside_presets(sides)
    return [is_own or not side.environment for side, is_own in zip(sides, own, strict=True)]


def own_loop_lines(sides: Sequence[Side], letters: Sequence[str]) -> list[str]:
    """A sentence for each side without a preset, where another has one."""
    own = _are_own_loops_beside_presets(sides)
    return [
        f"{letter} was made by {LOOPS.get(side.first.settings.get(KEY, ''), LOOPS['own'])}, without a preset: "
        "its own settings are shown"
        for side, letter, is_own in zip(sides, letters, own, strict=False)
        if is_own
    ]


def no_environment_lines(sides: Sequence[Side], letters: Sequence[str]) -> list[str]:
    """A sentence for each side without any environment."""
    lacking = [letter for side, letter in zip(sides, letters, strict=False) if not side.environment]
    return [f"what {letter} ran on was not recorded" for letter in lacking]


def _are_own_loops_beside_presets(sides: Sequence[Side]) -> list[bool]:
    """Of each side whether it has no preset, while another has one."""
    has_preset = any(side.preset is not None for side in sides)
    return [has_preset and side.preset is None for side in sides]


def step_times_of_all(sides: Sequence[Side]) -> dict[str, list[float | None]]:
    """Milliseconds by phase, and the median step: of all sides, whether they differ or not."""
    times = [side.step_times for side in sides]
    return {name: [each.get(name) for each in times] for name in dict.fromkeys(name for each in times for name in each)}


def _of_all(sides: Sequence[Side], found: Sequence[dict[str, tuple[Any, Any]]]) -> dict[str, list[Any]]:
    """The values of all sides by key path: a side that does not differ has the first's."""
    joined: dict[str, list[Any]] = {}
    for place, one in enumerate(found, start=1):
        for path, (here, there) in one.items():
            joined.setdefault(path, [here] * len(sides))[place] = there
    return joined


def written_setting(path: str, value: Any) -> str:
    """The value of a setting as people read it; a dash where the side has no such setting."""
    if value is None:
        return "-"
    if path == "changes":
        return in_words(None, read(value)) or "none"
    if path.startswith("training.seed") or path == "validation.fold":
        return in_ranges(value) if isinstance(value, tuple) else str(value)
    return value if isinstance(value, str) and value else toml(value)


def written_mean(metric: Metric, values: Sequence[float]) -> str:
    """The mean of a metric, with its deviation where there are several values; a dash without any."""
    if not values:
        return "-"
    mean, deviation = mean_and_deviation(values)
    spread = "" if deviation is None else f" ± {metric.number(deviation)}"
    return f"{metric.number(mean)}{spread}{metric.unit}"


def trained_in_words(side: Side) -> str:
    """What a side was trained with: seeds, folds, and what is missing."""
    parts = []
    if side.is_study:
        parts.append(counted(len(side.runs), "run"))
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
