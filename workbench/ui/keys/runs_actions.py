"""The table of actions in the list of runs, and their keys."""

from __future__ import annotations

from workbench.ui.keys.action import Action

GROUP = "All runs"

ACTIONS: tuple[Action, ...] = (
    Action("open", ("enter",), "open", "open the run: watch it, or look at it as it ended", GROUP, 90),
    Action("mark", ("space", "apostrophe"), "mark", "mark the run: to overlay, compare, export or delete", GROUP, 85),
    Action("mark_all", ("percent_sign",), "mark all", "mark all runs: those that are shown; again: none", GROUP),
    Action("overlay", ("o",), "overlay", "overlay the marked runs: on the charts", GROUP, 80),
    Action("compare", ("v",), "compare", "compare the marked runs: a single run with the next one", GROUP, 75),
    Action("take", ("t",), "load settings", "load its settings: for the next run", GROUP, 60, words="take use preset"),
    Action("resume", ("R",), "resume", "resume the run: stopped, failed or lost", GROUP, 50, words="continue"),
    Action("judge", ("J",), "judge", "judge the model: confusion, curves, samples", GROUP, 44, words="evaluate"),
    Action("export", ("E",), "export", "export the run: model, script, report; or the marked runs", GROUP, 42),
    Action(
        "pin", ("asterisk",), "pin", "pin the run: the others show how far they are from it", GROUP, 38, words="base"
    ),
    Action("columns", ("C",), "columns", "choose the columns: settings, metrics, device, note", GROUP, 36),
    Action("group", ("at",), "group", "group the runs: by preset, study, tags or a setting", GROUP, 34, words="mean"),
    Action("fold", ("f",), "fold", "fold the group", GROUP, 25),
    Action("fold_all", ("F",), "fold all", "fold all groups", GROUP),
    Action("sort", ("s",), "sort", "sort by the next column", GROUP, 40, words="order"),
    Action("reverse", ("exclamation_mark",), "reverse", "reverse the order", GROUP, words="sort"),
    Action(
        "filter", ("slash",), "find", "find runs: words, acc > 0.97, tag:night, and, or, not", GROUP, 45, words="filter"
    ),
    Action("save_filter", ("ctrl+s",), "save", "save the filter: under a name", GROUP, words="query"),
    Action("saved_filters", (), "saved filters", "use a saved filter: down in its field lists them too", GROUP),
    Action("tag", ("number_sign",), "tag", "edit its tags: or those of all marked runs", GROUP, 28, words="label"),
    Action("note", ("n",), "note", "edit its note", GROUP, 27, words="comment"),
    Action("rename", ("N",), "rename", "rename the run: one that has ended", GROUP, 26, words="name"),
    Action("delete", ("delete", "backspace"), "delete", "delete the run, or the marked: after asking", GROUP, 30),
    Action("keys", ("question_mark",), "keys", "keyboard help: what every key does", GROUP, 70, words="shortcuts"),
    Action("leave", ("escape", "q", "r"), "back", "back to the main screen", GROUP, 95, words="close quit"),
)
