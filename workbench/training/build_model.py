"""Builds the network of a preset for inputs of a given shape: for a run, and for the weights of a checkpoint."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.data.inputs import Inputs
from workbench.errors import PresetError
from workbench.models.keyword_inputs import KeywordInputs
from workbench.settings.model import MODELS, ModuleModel
from workbench.settings.preset import Preset
from workbench.settings.text_model import TokenModel


def build_model(
    preset: Preset,
    example: Inputs,
    outputs: int,
    device: torch.device,
    *,
    vocabulary: int | None = None,
    causal: bool = False,
) -> nn.Module:
    """Builds the network for inputs like `example`, on the device, its weights drawn from torch's global generator.

    example: two samples of model input, on the host; their values do not matter. vocabulary: how many different ids
    they have, where they are ids. causal: whether the model predicts each next token of a text. Raises PresetError
    where the model does not fit them, UserCodeError or UntrustedCodeError where a user's function does not give a
    model.
    """
    if isinstance(preset.model, ModuleModel):
        model = preset.model.build_for(example, outputs, preset.activation, causal=causal)
        model = model if isinstance(example, Tensor) else KeywordInputs(model)
    elif isinstance(example, Tensor):
        model = _built_in(preset, tuple(example.shape[1:]), outputs, vocabulary, causal)
    else:
        raise PresetError(
            f"model.name = {preset.model.label()!r} takes one tensor, but the data gives several by name "
            f'({", ".join(example)}); model.name = "module" names a model of your own'
        )
    model = model.to(device)
    if any(isinstance(module, nn.Conv2d) for module in model.modules()):
        # Convolutions keep this order to the end: 1.6 times as fast on two CPU cores, and what tensor cores want.
        model = model.to(memory_format=torch.channels_last)
    return model


def _built_in(preset: Preset, shape: tuple[int, ...], outputs: int, vocabulary: int | None, causal: bool) -> nn.Module:
    """Raises PresetError where the model takes numbers and the data has ids, or the other way round."""
    choice = preset.model
    if vocabulary is None and not causal:
        return choice.build(shape, outputs, preset.activation)
    if not isinstance(choice, TokenModel) or (causal and not choice.can_be_causal):
        fit = [each for each in MODELS.choices if issubclass(each, TokenModel) and (each.can_be_causal or not causal)]
        data = "texts to be continued" if causal else "texts"
        raise PresetError(
            f"model.name = {choice.label()!r} does not fit {data}; these do: {', '.join(each.label() for each in fit)}"
        )
    if vocabulary is None or len(shape) != 1:
        raise PresetError(
            f"model.name = {choice.label()!r} takes texts as ids (n, length), but a sample is "
            f"{'numbers' if vocabulary is None else 'ids'} of shape {' × '.join(map(str, shape)) or '()'}"
        )
    return choice.build_for_ids(shape[0], vocabulary, outputs, preset.activation, causal=causal)
