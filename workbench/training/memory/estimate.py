"""Estimates how much memory a training takes on its device, by kind, and how many FLOPs a step, before the first one.

Everything a training allocates is counted on fake tensors (`fake_run`). On a GPU the workspaces of cuBLAS and cuDNN are
measured and added. Not counted are CUDA's context, and the samples as they were read, which stay in the host's memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import torch

from workbench.training.engines.cuda_graph import obstacle
from workbench.training.job import Job
from workbench.training.memory.fake_run import PREPARING, FakeRun
from workbench.training.memory.workspaces import OperatorCall, cublas_workspace_bytes

KINDS = ("parameters", "gradients", "optimizer", "activations", "data", "rest")
CUDNN_UNKNOWN = "the workspaces of cuDNN's convolutions come on top of the peak: {why}"


@dataclass(frozen=True)
class ExpectedMemory:
    """What a job takes of its device."""

    kinds: dict[str, int]
    """Bytes by kind when a training step takes most; the rest is what comes on top of them at the peak."""
    peak_bytes: int | None
    """The most at any time; None where the model cannot run on fake tensors."""
    peak_during: str
    """When that is."""
    flops_per_step: int | None
    """Of matrix products, convolutions and attention, forward and backward, of all accumulated batches."""
    reason: str = ""
    """Why something is not known; empty where everything is."""


def expected_memory(job: Job) -> ExpectedMemory:
    """Estimates the memory of a job that has been built and does not train yet; leaves it as it was. Raises nothing.

    On a GPU each distinct convolution is computed once, and the device's peak statistics are reset.
    """
    return MemoryEstimate(job).run(measure_convolutions=True)


class MemoryEstimate:
    """An estimate of a job's memory: prepared now, run whenever there is time for it."""

    def __init__(self, job: Job) -> None:
        """Copies what it needs, in some milliseconds. Raises nothing."""
        self._job = job
        self._failure: Exception | None = None
        self._cublas_bytes = 0
        try:
            if job.device.type == "cuda":
                captures = job.preset.runtime.engine in ("auto", "cuda_graph", "compiled") and obstacle(job) is None
                self._cublas_bytes = cublas_workspace_bytes(job.device, captures=captures)
            self._fake_run = FakeRun(job)
        except Exception as error:  # a model that cannot be copied
            self._failure = error

    def run(self, *, measure_convolutions: bool = False) -> ExpectedMemory:
        """Runs the estimate, once. Raises nothing: where the model needs real numbers, only what is known is returned.

        measure_convolutions: on a GPU, compute each distinct convolution once, which resets the peak statistics and
        takes memory; not while a training runs.
        """
        try:
            if self._failure is None:
                self._fake_run.run()
                return self._of(self._fake_run, measure_convolutions=measure_convolutions)
        except Exception as error:
            self._failure = error
        job = self._job
        weights = list(job.model.parameters())
        kinds = {
            "parameters": sum(tensor.nbytes for tensor in chain(weights, job.model.buffers())),
            "gradients": sum(tensor.nbytes for tensor in weights if tensor.requires_grad),
            "data": sum(
                source.resident_bytes for source in (job.train, job.validation, job.test) if source is not None
            ),
        }
        first_line = (str(self._failure).splitlines() or [""])[0]
        reason = f"the peak cannot be estimated: {type(self._failure).__name__}: {first_line}"
        return ExpectedMemory(kinds, None, "", None, reason)

    def _of(self, fake_run: FakeRun, *, measure_convolutions: bool) -> ExpectedMemory:
        reason = ""
        workspaces: dict[OperatorCall, int] = {}
        calls = list(dict.fromkeys(call for stage in fake_run.stages for call in stage.convolutions))
        if calls and self._job.device.type == "cuda":
            if measure_convolutions:
                workspaces, reason = _measured(calls, self._job.device)
            else:
                reason = CUDNN_UNKNOWN.format(why="they are measured before a training, not while it runs")
        peak, during = 0, ""
        for stage in fake_run.stages:
            with_workspaces = [bytes + workspaces.get(call, 0) for call, bytes in stage.convolutions.items()]
            # The samples are prepared before the first matrix product.
            cublas_bytes = 0 if stage.name == PREPARING else self._cublas_bytes
            stage_peak = max(stage.peak_bytes, *with_workspaces, 0) + cublas_bytes
            if stage_peak > peak:
                peak, during = stage_peak, stage.name
        kinds = {kind: fake_run.kinds.get(kind, 0) for kind in KINDS}
        kinds["rest"] += peak - sum(kinds.values())
        return ExpectedMemory(kinds, peak, during, fake_run.flops_per_step, reason)


def _measured(calls: list[OperatorCall], device: torch.device) -> tuple[dict[OperatorCall, int], str]:
    """The workspace of each convolution in bytes, and why some are not known."""
    workspaces: dict[OperatorCall, int] = {}
    reason = ""
    for call in calls:
        try:
            workspaces[call] = call.workspace_bytes(device)
        except RuntimeError as error:  # no memory left on the device, or a shape that cuDNN refuses
            reason = CUDNN_UNKNOWN.format(why=(str(error).splitlines() or [""])[0])
    torch.cuda.empty_cache()
    return workspaces, reason
