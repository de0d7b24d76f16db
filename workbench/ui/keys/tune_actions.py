"""The table of actions of the Tune screen, and their keys."""

from __future__ import annotations

from workbench.ui.keys.actions import Action

GROUP, VIEW = "Tune", "What is shown"
PLUS = "one more place to train: a GPU that nobody uses, or a worker"
MINUS = "take a place back; the trial there ends first"

ACTIONS: tuple[Action, ...] = (
    Action("start_or_pause", ("space",), "start", "start a search; while it runs, pause and resume it", GROUP, 100),
    Action("stop", ("x",), "stop", "stop the study; all is saved, and it can be resumed", GROUP, 90),
    Action("resume", ("R",), "resume", "resume a study that was stopped or killed", GROUP, 85),
    Action("open_trial", ("enter",), "open trial", "watch the trial under the cursor as a run", GROUP, 70),
    Action("discard", ("X",), "discard", "discard the trial under the cursor: it does not continue", GROUP, 60),
    Action("take", ("t",), "take settings", "take the settings of the trial under the cursor", GROUP, 75),
    Action("take_best", ("B",), "take best", "take the settings of the best trial", GROUP, 65),
    Action("save", ("S",), "save as preset", "save the trial under the cursor as a preset", GROUP, 55),
    Action("add_place", ("plus",), "more or fewer places", PLUS, GROUP, 47, "+ -"),
    Action("remove_place", ("minus",), "", MINUS, GROUP),
    Action("mark", ("apostrophe",), "mark", "mark it (up to four), to compare", GROUP, 48),
    Action("compare", ("v",), "compare", "the settings and results in which the marked trials differ", GROUP, 68),
    Action("studies", ("r",), "studies", "show another study", GROUP, 50),
    Action("setting(-1)", ("left",), "", "the setting before, against the result", VIEW),
    Action("setting(1)", ("right",), "setting", "the next setting against the result", VIEW, 40, "left right"),
    Action("panel('tune-trials')", ("1",), "", "go to the trials", VIEW),
    Action("panel('tune-curves')", ("2",), "panels", "go to the curves", VIEW, 45, "1-4"),
    Action("panel('tune-setting')", ("3",), "", "go to the setting against the result", VIEW),
    Action("panel('tune-best')", ("4",), "", "go to the best result against time", VIEW),
    Action("maximise", ("m",), "maximise", "give the focused panel the whole screen, and back", VIEW, 30),
    Action("logarithmic", ("L",), "", "logarithmic scale of the results", VIEW),
    Action("keys", ("question_mark",), "keys", "keyboard help", GROUP, 80),
    Action("leave", ("escape", "q", "T"), "back", "back to the main screen; the study continues", GROUP, 95),
)
