"""Finds what of texts their tokens do not keep, by making text of the ids again: characters, spaces and line ends.

Words keep no spaces; a tokenizer's file may leave out what it does not know, without a token in its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.data.text_encoding import TextEncoding
from workbench.data.word_tokens import normalized
from workbench.data.words import few

SAMPLE = 2**18
"""Characters of a long text that are compared, in PIECES from all over it."""

PIECES = 16

MOST_TEXTS, MOST_OF_A_TEXT = 1000, 1024
"""Texts of many that are compared, evenly spread, and characters of each."""

NOUNS = {"bpe": "parts of words"}
"""What the tokens of an encoding are called, where it is not called that itself."""


@dataclass(frozen=True)
class Loss:
    """What of some texts is lost. What is unknown is not: it has a token in its place."""

    characters: int
    """Characters that were compared, without spaces."""
    lost: Counter[str]
    """Which of them are lost, and how often."""
    keeps_spaces: bool
    """Whether text made of the ids has the spaces and line ends of the texts."""

    @property
    def in_words(self) -> tuple[str, str]:
        """How many characters are lost, and which, the most frequent first."""
        frequent = [character for character, _ in self.lost.most_common()]
        return f"{self.lost.total():,} of {self.characters:,} characters", few(frequent)


def loss_of(encoding: TextEncoding, texts: Sequence[str], *, ignore_case: bool = False) -> Loss:
    """Compares texts with what becomes of them. ignore_case: whether upper case may become lower case."""
    characters, lost, keeps_spaces = 0, Counter[str](), True
    for text, ids in zip(texts, encoding.ids(texts), strict=True):
        before = normalized(text)
        after = normalized(encoding.text(ids) + "".join(encoding.unknown_tokens(text)))
        missing = Counter(before)
        missing.subtract(Counter(after))
        spaces = sum(abs(count) for each, count in missing.items() if each.isspace())
        # One space more or less is what a tokenizer may put before a text or strip from it.
        keeps_spaces = keeps_spaces and spaces <= 1
        gone = Counter({each: count for each, count in missing.items() if count > 0 and not each.isspace()})
        if ignore_case and gone:
            in_any_case = Counter(before.casefold()) - Counter(after.casefold())
            gone = Counter({each: count for each, count in gone.items() if in_any_case.keys() & set(each.casefold())})
        lost += gone
        characters += sum(not each.isspace() for each in before)
    return Loss(characters, lost, keeps_spaces)


def notes_of_a_part(encoding: TextEncoding, part: str, name: str) -> list[str]:
    """Notes on what the tokens of a part of a long text do not keep: bits per byte are then too low."""
    loss = loss_of(encoding, _pieces(part))
    too_low = "bits per byte are lower than those of the text itself"
    notes = []
    if loss.lost:
        count, which = loss.in_words
        sample = " of a sample" if len(part) > SAMPLE else ""
        notes.append(f"{count}{sample} of the {name} part are not kept by any token ({which}): {too_low}")
    if not loss.keeps_spaces:
        notes.append(f"{NOUNS.get(encoding.name, encoding.name)} do not keep spaces and line ends: {too_low}")
    return notes


def notes_of_texts(encoding: TextEncoding, texts: Sequence[str]) -> list[str]:
    """A note on characters of the training texts that have no token. Of spaces and of case nothing is said."""
    step = -(-len(texts) // MOST_TEXTS) or 1
    sample = [text[:MOST_OF_A_TEXT] for text in texts[::step]]
    loss = loss_of(encoding, sample, ignore_case=True)
    if not loss.lost:
        return []
    count, which = loss.in_words
    of = f"a sample of {len(sample):,} training texts" if step > 1 else "the training texts"
    return [f"{count} of {of} are not kept by any token ({which}); a tokenizer of bytes would keep them"]


def _pieces(text: str) -> list[str]:
    """The whole text, or pieces from its beginning to its end."""
    if len(text) <= SAMPLE:
        return [text]
    length = SAMPLE // PIECES
    last = len(text) - length
    return [text[start : start + length] for start in (last * piece // (PIECES - 1) for piece in range(PIECES))]
