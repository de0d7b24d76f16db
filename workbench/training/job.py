"""From a preset to everything that training needs, built and checked against one another before the first step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from workbench.data.augment import augment
from workbench.data.distinct import merged_columns
from workbench.data.finite import check_finite
from workbench.data.learnt import what_is_learnt
from workbench.data.preparation import Preparation, TargetScale, as_measures, in_float32, on_host
from workbench.data.progress import Progress
from workbench.data.samples import InMemory, Samples, Split, Task
from workbench.data.splits import Splits
from workbench.errors import DataError, PresetError
from workbench.metrics import metric
from workbench.settings.data import Augmented
from workbench.settings.loss import losses_for
from workbench.settings.model import ModuleModel
from workbench.settings.preset import Preset
from workbench.training.batches import Augment, BatchSource, DataLoaderBatches, OnDeviceBatches, fits_resident
from workbench.training.checkpointing.course import Digests, digests_when_asked
from workbench.training.checkpointing.files import seed_everything, seed_python
from workbench.training.device import Precision, configure_torch, resolve_device
from workbench.training.evaluation import keeps_scores

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
        gain = value - best if metric(self.name).higher_is_better else best - value
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
    input_type: torch.dtype
    """float32, or int64 for ids."""
    sample: tuple[Tensor, Tensor]
    """Inputs and target of a training sample, as feeds read them."""
    model: nn.Module
    loss: LossFunction
    optimizer: torch.optim.Optimizer
    target_scale: TargetScale | None
    train: BatchSource
    validation: BatchSource | None
    test: BatchSource | None
    monitor: Monitor
    class_counts: Tensor | None
    """How often each class occurs in the training split; None for numbers, and where only reading would tell."""
    loss_class_counts: Tensor | None
    """What the loss was built with: those, or all equal where only reading would tell; None for numbers."""
    learns: str
    """What there is to predict, in words."""
    data_digests: Callable[[], Digests]
    """What the data is, as it was read."""
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
        return -(-self.samples_per_epoch // (self.preset.data.batch_size * self.preset.training.gradient_accumulation))

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
    read = preset.data.build(report)
    data_digests = digests_when_asked(read)
    samples = check_finite(_fitting_inputs(preset, read))
    task, learns = samples.task, what_is_learnt(samples)
    _check_loss(preset, samples)
    splits = preset.validation.build(samples)
    if len(splits.train) < preset.data.batch_size:
        left_out = f" ({samples.left_out})" if samples.left_out else ""
        raise PresetError(
            f"data.batch_size = {preset.data.batch_size}, but the training split has only "
            f"{len(splits.train)} samples{left_out}; choose a batch size of at most that"
        )

    samples, splits, preparation, merged = _in_float32(preset, samples, splits)
    target_scale = None
    if task.kind == "regression":
        target_scale = TargetScale.fit(splits.train, preset.data.normalize_target)
        splits, raw = splits.map(lambda split: on_host(split, None, target_scale)), splits.train.targets
        if raw is not None and raw.dtype == torch.float64 and isinstance(splits.train, InMemory):
            merged += merged_columns(raw, splits.train.targets, task.targets)
    report(Progress("building the model", 0, None, ""))
    seed_python(training.seed + 1)
    first, target = splits.train[0]
    sample = preparation(first.unsqueeze(0))[0]
    input_shape = tuple(sample.shape)
    model = _build_model(preset, input_shape, sample.dtype, task.outputs).to(device)
    if any(isinstance(module, nn.Conv2d) for module in model.modules()):
        # Convolutions keep this order to the end: 1.6 times as fast on two CPU cores, and what tensor cores want.
        model = model.to(memory_format=torch.channels_last)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise PresetError(f"model.name = {preset.model.label()!r} has no parameters to train")
    if preset.data.batch_size == 1:
        _check_single_sample(model, sample)
    train, validation, test = _feeds(preset, samples, splits, preparation.to(device), device)
    monitor = _monitor(preset, task, validation)
    class_counts = _class_counts(splits.train, task, device)
    return Job(
        preset=preset,
        device=device,
        precision=precision,
        samples=samples,
        task=task,
        input_shape=input_shape,
        input_type=sample.dtype,
        sample=(first, target.float() if target.is_floating_point() else target),
        model=model,
        loss=preset.loss.build(class_counts),
        optimizer=preset.optimizer.build(trained),
        target_scale=target_scale,
        train=train,
        validation=validation,
        test=test,
        monitor=monitor,
        class_counts=None if splits.train.targets is None else class_counts,
        loss_class_counts=class_counts,
        learns=learns,
        data_digests=data_digests,
        notes=(*samples.notes, *merged, *_split_notes(preset, samples)),
    )


def _in_float32(preset: Preset, samples: Samples, splits: Splits) -> tuple[Samples, Splits, Preparation, list[str]]:
    """Samples and splits with inputs in uint8 or float32, what is left to prepare on the device, and notes.

    Inputs in float64 are standardised on the host, and are not kept.
    """
    preparation = Preparation.fit(splits.train, samples.kind, preset.data.normalize)
    if not preparation.is_exact:
        return samples.map(in_float32), splits.map(in_float32), preparation, []
    made = samples.map(lambda split: on_host(split, preparation, None))
    notes = []
    if samples.kind == "table" and isinstance(samples.train, InMemory) and isinstance(made.train, InMemory):
        notes = merged_columns(samples.train.inputs, made.train.inputs, samples.columns)
    # Cut again, which gives the same splits.
    return made, preset.validation.build(made), Preparation.identity(), notes


def _split_notes(preset: Preset, samples: Samples) -> tuple[str, ...]:
    if samples.validation is None or preset.validation.label() == "own":
        return ()
    return (
        f"the data's own validation split of {len(samples.validation)} samples is not used; "
        'validation.method = "own" uses it',
    )


def _check_loss(preset: Preset, samples: Samples) -> None:
    """Raises PresetError where the loss is for another kind of targets, or tells that a guess at them was wrong."""
    task, loss = samples.task, preset.loss
    learnt, doubt = what_is_learnt(samples), f"; {samples.task.doubt}" if samples.task.doubt else ""
    if task.kind not in loss.tasks:
        what = "classes" if task.kind == "classification" else "numbers"
        raise PresetError(
            f"loss.name = {loss.label()!r} does not fit data that has {what} to predict ({learnt}); these do: "
            f"{', '.join(losses_for(task.kind))}{doubt}"
        )
    if task.kind == "classification" and task.doubt and "regression" in loss.tasks:
        or_classes = ', or data.task = "classification" to train classes with this loss'
        raise PresetError(
            f"loss.name = {loss.label()!r} is for numbers, but the whole numbers to predict are read as classes "
            f"({learnt}){doubt}{or_classes * hasattr(preset.data, 'task')}"
        )


def _fitting_inputs(preset: Preset, samples: Samples) -> Samples:
    """Whole numbers reach a user's model as they are, for they may be ids; other models take measures."""
    if samples.train[0][0].dtype != torch.int64:
        return samples
    if isinstance(preset.model, ModuleModel):
        note = (
            "inputs are whole numbers and so reach the model as they are (int64); floating-point ones are standardised"
        )
        return replace(samples, notes=(*samples.notes, note))
    note = f"inputs are whole numbers, which the model {preset.model.label()} takes as measures, not as ids"
    return replace(samples.map(as_measures), notes=(*samples.notes, note))


