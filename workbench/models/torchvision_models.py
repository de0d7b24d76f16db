"""Any torchvision classification model, with randomly initialised weights, adapted to the data.

A wrapper adapts the images (one channel becomes three, images are resized); activations are replaced within the model.
When a model is built, a copy on the meta device checks that the images are large enough, so that an unusable preset
fails at once with a clear message, and not during the first step.
"""

from __future__ import annotations

import copy
from difflib import get_close_matches
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.errors import PresetError
from workbench.models.activation import Activation
from workbench.models.replace_activations import CountReLUs, replace_relu_calls, replace_relu_modules


def torchvision_model(
    architecture: str, inputs: tuple[int, ...], outputs: int, activation: Activation | None, resize: int
) -> nn.Module:
    """Builds a torchvision classification model that maps images (n, *inputs) to raw scores (n, outputs).

    architecture: its name in torchvision, such as resnet18; inputs: (channels, height, width); one channel is repeated
    to the three that these models need; activation: replaces every ReLU and ReLU6, None keeps them; resize: side in
    pixels to which images are resized first, 0 keeps their size. Auxiliary classifiers (googlenet, inception_v3) are
    left out.

    Raises PresetError for an unknown name, for images that have neither one nor three channels, and for images whose
    size the architecture does not support.
    """
    import torchvision.models

    names = torchvision.models.list_models(module=torchvision.models)
    if architecture not in names:
        raise PresetError(f"torchvision has no classification model {architecture!r}{_nearest(architecture, names)}")
    channels, height, width = inputs
    if channels not in (1, 3):
        raise PresetError(
            f"model.architecture = {architecture!r} needs images with three channels (one is repeated to three), "
            f"but these have {channels}; choose model.name = 'cnn' or 'resnet9'"
        )
    side = (resize, resize) if resize else (height, width)
    arguments = _arguments(architecture, side)
    try:
        model: nn.Module = torchvision.models.get_model(architecture, weights=None, num_classes=outputs, **arguments)
    except ValueError as error:  # maxvit_t computes the shapes inside it when it is built
        raise _cannot_take(architecture, side, error) from error

    relu_calls = _count_relu_calls(model, architecture, side, outputs)
    if activation is not None:
        if relu_calls:
            model = replace_relu_calls(model, activation)
        replace_relu_modules(model, activation)
    return Adapted(model, inputs, resize) if channels == 1 or resize else model


class Adapted(nn.Module):
    """Wraps a model for three-channel images: resizes images and repeats a single channel, on their device.

    inputs: (channels, height, width) of the images, with one or three channels; resize: side in pixels to which they
    are resized bilinearly (a non-square image becomes square), 0 keeps their size.
    """

    def __init__(self, model: nn.Module, inputs: tuple[int, ...], resize: int) -> None:
        super().__init__()
        self.model = model
        self.resize = resize
        self.antialias = resize < max(inputs[1:])  # only needed if images shrink

    def forward(self, x: Tensor) -> Tensor:
        """Maps images (n, channels, height, width) to raw scores (n, outputs)."""
        if self.resize:  # before repeating the channels: a third of the work
            size = (self.resize, self.resize)
            x = F.interpolate(x, size=size, mode="bilinear", antialias=self.antialias)
        scores: Tensor = self.model(x.expand(-1, 3, -1, -1))
        return scores


def _arguments(architecture: str, side: tuple[int, int]) -> dict[str, Any]:
    """Arguments that a few architectures need. side: height and width of the images after resizing."""
    if architecture in ("googlenet", "inception_v3"):
        # Auxiliary classifiers return a tuple in training mode and need large images. init_weights=True is the default;
        # torchvision warns that it will change.
        return {"aux_logits": False, "init_weights": True}
    if architecture.startswith("vit_"):
        patch = int(architecture.rpartition("_")[2])
        if side[0] != side[1] or side[0] % patch:
            raise PresetError(
                f"{architecture} cannot take {side[0]} × {side[1]} images: it divides square images into patches of "
                f"{patch} × {patch} pixels; set model.resize to a multiple of {patch}, such as {4 * patch} or 224"
            )
        return {"image_size": side[0]}
    if architecture.startswith("maxvit_"):
        return {"input_size": side}
    return {}


def _count_relu_calls(model: nn.Module, architecture: str, side: tuple[int, int], outputs: int) -> int:
    """Counts the ReLU function calls of `model`. Raises PresetError if it cannot take images of that size.

    A copy on the meta device only computes shapes: it is fast, draws no random numbers, and does not change the running
    means of `model`.
    """
    probe = _meta_copy(model).eval()
    replace_relu_modules(probe, nn.Identity)  # these call F.relu too and must not be counted
    relus = CountReLUs()
    try:
        with torch.no_grad(), relus:
            scores = probe(torch.empty(2, 3, *side, device="meta"))
    except (RuntimeError, ValueError, IndexError, AssertionError) as error:
        raise _cannot_take(architecture, side, error) from error
    if scores.shape != (2, outputs):
        raise _cannot_take(architecture, side, f"scores have shape {tuple(scores.shape)}")
    return relus.calls


def _meta_copy(model: nn.Module) -> nn.Module:
    """Returns a deep copy with parameters and buffers on the meta device, which uses no memory."""
    memo: dict[int, Any] = {}
    for parameter in model.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach().to("meta"), requires_grad=parameter.requires_grad)
    for buffer in model.buffers():
        memo[id(buffer)] = buffer.to("meta")
    return copy.deepcopy(model, memo)


def _cannot_take(architecture: str, side: tuple[int, int], reason: object) -> PresetError:
    first_line = str(reason).partition("\n")[0]
    return PresetError(
        f"{architecture} cannot take {side[0]} × {side[1]} images ({first_line}); set model.resize to enlarge them: "
        "64 suits many architectures, 224 all of them, 299 is what inception_v3 was made for"
    )


def _nearest(name: str, names: list[str]) -> str:
    close = get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; it has {', '.join(names)}"
