"""What a preset would train, without training it: `python -m workbench.training.plan`.

Reads a preset as TOML from standard input and writes one JSON object to standard output: the plan, or the error and
the exit code. A process of its own, so that whoever asks needs no PyTorch.
"""

from __future__ import annotations

import copy
import json
import sys
import traceback
from typing import TYPE_CHECKING, Any

from workbench.errors import EXIT_FAILED, WorkbenchError
from workbench.settings.preset import Preset

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from workbench.training.job import Job


def main() -> int:
    """Plans the preset on standard input; returns the exit code."""
    from workbench.training.memory_errors import explain_out_of_memory

    preset = Preset()
    try:
        preset = Preset.from_toml(sys.stdin.read(), "the preset")
        found = make_plan(preset)
    except Exception as error:
        traceback.print_exc()
        known = error if isinstance(error, WorkbenchError) else explain_out_of_memory(error, preset, None)
        exit_code = known.exit_code if known else EXIT_FAILED
        print(json.dumps({"error": str(known or f"{type(error).__name__}: {error}"), "exit_code": exit_code}))
        return exit_code
    print(json.dumps(found))
    return 0


def make_plan(preset: Preset) -> dict[str, Any]:
    """Parameters, FLOPs a step, splits, steps an epoch, and expected memory by kind in bytes."""
    from workbench.training.device import device_name
    from workbench.training.job import build_job

    job = build_job(preset, lambda progress: None)
    flops, activation_bytes = _measure_step(job)
    parameter_bytes = sum(parameter.nbytes for parameter in job.model.parameters())
    gradient_bytes = sum(parameter.nbytes for parameter in job.model.parameters() if parameter.requires_grad)
    memory = {
        "parameters": parameter_bytes,
        "gradients": gradient_bytes,
        "optimizer": round(gradient_bytes * _optimizer_share(preset)),
        "activations": activation_bytes,
        "samples": sum(feed.resident_bytes for feed in (job.train, job.validation, job.test) if feed is not None),
    }
    return {
        "device": f"{job.device} ({device_name(job.device)})",
        "task": job.task.kind,
        "outputs": job.task.outputs,
        "input_shape": list(job.input_shape),
        "parameters": job.parameters,
        "flops_per_step": flops,
        "train_samples": len(job.train),
        "validation_samples": None if job.validation is None else len(job.validation),
        "test_samples": None if job.test is None else len(job.test),
        "steps_per_epoch": job.steps_per_epoch,
        "steps": job.steps_per_epoch * preset.training.epochs,
        "feed": job.train.name,
        "memory_bytes": memory | {"total": sum(memory.values())},
        "model": str(job.model),
        "notes": list(job.notes),
    }


def _measure_step(job: Job) -> tuple[int | None, int]:
    """FLOPs of an optimizer step (forward and backward) and bytes of the activations kept for backward.

    Computed on the meta device, where tensors have shapes and no data, so it is quick for any size. FLOPs are None
    for a model that cannot run there.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    batch_size = min(job.preset.data.batch_size, len(job.train))
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, torch.nn.Parameter) and not tensor._is_view():
            kept[id(tensor)] = tensor.nbytes
        return tensor

    try:
        model = copy.deepcopy(job.model).to("meta").train()
        inputs = torch.empty((batch_size, *job.input_shape), device="meta")
        counter = FlopCounterMode(display=False)
        with counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            model(inputs).sum().backward()
    except Exception:  # a user's model may need real data; then the plan goes without
        traceback.print_exc()
        return None, 0
    return counter.get_total_flops() * job.preset.training.accumulation, sum(kept.values()) + inputs.nbytes


def _optimizer_share(preset: Preset) -> float:
    """Bytes of optimizer state a byte of parameter, measured on one small matrix."""
    import torch

    probe = torch.nn.Parameter(torch.zeros(64, 64))
    probe.grad = torch.ones_like(probe)
    optimizer: Optimizer = preset.optimizer.build([probe])
    optimizer.step()
    tensors = [value for value in optimizer.state[probe].values() if isinstance(value, torch.Tensor)]
    return sum(tensor.nbytes for tensor in tensors) / probe.nbytes


if __name__ == "__main__":
    sys.exit(main())
