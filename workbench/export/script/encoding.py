"""How a script makes model input of samples, and trained targets of numbers."""

from __future__ import annotations

import math

from workbench.export.script.facts import Facts
from workbench.export.script.part import Part
from workbench.export.script.sounds import spectrograms_part
from workbench.export.script.templates import fill
from workbench.export.script.tokens import tokens_part
from workbench.settings.audio_data import Sounds
from workbench.settings.data_choice import LabelledData, NumberData
from workbench.settings.preset import Preset
from workbench.settings.text_data import TextData

CHUNK_NUMBERS = 2**22
"""Numbers that `workbench.data.statistics` adds up at a time: sums of more differ in their last bit."""

OF_PIXELS = '''
def measure(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, of pixels from 0 to 1, by counting how often each value occurs."""
    values = torch.arange(256, dtype=torch.float64)
    channels = [images[:, channel].reshape(-1) for channel in range(images.shape[1])]
    counts = torch.stack([torch.bincount(channel, minlength=256) for channel in channels])
    fractions = counts / counts.sum(1, keepdim=True)
    mean = (fractions * values).sum(1, keepdim=True)
    std = (fractions * (values - mean).square()).sum(1, keepdim=True).sqrt() / 255
    std = torch.where(std > 0, std, 1.0)
    return (mean / 255).float().reshape(1, -1, 1, 1), std.float().reshape(1, -1, 1, 1)
'''

OF_NUMBERS = '''
def measure(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation $of, summed up in float64."""
    count = inputs.numel() // $groups
    shift = inputs[$first].double()  # subtracted first: squares of large numbers would lose digits
    total = squares = torch.zeros((), dtype=torch.float64)
    for rows in inputs.split($rows):  #? chunks
        values = rows.double() - shift  #? chunks
        total = total + values.sum($dims, keepdim=True)  #? chunks
        squares = squares + values.square().sum($dims, keepdim=True)  #? chunks
    values = inputs.double() - shift  #? !chunks
    total = values.sum($dims, keepdim=True)  #? !chunks
    squares = values.square().sum($dims, keepdim=True)  #? !chunks
    offset = total / count
    mean = shift + offset  #? !pixels
    std = (squares / count - offset.square()).clamp(min=0).sqrt()  #? !pixels
    mean = (shift + offset) / 255  # of pixels from 0 to 1  #? pixels
    std = (squares / count - offset.square()).clamp(min=0).sqrt() / 255  #? pixels
    std = torch.where(std > 0, std, 1.0)
    flags = ((inputs == 0) | (inputs == $one)).all(0)  # columns of zeros and ones stay as they are  #? binary
    mean, std = torch.where(flags, 0.0, mean), torch.where(flags, 1.0, std)  #? binary
    return mean$type, std$type
'''

OF_TARGETS = '''
def measure_targets(targets: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the numbers to predict, in float64."""
    offsets = targets.double() - targets[:1].double()
    std = offsets.std(0, correction=0)
    return targets[0].double() + offsets.mean(0), torch.where(std > 0, std, 1.0)
'''


def encoding_part(preset: Preset, facts: Facts) -> Part:
    """Functions that measure the training split. `model` of the part: the lines that encode `splits`."""
    data = preset.data
    if isinstance(data, Sounds):
        return spectrograms_part(preset, facts)
    codes, calls = [], []
    imports: tuple[str, ...] = ()
    settings: tuple[tuple[str, object], ...] = ()
    pixels = facts.raw_type == "uint8"
    if isinstance(data, NumberData) and data.normalize == "standard":
        if pixels and len(facts.input_shape) == 3:
            codes.append(fill(OF_PIXELS))
        else:
            codes.append(_of_numbers(facts))
        calls.append('mean, std = measure(splits["train"][0])')
        expression = "(inputs.float() / 255 - mean) / std" if pixels else "(inputs - mean) / std"
        if facts.raw_type == "float64":
            expression = f"({expression}).float()"
    else:
        expression = "inputs.float() / 255" if pixels else "inputs.float()" * (facts.raw_type == "float64") or "inputs"
    target = "targets"
    if facts.task == "regression" and isinstance(data, LabelledData):
        if data.normalize_target:
            codes.append(fill(OF_TARGETS))
            calls.append('scale = measure_targets(splits["train"][1])')
            target = "((targets.double() - scale[0]) / scale[1]).float()"
        else:
            target = "targets.float()"
    if (expression, target) != ("inputs", "targets"):
        calls.append(f"for name, (inputs, targets) in splits.items():\n    splits[name] = ({expression}, {target})")
    if isinstance(data, TextData):
        tokens = tokens_part(preset, facts)
        codes.append(tokens.code)
        calls += [tokens.model] * bool(tokens.model)
        imports, settings = tokens.imports, tokens.settings
    return Part("\n\n\n".join(codes), imports, settings, "\n".join(calls))


def _of_numbers(facts: Facts) -> str:
    shape, pixels = facts.input_shape, facts.raw_type == "uint8"
    rows, images = len(shape) == 1, len(shape) == 3
    chunk_rows = max(CHUNK_NUMBERS // max(math.prod(shape), 1), 1)
    return fill(
        OF_NUMBERS,
        {"chunks": facts.train_samples > chunk_rows, "binary": facts.has_binary_columns, "pixels": pixels},
        one="255" if pixels else "1",
        of="of each column" if rows else "of each channel" if images else "of all numbers",
        groups="inputs.shape[1]" if rows or images else "1",
        first=":1" if rows else ":1, :, :1, :1" if images else ", ".join([":1"] * (len(shape) + 1)),
        dims="0" if rows else "(0, 2, 3)" if images else str(tuple(range(len(shape) + 1))),
        rows=str(chunk_rows),
        type="" if facts.raw_type == "float64" else ".float()",
    )
