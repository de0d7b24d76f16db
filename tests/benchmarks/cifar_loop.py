"""ResNet-9 by a tight loop of its own, in the manner of Keller Jordan's cifar10-airbench: what is to be reached.

Images and weights in bfloat16 (batch norm in float32), channels last; a whole epoch shuffled, mirrored, shifted and cut
out at once on the device; the network compiled; nothing logged, nothing measured, nothing waited for.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

MEAN, DEVIATION = (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)
SHIFT, CUTOUT = 4, 8


def epoch_seconds(
    model: nn.Module, images: Tensor, labels: Tensor, batch: int, epochs: int, compiled: bool
) -> list[float]:
    """Seconds of each epoch, short batches left out. images: uint8 (n, 3, 32, 32), labels (n,), both on the device."""
    device = images.device
    numbers = torch.bfloat16 if device.type == "cuda" else torch.float32
    model = model.to(device, numbers).to(memory_format=torch.channels_last).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.float()
    mean, deviation = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    normalised = ((images - mean) / deviation).to(numbers)
    padded = F.pad(normalised, (SHIFT,) * 4).contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=device.type == "cuda"
    )
    run: Callable[[Tensor], Tensor] = torch.compile(model) if compiled else model
    steps, seconds = len(labels) // batch, []
    for _ in range(epochs):
        _wait(device)
        started = time.perf_counter()
        order = torch.randperm(len(labels), device=device)
        inputs, targets = varied(padded, order), labels[order]
        for step in range(steps):
            part = slice(step * batch, (step + 1) * batch)
            loss = F.cross_entropy(run(inputs[part]).float(), targets[part], label_smoothing=0.1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        _wait(device)
        seconds.append(time.perf_counter() - started)
    return seconds


def varied(padded: Tensor, order: Tensor, chunk: int = 5_000) -> Tensor:
    """The images in that order, each shifted, half of them mirrored, with a square of each blanked."""
    side = padded.shape[-1] - 2 * SHIFT
    ruler = torch.arange(side, device=padded.device)
    parts = []
    for indices in order.split(chunk):
        top, left, middle_row, middle_column, mirrored = (
            torch.randint(0, high, (len(indices), 1), device=padded.device)
            for high in (2 * SHIFT + 1, 2 * SHIFT + 1, side, side, 2)
        )
        columns = torch.where(mirrored.bool(), ruler.flip(0), ruler)
        pixels = padded.permute(0, 2, 3, 1)[
            indices[:, None, None], (ruler + top)[:, :, None], (columns + left)[:, None, :]
        ]
        blank = ((ruler - middle_row).abs() < CUTOUT // 2)[:, :, None] & ((ruler - middle_column).abs() < CUTOUT // 2)[
            :, None, :
        ]
        parts.append(pixels.masked_fill(blank[..., None], 0).permute(0, 3, 1, 2))
    return torch.cat(parts)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
