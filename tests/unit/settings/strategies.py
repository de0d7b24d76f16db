"""Hypothesis strategies for presets, derived from the declarations themselves: a new setting is covered for free."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from workbench.settings.base import Choice, Settings
from workbench.settings.preset import FAMILIES
from workbench.settings.runtime import Runtime
from workbench.settings.training import Training

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def from_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a field's JSON schema allows."""
    if "anyOf" in schema:
        return st.one_of([from_schema(option) for option in schema["anyOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "integer":
            return st.integers(schema.get("minimum", -(2**40)), schema.get("maximum", 2**40))
        case "number":
            low = schema.get("minimum", schema.get("exclusiveMinimum", -1e9))
            high = schema.get("maximum", schema.get("exclusiveMaximum", 1e9))
            return st.floats(
                low,
                high,
                allow_nan=False,
                allow_infinity=False,
                exclude_min="exclusiveMinimum" in schema,
                exclude_max="exclusiveMaximum" in schema,
            )
        case "boolean":
            return st.booleans()
        case "string":
            return st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else TEXT
        case "array" if "prefixItems" in schema:
            return st.tuples(*[from_schema(item) for item in schema["prefixItems"]])
        case "array":
            return st.lists(from_schema(schema["items"]), min_size=schema.get("minItems", 0), max_size=4)
        case "object":
            return st.dictionaries(st.text("abcdef", min_size=1, max_size=5), st.booleans() | st.integers(-9, 9) | TEXT)
    raise AssertionError(f"no strategy for {schema}")


def table(settings: type[Settings]) -> st.SearchStrategy[dict[str, Any]]:
    """Some or all settings of a table; always those without a default."""
    properties = settings.model_json_schema()["properties"]
    needed = {name for name, field in settings.model_fields.items() if field.is_required()}
    if issubclass(settings, Choice):
        needed.add(settings.tag)
    fields = {name: from_schema(schema) for name, schema in properties.items()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in fields if name in needed},
        optional={name: fields[name] for name in fields if name not in needed},
    ).filter(_consistent)


def _consistent(values: dict[str, Any]) -> bool:
    """The rules between two settings.

    Nesterov needs momentum and no dampening; a fold is one of all; the heads of a transformer divide its width.
    """
    if values.get("name") == "transformer" and values.get("width", 128) % values.get("heads", 4):
        return False
    if (
        values.get("method") == "k_fold"
        and values.get("fold", "all") != "all"
        and values["fold"] >= values.get("folds", 5)
    ):
        return False
    return not values.get("nesterov") or (values.get("momentum", 0.9) > 0 and values.get("dampening", 0.0) == 0)


def presets() -> st.SearchStrategy[dict[str, Any]]:
    """Whole presets as mappings."""
    families = {name: st.one_of([table(choice) for choice in family.choices]) for name, family in FAMILIES.items()}
    names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,19}", fullmatch=True)
    return st.fixed_dictionaries(
        {},
        optional={
            "name": names,
            "description": TEXT,
            **families,
            "training": table(Training),
            "runtime": table(Runtime),
        },
    )
