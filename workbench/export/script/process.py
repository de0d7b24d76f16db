"""The process that prepares a run's data and says what a script must know of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from workbench.export.script.facts import Facts, Request
from workbench.settings.preset import Preset
from workbench.training.processes.serve import Send, report_read, serve

if TYPE_CHECKING:
    from workbench.training.job import Job


def main() -> int:
    """Answers requests until standard input ends."""
    serve(Request, answer)


def answer(request: Request, send: Send) -> Facts:
    """Builds the job of a run, and trains nothing. Raises what `build_job` raises."""
    from workbench.training.job import build_job

    preset = Preset.from_toml(request.preset, "the run's preset")
    return describe(build_job(preset, report_read))


def describe(job: Job) -> Facts:
    """What the data and the model of a job turned out to be."""
    from workbench.data.encoding import Standardize
    from workbench.export.script.reading import read_by
    from workbench.settings.optimizer_choice import fastest_implementation
    from workbench.training.batches import OnDeviceBatches
    from workbench.training.matmul_backend import onednn_pays

    sources = (job.train, job.validation, job.test)
    encoding, held_out = job.encoding, job.validation or job.test
    binary = isinstance(encoding, Standardize) and ((encoding.mean == 0) & (encoding.std == 1)).any()
    return Facts(
        task=job.task.kind,
        outputs=job.task.outputs,
        input_shape=list(job.input_shape),
        raw_type=str(job.raw.get("type", "")),
        train_samples=len(job.train),
        validation_samples=None if job.validation is None else len(job.validation),
        test_samples=None if job.test is None else len(job.test),
        samples_per_epoch=job.samples_per_epoch,
        own_validation=job.samples.validation is not None,
        own_test=job.samples.test is not None,
        monitor=job.monitor.name,
        is_grouped=job.samples.groups is not None,
        evaluates_by_training_batches=held_out is not None and held_out.batch_size == job.train.batch_size,
        has_binary_columns=bool(binary),
        vocabulary=job.vocabulary,
        implementation=fastest_implementation(type(job.optimizer), list(job.model.parameters())),
        multiplies_by_onednn=job.device.type == "cpu" and onednn_pays(),
        classes=list(job.task.classes),
        is_one_text=job.samples.is_one_text,
        cuts_padding=any(isinstance(each, OnDeviceBatches) and each.lengths is not None for each in sources),
        groups_by_length=isinstance(job.train, OnDeviceBatches) and job.train.lengths is not None,
        **read_by(job),
    )


if __name__ == "__main__":
    sys.exit(main())
