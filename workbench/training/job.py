"""From a preset to everything that training needs, built and checked against one another before the first step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from workbench.data.augment import augment
from workbench.data.preparation import Preparation, TargetScale
from workbench.data.progress import Progress
from workbench.data.samples import InMemory, Samples, Split, Task
from workbench.data.splits import Splits
from workbench.errors import DataError, PresetError
from workbench.settings.data import Augmented
from workbench.settings.loss import losses_for
from workbench.settings.preset import Preset
from workbench.training.checkpoints import seed_everything, seed_python
from workbench.training.device import Precision, configure_torch, resolve_device
from workbench.training.feeds import Augment, Feed, LoaderFeed, ResidentFeed, fits_resident
from workbench.training.metrics import CLASS_METRICS, HIGHER_IS_BETTER, NUMBER_METRICS

if TYPE_CHECKING:
    from workbench.settings.loss import LossFunction

EVALUATION_BATCH = 512
"""Up to this, four batches at once are evaluated: without gradients there is room for more than in training."""


@dataclass(frozen=True)
class Monitor:
    """The metric that tells the best epoch."""

    name: str
    on_validation: bool
    """Measured on the validation split, or for want of one on the training samples."""
    min_delta: float

    def better(self, value: float, best: float | None) -> bool:
        """Whether `value` beats `best` by more than the least difference; NaN beats nothing."""
        if value != value:
            return False
        if best is None:
            return True
        gain = value - best if self.name in HIGHER_IS_BETTER else best - value
        return gain > self.min_delta


@dataclass(frozen=True)
class Job:
    """All parts of a training, on their device."""

    preset: Preset
    device: torch.device
    precision: Precision
    samples: Samples
    task: Task
    input_shape: tuple[int, ...]
    """Of one sample, as the model takes it."""
    model: nn.Module
    loss: LossFunction
    optimizer: torch.optim.Optimizer
    target_scale: TargetScale | None
    train: Feed
    validation: Feed | None
    test: Feed | None
    monitor: Monitor
    class_counts: Tensor | None
    """How often each class occurs in the training split; None for numbers, and where only reading would tell."""
    notes: tuple[str, ...]
    """What the user should know about how the data and the settings were understood."""

    @property
    def parameters(self) -> int:
        """Number of trained numbers in the model."""
        return sum(parameter.numel() for parameter in self.model.parameters() if parameter.requires_grad)

    @property
    def samples_per_epoch(self) -> int:
        """Training samples of an epoch, short batches left out where that is asked for or needed."""
        batch, samples = self.preset.data.batch_size, len(self.train)
        short = samples % batch
        lonely = short == 1 and batch > 1 and self._has_batch_norm
        return samples - short if self.preset.data.drop_last or lonely else samples

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch."""
        return -(-self.samples_per_epoch // (self.preset.data.batch_size * self.preset.training.accumulation))

    @property
    def _has_batch_norm(self) -> bool:
        # Batch norm cannot train on a batch of one sample.
        return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in self.model.modules())


def build_job(preset: Preset, report: Callable[[Progress], None]) -> Job:
    """Builds all parts. Raises PresetError, DeviceError, DataError or UserCodeError before anything is trained.

    report: hears of downloads and long reads.
    """
    runtime, training = preset.runtime, preset.training
    device = resolve_device(runtime.device)
    configure_torch(runtime, device)
    precision = Precision(runtime.precision, device)
    # Rich draws a random number when it is imported, which a trainer that stood by has done before: see `seed_python`.
    import rich.style  # noqa: F401

    seed_everything(training.seed)

    report(Progress("reading the data", 0, None, ""))
    samples = preset.data.build(report)
    task = samples.task
    _check_loss(preset, task)
    splits = preset.validation.build(samples)
    if len(splits.train) < preset.data.batch_size:
        raise PresetError(
            f"data.batch_size = {preset.data.batch_size}, but the training split has only "
            f"{len(splits.train)} samples; choose a batch size of at most that"
        )

    preparation = Preparation.fit(splits.train, samples.kind, preset.data.normalize)
    target_scale = None
    if task.kind == "regression":
        target_scale = TargetScale.fit(splits.train, preset.data.normalize_target).to(device)
    report(Progress("building the model", 0, None, ""))
    seed_python(training.seed + 1)
    input_shape = tuple(preparation(splits.train[0][0].unsqueeze(0)).shape[1:])
    model = preset.model.build(input_shape, task.outputs, preset.activation).to(device)
    if any(isinstance(module, nn.Conv2d) for module in model.modules()):
        # Convolutions keep this order to the end: 1.6 times as fast on two CPU cores, and what tensor cores want.
        model = model.to(memory_format=torch.channels_last)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise PresetError(f"model.name = {preset.model.label()!r} has no parameters to train")
    if preset.data.batch_size == 1:
        _check_single_sample(model, input_shape)
    train, validation, test = _feeds(preset, samples, splits, preparation.to(device), target_scale, device)
    monitor = _monitor(preset, task, validated=validation is not None)
    return Job(
        preset=preset,
        device=device,
        precision=precision,
        samples=samples,
        task=task,
        input_shape=input_shape,
        model=model,
        loss=preset.loss.build(_class_counts(splits.train, task, device)),
        optimizer=preset.optimizer.build(trained),
        target_scale=target_scale,
        train=train,
        validation=validation,
        test=test,
        monitor=monitor,
        class_counts=None if splits.train.targets is None else _class_counts(splits.train, task, device),
        notes=samples.notes + _split_notes(preset, samples),
    )


