"""Encodings of text: each turns texts into ids (n, length), int64, padded at the end.

What is made on the host before training is kept as ids, so that everything after it treats text like any other tensor.
Ids that are made already pass unchanged: a language model's windows are cut from one long row of ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from workbench.data.encoding import Encoding
from workbench.data.tokens import PAD, SPECIAL, UNKNOWN
from workbench.data.word_tokens import normalized, split_words, without_lone_surrogates

REPLACEMENT = "\ufffd"
"""Stands for an unknown token where ids become text."""

CHUNK = 2**19
"""Characters of texts that are encoded at a time: what a library keeps of them is many times as large as their ids."""


@dataclass(frozen=True)
class TokenCounts:
    """What was counted of the tokens of texts that are neither cut nor padded."""

    lengths: np.ndarray
    """Tokens of each text, int64 (texts,)."""
    unknown: int
    """How many tokens of all texts are unknown."""
    without_known: int
    """How many texts have no token that is known."""

    def cut(self, length: int) -> int:
        """How many texts have more than `length` tokens."""
        return int((self.lengths > length).sum())


class TextEncoding(Encoding):
    """Turns texts into ids of one length: longer texts are cut at their end, shorter ones padded with PAD.

    A text without any token becomes a single UNKNOWN, so that no text is all padding. The ids of a text do not depend
    on the other texts.
    """

    def __init__(self, length: int) -> None:
        """length: ids of each text."""
        super().__init__()
        self.length = length

    @property
    def on_host(self) -> bool:
        """True: a device has no texts."""
        return True

    @property
    def vocabulary_size(self) -> int:
        raise NotImplementedError

    def forward(self, texts: Sequence[str] | Tensor) -> Tensor:
        """Maps n texts to int64 (n, length); a tensor is taken for ids and returned unchanged."""
        if isinstance(texts, Tensor):
            return texts
        encoded = torch.full((len(texts), self.length), PAD, dtype=torch.int64)
        for row, ids in zip(encoded, self._ids_of_each(texts), strict=True):
            kept = ids[: self.length] or [UNKNOWN]
            row[: len(kept)] = torch.tensor(kept, dtype=torch.int64)
        return encoded

    def count(self, texts: Sequence[str]) -> TokenCounts:
        """Counts the tokens of texts without keeping their ids."""
        lengths, unknown, without_known = np.zeros(len(texts), dtype=np.int64), 0, 0
        for place, ids in enumerate(self._ids_of_each(texts)):
            lengths[place] = len(ids)
            unknown_here = ids.count(UNKNOWN)
            unknown += unknown_here
            without_known += unknown_here == len(ids)
        return TokenCounts(lengths, unknown, without_known)

    def _ids_of_each(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """The ids of one text after the other, encoded in chunks."""
        for chunk in _chunks(texts):
            yield from self.ids(chunk)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """All ids of each text, neither cut nor padded; empty for a text without tokens.

        Of many texts they take more memory than the texts: `count` and `forward` encode them in chunks.
        """
        raise NotImplementedError

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The tokens of a text's ids, as people read them; padding is left out, an unknown token is U+FFFD."""
        raise NotImplementedError

    def unknown_tokens(self, text: str) -> list[str]:
        """The tokens of a text that become UNKNOWN, in their order."""
        raise NotImplementedError

    def text(self, ids: Iterable[int]) -> str:
        """The text of ids, as far as the tokens keep it."""
        return "".join(self.tokens(ids))


class VocabularyEncoding(TextEncoding):
    """An encoding with a list of known tokens; all others are UNKNOWN."""

    def __init__(self, vocabulary: Sequence[str], length: int) -> None:
        """vocabulary: the known tokens; the first has the id SPECIAL."""
        super().__init__(length)
        self.vocabulary = tuple(vocabulary)
        self._id_of = {token: number for number, token in enumerate(self.vocabulary, SPECIAL)}

    @property
    def vocabulary_size(self) -> int:
        return SPECIAL + len(self.vocabulary)

    def arguments(self) -> dict[str, Any]:
        return {"vocabulary": list(self.vocabulary), "length": self.length}

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        id_of = self._id_of.get
        return [[id_of(token, UNKNOWN) for token in self.split(text)] for text in texts]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        return [REPLACEMENT if each == UNKNOWN else self.vocabulary[each - SPECIAL] for each in ids if each != PAD]

    def unknown_tokens(self, text: str) -> list[str]:
        return [token for token in self.split(text) if token not in self._id_of]

    def split(self, text: str) -> Sequence[str]:
        """The tokens of a text, known or not."""
        raise NotImplementedError


class Characters(VocabularyEncoding):
    """An id for each character (Unicode code point) of the normalised text."""

    name: ClassVar[str] = "characters"

    def split(self, text: str) -> str:
        return normalized(text)


class Words(VocabularyEncoding):
    """An id for each word and sign, see `word_tokens`; spaces are not kept."""

    name: ClassVar[str] = "words"

    def __init__(self, vocabulary: Sequence[str], length: int, lowercase: bool) -> None:
        """lowercase: whether upper case becomes lower case first; the vocabulary is then in lower case."""
        super().__init__(vocabulary, length)
        self.lowercase = lowercase

    def arguments(self) -> dict[str, Any]:
        return super().arguments() | {"lowercase": self.lowercase}

    def split(self, text: str) -> list[str]:
        return split_words(normalized(text.lower() if self.lowercase else text))

    def text(self, ids: Iterable[int]) -> str:
        return " ".join(self.tokens(ids))


class Bytes(TextEncoding):
    """An id for each byte of the text in UTF-8; nothing is unknown and nothing is normalised."""

    name: ClassVar[str] = "bytes"

    @property
    def vocabulary_size(self) -> int:
        return SPECIAL + 256

    def arguments(self) -> dict[str, Any]:
        return {"length": self.length}

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [[SPECIAL + byte for byte in without_lone_surrogates(text).encode()] for text in texts]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        known = (each for each in ids if each != PAD)
        return [REPLACEMENT if each == UNKNOWN else _shown(bytes([each - SPECIAL])) for each in known]

    def unknown_tokens(self, text: str) -> list[str]:
        return []

    def text(self, ids: Iterable[int]) -> str:
        unknown = REPLACEMENT.encode()
        parts = (unknown if each == UNKNOWN else bytes([each - SPECIAL]) for each in ids if each != PAD)
        return b"".join(parts).decode("utf-8", "replace")


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in pieces of about CHUNK characters, at least one text each."""
    start, characters = 0, 0
    for end, text in enumerate(texts, 1):
        characters += len(text)
        if characters >= CHUNK:
            yield texts[start:end]
            start, characters = end, 0
    if start < len(texts):
        yield texts[start:]


def _shown(byte: bytes) -> str:
    """A byte as a character, or as <e2> where it is only a part of one."""
    return byte.decode() if byte.isascii() else f"<{byte.hex()}>"


def row_of_ids(encoding: TextEncoding, parts: Iterable[str]) -> Tensor:
    """The ids of all parts of a long text in one row, int64 (tokens,)."""
    rows = [torch.tensor(encoding.ids([part])[0], dtype=torch.int64) for part in parts]
    return torch.cat(rows) if rows else torch.empty(0, dtype=torch.int64)
