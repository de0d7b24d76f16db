"""What the tests of the trainer share: presets small enough for a moment, and a trainer without a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import Event
from workbench.runs.tail import EventTail
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.inbox import Inbox
from workbench.training.job import build_job
from workbench.training.trainer import Trainer

SMALL = ["data.name=iris", "data.batch_size=16", "model.hidden=[8]", "training.epochs=2", "runtime.device=cpu"]


@pytest.fixture
def make_trainer(tmp_path: Path) -> Callable[..., Trainer]:
    """Makes a trainer of iris (or of what the assignments say) in a run directory of its own, or in `run`."""

    def make(*assignments: str, run: RunDirectory | None = None) -> Trainer:
        preset = Preset().override([*SMALL, *assignments])
        if run is None:
            run = create_run(tmp_path, preset.name, preset.to_toml())
        return Trainer(build_job(preset, lambda progress: None), run, EventWriter(run.events), Inbox(run))

    return make


@pytest.fixture(autouse=True)
def short_runs_are_traced_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests take few steps, and what they test should be what longer runs do."""
    from workbench.training.engines import choose

    monkeypatch.setattr(choose, "LEAST_TRACED_STEPS", 0)


@pytest.fixture
def at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainers poll after every step."""
    from tests.unit.training.scripted import poll_after_every_step  # which imports this file

    poll_after_every_step(monkeypatch)


def events_of(trainer: Trainer) -> list[Event]:
    """All events of the trainer's run."""
    return [event for _, event in EventTail(trainer.run.events).read()]


@pytest.fixture
def user_functions(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[..., object]]:
    """What a preset's `package.module:function` calls in this test, by that name: no file, no question of trust."""
    functions: dict[str, Callable[..., object]] = {}
    monkeypatch.setattr(
        "workbench.settings.code.call", lambda name, *arguments, **named: functions[name](*arguments, **named)
    )
    return functions