def _build_model(preset: Preset, input_shape: tuple[int, ...], dtype: torch.dtype, outputs: int) -> nn.Module:
    if isinstance(preset.model, ModuleModel):
        return preset.model.build(input_shape, outputs, preset.activation, whole_numbers=dtype == torch.int64)
    return preset.model.build(input_shape, outputs, preset.activation)


def _check_single_sample(model: nn.Module, sample: Tensor) -> None:
    """Batch norm has no deviation to divide by where a sample has one value a channel."""
    parameter = next(model.parameters())
    try:
        copy.deepcopy(model).train()(torch.zeros_like(sample.unsqueeze(0), device=parameter.device))
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
    device: torch.device,
) -> tuple[BatchSource, BatchSource | None, BatchSource | None]:
    runtime = preset.runtime
    all_splits = [split for split in (splits.train, splits.validation, splits.test) if split is not None]
    fits = fits_resident(all_splits, device)
    if runtime.data_loading == "on_device" and not fits:
        raise PresetError(
            f'runtime.data_loading = "on_device", but the samples do not fit into half of the free memory of {device}; '
            'use "auto" or "dataloader"'
        )
    resident = fits and runtime.data_loading != "dataloader"

    def feed(split: Split, augmentation: Augment | None, *, evaluating: bool) -> BatchSource:
        batch_size = preset.data.batch_size
        if resident and isinstance(split, InMemory):
            if evaluating:
                batch_size = max(batch_size, min(EVALUATION_BATCH, 4 * batch_size))
            return OnDeviceBatches(split, preparation, batch_size, device, augmentation)
        workers, seed = runtime.num_workers, preset.training.seed
        return DataLoaderBatches(split, preparation, batch_size, device, augmentation, workers, seed)

    for split in all_splits:
        if len(split) == 0:
            raise DataError("a split of the data is empty")
    return (
        feed(splits.train, augmentation(preset, samples), evaluating=False),
        None if splits.validation is None else feed(splits.validation, None, evaluating=True),
        None if splits.test is None else feed(splits.test, None, evaluating=True),
    )


def _monitor(preset: Preset, task: Task, validation: BatchSource | None) -> Monitor:
    name, validated = str(preset.training.monitor), validation is not None
    known = [each.name for each in task.metrics if each.can_monitor and (validated or each.while_training)]
    if name == "auto":
        name = task.default_monitor
    if name not in known:
        reason = "the data" if validated else "training without validation"
        raise PresetError(f'training.monitor = "{name}" does not fit {reason}; these do: {", ".join(known)}')
    needs_all = metric(name).needs_all_scores
    if needs_all and validation is not None and not keeps_scores(len(validation), task.outputs):
        raise PresetError(
            f'training.monitor = "{name}" needs all scores of the validation split at once, and {len(validation)} '
            f"samples with {task.outputs} classes have too many; choose accuracy or loss"
        )
    return Monitor(name, validated, preset.training.early_stopping_min_delta)
