"""Estimates the device memory of a run, by kind, and the FLOPs of a step, before the first one.

Everything that a run allocates is counted on fake tensors (`fake_run`). On a GPU the workspaces of cuBLAS and cuDNN are
measured and added. Not counted are CUDA's context, and the samples as they were read, which stay in the host's memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from workbench.errors import first_line, type_and_first_line
from workbench.training.engines.cuda_graph import why_not_capturable
from workbench.training.job import Job
from workbench.training.memory.fake_run import PREPARING, FakeRun, Stage
from workbench.training.memory.workspaces import OperatorCall, convolution_workspaces, cublas_workspace_bytes

KINDS = ("parameters", "gradients", "optimizer", "activations", "data", "rest")
NOT_MEASURED = "no expected peak: the workspaces of cuDNN's convolutions cannot be measured while training"
FAILED = "no expected peak: the workspaces of cuDNN's convolutions could not be measured: {why}"
TRIALS = "cuDNN tries its algorithms in the first steps, which takes more than the expected peak where memory is free"


@dataclass(frozen=True)
class ExpectedMemory:
    """The device memory that a job takes."""

    kinds: dict[str, int]
    """Bytes by kind when a training step takes most, but with the gradients of all parameters, which are there when the
    step ends; the rest is what comes on top of them at the peak."""
    peak_bytes: int | None
    """The most at any time; None where it is not known."""
    peak_during: str
    """The stage in which that is."""
    flops_per_step: int | None
    """Of matrix products, convolutions and attention, forward and backward, of all accumulated batches."""
    reason: str = ""
    """Why something is not known; empty where everything is."""


def gradient_bytes(job: Job) -> int:
    """Bytes of the gradients of all trained parameters, as a step ends with them."""
    return sum(parameter.nbytes for parameter in job.model.parameters() if parameter.requires_grad)


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
                captures = (
                    job.preset.runtime.engine in ("auto", "cuda_graph", "compiled") and why_not_capturable(job) is None
                )
                self._cublas_bytes = cublas_workspace_bytes(job.device, captures=captures)
            self._fake_run = FakeRun(job)
        except Exception as error:  # a model that cannot be copied
            self._failure = error

    def run(self, *, measure_convolutions: bool = False) -> ExpectedMemory:
        """Runs the estimate, once. Raises nothing: where the model needs real numbers, only what is known is returned.

        measure_convolutions: on a GPU, compute each distinct convolution once, which resets the peak statistics and
        takes memory; not while training.
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
            "gradients": gradient_bytes(job),
            "data": sum(
                source.resident_bytes for source in (job.train, job.validation, job.test) if source is not None
            ),
        }
        reason = f"the peak cannot be estimated: {type_and_first_line(self._failure)}"
        return ExpectedMemory(kinds, None, "", None, reason)

    def _of(self, fake_run: FakeRun, *, measure_convolutions: bool) -> ExpectedMemory:
        kinds = {kind: fake_run.kinds.get(kind, 0) for kind in KINDS}
        calls = [call for stage in fake_run.stages for call in stage.convolutions]
        workspaces: dict[OperatorCall, int] = {}
        reason = ""
        if calls and self._job.device.type == "cuda":
            reason = NOT_MEASURED
            if measure_convolutions:
                try:
                    workspaces = convolution_workspaces(calls, self._job.device)
                    reason = "" if self._job.preset.runtime.deterministic else TRIALS
                except RuntimeError as error:  # no memory left on the device, or a shape that cuDNN refuses
                    reason = FAILED.format(why=first_line(error))
            if not workspaces:
                return ExpectedMemory(kinds, None, "", fake_run.flops_per_step, reason)
        peak, during = self._peak(fake_run.stages, workspaces)
        kinds["gradients"] = gradient_bytes(self._job)
        kinds["rest"] = max(peak - sum(bytes for kind, bytes in kinds.items() if kind != "rest"), 0)
        return ExpectedMemory(kinds, peak, during, fake_run.flops_per_step, reason)

    def _peak(self, stages: list[Stage], workspaces: dict[OperatorCall, int]) -> tuple[int, str]:
        """The most bytes at any time, and the stage in which that is."""
        peak, during = 0, ""
        for stage in stages:
            with_workspaces = [bytes + workspaces.get(call, 0) for call, bytes in stage.convolutions.items()]
            # The samples are prepared before the first matrix product.
            cublas_bytes = 0 if stage.name == PREPARING else self._cublas_bytes
            stage_peak = max(stage.peak_bytes, *with_workspaces, 0) + cublas_bytes
            if stage_peak > peak:
                peak, during = stage_peak, stage.name
        return peak, during
