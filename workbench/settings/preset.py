"""A preset: all settings, from data to runtime, as a TOML file or as an object.

Missing settings take their defaults. Anything unknown, of a wrong type or out of bounds is refused with its place and
what is allowed. Saving and loading a preset gives the same preset.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import tomli_w
from pydantic import Field, ValidationError, field_validator

from workbench.atomic_files import write_text_atomically
from workbench.errors import PresetError
from workbench.files import expanded
from workbench.printable import is_text
from workbench.runs.own_loop import refuse_own_loop
from workbench.runs.preset_text import flattened
from workbench.settings.activation import ACTIVATIONS, Activation, Relu
from workbench.settings.assignments import DEEP, MOST_BYTES, assign, parse_assignment, switched
from workbench.settings.base import Family, PathMarker, Settings, setting
from workbench.settings.changes import Change, check_order
from workbench.settings.data import DATA, Data, Digits, ModuleData
from workbench.settings.loss import LOSSES, CrossEntropy, Loss
from workbench.settings.model import MODELS, Mlp, Model, ModuleModel
from workbench.settings.optimizer import OPTIMIZERS, Adam, Optimizer
from workbench.settings.problems import describe_syntax_error, describe_validation_error
from workbench.settings.renamed import with_present_names
from workbench.settings.runtime import Runtime
from workbench.settings.schedule import SCHEDULES, AnySchedule, Constant
from workbench.settings.search import Range, check_keys
from workbench.settings.search import to_toml as search_to_toml
from workbench.settings.training import Training
from workbench.settings.validation import VALIDATIONS, HoldOut, Validation
from workbench.units import size

FAMILIES: dict[str, Family] = {
    family.name: family for family in (DATA, MODELS, ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, VALIDATIONS)
}
"""The tables of a preset that hold a choice, by name. `training` and `runtime` are plain tables."""


class Preset(Settings):
    """All settings of a run."""

    sense: ClassVar[str] = "name, purpose"

    name: str = setting(
        "unnamed",
        "what the preset and its runs are called: letters, digits, _ . + -",
        pattern=r"^[A-Za-z0-9_.+-]{1,64}$",
    )
    description: str = setting("", "what it is for, in a line")
    data: Data = Field(default_factory=Digits)
    model: Model = Field(default_factory=Mlp)
    activation: Activation = Field(default_factory=Relu)
    loss: Loss = Field(default_factory=CrossEntropy)
    optimizer: Optimizer = Field(default_factory=Adam)
    schedule: AnySchedule = Field(default_factory=Constant)
    validation: Validation = Field(default_factory=HoldOut)
    training: Training = Field(default_factory=Training)
    runtime: Runtime = Field(default_factory=Runtime)
    search: dict[str, Range] = setting({}, "the values that a search may give to settings; training ignores it")
    """By the path of the setting, such as optimizer.learning_rate."""
    changes: tuple[Change, ...] = setting(
        (), "changes of the learning rate while training, each at its step", empty="no changes"
    )
    """The last field, so that a run's preset.toml only grows at its end."""

    @field_validator("search", mode="before")
    @classmethod
    def _search_names_settings(cls, search: Any) -> Any:
        check_keys(search)
        return search

    @field_validator("changes")
    @classmethod
    def _changes_are_in_order(cls, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        check_order(changes)
        return changes

    @field_validator("name")
    @classmethod
    def _is_no_option_and_no_folder(cls, name: str) -> str:
        """`-rf` would be read as an option, `..` as a folder, and `.x` would be hidden."""
        if name[0] in ".+-":
            raise ValueError("must begin with a letter, a digit or _")
        return name

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], where: str, text: str = "") -> Preset:
        """Builds the preset from a mapping such as a parsed TOML file.

        where: the name of the source in error messages; text: the TOML text, for line numbers. Raises PresetError.
        """
        try:
            tagged = _with_default_tags(values)
            try:
                return cls.model_validate(tagged)
            except ValidationError as error:
                problems = describe_validation_error(error, tagged, cls, FAMILIES, where, text)
        except RecursionError:
            problems = f"{where} is not a preset: it is nested too deeply"
        raise PresetError(problems)

    @classmethod
    def from_toml(cls, text: str, where: str) -> Preset:
        """Builds the preset from a TOML text; `where` is its name in error messages. Raises PresetError."""
        values = _parsed(text, where)
        refuse_own_loop(values, where)
        return cls.from_mapping(values, where, text)

    @classmethod
    def load(cls, path: Path) -> Preset:
        """Loads the preset in a file. Raises PresetError, also if the file cannot be read."""
        return cls.from_toml(_text_of(path), str(path))

    @classmethod
    def of_run(cls, path: Path) -> Preset:
        """Loads the preset in a run's preset.toml. Raises PresetError.

        The run may be older than a renamed setting, so old names are accepted. Raises NoPresetError where a loop of the
        user's own has made the run.
        """
        text = _text_of(path)
        values = _parsed(text, str(path))
        refuse_own_loop(values, str(path))
        return cls.from_mapping(with_present_names(values), str(path), text)

    def to_mapping(self) -> dict[str, Any]:
        """All settings as nested dictionaries of TOML values, the name of a choice first.

        With a table `search` only where there is something to search.
        """
        values = self.model_dump(exclude={"search"})
        if self.search:
            values["search"] = {path: range_.to_mapping() for path, range_ in self.search.items()}
        for name, family in FAMILIES.items():
            values[name] = {family.tag: values[name].pop(family.tag), **values[name]}
        return values

    def to_toml(self) -> str:
        """What is trained as TOML, defaults included, so that a later change of a default changes no old preset.

        A run's preset.toml: without what a search may try.
        """
        return self._to_toml({})

    def _to_toml(self, search: Mapping[str, Range]) -> str:
        values = self.without_search().to_mapping()
        changes = values.pop("changes")
        # By hand: tomli_w would write them as one line at the top.
        return (
            tomli_w.dumps(values)
            + search_to_toml(search)
            + "".join(f"\n[[changes]]\n{tomli_w.dumps(change)}" for change in changes)
        )

    def save(self, path: Path) -> None:
        """Writes the preset and its table of what to search, all of it or nothing. Raises StorageError."""
        write_text_atomically(path, self._to_toml(self.search))

    def without_search(self) -> Preset:
        """What is trained: the preset without its table of what to search."""
        return self.model_copy(update={"search": {}}) if self.search else self

    def override(self, assignments: Sequence[str], each: Sequence[str] = ()) -> Preset:
        """Returns the preset with `key.path=value` assignments applied; values are TOML, bare words are text.

        Another choice of a family keeps the settings that both choices have, and takes its own defaults for the rest.
        each: further assignments, which were given with `--each`. Raises PresetError.
        """
        where = "--set" if not each else "--set and --each" if assignments else "--each"
        parsed = [parse_assignment(assignment) for assignment in assignments]
        return self._with([*parsed, *(parse_assignment(assignment, "--each") for assignment in each)], where)

    def with_values(self, values: Mapping[str, Any], where: str) -> Preset:
        """The preset with other values by key path, such as {"optimizer.learning_rate": 0.003}.

        Otherwise as `override`. where: what error messages call the source. Raises PresetError.
        """
        return self._with([(path.split("."), value) for path, value in values.items()], where)

    def _with(self, parsed: list[tuple[list[str], Any]], where: str) -> Preset:
        values = self.to_mapping()
        # The choice of a family first, so that the order of the assignments does not matter.
        for path, value in sorted(parsed, key=lambda item: not _is_tag(item[0])):
            if _is_tag(path):
                values[path[0]] = switched(FAMILIES[path[0]], values[path[0]], value)
            else:
                assign(values, path, value, where)
        return self.from_mapping(values, where)

    def with_absolute_paths(self) -> Preset:
        """Returns the preset with absolute paths, so that it means the same in any working folder.

        A path stays relative if the name of a folder around it is not valid UTF-8.
        """
        values = self.to_mapping()
        for name in FAMILIES:
            for key, field in type(getattr(self, name)).model_fields.items():
                path = values[name][key]
                if path and any(isinstance(item, PathMarker) for item in field.metadata):
                    absolute = str(expanded(path).absolute())
                    values[name][key] = absolute if is_text(absolute) else path
        return self.from_mapping(values, self.name)

    def at_learning_rate(self, learning_rate: float) -> Preset:
        """Returns the preset with this learning rate and without changes, as of a run that has reached this rate."""
        optimizer = self.optimizer.model_copy(update={"learning_rate": learning_rate})
        return self.model_copy(update={"optimizer": optimizer, "changes": ()})

    def code_references(self) -> list[str]:
        """The user's functions that training would call, as `package.module:function`."""
        return [reference for reference, _ in self.code_calls()]

    def code_calls(self) -> list[tuple[str, dict[str, Any]]]:
        """The user's functions that training would call, with the arguments from this preset."""
        choices = (self.data, self.model)
        return [(of.function, dict(of.arguments)) for of in choices if isinstance(of, (ModuleData, ModuleModel))]

    def flat(self) -> dict[str, Any]:
        """All settings by key path, such as optimizer.learning_rate."""
        return flattened(self.without_search().to_mapping())

    def differences(self, other: Preset) -> dict[str, tuple[Any, Any]]:
        """The settings that differ, by key path: (value here, value there); None if one side lacks the setting."""
        here, there = self.flat(), other.flat()
        paths = list(here) + [path for path in there if path not in here]
        return {path: (here.get(path), there.get(path)) for path in paths if here.get(path) != there.get(path)}


