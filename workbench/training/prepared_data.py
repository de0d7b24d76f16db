"""What is read from the data: samples, splits, encoding and task, ready for many runs in one process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from workbench.data.cut_texts import held_out_notes
from workbench.data.distinct import merged_columns
from workbench.data.encoding import Encoding, Identity
from workbench.data.encodings import saved_encoding
from workbench.data.finite import check_finite
from workbench.data.inputs import RAW_TEXT, Inputs, describe, example_inputs, map_inputs
from workbench.data.on_host import as_float64, in_float32, on_host
from workbench.data.progress import Progress
from workbench.data.samples import InMemory, Lazy, NamedInMemory, Samples, Split, Task, Texts
from workbench.data.splits import Splits
from workbench.data.standardize import standardize
from workbench.data.target_scale import TargetScale
from workbench.data.task_description import describe_task
from workbench.data.tokens import PAD
from workbench.errors import DataError, PresetError, UserCodeError
from workbench.settings.data_choice import LabelledData, NumberData
from workbench.settings.effect import without_effect
from workbench.settings.generation import GENERATION_SETTINGS
from workbench.settings.loss import IGNORED, losses_for
from workbench.settings.model import ModuleModel
from workbench.settings.model_choice import ModelChoice
from workbench.settings.preset import Preset
from workbench.settings.text_model import TokenModel
from workbench.training.checkpointing.course import Digests, digests_when_asked
from workbench.training.device import Precision, configure_torch, resolve_device
from workbench.training.random_state import seed_everything

TRAINING_SETTINGS = GENERATION_SETTINGS | {
    *("batch_size", "drop_last", "group_by_length"),
    *("flip", "shift", "cutout"),
    *("time_shift_ms", "gain_db", "noise_db"),
    *("time_masks", "time_mask_ms", "frequency_masks", "frequency_mask_bands"),
}
"""Settings of the data that say how to train on it, not what it is: runs on the same data may differ in them."""


@dataclass(frozen=True)
class PreparedData:
    """Samples that have been read, checked and split. Nothing here changes while a model is trained on them."""

    preset: Preset
    """The data and validation are read as this says."""
    samples: Samples
    splits: Splits
    """Inputs in uint8, float32 or int64, or tensors by name; targets scaled."""
    encoding: Encoding
    """Turns raw samples, as the source gives them, into model input; on the host."""
    batch_encoding: Encoding
    """What is left of the encoding to do with the samples of `splits`; on the host."""
    raw: dict[str, Any]
    """Shape and type of one sample as the source gives it, see `workbench.data.inputs`."""
    example: Inputs
    """Two samples of model input, made up in the shape and type of the first training sample."""
    sample: tuple[Any, Tensor]
    """Inputs and target of the first training sample, as batches read them."""
    task: Task
    learns: str
    """What there is to predict, in words."""
    target_scale: TargetScale | None
    class_counts: Tensor | None
    """How often each class occurs in the training split, int64 on the host.

    None for a regression, and where all samples would have to be read to count.
    """
    digests: Callable[[], Digests]
    """What the data is, as it was read."""
    vocabulary: int | None
    """How many different ids the model input has, padding included; None where it is numbers."""
    targets_per_sample: float
    """1, or of texts to be continued the tokens to predict, padding left out: the mean over the training split."""
    random_state: Tensor
    """Of PyTorch's generator once all was read: reading may have drawn from it."""
    notes: tuple[str, ...]
    """What the user should know about how the data was understood."""

    def serves(self, preset: Preset) -> bool:
        """Whether reading the data by this preset would give the same; everything else in it may differ."""
        same_ids = self.raw.get("type") != "int64" or _takes_ids(preset) is _takes_ids(self.preset)
        return same_ids and _read_by(preset) == _read_by(self.preset)


