"""The table of actions of the Tune screen, and their keys."""

from __future__ import annotations

from workbench.ui.keys.action import Action

GROUP, VIEW = "Tune", "What is shown"

ACTIONS: tuple[Action, ...] = (
    Action("start_or_pause", ("space",), "start", "start, pause or resume: a search or all folds", GROUP, 100),
    Action("stop", ("x",), "stop", "stop the study: all is saved, and it can be resumed", GROUP, 90, words="end kill"),
    Action("resume", ("R",), "resume", "resume the study: stopped, failed or lost", GROUP, 85, words="continue"),
    Action("open_trial", ("enter",), "open trial", "open the trial: as a run on the main screen", GROUP, 70),
    Action("discard", ("X",), "discard", "discard the trial: it does not continue", GROUP, 60, words="prune"),
    Action("take", ("t",), "load settings", "load its settings: those of the trial, into the form", GROUP, 75),
    Action("take_best", ("B",), "take best", "take the best trial's settings", GROUP, 65, words="load"),
    Action("save", ("S",), "save as", "save the trial as a preset", GROUP, 55, words="write"),
    Action("add_place", ("plus",), "more places", "one more place to train: a free GPU or a worker", GROUP, 47, "+ -"),
    Action("remove_place", ("minus",), "fewer places", "take a place back: once the trial there ends", GROUP),
    Action("mark", ("apostrophe",), "mark", "mark the trial: to compare it", GROUP, 48),
    Action("judge", ("J",), "judge", "judge the model: confusion, curves, samples", GROUP, 46, words="evaluate"),
    Action("compare", ("v",), "compare", "compare the marked trials: settings and results that differ", GROUP, 68),
    Action("studies", ("r",), "studies", "list studies: show another one", GROUP, 50, words="history"),
    Action("setting(-1)", ("left",), "setting", "previous setting: against the result", VIEW),
    Action("setting(1)", ("right",), "setting", "next setting: against the result", VIEW, 40, "left right"),
    Action("panel('tune-trials')", ("1",), "trials", "go to the trials", VIEW),
    Action("panel('tune-curves')", ("2",), "panels", "go to the curves", VIEW, 45, "1-4"),
    Action("panel('tune-setting')", ("3",), "setting", "go to the setting: against the result", VIEW),
    Action("panel('tune-best')", ("4",), "best", "go to the best result against time", VIEW),
    Action(
        "maximise",
        ("m",),
        "maximise",
        "maximise the panel: again brings the others back",
        VIEW,
        30,
        words="zoom full screen",
    ),
    Action("all_values", ("circumflex_accent",), "outliers", "show outliers: or a robust y axis", VIEW, words="y"),
    Action("logarithmic", ("L",), "log scale", "log scale: logarithmic axis of the results", VIEW),
    Action("keys", ("question_mark",), "keys", "keyboard help: what every key does", GROUP, 80, words="shortcuts"),
    Action("leave", ("escape", "q", "T"), "back", "back to the main screen: the study continues", GROUP, 95),
)
