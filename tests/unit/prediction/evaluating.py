"""What the tests of evaluations share: the process without being one, and a run on a table."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.prediction.conftest import Trained, train
from workbench.prediction.evaluate import evaluate
from workbench.processes.evaluation import Evaluation, EvaluationRequest
from workbench.processes.messages import decode

TRANSFORMER = ("model.name=transformer", "model.width=16", "model.layers=1", "model.heads=2")


def evaluated(trained: Trained, **asked: Any) -> Evaluation:
    """What the process answers, through the JSON in which it does."""
    run = trained.run
    request = EvaluationRequest(
        checkpoint=str(run.checkpoints / "best.pt"),
        preset=trained.preset.to_toml(),
        last_checkpoint=str(run.last_checkpoint),
        **asked,
    )
    evaluation = evaluate(request, lambda progress: None)
    return decode(Evaluation, json.loads(json.dumps(asdict(evaluation))))


@pytest.fixture
def flowers(tmp_path: Path) -> Trained:
    """Three classes of rows of two numbers and a word, from a file in which lines 2 to 31 are of the first class."""
    draw = np.random.default_rng(0)
    rows = [
        f"{draw.normal(5 * place):.3f},{draw.normal():.3f},{'red' if draw.random() < 0.5 else 'blue'},{name}"
        for place, name in enumerate(("iris", "rose", "tulip"))
        for _ in range(30)
    ]
    (tmp_path / "train.csv").write_text("\n".join(["width,height,colour,kind", *rows]))
    file = f"data.file={tmp_path / 'train.csv'}"
    return train(tmp_path, "data.name=csv", file, "data.target=kind", "model.hidden=[8]", "training.epochs=30")


def on_file(trained: Trained, text: str, **asked: Any) -> Evaluation:
    """The evaluation of a file of other rows."""
    file = trained.run.path.parent / "new.csv"
    file.write_text(text)
    return evaluated(trained, data=trained.preset.with_values({"data.file": str(file)}, "here").to_toml(), **asked)
