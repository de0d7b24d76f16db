"""Both sources give the same batches in the order that is asked for, and say in words what is wrong with a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from workbench.data.encoding import Encoding
from workbench.data.samples import InMemory, Lazy, Split
from workbench.data.standardize import standardize
from workbench.errors import DataError, PresetError, WorkbenchError
from workbench.settings.preset import Preset
from workbench.training import batches as batches_module
from workbench.training.batches import Augment, Batch, BatchSource, OnDeviceBatches
from workbench.training.job import Job, build_job
from workbench.training.loader_batches import DataLoaderBatches
from workbench.training.timing.clock import PhaseClock

CPU = torch.device("cpu")
SAMPLES, BATCH = 23, 5


class MarkedPhases(PhaseClock):
    """Remembers the phases that were marked."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[str] = []

    def mark(self, phase: str) -> None:
        self.marks.append(phase)


def images(samples: int = SAMPLES) -> InMemory:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (samples, 2, 4, 4), dtype=torch.uint8, generator=generator)
    return InMemory(pixels, torch.arange(samples) % 3)


def loader(split: Split, workers: int, augment: Augment | None = None) -> DataLoaderBatches:
    return DataLoaderBatches(split, encoding(), BATCH, CPU, augment, workers, seed=3)


def encoding() -> Encoding:
    return standardize(images(), "standard")


def on_device(split: InMemory, augment: Augment | None = None) -> OnDeviceBatches:
    return OnDeviceBatches(split, encoding(), BATCH, CPU, augment)


KINDS: dict[str, Callable[[], BatchSource]] = {
    "on_device": lambda: on_device(images()),
    "loader without workers": lambda: loader(images(), 0),
    "loader with two workers": lambda: loader(images(), 2),
}


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest) -> Iterator[BatchSource]:
    made = KINDS[request.param]()
    yield made
    made.close()


def orders() -> list[Tensor]:
    """Three epochs: shuffled, a part of one (as after a stop in its middle), and again another."""
    generator = torch.Generator().manual_seed(2)
    first, second, third = (torch.randperm(SAMPLES, generator=generator) for _ in range(3))
    return [first, second[11:], third]


def test_batches_are_the_prepared_samples_in_the_order_asked_for_epoch_after_epoch(source: BatchSource) -> None:
    samples, prepare = images(), encoding()
    assert len(source) == SAMPLES
    for order in orders():
        batches = list(source.batches(order, PhaseClock()))
        chunks = order.split(BATCH)
        assert len(batches) == len(chunks)
        for batch, indices in zip(batches, chunks, strict=True):
            assert batch.tensor.dtype == torch.float32
            assert torch.equal(batch.tensor, prepare(samples.inputs[indices]))
            assert torch.equal(batch.targets, samples.targets[indices])


