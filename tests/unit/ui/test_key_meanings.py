"""One key, one meaning: over all tables of actions, all bindings of panels and dialogs, and all lines of keys."""

from __future__ import annotations

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from textual.binding import Binding

import workbench.ui
from workbench.ui.keys.action import Action
from workbench.ui.keys.actions import ACTIONS
from workbench.ui.keys.app_actions import ACTIONS as APP_ACTIONS
from workbench.ui.keys.app_actions import VIM_KEYS
from workbench.ui.keys.judge_actions import ACTIONS as JUDGE_ACTIONS
from workbench.ui.keys.key_names import key_name
from workbench.ui.keys.meanings import key_of
from workbench.ui.keys.runs_actions import ACTIONS as RUNS_ACTIONS
from workbench.ui.keys.tune_actions import ACTIONS as TUNE_ACTIONS
from workbench.ui.panels.panel import Panel

TABLES = {"main": ACTIONS, "runs": RUNS_ACTIONS, "Tune": TUNE_ACTIONS, "Judge": JUDGE_ACTIONS, "app": APP_ACTIONS}

SEVERAL = {
    "space": "starts and pauses; in a list of runs, where nothing is started, it marks, as in every file manager",
    "enter": "whatever is the main thing to do with what has the focus",
    "esc": "leaves, closes, dismisses: the nearest thing that can be left",
    "delete": "deletes a run; resets a setting to the preset's value",
    "backspace": "as delete",
    "r": "the list of what is trained: runs; on the screen of studies, studies",
    "C": "chooses what is shown: charts, columns, a class, a split",
    "+": "more: a value, a range, places",
    "-": "less: a value, a range, places",
    "=": "as +, whose key it is",
    "^r": "redo",
    **dict.fromkeys("12345678", "a panel of the screen"),
    **dict.fromkeys(("tab", "shift+tab"), "moves among panels or fields"),
    **dict.fromkeys(("left", "right"), "moves within what has the focus, or steps its value"),
    **dict.fromkeys(("shift+left", "shift+right"), "ten cells"),
}
"""Keys that may mean several things, and why."""

MOVING = {"up", "down", "pageup", "pagedown", "home", "end", *VIM_KEYS}
"""Keys that move the cursor or scroll, whatever has the focus, and nothing else."""
MOVES = {
    "move",
    "turn_charts",
    "front",
    "page",
    "scroll",
    "scroll_lines",
    "choose",
    "jump",
    "select",
    "step",
    "simulate_key",
    "leave",
}
"""Their actions."""

LEAVING = {"back", "close", "quit", "cancel"}
"""The key that opened a dialog or a screen also leaves it; q quits, or leaves what lies over the main screen."""
TYPED_INTO = {"ValueField", "FindField", "CompletedField", "ChoiceList", "FilterField"}
"""Fields: their keys edit a text."""


def classes_of_the_app() -> Iterator[type[Any]]:
    for module in pkgutil.walk_packages(workbench.ui.__path__, "workbench.ui."):
        for each in vars(importlib.import_module(module.name)).values():
            if isinstance(each, type) and each.__module__ == module.name:
                yield each


def meanings() -> dict[str, dict[str, set[str]]]:
    """By key, its words, each with where it has them."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, table in TABLES.items():
        for action in table:
            for key in action.keys:
                found[key_name(key)][action.label].add(name)
    for each in classes_of_the_app():
        if each.__name__ in TYPED_INTO or "ACTIONS" in each.__dict__:
            continue  # a screen's bindings are its table
        for binding in each.__dict__.get("BINDINGS", ()):
            assert isinstance(binding, Binding), each
            method = binding.action.removeprefix("app.").removeprefix("screen.").partition("(")[0]
            words = binding.description or method.replace("_", " ")
            for key in binding.key.split(","):
                if key in MOVING:
                    words = "moves" if method in MOVES else words
                found[key_name(key)][words].add(each.__name__)
        if issubclass(each, Panel):
            for shown, words in each.KEYS:
                if " " not in shown and shown not in MOVING:
                    found[shown][words].add(each.__name__)
    return found


@pytest.mark.parametrize("key", sorted(set(meanings()) - set(SEVERAL)))
def test_a_key_has_the_same_words_everywhere(key: str) -> None:
    found = {words: sorted(places) for words, places in meanings()[key].items() if words not in LEAVING}
    assert len(found) <= 1, found


def test_the_keys_that_may_mean_several_things_are_few_and_in_use() -> None:
    assert len(SEVERAL) <= 32


@pytest.mark.parametrize("table", TABLES)
def test_no_two_actions_of_a_screen_share_a_key_and_none_is_one_that_the_terminal_keeps(table: str) -> None:
    keys = [key for action in TABLES[table] for key in action.keys]
    assert len(keys) == len(set(keys))
    assert not [key for key in keys if key.startswith("alt+") or key in ("ctrl+b", "ctrl+enter", "ctrl+z", "ctrl+c")]


@pytest.mark.parametrize("table", ["main", "runs", "Tune", "Judge"])
def test_what_works_everywhere_is_hidden_by_no_screen(table: str) -> None:
    keys = {key for action in TABLES[table] for key in action.keys}
    assert not keys & {key for action in APP_ACTIONS for key in action.keys}


@pytest.mark.parametrize("action", [each for table in TABLES.values() for each in table], ids=lambda each: each.name)
def test_an_action_has_short_words(action: Action) -> None:
    assert action.label
    assert len(action.label) <= 20
    assert len(action.title) <= 34, "a column of the palette"
    assert action.title[0].isupper()
    assert not action.help.endswith(".")


def test_an_answer_that_is_an_action_has_its_key() -> None:
    assert {name: key_of(name) for name in ("stop", "quit", "save", "discard", "revert", "delete", "yes")} == {
        "stop": "x",
        "quit": "q",
        "save": "ctrl+s",
        "discard": "X",
        "revert": "U",
        "delete": "delete",
        "yes": "",
    }
