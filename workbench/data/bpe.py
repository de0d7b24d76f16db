"""Byte pair encoding: frequent parts of words as tokens, learned from the training texts or read from a file.

The library `tokenizers` does the work; it is imported only where it is needed. What it calls a tokenizer is stored as
the JSON text that its own files hold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

from workbench.data.text_encoding import REPLACEMENT, TextEncoding
from workbench.data.tokens import PAD, SPECIAL, UNKNOWN
from workbench.data.word_tokens import without_lone_surrogates
from workbench.errors import DataError
from workbench.files import read_small

MOST_FILE_BYTES = 2**28

_INSTEAD = "; in the library tokenizers, tokenizer.save(file) writes one"

# Unset, the library prints a warning where the process forks afterwards: loaders do, and never use it.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


class Bpe(TextEncoding):
    """An id for each part of a word, see `tokenizers`; an id of the file is shifted by SPECIAL."""

    name: ClassVar[str] = "bpe"

    def __init__(self, tokenizer: str, length: int) -> None:
        """tokenizer: as JSON. Raises ValueError where it is none."""
        super().__init__(length)
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_str(tokenizer)
        except Exception as error:  # the library raises nothing more specific
            raise ValueError(f"it is not a tokenizer: {error}") from error
        # We cut and pad ourselves; and ids must not be drawn at random.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.model.dropout = None
        known = self._tokenizer.get_vocab()
        self._unknown = known.get(self._tokenizer.model.unk_token)
        self._size = SPECIAL + max(known.values(), default=-1) + 1

    @property
    def vocabulary_size(self) -> int:
        return self._size

    def arguments(self) -> dict[str, Any]:
        return {"tokenizer": self._tokenizer.to_str(), "length": self.length}

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        encoded = self._tokenizer.encode_batch(
            [without_lone_surrogates(text) for text in texts], add_special_tokens=False
        )
        return [[UNKNOWN if each == self._unknown else SPECIAL + each for each in one.ids] for one in encoded]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        return [self._decoded([each]) for each in ids if each != PAD]

    def unknown_tokens(self, text: str) -> list[str]:
        cleaned = without_lone_surrogates(text)
        encoded = self._tokenizer.encode(cleaned, add_special_tokens=False)
        places = zip(encoded.ids, encoded.offsets, strict=True)
        return [cleaned[start:end] for each, (start, end) in places if each == self._unknown]

    def text(self, ids: Iterable[int]) -> str:
        return self._decoded([each for each in ids if each != PAD])

    def _decoded(self, ids: Sequence[int]) -> str:
        parts = []
        for unknown, run in groupby(ids, UNKNOWN.__eq__):
            known = list(run)
            parts.append(
                REPLACEMENT * len(known)
                if unknown
                else self._tokenizer.decode([each - SPECIAL for each in known], skip_special_tokens=False)
            )
        return "".join(parts)


def trained_bpe(texts: Sequence[str], vocabulary: int, min_count: int) -> Bpe:
    """Learns a tokenizer on bytes, so that nothing is unknown; texts are composed (NFC) first.

    vocabulary: most ids, at least BPE_LEAST.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - SPECIAL,
        min_frequency=min_count,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_clean(texts), trainer)
    encoding = Bpe(tokenizer.to_str(), 1)
    encoding.notes = (f"bpe: {encoding.vocabulary_size - SPECIAL:,} parts of words, learned from the training split",)
    return encoding


def _clean(texts: Iterable[str]) -> Iterator[str]:
    return map(without_lone_surrogates, texts)


def bpe_from_file(file: Path) -> Bpe:
    """Reads a tokenizer from a JSON file, as `Tokenizer.save` writes it. Raises DataError."""
    try:
        content = read_small(file, MOST_FILE_BYTES)
    except FileNotFoundError as error:
        raise DataError(f"{file} does not exist; data.tokenizer must name a tokenizer.json") from error
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}; data.tokenizer must name a tokenizer.json") from error
    except ValueError as error:
        raise DataError(f"{file} is not a tokenizer.json: it is not text in UTF-8{_INSTEAD}") from error
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file} is not a tokenizer.json: it is not JSON{_INSTEAD}") from error
    model = found.get("model") if isinstance(found, dict) else None
    if not isinstance(model, dict):
        raise DataError(f'{file} is not a tokenizer.json: it has no "model"{_INSTEAD}')
    kind = model.get("type", "BPE" if "merges" in model else "unknown")
    if kind != "BPE":
        raise DataError(f'{file} holds a tokenizer of the kind {kind}; data.tokens = "bpe" reads those of the kind BPE')
    try:
        encoding = Bpe(content, 1)
    except ValueError as error:
        raise DataError(f"{file} is broken: {error}") from error
    encoding.notes = (f"bpe: {encoding.vocabulary_size - SPECIAL:,} parts of words, read from {file}",)
    return encoding
