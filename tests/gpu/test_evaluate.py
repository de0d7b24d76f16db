"""A run that a GPU has trained is evaluated there and on the CPU, with the same answers but for rounding."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gpu.conftest import GPU_ONLY
from tests.unit.prediction.conftest import train
from tests.unit.prediction.evaluating import TRANSFORMER, evaluated

pytestmark = GPU_ONLY

CASES = [
    ("data.name=digits", "data.batch_size=64", "model.hidden=[16]", "loss.class_weights=balanced"),
    ("data.name=digits", "data.batch_size=64", "model.hidden=[16]", "loss.name=mse", "runtime.precision=bf16"),
    ("data.name=diabetes", "model.hidden=[8]", "loss.name=huber"),
    ("data.name=topics", "data.batch_size=64", "training.epochs=1", *TRANSFORMER),
]


@pytest.mark.parametrize("assignments", CASES)
def test_the_metrics_of_the_test_again(tmp_path: Path, assignments: tuple[str, ...]) -> None:
    trained = train(tmp_path, "runtime.device=cuda", *assignments)
    there = evaluated(trained)
    assert there.device.startswith("cuda")
    for name, value in trained.test.items():
        if isinstance(value, float):
            assert there.metrics[name] == pytest.approx(value, rel=1e-5), name
    preset = trained.preset.override(["runtime.device=cpu", "runtime.precision=float32"])
    here = evaluated(type(trained)(trained.run, preset, trained.test))
    assert here.metrics["loss"] == pytest.approx(there.metrics["loss"], rel=0.02)
    assert here.worst[0].loss == pytest.approx(there.worst[0].loss, rel=0.05)
    if here.calibration is not None and there.calibration is not None:
        assert here.calibration.brier == pytest.approx(there.calibration.brier, rel=0.05)
