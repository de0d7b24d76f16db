"""Whether the device runs dry between launches of captured steps, and how late the host's waits end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median

import pynvml
import torch

from tests.gpu.on_card.probes.probe import Report, Steps, make_trainer, needs_card, wait, warnings
from workbench.training.engines.backlog import WAIT_SECONDS
from workbench.training.engines.capture import seconds_of
from workbench.training.engines.cuda_graph import CudaGraphEngine

LONG = ["data.batch_size=1", "runtime.measure=false"]
"""More than a thousand steps an epoch."""
MNIST = ["data.name=mnist", "data.batch_size=64", "runtime.measure=false"]
"""The classic network: its optimizer has thrice as many weights."""
ROUNDS, STEPS = 4, 4000
REPLAYS = 50
MOST_GAPS = 1.1
"""Times the seconds of the replays alone that steps may take."""
SLEEP_CYCLES = 2_000_000
"""Of a GPU that sleeps, some 1 ms."""
WAITS = 20


def gaps(device: torch.device, report: Report) -> None:
    """Reports the time of a step in whole epochs beside replays alone; then how late waits of the host end."""
    needs_card(device)
    for name, settings in {"digits, batch 1": LONG, "MNIST, batch 64": MNIST}.items():
        if settings is LONG or "WORKBENCH_DATA" in os.environ:
            _between_launches(device, settings, lambda line, name=name: report(f"{line} ({name})"))  # type: ignore[misc]
    ways: dict[str, Callable[[torch.cuda.Event], None]] = {
        "CUDA's blocking wait": torch.cuda.Event.synchronize,
        "short sleeps": _sleep_until,
    }
    for name, wait_for in ways.items():
        late = [_late_seconds(device, wait_for) for _ in range(WAITS)]
        report(f"{name} end {1e3 * median(late):.2f} ms late, at most {1e3 * max(late):.2f} ms")


def _between_launches(device: torch.device, settings: list[str], report: Report) -> None:
    steps = Steps(make_trainer(device, "cuda_graph", *settings))
    for _ in range(ROUNDS):
        started = time.perf_counter()
        ran = steps.run(STEPS)
        wait(device)
        in_epochs = (time.perf_counter() - started) / ran
        report(f"{1e6 * in_epochs:.1f} us a step in epochs, at {_clocks()}")
    engine = steps.trainer.engine
    assert isinstance(engine, CudaGraphEngine)
    if engine._several is None:
        report(f"no several steps in a launch: {warnings(steps.trainer)}")
        return
    count, several = engine._several
    engine._cursor.zero_()

    def replay() -> None:
        for _ in range(REPLAYS):
            several.replay()

    alone = seconds_of(replay, device) / (REPLAYS * count)
    fault = "FAULT: " if in_epochs > MOST_GAPS * alone else ""
    report(f"{fault}a step takes {1e6 * in_epochs:.1f} us in epochs, {1e6 * alone:.1f} us in replays alone")


def _clocks() -> str:
    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(0)
    multiprocessors, memory = (
        pynvml.nvmlDeviceGetClockInfo(handle, clock) for clock in (pynvml.NVML_CLOCK_SM, pynvml.NVML_CLOCK_MEM)
    )
    return f"{multiprocessors} and {memory} MHz"


def _late_seconds(device: torch.device, wait_for: Callable[[torch.cuda.Event], None]) -> float:
    """How long the host waits for a sleep of the device, less that sleep."""
    wait(device)
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True, blocking=True)
    began = time.perf_counter()
    start.record()
    torch.cuda._sleep(SLEEP_CYCLES)
    end.record()
    wait_for(end)
    waited = time.perf_counter() - began
    return waited - float(start.elapsed_time(end)) / 1000


def _sleep_until(event: torch.cuda.Event) -> None:
    while not event.query():
        time.sleep(WAIT_SECONDS)
