"""The search space: which settings a search varies, over which values, and which of them belong to which choices.

`optimizer.momentum` is active only in trials whose optimizer has a momentum. `optimizer.learning_rate@sgd` is the range
of trials with that optimizer, where others take another. Trials are presets: `apply` makes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import PresetError
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.problems import shortened
from workbench.settings.search import Range
from workbench.settings.toml_text import toml
from workbench.suggestion import nearest
from workbench.tuning.declared import Declared, declared
from workbench.tuning.dimensions import AT, Dimension, Numbers, Options, span
from workbench.tuning.ranges import range_text

LOG_FROM = 10
"""A range whose high is at least this many times its low is logarithmic, unless it says otherwise."""

TAGS = {f"{family.name}.{family.tag}": family.name for family in FAMILIES.values()}
"""The paths that choose: optimizer.name chooses the optimizer."""


@dataclass(frozen=True)
class SearchSpace:
    """What a search varies. It has been checked against the preset that it was parsed for."""

    ranges: dict[str, Range]
    """As given, by the names of the dimensions."""
    dimensions: tuple[Dimension, ...]
    """The choices of a family first, for they decide which others are active."""
    labels: dict[str, str]
    """The preset's own choice, by family."""

    @classmethod
    def parse(cls, mapping: Mapping[str, Any], preset: Preset, where: str = "[search]") -> SearchSpace:
        """The space of a `[search]` table: ranges by path, as `Range` or as TOML tables.

        where: what error messages call the source. Raises PresetError with the place and what is allowed.
        """
        ranges = {path: item for path, item in mapping.items() if isinstance(item, Range)}
        if len(ranges) < len(mapping):
            ranges = Preset.from_mapping({"search": _plain(mapping)}, where).search
        if not ranges:
            raise PresetError(f"{where}: nothing is searched; give at least one setting a range")
        labels = {name: getattr(getattr(preset, name), family.tag) for name, family in FAMILIES.items()}
        chosen: dict[str, tuple[str, ...]] = {name: (label,) for name, label in labels.items()}
        for path, name in TAGS.items():
            if path in ranges:
                chosen[name] = _chosen(path, ranges[path], where)
        found = []
        for name, range_ in ranges.items():
            path, _, choice = name.partition(AT)
            what = declared(path, _chosen_for(name, chosen, where), preset, where)
            takers = _takers(what, choice, chosen, ranges, where)
            found.append(_dimension(what, range_, takers, choice, where))
        found.sort(key=lambda dimension: dimension.path not in TAGS)
        space = cls(ranges, tuple(found), labels)
        for dimension in found:  # a choice may need what the preset does not say, such as the file of a CSV
            if dimension.path in TAGS:
                for label in dimension.grid(0):
                    preset.without_search().with_values({dimension.path: label}, f"{where}: {dimension.path} = {label}")
        for path in space.paths:
            if len({type(dimension) for dimension in found if dimension.path == path}) > 1:
                raise PresetError(
                    f"{where}: {path}: the ranges of its choices must all be low and high, or all choices"
                )
        return space

    @property
    def paths(self) -> list[str]:
        """The settings that are searched."""
        return list(dict.fromkeys(dimension.path for dimension in self.dimensions))

    @property
    def spans(self) -> tuple[Dimension, ...]:
        """A dimension for each path, which holds the values of all its ranges."""
        return tuple(span([each for each in self.dimensions if each.path == path]) for path in self.paths)

    def is_active(self, dimension: Dimension, values: Mapping[str, Any]) -> bool:
        """Whether trials with these values have the setting. values: at least the choices, by path."""
        if dimension.labels is None:
            return True
        family = dimension.path.partition(".")[0]
        label = values.get(f"{family}.{FAMILIES[family].tag}", self.labels[family])
        return label in dimension.labels

    def active(self, values: Mapping[str, Any]) -> list[Dimension]:
        """The dimensions that trials with these values have."""
        return [dimension for dimension in self.dimensions if self.is_active(dimension, values)]

    def contains(self, values: Mapping[str, Any]) -> bool:
        """Whether a search may suggest these values: all that are active, and none outside its range."""
        active = self.active(values)
        paths = {dimension.path for dimension in active}
        return paths == set(values) and all(dimension.contains(values[dimension.path]) for dimension in active)

    def own_values(self, preset: Preset) -> dict[str, Any]:
        """The preset's own values of what is searched, also where they lie outside of the ranges."""
        flat = preset.flat()
        return {path: flat[path] for path in self.paths if path in flat}

    def completed(self, values: Mapping[str, Any], preset: Preset) -> dict[str, Any]:
        """The values with the preset's own for what they leave out, in the order of the dimensions."""
        active = [dimension.path for dimension in self.active(values)]
        if all(path in values for path in active):
            return {path: values[path] for path in active}
        return self.own_values(self.apply(preset, values))

    def apply(self, preset: Preset, values: Mapping[str, Any]) -> Preset:
        """The preset of a trial. values: by path, as TOML values; further settings may be among them.

        What another choice has in common with the preset's is kept, the rest takes its defaults, as with `--set`.
        Raises PresetError where settings do not fit together.
        """
        return preset.without_search().with_values(values, "the trial")

    def describe(self) -> dict[str, str]:
        """Each range as it is typed, with `log` where the scale is logarithmic, by the name of its dimension."""
        return {dimension.name: self._describe(dimension) for dimension in self.dimensions}

    def _describe(self, dimension: Dimension) -> str:
        text = range_text(self.ranges[dimension.name].model_copy(update={"log": None}))
        return f"{text} log" if isinstance(dimension, Numbers) and dimension.log else text


