"""What a step of the classic MNIST network is made of: operators one by one, and the kernels of a whole step."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor, nn
from torch.autograd.profiler import profile

from tests.gpu.on_card.probes.probe import Report, Steps, make_trainer, needs_card, wait, warnings

BATCH, WIDTHS = 64, (784, 512, 256, 10)
REPEATS, REPLAYS = 50, 20
LISTED = 30


def kernels(device: torch.device, report: Report) -> None:
    """Reports the microseconds of each operator of a step inside a CUDA graph, and their sum: a step's lower bound."""
    cases = operators(device)
    total, parts = 0.0, []
    for name, (count, work) in cases.items():
        with torch.no_grad():
            microseconds = in_graph(device, work)
        total += count * microseconds
        parts.append(f"{name} {microseconds:.2f}")
    report(f"us each: {'; '.join(parts)}")
    report(f"a step added up: {total:.0f} us")


def operators(device: torch.device) -> dict[str, tuple[int, Callable[[], object]]]:
    """The operators of a step by name: how often a step has them, and a call of them."""
    found: dict[str, tuple[int, Callable[[], object]]] = {}
    samples = torch.randn(6000, WIDTHS[0], device=device)
    order = torch.randperm(6000, device=device)[:BATCH]
    targets = torch.randint(0, WIDTHS[-1], (BATCH,), device=device)
    scores = torch.randn(BATCH, WIDTHS[-1], device=device)
    found["gather inputs"] = 1, lambda: samples.index_select(0, order)
    weights: list[Tensor] = []
    for number, (narrow, wide) in enumerate(zip(WIDTHS[1:], WIDTHS, strict=False)):
        weight, bias = torch.randn(narrow, wide, device=device), torch.randn(narrow, device=device)
        inputs, gradient = torch.randn(BATCH, wide, device=device), torch.randn(BATCH, narrow, device=device)
        weights += [weight, bias]
        for name, work in layer(inputs, weight, bias, gradient, first=number == 0).items():
            found[f"{name} {wide}-{narrow}"] = 1, work
    found["log_softmax"] = 1, lambda: torch.log_softmax(scores, 1)
    found["nll_loss"] = 1, lambda: nn.functional.nll_loss(scores, targets)
    found["correct"] = 1, lambda: (scores.argmax(1) == targets).sum()
    found["fused Adam"] = 1, adam_step(weights)
    return found


def layer(
    inputs: Tensor, weight: Tensor, bias: Tensor, gradient: Tensor, *, first: bool
) -> dict[str, Callable[[], object]]:
    """The operators of a linear layer, forward and backward; the first has no gradient of its inputs."""
    works: dict[str, Callable[[], object]] = {
        "addmm": lambda: torch.addmm(bias, inputs, weight.t()),
        "gradient of the weight": lambda: gradient.t() @ inputs,
        "gradient of the bias": lambda: gradient.sum(0),
    }
    if not first:
        works["relu"] = lambda: torch.relu(inputs)
        works["gradient of the inputs"] = lambda: gradient @ weight
        works["gradient of relu"] = lambda: torch.ops.aten.threshold_backward(inputs, inputs, 0)
    return works


def adam_step(weights: list[Tensor]) -> Callable[[], object]:
    """A step of fused Adam over weights whose gradients are random."""
    parameters = [nn.Parameter(weight.clone()) for weight in weights]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    on_gpu = weights[0].device.type == "cuda"
    optimizer = torch.optim.Adam(parameters, fused=True, capturable=on_gpu)
    return optimizer.step


def in_graph(device: torch.device, work: Callable[[], object]) -> float:
    """Median microseconds of work within a CUDA graph that repeats it; on the CPU of a plain call."""
    for _ in range(3):
        work()
    wait(device)
    if device.type != "cuda":
        started = time.perf_counter()
        work()
        return 1e6 * (time.perf_counter() - started)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(REPEATS):
            work()
    graph.replay()
    found: list[float] = []
    for _ in range(REPLAYS):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        found.append(1000 * start.elapsed_time(end) / REPEATS)
    return median(found)


def replayed_kernels(device: torch.device, report: Report) -> None:
    """Reports the kernels of a step as the engine that captures runs it: names, how often, how long."""
    kernels_of_a_step(device, "cuda_graph", report)


def compiled_kernels(device: torch.device, report: Report) -> None:
    """Reports the kernels of a compiled step: are there fewer than of a captured one?"""
    needs_card(device)
    kernels_of_a_step(device, "compiled", report)


def kernels_of_a_step(device: torch.device, engine: str, report: Report) -> None:
    """Trains with an engine until it has settled, and profiles some steps."""
    started = time.perf_counter()
    trainer = make_trainer(device, engine)
    steps = Steps(trainer)
    steps.run(24)
    wait(device)
    made = time.perf_counter() - started
    report(f"as {trainer.engine.name}; ready after {made:.1f} s; {trainer.engine_choice.reason}; {warnings(trainer)}")
    started = time.perf_counter()
    timed = steps.run(200)
    wait(device)
    report(f"{1e6 * (time.perf_counter() - started) / timed:.1f} us a step")
    on_gpu = device.type == "cuda"
    with profile(use_kineto=True, use_device="cuda" if on_gpu else None) as profiler:
        profiled = steps.run(40)
        wait(device)
    counts: Counter[str] = Counter()
    nanoseconds: Counter[str] = Counter()
    for event in profiler.kineto_results.events():
        if not on_gpu or "cuda" in str(event.device_type()).lower():
            counts[event.name()] += 1
            nanoseconds[event.name()] += event.duration_ns()
    report(
        f"{sum(counts.values()) / profiled:.1f} kernels a step, {sum(nanoseconds.values()) / profiled / 1000:.1f} us"
    )
    for name, total in nanoseconds.most_common(LISTED):
        report(f"  {counts[name] / profiled:.1f} x {total / counts[name] / 1000:.2f} us  {name[:110]}")
