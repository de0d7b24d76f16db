"""A user's own model, tried out before it is trained: its mistakes are told in words, and where they were made."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.errors import UserCodeError

WHOLE_NUMBERS = (
    ". The samples are whole numbers (int64), as ids are, and reach the model as they are; where they are measures "
    "rather than ids, let the data function return them as floating-point numbers, which are standardised"
)


def check_user_model(
    model: object, where: str, inputs: tuple[int, ...], outputs: int, *, whole_numbers: bool = False
) -> nn.Module:
    """`model` itself, if it is an nn.Module that maps (2, *inputs) to (2, outputs); else raises UserCodeError.

    where: what the user calls the function that returned it, `package.module:function`. whole_numbers: samples are
    int64, else float32. The trial is one forward of
    two samples of zeros in evaluation mode and without gradients: it gives lazy layers (nn.LazyLinear) their shapes,
    and leaves modes, running means and torch's random numbers as they were.
    """
    if not isinstance(model, nn.Module):
        raise UserCodeError(f"{where} returned {_kind(model)}; it must return a torch.nn.Module")
    anything = next(model.parameters(), None)
    device = torch.device("cpu") if anything is None else anything.device
    scores = _trial(
        model, where, torch.zeros(2, *inputs, dtype=torch.int64 if whole_numbers else torch.float32, device=device)
    )

    expected = f"for samples of shape {(2, *inputs)} it must return scores of shape {(2, outputs)}"
    if not isinstance(scores, Tensor):
        raise UserCodeError(f"the model that {where} returned gives {_kind(scores)}; {expected}")
    if scores.shape != (2, outputs):
        raise UserCodeError(f"the model that {where} returned gives shape {tuple(scores.shape)}; {expected}")
    return model


def _trial(model: nn.Module, where: str, samples: Tensor) -> object:
    """What the model makes of the samples."""
    modes = {module: module.training for module in model.modules()}
    gpus = [samples.device] if samples.device.type == "cuda" else []
    try:
        # Not inference_mode: parameters that lazy layers make there could not be trained.
        with torch.random.fork_rng(devices=gpus), torch.no_grad():
            return model.eval()(samples)
    except Exception as error:
        message = str(error).strip().partition("\n")[0]
        raise UserCodeError(
            f"the model that {where} returned fails on samples of shape {tuple(samples.shape)}: "
            f"{type(error).__name__}: {message}{WHOLE_NUMBERS * (samples.dtype == torch.int64)}"
        ) from error
    finally:
        for module, training in modes.items():
            module.training = training


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
