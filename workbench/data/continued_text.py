"""Makes samples of one long text for a language model: windows of tokens, and the next token after each.

Training, validation and test are parts that follow one another, the held-out ones at the end: windows drawn at random
would stand beside training windows of the same sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from workbench.data.fit_tokens import Tokens
from workbench.data.lost_text import notes_of_a_part
from workbench.data.readers.texts import TextReader
from workbench.data.samples import InMemory, Samples, Task
from workbench.data.task import BytesPerToken
from workbench.data.text_encoding import TextEncoding, row_of_ids
from workbench.data.tokens import UNKNOWN
from workbench.errors import DataError

CHUNK = 2**18
"""Characters that are encoded at a time, to the end of their line."""


@dataclass(frozen=True)
class Windows:
    """How a text is cut."""

    context: int
    """Tokens of a window."""
    validation_fraction: float
    """Of the characters, before those of the test; 0 for no validation part."""
    test_fraction: float
    """Of the characters, at the end; 0 for no test part."""


def continued_text(text: str, tokens: Tokens, windows: Windows, notes: Sequence[str] = ()) -> Samples:
    """Windows of ids, int64 (n, context), and the next ids, int64 (n, context); what is left at the end is dropped.

    All windows are full, without padding: a mean over windows is one over tokens, in a step, with gradient
    accumulation and in an epoch. The vocabulary is that of the training part. Raises DataError where a part is shorter
    than a window.
    """
    parts = _parts(text, windows)
    encoding = tokens.with_vocabulary(list(chunks(parts["training"])))
    encoding.length = windows.context
    rows = {name: row_of_ids(encoding, chunks(part)) for name, part in parts.items()}
    splits = {name: _windows(row, windows.context, name) for name, row in rows.items()}
    bytes_per_token = BytesPerToken(
        **{name: len(part.encode("utf-8", "surrogatepass")) / len(rows[name]) for name, part in parts.items()}
    )
    # What is held out is what bits per byte are asked for; all of the text where nothing is.
    judged = [name for name in parts if name != "training"] or ["training"]
    return Samples(
        splits["training"],
        Task("language_modeling", encoding.vocabulary_size, bytes_per_token=bytes_per_token),
        validation=splits.get("validation"),
        test=splits.get("test"),
        notes=(*notes, *_loss_of_text(encoding, {name: (parts[name], rows[name]) for name in judged})),
        fit_encoding=lambda train: encoding,
        reader=TextReader(),
        is_one_text=True,
        text_digest=hashlib.blake2b(text.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def chunks(text: str) -> Iterator[str]:
    """A long text in pieces of about CHUNK characters, each to the end of a line where there is one."""
    start = 0
    while start < len(text):
        line_end = text.find("\n", start + CHUNK, start + 2 * CHUNK)
        end = start + CHUNK if line_end < 0 else line_end + 1
        yield text[start:end]
        start = end


def _parts(text: str, windows: Windows) -> dict[str, str]:
    """The parts of a text by name, without those that are not wanted."""
    if not text.strip():
        raise DataError("the text is empty")
    test = round(len(text) * (1 - windows.test_fraction))
    validation = round(len(text) * (1 - windows.test_fraction - windows.validation_fraction))
    parts = {"training": text[:validation]}
    if windows.validation_fraction:
        parts["validation"] = text[validation:test]
    if windows.test_fraction:
        parts["test"] = text[test:]
    return parts


def _windows(row: Tensor, context: int, name: str) -> InMemory:
    count = (len(row) - 1) // context
    if count < 1:
        raise DataError(
            f"the {name} part of the text has {len(row):,} tokens, too few for a window of data.context = {context} "
            "and the token after it; choose a shorter context, another fraction, or more text"
        )
    end = count * context
    return InMemory(row[:end].view(count, context), row[1 : end + 1].view(count, context))


def _loss_of_text(encoding: TextEncoding, parts: Mapping[str, tuple[str, Tensor]]) -> list[str]:
    """Notes on what of the text its tokens do not keep: bits per byte are then too low. parts: text and ids by name."""
    notes = []
    for name, (text, row) in parts.items():
        unknown = int((row == UNKNOWN).sum())
        if unknown:
            notes.append(
                f"{unknown:,} of {len(row):,} tokens of the {name} part are unknown, and easy to predict: bits per "
                "byte are lower than those of the text itself"
            )
        notes += [note for note in notes_of_a_part(encoding, text, name) if note not in notes]
    return notes
