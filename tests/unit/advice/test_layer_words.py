"""The word for a layer's trouble: from the thresholds of the rules, at either side of each."""

from __future__ import annotations

from tests.unit.advice.made import health, layer, tensor
from workbench.advice.layer_words import layer_words


def test_each_trouble_has_its_word() -> None:
    words = layer_words(
        health(
            [layer("a", dead_share=0.5), layer("b", "tanh", saturated_share=0.5)],
            [tensor("c", 0.99e-7), {**tensor("d", 0.1), "gradient_norm": 100.0}, tensor("e", None, bad=0.01)],
        )
    )
    assert words == {
        "gradient": {"c": "vanishing", "d": "exploding", "e": "not finite"},
        "weight": {"e": "not finite"},
        "activation": {"a": "dead", "b": "saturated"},
    }


def test_layers_without_trouble_have_none() -> None:
    words = layer_words(
        health(
            [layer("a", dead_share=0.49), layer("b", "tanh", saturated_share=0.49)],
            [tensor("c", 1.01e-7), {**tensor("d", 0.1), "gradient_norm": 99.9}],
        )
    )
    assert words == {"gradient": {}, "weight": {}, "activation": {}}


def test_gradients_that_are_not_finite_are_normal_where_the_loss_is_scaled() -> None:
    assert layer_words(health([], [tensor("e", 0.1, bad=0.01)]), scales_loss=True)["gradient"] == {}
