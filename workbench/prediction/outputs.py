"""What a model outputs, in words and numbers for the user: one dictionary a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.settings.loss import IGNORED
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.generation import Tokenizer

FEW_CLASSES = 20
"""With more classes their probabilities are given only where they are asked for."""

Output = dict[str, Any]


def class_names(model: TrainedModel) -> list[str]:
    """The names of the classes, or their numbers where they have none."""
    return list(model.classes) or [str(number) for number in range(int(model.description["outputs"]))]


def target_names(model: TrainedModel) -> list[str]:
    """The names of the numbers that are predicted."""
    return list(model.targets) or [f"target[{number}]" for number in range(int(model.description["outputs"]))]


def of_classes(probabilities: Tensor, names: Sequence[str], *, all_classes: bool) -> list[Output]:
    """The class of each sample, and how probable it is. probabilities: float32 (n, classes).

    The numbers have as many digits as float32 needs to be read back exactly.
    """
    rows = probabilities.cpu().double()
    outputs: list[Output] = []
    for row, place in zip(rows.tolist(), rows.argmax(1).tolist(), strict=True):
        output: Output = {"prediction": names[place], "probability": _short(row[place])}
        if all_classes:
            output["probabilities"] = {name: _short(value) for name, value in zip(names, row, strict=True)}
        outputs.append(output)
    return outputs


def of_numbers(values: Tensor, names: Sequence[str]) -> list[Output]:
    """The numbers of each sample, (n, outputs), in the data's own units; by name where there are several."""
    return [{"prediction": named_numbers(row, names)} for row in values.cpu().tolist()]


def named_numbers(row: Sequence[float], names: Sequence[str]) -> Any:
    """A single number, or several by name."""
    return row[0] if len(row) == 1 else dict(zip(names, row, strict=True))


def of_windows(scores: Tensor, targets: Tensor, tokenizer: Tokenizer | None) -> list[Output]:
    """How well the next tokens of each window are predicted.

    scores: raw, float32 (n, vocabulary, length); targets: int64 (n, length). `negative_log_likelihood` is the sum over
    the tokens, `correct` how many had the highest score.
    """
    by_token = scores.transpose(1, 2).flatten(0, 1)  # as the metrics are computed, to the last bit
    of_tokens = F.cross_entropy(by_token, targets.flatten(), ignore_index=IGNORED, reduction="none")
    nll = of_tokens.view_as(targets).double().sum(1)
    chosen = by_token.argmax(1).view_as(targets)
    counts = torch.stack([(chosen == targets).sum(1), (targets != IGNORED).sum(1)], dim=1)
    outputs: list[Output] = []
    for ids, right, lost in zip(chosen.cpu(), counts.tolist(), nll.tolist(), strict=True):
        written: Any = ids[: right[1]].tolist()
        text = tokenizer.text(written) if tokenizer is not None else written
        outputs.append({"prediction": text, "tokens": right[1], "correct": right[0], "negative_log_likelihood": lost})
    return outputs


def columns_of(model: TrainedModel, *, all_classes: bool, of_split: bool) -> list[str]:
    """The columns of an output where each number has one of its own. of_split: whether the targets are known."""
    if model.task == "language_modeling":
        return ["prediction", *(("tokens", "correct", "negative_log_likelihood") if of_split else ())]
    if model.task == "classification":
        columns = ["prediction", "probability"]
        columns += [f"probability_{name}" for name in class_names(model)] if all_classes else []
        return columns + ["target"] * of_split
    names = target_names(model)
    keys = ["prediction", "target"] if of_split else ["prediction"]
    return keys if len(names) == 1 else [f"{key}_{name}" for key in keys for name in names]


def _short(value: float) -> float:
    """Fewer digits; read as float32, it is the same number."""
    return float(f"{value:.9g}")
