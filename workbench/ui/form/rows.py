"""A row of the form: everything about one setting, as text."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.settings.preset import FAMILIES
from workbench.ui.form.fields import Completes, Field, Kind, choices_of, path_of
from workbench.ui.form.parsing import shown, typed, wording


@dataclass(frozen=True)
class Row:
    """A setting, or the head of a family or plain table."""

    path: str
    """The key path, such as optimizer.learning_rate; the name of the table for its head."""
    table: str
    label: str
    value: str
    """As shown; the typed text, if it is invalid; empty for an empty list, dictionary or text."""
    kind: Kind
    help: str = ""
    bounds: str = ""
    unit: str = ""
    default: str = ""
    changed: bool = False
    """Whether it differs from the opened preset."""
    problem: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    """(name, one-line explanation) of each; `Draft.choose` and `Draft.enter` take the name."""
    chosen: str = ""
    """The name of the present choice, one of `choices`."""
    typed: str = ""
    """The text in the field when editing begins."""
    can_step: bool = False
    completes: Completes = ""
    """The kind of completions offered while typing."""
    examples: tuple[str, ...] = ()
    """Values that are suggested while typing."""
    empty: str = ""
    """What the present value stands for, where that is 0 or nothing: never, all others."""
    lacks: str = ""
    """What must be chosen for it to have an effect; empty if it has one."""
    is_default: bool = True
    sense: str = ""
    """Of the head of a plain table: what it is about, in a few words."""

    @property
    def is_listed(self) -> bool:
        """Whether it is shown: what has no effect is, if it was set."""
        return not self.lacks or self.changed or bool(self.problem) or not self.is_default

    @property
    def is_head(self) -> bool:
        """Whether it is the head of a group of settings."""
        return self.kind in ("family", "table")


def family_row(family: str, label: str, summary: str, *, changed: bool) -> Row:
    """The head of a family: the present choice, and its summary."""
    return Row(
        path=family,
        table=family,
        label=wording(family),
        value=wording(label),
        kind="family",
        help=summary,
        changed=changed,
        choices=choices_of(family),
        chosen=label,
        typed=label,
        can_step=True,
        is_default=label == FAMILIES[family].default.label(),
    )


def table_row(table: str, sense: str, summary: str) -> Row:
    """The head of a plain table."""
    return Row(path=table, table=table, label=wording(table), value="", kind="table", help=summary, sense=sense)


def setting_row(table: str, field: Field, value: object, text: str | None, *, changed: bool, problem: str) -> Row:
    """A setting. text: the typed text, if it is invalid; value: None if there is none yet."""
    now = "" if value is None else shown(value)
    return Row(
        path=path_of(table, field.key),
        table=table,
        label=field.label,
        value=(wording(now) if field.kind == "choice" else now) if text is None else text,
        kind=field.kind,
        help=field.help,
        bounds=field.bounds,
        unit=field.unit,
        default=wording(field.shown_default) if field.kind == "choice" else field.shown_default,
        changed=changed,
        problem=problem,
        choices=field.choices,
        chosen=now,
        typed=("" if value is None else typed(value)) if text is None else text,
        can_step=field.can_step,
        completes=field.completes,
        examples=field.examples,
        empty=field.meaning_of(value) if text is None else "",
        is_default=text is None and value == field.default,
    )
