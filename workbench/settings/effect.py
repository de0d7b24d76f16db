"""Where a setting has an effect: its declaration (`only_if`) names what must be chosen besides it.

A condition is a path and the values that may be there: `{"data.encoding": ("log_mel", "mfcc")}`. The path leads to a
setting, or to a property of a choice; without a table, it is of the same table. No values stand for any but 0, off and
empty. Where nothing is known, as of a property that the choice does not have, a setting counts as having an effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic.fields import FieldInfo

from workbench.settings.base import Conditions, Settings
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.problems import shortened
from workbench.settings.toml_text import toml

Chosen = Mapping[str, Settings]
"""By table."""

_WORDS = {
    "data.predicts": "for {values}",
    "data.brings_test": "for data without a test split of its own",
    "data.is_one_text": "for data other than one long text",
    "model.uses_activation": "with hidden layers",
    "validation.chooses_epoch": "where validation can choose the best epoch",
    "hidden": "with hidden layers",
    "tokenizer": "without a tokenizer file",
    "weight_decouple": "if weight decay is decoupled",
}
"""The wording of conditions whose path and values would not be understood by themselves."""


def chosen_of(tables: Mapping[str, tuple[type[Settings], Mapping[str, Any]]]) -> dict[str, Settings]:
    """The tables as objects, from the class and the values of each; some values may be missing."""
    return {name: model.model_construct(**values) for name, (model, values) in tables.items()}


def lacks(conditions: Conditions, table: str, chosen: Chosen) -> str:
    """What a setting of `table` needs to have an effect, in words: only with encoding mfcc; empty if it has one."""
    for path, values in conditions.items():
        place, _, key = path.rpartition(".")
        value = getattr(chosen[place or table], key, None)
        if value is not None and not (value in values if values else value):
            return condition_in_words(path, values)
    return ""


def condition_in_words(path: str, values: Sequence[Any]) -> str:
    """A condition in words: only with momentum."""
    label = path.rpartition(".")[2].replace("_", " ")
    listed = " or ".join(str(value).replace("_", " ") for value in values)
    return f"only {_WORDS.get(path, f'with {label} {listed}').format(values=listed)}".rstrip()


def without_effect(preset: Preset) -> list[str]:
    """The settings of a preset that are not at their default and have no effect, each in a sentence."""
    tables = ((name, getattr(preset, name)) for name in Preset.model_fields)
    chosen = {name: table for name, table in tables if isinstance(table, Settings)}
    said = []
    for table, settings in chosen.items():
        family = FAMILIES.get(table)
        reason = lacks(family.only_if, table, chosen) if family is not None else ""
        if family is not None and reason and type(settings) is not family.default:
            said.append(f"{table}.{family.tag} = {toml(getattr(settings, family.tag))} has no effect here: {reason}")
        for key, info in type(settings).model_fields.items():
            value = getattr(settings, key)
            is_set = (family is None or key != family.tag) and value != info.default
            if is_set and (why := reason or lacks(conditions_of(info), table, chosen)):
                said.append(f"{table}.{key} = {shortened(toml(value))} has no effect here: {why}")
    return said


def conditions_of(info: FieldInfo) -> Conditions:
    """The conditions of a setting, as declared."""
    extra = info.json_schema_extra
    return cast(Conditions, extra.get("only_if", {})) if isinstance(extra, dict) else {}
