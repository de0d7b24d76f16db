"""What a study varies, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from workbench.settings.validation import KFold
from workbench.ui.form.parsing import shown, wording
from workbench.ui.live.study_watch import Searched, StudyWatch
from workbench.ui.live.study_words import setting_label, value_words
from workbench.ui.panels.bars import thin_bar
from workbench.ui.panels.panel import Panel
from workbench.units import count, duration

LABEL_CELLS = 15
BAR_CELLS = 8
MUCH = 0.1
"""A fraction of all importance from which a setting matters."""

HEADINGS = {"repeat": "seeds", "folds": "cross-validation", "queue": "queue"}
"""Of studies that do not search."""


class TuneSpacePanel(Panel):
    """The settings that are searched, one of them chosen: it is the one that the panel beside shows."""

    KEYS = (("up down", "choose the setting that is shown against the result"),)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", show=False),
        Binding("down,j", "choose(1)", show=False),
    ]

    class Moved(Message):
        """The setting above or below is to be chosen."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._watch: StudyWatch | None = None
        self._chosen = 0
        self._importance: Mapping[str, float] = {}

    def show(self, watch: StudyWatch | None, chosen: int, importance: Mapping[str, float] | None = None) -> None:
        """Shows what is searched.

        chosen: the place of the setting among those that are searched; importance: of each setting, by its path, as a
        fraction of all.
        """
        self._watch, self._chosen, self._importance = watch, chosen, importance or {}
        self.redraw()

    @property
    def wanted_height(self) -> int:
        """Lines with the border, so that nothing is left out."""
        return 2 if self._watch is None else len(self._watch.searched) + len(_limits(self._watch)) + 2

    def action_choose(self, step: int) -> None:
        """Chooses the setting above or below."""
        self.post_message(self.Moved(step))

    def heading(self) -> Text:
        mattered = ("  what is searched, and how much it mattered" if self._importance else "", self.style_of("dim"))
        title = "space" if self._watch is None else HEADINGS.get(self._watch.question.way, "space")
        return Text.assemble((title, self.style_of("strong")), mattered)

    def footing(self) -> Text:
        count = 0 if self._watch is None else len(self._watch.searched)
        return Text("1 setting" if count == 1 else f"{count} settings" if count else "", self.style_of("dim"))

    def content(self, width: int, height: int) -> list[Text]:
        if self._watch is None:
            return []
        settings, limits = self._watch.searched, _limits(self._watch)
        room = max(height - len(limits), 1)
        first = max(min(self._chosen - room + 1, len(settings) - room), 0) if self._chosen >= room else 0
        lines = [self._setting(each, width, at_cursor=number == self._chosen) for number, each in enumerate(settings)][
            first : first + room
        ]
        return lines + [self._line(name, "accent", text) for name, text in limits]

    def _setting(self, each: Searched, width: int, *, at_cursor: bool) -> Text:
        mattered = self._mattered(each)
        log = "log" if each.log else ""
        line = self._line(setting_label(each.path), "text" if at_cursor else "dim", self._values(each))
        room = width - len(log) - mattered.cell_len
        line = self.cut(line, room - 1 if log or mattered else room)
        line.pad_right(room - line.cell_len)
        line.append(log, self.style_of("dim"))
        line.append_text(mattered)
        if at_cursor:
            line.stylize(self.style_of("cursor"))
        return line

    def _mattered(self, each: Searched) -> Text:
        """A bar of the setting's importance, and its percentage; nothing while they are unknown."""
        if not self._importance:
            return Text()
        fraction = self._importance.get(each.path, 0.0)
        bar = thin_bar(fraction, BAR_CELLS, self.glyphs, self.style_of("train"), self.style_of("line"))
        return Text.assemble(
            "  ", bar, (f"{100 * fraction:>4.0f} %", self.style_of("text" if fraction >= 0.1 else "dim"))
        )

    def _values(self, each: Searched) -> str:
        if each.ends is None:
            return " | ".join(map(value_words, each.choices))
        low, high = (shown(end).removesuffix(".0") for end in each.ends)
        return f"{low} {'..' if self.glyphs.ascii else self.glyphs.ellipsis} {high}"

    def _line(self, label: str, style: str, text: str) -> Text:
        label = self.glyphs.cut(label, LABEL_CELLS)
        return Text.assemble((f"{label:<{LABEL_CELLS}} ", self.style_of(style)), (text, self.style_of("text")))


def _limits(watch: StudyWatch) -> list[tuple[str, str]]:
    """What the study may cost, and what is discarded; of a cross-validation, how samples are left out."""
    question, validation = watch.question, watch.preset.validation
    if question.way == "folds":
        how = ", stratified" if isinstance(validation, KFold) and validation.stratified else ""
        return [("leaves out", f"{wording(validation.label())}{how}"), ("models", count(len(question.changes)))]
    if question.way != "search":
        return [("trials", count(len(question.seeds or question.changes)))]
    epochs = "epoch" if question.discard_after == 1 else "epochs"
    keeps = f"keep {question.keep} after {question.discard_after} {epochs}"
    rules = {"keep": keeps, "none": "none", "asha": "by successive halving", "median": "below the median"}
    parts = [f"{question.trials} trials"] if question.trials else []
    parts += [duration(question.seconds)] if question.seconds else []
    parts += [f"until {question.until}"] if question.until else []
    parts += [f"then {len(question.seeds)} seeds"] if question.seeds else []
    return [("discard", rules[question.discard]), ("budget", ", ".join(parts))]
