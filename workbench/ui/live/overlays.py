"""The runs that the charts overlay: which they are, what tells them apart, and when they leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.runs.directory import RunDirectory
from workbench.runs.history import RunHistory
from workbench.runs.study import read_study
from workbench.settings.changes import read
from workbench.settings.differing import NAMES, differing
from workbench.settings.judged import is_same_data
from workbench.settings.run_keys import labels_of_settings
from workbench.ui.form.parsing import shown, wording
from workbench.ui.live.watch import Watch
from workbench.ui.look.run_marks import RunMark, RunMarks
from workbench.units import counted

SEED, RATE, CHANGES = "training.seed", "optimizer.learning_rate", "changes"
SHORT_NAMES = {"learning rate": "lr"}
"""Names of settings that a legend shortens."""
BY_SEED, BY_PRESET, BY_STUDY = "over seeds", "by preset", "by study"
"""Groupings that are no single setting; the first: of runs that differ in the seed alone."""


@dataclass(frozen=True)
class Overlay:
    """One run, or a group of runs, as the charts draw it beside the watched one."""

    mark: RunMark
    parts: tuple[str, ...]
    """What tells it from the others: lr 0.01, seed 3."""
    histories: tuple[RunHistory, ...]
    """Of its runs. Of several, their mean is drawn, and the range that they span."""

    @property
    def label(self) -> str:
        """What tells it from the others, in a line."""
        return ", ".join(self.parts)


@dataclass(frozen=True)
class OverlaidRun:
    """A run as it was read to be compared with others."""

    watch: Watch
    settings: Mapping[str, Any]
    """By key path. A learning rate that was changed while it trained is a text: 0.01 → 0.02."""
    study: str
    """The study that it belongs to; its own name without one."""

    @classmethod
    def of(cls, watch: Watch) -> OverlaidRun:
        """Makes it of a watch that has read its run."""
        made = watch.preset if watch.own_loop is None else watch.own_loop
        settings = {} if made is None else made.flat()
        study = read_study(watch.run.study) or watch.run.name
        return cls(watch, _with_rates(settings, watch.learning_rate), study)

    @classmethod
    def read(cls, run: RunDirectory) -> OverlaidRun:
        """Reads a run to the end of its files, which may take seconds. Raises WorkbenchError, OSError."""
        watch = Watch(run)
        watch.read_all()
        return cls.of(watch)

    @property
    def name(self) -> str:
        """The name of its directory."""
        return self.watch.run.name

    @property
    def preset_name(self) -> str:
        """The name of its preset, or of the loop that made it."""
        return str(self.settings.get("name", self.name))


class Overlays:
    """The overlaid runs, in the order in which they were marked; in groups, if the user wants it so."""

    def __init__(self, marks: RunMarks) -> None:
        self._marks = marks
        self._runs: list[OverlaidRun] = []
        self._grouping = ""
        """What the runs of a group have in common: one of those above, or the path of a setting; empty: no groups."""
        self._fitted_to: tuple[str, str | None] | None = None
        """The watched run and its task, which all of them fit."""
        self._shown_for: tuple[str, float | None] | None = None
        """The watched run and its learning rate, for which the two below hold; None: they are to be made anew."""
        self._shown: list[Overlay] = []
        self._own_label = ""

    # Which runs.

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the runs."""
        return tuple(run.name for run in self._runs)

    def put(self, runs: Sequence[OverlaidRun]) -> None:
        """Overlays these runs, and no others."""
        self._runs, self._grouping, self._fitted_to, self._shown_for = list(runs), "", None, None
        for run in runs:
            self._marks.of(run.name)  # letters in the order of marking, also for runs that are not drawn

    def rename(self, before: str, now: RunDirectory) -> None:
        """Keeps a renamed run overlaid, under its new name."""
        for run in self._runs:
            if run.name == before:
                run.watch.run = now
        self._shown_for = None

    def poll(self) -> bool:
        """Reads what the runs in progress have written; True if there was anything."""
        written = [run.watch.poll() for run in self._runs if run.watch.is_alive]
        return any(written)

    def fit_to(self, watched: Watch | None) -> str:
        """Drops the runs whose data or task are not the watched run's; a sentence that says so, empty if all stay."""
        if watched is None or (key := (watched.run.name, watched.history.view.task)) == self._fitted_to:
            return ""
        self._fitted_to = key
        reasons = {run.name: reason for run in self._runs if (reason := _misfit(run.watch, watched))}
        if not reasons:
            return ""
        self._runs = [run for run in self._runs if run.name not in reasons]
        self._shown_for = None
        letters = ", ".join(self._marks.of(name).letter for name in reasons)
        return f"no longer overlaid: {letters}, {' and '.join(dict.fromkeys(reasons.values()))} than this run"

    # How they are drawn.

    def shown(self, watched: Watch | None) -> list[Overlay]:
        """What the charts draw beside the watched run, which is never laid over itself."""
        self._renew(watched)
        return self._shown

    def histories(self, watched: Watch | None) -> list[RunHistory]:
        """The histories of all that is drawn beside the watched run."""
        return [history for overlay in self.shown(watched) for history in overlay.histories]

    def own_label(self, watched: Watch | None) -> str:
        """What tells the watched run from those that it overlays; empty without any."""
        self._renew(watched)
        return self._own_label

    def next_grouping(self, watched: Watch | None) -> str:
        """Groups the runs by the next thing that some of them have in common; says in a sentence which."""
        others = self._beside(watched)
        choices = ["", *_groupings(others)]
        if len(choices) == 1:
            return "to group overlaid runs, overlay two or more of the same preset, study or setting"
        place = choices.index(self._grouping) if self._grouping in choices else 0
        self._grouping, self._shown_for = choices[(place + 1) % len(choices)], None
        if not self._grouping:
            return "each overlaid run is drawn by itself"
        groups = len(_grouped(others, self._grouping))
        named = (BY_SEED, BY_PRESET, BY_STUDY)
        how = self._grouping if self._grouping in named else f"by {_names_of([self._grouping])[self._grouping]}"
        return f"overlaid runs grouped {how}: {counted(groups, 'group')}, drawn as mean and range"

    def _beside(self, watched: Watch | None) -> list[OverlaidRun]:
        return [run for run in self._runs if watched is None or run.name != watched.run.name]

    def _renew(self, watched: Watch | None) -> None:
        key = ("", None) if watched is None else (watched.run.name, watched.learning_rate)
        if key == self._shown_for:
            return
        self._shown_for = key
        others = self._beside(watched)
        if not others:
            self._shown, self._own_label = [], ""
            return
        groups = _grouped(others, self._grouping) if self._grouping else [[run] for run in others]
        labelled = [*groups, *([] if watched is None else [[OverlaidRun.of(watched)]])]
        varied = list(differing([run.settings for group in labelled for run in group]))
        labels = _unique([_label(group, varied) for group in labelled], labelled)
        self._shown = [
            Overlay(self._marks.of(group[0].name), label, tuple(run.watch.history for run in group))
            for group, label in zip(groups, labels, strict=False)
        ]
        self._own_label = "" if watched is None else ", ".join(labels[-1])


