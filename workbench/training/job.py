"""All parts of a run: model, batches, loss and optimizer, assembled from prepared data and checked for consistency."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from workbench.data.encoding import Encoding
from workbench.data.inputs import Inputs, tensors_of
from workbench.data.progress import Progress
from workbench.data.samples import Samples, Task
from workbench.data.target_scale import TargetScale
from workbench.errors import PresetError
from workbench.metrics import metric
from workbench.settings.preset import Preset
from workbench.settings.validation import CrossValidation
from workbench.training.batches import BatchSource, OnDeviceBatches
from workbench.training.build_model import build_model
from workbench.training.checkpointing.course import Digests
from workbench.training.data_loading import batch_sources
from workbench.training.device import Precision, configure_torch, resolve_device
from workbench.training.evaluation import keeps_scores
from workbench.training.prepared_data import PreparedData, check_batch_size, check_loss, prepare
from workbench.training.prompt import prompt_notes
from workbench.training.random_state import seed_python

if TYPE_CHECKING:
    from workbench.settings.loss import LossFunction


@dataclass(frozen=True)
class Monitor:
    """The metric that decides which epoch is the best."""

    name: str
    on_validation: bool
    """Whether it is measured on the validation split; without one, it is measured on the training samples."""
    min_delta: float
    takes_last: bool = False
    """Whether each epoch counts as better than those before: the validation split is too small to choose one by."""

    def better(self, value: float, best: float | None) -> bool:
        """Whether `value` beats `best` by more than the least difference; NaN beats nothing."""
        if value != value:
            return False
        if best is None or self.takes_last:
            return True
        rank = metric(self.name).rank
        return rank(value) - rank(best) > self.min_delta


@dataclass(frozen=True)
class Job:
    """All parts of a run, on their device."""

    preset: Preset
    device: torch.device
    precision: Precision
    samples: Samples
    task: Task
    encoding: Encoding
    """Turns raw samples, as the data source gives them, into model input; on the host."""
    batch_encoding: Encoding
    """What is left of it to do with each batch; on the device."""
    raw: dict[str, Any]
    """Shape and type of one sample as the data source gives it, see `workbench.data.inputs.describe`."""
    example: Inputs
    """Two samples of model input, made up, on the host: a tensor, or tensors by name."""
    sample: tuple[Any, Tensor]
    """Inputs and target of a training sample, as batches read them."""
    model: nn.Module
    loss: LossFunction
    optimizer: torch.optim.Optimizer
    target_scale: TargetScale | None
    train: BatchSource
    validation: BatchSource | None
    test: BatchSource | None
    monitor: Monitor
    class_counts: Tensor | None
    """How often each class occurs in the training split; None for numbers, or if it is not known."""
    loss_class_counts: Tensor | None
    """What the loss was built with: those, or all equal where they are not known; None for numbers."""
    vocabulary: int | None
    """How many different ids the model takes, padding included; None where it takes numbers."""
    targets_per_sample: float
    """1, or of texts to be continued the tokens to predict, padding left out: the mean over the training split."""
    learns: str
    """What there is to predict, in words."""
    data_digests: Callable[[], Digests]
    """What the data is, as it was read."""
    notes: tuple[str, ...]
    """What the user should know about how the data and the settings were understood."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the tensors that the model takes; empty where it takes a single tensor."""
        return () if isinstance(self.example, Tensor) else tuple(self.example)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one sample, as the model takes it; () for inputs by name."""
        return tuple(self.example.shape[1:]) if isinstance(self.example, Tensor) else ()

    @property
    def input_type(self) -> torch.dtype:
        """float32, or int64 for ids; of inputs by name, the first one's."""
        return tensors_of(self.example)[0].dtype

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

    def close(self) -> None:
        """Ends the processes that read samples: nothing more is trained or evaluated."""
        for source in (self.train, self.validation, self.test):
            if source is not None:
                source.close()

    @property
    def _has_batch_norm(self) -> bool:
        # Batch norm cannot train on a batch of one sample.
        return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in self.model.modules())


def build_job(
    preset: Preset,
    report: Callable[[Progress], None],
    prepared: Callable[[Preset, Callable[[Progress], None]], PreparedData] = prepare,
) -> Job:
    """Prepares the data and assembles one run.

    report: hears of downloads and long reads. prepared: prepares the data; `KeptData.prepare` keeps it.
    Raises PresetError, DeviceError, DataError or UserCodeError before anything is trained.
    """
    data = prepared(preset, report)
    report(Progress("building the model", 0, None, ""))
    return assemble(data, preset)


