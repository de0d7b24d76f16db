"""Checks a user's model before training, so that errors say what is wrong and where."""

from __future__ import annotations

import io
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from workbench.errors import UserCodeError, type_and_first_line

WHOLE_NUMBERS = (
    ". The samples are whole numbers (int64), which the model gets unchanged, like ids; if they are features and not "
    "ids, let the data function return floating-point numbers, which are standardised"
)


def check_user_model(
    model: object, where: str, example: Tensor | Mapping[str, Tensor], outputs: int, length: int | None = None
) -> nn.Module:
    """Returns `model` if it is an nn.Module that maps two samples to scores (2, outputs); else raises UserCodeError.

    length: of a text whose every next token the model predicts, with scores (2, outputs, length).

    where: the function that returned it, `package.module:function`. example: two samples, a tensor or tensors by name,
    which the model takes as keyword arguments. The check is one forward pass in evaluation mode and without gradients:
    it initialises lazy layers (nn.LazyLinear), and leaves modes, running means and torch's random state unchanged.
    """
    if not isinstance(model, nn.Module):
        raise UserCodeError(f"{where} returned {_kind(model)}; it must return a torch.nn.Module")
    parameter = next(model.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    by_name = {"": example} if isinstance(example, Tensor) else example
    samples = {name: tensor.to(device) for name, tensor in by_name.items()}
    scores = _forward(model, where, samples, device)

    shape = (2, outputs) if length is None else (2, outputs, length)
    expected = f"for samples of shape {_shape(samples)} it must return scores of shape {shape}"
    if not isinstance(scores, Tensor):
        raise UserCodeError(f"the model that {where} returned outputs {_kind(scores)}; {expected}")
    if scores.shape != shape:
        raise UserCodeError(f"the model that {where} returned outputs shape {tuple(scores.shape)}; {expected}")
    if problem := why_not_restorable(model):
        raise UserCodeError(f"the model that {where} returned cannot be restored from a checkpoint: {problem}")
    return model


def why_not_restorable(model: nn.Module) -> str:
    """Why a checkpoint of the model could not be read again; empty if it can.

    Checkpoints are read as data, never as code (`weights_only=True`): what `get_extra_state` gives must be tensors and
    plain values. Only that is tried; everything else in a state dict is tensors.
    """
    for name, module in model.named_modules():
        if type(module).get_extra_state is nn.Module.get_extra_state:
            continue
        of = f"{name} ({type(module).__name__})" if name else type(module).__name__
        if type(module).set_extra_state is nn.Module.set_extra_state:
            return f"{of} has get_extra_state but no set_extra_state; define both"
        try:
            state = module.get_extra_state()
        except Exception as error:
            return f"get_extra_state of {of} raises {type_and_first_line(error)}"
        if not _is_data(state):
            return (
                f"get_extra_state of {of} gives {_kind(state)} that cannot be read as data; it may give tensors, "
                "numbers, texts, and lists and dictionaries of them"
            )
    return ""


def _is_data(state: object) -> bool:
    """Whether a value can be written, and read again without running any code."""
    file = io.BytesIO()
    try:
        torch.save(state, file)
        file.seek(0)
        torch.load(file, weights_only=True)
    except Exception:
        return False
    return True


def _forward(model: nn.Module, where: str, samples: Mapping[str, Tensor], device: torch.device) -> object:
    """The model's output for the samples; a single tensor has the empty name."""
    has_ids = "" in samples and samples[""].dtype == torch.int64
    modes = {module: module.training for module in model.modules()}
    gpus = [device] if device.type == "cuda" else []
    try:
        # Not inference_mode: parameters that lazy layers create in it could not be trained.
        with torch.random.fork_rng(devices=gpus), torch.no_grad():
            return model.eval()(samples[""]) if "" in samples else model.eval()(**samples)
    except Exception as error:
        message = str(error).strip().partition("\n")[0]
        raise UserCodeError(
            f"the model that {where} returned fails on samples of shape {_shape(samples)}: "
            f"{type(error).__name__}: {message}{WHOLE_NUMBERS * has_ids}"
        ) from error
    finally:
        for module, training in modes.items():
            module.training = training


def _shape(samples: Mapping[str, Tensor]) -> str:
    shapes = {name: tuple(tensor.shape) for name, tensor in samples.items()}
    return str(shapes.get("", shapes))


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
