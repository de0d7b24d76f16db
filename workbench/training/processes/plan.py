"""What a preset would train, without training it: `python -m workbench.training.processes.plan [--background]`.

Reads a preset as TOML from standard input and writes one JSON object to standard output: the plan, or the error and
the exit code. A process of its own, so that whoever asks needs no PyTorch. In the background it takes what nobody
else wants of the processor, and fetches nothing.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from workbench.errors import EXIT_FAILED, WorkbenchError
from workbench.settings.preset import Preset


def main() -> int:
    """Plans the preset on standard input; returns the exit code."""
    if sys.argv[1:] == ["--background"]:
        os.nice(19)
        os.environ["OMP_NUM_THREADS"] = "1"  # read when PyTorch is imported
        from workbench.data.download import OFFLINE_VARIABLE

        os.environ[OFFLINE_VARIABLE] = "1"
    preset = Preset()
    try:
        preset = Preset.from_toml(sys.stdin.read(), "the preset")
        found = make_plan(preset)
    except Exception as error:
        from workbench.training.memory.out_of_memory import explain_out_of_memory

        traceback.print_exc()
        known = error if isinstance(error, WorkbenchError) else explain_out_of_memory(error, preset, None)
        exit_code = known.exit_code if known else EXIT_FAILED
        told = str(known or f"{type(error).__name__}: {error}")
        print(json.dumps({"error": told, "exit_code": exit_code, "kind": known.kind if known else "internal"}))
        return exit_code
    print(json.dumps(found))
    return 0


def make_plan(preset: Preset) -> dict[str, Any]:
    """Parameters, FLOPs a step, splits, steps an epoch, and expected memory by kind in bytes."""
    from workbench.training.device import device_name
    from workbench.training.job import build_job
    from workbench.training.memory.estimate import expected_memory

    job = build_job(preset, lambda progress: None)
    memory = expected_memory(job)
    return {
        "device": f"{job.device} ({device_name(job.device)})",
        "task": job.task.kind,
        "learns": job.learns,
        "outputs": job.task.outputs,
        "input_shape": list(job.input_shape),
        "parameters": job.parameters,
        "flops_per_step": memory.flops_per_step,
        "train_samples": len(job.train),
        "validation_samples": None if job.validation is None else len(job.validation),
        "test_samples": None if job.test is None else len(job.test),
        "steps_per_epoch": job.steps_per_epoch,
        "steps": job.steps_per_epoch * preset.training.epochs,
        "data_loading": job.train.name,
        "memory_bytes": memory.kinds | ({} if memory.peak_bytes is None else {"peak": memory.peak_bytes}),
        "peak_during": memory.peak_during,
        "model": str(job.model),
        "notes": [*job.notes, *([memory.reason] if memory.reason else [])],
    }


if __name__ == "__main__":
    sys.exit(main())
