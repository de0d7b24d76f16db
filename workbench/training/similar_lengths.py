"""Batches of texts of similar length: padding is cut from them, so that short texts cost less than the longest.

There are few widths, because a traced step is one for each shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.data.tokens import PAD

FRACTIONS = (0.25, 0.5, 0.75, 0.9, 1.0)
"""Of the texts, sorted by length: the longest of each of these parts says a width."""
MULTIPLE = 8
"""Widths are multiples of this, as tensor cores want it."""
LEAST_SAVED = 0.1
"""The least fraction of all tokens that must be padding which is cut; else all batches have one width."""


@dataclass(frozen=True)
class SimilarLengths:
    """The widths to which batches are cut, and which of them each sample needs."""

    widths: tuple[int, ...]
    """Ascending; the last one is that of the samples as they are."""
    of_samples: Tensor
    """Position in `widths` of the smallest that holds the sample, int64 (samples,), on the host."""

    @classmethod
    def of(cls, ids: Tensor) -> SimilarLengths | None:
        """Widths for ids (samples, length), padded at the end; None where little would be saved."""
        length = ids.shape[1]
        positions = torch.arange(1, length + 1)
        # The last id that is not padding: a text may hold padding's id only at its end.
        lengths = ((ids != PAD) * positions).amax(dim=1)
        ordered = lengths.sort().values
        ends = [int(ordered[max(round(fraction * len(ordered)), 1) - 1]) for fraction in FRACTIONS]
        rounded = {min(-(-max(end, 1) // MULTIPLE) * MULTIPLE, length) for end in ends} | {length}
        widths = torch.tensor(sorted(rounded))
        of_samples = torch.searchsorted(widths, lengths)
        used = float(widths[of_samples].float().mean())
        if used > (1 - LEAST_SAVED) * length:
            return None
        return cls(tuple(widths.tolist()), of_samples)

    def width(self, indices: Tensor) -> int:
        """The width that holds these samples. indices: int64 (n,), on the host."""
        return self.widths[int(self.of_samples[indices].max())]

    def group(self, order: Tensor, batch_size: int, generator: torch.Generator) -> Tensor:
        """The same samples in batches of one width each, which come in random order; only the last may be shorter.

        What does not fill a batch of its width goes into one of the next larger width. order: int64, on the host, in
        random order.
        """
        batches: list[Tensor] = []
        left = order[:0]
        for number in range(len(self.widths)):
            samples = torch.cat([left, order[self.of_samples[order] == number]])
            full = len(samples) - len(samples) % batch_size
            batches += samples[:full].split(batch_size) if full else []
            left = samples[full:]
        shuffled = [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]
        return torch.cat([*shuffled, left])
