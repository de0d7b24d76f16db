"""How a script varies images at random while training."""

from __future__ import annotations

from workbench.errors import UsageError
from workbench.export.script.part import Part
from workbench.export.script.templates import fill
from workbench.settings.audio_data import Sounds
from workbench.settings.data_choice import Augmented
from workbench.settings.preset import Preset

VARY = '''
def vary(images: Tensor) -> Tensor:
    """Varies each image (n, channels, height, width) of a batch at random: $what."""
    n, _, height, width = images.shape
    columns = torch.arange(width$device).expand(n, width)  #? moves
    rows = torch.arange(height$device).expand(n, height)  #? moves
    columns = torch.where(torch.randint(0, 2, (n, 1)$device).bool(), width - 1 - columns, columns)  #? flip
    images = F.pad(images, (SHIFT, SHIFT, SHIFT, SHIFT))  #? shift
    columns = columns + torch.randint(0, 2 * SHIFT + 1, (n, 1)$device)  #? shift
    rows = rows + torch.randint(0, 2 * SHIFT + 1, (n, 1)$device)  #? shift
    batch = torch.arange(n$device)[:, None, None]  #? moves
    images = images.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)  #? moves
    images = images.contiguous()  #? moves
    top = torch.randint(0, height, (n, 1)$device) - CUTOUT // 2  #? cutout
    left = torch.randint(0, width, (n, 1)$device) - CUTOUT // 2  #? cutout
    row, column = torch.arange(height$device), torch.arange(width$device)  #? cutout
    in_rows = (row >= top) & (row < top + CUTOUT)  #? cutout
    in_columns = (column >= left) & (column < left + CUTOUT)  #? cutout
    images = images.masked_fill((in_rows[:, :, None] & in_columns[:, None, :])[:, None], 0.0)  #? cutout
    return images
'''

VARY_SOUNDS = ("time_shift_ms", "gain_db", "noise_db", "time_masks", "frequency_masks")


def variation_part(preset: Preset, *, on_gpu: bool = False) -> Part:
    """The function `vary`; `model` of the part: what a batch becomes, with {} in its place."""
    data = preset.data
    if isinstance(data, Sounds) and any(getattr(data, name) for name in VARY_SOUNDS):
        raise UsageError("--to script cannot vary sounds at random")
    if not isinstance(data, Augmented) or not (data.flip or data.shift or data.cutout):
        return Part(model="{}")
    chosen = {"mirrored": data.flip, "shifted": data.shift, "with a square cut out": data.cutout}
    code = fill(
        VARY,
        {
            "moves": bool(data.flip or data.shift),
            "flip": data.flip,
            "shift": bool(data.shift),
            "cutout": bool(data.cutout),
        },
        device=", device=images.device" * on_gpu,
        what=", ".join(what for what, is_chosen in chosen.items() if is_chosen),
    )
    settings = [(name, value) for name, value in (("SHIFT", data.shift), ("CUTOUT", data.cutout)) if value]
    imports = ("import torch.nn.functional as F",) if data.shift else ()
    return Part(code, imports, tuple(settings), "vary({})")
