"""The table of actions of the Judge screen, and their keys."""

from __future__ import annotations

from workbench.ui.keys.actions import Action

GROUP, VIEW = "Judge", "What is shown"

ACTIONS: tuple[Action, ...] = (
    Action("page(0)", ("1",), "pages", "the first page: confusion, or predicted against true", VIEW, 80, "1 2 3"),
    Action("page(1)", ("2",), "", "the second page", VIEW),
    Action("page(2)", ("3",), "", "the third page", VIEW),
    Action("open", ("enter",), "its samples", "the samples of the cell under the cursor", GROUP, 85),
    Action("move(0, -1)", ("up", "k"), "", "up: in the matrix, the classes, the samples", VIEW),
    Action("move(0, 1)", ("down", "j"), "", "down", VIEW),
    Action("move(-1, 0)", ("left",), "", "left: in the matrix; another chart, target or kind of samples", VIEW),
    Action("move(1, 0)", ("right",), "move", "right", VIEW, 60, "arrows"),
    Action("move(0, -10)", ("pageup",), "", "ten up", VIEW),
    Action("move(0, 10)", ("pagedown",), "", "ten down", VIEW),
    Action("edge(-1)", ("home", "g"), "", "to the first", VIEW),
    Action("edge(1)", ("end", "G"), "", "to the last", VIEW),
    Action("sort", ("s",), "order", "the classes: confused ones side by side, or as in the data", VIEW, 50),
    Action("next_split", ("C",), "split", "judge another split: test, validation, train", GROUP, 55),
    Action("again", ("space",), "judge again", "judge the checkpoint as it is now", GROUP, 40),
    Action("copy", ("y",), "copy", "copy what is shown, as text", GROUP, 30),
    Action("keys", ("question_mark",), "keys", "keyboard help", GROUP, 70),
    Action("leave", ("escape", "q", "J"), "back", "back to where you came from", GROUP, 95),
)
