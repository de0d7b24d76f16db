"""What the tests of the trainer share: presets small enough for a moment, and a trainer without a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.unit.data.sounds import save, tone
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import Event
from workbench.runs.tail import EventTail
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.inbox import Inbox
from workbench.training.job import build_job
from workbench.training.trainer import Trainer

SMALL = ["data.name=iris", "data.batch_size=16", "model.hidden=[8]", "training.epochs=2", "runtime.device=cpu"]


SPEAKERS = 8


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sounds: three classes of tones in noise, 0.12 s at 8,000 Hz, by eight speakers, five each."""
    place = tmp_path_factory.mktemp("tones")
    generator = np.random.default_rng(0)
    for name, hertz in (("high", 2400.0), ("low", 300.0), ("middle", 900.0)):
        for speaker in range(SPEAKERS):
            for take in range(5):
                wave = tone(hertz * (1 + 0.01 * speaker), 0.12) + generator.normal(scale=0.2, size=960)
                save(place / name / f"s{speaker}_{take}.wav", wave.clip(-1, 1))
    return place


@pytest.fixture
def sound_preset(tones: Path) -> list[str]:
    """Settings of a small training on these sounds."""
    return [
        *("data.name=audio_folder", f"data.folder={tones}", "data.sample_rate=8000", "data.batch_size=24"),
        *("data.mels=16", r"data.speaker_pattern=(s\d)_", "model.name=audio_cnn", "model.channels=[4, 8]"),
        *("runtime.device=cpu", "optimizer.learning_rate=0.01"),
    ]


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
