"""How long a stop or a pause waits for queued steps: a request must be handled within 0.2 s, or two long steps."""

from __future__ import annotations

import gc
import os
import time

import torch

from tests.gpu.on_card.probes.probe import Needs, Report, Steps, make_trainer, needs_card, wait, warnings

MOST_SECONDS = 0.2
"""Until a request is handled."""
WATCHED_SECONDS = {"cuda": 4.0, "cpu": 0.5}
LIGHT = ["model.hidden=[64]"]
HEAVY = [
    "data.name=mnist", "data.batch_size=4096", "model.hidden=[8192,8192,8192]", "optimizer.name=sgd",
    "runtime.measure=false",
]  # fmt: skip
"""14 steps an epoch, each some 80 ms on an H200."""


def backlog(device: torch.device, report: Report) -> None:
    """Reports, for light and for heavy steps, how much work is queued and how long a call blocks."""
    cases = [("light", "cuda_graph", LIGHT), ("heavy", "cuda_graph", HEAVY), ("heavy eager", "eager", HEAVY)]
    for name, engine, settings in cases:
        if settings is HEAVY:
            needs_card(device)
            if "WORKBENCH_DATA" not in os.environ:
                raise Needs("MNIST")
        steps = Steps(make_trainer(device, engine, *settings))
        steps.run(8)
        wait(device)
        queued = blocked = 0.0
        started, calls, first = time.perf_counter(), 0, steps.done
        while time.perf_counter() - started < WATCHED_SECONDS[device.type]:
            before = time.perf_counter()
            steps.one_call()
            blocked = max(blocked, time.perf_counter() - before)
            calls += 1
            if calls % 7 == 0:
                before = time.perf_counter()
                wait(device)
                queued = max(queued, time.perf_counter() - before)
        step_seconds = (time.perf_counter() - started) / max(steps.done - first, 1)
        fault = "FAULT: " if queued + blocked > max(MOST_SECONDS, 2.2 * step_seconds) else ""
        report(
            f"{fault}{name}: {(steps.done - first) / calls:.1f} steps a call; up to {queued:.3f} s of work queued, "
            f"a call blocks up to {blocked:.3f} s; {warnings(steps.trainer)}"
        )
        del steps
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
