"""The table of actions of the Judge screen, and their keys."""

from __future__ import annotations

from workbench.ui.keys.action import Action

GROUP, VIEW = "Judge", "What is shown"

ACTIONS: tuple[Action, ...] = (
    Action("page(0)", ("1",), "pages", "first page: confusion, or predicted against true", VIEW, 80, words="matrix"),
    Action("page(1)", ("2",), "second page", "second page: curves, or samples", VIEW, words="roc calibration"),
    Action("page(2)", ("3",), "third page", "third page: samples", VIEW, words="worst errors"),
    Action("open", ("enter",), "its samples", "show the samples of the cell", GROUP, 85, words="mistakes"),
    Action("sort", ("s",), "sort", "sort the classes: confused ones side by side, or as in the data", VIEW, 50),
    Action("next_split", ("C",), "split", "choose the split: test, validation, train", GROUP, 55, words="data"),
    Action(
        "again", ("space",), "judge again", "judge again: checkpoint and data as they are now", GROUP, 86, words="renew"
    ),
    Action("keys", ("question_mark",), "keys", "keyboard help: what every key does", GROUP, 70, words="shortcuts"),
    Action("leave", ("escape", "q", "J"), "back", "back to where you came from", GROUP, 95, words="close quit"),
)

MOVES: tuple[tuple[str, str], ...] = (
    ("up", "move(0, -1)"),
    ("down", "move(0, 1)"),
    ("left", "move(-1, 0)"),
    ("right", "move(1, 0)"),
    ("pageup", "move(0, -10)"),
    ("pagedown", "move(0, 10)"),
    ("home", "edge(-1)"),
    ("end", "edge(1)"),
)
"""Keys of the cursor, and their actions."""

OTHER_KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "On its pages",
        (
            ("arrows", "in the matrix: from cell to cell"),
            ("up down", "the next class of the curves, target or sample"),
            ("left right", "other samples: highest loss, most confident mistakes; on a small screen: other charts"),
        ),
    ),
)
