"""Fits the encoding of texts on the training split: its vocabulary and its length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.data.bpe import bpe_from_file, trained_bpe
from workbench.data.lost_text import notes_of_texts
from workbench.data.samples import Split, Texts
from workbench.data.text_encoding import Bytes, Characters, TextEncoding, TokenCounts, VocabularyEncoding, Words
from workbench.data.tokens import SPECIAL, TokenKind
from workbench.errors import DataError

COVERED = 0.95
"""Where no length is set, this fraction of the training texts is not cut."""

LONGEST = 1024
"""Most tokens of a text where no length is set."""

SHORTEST_STEP = 8
"""A length that is not set is a multiple of this, which hardware likes."""


@dataclass(frozen=True)
class Tokens:
    """How texts become ids, as the settings of a text source say."""

    kind: TokenKind
    vocabulary: int
    """Most different ids, padding and unknown included; bytes and a tokenizer's file have their own number."""
    min_count: int
    """Tokens that the training split has less often are unknown."""
    lowercase: bool
    """Words only."""
    tokenizer: str = ""
    """A file to read byte pair encoding from; empty to learn it."""
    encoding: TextEncoding | None = None
    """That of a model that is trained, in place of one with the vocabulary of these texts."""

    def fitted(self, texts: Sequence[str], max_length: int) -> TextEncoding:
        """The encoding of texts, fitted on those of the training split, with notes.

        max_length: most tokens of a text, longer ones are cut; no text is padded to more than the longest has. 0 finds
        a length that few texts exceed.
        """
        encoding = self.with_vocabulary(texts)
        counts = encoding.count(texts)
        encoding.length = min(max_length, _longest(counts.lengths)) or _found_length(counts.lengths)
        encoding.notes = (
            *encoding.notes,
            *_unknown_note(counts),
            *notes_of_texts(encoding, texts),
            *_length_notes(counts, texts, encoding.length, given=bool(max_length)),
        )
        return encoding

    def with_vocabulary(self, texts: Sequence[str]) -> TextEncoding:
        """The encoding with the vocabulary of these texts, and a length of 1."""
        if self.encoding is not None:
            return self.encoding
        if self.kind == "bytes":
            return Bytes(1)
        if self.kind == "bpe":
            if self.tokenizer:
                return bpe_from_file(Path(self.tokenizer))
            return trained_bpe(texts, self.vocabulary, self.min_count)
        empty: VocabularyEncoding = Characters((), 1) if self.kind == "characters" else Words((), 1, self.lowercase)
        vocabulary, note = _vocabulary(map(empty.split, texts), self.vocabulary - SPECIAL, self.min_count)
        encoding = type(empty)(**(empty.arguments() | {"vocabulary": vocabulary}))
        encoding.notes = (f"{self.kind}: {note}",)
        return encoding


def fit_texts(train: Split, tokens: Tokens, max_length: int) -> TextEncoding:
    """Fits the encoding on the training split, which must be texts: the `fit_encoding` of Samples of texts."""
    if not isinstance(train, Texts):
        raise TypeError(f"the training split is not texts but {type(train).__name__}")
    return tokens.fitted(train.texts, max_length)


def _vocabulary(texts: Iterable[Sequence[str]], most: int, min_count: int) -> tuple[list[str], str]:
    """The most frequent tokens, those of equal frequency in order of their characters; and a note on those left out."""
    counts: Counter[str] = Counter()
    for tokens in texts:
        counts.update(tokens)
    frequent = [(token, count) for token, count in counts.items() if count >= min_count]
    frequent.sort(key=lambda pair: (-pair[1], pair[0]))
    vocabulary = [token for token, _ in frequent[:most]]
    if not vocabulary:
        raise DataError(
            f"no token of the training texts occurs {min_count} times, so all of them would be unknown; lower "
            "data.min_count"
            if counts
            else "all texts of the training split are empty; data.text or data.folder must name others"
        )
    if len(counts) == 1:
        return vocabulary, f"all texts of the training split consist of {vocabulary[0]!r}, so only their lengths differ"
    left_out = f" of {len(counts):,} different ones" if len(vocabulary) < len(counts) else ""
    return (
        vocabulary,
        f"a vocabulary of {len(vocabulary):,}{left_out} in the training split, besides padding and unknown",
    )


def _found_length(lengths: np.ndarray) -> int:
    length = int(np.quantile(lengths, COVERED, method="inverted_cdf"))
    return min(-(-max(length, 1) // SHORTEST_STEP) * SHORTEST_STEP, LONGEST)


def _longest(lengths: np.ndarray) -> int:
    return max(int(lengths.max(initial=0)), 1)


def _unknown_note(counts: TokenCounts) -> list[str]:
    if not counts.unknown:
        return []
    percent = 100 * counts.unknown / int(counts.lengths.sum())
    return [f"{percent:.2g} % of the tokens of the training split are unknown: data.vocabulary keeps more"]


def _length_notes(counts: TokenCounts, texts: Sequence[str], length: int, *, given: bool) -> list[str]:
    notes = []
    lengths = counts.lengths
    cut, count = counts.cut(length), len(lengths)
    without = [bool(texts[place].strip()) for place in (lengths == 0).nonzero()[0]]
    empty, lost = without.count(False), without.count(True)
    if empty:
        notes.append(
            f"{empty:,} of {count:,} training texts {'is' if empty == 1 else 'are'} empty: one unknown token each"
        )
    if lost:
        notes.append(
            f"{lost:,} of {count:,} training texts {'has' if lost == 1 else 'have'} no token that the tokenizer knows, "
            "as if empty: one unknown token each"
        )
    longest = f"the longest has {int(lengths.max()):,}" if count else ""
    if cut:
        notes.append(f"texts are cut after {length:,} tokens, {cut:,} of {count:,} in the training split; {longest}")
    elif not given:
        notes.append(f"texts have up to {length:,} tokens; {longest}")
    return notes
