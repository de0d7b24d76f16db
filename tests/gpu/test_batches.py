"""On a GPU both batch sources deliver the requested samples, in order, whatever else the GPU is doing."""

from __future__ import annotations

import pytest
import torch

from tests.gpu.conftest import DIGITS, GPU_ONLY
from workbench.settings.preset import Preset
from workbench.training.batches import Batch, BatchSource
from workbench.training.job import Job, build_job
from workbench.training.timing.clock import PhaseClock

pytestmark = GPU_ONLY

KINDS = {
    "on_device": ["runtime.data_loading=on_device"],
    "dataloader": ["runtime.data_loading=dataloader", "runtime.num_workers=0"],
    "dataloader with workers": ["runtime.data_loading=dataloader", "runtime.num_workers=2"],
}
BUSY_CYCLES = 20_000_000
"""Of a GPU that sleeps, some 10 ms: the stream of training lags behind that of the copies."""


def job_of(*assignments: str) -> Job:
    return build_job(Preset().override([*DIGITS, *assignments]), lambda progress: None)


def expected_batches(order: torch.Tensor) -> list[Batch]:
    source = job_of("runtime.device=cpu").train
    return list(source.batches(order, PhaseClock()))


def order_of(source: BatchSource, seed: int) -> torch.Tensor:
    return torch.randperm(len(source), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_batches_on_the_gpu_are_those_of_the_cpu_epoch_after_epoch(kind: str) -> None:
    source = job_of(*KINDS[kind]).train
    assert source.name == kind.split()[0]
    for seed, start in ((1, 0), (2, 1000), (3, 0)):
        order = order_of(source, seed)[start:]
        # All of an epoch's batches are kept, so that none may lie in memory that was reused for a later one.
        found = list(source.batches(order, PhaseClock()))
        expected = expected_batches(order)
        assert [len(batch.targets) for batch in found] == [len(batch.targets) for batch in expected]
        for batch, right in zip(found, expected, strict=True):
            assert batch.tensor.is_cuda
            assert batch.targets.is_cuda
            torch.testing.assert_close(batch.tensor.cpu(), right.tensor)
            assert torch.equal(batch.targets.cpu(), right.targets)
    source.close()


@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_right_while_training_lags_behind_the_copies(kind: str) -> None:
    """Each batch is used on a busy stream and dropped at once: its memory must not be filled again too early."""
    source = job_of(*KINDS[kind]).train
    order = order_of(source, 4)
    sums = []
    for batch in source.batches(order, PhaseClock()):
        torch.cuda._sleep(BUSY_CYCLES)
        sums.append((batch.tensor.double().sum(dim=(1, 2, 3)), batch.targets.clone()))
        del batch
    for (inputs, targets), right in zip(sums, expected_batches(order), strict=True):
        torch.testing.assert_close(inputs.cpu(), right.tensor.double().sum(dim=(1, 2, 3)), rtol=1e-4, atol=1e-3)
        assert torch.equal(targets.cpu(), right.targets)
    source.close()


def test_samples_that_fit_lie_on_the_gpu() -> None:
    before = torch.cuda.memory_allocated()
    job = job_of()
    assert job.train.name == "on_device"
    sources = [source for source in (job.train, job.validation, job.test) if source is not None]
    assert torch.cuda.memory_allocated() - before >= sum(source.resident_bytes for source in sources)


def test_augmentation_runs_on_the_gpu_and_leaves_the_samples_as_they_are() -> None:
    source = job_of("data.flip=true", "data.shift=1", "data.cutout=2").train
    order = torch.arange(len(source))
    first, second = (torch.cat([batch.tensor for batch in source.batches(order, PhaseClock())]) for _ in range(2))
    assert first.is_cuda
    assert first.shape == second.shape
    assert not torch.equal(first, second)
    plain = torch.cat([batch.tensor for batch in job_of().train.batches(order, PhaseClock())])
    again = torch.cat([batch.tensor for batch in job_of().train.batches(order, PhaseClock())])
    assert torch.equal(plain, again)
