"""The script of a run on a GPU computes there, and draws the same random numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gpu.conftest import DIGITS, GPU_ONLY
from tests.unit.export.script.alike import run_script, script_of
from workbench.export.script.recorded import Recorded
from workbench.runs.directory import create_run
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.inbox import Inbox
from workbench.training.job import build_job
from workbench.training.trainer import Trainer

pytestmark = GPU_ONLY


@pytest.mark.parametrize("engine", ["eager", "cuda_graph"])
def test_losses_are_those_of_the_run(tmp_path: Path, engine: str) -> None:
    more = ["model.dropout=0.2", "data.shift=1", "data.flip=true", "training.epochs=2", "schedule.name=one_cycle"]
    preset = Preset().override([*DIGITS, *more, f"runtime.engine={engine}"])
    run = create_run(tmp_path, preset.name, preset.to_toml())
    Trainer(build_job(preset, lambda progress: None), run, EventWriter(run.events), Inbox(run)).train()
    recorded = Recorded.of(run)
    text = script_of(preset.override(["runtime.device=cpu", "runtime.engine=eager"]), on_gpu=True)
    model, losses, epochs = run_script(text, tmp_path)
    assert next(model.parameters()).is_cuda
    early = 5  # before rounding errors have grown
    assert losses[:early] == pytest.approx(recorded.losses[:early], rel=1e-3)
    assert losses == pytest.approx(recorded.losses, rel=0.05)
    assert len(epochs) == 2
