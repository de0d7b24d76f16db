"""The contract of every encoding in ENCODINGS; a new one needs an entry in EXAMPLES."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from workbench.data.encoding import Encoding, Identity, Standardize
from workbench.data.encodings import ENCODINGS, restored_encoding, saved_encoding
from workbench.data.fit_tokens import Tokens
from workbench.data.imputation import Imputed
from workbench.data.spectrogram import LogMel, Mfcc, Waveform
from workbench.data.text_encoding import TextEncoding
from workbench.data.tokens import PAD, TokenKind

TEXTS = ["the cat", "", "A dog, the CAT", "👩‍👩‍👧 cafe\u0301 \ud83d", "x" * 100, "\n", "日本 don't"]
BANDS: dict[str, Any] = {"rate": 8000, "window": 200, "hop": 80, "mels": 8, "low_hz": 100.0, "high_hz": 4000.0}
MOMENTS: dict[str, Any] = {"mean": torch.tensor(-3.0), "std": torch.tensor(2.0)}


def waves() -> Tensor:
    """Noise, silence, and the loudest that 16 bits hold."""
    drawn = torch.randint(-32768, 32768, (5, 1600), generator=torch.Generator().manual_seed(0)).to(torch.int16)
    drawn[1], drawn[2] = 0, 32767
    return drawn


def rows() -> Tensor:
    return torch.randn(7, 4, generator=torch.Generator().manual_seed(0))


def fitted(kind: TokenKind) -> Encoding:
    return Tokens(kind, 300, 1, True).fitted(TEXTS[:3] * 2, 12)


EXAMPLES: dict[str, Callable[[], tuple[Encoding, Any]]] = {
    "identity": lambda: (Identity(), rows()),
    "standardize": lambda: (Standardize(rows().mean(0), rows().std(0)), rows()),
    "imputed": lambda: (Imputed(rows().mean(0), rows().mean(0), rows().std(0)), rows().where(rows() > -1, torch.nan)),
    "words": lambda: (fitted("words"), TEXTS),
    "characters": lambda: (fitted("characters"), TEXTS),
    "bytes": lambda: (fitted("bytes"), TEXTS),
    "bpe": lambda: (fitted("bpe"), TEXTS),
    "log_mel": lambda: (LogMel(**BANDS, **MOMENTS), waves()),
    "mfcc": lambda: (Mfcc(5, **BANDS, **MOMENTS), waves()),
    "waveform": lambda: (Waveform(**MOMENTS), waves()),
}
"""An encoding and a batch of raw samples of each kind."""


def test_every_encoding_has_an_example() -> None:
    assert set(EXAMPLES) == set(ENCODINGS), "add an entry to EXAMPLES"


@pytest.fixture(params=ENCODINGS)
def example(request: pytest.FixtureRequest) -> tuple[Encoding, Any]:
    if request.param not in EXAMPLES:
        pytest.fail("no example")
    return EXAMPLES[request.param]()


def test_its_result_is_finite_has_a_row_a_sample_and_is_the_same_each_time(example: tuple[Encoding, Any]) -> None:
    encoding, raw = example
    made = encoding(raw)
    assert len(made) == len(raw)
    assert made.dtype in (torch.float32, torch.int64)
    assert bool(made.isfinite().all())
    assert torch.equal(encoding(raw), made)


def test_it_leaves_the_raw_samples_as_they_were(example: tuple[Encoding, Any]) -> None:
    encoding, raw = example
    before = copy.deepcopy(raw)
    encoding(raw)
    if isinstance(raw, Tensor):
        torch.testing.assert_close(raw, before, rtol=0, atol=0, equal_nan=True)
    else:
        assert raw == before


def test_a_sample_is_encoded_alone_as_among_others(example: tuple[Encoding, Any]) -> None:
    encoding, raw = example
    made = encoding(raw)
    for index in range(len(raw)):
        torch.testing.assert_close(encoding(raw[index : index + 1])[0], made[index], rtol=1e-5, atol=1e-5)
    backwards = encoding(raw.flip(0) if isinstance(raw, Tensor) else raw[::-1])
    torch.testing.assert_close(backwards.flip(0), made, rtol=1e-5, atol=1e-5)


def test_a_checkpoint_restores_it(example: tuple[Encoding, Any]) -> None:
    encoding, raw = example
    saved = saved_encoding(encoding)
    assert saved["name"] == encoding.name
    assert set(saved["arguments"]) <= set(_parameters(type(encoding)))
    restored = restored_encoding(saved)
    assert type(restored) is type(encoding)
    assert torch.equal(restored(raw), encoding(raw))
    assert restored.on_host == encoding.on_host
    assert restored.vocabulary_size == encoding.vocabulary_size
    assert str(saved_encoding(restored)) == str(saved)


def _parameters(kind: type[Encoding]) -> set[str]:
    """The names that an encoding's constructor takes, its bases' included where it passes others on."""
    return {name for each in kind.__mro__ if "__init__" in vars(each) for name in inspect.signature(each).parameters}


def test_ids_are_below_the_size_of_the_vocabulary_and_padding_is_at_the_end(example: tuple[Encoding, Any]) -> None:
    encoding, raw = example
    if encoding.vocabulary_size is None:
        assert not isinstance(encoding, TextEncoding)
        return
    ids = encoding(raw)
    assert ids.dtype == torch.int64
    assert int(ids.min()) >= 0
    assert int(ids.max()) < encoding.vocabulary_size
    there = ids != PAD
    assert bool(there[:, 0].all()), "a text has at least one id"
    assert torch.equal(there.long().cumprod(1).bool(), there), "padding is at the end alone"
    assert torch.equal(encoding(ids), ids), "ids pass unchanged"


def test_it_can_move_to_another_device(example: tuple[Encoding, Any]) -> None:
    encoding, _ = example
    moved = encoding.to("meta")
    assert all(tensor.is_meta for tensor in moved.buffers())