def _misfit(watch: Watch, watched: Watch) -> str:
    """Why a run's curves cannot be compared with those of the watched run; empty if they can, as far as is known."""
    if watch.preset is not None and watched.preset is not None and not is_same_data(watch.preset, watched.preset):
        return "trained on other data"
    tasks = watch.history.view.task, watched.history.view.task
    return "trained for another task" if all(tasks) and tasks[0] != tasks[1] else ""


# Labels.


def _names_of(paths: Iterable[str]) -> dict[str, str]:
    """The settings' names by their paths, which tell them apart."""
    return {path: SHORT_NAMES.get(name, name) for path, name in labels_of_settings(paths).items()}


def _label(group: Sequence[OverlaidRun], varied: Sequence[str]) -> tuple[str, ...]:
    """The settings that its runs have in common and not with all others; how many runs they are, if several.

    varied: the paths of the settings that are not the same in all runs.
    """
    inside, settings = differing([run.settings for run in group]), group[0].settings
    common = [path for path in varied if path not in inside and settings.get(path) is not None]
    names = _names_of(varied)
    parts = [f"{names[path]} {wording(settings[path])}" for path in common]
    if len(group) > 1:
        parts.append(f"mean of {len(group)} {'seeds' if list(inside) == [SEED] else 'runs'}")
    return tuple(parts)


def _with_rates(settings: dict[str, Any], now: float | None) -> dict[str, Any]:
    """The settings with the first and the last learning rate as one. now: the present one; None: it is not known."""
    rates = [settings.get(RATE), *(rate for _, rate in read(settings.pop(CHANGES, None))), now]
    known = [rate for rate in rates if isinstance(rate, int | float)]
    if known and known[-1] != known[0]:
        settings[RATE] = f"{shown(known[0])} → {shown(known[-1])}"
    return settings


def _unique(labels: Sequence[tuple[str, ...]], groups: Sequence[Sequence[OverlaidRun]]) -> list[tuple[str, ...]]:
    """The labels; those that would be the same also say of which preset their run is, and when it began."""
    return [
        label if label and labels.count(label) == 1 else (group[0].watch.title, *label)
        for label, group in zip(labels, groups, strict=True)
    ]


# Groups.


def _groupings(runs: Sequence[OverlaidRun]) -> list[str]:
    """By what the runs can be grouped so that some group has two of them."""
    settings = differing([run.settings for run in runs])
    candidates = [BY_SEED, BY_PRESET, BY_STUDY, *(path for path in settings if path != SEED)]
    found: dict[tuple[tuple[str, ...], ...], str] = {}
    for grouping in candidates:
        groups = _grouped(runs, grouping)
        if len(groups) < len(runs):
            names = tuple(tuple(run.name for run in group) for group in groups)
            found.setdefault(names, grouping)  # what makes the same groups is no other grouping
    return list(found.values())


def _grouped(runs: Sequence[OverlaidRun], grouping: str) -> list[list[OverlaidRun]]:
    groups: dict[str, list[OverlaidRun]] = {}
    for run in runs:
        groups.setdefault(_common(run, grouping), []).append(run)
    return list(groups.values())


def _common(run: OverlaidRun, grouping: str) -> str:
    """What the runs of a group have in common, as a text."""
    if grouping == BY_PRESET:
        return run.preset_name
    if grouping == BY_STUDY:
        return run.study
    if grouping == BY_SEED:
        return repr({path: value for path, value in run.settings.items() if path not in (SEED, *NAMES)})
    return repr(run.settings.get(grouping))