def _split_notes(preset: Preset, samples: Samples) -> tuple[str, ...]:
    if samples.validation is None or preset.validation.label() == "own":
        return ()
    return (
        f"the data's own validation split of {len(samples.validation)} samples is not used; "
        'validation.method = "own" uses it',
    )


def _check_loss(preset: Preset, task: Task) -> None:
    if task.kind not in preset.loss.tasks:
        what = "classes" if task.kind == "classification" else "numbers"
        raise PresetError(
            f"loss.name = {preset.loss.label()!r} does not fit data that has {what} to predict; "
            f"these do: {', '.join(losses_for(task.kind))}"
        )


def _check_single_sample(model: nn.Module, input_shape: tuple[int, ...]) -> None:
    """Batch norm has no deviation to divide by where a sample has one value a channel."""
    parameter = next(model.parameters())
    try:
        copy.deepcopy(model).train()(torch.zeros((1, *input_shape), device=parameter.device))
    except ValueError as error:
        if "more than 1 value per channel" in str(error):
            raise PresetError("data.batch_size = 1, but batch norm cannot train on a batch of one sample") from error
        raise


def _class_counts(split: Split, task: Task, device: torch.device) -> Tensor | None:
    if task.kind != "classification":
        return None
    if split.targets is None:
        # Only a data set that is read sample by sample may not know its labels: then weights cannot be balanced.
        return torch.ones(task.outputs, dtype=torch.int64, device=device)
    return torch.bincount(split.targets, minlength=task.outputs).to(device)


def augmentation(preset: Preset, samples: Samples) -> Augment | None:
    """How training images are varied; None if not at all. Raises PresetError where there are no images."""
    data = preset.data
    if not isinstance(data, Augmented) or not (data.flip or data.shift or data.cutout):
        return None
    if samples.kind != "image":
        raise PresetError("data.flip, data.shift and data.cutout need images")
    return partial(augment, flip=data.flip, shift=data.shift, cutout=data.cutout)


def _feeds(
    preset: Preset,
    samples: Samples,
    splits: Splits,
    preparation: Preparation,
    target_scale: TargetScale | None,
    device: torch.device,
) -> tuple[Feed, Feed | None, Feed | None]:
    runtime = preset.runtime
    all_splits = [split for split in (splits.train, splits.validation, splits.test) if split is not None]
    fits = fits_resident(all_splits, device)
    if runtime.feed == "resident" and not fits:
        raise PresetError(
            f'runtime.feed = "resident", but the samples do not fit into half of the free memory of {device}; '
            'use "auto" or "loader"'
        )
    resident = fits and runtime.feed != "loader"

    def scale(targets: Tensor) -> Tensor:
        return targets if target_scale is None else target_scale.apply_to(targets)

    def feed(split: Split, augmentation: Augment | None, *, evaluating: bool) -> Feed:
        batch_size = preset.data.batch_size
        if resident and isinstance(split, InMemory):
            if evaluating:
                batch_size = max(batch_size, min(EVALUATION_BATCH, 4 * batch_size))
            targets = scale(split.targets.to(device))
            return ResidentFeed(split, preparation, targets, batch_size, device, augmentation)
        workers, seed = runtime.loader_workers, preset.training.seed
        return LoaderFeed(split, preparation, scale, batch_size, device, augmentation, workers, seed)

    for split in all_splits:
        if len(split) == 0:
            raise DataError("a split of the data is empty")
    return (
        feed(splits.train, augmentation(preset, samples), evaluating=False),
        None if splits.validation is None else feed(splits.validation, None, evaluating=True),
        None if splits.test is None else feed(splits.test, None, evaluating=True),
    )


def _monitor(preset: Preset, task: Task, *, validated: bool) -> Monitor:
    name = str(preset.training.monitor)
    known: tuple[str, ...] = CLASS_METRICS if task.kind == "classification" else NUMBER_METRICS
    if name == "auto":
        name = "accuracy" if task.kind == "classification" else "loss"
    if not validated:
        known = ("loss", "accuracy") if task.kind == "classification" else ("loss",)
    if name not in known:
        reason = "the data" if validated else "training without validation"
        raise PresetError(f'training.monitor = "{name}" does not fit {reason}; these do: {", ".join(known)}')
    return Monitor(name, validated, preset.training.early_stopping_min_delta)
