"""Runs everything that a training run does on fake tensors, and tracks what would be allocated.

The samples are prepared, two steps trained, a split evaluated and the best weights kept, in the trainer's order. All
tensors are on the CPU as far as they know, since only there this works on every machine.
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

from workbench.training.accumulators import KeptScores
from workbench.training.batches import PREPARE_CHUNK, Batch, BatchSource, OnDeviceBatches
from workbench.training.device import Precision
from workbench.training.engines.train_step import Autograd, TrainStep
from workbench.training.evaluation import split_metrics
from workbench.training.job import Job
from workbench.training.memory.fake_batches import Encode, FakeDataLoaderBatches, endless_batches, fake_encoding
from workbench.training.memory.tracker import CUDA_GRANULARITY, MemoryTracker
from workbench.training.memory.workspaces import OperatorCall
from workbench.training.metrics import columns_at_a_time, rank_sums
from workbench.training.objective import Objective, trained_parameters
from workbench.training.timing.clock import PhaseClock

PREPARING, TRAINING, EVALUATING, KEEPING = (
    "preparing the samples",
    "a training step",
    "an evaluation",
    "keeping the best weights",
)
"""The stages of a fake run."""


@dataclass
class Stage:
    """The memory of one stage."""

    name: str
    peak_bytes: int
    convolutions: dict[OperatorCall, int]
    """Most bytes allocated right after each distinct convolution."""


class FakeRun:
    """A job's training on fake tensors. Leaves the job as it is."""

    def __init__(self, job: Job) -> None:
        """Copies what it needs. Raises whatever copying the model raises."""
        if job.input_names:
            raise NotImplementedError("batches of inputs by name differ in size")
        self._job = job
        self._tracker = MemoryTracker(CUDA_GRANULARITY if job.device.type == "cuda" else 1)
        precision = job.precision.name
        self._precision = Precision("float32" if precision == "tf32" else precision, torch.device("cpu"))
        self._precision.scaler = None
        self.stages: list[Stage] = []
        self.kinds: dict[str, int] = {}
        """Bytes by kind when a training step takes most."""
        self.flops_per_step = 0
        self._best: list[Tensor] = []
        """The weights of the best epoch, until better ones have been copied."""
        with self._tracker, self._tracker.category("parameters"):
            memo: dict[int, Tensor] = {id(tensor): self._like(tensor) for tensor in _weights(job.model)}
        # Whatever else the model holds, such as hooks, is shared: it must not hold any state of the run yet.
        self._model: nn.Module = copy.deepcopy(job.model, memo)
        self._optimizer = self._fake_optimizer(memo)
        with self._tracker:
            counts = torch.ones(job.task.outputs, dtype=torch.int64) if job.task.kind == "classification" else None
            self._loss = job.preset.loss.build(counts)
            self._step = self._train_step_of(job)

    def _train_step_of(self, job: Job) -> TrainStep:
        """The step that the eager engine runs."""
        parameters = trained_parameters(self._optimizer)
        objective = Objective(self._model, self._loss, self._precision, parameters, job.task.correct)
        clock, correct = _KindByPhase(self._tracker), torch.zeros((), dtype=torch.int64)
        return TrainStep(
            gradients=Autograd(objective, correct, clock),
            optimizer_step=self._optimizer,
            optimizer=self._optimizer,
            parameters=parameters,
            scaler=None,
            gradient_clip_norm=job.preset.training.gradient_clip_norm,
            clock=clock,
            correct=correct,
        )

    def run(self) -> None:
        """Runs all stages, once. Raises whatever the model raises on tensors without numbers."""
        tracker, training = self._tracker, self._job.preset.training
        with tracker:
            with self._stage(PREPARING):
                splits = self._splits()
            batches = endless_batches(splits[0])
            # Twice: the first step makes the optimizer's state, at the second one the best weights may be there too.
            with self._stage(TRAINING):
                self._train_step(batches)
            self.flops_per_step = (
                tracker.flops * training.gradient_accumulation // min(training.gradient_accumulation, 2)
            )
            if training.epochs > 1:
                self._keep_best()
            with self._stage(TRAINING):
                self._train_step(batches)
                self.kinds = tracker.kinds_at_peak()
            with self._stage(EVALUATING), torch.no_grad():
                for split in sorted(splits[1:], key=len)[-1:]:
                    self._evaluate(split)
            self._keep_best()

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        """Notes the peak inside the `with`."""
        self._tracker.reset_peak()
        yield
        self.stages.append(Stage(name, self._tracker.peak_bytes, dict(self._tracker.convolutions)))

    def _like(self, tensor: Tensor) -> Tensor:
        made = torch.empty_like(tensor, device="cpu", requires_grad=False)
        if isinstance(tensor, nn.Parameter):
            made = nn.Parameter(made, requires_grad=tensor.requires_grad)
            if made.requires_grad:
                # Python's garbage collector cannot see through a hook of this kind: were `self` in it, it would keep
                # the job alive for good. So it holds the tracker only.
                tracker = self._tracker

                def is_gradient(parameter: Tensor) -> None:
                    assert parameter.grad is not None
                    tracker.recategorize(parameter.grad, "gradients")

                made.register_post_accumulate_grad_hook(is_gradient)
        return made

    def _fake_optimizer(self, fakes: dict[int, Tensor]) -> torch.optim.Optimizer:
        """The job's own optimizer, as it was chosen for the device, over the fake parameters."""
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
        with self._tracker, self._tracker.category("optimizer"):
            for parameter, state in real.state.items():  # some make it when they are built
                fake.state[fakes[id(parameter)]] = {
                    name: self._like(value) if isinstance(value, Tensor) else value for name, value in state.items()
                }
        return fake

    def _splits(self) -> list[BatchSource]:
        """Batches of the training, validation and test samples, made as the trainer makes them."""
        job, samples = self._job, self._job.samples
        own = (samples.train, samples.validation, samples.test)
        pairs = zip((job.train, job.validation, job.test), own, strict=True)
        splits = [(source, split is None or len(split) != len(source)) for source, split in pairs if source is not None]
        on_cpu = job.device.type == "cpu"
        # On a GPU the samples as they were read come one split after another; on the CPU all of them are there, and a
        # split that was not cut out of another takes nothing more.
        raw = [self._raw(source, is_new=is_cut) for source, is_cut in splits] if on_cpu else []
        encode = fake_encoding(job.batch_encoding)
        fakes: list[BatchSource] = []
        for number, (source, _) in enumerate(splits):
            if not isinstance(source, OnDeviceBatches):
                fakes.append(FakeDataLoaderBatches(job, source, encode, evaluating=number > 0))
                continue
            inputs = raw[number] if on_cpu else self._raw(source, is_new=True)
            with self._tracker.category("data"):
                fakes.append(self._fake_batches(source, encode))
            if source.is_prepared:
                encode(inputs[:PREPARE_CHUNK])
            del inputs
        return fakes

    def _raw(self, source: BatchSource, *, is_new: bool) -> Tensor:
        """The inputs of a split as they were read."""
        sample, _ = self._job.sample
        with self._tracker.category("rest" if is_new else None):
            return torch.empty((len(source), *sample.shape), dtype=sample.dtype)

    def _fake_batches(self, source: OnDeviceBatches, encode: Encode) -> OnDeviceBatches:
        fake = copy.copy(source)
        for name, value in vars(source).items():
            if isinstance(value, Tensor):
                setattr(fake, name, self._like(value))
            elif isinstance(value, torch.device):
                setattr(fake, name, torch.device("cpu"))
            elif isinstance(value, nn.Module):
                setattr(fake, name, encode)
        return fake

    def _train_step(self, batches: Iterator[Batch]) -> None:
        """Runs a training step; two accumulated batches are enough."""
        count = min(self._job.preset.training.gradient_accumulation, 2)
        self._step.run(batches, count, count * self._job.train.batch_size)
        for state in self._optimizer.state.values():
            for value in state.values():
                if isinstance(value, Tensor):
                    self._tracker.recategorize(value, "optimizer")

    def _evaluate(self, split: BatchSource) -> None:
        """The last batch of a split, when the scores of all others are there if they are kept, and the metrics."""
        samples = len(split)
        order = torch.arange(min(split.batch_size, samples))
        self._model.eval()
        batch = next(split.batches(order, PhaseClock()))
        with self._precision.autocast():
            last = self._model(batch.inputs).float()
        self._model.train()
        self._loss(last, batch.targets)
        metrics = split_metrics(self._job.task, self._job.preset.loss, max(samples, len(last)))
        metrics.update(last, batch.targets)
        kept = [each for each in metrics.accumulators.values() if isinstance(each, KeptScores)]
        # The size of some results depends on real numbers; everything before them is counted by then.
        with suppress(DynamicOutputShapeException, DataDependentOutputException):
            for scores, targets in (each.buffers for each in kept):
                rank_sums(scores, targets, torch.arange(min(columns_at_a_time(samples), scores.shape[1])))

    def _keep_best(self) -> None:
        """Checks the weights and copies them; the second time, the earlier copy is alive until then."""
        if not self._job.preset.training.keep_best:
            return
        with self._stage(KEEPING), torch.no_grad():
            for parameter in self._model.parameters():
                parameter.isfinite().all()
            self._best = [tensor.detach().clone() for tensor in _weights(self._model)]


class _KindByPhase(PhaseClock):
    """Times nothing: what a step allocates until the end of its forward phase is activations, later on the rest."""

    def __init__(self, tracker: MemoryTracker) -> None:
        super().__init__()
        self._tracker = tracker

    def enter(self, phase: str) -> None:
        self._tracker.kind = "activations" if phase in ("data", "forward") else "rest"

    def mark(self, phase: str) -> None:
        if phase == "forward":
            self._tracker.kind = "rest"


def _weights(model: nn.Module) -> Iterator[Tensor]:
    """What a checkpoint of the model holds."""
    return chain(model.parameters(), model.buffers())
