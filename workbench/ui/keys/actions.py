"""The table of the main screen's actions, and their keys.

Bindings, the line of keys, `?` and the command palette are all made from it. It uses no keys that terminals or tmux
keep for themselves (ctrl+enter, ctrl+b, alt+...).
"""

from __future__ import annotations

from workbench.ui.keys.action import Action
from workbench.ui.keys.app_actions import APP

RUN, SETTINGS, VIEW, CHARTS = "The run", "Settings and presets", "What is shown", "The charts"

ACTIONS: tuple[Action, ...] = (
    Action("start_or_pause", ("space",), "start", "start, pause or resume: a run or a search", RUN, 100),
    Action("stop", ("x",), "stop", "stop the run: after this step, and save all", RUN, 90, words="end kill"),
    Action("resume_run", ("R",), "resume", "resume the run: stopped, failed or lost", RUN, 30, words="continue"),
    Action("learning_rate", ("l",), "learning rate", "set the learning rate: while it runs", RUN, 40, words="lr"),
    Action("slower", ("left_square_bracket",), "lower rate", "lower the learning rate: 1-2-5 steps", RUN, words="lr"),
    Action("faster", ("right_square_bracket",), "raise rate", "raise the learning rate: 1-2-5 steps", RUN, words="lr"),
    Action("undo_learning_rate", ("z",), "undo rate", "undo the last change of rate", RUN, words="learning lr"),
    Action("checkpoint", ("c",), "checkpoint", "write a checkpoint", RUN, 20, words="save weights"),
    Action("profile", ("p",), "profile", "profile the next steps: operators and a trace", RUN, 46, words="perfetto"),
    Action("show_profile", ("w",), "last profile", "show the last profile: the slowest operators", RUN, words="trace"),
    Action("memory_snapshot", ("P",), "memory snapshot", "take a memory snapshot: what holds memory", RUN, words="oom"),
    Action("show_memory_snapshot", ("W",), "last snapshot", "show the last memory snapshot", RUN, words="oom"),
    Action("try_advice", ("a",), "try advice", "try the advice: measure both settings in turns", RUN),
    Action("next_advice", ("A",), "next advice", "next advice", RUN, words="finding warning"),
    Action("advice", ("i",), "advice", "explain all advice: figures, thresholds, sources", RUN, words="findings why"),
    Action("runs", ("r",), "runs", "list runs: open, compare, overlay, delete", RUN, 60, words="compare history"),
    Action("judge", ("J",), "judge", "judge the model: confusion, curves, samples", RUN, 44, words="evaluate roc"),
    Action("export", ("E",), "export", "export the run: model, script, report", RUN, words="onnx csv html weights"),
    Action("tune", ("T",), "tune", "tune the settings: searches, studies, trials", RUN, 65, words="hyperparameters"),
    Action("open_preset", ("ctrl+o",), "open", "open a preset", SETTINGS, 70, words="load file"),
    Action("save_preset", ("ctrl+s",), "save", "save the preset", SETTINGS, 80, words="write file"),
    Action("save_preset_as", ("S",), "save as", "save the preset as: under another name", SETTINGS, words="write copy"),
    Action("changes", ("d",), "changes", "show the changes: from the opened preset", SETTINGS, 72, words="diff"),
    Action("undo", ("u",), "undo", "undo a change: of the settings", SETTINGS, 71, words="back"),
    Action("redo", ("ctrl+r",), "redo", "redo the undone change", SETTINGS, words="again forward"),
    Action("revert", ("U",), "revert", "revert to the opened preset", SETTINGS, words="undo all reset"),
    Action("find", ("slash",), "find", "find a setting: by name or meaning", SETTINGS, 45, words="search filter"),
    Action(
        "measure", ("M",), "measure", "measure the setting: learning rate or batch size", SETTINGS, words="range test"
    ),
    Action("data", ("D",), "data", "look at the data: classes, counts, samples", SETTINGS, words="images dataset"),
    Action("command", ("Y",), "command", "copy the command: it trains the same without the app", SETTINGS, 25),
    Action("panel('settings')", ("1",), "settings", "go to the settings", VIEW, words="form"),
    Action("panel('charts')", ("2",), "panels", "go to the charts", VIEW, 75, "1-8", words="curves loss plots"),
    Action("panel('timing')", ("3",), "time and memory", "go to step time and memory", VIEW, words="phases speed"),
    Action("panel('metrics')", ("4",), "metrics", "go to the metrics: by class, confusion, test", VIEW, words="f1"),
    Action("panel('log')", ("5",), "log", "go to the log: messages and warnings", VIEW, words="output"),
    Action("panel('machine')", ("6",), "machine", "go to the machine: GPUs, processes", VIEW, words="nvidia-smi"),
    Action("panel('health')", ("7",), "health", "go to health: gradients, activations", VIEW),
    Action("panel('model')", ("8",), "model and data", "go to model and data: layers, samples", VIEW),
    Action("maximise", ("m",), "maximise", "maximise the panel: m again undoes it", VIEW, 50, words="full screen"),
    Action("hide_notice", ("escape",), "dismiss", "dismiss the notice: of how a run ended", VIEW, words="close hide"),
    Action("more_charts", ("V",), "more charts", "more charts: 2, 4 or 6 at once", CHARTS, words="fewer grid"),
    Action("choose_charts", ("C",), "choose", "choose charts: metrics, rate, norms, times, memory", CHARTS),
    Action("overlay", ("o",), "overlay", "overlay other runs: mark them in the list", CHARTS, words="compare"),
    Action("remove_overlays", ("O",), "no overlays", "remove all overlays", CHARTS),
    Action("group_overlays", ("at",), "group", "group overlaid runs: mean and range", CHARTS, words="seeds band"),
    Action("zoom(1)", ("plus", "equals_sign"), "zoom in", "zoom in: about the cursor or the end", CHARTS, words="x"),
    Action("zoom(-1)", ("minus",), "zoom out", "zoom out: the wheel zooms at the mouse", CHARTS),
    Action("pan(-1)", ("less_than_sign",), "pan left", "pan left: to earlier steps", CHARTS, words="scroll"),
    Action("pan(1)", ("greater_than_sign",), "pan right", "pan right: the end follows the run", CHARTS, words="scroll"),
    Action("whole_range", ("0",), "whole range", "show the whole range: of the x axis", CHARTS, words="reset zoom"),
    Action("all_values", ("circumflex_accent",), "outliers", "show outliers: or a robust y axis", CHARTS, words="y"),
    Action("logarithmic", ("L",), "log scale", "log scale: of the focused chart, else of all", CHARTS),
    Action("x_axis", ("e",), "x axis", "x axis: by step, epoch or time", CHARTS),
    Action("smooth(-1)", ("comma",), "less smooth", "smooth curves less", CHARTS, words="smoothing"),
    Action("smooth(1)", ("full_stop",), "smoother", "smooth curves more", CHARTS, words="smoothing"),
    Action("keys", ("question_mark",), "keys", "keyboard help: what every key does", APP, 95, words="shortcuts"),
    Action("ask_to_quit", ("q",), "quit", "quit: a run may continue without the app", APP, 98, words="exit leave"),
)

