"""The weights of a study's trials: those of trials that are not among the best are deleted, for they fill a disk."""

from __future__ import annotations

from workbench.tuning.disk import delete_weights
from workbench.tuning.record import StudyRecord


class Weights:
    """Deletes weights as trials end."""

    def __init__(self, record: StudyRecord) -> None:
        self._record = record
        self._without: set[int] = set()
        self._ended = 0
        """How many trials had ended when it was last looked."""

    def delete(self) -> None:
        """Of all trials that have ended, and whose weights their way to tune does not keep."""
        record = self._record
        ended = [trial for trial in record.view.trials.values() if trial.has_ended]
        if len(ended) == self._ended:
            return  # nothing has changed; to rank all trials at each look of the controller would take a core's time
        self._ended = len(ended)
        for trial in ended:
            if not trial.run or trial.number in self._without:
                continue
            if not record.way.keeps_weights(record.view, trial):
                delete_weights(record.study.run(trial.run))
                self._without.add(trial.number)
