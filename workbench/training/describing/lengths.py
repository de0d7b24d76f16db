"""How long texts and sounds are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from workbench.data.samples import InMemory, Texts
from workbench.data.spectrogram import LogMel, Waveform
from workbench.data.standardize import spaced
from workbench.data.text_encoding import TextEncoding, TokenCounts
from workbench.data.tokens import PAD
from workbench.processes.data import Lengths
from workbench.training.describing.source import Source

MOST_TEXTS, MOST_SOUNDS = 20_000, 2_000
"""Of more, as many evenly spaced ones are measured."""


def lengths_of(source: Source) -> Lengths | None:
    """The lengths of the training split, and how many held-out texts are cut.

    None where all samples have one shape, of which none is a length.
    Of sounds: without the silence at their end, where they are in memory.
    """
    encoding, train = source.data.encoding, source.raw
    if isinstance(encoding, TextEncoding):
        if isinstance(train, Texts):
            lengths = _lengths("tokens", encoding.count(_some(train)).lengths, encoding.length)
            held_out = [split for split in (source.splits.validation, source.splits.test) if isinstance(split, Texts)]
            return _with_held_out(lengths, [encoding.count(_some(split)) for split in held_out], encoding.length)
        if isinstance(train, InMemory):
            return _lengths("tokens", (train.inputs != PAD).sum(1).numpy(), None)
    if isinstance(encoding, LogMel | Waveform):
        samples = train.inputs[spaced(len(train), MOST_SOUNDS)] if isinstance(train, InMemory) else None
        frames = np.array([len(train[0][0])]) if samples is None else _up_to_the_last_sound(samples)
        return _lengths("seconds", frames / source.sample_rate, None)
    return None


def _some(split: Texts) -> list[str]:
    return [split.texts[index] for index in spaced(len(split), MOST_TEXTS)]


def _with_held_out(lengths: Lengths, counts: Sequence[TokenCounts], limit: int) -> Lengths:
    return replace(
        lengths,
        held_out=sum(len(each.lengths) for each in counts),
        held_out_cut=sum(each.cut(limit) for each in counts),
        held_out_most=max((float(each.lengths.max(initial=0)) for each in counts), default=0.0),
    )


def _up_to_the_last_sound(waves: Tensor) -> np.ndarray:
    """How many numbers each waveform (n, samples) has before the zeros at its end, with which short ones are padded."""
    zeros_at_end = (waves.flip(1) != 0).byte().argmax(1)
    zeros_at_end[~waves.any(1)] = waves.shape[1]
    return (waves.shape[1] - zeros_at_end).numpy()


def _lengths(unit: str, lengths: np.ndarray, limit: int | None) -> Lengths:
    return Lengths(
        unit=unit,
        least=float(lengths.min()),
        median=float(np.median(lengths)),
        percentile_95=float(np.quantile(lengths, 0.95)),
        most=float(lengths.max()),
        measured=len(lengths),
        limit=limit,
        cut=None if limit is None else int((lengths > limit).sum()),
    )
