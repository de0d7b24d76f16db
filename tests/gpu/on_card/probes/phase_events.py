"""Events inside CUDA graphs: do they tell times when a graph is replayed, each time anew, and do phases add up?"""

from __future__ import annotations

from itertools import pairwise
from unittest import mock

import torch

from tests.gpu.on_card.probes.probe import Report, Steps, make_trainer, needs_card, wait
from workbench.training.timing import cuda_clock


def phase_events(device: torch.device, report: Report) -> None:
    """Times one and two matrix products by events in a graph, then the phases of replayed steps."""
    phases_of_replayed_steps(device, report)
    needs_card(device)
    matrix, number = torch.randn(4096, 4096, device=device), torch.zeros(1, device=device)
    events = [torch.cuda.Event(enable_timing=True, external=True) for _ in range(4)]
    matrix @ matrix
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        events[0].record()
        product = matrix @ matrix
        events[1].record()
        product = (product @ matrix) @ matrix
        events[2].record()
        number.add_(1)
        events[3].record()
    for _ in range(3):
        graph.replay()
        torch.cuda.synchronize(device)
        one, two, tiny = (1000 * start.elapsed_time(end) for start, end in pairwise(events))
        fault = "" if 1.5 < two / one < 2.5 else "FAULT: "
        report(f"{fault}one product {one:.1f} us, two {two:.1f} us, an addition to one number {tiny:.2f} us")


def phases_of_replayed_steps(device: torch.device, report: Report) -> None:
    """Reports how a step's phases add up to it."""
    with mock.patch.object(cuda_clock, "GPU_SAMPLE_SECONDS", 0.0):
        steps = Steps(make_trainer(device, "cuda_graph"))
        steps.run(24)
        wait(device)
        steps.trainer.clock.take()
        steps.run(200)
        wait(device)
        measured = steps.trainer.clock.take()
    phases = {name: round(1000 * milliseconds, 1) for name, milliseconds in measured.phase_ms().items()}
    mean = 1000 * sum(measured.step_ms) / max(len(measured.step_ms), 1)
    added = sum(phases.values())
    fault = "" if mean and abs(added / mean - 1) < 0.1 else "FAULT: "
    report(
        f"{fault}{measured.timed_steps} of {measured.steps} steps timed: {mean:.1f} us; {phases}, together {added:.1f}"
    )
