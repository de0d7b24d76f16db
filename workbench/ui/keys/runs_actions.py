"""The table of actions in the list of runs, and their keys."""

from __future__ import annotations

from workbench.ui.keys.actions import Action

GROUP = "All runs"

ACTIONS: tuple[Action, ...] = (
    Action("open", ("enter",), "open", "watch the run, or look at it as it ended", GROUP, 90),
    Action("mark", ("space",), "mark", "mark it, to overlay, compare, export or delete", GROUP, 85),
    Action(
        "overlay",
        ("o",),
        "overlay",
        "overlay the marked runs on the charts; none marked: remove overlays",
        GROUP,
        80,
    ),
    Action("compare", ("v",), "compare", "the settings and results in which the marked runs differ", GROUP, 75),
    Action("take", ("t",), "load settings", "load its settings for the next run", GROUP, 60),
    Action("resume", ("R",), "resume", "resume a stopped, failed or lost run", GROUP, 50),
    Action("export", ("E",), "export", "export it: model, script, report; the marked runs: a report of all", GROUP, 42),
    Action("mark_all", ("percent_sign",), "", "mark all that are shown; if they are, remove the marks", GROUP),
    Action("pin", ("asterisk",), "pin", "pin it: the others show how far they are from it", GROUP, 38),
    Action("columns", ("C",), "columns", "choose the columns: settings, metrics, device, note", GROUP, 36),
    Action("group", ("at",), "group", "group by preset, study, tags or a setting: means and deviations", GROUP, 34),
    Action("fold", ("f",), "fold", "fold the group", GROUP, 25),
    Action("fold_all", ("F",), "", "fold all groups", GROUP),
    Action("sort", ("s",), "sort", "sort by the next column", GROUP, 40),
    Action("reverse", ("exclamation_mark",), "", "sort the other way round", GROUP),
    Action("filter", ("slash",), "filter", "filter: words, acc > 0.97, lr < 0.01, tag:night, and, or, not", GROUP, 45),
    Action("save_filter", ("ctrl+s",), "", "save the filter under a name; down in its field lists the saved", GROUP),
    Action("tag", ("number_sign",), "tag", "edit its tags; of marked runs: add and remove some", GROUP, 28),
    Action("note", ("n",), "note", "edit its note", GROUP, 27),
    Action("rename", ("N",), "rename", "rename a run that has ended", GROUP, 26),
    Action(
        "delete",
        ("delete", "backspace"),
        "delete",
        "delete it, or the marked runs: their directories, after asking",
        GROUP,
        30,
    ),
    Action("keys", ("question_mark",), "keys", "keyboard help", GROUP, 70),
    Action("leave", ("escape", "q", "r"), "back", "back to the main screen", GROUP, 95),
)