@dataclass(frozen=True)
class Fitted:
    """What was fitted on the training split of a run, for data on which its model is evaluated."""

    read: Callable[[Preset, Callable[[Progress], None]], Samples]
    """Reads the samples of a preset as that run has read its own, with its classes."""
    encoding: Encoding
    """On the host."""
    target_scale: TargetScale | None
    """Of a regression; on the host."""


def prepare(
    preset: Preset,
    report: Callable[[Progress], None],
    see_raw: Callable[[Samples, Splits], None] = lambda samples, splits: None,
    *,
    trains: bool = True,
    fitted: Fitted | None = None,
) -> PreparedData:
    """Reads, checks, splits and encodes the data of a preset.

    report: hears of downloads and long reads. see_raw: gets samples and splits as the source gives them, which are not
    kept where they are encoded on the host. trains: whether a model is trained on them; else a loss or a batch size
    that does not fit them is a note. fitted: what to encode them by; None fits that on their training split. Raises
    PresetError, DeviceError, DataError or UserCodeError.
    """
    device = resolve_device(preset.runtime.device)
    configure_torch(preset.runtime, device)
    Precision(preset.runtime.precision, device)  # what the device cannot do is refused before anything is read
    # Rich draws a random number when it is imported, which a standby trainer has done before: see `seed_python`.
    import rich.style  # noqa: F401

    seed_everything(preset.training.seed)
    report(Progress("reading the data", 0, None, ""))
    read = preset.data.build(report) if fitted is None else fitted.read(preset, report)
    digests = digests_when_asked(read)
    raw_inputs, raw_target = read.train[0]
    raw = RAW_TEXT if isinstance(raw_inputs, str) else describe(_batch_of_one(raw_inputs, raw_target, read))
    samples = check_finite(_fitting_inputs(preset, read))
    task = samples.task
    misfits = _misfits(lambda: check_loss(preset, samples), trains=trains)
    splits = preset.validation.build(samples)
    misfits += _misfits(lambda: check_batch_size(preset, splits, samples), trains=trains)
    see_raw(samples, splits)
    encoding = _fit_encoding(preset, samples, splits) if fitted is None else fitted.encoding
    samples, splits, batch_encoding, notes = _in_float32(preset, samples, splits, encoding)
    vocabulary = _vocabulary(preset, encoding, splits)
    if task.predicts_tokens:
        splits = splits.map(without_padding)
        if vocabulary is not None:  # which only the encoding knows
            task = replace(task, outputs=vocabulary)
            read, samples = replace(read, task=task), replace(samples, task=task)
    target_scale = None
    if task.kind == "regression":
        targets = splits.train.targets
        assert isinstance(preset.data, LabelledData)
        target_scale = TargetScale.fit(splits.train, preset.data.normalize_target)
        if fitted is not None and fitted.target_scale is not None:
            target_scale = fitted.target_scale
        splits = splits.map(lambda split: on_host(split, None, target_scale))
        if targets is not None and targets.dtype == torch.float64 and isinstance(splits.train, InMemory):
            notes += merged_columns(targets, splits.train.targets, task.targets)
    first, target = splits.train[0]
    return PreparedData(
        preset=preset,
        samples=samples,
        splits=splits,
        encoding=encoding,
        batch_encoding=batch_encoding,
        raw=raw,
        example=example_inputs(describe(batch_encoding(_batch_of_one(first, target, samples)))),
        sample=(first, target.float() if target.is_floating_point() else target),
        task=task,
        learns=describe_task(read),
        target_scale=target_scale,
        class_counts=_class_counts(splits, task),
        vocabulary=vocabulary,
        targets_per_sample=_targets_per_sample(splits, task),
        digests=digests,
        random_state=torch.get_rng_state(),
        notes=(
            *misfits,
            *samples.notes,
            *encoding.notes,
            *notes,
            *splits.notes,
            *_split_notes(preset, samples),
            *without_effect(preset),
        ),
    )


