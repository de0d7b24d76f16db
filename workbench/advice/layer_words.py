"""The layers in trouble, a word each, by the thresholds of the rules."""

from __future__ import annotations

from workbench.advice.rule import severity_of
from workbench.runs.layer_history import LayerMetricName
from workbench.runs.measurements import Health


def layer_words(health: Health, *, scales_loss: bool = False) -> dict[LayerMetricName, dict[str, str]]:
    """By metric, the names of the layers in trouble, and what the trouble is: vanishing, exploding, dead, ...

    scales_loss: whether gradients that are not finite are normal, as with the loss scaling of fp16.
    """
    gradients, weights, activations = {}, {}, {}
    for tensor in health.tensors:
        name, mean, norm = tensor["name"], tensor.get("gradient_mean"), tensor.get("gradient_norm")
        if tensor.get("non_finite_share") and not scales_loss:
            gradients[name] = weights[name] = "not finite"
        elif mean is not None and severity_of("vanishing-gradient", mean) is not None:
            gradients[name] = "vanishing"
        elif norm is not None and severity_of("exploding-gradient", norm) is not None:
            gradients[name] = "exploding"
    for layer in health.layers:
        for key, rule, word in (
            ("dead_share", "dead-units", "dead"),
            ("saturated_share", "saturated-units", "saturated"),
        ):
            if layer.get(key) is not None and severity_of(rule, layer[key]) is not None:
                activations[layer["name"]] = word
    return {"gradient": gradients, "weight": weights, "activation": activations}
