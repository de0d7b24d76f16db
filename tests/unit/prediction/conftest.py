"""Small trained models, and the process that predicts without being one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.unit.data.examples import settings_of
from tests.unit.training.conftest import sound_preset as sound_preset
from tests.unit.training.conftest import tones as tones
from tests.unit.training.scripted import build_trainer, of_type
from workbench.prediction.prediction_process import answer
from workbench.processes.predict import LINES, Lines, Predicted, Request
from workbench.runs import events
from workbench.runs.directory import RunDirectory, create_run
from workbench.settings.preset import Preset

BASE = ("training.epochs=2", "data.batch_size=16", "runtime.device=cpu", "optimizer.learning_rate=0.01")


@dataclass(frozen=True)
class Trained:
    """A run that has finished."""

    run: RunDirectory
    preset: Preset
    test: dict[str, Any]
    """The metrics of its test split."""


def train(folder: Path, *assignments: str) -> Trained:
    """Trains a preset in this process."""
    preset = Preset().override([*BASE, *assignments])
    run = create_run(folder / "runs", preset.name, preset.to_toml())
    trainer = build_trainer(run)
    trainer.train()
    [test] = of_type(trainer, events.TestResult)
    return Trained(run, preset, test.metrics)


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(tmp_path_factory.mktemp("iris"), "data.name=iris", "model.hidden=[8]")


@pytest.fixture
def train_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trained]:
    """Trains on the example of a data source, see `tests.unit.data.examples`."""

    def trained(label: str, *assignments: str) -> Trained:
        settings = settings_of(label, tmp_path, monkeypatch)
        data = [f"data.{name}={json.dumps(value)}" for name, value in settings.items()]
        return train(tmp_path, *data, *assignments)

    return trained


def predict(model: Path, *inputs: Path, **request: Any) -> tuple[list[dict[str, Any]], Predicted]:
    """The lines that the process writes, parsed, and its answer."""
    text, predicted = output_of(model, *inputs, **request)
    if request.get("format") == "csv":
        return list(csv.DictReader(io.StringIO(text))), predicted
    return [json.loads(line) for line in text.splitlines()], predicted


def output_of(model: Path, *inputs: Path, **request: Any) -> tuple[str, Predicted]:
    """What the process writes, and its answer."""
    written: list[str] = []

    def send(kind: str, message: Any) -> None:
        assert kind == LINES
        assert isinstance(message, Lines)
        written.append(message.text)

    asked = Request(model=str(model), inputs=list(map(str, inputs)), **({"device": "cpu"} | request))
    predicted = answer(asked, send)
    return "".join(written), predicted