def _misfits(check: Callable[[], None], *, trains: bool) -> tuple[str, ...]:
    """What a check says is wrong. Raises what it raises where a model is trained."""
    try:
        check()
    except PresetError as error:
        if trains:
            raise
        return (str(error),)
    return ()


def check_loss(preset: Preset, samples: Samples) -> None:
    """Raises PresetError where the loss is for another kind of targets, or where they were guessed wrongly."""
    task, loss = samples.task, preset.loss
    learnt, doubt = describe_task(samples), f"; {samples.task.doubt}" if samples.task.doubt else ""
    if task.kind not in loss.tasks:
        what = {"classification": "classes", "regression": "numbers", "language_modeling": "tokens"}[task.kind]
        raise PresetError(
            f"loss.name = {loss.label()!r} does not fit data that has {what} to predict ({learnt}); these do: "
            f"{', '.join(losses_for(task.kind))}{doubt}"
        )
    if task.predicts_tokens and getattr(loss, "class_weights", "equal") != "equal":
        raise PresetError('loss.class_weights weighs classes, but the data has tokens to predict; set it to "equal"')
    if task.kind == "classification" and task.doubt and "regression" in loss.tasks:
        or_classes = ', or data.task = "classification" to train classes with this loss'
        raise PresetError(
            f"loss.name = {loss.label()!r} is for numbers, but the whole numbers to predict are read as classes "
            f"({learnt}){doubt}{or_classes * hasattr(preset.data, 'task')}"
        )


def check_batch_size(preset: Preset, splits: Splits, samples: Samples) -> None:
    """Raises PresetError where the training split does not fill a single batch."""
    if len(splits.train) < preset.data.batch_size:
        left_out = f" ({samples.left_out})" if samples.left_out else ""
        raise PresetError(
            f"data.batch_size = {preset.data.batch_size}, but the training split has only "
            f"{len(splits.train)} samples{left_out}; choose a batch size of at most that"
        )


def _read_by(preset: Preset) -> tuple[object, object]:
    """The settings that decide what is read and how it is split."""
    return preset.data.model_dump(exclude=set(TRAINING_SETTINGS)), preset.validation.model_dump()


def _takes_ids(preset: Preset) -> type[ModelChoice] | None:
    """The kind of model that whole numbers reach as they are: only the user knows what a model of their own takes."""
    return next((kind for kind in (ModuleModel, TokenModel) if isinstance(preset.model, kind)), None)


def _fitting_inputs(preset: Preset, samples: Samples) -> Samples:
    """Whole numbers reach a user's model and models of ids as they are; other models take measures."""
    first = samples.train[0][0]
    if samples.has_own_inputs or not isinstance(first, Tensor) or first.dtype != torch.int64:
        return samples
    if _takes_ids(preset):
        note = (
            "inputs are whole numbers and so reach the model as they are (int64); floating-point ones are standardised"
        )
        return replace(samples, notes=(*samples.notes, note))
    note = f"inputs are whole numbers, which the model {preset.model.label()} takes as measures, not as ids"
    return replace(samples.map(as_float64), notes=(*samples.notes, note))


def _fit_encoding(preset: Preset, samples: Samples, splits: Splits) -> Encoding:
    """The source's own encoding; without one, numbers are standardised, and inputs by name stay as they are."""
    if samples.fit_encoding is not None:
        fitted: object = samples.fit_encoding(splits.train)
        if not isinstance(fitted, Encoding):
            raise UserCodeError(
                f"fit_encoding gave a {type(fitted).__name__}; it must give a workbench.data.encoding.Encoding"
            )
        saved_encoding(fitted)  # what a checkpoint cannot hold is refused before anything is trained
        return fitted
    train = splits.train
    if isinstance(train, Texts):
        raise UserCodeError("texts need an encoding that makes ids of them: give Samples a fit_encoding")
    if samples.has_own_inputs or isinstance(train, NamedInMemory) or not isinstance(train[0][0], Tensor):
        return Identity()
    return standardize(train, preset.data.normalize if isinstance(preset.data, NumberData) else "standard")


