"""Sounds on a GPU: spectrograms as on the CPU, every engine as the eager one, and variation that no capture freezes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.gpu.conftest import GPU_ONLY
from tests.gpu.test_cuda_graph import warnings
from tests.unit.training.checkpointing.test_resume import check_resume
from tests.unit.training.conftest import sound_preset as sound_preset
from tests.unit.training.conftest import tones as tones
from tests.unit.training.scripted import logged_losses, new_trainer, poll_after_every_step
from tests.unit.training.test_sounds import MASKS, RAW, epoch, job_of
from workbench.training.batches import OnDeviceBatches
from workbench.training.engines.cuda_graph import CudaGraphEngine
from workbench.training.trainer import Trainer

pytest.importorskip("soundfile")

pytestmark = GPU_ONLY

ENGINES = ["traced", "compiled", "cuda_graph"]
ENCODINGS = {
    "log_mel": [],
    "mfcc": ["data.encoding=mfcc", "data.coefficients=13"],
    "waveform": ["data.encoding=waveform", "model.name=conv1d"],
}


def trained(folder: Path, *assignments: str) -> Trainer:
    trainer = new_trainer(folder, [*assignments, "runtime.device=cuda"])
    trainer.train()
    return trainer


def losses(trainer: Trainer) -> list[float]:
    return [loss for _, loss in sorted(logged_losses(trainer).items())]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_samples_are_encoded_on_the_gpu_as_on_the_cpu(sound_preset: list[str], encoding: str) -> None:
    """Once for all, and a batch at a time where waves vary: here by nothing that is seen."""
    chosen = [*sound_preset, *ENCODINGS[encoding]]
    expected = epoch(job_of(*chosen).train)
    for settings in ([], ["data.gain_db=1e-6"], ["runtime.data_loading=dataloader", "runtime.num_workers=0"]):
        found = epoch(job_of(*chosen, "runtime.device=cuda", *settings).train)
        assert found.is_cuda
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_engine_trains_as_the_eager_one_does(
    sound_preset: list[str], tmp_path: Path, encoding: str, engine: str
) -> None:
    chosen = [*sound_preset, *ENCODINGS[encoding], "training.epochs=10"]
    eager = trained(tmp_path / "eager", *chosen, "runtime.engine=eager")
    other = trained(tmp_path / engine, *chosen, f"runtime.engine={engine}")
    assert other.engine.name == engine
    assert warnings(other) == []
    assert len(losses(eager)) == 40
    assert losses(other)[:20] == pytest.approx(losses(eager)[:20], rel=1e-2)
    assert losses(other)[-1] < 0.5 * losses(other)[0]


@pytest.mark.parametrize("engine", ["eager", *ENGINES])
def test_each_step_varies_the_same_batch_anew(sound_preset: list[str], tmp_path: Path, engine: str) -> None:
    """At a rate of almost zero the loss of all samples changes by their variation alone: no capture froze it."""
    whole = ["data.batch_size=90", "optimizer.name=sgd", "optimizer.learning_rate=1e-12", "training.epochs=40"]
    found = {}
    for name, varied in (("plain", []), ("varied", [*RAW, *MASKS])):
        trainer = trained(tmp_path / name, *sound_preset, *whole, *varied, f"runtime.engine={engine}")
        assert trainer.engine.name == engine
        assert warnings(trainer) == []
        if isinstance(trainer.engine, CudaGraphEngine):
            assert trainer.engine._replays
        found[name] = losses(trainer)
    assert found["plain"] == pytest.approx([found["plain"][0]] * 40, rel=1e-3)
    assert len({round(loss, 5) for loss in found["varied"]}) > 30


def test_a_batch_is_varied_and_encoded_without_a_synchronisation(sound_preset: list[str]) -> None:
    source = job_of(*sound_preset, *RAW, *MASKS, "runtime.device=cuda").train
    assert isinstance(source, OnDeviceBatches)
    indices = torch.arange(24, device="cuda")
    source.gather(indices)  # makes the plan of the Fourier transform
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        batch = source.gather(indices)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert batch.tensor.shape == (24, 1, 16, 13)


def test_a_deterministic_run_resumes_in_mid_epoch_to_the_bit(
    sound_preset: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_after_every_step(monkeypatch)
    check_resume(tmp_path, *sound_preset, *RAW, *MASKS, "runtime.device=cuda", "runtime.deterministic=true")
