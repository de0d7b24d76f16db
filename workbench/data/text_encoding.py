"""Encodings of text: each turns texts into ids (n, length), int64, padded at the end.

What is made on the host before training is kept as ids, so that everything after it treats text like any other tensor.
Ids that are made already pass unchanged: a language model's windows are cut from one long row of ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from workbench.data.encoding import Encoding
from workbench.data.tokens import PAD, SPECIAL, UNKNOWN
from workbench.data.word_tokens import normalized, split_words, without_halves

REPLACEMENT = "\ufffd"
"""Stands for an unknown token where ids become text."""


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
        for row, ids in zip(encoded, self.ids(texts), strict=True):
            kept = ids[: self.length] or [UNKNOWN]
            row[: len(kept)] = torch.tensor(kept, dtype=torch.int64)
        return encoded

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """All ids of each text, neither cut nor padded; empty for a text without tokens."""
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
        return [[SPECIAL + byte for byte in without_halves(text).encode()] for text in texts]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        known = (each for each in ids if each != PAD)
        return [REPLACEMENT if each == UNKNOWN else _shown(bytes([each - SPECIAL])) for each in known]

    def unknown_tokens(self, text: str) -> list[str]:
        return []

    def text(self, ids: Iterable[int]) -> str:
        unknown = REPLACEMENT.encode()
        parts = (unknown if each == UNKNOWN else bytes([each - SPECIAL]) for each in ids if each != PAD)
        return b"".join(parts).decode("utf-8", "replace")


def _shown(byte: bytes) -> str:
    """A byte as a character, or as <e2> where it is only a part of one."""
    return byte.decode() if byte.isascii() else f"<{byte.hex()}>"


def row_of_ids(encoding: TextEncoding, parts: Iterable[str]) -> Tensor:
    """The ids of all parts of a long text in one row, int64 (tokens,)."""
    rows = [torch.tensor(encoding.ids([part])[0], dtype=torch.int64) for part in parts]
    return torch.cat(rows) if rows else torch.empty(0, dtype=torch.int64)