def _in_float32(
    preset: Preset, samples: Samples, splits: Splits, encoding: Encoding
) -> tuple[Samples, Splits, Encoding, list[str]]:
    """Samples and splits with no inputs in float64, what is left to encode on the device, and notes.

    Where the encoding is for the host, inputs are encoded now, and the raw ones are not kept.
    """
    if not encoding.on_host:
        return samples.map(in_float32), splits.map(in_float32), encoding, []
    made = samples.map(lambda split: on_host(split, encoding, None))
    notes = held_out_notes(encoding, {"validation": splits.validation, "test": splits.test})
    raw, encoded = samples.train, made.train
    if (
        isinstance(raw, InMemory)
        and isinstance(encoded, InMemory)
        and raw.inputs.is_floating_point()
        and raw.inputs.dim() == encoded.inputs.dim() == 2
    ):
        notes += merged_columns(raw.inputs, encoded.inputs, samples.columns)
    # Cut again, which gives the same splits.
    return made, preset.validation.build(made), Identity(), notes


def _batch_of_one(inputs: Any, target: Tensor, samples: Samples) -> Inputs:
    """The inputs of a batch that has this sample alone."""
    if samples.collate is not None and isinstance(samples.train, Lazy):
        return samples.collate([(inputs, target)])[0]
    return map_inputs(inputs, lambda tensor: tensor.unsqueeze(0))


def _class_counts(splits: Splits, task: Task) -> Tensor | None:
    targets = splits.train.targets
    if task.kind != "classification" or targets is None:
        return None
    return torch.bincount(targets, minlength=task.outputs)


def without_padding(split: Split) -> Split:
    """Marks padding among the tokens to predict as IGNORED, which PyTorch's losses leave out."""
    if isinstance(split, InMemory):
        return InMemory(split.inputs, split.targets.masked_fill(split.targets == PAD, IGNORED))
    raise PresetError("texts to be continued must be in memory: InMemory ids (n, length) and the next ids (n, length)")


def _vocabulary(preset: Preset, encoding: Encoding, splits: Splits) -> int | None:
    """What the encoding says; for a model of ids that come without one, the largest id and one."""
    if encoding.vocabulary_size is not None or not isinstance(preset.model, TokenModel):
        return encoding.vocabulary_size
    own = [split for split in (splits.train, splits.validation, splits.test) if split is not None]
    found = [split.inputs for split in own if isinstance(split, InMemory) and split.inputs.dtype == torch.int64]
    if len(found) < len(own):
        return None
    least, most = (int(end) for end in torch.cat([torch.stack(inputs.aminmax()) for inputs in found]).aminmax())
    if least < 0:
        raise DataError(f"ids must be 0 (padding) or larger, but the data has {least}")
    return most + 1


def _targets_per_sample(splits: Splits, task: Task) -> float:
    targets = splits.train.targets
    if not task.predicts_tokens or targets is None:
        return 1.0
    return int((targets != IGNORED).sum()) / len(targets)


def _split_notes(preset: Preset, samples: Samples) -> tuple[str, ...]:
    method = preset.validation.label()
    if samples.is_one_text and method == "holdout":
        return (
            "a long text is not split at random: the parts at its end are held out, as data.validation_fraction and "
            "data.test_fraction say, and validation.fraction and validation.test_fraction are not used",
        )
    if samples.task.predicts_tokens and samples.validation is None and method == "holdout":
        return (
            "windows are drawn at random for validation; if they are of one long text, give Samples its later parts as "
            "validation and test, and is_one_text = True",
        )
    if samples.validation is None or method == "predefined":
        return ()
    if samples.validation_is_named and method == "holdout":
        return (
            f"the {len(samples.validation)} samples that data.split says are for validation are held out, and "
            "validation.fraction is not used",
        )
    return (
        f"the data's own validation split of {len(samples.validation)} samples is not used; "
        'validation.method = "predefined" uses it',
    )
