"""Chooses what the hint line of the main screen shows: an answer, the help of a setting, a finding, or keys."""

from __future__ import annotations

from rich.text import Text

from workbench.advice.verdict import verdict
from workbench.runs.history import RunHistory
from workbench.ui.live.findings import Advice
from workbench.ui.panels.advice import keys_of, sentence
from workbench.ui.panels.lines import HintLine
from workbench.ui.panels.panel import Panel


class Hints:
    """Chooses the hint: a sentence that was said, else one about the focused panel."""

    def __init__(self) -> None:
        self.setting = Text()
        """The help of the setting at the cursor."""
        self._said: Text | None = None
        self._said_about: str | None = None
        """The run's state that the sentence holds in; None: in any."""

    def say(self, text: Text, about: str | None) -> None:
        """Keeps a sentence until the next key; about: until the run leaves this state too."""
        self._said, self._said_about = text, about

    def forget(self) -> None:
        """Forgets the sentence, which has been read."""
        self._said = None

    def forget_unless(self, state: str) -> bool:
        """Forgets a sentence that holds only in another state; True if there was one."""
        if self._said_about in (None, state):
            return False
        self._said = self._said_about = None
        return True

    def show(
        self,
        line: HintLine,
        focused: Panel | None,
        history: RunHistory | None,
        advice: Advice | None,
        *,
        has_verdict_panel: bool,
    ) -> None:
        """Shows the hint of the highest priority.

        focused: the panel with the focus; advice: the findings, unless a panel shows them; has_verdict_panel: whether
        the panel of step times is up, which shows the verdict.
        """
        if self._said is not None:
            line.show(self._said, whole=True)
        elif focused is not None and focused.id == "settings":
            line.show(self.setting)
        elif advice is not None and advice.current is not None:
            line.show(sentence(advice.current, line), keys_of(advice, line))
        elif has_verdict_panel:
            line.show(Text())
        else:
            line.show(_verdict(history))


def _verdict(history: RunHistory | None) -> Text:
    view = None if history is None else history.view
    if view is None or view.timing is None:
        return Text()
    return Text(verdict(view.timing, view.prepared) or "", "dim")
