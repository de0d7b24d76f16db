"""Measuring on a GPU: phases add up, nothing waits, and memory is what PyTorch and the driver say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.gpu.conftest import DIGITS, GPU_ONLY
from tests.unit.training.scripted import new_trainer, of_type
from workbench.devices.gpu import GpuMonitor, GpuReading
from workbench.errors import OutOfMemoryError
from workbench.runs.measurements import Memory, Timing
from workbench.training.loss_log import LossLog, StepLoss
from workbench.training.memory.out_of_memory import explain_out_of_memory
from workbench.training.timing import cuda_clock
from workbench.training.timing.cuda_clock import CudaClock
from workbench.training.trainer import Trainer

pytestmark = GPU_ONLY

LONG_CYCLES = 1_000_000_000
"""Of a GPU that sleeps, some 0.5 s: longer than the host takes to come back from a call that does not wait."""


def started(folder: Path, *assignments: str) -> Trainer:
    """A trainer after three steps, with everything that is made only once made."""
    trainer = new_trainer(folder, [*DIGITS, "runtime.engine=eager", *assignments])
    trainer.job.model.train()
    trainer.engine.start_epoch(torch.arange(len(trainer.job.train)))
    trainer.clock.begin()
    step_on(trainer, 1, 4)
    trainer.engine.losses.read(wait=True)
    torch.cuda.synchronize()
    trainer.clock.take()
    return trainer


def step_on(trainer: Trainer, first: int, end: int) -> None:
    for step in range(first, end):
        run = trainer.engine.run_steps(step)
        trainer.clock.end_step(run.steps, run.samples)


# A setting is here if PyTorch's own part of the step waits for nothing; some optimizers do (ASGD, and with loss
# scaling all that are not fused).
WITHOUT_WAITING = {
    "adam": ["optimizer.name=adam"],
    "amsgrad": ["optimizer.name=amsgrad"],
    "adamw": ["optimizer.name=adamw"],
    "sgd": ["optimizer.name=sgd"],
    "rmsprop": ["optimizer.name=rmsprop"],
    "clipping": ["training.gradient_clip_norm=1.0"],
    "gradient_accumulation": ["training.gradient_accumulation=2", "data.batch_size=50"],
    "a schedule": ["schedule.name=one_cycle"],
    "augmentation": ["data.flip=true", "data.shift=1", "data.cutout=2", "model.dropout=0.2"],
    "mean squared error": ["loss.name=mse", "loss.label_smoothing=0.1"],
    "balanced classes": ["loss.class_weights=balanced"],
    "fp16": ["runtime.precision=fp16"],
    "fp16 with clipping": ["runtime.precision=fp16", "training.gradient_clip_norm=1.0"],
    "batch norm": ["model.batch_norm=true"],
    "nothing measured": ["runtime.measure=false"],
}


@pytest.mark.parametrize("settings", WITHOUT_WAITING.values(), ids=WITHOUT_WAITING)
def test_no_step_waits_for_the_gpu(tmp_path: Path, settings: list[str]) -> None:
    """Nor does reading the losses or the clock between two steps."""
    trainer = started(tmp_path, *settings)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step in range(4, 10):
            step_on(trainer, step, step + 1)
            trainer.engine.losses.read()
            trainer.clock.take()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len(trainer.engine.losses.read(wait=True)) <= 6


def test_phases_are_positive_and_add_up_to_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_clock, "GPU_SAMPLE_SECONDS", 0.0)
    trainer = started(tmp_path)
    assert isinstance(trainer.clock, CudaClock)
    step_on(trainer, 4, 12)
    torch.cuda.synchronize()
    measured = trainer.clock.take()
    assert measured.steps == measured.timed_steps == len(measured.step_ms) == 8
    phases = measured.phase_ms()
    assert set(phases) == {"data", "forward", "backward", "metrics", "optimizer", "rest"}
    assert all(phases[phase] > 0 for phase in ("data", "forward", "backward", "optimizer"))
    assert phases["rest"] < phases["forward"] + phases["backward"], "a step is not made of what no phase claims"
    # An event is stamped to half a microsecond, and each of a step's phases lies between two.
    assert 1000 * sum(measured.phase_seconds.values()) == pytest.approx(sum(measured.step_ms), rel=0.02, abs=0.05)


def test_the_transfer_of_loaded_samples_is_a_phase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_clock, "GPU_SAMPLE_SECONDS", 0.0)
    trainer = started(tmp_path, "runtime.data_loading=dataloader")
    step_on(trainer, 4, 10)
    torch.cuda.synchronize()
    phases = trainer.clock.take().phase_ms()
    assert set(phases) == {"data", "transfer", "forward", "backward", "metrics", "optimizer", "rest"}
    assert phases["transfer"] > 0


def test_a_step_that_the_gpu_has_not_done_is_neither_read_nor_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_clock, "GPU_SAMPLE_SECONDS", 0.0)
    trainer = started(tmp_path)
    torch.cuda._sleep(LONG_CYCLES)
    step_on(trainer, 4, 6)
    assert trainer.clock.take().timed_steps == 0
    assert trainer.engine.losses.read() == []
    torch.cuda.synchronize()
    assert trainer.clock.take().timed_steps == 2
    assert len(trainer.engine.losses.read()) == 2


def test_losses_come_back_in_order_and_to_the_bit() -> None:
    log = LossLog(torch.device("cuda", 0))
    values = torch.rand(1000, device="cuda")
    read: list[StepLoss] = []
    for index in range(1000):
        log.append(values[index], index)
        if index % 37 == 0:
            read += log.read()
    read += log.read(wait=True)
    assert [step.loss for step in read] == values.tolist()
    assert [step.samples for step in read] == list(range(1000))


def reading(monitor: GpuMonitor) -> GpuReading:
    """Of the GPU on which PyTorch computes."""
    uuid = str(torch.cuda.get_device_properties(0).uuid)
    [found] = [gpu for gpu in monitor.read() if uuid in gpu.uuid]
    return found


def test_the_driver_sees_the_memory_that_pytorch_takes() -> None:
    monitor = GpuMonitor.open()
    assert monitor is not None
    with monitor:
        assert monitor.driver_version
        block = torch.empty(2**28, dtype=torch.uint8, device="cuda")
        block.fill_(1)
        torch.cuda.synchronize()
        gpu = reading(monitor)
    assert gpu.used_bytes is not None
    assert gpu.total_bytes is not None
    assert torch.cuda.memory_reserved() <= gpu.used_bytes <= gpu.total_bytes
    total = torch.cuda.get_device_properties(0).total_memory
    assert gpu.total_bytes == pytest.approx(total, rel=0.1)
    assert gpu.name == torch.cuda.get_device_name(0)


def test_readings_that_the_gpu_gives_are_plausible() -> None:
    monitor = GpuMonitor.open()
    assert monitor is not None
    with monitor:
        gpu = reading(monitor)
    assert gpu.utilization_percent is None or 0 <= gpu.utilization_percent <= 100
    assert gpu.power_watts is None or 1 < gpu.power_watts < 2000
    assert gpu.temperature_celsius is None or 0 < gpu.temperature_celsius < 120


def test_a_run_writes_its_memory_and_sampled_phases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_clock, "GPU_SAMPLE_SECONDS", 0.0)
    trainer = new_trainer(tmp_path, [*DIGITS, "training.epochs=3"])
    trainer.train()
    memory = of_type(trainer, Memory)[-1]
    assert memory.torch_allocated_bytes is not None
    assert memory.torch_reserved_bytes is not None
    assert memory.torch_peak_bytes is not None
    weights = sum(parameter.nbytes for parameter in trainer.job.model.parameters())
    assert weights < memory.torch_allocated_bytes <= memory.torch_peak_bytes
    assert memory.torch_allocated_bytes <= memory.torch_reserved_bytes
    assert any(gpu.get("used_bytes") for gpu in memory.gpus)
    timings = of_type(trainer, Timing)
    assert sum(timing.steps for timing in timings) == 39
    assert any(timing.phase_ms.get("forward", 0) > 0 for timing in timings)
    assert trainer.reporter.torch_peak_bytes is not None


def test_running_out_of_memory_names_the_batch_size_the_peak_and_what_to_try(tmp_path: Path) -> None:
    """All but 16 MiB of the GPU is taken away, and a layer's output takes 80."""
    trainer = new_trainer(tmp_path, [*DIGITS, "data.batch_size=1280", "model.hidden=[16384]"])
    torch.cuda.empty_cache()
    device = torch.device("cuda", 0)
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(device) + 2**24) / total, device)
    try:
        with pytest.raises(torch.OutOfMemoryError) as ran_out:
            trainer.train()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
    error = explain_out_of_memory(ran_out.value, trainer.job.preset, device)
    assert isinstance(error, OutOfMemoryError)
    for part in (
        torch.cuda.get_device_name(device),
        "batch size 1280",
        "peak was",
        "GiB",
        "data.batch_size = 640",
        'runtime.precision = "bf16"',
        'runtime.data_loading = "dataloader"',
    ):
        assert part in str(error)
