"""A study as its controller has it: what is written into its events is known at once."""

from __future__ import annotations

from workbench.runs.events import Event
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.ending import Stopping
from workbench.tuning.events import Noted
from workbench.tuning.steps import Way
from workbench.tuning.view import TrialView, read_study_view


class StudyRecord:
    """The events of a study, and all that follows from them."""

    def __init__(self, study: StudyDirectory, way: Way) -> None:
        self.study = study
        self.way = way
        self.view = read_study_view(study)
        self.stopping = Stopping()
        self._preset = Preset.of_run(study.preset)
        self._events = EventWriter(study.events)

    def write(self, event: Event) -> None:
        """Raises StorageError."""
        self.view.take(self._events.write(event))  # with its time, by which a budget is kept

    def note(self, message: str) -> None:
        """Says something to the user, once."""
        if message not in self.view.notes:
            self.write(Noted(message=message))

    def close(self) -> None:
        """No more is written."""
        self._events.close()

    def preset_of(self, trial: TrialView) -> Preset:
        """Raises PresetError where its settings do not fit together."""
        return self._preset.without_search().with_values(trial.trained_settings, f"trial {trial.number}")