OTHER_KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "In the settings",
        (
            ("up down", "move; also j k, page up/down, home, end"),
            ("left right", "step a value or a choice; also - +"),
            ("enter", "edit: a list, a field, a switch"),
            ("delete", "back to the preset's value; u undoes, ^r redoes"),
            ("tab", "in a field: complete a file, a folder, a column"),
            ("/", "finds settings without effect too, which are not listed"),
            ("f F", "fold this family; fold all"),
            ("range", "1e-4..1e-1 in a field searches it; also relu|gelu, and x20"),
            ("esc", "leave a field as it was"),
        ),
    ),
    (
        CHARTS,
        (
            ("left right", "a cursor that reads values in all charts; shift: ten cells"),
            ("home end", "the cursor where the data begin, or end"),
            ("up down", "one curve in front, the others grey"),
            ("page up/down", "the next charts, those before"),
            ("esc", "no cursor, no curve in front"),
            ("wheel", "zoom at the mouse; with shift or ctrl, pan"),
            ("enter", "maximise, and back"),
            ("b", "accuracy chart: the next metric"),
            (
                "letters",
                "on its axis: L learning rate, p pause, r resume, x stop, c checkpoint, R resumed, × not finite",
            ),
        ),
    ),
    (
        "In the health of the layers",
        (
            ("b", "next metric: gradients, weights, activations"),
            ("left right", "a cursor over time; esc removes it"),
        ),
    ),
)
"""Keys of panels and fields, by where they work."""


def action(name: str) -> Action:
    """The action of that name."""
    return next(item for item in ACTIONS if item.name == name)
