"""The one table of the main screen's actions, and their keys.

Bindings, the line of keys, `?` and the command palette are all made from it. It uses no keys that terminals or tmux
keep for themselves (ctrl+enter, ctrl+b, alt+...).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from rich.style import Style
from textual.binding import Binding


@dataclass(frozen=True)
class Action:
    """An action of the main screen, carried out by its method `action_<name>`."""

    name: str
    keys: tuple[str, ...]
    """As Textual names them; the first is the one that is shown."""
    label: str
    """For the line of keys: a word or two."""
    help: str
    """For `?` and the palette: a sentence."""
    group: str
    rank: int = 0
    """Priority in the line of keys: where room is short, lower ones are left out first; 0 is never in that line."""

    shown: str = ""
    """The key that the line of keys shows, if that is not the first one."""

    @property
    def palette_name(self) -> str:
        """Its name in the palette, with its key."""
        return f"{PALETTE_NAMES.get(self.name, self.help)} ({key_name(self.keys[0])})"

    @property
    def shown_key(self) -> str:
        """The key as people write it: ^s, [, space."""
        return self.shown or key_name(self.keys[0])


_KEY_NAMES = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "slash": "/",
    "comma": ",",
    "full_stop": ".",
    "plus": "+",
    "minus": "-",
    "apostrophe": "'",
    "number_sign": "#",
    "exclamation_mark": "!",
    "asterisk": "*",
    "at": "@",
    "percent_sign": "%",
    "escape": "esc",
}

_WHOLE_NAMES = ("space", "enter", "tab", "delete")


@cache
def pressed_by_click(shown: str) -> Style:
    """The style of a key's name: a click on it presses the key. None for a name that is not that of one key."""
    key = _textual_key(shown)
    return Style.from_meta({"@click": f"app.simulate_key({key!r})"}) if key else Style()


@cache
def _textual_key(shown: str) -> str:
    if len(shown) > 1 and shown.startswith("^"):
        return f"ctrl+{_textual_key(shown[1:])}"
    names = {name: key for key, name in _KEY_NAMES.items()}
    return names.get(shown, shown if len(shown) == 1 or shown in _WHOLE_NAMES else "")


def key_name(key: str) -> str:
    """A key of Textual's as people write it."""
    if key.startswith("ctrl+"):
        return f"^{key_name(key.removeprefix('ctrl+'))}"
    return _KEY_NAMES.get(key, key)


RUN, SETTINGS, VIEW, APP = "The run", "Settings and presets", "What is shown", "workbench"

ACTIONS: tuple[Action, ...] = (
    Action("start_or_pause", ("space",), "start", "start training or a search; pause, resume", RUN, 100),
    Action("stop", ("x",), "stop", "stop after this step; everything is saved", RUN, 90),
    Action("slower", ("left_square_bracket",), "", "lower the learning rate: one step of 1-2-5", RUN),
    Action("faster", ("right_square_bracket",), "", "raise the learning rate: one step of 1-2-5", RUN),
    Action("learning_rate", ("l",), "learning rate", "set the learning rate while it runs", RUN, 40),
    Action("undo_learning_rate", ("z",), "", "undo the last change of the learning rate", RUN),
    Action("profile", ("p",), "profile", "profile the next steps, with a trace", RUN, 46),
    Action("show_profile", ("w",), "", "the last profile: the slowest operators", RUN),
    Action("memory_snapshot", ("P",), "", "memory snapshot: what holds memory", RUN),
    Action("show_memory_snapshot", ("W",), "", "the last memory snapshot", RUN),
    Action("checkpoint", ("c",), "checkpoint", "write a checkpoint now", RUN, 20),
    Action("resume_run", ("R",), "resume", "resume a stopped, failed or lost run", RUN, 30),
    Action("try_advice", ("a",), "", "measure what the advice would bring", RUN),
    Action("next_advice", ("A",), "", "the next advice", RUN),
    Action("advice", ("i",), "", "all advice: figures, thresholds, sources", RUN),
    Action("runs", ("r",), "runs", "all runs: open, compare, overlay, delete", RUN, 60),
    Action("export", ("E",), "", "export the run: model, script, report", RUN),
    Action("tune", ("T",), "tune", "tune: search settings, watch a study", RUN, 65),
    Action("open_preset", ("ctrl+o",), "open", "open a preset", SETTINGS, 70),
    Action("save_preset", ("ctrl+s",), "save", "save the preset", SETTINGS, 80),
    Action("save_preset_as", ("S",), "save as", "save under another name", SETTINGS),
    Action("changes", ("d",), "changes", "what differs from the opened preset", SETTINGS, 35),
    Action("revert", ("U",), "revert", "back to the opened preset", SETTINGS),
    Action("find", ("slash",), "find", "find a setting by name", SETTINGS, 45),
    Action("measure", ("M",), "", "on learning rate or batch size: measure it", SETTINGS),
    Action("data", ("D",), "", "the data: what it holds, its samples", SETTINGS),
    Action("command", ("Y",), "command", "the command that trains the same", SETTINGS, 25),
    Action("panel('settings')", ("1",), "settings", "go to the settings", VIEW),
    Action("panel('charts')", ("2",), "panels", "go to the charts", VIEW, 75, "1-8"),
    Action("panel('timing')", ("3",), "time and memory", "step time and memory", VIEW),
    Action("panel('metrics')", ("4",), "metrics", "metrics by class, confusion, test result", VIEW),
    Action("panel('log')", ("5",), "log", "the trainer's log and warnings", VIEW),
    Action("panel('machine')", ("6",), "machine", "GPUs and processor: utilization, memory, processes", VIEW),
    Action("panel('health')", ("7",), "health", "gradients, weights and activations of each layer", VIEW),
    Action("panel('model')", ("8",), "model and data", "the model's layers, samples, the schedule", VIEW),
    Action("maximise", ("m",), "maximise", "the focused panel on the whole screen", VIEW, 50),
    Action("four_charts", ("V",), "two or four charts", "learning rate and throughput as charts", VIEW),
    Action("logarithmic", ("L",), "log scale", "logarithmic scale of the charts", VIEW),
    Action("x_axis", ("e",), "x axis", "x axis by step, epoch or time", VIEW),
    Action("smooth(-1)", ("comma",), "less smooth", "smooth the curves less", VIEW),
    Action("smooth(1)", ("full_stop",), "smoother", "smooth the curves more", VIEW),
    Action("hide_notice", ("escape",), "", "dismiss the notice of how a run ended", VIEW),
    Action("next_theme", ("ctrl+t",), "theme", "next theme: dark, light, the terminal's own", APP),
    Action("keys", ("question_mark",), "keys", "keyboard help", APP, 95),
    Action("ask_to_quit", ("q", "ctrl+q", "ctrl+c"), "quit", "quit; a run may continue without the app", APP, 98),
)

PALETTE_NAMES = {
    "start_or_pause": "Start training, pause or resume it",
    "stop": "Stop run",
    "slower": "Lower the learning rate",
    "faster": "Raise the learning rate",
    "learning_rate": "Set the learning rate",
    "undo_learning_rate": "Undo the last change of the learning rate",
    "profile": "Profile the next steps (trace)",
    "show_profile": "Show the last profile",
    "memory_snapshot": "Take a memory snapshot",
    "show_memory_snapshot": "Show the last memory snapshot",
    "checkpoint": "Write a checkpoint",
    "resume_run": "Resume run",
    "try_advice": "Try the advice: compare both settings",
    "next_advice": "Next advice",
    "advice": "Advice: explain all",
    "runs": "Runs: open, compare runs, overlay, delete",
    "export": "Export run: weights, ONNX, script, report, TensorBoard",
    "tune": "Tune: search settings, hyperparameters; studies and trials",
    "open_preset": "Open preset",
    "save_preset": "Save preset",
    "save_preset_as": "Save preset as",
    "changes": "Changes: diff from the opened preset",
    "revert": "Revert to the opened preset, undo all changes",
    "find": "Find setting, search",
    "measure": "Measure the learning rate (range test) or the batch size, at its setting",
    "data": "Data: classes, counts, what samples look like",
    "command": "Command line: copy it, train without the app",
    "panel('settings')": "Go to settings",
    "panel('charts')": "Go to charts",
    "panel('timing')": "Go to step time and memory",
    "panel('metrics')": "Go to metrics, confusion matrix",
    "panel('log')": "Go to log, warnings",
    "panel('machine')": "Go to machine, GPUs, nvidia-smi, processes",
    "panel('health')": "Go to health, gradients, weights, activations",
    "panel('model')": "Go to model and data, layers, samples, schedule",
    "maximise": "Maximise panel, zoom, full screen",
    "four_charts": "Two or four charts",
    "logarithmic": "Log scale, logarithmic axis",
    "x_axis": "X axis: step, epoch, time",
    "smooth(-1)": "Smooth curves less",
    "smooth(1)": "Smooth curves more",
    "hide_notice": "Dismiss the notice",
    "next_theme": "Next theme: dark, light, terminal colours",
    "keys": "Keyboard help, shortcuts",
    "ask_to_quit": "Quit, exit",
}
"""By action, its name in the palette, with words that people search for. The others have their help as name."""

OTHER_KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "In the settings",
        (
            ("up down", "move; also j k, page up/down, home, end"),
            ("left right", "step a value or a choice; also - +"),
            ("enter", "edit: a list, a field, a switch"),
            ("delete", "back to the preset's value"),
            ("f F", "fold this family; fold all"),
            ("1e-4..1e-1", "search a range; also relu|gelu, and x20"),
            ("esc", "leave a field as it was"),
        ),
    ),
    (
        "In a chart",
        (
            ("left right", "a cursor that reads values; also pages"),
            ("esc", "no cursor"),
            ("enter", "maximise, and back"),
            ("b", "accuracy chart: the next metric"),
            ("L p r x c R", "on its axis: learning rate set, pause, resume, stop, checkpoint, run resumed"),
        ),
    ),
    ("Anywhere", (("tab", "next panel; shift+tab the one before"), ("^p", "the palette: every action by name"))),
)


def bindings(actions: Iterable[Action] = ACTIONS) -> list[Binding]:
    """Textual's bindings of the table."""
    return [Binding(",".join(action.keys), action.name, action.help, show=False) for action in actions]


def help_sections(actions: Sequence[Action] = ACTIONS) -> list[tuple[str, list[tuple[str, str]]]]:
    """Sections of (keys, what they do), as `?` shows them."""
    groups = dict.fromkeys(action.group for action in actions)
    sections = [
        (group, [(" ".join(map(key_name, action.keys)), action.help) for action in actions if action.group == group])
        for group in groups
    ]
    return sections + [(title, list(rows)) for title, rows in OTHER_KEYS]


def action(name: str) -> Action:
    """The action of that name."""
    return next(item for item in ACTIONS if item.name == name)