def corners(space: SearchSpace, preset: Preset) -> list[Preset]:
    """Presets at the extremes of a space, for a dry run: few, but every choice and every end is in one of them.

    Raises PresetError where settings at the extremes do not fit together.
    """
    waiting = {(dimension.name, index) for dimension in space.dimensions for index in range(len(dimension.extremes))}
    found: list[Preset] = []
    while waiting:
        values = _corner(space, waiting)
        for dimension in space.active(values):
            waiting.discard((dimension.name, _index_of(dimension, values[dimension.path])))
        found.append(space.apply(preset, values))
    return found


def _corner(space: SearchSpace, waiting: set[tuple[str, int]]) -> dict[str, Any]:
    """Values at the extremes, those that were not tried yet first."""
    values: dict[str, Any] = {}
    for dimension in space.dimensions:
        if dimension.path in TAGS:
            values[dimension.path] = _label(space, dimension, waiting)
        elif space.is_active(dimension, values):
            extremes = dimension.extremes
            untried = [index for index in range(len(extremes)) if (dimension.name, index) in waiting]
            values[dimension.path] = extremes[untried[0] if untried else -1]
    return values


def _label(space: SearchSpace, tag: Dimension, waiting: set[tuple[str, int]]) -> Any:
    """The choice of a family: one that was not tried, else one with a setting that was not, else the last."""
    family = TAGS[tag.path]
    for index, label in enumerate(tag.extremes):
        if (tag.path, index) in waiting:
            return label
    for dimension in space.dimensions:
        is_of_it = dimension.labels is not None and dimension.path.startswith(f"{family}.")
        if is_of_it and any(name == dimension.name for name, _ in waiting):
            return next(label for label in tag.extremes if label in (dimension.labels or ()))
    return tag.extremes[-1]


def _index_of(dimension: Dimension, value: Any) -> int:
    return [toml(extreme) for extreme in dimension.extremes].index(toml(value))


