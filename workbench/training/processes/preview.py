"""The process that previews settings; `workbench.processes.preview` says what it is asked and what it answers.

It has the lowest priority, uses no GPU, and sleeps between two requests. It keeps the data that it read last: a change
of the network or of the optimizer then takes no reading.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.processes.preview import DATA, MODEL, PLAN, Previewed, Request
from workbench.settings.preset import Preset
from workbench.training.processes.background import stay_in_background
from workbench.training.processes.imports import import_pytorch, without_collector
from workbench.training.processes.serve import Send, report_read, serve
from workbench.units import size

if TYPE_CHECKING:
    from workbench.processes.data import DataSummary
    from workbench.training.describing.source import Source

MOST_FILE_BYTES = 2**30
NVML_VARIABLE = "PYTORCH_NVML_BASED_CUDA_CHECK"
"""Where it is 1, PyTorch asks the driver's library of readings whether there is a GPU, and leaves CUDA alone."""


def main() -> int:
    """Answers requests until standard input ends."""
    stay_in_background(all_threads=True)  # of which only the time of a step uses more than one
    os.environ[NVML_VARIABLE] = "1"
    with without_collector():
        import sklearn.model_selection  # noqa: F401

        import workbench.training.describing.layers
        import workbench.training.describing.summary
        import workbench.training.memory.estimate
        import workbench.training.tuning.step_time  # noqa: F401

        import_pytorch()
    gc.freeze()  # half a million objects that no collection need visit
    serve(Request, Previewer().answer)


class Previewer:
    """Answers requests, and keeps the data that was read last."""

    def __init__(self) -> None:
        self._source: Source | None = None
        self._summary: DataSummary | None = None
        """Of that data."""

    def answer(self, request: Request, send: Send) -> Previewed:
        """Sends what the data, the network and the memory are; returns the rest. Raises what `build_job` raises."""
        import torch

        from workbench.training.describing.layers import describe_model
        from workbench.training.job import assemble
        from workbench.training.processes.plan import plan_of
        from workbench.training.processes.without_gpus import uses_gpu, without_gpus
        from workbench.training.tuning.step_time import step_ms_of

        preset = Preset.from_toml(request.preset, "the preset")
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        on_gpu = uses_gpu(preset.runtime.device)
        if on_gpu:
            preset = preset.override(["runtime.device=cpu", "runtime.precision=float32", "runtime.engine=auto"])
        with without_gpus():
            source = self._read(preset)
            if request.shows_data:
                send(DATA, self._described(preset, source, request.samples))
            job = assemble(source.data, preset)
            try:
                send(MODEL, describe_model(job))
                if on_gpu:
                    return Previewed(uses_gpu=True)
                plan = plan_of(job)
                send(PLAN, plan)
                torch.set_num_threads(preset.runtime.num_threads or threads)
                return Previewed(uses_gpu=False, step_ms=step_ms_of(job, plan.flops_per_step))
            finally:
                job.close()

    def _read(self, preset: Preset) -> Source:
        from workbench.training.describing.source import read_source

        if self._source is None or not self._source.data.serves(preset):
            self._source = self._summary = None  # frees it before other data is read
            _check_size(preset)
            self._source = read_source(preset, report_read)
        return self._source

    def _described(self, preset: Preset, source: Source, samples: int) -> DataSummary:
        from workbench.training.describing.summary import describe_source

        self._summary = self._summary or describe_source(preset, source, samples, seed=0)
        return self._summary


def _check_size(preset: Preset) -> None:
    """Raises WorkbenchError where a file is too large to be read in passing."""
    path = Path(str(getattr(preset.data, "file", "")))
    with suppress(OSError):
        if path.is_file() and path.stat().st_size > MOST_FILE_BYTES:
            raise WorkbenchError(
                f"{path.name} has {size(path.stat().st_size)}, which is not read in passing: D reads it"
            )


if __name__ == "__main__":
    sys.exit(main())
