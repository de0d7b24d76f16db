"""Raw samples to compare an export with its checkpoint on: those that validated the run, or some made up."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workbench.data.download import OFFLINE_VARIABLE
from workbench.data.encoding import Moments
from workbench.data.inputs import RAW_TEXT, Inputs, dtype_named, map_inputs
from workbench.data.progress import Progress
from workbench.data.samples import Lazy, Samples, Split, Texts
from workbench.data.splits import Splits
from workbench.data.standardize import spaced
from workbench.data.text_encoding import TextEncoding
from workbench.data.tokens import SPECIAL
from workbench.errors import WorkbenchError, first_line
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.prepared_data import prepare

BATCHES = (1, 2, 7, 22)
"""Sizes of the batches that are compared."""
SAMPLES = sum(BATCHES)
MOST_NUMBERS = 2**24
"""Of outputs that are compared: a language model gives one for each token of its vocabulary, at each token."""

Raw = Inputs | list[str]
"""Samples as the data source gives them."""


@dataclass(frozen=True)
class CheckSamples:
    """Samples to compare on."""

    raw: Raw
    origin: str
    """validation, training or random."""
    reason: str = ""
    """Why they are not of the validation split."""


class _EnoughError(Exception):
    """Ends reading the data once its samples are seen."""


def samples_of(trained: TrainedModel, report: Callable[[Progress], None]) -> CheckSamples:
    """Samples of the run, read again by its preset; or random ones of the right kind, where the data is gone.

    Nothing is downloaded for it.
    """
    try:
        found = _read(trained, report)
        found = replace(found, raw=_as_described(found.raw, trained))
        trained(batch_of(found.raw, 0, 1))  # other data may lie there now
    except WorkbenchError as error:
        return CheckSamples(random_samples(trained), "random", first_line(error))
    return found


def batch_of(raw: Raw, start: int, end: int) -> Raw:
    """Samples from `start` on, up to before `end`."""
    return raw[start:end] if isinstance(raw, list) else map_inputs(raw, lambda tensor: tensor[start:end])


def batches_of(raw: Raw, outputs: int) -> list[Raw]:
    """Batches of the sizes in BATCHES; two of them at least, fewer where one sample has very many outputs."""
    batches: list[Raw] = []
    start = 0
    for size in BATCHES:
        if len(batches) >= 2 and (start + size) * outputs > MOST_NUMBERS:
            break
        batches.append(batch_of(raw, start, start + size))
        start += size
    return batches


def _read(trained: TrainedModel, report: Callable[[Progress], None]) -> CheckSamples:
    """Raises WorkbenchError where the data cannot be read."""
    os.environ[OFFLINE_VARIABLE] = "1"
    preset = trained.preset.override(
        ["runtime.device=cpu", "runtime.precision=float32", "runtime.engine=eager", "runtime.num_workers=0"]
    )
    seen: list[CheckSamples] = []

    def see(samples: Samples, splits: Splits) -> None:
        seen.append(_chosen(samples, splits))
        raise _EnoughError

    with suppress(_EnoughError):
        prepare(preset, report, see, trains=False)
    return seen[0]


def _as_described(raw: Raw, trained: TrainedModel) -> Raw:
    """The samples in the type that the source gave: whole numbers that are measures are read as float64."""
    described = trained.raw
    return raw.to(dtype_named(described["type"])) if isinstance(raw, Tensor) and "shape" in described else raw


def _chosen(samples: Samples, splits: Splits) -> CheckSamples:
    if splits.validation is None:
        return CheckSamples(_some(splits.train, samples), "training", "the run has no validation split")
    return CheckSamples(_some(splits.validation, samples), "validation")


def _some(split: Split, samples: Samples) -> Raw:
    """SAMPLES raw samples, evenly spaced; of fewer, some more than once."""
    few = spaced(len(split), SAMPLES)
    indices = (few * SAMPLES)[:SAMPLES]
    if isinstance(split, Texts):
        return [split.texts[index] for index in indices]
    if not isinstance(split, Lazy):
        chosen = torch.tensor(indices)
        return map_inputs(split.inputs, lambda tensor: tensor[chosen])
    rows = [split[index] for index in indices]
    if samples.collate is not None:
        return samples.collate(rows)[0]
    return torch.stack([inputs for inputs, _ in rows])


def random_samples(trained: TrainedModel) -> Raw:
    """Made-up samples of the shape and kind that the model was trained on, always the same."""
    generator = torch.Generator().manual_seed(0)
    raw = trained.raw
    if raw == RAW_TEXT:
        return _random_texts(trained, generator)
    if not isinstance(raw.get("shape"), list):
        # What the numbers mean is not known, and a length must be neither 0 nor beyond the end.
        return {
            name: torch.ones(SAMPLES, *each["shape"], dtype=dtype_named(each["type"])) for name, each in raw.items()
        }
    return _random_tensor(trained, tuple(raw["shape"]), dtype_named(raw["type"]), generator)


def _random_tensor(
    trained: TrainedModel, shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator
) -> Tensor:
    size, encoding = (SAMPLES, *shape), trained.encoding
    if dtype == torch.int64 and not isinstance(encoding, Moments):
        most = trained.description.get("vocabulary") or SPECIAL
        return torch.randint(0, most, size, generator=generator)
    if dtype == torch.bool:
        return torch.rand(size, generator=generator) < 0.5
    if not dtype.is_floating_point and dtype != torch.int64:  # pixels and waves
        bounds = torch.iinfo(dtype)
        low, high = (max(bounds.min, -(2**15)), min(bounds.max, 2**15 - 1))
        return torch.randint(low, high + 1, size, generator=generator).to(dtype)
    values = torch.randn(size, generator=generator, dtype=torch.float64)
    if isinstance(encoding, Moments) and encoding.mean.dim() <= len(size):
        values = values * encoding.std.double() + encoding.mean.double()
    return values.to(dtype)


def _random_texts(trained: TrainedModel, generator: torch.Generator) -> list[str]:
    """Tokens of the vocabulary, by chance, in texts of different lengths."""
    encoding = trained.encoding
    assert isinstance(encoding, TextEncoding)
    texts = []
    for number in range(SAMPLES):
        tokens = max(encoding.length * (number + 1) // SAMPLES, 1)
        ids = torch.randint(SPECIAL, max(encoding.vocabulary_size, SPECIAL + 1), (tokens,), generator=generator)
        texts.append(encoding.text(ids.tolist()))
    return texts
