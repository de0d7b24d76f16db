"""The keyboard help: sections of keys and what they do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from workbench.ui.keys.action import Action
from workbench.ui.keys.app_actions import ACTIONS as APP_ACTIONS
from workbench.ui.keys.app_actions import OTHER_KEYS as APP_KEYS
from workbench.ui.keys.key_names import key_name


class HelpRow(NamedTuple):
    """Keys, what they do, and other words by which that is found."""

    keys: str
    text: str
    words: str = ""


Section = tuple[str, Sequence[HelpRow]]


def help_sections(
    actions: Sequence[Action], others: Iterable[tuple[str, Iterable[tuple[str, str]]]] = ()
) -> list[Section]:
    """The sections of a screen: its actions by group, then `others`, then what works on every screen."""
    own = {group: _rows(actions, group) for group in dict.fromkeys(action.group for action in actions)}
    more = {title: [HelpRow(keys, text) for keys, text in rows] for title, rows in (*others, *APP_KEYS)}
    everywhere = {action.group: _rows(APP_ACTIONS, action.group) for action in APP_ACTIONS}
    sections: dict[str, list[HelpRow]] = {}
    for part in (own, more, everywhere):
        for title, rows in part.items():
            sections.setdefault(title, []).extend(rows)
    return list(sections.items())


def _rows(actions: Iterable[Action], group: str) -> list[HelpRow]:
    return [
        HelpRow(" ".join(map(key_name, action.keys)), action.help, f"{action.label} {action.words}")
        for action in actions
        if action.group == group and action.keys
    ]


def matching(sections: Iterable[Section], typed: str) -> list[Section]:
    """The rows that have all typed words, or the typed key; a section without one is left out."""
    kept = [(title, [row for row in rows if _fits(row, title, typed.strip())]) for title, rows in sections]
    return [(title, rows) for title, rows in kept if rows]


def _fits(row: HelpRow, title: str, typed: str) -> bool:
    if len(typed) == 1:  # nearly every text has the letter: a key is meant
        return typed in row.keys.split()
    text = f"{row.keys} {row.text} {row.words} {title}".casefold()
    return all(word in text for word in typed.casefold().split())
