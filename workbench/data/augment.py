"""Random augmentation of images: a whole batch at once, on its device.

Index arithmetic only: no loop over images, and no synchronisation with the device.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def augment(images: Tensor, flip: bool, shift: int, cutout: int, generator: torch.Generator | None = None) -> Tensor:
    """Randomly flips, shifts and cuts out a square from each image of a batch independently.

    images: float (n, channels, height, width). flip: flip each image horizontally with probability 0.5. shift: shift by
    up to this many pixels in each direction, padding with zeros. cutout: side of a square of zeros around a random
    pixel (DeVries and Taylor, 2017). Random numbers come from `generator`, by default the device's global one.
    """
    n, _, height, width = images.shape
    device = images.device

    def draw(low: int, high: int) -> Tensor:
        return torch.randint(low, high, (n, 1), device=device, generator=generator)

    if flip or shift:
        columns = torch.arange(width, device=device).expand(n, width)
        rows = torch.arange(height, device=device).expand(n, height)
        if flip:
            columns = torch.where(draw(0, 2).bool(), width - 1 - columns, columns)
        if shift:
            images = F.pad(images, (shift, shift, shift, shift))
            columns = columns + draw(0, 2 * shift + 1)
            rows = rows + draw(0, 2 * shift + 1)
        batch = torch.arange(n, device=device)[:, None, None]
        # Indexing (n, h, w, c) keeps the channels together: one gather for rows and columns.
        images = images.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
        images = images.contiguous()
    if cutout:
        top, left = draw(0, height) - cutout // 2, draw(0, width) - cutout // 2
        row, column = torch.arange(height, device=device), torch.arange(width, device=device)
        in_rows = (row >= top) & (row < top + cutout)
        in_columns = (column >= left) & (column < left + cutout)
        images = images.masked_fill((in_rows[:, :, None] & in_columns[:, None, :])[:, None], 0.0)
    return images
