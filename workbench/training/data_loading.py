"""How the batches of each split are read: gathered on the device where all samples fit, else by a DataLoader."""

from __future__ import annotations

import torch

from workbench.data.encoding import Encoding
from workbench.data.samples import Collate, InMemory, NamedInMemory, Split
from workbench.data.splits import Splits
from workbench.errors import DataError, PresetError
from workbench.settings.preset import Preset
from workbench.training.batches import BatchSource, OnDeviceBatches, fit_on_device
from workbench.training.loader_batches import DataLoaderBatches
from workbench.training.similar_lengths import SimilarLengths

EVALUATION_BATCH = 512
"""Up to this size, evaluation takes four batches at once: without gradients there is room for more than in training."""


def evaluation_batch_size(batch_size: int) -> int:
    """How many samples are evaluated at a time, of a run that trains with this batch size."""
    return max(batch_size, min(EVALUATION_BATCH, 4 * batch_size))


def batch_sources(
    preset: Preset, splits: Splits, encoding: Encoding, collate: Collate | None, device: torch.device
) -> tuple[BatchSource, BatchSource | None, BatchSource | None]:
    """Batches of the training, validation and test split. Raises DataError or PresetError where they cannot be read.

    encoding: what is left to do with raw samples, on `device`; collate: the data source's, None to stack samples.
    """
    on_device = _are_on_device(preset, splits, device)

    def batches(split: Split, *, evaluating: bool) -> BatchSource:
        return _batches(preset, split, encoding, collate, device, on_device=on_device, evaluating=evaluating)

    return (
        batches(splits.train, evaluating=False),
        None if splits.validation is None else batches(splits.validation, evaluating=True),
        None if splits.test is None else batches(splits.test, evaluating=True),
    )


def evaluation_batches(
    preset: Preset,
    splits: Splits,
    split: Split,
    encoding: Encoding,
    collate: Collate | None,
    device: torch.device,
) -> BatchSource:
    """Batches of one of the splits, whichever it is, as `batch_sources` reads those held out. Raises as it does."""
    on_device = _are_on_device(preset, splits, device)
    return _batches(preset, split, encoding, collate, device, on_device=on_device, evaluating=True)


def _are_on_device(preset: Preset, splits: Splits, device: torch.device) -> bool:
    """Whether all splits are kept on the device."""
    all_splits = [split for split in (splits.train, splits.validation, splits.test) if split is not None]
    fits = fit_on_device(all_splits, device)
    if preset.runtime.data_loading == "on_device" and not fits:
        raise PresetError(
            f'runtime.data_loading = "on_device", but the samples do not fit into half of the free memory of {device}; '
            'use "auto" or "dataloader"'
        )
    if any(len(split) == 0 for split in all_splits):
        raise DataError("a split of the data is empty")
    return fits and preset.runtime.data_loading != "dataloader"


def _batches(
    preset: Preset,
    split: Split,
    encoding: Encoding,
    collate: Collate | None,
    device: torch.device,
    *,
    on_device: bool,
    evaluating: bool,
) -> BatchSource:
    batch_size = preset.data.batch_size
    augment = None if evaluating else preset.data.augmentation()
    raw_augment = None if evaluating else preset.data.raw_augmentation()
    if on_device and isinstance(split, InMemory | NamedInMemory):
        # Of a text to be continued each token has scores, which take more than all gradients of a step.
        has_tokens = split.targets.dim() == 2 and not split.targets.is_floating_point()
        if evaluating and not has_tokens:
            batch_size = evaluation_batch_size(batch_size)
        return OnDeviceBatches(split, encoding, batch_size, device, augment, raw_augment, _lengths(preset, split))
    workers, seed = preset.runtime.num_workers, preset.training.seed
    return DataLoaderBatches(split, encoding, batch_size, device, augment, workers, seed, collate, raw_augment)


def _lengths(preset: Preset, split: Split) -> SimilarLengths | None:
    """The lengths of a split's texts, where batches are cut to them."""
    if not preset.data.cuts_padding or not isinstance(split, InMemory) or split.inputs.dtype != torch.int64:
        return None
    return SimilarLengths.of(split.inputs)
