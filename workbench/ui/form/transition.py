"""What differs between two states of the form, in a few words: batch size 64 → 32."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.settings.preset import FAMILIES
from workbench.settings.problems import shortened
from workbench.ui.form.fields import NOT_SET, PRESET, TABLES, path_of
from workbench.ui.form.history import State
from workbench.ui.form.parsing import shown, wording
from workbench.ui.form.values import Values

MOST_NAMED = 2
"""At most this many settings are named; further ones are counted."""


@dataclass(frozen=True)
class Transition:
    """How the form got from one state to another."""

    path: str
    """The first setting that differs; the head of its table where another choice was made, or a preset opened."""
    words: str


def transition(before: State, now: State) -> Transition:
    """Describes the way from one state to another."""
    if before.opened is not now.opened:
        return Transition(PRESET, f"preset {before.values.preset.name} → {now.values.preset.name}")
    old, new = _shown(before.values), _shown(now.values)
    changed = {table for table in FAMILIES if old[table] != new[table]}
    paths = list(dict.fromkeys([*new, *old]))
    differing = [
        path
        for path in paths
        if old.get(path) != new.get(path) and (path in changed or path.partition(".")[0] not in changed)
    ]
    named = [f"{_label(path)} {_cut(old.get(path))} → {_cut(new.get(path))}" for path in differing[:MOST_NAMED]]
    more = len(differing) - MOST_NAMED
    return Transition(differing[0] if differing else "", ", ".join(named) + (f" and {more} more" if more > 0 else ""))


def _shown(values: Values) -> dict[str, str]:
    """Everything that the form shows, by path."""
    texts: dict[str, str] = {}
    for table in TABLES:
        if table in FAMILIES:
            texts[table] = wording(values.tables[table][FAMILIES[table].tag])
        for key, value in values.tables[table].items():
            if table not in FAMILIES or key != FAMILIES[table].tag:
                texts[path_of(table, key)] = shown(value)
    return texts | values.typed | values.asked.texts


def _label(path: str) -> str:
    return wording(path.rpartition(".")[2])


def _cut(text: str | None) -> str:
    return shortened(text) if text else NOT_SET
