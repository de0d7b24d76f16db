"""Counts the held-out texts that are longer than what the model gets: the length is found on the training split."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.data.encoding import Encoding
from workbench.data.samples import Split, Texts
from workbench.data.text_encoding import TextEncoding


def held_out_notes(encoding: Encoding, held_out: Mapping[str, Split | None]) -> list[str]:
    """A note for each held-out split, by name, of which texts are cut; none where its samples are not texts."""
    notes = []
    for name, split in held_out.items():
        if not isinstance(encoding, TextEncoding) or not isinstance(split, Texts):
            continue
        counts = encoding.count(split.texts)
        if cut := counts.cut(encoding.length):
            notes.append(
                f"{cut:,} of {len(split):,} texts of the {name} split {'is' if cut == 1 else 'are'} cut after "
                f"{encoding.length:,} tokens; the longest has {int(counts.lengths.max()):,}"
            )
    return notes
