"""Starts trainers, and keeps the next one ready.

A trainer needs seconds to import PyTorch. The standby worker has done so in advance, and becomes the trainer of the
next run. Another one is launched only when that run has ended, so that nothing disturbs the timing of a run.

A worker could train run after run, but the app gives each worker only one. Otherwise PyTorch's context would occupy
hundreds of MiB of a GPU between runs, and the memory that a run reports would include that of earlier runs.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.advice.tuned import Tuned
from workbench.errors import USERS_KINDS, WorkbenchError
from workbench.processes.standby import Standby
from workbench.processes.worker import start_trainer
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.status import read_summary
from workbench.settings.preset import Preset
from workbench.ui.live.beside import Beside, terminal_alerts
from workbench.ui.live.planner import Planner
from workbench.ui.live.preview import Preview
from workbench.ui.live.watch import Watch
from workbench.ui.look.run_marks import RunMarks


class Session:
    """What the app runs."""

    def __init__(self, runs_folder: Path) -> None:
        self.runs_folder = runs_folder
        self.watch: Watch | None = None
        self._standby: Standby | None = None
        self._begun: Watch | None = None
        self._watched_before: Watch | None = None
        self.beside: Beside | None = None
        """The followers of the run that was started last."""
        self.planner = Planner()
        self.preview = Preview(lambda content, expectation: self.planner.take(content, expectation))
        self.marks = RunMarks()
        self.tuned = Tuned()
        """The last range test and the last batch scan."""
        self.is_measuring = False
        """Whether one of them is under way, which nothing else may disturb."""

    def start(self, preset: Preset, command: str) -> Watch:
        """Starts a new run and watches it. Raises WorkbenchError where it cannot be started."""
        preset = preset.with_absolute_paths()
        run = create_run(self.runs_folder, preset.name, preset.to_toml())
        before = self.watch
        self._begun = self._begin(run, command)
        self._watched_before = before
        return self._begun

    def resume(self, run: RunDirectory, command: str) -> Watch:
        """Resumes a run that ended early, and watches it. Raises WorkbenchError."""
        return self._begin(run, command)

    def give_up(self) -> str:
        """Removes the run that was started last, if its settings or data were wrong and nothing was trained.

        So a typing error leaves no run behind, and the run watched before is watched again. Returns what was wrong;
        empty if the watched run is no such run.
        """
        watch = self.watch
        if watch is None or watch is not self._begun or watch.history.view.prepared is not None:
            return ""
        summary = read_summary(watch.run)
        if summary is None or summary.step or summary.kind not in USERS_KINDS:
            return ""
        shutil.rmtree(watch.run.path, ignore_errors=True)
        self.watch, self._begun = self._watched_before, None
        return summary.reason

    def _begin(self, run: RunDirectory, command: str) -> Watch:
        self._leave_the_machine()  # to the run
        beside = Beside(run)
        self.watch = Watch(run, self._trainer(run, command), terminal_alerts(run))
        beside.start()
        self.beside = beside
        return self.watch

    def _trainer(self, run: RunDirectory, command: str) -> subprocess.Popen[bytes]:
        if self._standby is None or not self._standby.is_alive:
            return start_trainer(run, command)
        trainer = self._standby.start(run, command)  # if this raises, the worker still stands by
        self._standby = None
        return trainer

    def take_problems(self) -> list[str]:
        """What went wrong since the last call in the followers of the run that was started last."""
        return [] if self.beside is None else self.beside.take_problems()

    def take_alerts(self) -> list[str]:
        """What the terminal is to be notified of the watched run, since the last call."""
        return [] if self.watch is None or self.watch.alerts is None else self.watch.alerts.take()

    @property
    def is_busy(self) -> bool:
        """Whether the watched run is in progress."""
        return self.watch is not None and self.watch.is_alive

    @property
    def is_warm(self) -> bool:
        """Whether a trainer stands by, ready."""
        return self._standby is not None and self._standby.is_ready

    def keep_standby(self) -> None:
        """Launches a standby trainer if none is there and nothing runs that it would disturb."""
        if self._standby is not None and self._standby.is_alive:
            return
        if self.is_measuring or (self.watch is not None and self.watch.has_process):
            return
        try:
            self._standby = Standby.launch()
        except (WorkbenchError, OSError):
            self._standby = None  # the next run starts cold

    def plan(self, preset: Preset | None) -> bool:
        """Keeps the preview and the expectation of a preset up to date while no run would be disturbed.

        True if the expectation has changed. A process that stays previews the preset once a trainer stands by; what it
        cannot say, because a GPU has to be asked, another one says that exits again.
        """
        is_free = not self.is_measuring and (self.watch is None or not self.watch.has_process)
        is_warming_up = self._standby is not None and self._standby.is_alive and not self.is_warm
        previews = is_free and self.is_warm
        is_unknown = self.planner.expectation is None and not self.preview.leaves_the_rest
        self.preview.look(preset, may_run=previews, again=is_unknown and self.preview.has_answered)
        may_plan = is_free and not is_warming_up and (not previews or self.preview.leaves_the_rest)
        return self.planner.look(preset, may_run=may_plan)

    def _leave_the_machine(self) -> None:
        """Ends what computes beside the app."""
        self.planner.close()
        self.preview.close()

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """During the `with` a range test or a batch scan is under way: no plan is made, no trainer is warmed up."""
        self._leave_the_machine()
        self.is_measuring = True
        try:
            yield
        finally:
            self.is_measuring = False

    def close(self) -> None:
        """Ends the standby trainer, the plan and the preview; a run continues."""
        self._leave_the_machine()
        if (seen := self.preview.seen) is not None:
            seen.save()
        if self._standby is not None:
            self._standby.close()
            self._standby = None
