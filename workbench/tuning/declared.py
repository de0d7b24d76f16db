"""What the settings' declarations say about a path that is to be searched: who has it, and what values it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ValidationError

from workbench.errors import PresetError
from workbench.settings.base import Settings
from workbench.settings.explain import PLAIN_TABLES, type_and_bounds
from workbench.settings.judged import LOSS, decides_loss, may_be_judged_by_loss, task_of
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.problems import shortened, table_problems
from workbench.settings.toml_text import toml
from workbench.suggestion import nearest

INCOMPARABLE = {"data.name": "data sets", "validation": "splits", "training.monitor": "metrics"}
"""Settings, and a table, that decide what a result means: trials that differ in them cannot be ranked."""
CHANCE = "training.seed"
"""It decides by chance: the best of several seeds is not better with another one."""


@dataclass(frozen=True)
class Declared:
    """A setting that a search may vary."""

    path: str
    family: str
    """The table whose choice decides whether there is the setting; empty for a plain table, and for a choice itself."""
    owners: tuple[str, ...]
    """The choices of the family that have it."""
    models: tuple[type[Settings], ...]
    """Who declares it: the owners among those that may be chosen, or the plain table."""
    key: str
    argument: Any = None
    """The present value of an argument of the user's function, whose type takes the place of a declaration."""

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        if self.argument is not None:
            kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
            return {"type": kinds[type(self.argument)]}
        described: dict[str, Any] = _properties(self.models[0])[self.key]
        return described

    @property
    def is_number(self) -> bool:
        """Whether it takes a range."""
        return self.schema.get("type") in ("integer", "number")

    @property
    def is_whole(self) -> bool:
        """Whether it takes whole numbers only."""
        return self.schema.get("type") == "integer"

    @property
    def is_logarithmic(self) -> bool:
        """Whether equal factors matter in it, as its declaration says by the way in which it is stepped."""
        return self.schema.get("step") in ("ladder", "double")

    def problem(self, value: Any) -> str:
        """Why it cannot have a value; empty where it can."""
        if self.argument is not None:
            is_right = type(value) is type(self.argument)
            return "" if is_right else f"needs a value like the present one, {toml(self.argument)}"
        for model in self.models:
            found = _problem(model, self.key, value)
            if found:
                of = f" (of {self.family} {model.label()})" if self.family and hasattr(model, "label") else ""
                return f"{found}{of}"
        return ""

    def allowed(self) -> str:
        """Its type and bounds in words."""
        return type_and_bounds(self.schema)


@cache
def _properties(model: type[Settings]) -> dict[str, Any]:
    properties: dict[str, Any] = model.model_json_schema()["properties"]
    return properties


def _problem(model: type[Settings], key: str, value: Any) -> str:
    values = {key: value}
    tag = getattr(model, "tag", "")
    if tag in model.model_fields:
        values = {tag: model.model_fields[tag].default} | values
    try:
        model.model_validate(values)
    except ValidationError as error:
        return table_problems(error, model).get(key, "").replace("needs on or off", "needs true or false")
    return ""


def declared(path: str, chosen: Mapping[str, tuple[str, ...]], preset: Preset, where: str) -> Declared:
    """What is declared for a path.

    chosen: by family, the choices that a search may make. where: what messages call the source. Raises PresetError
    where no setting of that name can ever be in use.
    """
    table, _, key = path.partition(".")
    if what := INCOMPARABLE.get(path) or INCOMPARABLE.get(table):
        raise PresetError(f"{where}: {path} cannot be searched: trials with different {what} cannot be compared")
    if decides_loss(path) and may_be_judged_by_loss(preset, chosen["loss"]):
        raise _judged_by_loss(path, where, preset, chosen["loss"])
    if path == CHANCE:
        raise PresetError(
            f"{where}: {path} cannot be searched: the best seed is best by chance; "
            "how far seeds move the result is shown by: workbench tune repeat"
        )
    if table in PLAIN_TABLES and key in PLAIN_TABLES[table].model_fields:
        return Declared(path, "", (), (PLAIN_TABLES[table],), key)
    family = FAMILIES.get(table)
    if family is None:
        raise _unknown(path, where, chosen)
    if key == family.tag:
        return Declared(path, "", (), family.choices, key)
    key, _, argument = key.partition(".")
    owners = tuple(choice.label() for choice in family.choices if key in choice.model_fields)
    in_use = tuple(choice for choice in family.choices if choice.label() in owners and choice.label() in chosen[table])
    if not owners:
        raise _unknown(path, where, chosen)
    if not in_use:
        tag = f"{table}.{family.tag}"
        or_else = "" if tag in INCOMPARABLE else f", or search {tag} with {_listed(owners)} among its choices"
        raise PresetError(
            f"{where}: {path} is a setting of {_listed(owners)}, but {tag} is {_listed(chosen[table])}: "
            f"it would never be used; leave it out{or_else}"
        )
    if not argument:
        return Declared(path, table, owners, in_use, key)
    present = preset.flat().get(path)
    if key != "arguments" or present is None:
        advice = "; give it a value in the preset first" if key == "arguments" else ""
        raise _unknown(path, where, chosen, advice)
    return Declared(path, table, owners, in_use, key, present)


def _judged_by_loss(path: str, where: str, preset: Preset, losses: Sequence[str]) -> PresetError:
    auto = "" if preset.training.monitor == LOSS else ', as training.monitor = "auto" does for numbers'
    advice = {"classification": "accuracy", "regression": "rmse", "language_modeling": "token_accuracy"}.get(
        task_of(preset, losses) or "", "rmse (for numbers) or accuracy (for classes)"
    )
    return PresetError(
        f"{where}: {path} cannot be searched while the loss judges the trials{auto}: it changes the loss, and values "
        f"of different losses cannot be compared. Set training.monitor to a metric such as {advice}"
    )


def _unknown(path: str, where: str, chosen: Mapping[str, tuple[str, ...]], advice: str = "") -> PresetError:
    table, _, key = path.partition(".")
    named = key if key in FAMILIES else path if path in FAMILIES else ""
    if named:  # model.activation, or the bare activation
        advice = f"; did you mean {named}.{FAMILIES[named].tag}?"
    elif not advice and table in FAMILIES:
        models = [choice for choice in FAMILIES[table].choices if choice.label() in chosen[table]]
        advice = nearest(key, dict.fromkeys(known for model in models for known in model.model_fields))
    elif not advice:
        advice = nearest(key, PLAIN_TABLES[table].model_fields) if table in PLAIN_TABLES else ""
        advice = advice or nearest(table, [*FAMILIES, *PLAIN_TABLES])
    return PresetError(f"{where}: {shortened(path)}: there is no such setting{advice}")


def _listed(labels: tuple[str, ...]) -> str:
    return ", ".join(labels[:-1]) + (" or " if len(labels) > 1 else "") + labels[-1]
