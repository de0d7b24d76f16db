"""The findings of the watched run, and the current one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.advice.finding import Finding

if TYPE_CHECKING:
    from workbench.advice.tuned import Tuned
    from workbench.runs.history import RunHistory
    from workbench.settings.preset import Preset
    from workbench.ui.live.readings import Readings


@dataclass
class Advice:
    """The findings, the most severe first, and the rules that could not judge."""

    findings: Sequence[Finding] = ()
    abstained: Sequence[tuple[str, str]] = ()
    """Rules that could not judge, each with what it lacks."""
    _rule: str = field(default="", repr=False)
    """The rule of the current finding; empty for whichever finding is the most severe."""

    @property
    def place(self) -> int:
        """The place of the current finding, from 0."""
        return next((place for place, finding in enumerate(self.findings) if finding.rule == self._rule), 0)

    @property
    def current(self) -> Finding | None:
        """The current finding; None if nothing is found."""
        return self.findings[self.place] if self.findings else None

    def renew(
        self, history: RunHistory, preset: Preset | None, readings: Readings | None, tuned: Tuned | None = None
    ) -> None:
        """Judges the run as known so far. The current finding stays current as long as it is found.

        preset: None of a run that a loop of the user's own has made.
        """
        from workbench.advice.facts import Facts
        from workbench.advice.rules import abstained, findings

        facts = Facts.of(history, preset, readings, tuned)
        self.findings, self.abstained = findings(facts), abstained(facts)

    def renew_before_a_run(self, preset: Preset, tuned: Tuned) -> None:
        """Judges settings that are not trained with yet."""
        from workbench.advice.rules import findings_before_a_run

        self.findings, self.abstained = findings_before_a_run(preset, tuned), ()

    def go_to_next(self) -> None:
        """Moves to the next finding; after the last one, to the first."""
        if self.findings:
            self._rule = self.findings[(self.place + 1) % len(self.findings)].rule

    def clear(self) -> None:
        """Forgets everything: another run is watched."""
        self.findings, self.abstained, self._rule = (), (), ""
