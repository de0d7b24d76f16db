"""How much memory a training will take on its device, by kind, and how many FLOPs a step: known before the first one.

A rehearsal on fake tensors: the samples are prepared, two steps trained, a split evaluated and the best weights kept,
in the order in which the trainer does, and every tensor that lives is counted, with what cuBLAS keeps beside them. Not
counted are the context of CUDA, what cuDNN takes while it tries its algorithms, and the samples as they were read,
which stay in the host's memory.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException

from workbench.data.preparation import Preparation
from workbench.errors import type_and_first_line
from workbench.training.batches import PREPARE_CHUNK, Batch, BatchSource, OnDeviceBatches
from workbench.training.device import Precision
from workbench.training.engines.cuda_graph import obstacle
from workbench.training.evaluation import keeps_scores
from workbench.training.job import Job, augmentation
from workbench.training.memory.tracker import CUDA_GRANULARITY, MemoryTracker
from workbench.training.metrics import columns_at_a_time, rank_sums, regression_metrics
from workbench.training.timing.clock import PhaseClock

KINDS = ("parameters", "gradients", "optimizer", "activations", "data", "rest")

PREPARING, TRAINING, EVALUATING, KEEPING = (
    "preparing the samples",
    "a training step",
    "an evaluation",
    "keeping the best weights",
)


@dataclass(frozen=True)
class ExpectedMemory:
    """What a job will take of its device."""

    kinds: dict[str, int]
    """Bytes by kind when a training step takes most; the rest is what comes on top of them at the peak."""
    peak_bytes: int | None
    """The most at any time; None where the model cannot be rehearsed."""
    peak_during: str
    """When that is."""
    flops_per_step: int | None
    """Of products and convolutions, forward and backward, all accumulated batches."""
    reason: str = ""
    """Why something is not known; empty where all is."""


def expected_memory(job: Job) -> ExpectedMemory:
    """Rehearses a job that has been built, and leaves it as it was. Raises nothing."""
    return Rehearsal(job).play()


class Rehearsal:
    """A rehearsal of a job, prepared now and played whenever there is time for it."""

    def __init__(self, job: Job) -> None:
        """Copies what it needs, in some milliseconds. Raises nothing."""
        self._job = job
        self._failure: Exception | None = None
        try:
            self._stage = _Stage(job)
        except Exception as error:  # a model that cannot be copied
            self._failure = error

    def play(self) -> ExpectedMemory:
        """Plays it, once. Raises nothing: where the model needs real numbers, what is known without it is told."""
        try:
            if self._failure is None:
                return self._stage.play()
        except Exception as error:
            self._failure = error
        job = self._job
        weights = list(job.model.parameters())
        kinds = {
            "parameters": sum(tensor.nbytes for tensor in chain(weights, job.model.buffers())),
            "gradients": sum(tensor.nbytes for tensor in weights if tensor.requires_grad),
            "data": sum(feed.resident_bytes for feed in (job.train, job.validation, job.test) if feed is not None),
        }
        reason = f"the peak cannot be told in advance: {type_and_first_line(self._failure)}"
        return ExpectedMemory(kinds, None, "", None, reason)


class _Stage:
    """What is played with: all fake, and on the CPU as it says itself, for only there can it be tried everywhere."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._ledger = MemoryTracker(CUDA_GRANULARITY if job.device.type == "cuda" else 1)
        precision = job.precision.name
        self._precision = Precision("float32" if precision == "tf32" else precision, torch.device("cpu"))
        self._peak_bytes = 0
        self._peak_during = ""
        self._workspace_bytes = _workspace_bytes(job) if job.device.type == "cuda" else 0
        self._best: list[Tensor] = []
        """The weights of the best epoch, until better ones have been copied."""
        with self._ledger, self._ledger.category("parameters"):
            memo: dict[int, Tensor] = {id(tensor): self._like(tensor) for tensor in _weights(job.model)}
        # Whatever the model holds besides, such as hooks, is shared: it must not hold any state of a training yet.
        self._model: nn.Module = copy.deepcopy(job.model, memo)
        self._optimizer = self._fake_optimizer(memo)
        with self._ledger:
            counts = torch.ones(job.task.outputs, dtype=torch.int64) if job.task.kind == "classification" else None
            self._loss = job.preset.loss.build(counts)

    def play(self) -> ExpectedMemory:
        ledger, training = self._ledger, self._job.preset.training
        with ledger:
            with self._watched(PREPARING):
                feeds = self._feeds()
            batches = _endless(feeds[0])
            # Twice: the first time the optimizer makes its state, the second time the best weights may be there too.
            with self._watched(TRAINING):
                self._train_step(batches)
            flops = ledger.flops * training.gradient_accumulation // min(training.gradient_accumulation, 2)
            if training.epochs > 1:
                self._keep_best()
            with self._watched(TRAINING):
                self._train_step(batches)
                kinds = ledger.kinds_at_peak()
            with self._watched(EVALUATING), torch.no_grad():
                for feed in sorted(feeds[1:], key=len)[-1:]:
                    self._evaluate(feed)
            self._keep_best()
        kinds = {kind: kinds.get(kind, 0) for kind in KINDS}
        peak = self._peak_bytes + self._workspace_bytes
        kinds["rest"] += peak - sum(kinds.values())
        return ExpectedMemory(kinds, peak, self._peak_during, flops)

    @contextmanager
    def _watched(self, what: str) -> Iterator[None]:
        """Takes note of the peak inside the `with`."""
        self._ledger.forget_peak()
        yield
        if self._ledger.peak_bytes > self._peak_bytes:
            self._peak_bytes, self._peak_during = self._ledger.peak_bytes, what

    def _like(self, tensor: Tensor) -> Tensor:
        made = torch.empty_like(tensor, device="cpu", requires_grad=False)
        if isinstance(tensor, nn.Parameter):
            made = nn.Parameter(made, requires_grad=tensor.requires_grad)
            if made.requires_grad:
                # The hook knows the ledger only: Python's garbage collector cannot see through a hook of this kind, so
                # that a way from it back to the parameter would keep the model alive for good.
                ledger = self._ledger

                def book(parameter: Tensor) -> None:
                    assert parameter.grad is not None
                    ledger.recategorize(parameter.grad, "gradients")

                made.register_post_accumulate_grad_hook(book)
        return made

    def _fake_optimizer(self, fakes: dict[int, Tensor]) -> torch.optim.Optimizer:
        """The job's own, as it was chosen for the device, over the fake parameters."""
        real = self._job.optimizer
        fake: torch.optim.Optimizer = object.__new__(type(real))
        fake.__dict__.update(real.__dict__)
        fake.param_groups = [
            # Capturable optimizers insist on a GPU; they take as much memory as others.
            {**group, "params": [fakes[id(parameter)] for parameter in group["params"]]}
            | ({"capturable": False} if "capturable" in group else {})
            for group in real.param_groups
        ]
        fake.state = defaultdict(dict)
        with self._ledger, self._ledger.category("optimizer"):
            for parameter, state in real.state.items():  # some make it when they are built
                fake.state[fakes[id(parameter)]] = {
                    name: self._like(value) if isinstance(value, Tensor) else value for name, value in state.items()
                }
        return fake

    def _feeds(self) -> list[BatchSource]:
        """Training, validation and test samples, made as the trainer makes them."""
        job, samples = self._job, self._job.samples
        own = (samples.train, samples.validation, samples.test)
        pairs = zip((job.train, job.validation, job.test), own, strict=True)
        splits = [(feed, split is None or len(split) != len(feed)) for feed, split in pairs if feed is not None]
        on_cpu = job.device.type == "cpu"
        # On a GPU the samples as they were read come one split after another; on the CPU all of them are there, and a
        # split that was not cut out of another takes nothing more.
        raw = [self._raw(feed, is_new=is_cut) for feed, is_cut in splits] if on_cpu else []
        feeds: list[BatchSource] = []
        for number, (feed, _) in enumerate(splits):
            if not isinstance(feed, OnDeviceBatches):
                feeds.append(_FakeDataLoaderBatches(job, feed, evaluating=number > 0))
                continue
            inputs = raw[number] if on_cpu else self._raw(feed, is_new=True)
            with self._ledger.category("data"):
                feeds.append(self._fake_feed(feed))
            if feed.is_prepared:
                _prepare(inputs[:PREPARE_CHUNK])
            del inputs
        return feeds

    def _raw(self, feed: BatchSource, *, is_new: bool) -> Tensor:
        """The inputs of a split as they were read."""
        sample, _ = self._job.sample
        with self._ledger.category("rest" if is_new else None):
            return torch.empty((len(feed), *sample.shape), dtype=sample.dtype)

    def _fake_feed(self, feed: OnDeviceBatches) -> OnDeviceBatches:
        fake = copy.copy(feed)
        for name, value in vars(feed).items():
            if isinstance(value, Tensor):
                setattr(fake, name, self._like(value))
            elif isinstance(value, torch.device):
                setattr(fake, name, torch.device("cpu"))
            elif isinstance(value, nn.Module):
                setattr(fake, name, _prepare)
        return fake

    def _train_step(self, batches: Iterator[Batch]) -> None:
        """What EagerEngine does in a step; of batches that follow one another two are enough."""
        training, ledger = self._job.preset.training, self._ledger
        for _ in range(min(training.gradient_accumulation, 2)):
            with ledger.category("activations"):
                batch = next(batches)
                with self._precision.autocast():
                    scores = self._model(batch.inputs)
                loss = self._loss(scores.float(), batch.targets)
                if training.gradient_accumulation > 1:
                    loss = loss / training.gradient_accumulation
            loss.backward()
            if self._job.task.kind == "classification":
                (scores.detach().argmax(dim=1) == batch.targets).sum()
            del batch, scores, loss
        if training.gradient_clip_norm:
            nn.utils.clip_grad_norm_(list(self._model.parameters()), training.gradient_clip_norm)
        self._optimizer.step()
        for state in self._optimizer.state.values():
            for value in state.values():
                if isinstance(value, Tensor):
                    ledger.recategorize(value, "optimizer")
        self._optimizer.zero_grad(set_to_none=True)

    def _evaluate(self, feed: BatchSource) -> None:
        """The last batch of a split, the scores of all others being there, and the metrics."""
        samples = len(feed)
        order = torch.arange(min(feed.batch_size, samples))
        self._model.eval()
        batch = next(feed.batches(order, PhaseClock()))
        with self._precision.autocast():
            last = self._model(batch.inputs).float()
        self._model.train()
        targets = batch.targets.new_empty((samples, *batch.targets.shape[1:]))
        if not keeps_scores(samples, last.shape[1]):
            self._loss(last, batch.targets)
            return
        scores = last.new_empty((samples, *last.shape[1:]))
        self._loss(scores, targets)
        # What ends in a number of elements that only real numbers tell has been counted by then.
        with suppress(DynamicOutputShapeException, DataDependentOutputException):
            if self._job.task.kind == "classification":
                classes = torch.arange(min(columns_at_a_time(samples), scores.shape[1]))
                rank_sums(scores.softmax(dim=1), targets, classes)
            else:
                regression_metrics(scores, targets)

    def _keep_best(self) -> None:
        """Looks at the weights and copies them; from the second time on, the copy before is there until then."""
        if not self._job.preset.training.keep_best:
            return
        with self._watched(KEEPING), torch.no_grad():
            for parameter in self._model.parameters():
                parameter.isfinite().all()
            self._best = [tensor.detach().clone() for tensor in _weights(self._model)]


