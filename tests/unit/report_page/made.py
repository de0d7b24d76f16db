"""Runs with events made up to the last digit, and a reader of pages that checks their structure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.unit.tuning.made import ENVIRONMENT
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.event_lines import encode
from workbench.runs.events import EpochEnd, Event, Prepared, Started, Steps, TestResult
from workbench.runs.measurements import Memory, Timing
from workbench.runs.status import Summary
from workbench.settings.preset import Preset

STEPS_PER_EPOCH = 4
BY_CLASS = {
    "precision": [1.0, 0.5], "recall": [0.75, 1.0], "f1": [0.857, 0.667], "support": [4, 2],
    "confusion": [[3, 1], [0, 2]],
}  # fmt: skip


def prepared(**changes: Any) -> Prepared:
    """What two classes are learnt from."""
    usual: dict[str, Any] = {
        "device": "cpu", "device_name": "CPU", "engine": "plain", "task": "classification", "classes": ["cat", "dog"],
        "train_samples": 16, "validation_samples": 6, "test_samples": 6, "batch_size": 4, "parameters": 1234,
        "steps_per_epoch": STEPS_PER_EPOCH, "epochs": 3, "monitor": "accuracy", "learns": "2 classes (cat, dog)",
    }  # fmt: skip
    return Prepared(**usual | changes)


def epoch_events(epoch: int, losses: Iterable[float], validation: Mapping[str, Any] | None, best: bool) -> list[Event]:
    """An epoch of `STEPS_PER_EPOCH` steps, with a reading of time and memory at its end."""
    step = epoch * STEPS_PER_EPOCH
    values = list(losses)
    return [
        Steps(
            first_step=step - len(values) + 1, epoch=float(epoch), losses=values, learning_rate=0.01, seconds=epoch / 2
        ),
        Timing(
            step=step, steps=4, timed_steps=4, phase_ms={"data": 0.5, "forward": 1.0, "backward": 2.0},
            step_ms={"p50": 3.5}, steps_per_second=200.0, samples_per_second=800.0,
        ),
        Memory(step=step, host_rss_bytes=500 * 2**20),
        EpochEnd(
            epoch=epoch, step=step, learning_rate=0.01, train={"loss": 1 / epoch, "accuracy": 0.5 + epoch / 10},
            validation=None if validation is None else dict(validation), best=best, train_seconds=0.5,
        ),
    ]  # fmt: skip


def usual_events() -> list[Event]:
    """Three epochs, of which the second is the best."""
    events: list[Event] = [Started(process_id=1), prepared()]
    for epoch, accuracy in ((1, 0.6), (2, 0.8), (3, 0.7)):
        losses = [2.0 / epoch - 0.1 * place for place in range(STEPS_PER_EPOCH)]
        events += epoch_events(epoch, losses, {"loss": 1.2 / epoch, "accuracy": accuracy} | BY_CLASS, epoch == 2)
    return [*events, TestResult(step=12, weights="best epoch 2", metrics={"loss": 0.61, "accuracy": 0.8333} | BY_CLASS)]


def made_run(
    folder: Path,
    events: Iterable[Event],
    *,
    preset: Preset | None = None,
    summary: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] = ENVIRONMENT,
) -> RunDirectory:
    """A run with these events. summary: of its fields those that are not the usual; None for a run without one."""
    preset = preset or Preset(name="pets")
    run = create_run(folder, preset.name, preset.to_toml())
    run.environment.write_text(json.dumps(environment))
    run.events.write_text("".join(f"{encode(event)}\n" for event in events))
    if summary is not None:
        usual: dict[str, Any] = {
            "status": "completed", "reason": "", "exit_code": 0, "step": 12, "epoch": 3, "best_epoch": 2,
            "monitor": "accuracy", "train": {"loss": 1 / 3, "accuracy": 0.8},
            "validation": {"loss": 0.6, "accuracy": 0.8} | BY_CLASS,
            "test": {"loss": 0.61, "accuracy": 0.8333} | BY_CLASS,
            "seconds": {"train": 1.5, "validate": 0.25, "total": 4.0}, "phase_ms": {"data": 0.5, "forward": 1.5},
            "step_ms": {"p50": 2.0}, "samples_per_second": 800.0, "host_peak_rss_bytes": 500 * 2**20,
        }  # fmt: skip
        Summary(**usual | dict(summary)).save(run)
    return run


class Page(HTMLParser):
    """A page that was read: fails on a tag that is not closed, or closed in the wrong order."""

    VOID = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All that can be read on it, with blanks between the pieces."""
        return " ".join(" ".join(self.texts).split())

    def has_row(self, *cells: str) -> bool:
        """Whether these texts follow one another."""
        count = len(cells)
        return any(tuple(self.texts[at : at + count]) == cells for at in range(len(self.texts) - count + 1))