def _text_of(path: Path) -> str:
    """The text of a preset's file. Raises PresetError."""
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for a writer
            raise PresetError(f"{path} is not a plain file; a preset is a .toml file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise PresetError(f"{path} is larger than {size(MOST_BYTES)}: it is not a preset")
        # Universal newlines, as `open` reads a text file.
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise PresetError(f"{path} is not a text file in UTF-8") from None
    except OSError as error:
        raise PresetError(f"cannot read the preset {path}: {error.strerror}") from None


def _parsed(text: str, where: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises PresetError."""
    if DEEP.search(text):
        raise PresetError(f"{where} is not a preset: it is nested too deeply")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a plain ValueError, for a number with thousands of digits
        raise PresetError(describe_syntax_error(error, where)) from None


def _with_default_tags(values: Mapping[str, Any]) -> dict[str, Any]:
    """Adds the default choice to tables that name none, and converts lists to tuples, which strict types need."""
    tagged = {key: _tuples(value) for key, value in values.items()}
    for name, family in FAMILIES.items():
        table = tagged.get(name)
        if isinstance(table, dict) and family.tag not in table:
            tagged[name] = {family.tag: family.default.label(), **table}
    return tagged


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    return value


def _is_tag(path: list[str]) -> bool:
    return len(path) == 2 and path[0] in FAMILIES and path[1] == FAMILIES[path[0]].tag
