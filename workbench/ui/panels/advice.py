"""The panel of advice: a finding about the watched run, and the key that acts on it."""

from __future__ import annotations

from rich.text import Text

from workbench.advice.finding import Finding
from workbench.ui.keys.actions import action
from workbench.ui.live.comparison import change_in_words
from workbench.ui.live.findings import Advice
from workbench.ui.look.glyphs import Glyphs
from workbench.ui.panels.lines import keys_text
from workbench.ui.panels.panel import LineWidget, Panel

STYLES = {"critical": "error", "warning": "warning", "note": "accent"}
"""By severity."""


class AdvicePanel(Panel, can_focus=False):
    """One finding in a sentence. Hidden until something is found in a run; then it keeps its place."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._advice: Advice | None = None

    def show(self, advice: Advice) -> None:
        """Shows the current finding."""
        self._advice = advice
        self.redraw()

    def heading(self) -> Text:
        advice = self._advice
        if advice is None or advice.current is None:
            return Text("advice", self.style_of("strong"))
        place = f"advice {advice.place + 1}/{len(advice.findings)}"
        return Text.assemble((place, self.style_of("strong")), (f"  {advice.current.severity}", self.style_of("dim")))

    def footing(self) -> Text:
        return Text() if self._advice is None else keys_of(self._advice, self)

    def content(self, width: int, height: int) -> list[Text]:
        finding = None if self._advice is None else self._advice.current
        if finding is None:
            return [Text("nothing to advise at present", self.style_of("dim"))]
        return self.wrapped(sentence(finding, self), width, height)


def sentence(finding: Finding, on: LineWidget) -> Text:
    """A finding in a line; `on` is where it is drawn."""
    return Text.assemble(
        (f"{glyph_of(finding, on.glyphs)} {finding.title}", on.style_of(STYLES[finding.severity])),
        (
            f" {'->' if on.glyphs.ascii else '→'} {proposed}" if (proposed := proposal(finding)) else "",
            on.style_of("strong"),
        ),
        ("  ", ""),
        (f"{finding.fact}. {finding.advice}", on.style_of("text")),
    )


def proposal(finding: Finding) -> str:
    """What the key would try, keep or set; empty if there is nothing. It comes first because the rest may be cut."""
    if finding.change:
        return change_in_words(finding.change)
    return "" if finding.learning_rate is None else f"learning rate {finding.learning_rate:g}"


def keys_of(advice: Advice, on: LineWidget) -> Text:
    """The keys that do something with the current finding."""
    finding = advice.current
    keys: list[tuple[str, str]] = []
    if finding is not None and can_be_tried(finding):
        keys.append((action("try_advice").shown_key, tried(finding)))
    if len(advice.findings) > 1:
        keys.append((action("next_advice").shown_key, "next"))
    keys.append((action("advice").shown_key, "why"))
    return keys_text(keys, on)


def can_be_tried(finding: Finding) -> bool:
    """Whether a key can do something about it."""
    return bool(finding.change) or finding.learning_rate is not None


def tried(finding: Finding) -> str:
    """What the key does. A change that no comparison can judge can only be kept, a learning rate only be set."""
    if not finding.change:
        return "set it"
    return "try it" if finding.measure is not None else "keep it"


def glyph_of(finding: Finding, glyphs: Glyphs) -> str:
    """The severity as a character."""
    return {"critical": glyphs.wrong, "warning": glyphs.warning}.get(finding.severity, glyphs.dot)
