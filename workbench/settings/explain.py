"""Describes settings for `--list`, `--explain` and the JSON schema, all from the same declarations."""

from __future__ import annotations

import json
from typing import Any

from pydantic.fields import FieldInfo

from workbench.errors import UsageError
from workbench.settings import library
from workbench.settings.base import Choice, Family, Settings
from workbench.settings.changes import Change
from workbench.settings.effect import condition_in_words, conditions_of
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.runtime import Runtime
from workbench.settings.search import Range
from workbench.settings.toml_text import toml
from workbench.settings.training import Training
from workbench.suggestion import nearest

PLAIN_TABLES: dict[str, type[Settings]] = {"training": Training, "runtime": Runtime}
REPEATED_TABLES: dict[str, type[Settings]] = {"search": Range, "changes": Change}
"""Those that a preset may have several of: by setting, or one after another."""


def list_names() -> list[str]:
    """The names that `--list` accepts."""
    return [_plural(family) for family in FAMILIES.values()] + ["presets"]


def list_choices(what: str) -> list[tuple[str, str, str]]:
    """Returns rows of (name, one-line explanation, defaults) for `--list optimizers`. Raises UsageError."""
    if what == "presets":
        rows = []
        for name in library.names():
            try:
                rows.append((name, library.load(name).description, str(library.find(name))))
            except UsageError as error:
                rows.append((name, f"broken: {error}".splitlines()[0], str(library.find(name))))
        return rows
    family = next((item for item in FAMILIES.values() if what in (item.name, _plural(item))), None)
    if family is None:
        raise UsageError(f"--list {what}: there is no such list{nearest(what, list_names())}")
    return [(choice.label(), choice.summary(), _defaults(choice)) for choice in family.choices]


def explain(path: str) -> list[tuple[str, str, list[tuple[str, str, str, str]]]]:
    """Explains `optimizer`, `optimizer.adam`, `optimizer.adam.betas` or `training.epochs`, for `--explain`.

    Returns a list of (title, summary, rows) with rows of (setting, type and bounds, default, meaning). Raises
    UsageError.
    """
    table, _, rest = path.partition(".")
    if table in PLAIN_TABLES:
        return [_section(table, PLAIN_TABLES[table], rest)]
    if table in REPEATED_TABLES:
        return [_section(table, REPEATED_TABLES[table], rest)]
    if table not in FAMILIES:
        known = [*FAMILIES, *PLAIN_TABLES, *REPEATED_TABLES]
        raise UsageError(f"--explain {path}: no table {table}{nearest(table, known)}")
    family = FAMILIES[table]
    if not rest:
        return [_section(f"{table}.{choice.label()}", choice, "") for choice in family.choices]
    label, _, key = rest.partition(".")
    choice = family.choice(label)
    if choice is None:
        raise UsageError(f"--explain {path}: no {table} {label}{nearest(label, family.labels)}")
    return [_section(f"{table}.{label}", choice, key)]


def schema() -> str:
    """Returns the JSON schema of presets, for editors that complete and check TOML."""
    described = Preset.model_json_schema()
    described["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    described["title"] = "workbench preset"
    return json.dumps(described, indent=2)


def type_and_bounds(described: dict[str, Any]) -> str:
    """Describes a field from its JSON schema: type, bounds and unit, e.g. `number, > 0, ≤ 1000`."""
    if "anyOf" in described:
        return " or ".join(type_and_bounds(option) for option in described["anyOf"] if option.get("type") != "null")
    if "enum" in described:
        return " | ".join(toml(option) for option in described["enum"])
    if described.get("type") == "array":
        items = described.get("prefixItems") or [described.get("items", {})]
        inner = ", ".join(dict.fromkeys(type_and_bounds(item) for item in items))
        count = f"{len(items)} × " if "prefixItems" in described else ""
        return f"list of {count}({inner})"
    names = {"integer": "whole number", "string": "text", "boolean": "true | false", "object": "table"}
    kind = str(described.get("type", "object" if "$ref" in described else "value"))
    parts = [names.get(kind, kind)]
    signs = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
    parts += [f"{sign} {_bound(described[key])}" for key, sign in signs.items() if key in described]
    if "unit" in described:
        parts.append(f"in {described['unit']}")
    return ", ".join(parts)


def _bound(number: float) -> str:
    """Formats a bound as declared: older versions of pydantic turn a float's bound of 1000 into 1000.0."""
    return toml(int(number) if number == int(number) else number)


def _section(title: str, settings: type[Settings], only: str) -> tuple[str, str, list[tuple[str, str, str, str]]]:
    tag = settings.tag if issubclass(settings, Choice) else ""
    fields = {name: field for name, field in settings.model_fields.items() if name != tag}
    described = settings.model_json_schema()["properties"]
    if only and only not in fields:
        raise UsageError(f"--explain {title}.{only}: no such setting{nearest(only, fields)}")
    rows = [
        (name, type_and_bounds(described[name]), _default(field), _meaning(field))
        for name, field in fields.items()
        if only in ("", name)
    ]
    return title, settings.summary(), rows


def _meaning(field: FieldInfo) -> str:
    """What a setting means, and what must be chosen besides for it to have an effect."""
    conditions = [condition_in_words(path, values) for path, values in conditions_of(field).items()]
    return "; ".join([field.description or "", *conditions])


def _plural(family: Family) -> str:
    return family.plural or f"{family.name}s"


def _defaults(choice: type[Choice]) -> str:
    shown = [f"{name} {_default(field)}" for name, field in choice.model_fields.items() if name != choice.tag]
    return ", ".join(shown)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if field.default is None:
        return "none"
    return toml(field.default)