def _plain(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {path: item.to_mapping() if isinstance(item, Range) else item for path, item in mapping.items()}


def _chosen(path: str, range_: Range, where: str) -> tuple[str, ...]:
    """The choices that a search may make of a family. Raises PresetError for unknown ones."""
    family = FAMILIES[TAGS[path]]
    if range_.choices is None:
        raise PresetError(f"{where}: {path} needs choices, of {', '.join(family.labels)}")
    for label in range_.choices:
        if not isinstance(label, str) or label not in family.labels:
            raise PresetError(f"{where}: {path}: {shortened(toml(label))} is not known"
                              f"{nearest(str(label), family.labels)}")  # fmt: skip
    return range_.choices


def _chosen_for(name: str, chosen: Mapping[str, tuple[str, ...]], where: str) -> Mapping[str, tuple[str, ...]]:
    """The choices of each family that a range is for. Raises PresetError where it is for one that is never made."""
    path, at, choice = name.partition(AT)
    table, _, key = path.partition(".")
    if not at:
        return chosen
    if table not in FAMILIES or key == FAMILIES[table].tag:
        raise PresetError(
            f"{where}: {shortened(name)}: {path} is the same setting for all choices; leave out {AT}{choice}"
        )
    if choice not in chosen[table]:
        tag = f"{table}.{FAMILIES[table].tag}"
        raise PresetError(
            f"{where}: {shortened(name)}: {tag} is never {choice or 'empty'}{nearest(choice, chosen[table])}"
        )
    return {**chosen, table: (choice,)}


def _takers(
    what: Declared, choice: str, chosen: Mapping[str, tuple[str, ...]], names: Iterable[str], where: str
) -> frozenset[str] | None:
    """The choices whose trials take a range; None where all do.

    choice: that the range is for, if it is for one. names: of all ranges. Raises PresetError where none does.
    """
    if not what.family:
        return None
    if choice:
        return frozenset((choice,)) if len(chosen[what.family]) > 1 else None
    others = {other for path, _, other in (name.partition(AT) for name in names) if other and path == what.path}
    if others and not set(chosen[what.family]) & set(what.owners) - others:
        raise PresetError(f"{where}: {what.path}: each {what.family} has a range of its own; leave this one out")
    if others or not set(chosen[what.family]) <= set(what.owners):
        return frozenset(what.owners) - others
    return None


def _dimension(what: Declared, range_: Range, labels: frozenset[str] | None, choice: str, where: str) -> Dimension:
    """Raises PresetError where a value of the range cannot be one of the setting."""
    if range_.choices is not None:
        values = tuple(_number(what, value) for value in range_.choices)
        if what.path not in TAGS:
            _check(what, values, where)
        return Options(what.path, values, labels, choice)
    if not what.is_number:
        raise PresetError(f"{where}: {what.path} is no number ({what.allowed()}); "
                          "list its values as choices, such as a|b|c")  # fmt: skip
    assert range_.low is not None
    assert range_.high is not None
    low, high = (_number(what, end) for end in (range_.low, range_.high))
    step = None if range_.step is None else _number(what, range_.step)
    _check(what, (low, high), where)
    if what.is_whole and step is not None and not isinstance(step, int):
        raise PresetError(f"{where}: {what.path}: step {toml(step)} needs to be a whole number")
    log = range_.log
    if log is None:
        log = step is None and low > 0 and (what.is_logarithmic or high >= LOG_FROM * low)
    if what.is_whole and not log and step is None:
        step = 1
    return Numbers(what.path, low, high, what.is_whole, log, step, labels, choice)


def _check(what: Declared, values: tuple[Any, ...], where: str) -> None:
    for value in values:
        if problem := what.problem(value):
            raise PresetError(f"{where}: {what.path}: {shortened(toml(value))} is not possible: {problem}")


def _number(what: Declared, value: Any) -> Any:
    """A number as the setting has it: 1 for a setting of 1.0, and 1e3 for one of 1000."""
    if not what.is_number or isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if what.is_whole:
        return int(value) if float(value).is_integer() else value
    return float(value)
