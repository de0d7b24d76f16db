"""Everything that a report needs of a run, read from its files: in bounded memory, however long it trained."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import PresetError
from workbench.files import read_small
from workbench.runs.catalogue import read_row
from workbench.runs.curve import Curve
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event, Started, TextGenerated, WarningRaised
from workbench.runs.history import RunHistory
from workbench.runs.measurements import Timing
from workbench.runs.own_loop import OwnLoop, read_own_loop
from workbench.runs.phases import PHASES
from workbench.runs.row import RunRow
from workbench.runs.status import Summary, read_summary
from workbench.runs.tail import EventTail
from workbench.settings.preset import Preset

MOST_NOTICES = 1000
MEMORIES = {
    "torch_allocated_bytes": "tensors on the GPU",
    "torch_reserved_bytes": "reserved by PyTorch",
    "host_rss_bytes": "host memory of the trainer",
}
"""Readings of the memory event that are shown, and what they are."""


@dataclass
class RunRecord:
    """A run as its files tell it."""

    row: RunRow
    history: RunHistory = field(default_factory=RunHistory)
    summary: Summary | None = None
    """None of a run that has not ended, or whose file cannot be read."""
    preset: Preset | None = None
    own_loop: OwnLoop | None = None
    """Of a run that workbench has not trained, and which has no preset."""
    preset_problem: str = ""
    """Why the preset cannot be read; empty if it can."""
    preset_text: str = ""
    environment: dict[str, Any] = field(default_factory=dict)
    phases: dict[str, Curve] = field(default_factory=lambda: {name: Curve() for name in PHASES})
    """Milliseconds a step by phase, 0 where a phase was not seen."""
    notices: list[WarningRaised] = field(default_factory=list)
    """The first `MOST_NOTICES` warnings and notes."""
    texts: list[TextGenerated] = field(default_factory=list)
    """What a language model wrote after each epoch."""

    @property
    def run(self) -> RunDirectory:
        """The run's directory."""
        return self.row.run

    @property
    def name(self) -> str:
        """The name of the preset, or of the directory where that cannot be read."""
        return self.row.preset_name or self.run.name

    @property
    def monitor(self) -> str:
        """The metric by which the best epoch was chosen; empty if it is not known."""
        if self.summary is not None:
            return self.summary.monitor
        return "" if self.history.view.prepared is None else self.history.view.prepared.monitor

    @property
    def best_epoch(self) -> int | None:
        """The number of the best epoch; None before the first."""
        if self.summary is not None:
            return self.summary.best_epoch
        return None if self.history.best is None else self.history.best.epoch

    @property
    def validation(self) -> dict[str, Any]:
        """Metrics of the validation split at the best epoch; empty without validation."""
        if self.summary is not None:
            return self.summary.validation or {}
        return (None if self.history.best is None else self.history.best.validation) or {}

    @property
    def train(self) -> dict[str, Any]:
        """Metrics of the last epoch over the training samples."""
        if self.summary is not None:
            return self.summary.train or {}
        return {} if self.history.view.epoch_end is None else dict(self.history.view.epoch_end.train)

    @property
    def test(self) -> dict[str, Any]:
        """Metrics of the test split; empty where it was not evaluated."""
        if self.summary is not None and self.summary.test:
            return self.summary.test
        return {} if self.history.view.tested is None else self.history.view.tested.metrics

    @property
    def phase_ms(self) -> dict[str, float]:
        """Mean milliseconds of a step by phase: over the whole run, or lately of a run in progress."""
        found = self.summary.phase_ms if self.summary is not None else {}
        timing = self.history.view.timing
        found = found or ({} if timing is None else timing.phase_ms)
        return {name: found[name] for name in PHASES if found.get(name, 0.0) > 0}

    @property
    def step_ms(self) -> dict[str, float]:
        """Milliseconds of a step: p50, p95, p99 and max."""
        timing = self.history.view.timing
        found = self.summary.step_ms if self.summary is not None else {}
        return found or ({} if timing is None else timing.step_ms)

    @property
    def samples_per_second(self) -> float | None:
        """The throughput of training."""
        if self.summary is not None:
            return self.summary.samples_per_second
        return None if self.history.view.timing is None else self.history.view.timing.samples_per_second

    @property
    def seconds(self) -> dict[str, float]:
        """What the process spent its time on, by the names of a summary; empty of a run that has not ended."""
        found = {} if self.summary is None else self.summary.seconds
        return {name: seconds for name, seconds in found.items() if math.isfinite(seconds) and seconds > 0}

    @property
    def train_seconds(self) -> float | None:
        """Training time so far, without validation and pauses."""
        return self.seconds.get("train") or self.history.view.seconds or None

    @property
    def memory(self) -> dict[str, Curve]:
        """GiB by the names of `MEMORIES`; a curve without values where none was read."""
        curves = self.history.curves
        return {name: curves.get(f"memory/{name.removesuffix('_bytes')}", Curve()) for name in MEMORIES}

    def take(self, event: Event) -> None:
        """Updates the record with an event."""
        seconds = self.history.view.seconds
        match event:
            case Started():
                self._forget(event.step)
            case Timing():
                for name, curve in self.phases.items():
                    curve.add(event.step, event.phase_ms.get(name, 0.0), seconds)
            case WarningRaised() if len(self.notices) < MOST_NOTICES:
                self.notices.append(event)
            case TextGenerated():
                self.texts.append(event)
        self.history.take(event)

    def _forget(self, after_step: int) -> None:
        """Removes what a resumed run does again."""
        for curve in self.phases.values():
            curve.truncate(after_step)
        self.texts = [text for text in self.texts if text.step <= after_step]


def read_record(run: RunDirectory) -> RunRecord:
    """Reads a run, in progress or ended. What cannot be read is left out, and said in its row or its problem."""
    row = read_row(run)
    record = RunRecord(row, summary=None if row.status == "running" else read_summary(run))
    record.own_loop = read_own_loop(run.preset)
    if record.own_loop is None:
        try:
            record.preset = Preset.of_run(run.preset)
            record.preset_text = read_small(run.preset)
        except (PresetError, OSError, ValueError) as error:
            record.preset_problem = str(error)
    record.environment = environment_of(run.environment)
    tail = EventTail(run.events)
    while events := tail.read():
        for _, event in events:
            record.take(event)
    return record


def read_records(runs: Iterable[RunDirectory]) -> list[RunRecord]:
    """Reads several runs."""
    return [read_record(run) for run in runs]


def environment_of(path: Path) -> dict[str, Any]:
    """environment.json of a run or a study; empty where it cannot be read."""
    try:
        found = json.loads(read_small(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
