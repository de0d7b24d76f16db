"""What a key means, over all tables: an answer in a dialog that is an action has the key of that action."""

from __future__ import annotations

from functools import cache

from workbench.ui.keys.actions import ACTIONS
from workbench.ui.keys.app_actions import ACTIONS as APP_ACTIONS
from workbench.ui.keys.runs_actions import ACTIONS as RUNS_ACTIONS
from workbench.ui.keys.tune_actions import ACTIONS as TUNE_ACTIONS


@cache
def key_of(label: str) -> str:
    """The key of the action with that label, as Textual names it; empty if there is none."""
    tables = (*ACTIONS, *RUNS_ACTIONS, *TUNE_ACTIONS, *APP_ACTIONS)
    return next((action.keys[0] for action in tables if action.label == label and action.keys), "")