def assemble(data: PreparedData, preset: Preset) -> Job:
    """Builds all parts of one run on prepared data, and does not change the data.

    The same preset always gives the same parts, to the bit. Raises ValueError where the data was read by other
    settings (see `PreparedData.serves`); PresetError, DeviceError, DataError or UserCodeError as `build_job`.
    """
    if not data.serves(preset):
        raise ValueError("the data was prepared with other settings of data or validation; prepare it again")
    device = resolve_device(preset.runtime.device)
    configure_torch(preset.runtime, device)
    precision = Precision(preset.runtime.precision, device)
    check_loss(preset, data.samples)
    check_batch_size(preset, data.splits, data.samples)
    if isinstance(data.sample[0], Tensor):
        preset.data.check_variation(tuple(data.sample[0].shape))
    task = data.task
    model = seeded_model(data, preset, device)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise PresetError(f"model.name = {preset.model.label()!r} has no parameters to train")
    if preset.data.batch_size == 1 and isinstance(data.example, Tensor):
        _check_single_sample(model, data.example)
    batch_encoding = copy.deepcopy(data.batch_encoding).to(device)
    _check_left_out(preset, data)
    train, validation, test = batch_sources(preset, data.splits, batch_encoding, data.samples.collate, device)
    class_counts = None if data.class_counts is None else data.class_counts.to(device)
    loss_class_counts = class_counts
    if task.kind == "classification" and class_counts is None:
        # Only a data set that is read sample by sample may not know its labels: then weights cannot be balanced.
        loss_class_counts = torch.ones(task.outputs, dtype=torch.int64, device=device)
    return Job(
        preset=preset,
        device=device,
        precision=precision,
        samples=data.samples,
        task=task,
        encoding=data.encoding,
        batch_encoding=batch_encoding,
        raw=data.raw,
        example=data.example,
        sample=data.sample,
        model=model,
        loss=preset.loss.build(loss_class_counts),
        optimizer=preset.optimizer.build(trained),
        target_scale=data.target_scale,
        train=train,
        validation=validation,
        test=test,
        monitor=_monitor(preset, task, validation),
        class_counts=class_counts,
        loss_class_counts=loss_class_counts,
        vocabulary=data.vocabulary,
        targets_per_sample=data.targets_per_sample,
        learns=data.learns,
        data_digests=data.digests,
        notes=(
            *data.notes,
            *_monitor_notes(preset),
            *_padding_notes(preset, train),
            *prompt_notes(preset, data.encoding),
        ),
    )


def seeded_model(data: PreparedData, preset: Preset, device: torch.device) -> nn.Module:
    """Seeds all generators and builds the network: with the same weights for the same seed. Raises PresetError."""
    _seed(data, preset.training.seed)
    causal = data.task.predicts_tokens
    return build_model(preset, data.example, data.task.outputs, device, vocabulary=data.vocabulary, causal=causal)


def _seed(data: PreparedData, seed: int) -> None:
    """Seeds all generators: the model's weights depend on the seed and on what reading the data drew from it."""
    torch.manual_seed(seed)
    if seed == data.preset.training.seed:
        torch.set_rng_state(data.random_state)
    seed_python(seed + 1)


def _check_single_sample(model: nn.Module, example: Tensor) -> None:
    """Batch norm has no deviation to divide by where a sample has one value a channel."""
    parameter = next(model.parameters())
    try:
        copy.deepcopy(model).train()(example[:1].to(parameter.device))
    except ValueError as error:
        if "more than 1 value per channel" in str(error):
            raise PresetError("data.batch_size = 1, but batch norm cannot train on a batch of one sample") from error
        raise


def takes_last_epoch(preset: Preset) -> bool:
    """Whether the validation split is too small to choose the best epoch by."""
    return isinstance(preset.validation, CrossValidation) and not preset.validation.chooses_epoch


def _monitor_notes(preset: Preset) -> tuple[str, ...]:
    if not takes_last_epoch(preset) or not preset.training.early_stopping_patience:
        return ()
    return ("one sample cannot choose the best epoch: the last one counts as best, and training does not stop early",)


def _padding_notes(preset: Preset, train: BatchSource) -> tuple[str, ...]:
    if not preset.data.cuts_padding or isinstance(train, OnDeviceBatches):
        return ()
    return ("a DataLoader reads these texts, so that data.group_by_length has no effect: all have the longest length",)


def _check_left_out(preset: Preset, data: PreparedData) -> None:
    """The answers for all samples that a cross-validation leaves out are kept, and judged at once."""
    if not isinstance(preset.validation, CrossValidation) or data.splits.validation is None:
        return
    if data.task.predicts_tokens:
        raise PresetError(
            f'validation.method = "{preset.validation.label()}" keeps the scores of all samples, and those of a '
            'language model are too many: one for each token of the vocabulary, at each token; choose "predefined", '
            'or "holdout" where the data is not one long text and has no validation split'
        )
    samples = len(data.splits.train) + len(data.splits.validation)
    if not keeps_scores(samples, data.task.outputs):
        raise PresetError(
            f'validation.method = "{preset.validation.label()}" keeps all scores of all samples, and {samples:,} '
            f'samples with {data.task.outputs:,} outputs have too many; choose "holdout"'
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
    if validation is not None and len(validation) < metric(name).least_samples:
        raise PresetError(
            f'training.monitor = "{name}" is not defined for a validation split of {len(validation)} '
            f"{'sample' if len(validation) == 1 else 'samples'}; choose accuracy or loss"
        )
    return Monitor(name, validated, preset.training.early_stopping_min_delta, takes_last_epoch(preset))
