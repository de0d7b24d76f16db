"""A worker that trains run after run on a GPU: its memory is free between them, and nothing carries over."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from tests.gpu.conftest import DIGITS, GPU_ONLY
from workbench.devices.gpu import GpuMonitor
from workbench.processes.standby import Standby
from workbench.processes.worker import start_trainer
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.events import Steps
from workbench.runs.status import read_summary
from workbench.runs.tail import EventTail
from workbench.settings.preset import Preset

pytestmark = GPU_ONLY

PATIENCE_SECONDS = 120
LARGE = ["model.hidden=[4096, 4096]", "training.epochs=2", "runtime.precision=bf16"]
SMALL = ["training.epochs=2", "runtime.deterministic=true"]
CONTEXT_BYTES = 1.5 * 2**30
"""More than PyTorch's context and its libraries take on any card."""


def new_run(folder: Path, *assignments: str) -> RunDirectory:
    preset = Preset().override([*DIGITS, *assignments])
    return create_run(folder, preset.name, preset.to_toml())


def losses(run: RunDirectory) -> list[float]:
    return [loss for _, event in EventTail(run.events).read() if isinstance(event, Steps) for loss in event.losses]


def gpu_bytes(process_id: int) -> int:
    """What the process holds of all GPUs; skips where the driver does not distinguish processes."""
    import pynvml

    monitor = GpuMonitor.open()
    assert monitor is not None
    with monitor:
        held = [
            process.usedGpuMemory
            for index in range(pynvml.nvmlDeviceGetCount())
            for process in pynvml.nvmlDeviceGetComputeRunningProcesses(pynvml.nvmlDeviceGetHandleByIndex(index))
            if process.pid == process_id
        ]
    if not held or None in held:
        pytest.skip("the driver does not say what this process holds")
    return sum(held)


def test_runs_in_turn_have_the_losses_and_the_peak_of_cold_ones(tmp_path: Path) -> None:
    standby = Standby.launch()
    try:
        warm = []
        for assignments in (LARGE, SMALL, SMALL):
            warm.append(new_run(tmp_path, *assignments, "training.seed=3"))
            assert standby.train(warm[-1], "workbench").wait(PATIENCE_SECONDS) == 0, warm[-1].worker_log.read_text()
        cold = new_run(tmp_path, *SMALL, "training.seed=3")
        assert start_trainer(cold, "workbench").wait(PATIENCE_SECONDS) == 0
        # The first small run began in a fresh process: cuBLAS had been used without determinism. The second did not.
        assert losses(warm[1]) == losses(warm[2]) == losses(cold)
        peaks = [summary.torch_peak_bytes for run in (*warm[1:], cold) if (summary := read_summary(run)) is not None]
        assert peaks == pytest.approx([peaks[-1]] * 3, rel=0.05), "not that of the large one before"
    finally:
        standby.close()


def test_between_runs_only_the_context_is_held(tmp_path: Path) -> None:
    standby = Standby.launch()
    try:
        run = new_run(tmp_path, *LARGE)
        assert standby.train(run, "workbench").wait(PATIENCE_SECONDS) == 0
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not standby.is_ready and time.monotonic() < deadline:
            time.sleep(0.05)
        assert psutil.pid_exists(standby.process_id)
        assert gpu_bytes(standby.process_id) < CONTEXT_BYTES
    finally:
        standby.close()