def _workspace_bytes(job: Job) -> int:
    """What cuBLAS keeps from its first product on, in a fresh process: up to tens of MiB for each thread and stream.

    The backward pass has a thread of its own, and a recorded step a stream of its own.
    """
    device = job.device
    before = torch.cuda.memory_allocated(device)
    ones = torch.ones(16, 16, device=device, requires_grad=True)  # draws no random numbers
    loss = nn.functional.linear(ones, ones, ones[0]).sum()
    forward = torch.cuda.memory_allocated(device) - before
    loss.backward()
    del ones, loss
    recorded = job.preset.runtime.engine in ("auto", "cuda_graph", "compiled") and obstacle(job) is None
    return torch.cuda.memory_allocated(device) - before + (forward if recorded else 0)


def _endless(feed: BatchSource) -> Iterator[Batch]:
    """Whole batches, one after another."""
    while True:
        yield from feed.batches(torch.arange(feed.batch_size), PhaseClock())


class _FakeDataLoaderBatches:
    """Batches that a loader has read: prepared and augmented on the device; on a GPU the next one is there already."""

    name = "dataloader"
    resident_bytes = 0

    def __init__(self, job: Job, feed: BatchSource, *, evaluating: bool) -> None:
        self.batch_size = feed.batch_size
        self._samples = len(feed)
        self._sample, self._target = job.sample
        self._augment = None if evaluating else augmentation(job.preset, job.samples)
        self._ahead = job.device.type == "cuda"

    def __len__(self) -> int:
        return self._samples

    def batches(self, order: Tensor, clock: PhaseClock) -> Iterator[Batch]:
        following = self._read() if self._ahead else None
        for _ in order.split(self.batch_size):
            inputs, targets = self._read() if following is None else following
            if following is not None:
                following = self._read()
            inputs = _prepare(inputs)
            yield Batch(inputs if self._augment is None else self._augment(inputs), targets)

    def sample(self, count: int) -> Batch | None:
        """Nobody looks at samples that are not there."""
        return None

    def _read(self) -> tuple[Tensor, Tensor]:
        inputs = torch.empty((self.batch_size, *self._sample.shape), dtype=self._sample.dtype)
        return inputs, torch.empty((self.batch_size, *self._target.shape), dtype=self._target.dtype)


def _prepare(inputs: Tensor) -> Tensor:
    """Samples as they were read to model input, with numbers that do not matter."""
    prepared: Tensor = Preparation(torch.zeros(()), torch.ones(()))(inputs)
    return prepared


def _weights(model: nn.Module) -> Iterator[Tensor]:
    """What a checkpoint of the model holds."""
    return chain(model.parameters(), model.buffers())
