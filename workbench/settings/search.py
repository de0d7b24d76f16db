"""What a preset's `[search]` table says: which values a search may give to which settings.

Each key is the path of a setting in quotes, each value a range or a list of choices. Training ignores the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from workbench.settings.base import Settings, setting
from workbench.settings.toml_text import quoted, toml

EXAMPLE = '"optimizer.learning_rate" = { low = 0.0001, high = 0.1 }'

LARGEST = 1e100
"""Of an end of a range: sums and products of two such numbers are still finite."""


def _number(value: Any) -> Any:
    # One sentence for what is no number: a union would report each of its members.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST:
        raise ValueError("must be a finite number")
    return value


Number = Annotated[int | float, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
"""Whole where it is written without a point."""


class Range(Settings):
    """The values that a search may give to one setting: low and high, or choices."""

    low: Number | None = setting(None, "smallest value")
    high: Number | None = setting(None, "largest value")
    log: bool | None = setting(
        None, "equal factors are equally likely; left out: where low is above 0 and high is at least 10 times low"
    )
    step: Number | None = setting(None, "only low, low + step, low + 2 × step, ...")
    choices: tuple[Any, ...] | None = setting(None, "the values to choose from")

    @model_validator(mode="after")
    def _is_a_range_or_choices(self) -> Range:
        if self.choices is not None:
            if any(value is not None for value in (self.low, self.high, self.log, self.step)):
                raise ValueError("has choices, so it takes no low, high, log or step")
            self._check_choices(self.choices)
        elif self.low is None or self.high is None:
            raise ValueError("needs low and high, or choices")
        else:
            self._check_ends(self.low, self.high)
        return self

    def _check_ends(self, low: Number, high: Number) -> None:
        if low >= high:
            raise ValueError(f"low must be less than high, but {toml(low)} is not less than {toml(high)}")
        if self.log and low <= 0:
            raise ValueError(f"a log range must begin above 0, but low is {toml(low)}")
        if self.log and self.step is not None:
            raise ValueError("a log range takes no step; write log = false, or list the values as choices")
        if self.step is not None and not 0 < self.step <= high - low:
            raise ValueError(f"step must be above 0 and at most high - low, but it is {toml(self.step)}")

    def _check_choices(self, choices: tuple[Any, ...]) -> None:
        if not choices:
            raise ValueError("choices is empty; it needs at least one value")
        for choice in choices:
            if not _is_value(choice):
                raise ValueError("a choice must be text, a finite number, true, false, or a list of these")
        written = [toml(choice) for choice in choices]
        for place, text in enumerate(written):
            if text in written[:place]:
                raise ValueError(f"choices has {text} twice")

    def to_mapping(self) -> dict[str, Any]:
        """What was given, as TOML values."""
        return self.model_dump(exclude_none=True)


def _is_value(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_is_value(item) and not isinstance(item, tuple) for item in value)
    if isinstance(value, float):
        return abs(value) != float("inf") and value == value
    return isinstance(value, (bool, int, str))


def check_keys(search: Any) -> None:
    """Raises ValueError where a key is no path in quotes: TOML reads optimizer.momentum without quotes as tables."""
    if not isinstance(search, Mapping):
        return
    for key, value in search.items():
        if "." not in str(key):
            inner = next(iter(value), "") if isinstance(value, Mapping) else ""
            path = f"{key}.{inner}" if inner and inner not in Range.model_fields else f"{key}.KEY"
            raise ValueError(f"write the whole path of a setting, in quotes, such as {EXAMPLE}; found {path}")


def to_toml(search: Mapping[str, Range]) -> str:
    """The `[search]` table, a line a setting; empty where nothing is searched."""
    if not search:
        return ""
    lines = [f"{quoted(path)} = {toml(range_.to_mapping())}\n" for path, range_ in search.items()]
    return "\n[search]\n" + "".join(lines)
