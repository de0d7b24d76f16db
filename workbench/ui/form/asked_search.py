"""The search that the form asks for: ranges and choices that were typed where a value belongs."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.errors import PresetError
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.search import Range

WHERE = "the search"


class AskedSearch:
    """What was typed, by the path of the row: for a family, that of its table."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._judged: tuple[Preset, dict[str, str]] | None = None
        """The faults, and the preset that they were found for."""

    def copy(self) -> AskedSearch:
        """A copy that later changes of this one do not reach."""
        twin = AskedSearch()
        twin.texts, twin._judged = dict(self.texts), self._judged
        return twin

    def enter(self, path: str, text: str) -> None:
        """Takes a range for a setting, instead of an earlier one."""
        self.texts[path] = text.strip()
        self._judged = None

    def drop(self, path: str) -> None:
        """Forgets the range of a setting, if it has one."""
        if self.texts.pop(path, None) is not None:
            self._judged = None

    def ranges(self) -> tuple[dict[str, Range], int | None]:
        """The ranges by the path of the setting, and the number of trials if one of them names it.

        Those that cannot be read are left out.
        """
        ranges: dict[str, Range] = {}
        trials: int | None = None
        for path, text in self.texts.items():
            read = _read(text)
            if not isinstance(read, str):
                ranges[setting_of(path)] = read[0]
                trials = read[1] or trials
        return ranges, trials

    def faults(self, preset: Preset) -> dict[str, str]:
        """What is wrong with the ranges, by the path of the row. preset: the one that trials change."""
        if self._judged is None or self._judged[0] is not preset:
            self._judged = preset, _faults(self.texts, preset) if self.texts else {}
        return self._judged[1]


def setting_of(path: str) -> str:
    """The path of the setting that a row stands for: optimizer.name for the row of the optimizer."""
    return f"{path}.{FAMILIES[path].tag}" if path in FAMILIES else path


def fault_of(path: str, text: str, others: Mapping[str, str], preset: Preset) -> str | None:
    """What would be wrong with a range; None where nothing is. others: ranges by the path of their row."""
    return _faults({**others, path: text}, preset).get(path)


def _read(text: str) -> tuple[Range, int | None] | str:
    """The range and its number of trials, or what is wrong with it."""
    from workbench.tuning.ranges import parse_range

    try:
        return parse_range(text, WHERE)
    except PresetError as error:
        return str(error).removeprefix(f"{WHERE}: ")


def _faults(texts: Mapping[str, str], preset: Preset) -> dict[str, str]:
    from workbench.tuning.space import SearchSpace

    ranges: dict[str, Range] = {}
    faults: dict[str, str] = {}
    asked: int | None = None
    for path, text in texts.items():
        read = _read(text)
        if isinstance(read, str):
            faults[path] = read
            continue
        range_, trials = read
        if trials is not None and asked not in (None, trials):
            faults[path] = f"both {asked} and {trials} trials are asked for; name one number"
        asked = asked if trials is None else trials
        ranges[path] = range_
    # The choices of a family first: they decide which other settings trials have.
    choices: dict[str, Range] = {}
    for path in sorted(ranges, key=lambda path: path not in FAMILIES):
        setting = setting_of(path)
        try:
            SearchSpace.parse({**choices, setting: ranges[path]}, preset, WHERE)
        except PresetError as error:
            faults.setdefault(path, str(error).removeprefix(f"{WHERE}: ").removeprefix(f"{setting}: "))
        else:
            if path in FAMILIES:
                choices[setting] = ranges[path]
    return faults
