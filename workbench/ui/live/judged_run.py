"""A run whose model is judged: its checkpoint, its splits, and what is asked of the process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.errors import DataError
from workbench.processes.evaluation import EvaluationRequest, SplitChoice
from workbench.runs.checkpoints import has_model, model_checkpoint
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Prepared
from workbench.runs.lock import is_running
from workbench.runs.own_loop import read_own_loop
from workbench.runs.prepared import read_prepared
from workbench.settings.preset import Preset

Key = tuple[str, int, int, str]
"""A file, when it was written, its size, and a split."""


@dataclass(frozen=True)
class JudgedRun:
    """What is known of the run before anything is computed."""

    run: RunDirectory
    preset: Preset
    prepared: Prepared
    is_alive: bool
    """Whether it is still being trained."""

    @classmethod
    def read(cls, run: RunDirectory) -> JudgedRun:
        """Raises WorkbenchError, in a sentence for the user, where there is nothing to judge."""
        if read_own_loop(run.preset) is not None:
            raise DataError("workbench did not train this run, so there is no model to judge")
        preset, prepared = Preset.of_run(run.preset), read_prepared(run)
        if prepared is None:
            raise DataError("the run has no model yet: nothing was trained")
        judged = cls(run, preset, prepared, is_running(run))
        if judged.is_alive and not has_model(run):
            raise DataError("it has no checkpoint yet; c writes one")
        judged.checkpoint()
        return judged

    @property
    def title(self) -> str:
        """The name of its preset, and when it was started."""
        started = self.run.started
        return self.preset.name if started is None else f"{self.preset.name} {started.astimezone():%m-%d %H:%M}"

    @property
    def splits(self) -> list[SplitChoice]:
        """Those that it has, in the order in which they are judged.

        The test split comes last while it is trained: whoever chooses settings by it has none left to test them.
        """
        held_out: list[tuple[SplitChoice, int | None]] = [
            ("test", self.prepared.test_samples),
            ("validation", self.prepared.validation_samples),
        ]
        found = [name for name, samples in held_out if samples]
        return [*(reversed(found) if self.is_alive else found), "train"]

    def checkpoint(self) -> Path:
        """Its model as it is now. Raises DataError where there is none."""
        return model_checkpoint(self.run)

    def key(self, split: str) -> Key:
        """What decides the answer. Raises DataError or OSError."""
        path = self.checkpoint()
        found = path.stat()
        return str(path), found.st_mtime_ns, found.st_size, split

    def request(self, split: SplitChoice, device: str = "") -> EvaluationRequest:
        """What the process is asked. device: instead of the run's. Raises DataError."""
        preset = self.preset.with_values({"runtime.device": device}, "the device") if device else self.preset
        last = self.run.last_checkpoint
        return EvaluationRequest(
            checkpoint=str(self.checkpoint()),
            preset=preset.with_absolute_paths().to_toml(),
            split=split,
            worst=0,
            last_checkpoint=str(last) if last.exists() else "",
            class_counts=self.prepared.class_counts,
        )
