"""How long texts and sounds are."""

from __future__ import annotations

import numpy as np

from workbench.data.samples import InMemory, Texts
from workbench.data.spectrogram import LogMel, Waveform
from workbench.data.standardize import spaced
from workbench.data.text_encoding import TextEncoding
from workbench.data.tokens import PAD
from workbench.processes.data import Lengths
from workbench.training.describing.source import Source

MOST_TEXTS = 20_000
"""Of more, as many evenly spaced ones are measured."""


def lengths_of(source: Source) -> Lengths | None:
    """The lengths of the training split; None where all samples have one shape, of which none is a length."""
    encoding, train = source.data.encoding, source.raw
    if isinstance(encoding, TextEncoding):
        if isinstance(train, Texts):
            texts = [train.texts[index] for index in spaced(len(train), MOST_TEXTS)]
            return _lengths("tokens", np.array([len(ids) for ids in encoding.ids(texts)]), encoding.length)
        if isinstance(train, InMemory):
            return _lengths("tokens", (train.inputs != PAD).sum(1).numpy(), None)
    if isinstance(encoding, LogMel | Waveform):
        return _lengths("seconds", np.array([len(train[0][0]) / source.sample_rate]), None)
    return None


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