def test_the_last_batch_is_shorter_where_the_samples_end(source: BatchSource) -> None:
    for order in orders():
        sizes = [len(batch.targets) for batch in source.batches(order, PhaseClock())]
        assert sizes == [BATCH] * (len(order) // BATCH) + [len(order) % BATCH]


def test_an_empty_order_has_no_batches(source: BatchSource) -> None:
    assert list(source.batches(torch.empty(0, dtype=torch.int64), PhaseClock())) == []


def test_an_epoch_that_was_broken_off_leaves_nothing_behind_for_the_next(source: BatchSource) -> None:
    first, _, third = orders()
    broken_off = source.batches(first, PhaseClock())
    next(broken_off)
    del broken_off
    batches = list(source.batches(third, PhaseClock()))
    assert torch.equal(torch.cat([batch.targets for batch in batches]), images().targets[third])


def test_phases_are_marked_for_every_batch(source: BatchSource) -> None:
    clock = MarkedPhases()
    batches = list(source.batches(orders()[0], clock))
    expected = ["data"] if source.name == "on_device" else ["data", "transfer"]
    assert clock.marks == expected * len(batches)


def test_reading_samples_leaves_the_random_numbers_of_training_alone(source: BatchSource) -> None:
    """Else the same preset would train differently with another source or number of workers."""
    before = torch.get_rng_state()
    list(source.batches(orders()[0], PhaseClock()))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_that_are_read_one_by_one_make_the_same_batches(workers: int) -> None:
    [order, *_] = orders()
    lazy = loader(Lazy(images(), indices=torch.arange(SAMPLES)), workers)
    for read, gathered in zip(
        lazy.batches(order, PhaseClock()), on_device(images()).batches(order, PhaseClock()), strict=True
    ):
        assert torch.equal(read.tensor, gathered.tensor)
        assert torch.equal(read.targets, gathered.targets)


def test_without_room_for_prepared_samples_each_batch_is_prepared_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    [order, *_] = orders()
    expected = list(on_device(images()).batches(order, PhaseClock()))
    monkeypatch.setattr(batches_module, "free_bytes", lambda device: 4)
    source = on_device(images())
    assert source.resident_bytes == images().inputs.nbytes + images().targets.nbytes
    for found, batch in zip(source.batches(order, PhaseClock()), expected, strict=True):
        assert torch.equal(found.tensor, batch.tensor)


def test_resident_bytes_are_those_of_the_prepared_tensors() -> None:
    assert on_device(images()).resident_bytes == 4 * images().inputs.numel() + images().targets.nbytes
    assert loader(images(), 0).resident_bytes == 0


@pytest.mark.parametrize("kind", ["on_device", "loader"])
def test_augmentation_sees_prepared_batches_of_the_source_that_has_it(kind: str) -> None:
    seen: list[Tensor] = []

    def darken(batch: Tensor) -> Tensor:
        seen.append(batch)
        return batch - 100

    source = on_device(images(), darken) if kind == "on_device" else loader(images(), 0, darken)
    [order, *_] = orders()
    batches = list(source.batches(order, PhaseClock()))
    for batch, before, indices in zip(batches, seen, order.split(BATCH), strict=True):
        assert torch.equal(before, encoding()(images().inputs[indices]))
        assert torch.equal(batch.tensor, before - 100)


class BrokenSamples:
    """One of the samples cannot be read."""

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index == 13:
            raise DataError("cat/7.png is not an image: it ends after 3 bytes")
        return torch.zeros(2, 4, 4), torch.tensor(0)


class UnevenSamples(BrokenSamples):
    """One of the samples is larger than the others."""

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return torch.zeros(2, 4, 6 if index == 13 else 4), torch.tensor(0)


class RaisingSamples(BrokenSamples):
    """A user's own data set that fails in a way of its own."""

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index == 13:
            raise ValueError("cat/7.png: no such label")
        return torch.zeros(2, 4, 4), torch.tensor(0)


def refusal(dataset: BrokenSamples, workers: int, expected: type[WorkbenchError] = DataError) -> str:
    """What reading the samples is refused with."""
    source = loader(Lazy(dataset), workers)
    try:
        list(source.batches(torch.arange(SAMPLES), PhaseClock()))
    except expected as error:
        return str(error)
    finally:
        source.close()
    raise AssertionError("not refused")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sample_that_cannot_be_read_is_reported_in_its_own_words(workers: int) -> None:
    assert refusal(BrokenSamples(), workers) == "cat/7.png is not an image: it ends after 3 bytes"


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_of_another_shape_are_reported_with_both_shapes_in_a_line(workers: int) -> None:
    message = refusal(UnevenSamples(), workers)
    for part in ("not all of one shape", "[2, 4, 4]", "[2, 4, 6]"):
        assert part in message
    for jargon in ("\n", "Traceback", "RuntimeError", "worker"):
        assert jargon not in message


@pytest.mark.parametrize("workers", [0, 2])
def test_a_users_data_set_that_raises_is_reported_with_its_reason_in_a_line(workers: int) -> None:
    message = refusal(RaisingSamples(), workers, WorkbenchError)
    assert "ValueError: cat/7.png: no such label" in message
    for jargon in ("\n", "Traceback", "worker process"):
        assert jargon not in message


# Which source a preset gets.

DIGITS = ["data.name=digits", "model.hidden=[4]", "runtime.device=cpu", "runtime.num_workers=0"]


def job_of(*assignments: str) -> Job:
    return build_job(Preset().override([*DIGITS, *assignments]), lambda progress: None)


def epoch(source: BatchSource | None) -> list[Batch]:
    assert source is not None
    return list(source.batches(torch.arange(len(source)), PhaseClock()))


def same(first: list[Batch], second: list[Batch]) -> bool:
    return all(torch.equal(one.tensor, other.tensor) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("kind", ["on_device", "dataloader"])
@pytest.mark.parametrize(
    "asked", [["data.flip=true"], ["data.shift=2"], ["data.cutout=3"]], ids=["flip", "shift", "cutout"]
)
def test_training_samples_alone_are_augmented_and_only_where_asked(kind: str, asked: list[str]) -> None:
    plain, augmented = job_of(f"runtime.data_loading={kind}"), job_of(f"runtime.data_loading={kind}", *asked)
    assert same(epoch(plain.train), epoch(plain.train))
    assert not same(epoch(augmented.train), epoch(augmented.train))
    assert same(epoch(plain.validation), epoch(augmented.validation))
    assert same(epoch(plain.test), epoch(augmented.test))


def test_both_sources_of_a_preset_give_the_same_numbers() -> None:
    for name in ("digits", "diabetes"):
        loss = "mse" if name == "diabetes" else "cross_entropy"
        jobs = [
            job_of(f"data.name={name}", f"loss.name={loss}", f"runtime.data_loading={kind}")
            for kind in ("on_device", "dataloader")
        ]
        assert [job.train.name for job in jobs] == ["on_device", "dataloader"]
        for found, expected in zip(epoch(jobs[1].train), epoch(jobs[0].train), strict=True):
            torch.testing.assert_close(found.tensor, expected.tensor)
            torch.testing.assert_close(found.targets, expected.targets)


def test_samples_that_do_not_fit_are_loaded_unless_the_user_insists(monkeypatch: pytest.MonkeyPatch) -> None:
    assert job_of().train.name == "on_device"
    monkeypatch.setattr(batches_module, "free_bytes", lambda device: 1000)
    job = job_of()
    assert [source.name for source in (job.train, job.validation, job.test) if source is not None] == ["dataloader"] * 3
    with pytest.raises(PresetError, match="do not fit"):
        job_of("runtime.data_loading=on_device")


def test_samples_on_the_device_are_evaluated_in_larger_batches() -> None:
    job = job_of("data.batch_size=8")
    assert job.train.batch_size == 8
    assert job.validation is not None
    assert job.validation.batch_size > 8
