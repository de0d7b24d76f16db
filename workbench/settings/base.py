"""The base classes of settings: a setting is a typed field with bounds, unit, default and help, declared once.

TOML validation, `--set`, `--explain`, the JSON schema and the form in the app all use these declarations. A *choice* is
one option (the optimizer Adam, the data set iris) with its own settings; a *family* is the list of all choices of one
kind. Nothing here imports torch: a choice does so in its `build()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Conditions = dict[str, Sequence[Any]]
"""Values by path: what must be chosen for a setting to have an effect, see `workbench.settings.effect`."""

ANY: tuple[Any, ...] = ()
"""In conditions: any value but 0, off and empty."""

StepRule = Literal["ladder", "double"] | float
"""How the app's arrow keys step a number: 1-2-5 in every decade, in powers of two, or by multiples of a number."""


def setting(
    default: Any,
    help: str,
    *,
    unit: str = "",
    step: StepRule | None = None,
    names: Literal["", "columns"] = "",
    empty: str = "",
    only_if: Conditions | None = None,
    **bounds: Any,
) -> Any:
    """Declares a field: its default, help text, unit, and pydantic bounds (`gt`, `ge`, `lt`, `le`, ...).

    step: how the app's arrow keys step it, if its type and bounds do not decide. names: the values that the app
    suggests: "columns" for those of the table that the choice reads; it suggests `examples` too. empty: what 0, or
    nothing, stands for, in a word or two. only_if: what must be chosen besides for it to have an effect, see
    `workbench.settings.effect`.
    """
    given = {"unit": unit, "step": step, "names": names, "empty": empty, "only_if": only_if}
    extra: dict[str, Any] = {name: value for name, value in given.items() if value}
    return Field(default, description=help, json_schema_extra=extra or None, **bounds)


class Settings(BaseModel):
    """A table of a preset. Strict: no unknown keys, no text instead of a number, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    sense: ClassVar[str] = ""
    """What a table that holds no choice is about, in a few words."""

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring, which explains this choice."""
        return (cls.__doc__ or "").strip().splitlines()[0]


class Choice(Settings):
    """One option of a family. Its first field is the tag that names it in a preset."""

    tag: ClassVar[str] = "name"
    """The key that names the choice within its table."""

    @classmethod
    def label(cls) -> str:
        """The name that selects this choice in a preset."""
        return str(cls.model_fields[cls.tag].default)


@dataclass(frozen=True)
class Family:
    """All choices of one kind, and the default one."""

    name: str
    """The table of the preset, e.g. "optimizer"."""
    choices: tuple[type[Choice], ...]
    default: type[Choice]
    plural: str = ""
    """Its name in `--list`; empty for the name with an s."""
    only_if: Conditions = field(default_factory=dict)
    """What must be chosen for the family to have an effect."""

    @property
    def tag(self) -> str:
        """The key that names the choice within its table."""
        return self.default.tag

    @property
    def labels(self) -> list[str]:
        """The names of all choices, in display order."""
        return [choice.label() for choice in self.choices]

    def choice(self, label: str) -> type[Choice] | None:
        """The choice with that name, or None."""
        return next((choice for choice in self.choices if choice.label() == label), None)


def members(union: Any) -> tuple[type[Choice], ...]:
    """The choices of an annotated union such as `Annotated[Sgd | Adam, Field(discriminator="name")]`."""
    return get_args(get_args(union)[0])


@dataclass(frozen=True)
class PathMarker:
    """Marks a setting as a path: absolute once a run starts, so that the run can be resumed from any folder."""


PathText = Annotated[str, PathMarker(), Field(pattern=r"^[^\x00]*$")]

CODE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
"""`package.module:function`."""

Arguments = dict[str, str | int | float | bool]
"""Keyword arguments for a user's function."""
