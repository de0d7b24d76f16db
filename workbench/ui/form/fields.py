"""The fields of the form, read from the declarations in `workbench.settings`; this file knows no setting by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cache
from typing import Any, Literal

from pydantic import create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from workbench.settings.base import Choice, Conditions, PathMarker, Settings
from workbench.settings.explain import PLAIN_TABLES, type_and_bounds
from workbench.settings.preset import FAMILIES, Preset
from workbench.ui.form.parsing import shown, wording
from workbench.ui.form.stepping import can_step

Kind = Literal["family", "table", "number", "choice", "flag", "text"]
Completes = Literal["", "file", "folder", "column", "columns", "examples"]
"""The kind of completions offered while typing into a field."""

_LONG_NUMBER = re.compile(r"\d{5,}")

NOT_SET = "not set"
"""How an empty text, list or dictionary is shown; `none` would look like a choice, which some settings have."""

PRESET = "preset"
"""Name and description in the form for the settings outside any table."""

TABLES: tuple[str, ...] = (*FAMILIES, *PLAIN_TABLES, PRESET)
"""The groups of the form, in order."""


@dataclass(frozen=True)
class Field:
    """One setting of a table, as declared."""

    key: str
    label: str
    kind: Kind
    help: str
    schema: dict[str, Any]
    bounds: str
    unit: str
    default: Any
    is_required: bool
    choices: tuple[tuple[str, str], ...]
    completes: Completes = ""
    examples: tuple[str, ...] = ()
    """Values that are suggested while typing; others may be typed."""
    empty: str = ""
    """What 0, or nothing, stands for."""
    only_if: Conditions = dataclass_field(default_factory=dict)
    """What must be chosen besides for it to have an effect."""

    @property
    def shown_default(self) -> str:
        """The default in words."""
        if self.is_required:
            return ""
        value, meaning = shown(self.default), self.meaning_of(self.default)
        return f"{value} ({meaning})" if value and meaning else value or meaning or NOT_SET

    def meaning_of(self, value: Any) -> str:
        """What a value of 0, or nothing, stands for; empty for any other value."""
        return self.empty if not value and value is not False else ""

    @property
    def can_step(self) -> bool:
        """Whether left and right do anything."""
        return can_step(self.schema)


def path_of(table: str, key: str) -> str:
    """The key path of a setting, as `--set` takes it."""
    return key if table == PRESET else f"{table}.{key}"


def table_of(path: str) -> tuple[str, str]:
    """The table and the key of a path; the key is empty for a table itself."""
    if path in TABLES:
        return path, ""
    table, dot, key = path.partition(".")
    return (table, key) if dot else (PRESET, path)


def model_of(table: str, label: str = "") -> type[Settings]:
    """The class that declares a table: a choice of a family, or a plain table. Raises KeyError for an unknown one."""
    if table == PRESET:
        return Preset
    if table in PLAIN_TABLES:
        return PLAIN_TABLES[table]
    choice = FAMILIES[table].choice(label)
    if choice is None:
        raise KeyError(label)
    return choice


@cache
def fields_of(model: type[Settings]) -> tuple[Field, ...]:
    """The settings of a table, those that have no default first."""
    left_out = {model.tag} if issubclass(model, Choice) else {*FAMILIES, *PLAIN_TABLES, "search"}
    infos: dict[str, Any] = {name: info for name, info in model.model_fields.items() if name not in left_out}
    # Only this table's schema: that of a whole preset includes every choice.
    definitions: dict[str, Any] = {name: (info.annotation, info) for name, info in infos.items()}
    alone = create_model(model.__name__, **definitions)
    described = alone.model_json_schema().get("properties", {})
    fields = [_field(model, name, described[name]) for name in infos]
    return tuple(sorted(fields, key=lambda field: not field.is_required))


@cache
def choices_of(family: str) -> tuple[tuple[str, str], ...]:
    """The choices of a family: (name, one-line explanation)."""
    return tuple((choice.label(), choice.summary()) for choice in FAMILIES[family].choices)


def _field(model: type[Settings], name: str, schema: dict[str, Any]) -> Field:
    info = model.model_fields[name]
    options = [value for option in schema.get("anyOf", [schema]) for value in option.get("enum", ())]
    return Field(
        key=name,
        label=wording(name),
        kind=_kind(schema),
        help=info.description or "",
        schema=schema,
        bounds=_bounds(schema),
        unit=schema.get("unit", ""),
        default=None if info.default is PydanticUndefined else info.default,
        is_required=info.is_required(),
        choices=tuple((shown(value), "") for value in options),
        completes=_completes(info, name, schema),
        examples=tuple(schema.get("examples", ())),
        empty=schema.get("empty", ""),
        only_if=schema.get("only_if", {}),
    )


def _completes(info: FieldInfo, name: str, schema: dict[str, Any]) -> Completes:
    if any(isinstance(item, PathMarker) for item in info.metadata):
        return "folder" if name == "folder" else "file"
    if schema.get("names") == "columns":
        return "columns" if schema.get("type") == "array" else "column"
    return "examples" if "examples" in schema else ""


def _kind(schema: dict[str, Any]) -> Kind:
    if "enum" in schema:
        return "choice"
    kinds: dict[str, Kind] = {"integer": "number", "number": "number", "boolean": "flag"}
    return kinds.get(str(schema.get("type")), "text")


def _bounds(schema: dict[str, Any]) -> str:
    """Type and bounds in words: number > 0, ≤ 1000; empty where the kind of the row says it all."""
    if _kind(schema) in ("choice", "flag"):
        return ""
    if "anyOf" in schema:
        names = [wording(value) for option in schema["anyOf"] for value in option.get("enum", ())]
        return " or ".join([", ".join(names), *(_bounds(option) for option in schema["anyOf"] if "enum" not in option)])
    words = type_and_bounds({key: value for key, value in schema.items() if key != "unit"})
    words = _LONG_NUMBER.sub(lambda number: f"{int(number[0]):,}", words)
    kind, comma, rest = words.partition(", ")
    return f"{kind} {rest}" if comma and rest[0] in "<>≤≥" else words
