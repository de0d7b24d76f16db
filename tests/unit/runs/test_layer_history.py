"""What looks at a network's health leave in a run's history: each layer over time, in bounded memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.ui.made import looks
from workbench.runs.events import Started
from workbench.runs.history import RunHistory
from workbench.runs.layer_history import MOST_LAYERS, MOST_LOOKS, LayerHistory
from workbench.runs.measurements import Health


def tensor(name: str, **figures: Any) -> dict[str, Any]:
    return {"name": name, "gradient_norm": 1.0, "weight_norm": 2.0, **figures}


def look(step: int, *tensors: dict[str, Any], layers: tuple[dict[str, Any], ...] = ()) -> Health:
    return Health(
        step=step, epoch=1, samples=256, seconds=0.01, layers=list(layers), tensors=list(tensors), gradient_norm=1.0,
        weight_norm=2.0,
    )  # fmt: skip


def taken(*healths: Health) -> LayerHistory:
    history = LayerHistory()
    for number, each in enumerate(healths):
        history.take(each, float(number))
    return history


def test_each_layer_has_its_gradient_its_weight_and_its_activation_at_each_look() -> None:
    history = taken(*looks(3))
    assert history.names("gradient") == [f"layers.{number}.weight" for number in (0, 3, 6, 9, 12)]
    assert history.values("gradient", "layers.0.weight") == [0.5, 0.5e-3, 0.5e-6]
    assert history.values("weight", "layers.3.weight") == [5.0, 5.01, 5.02]
    assert history.names("activation") == ["layers.1", "layers.4", "layers.7", "layers.10"]
    assert history.values("activation", "layers.1") == [0.0, 0.45, 0.9]


def test_a_saturated_fraction_counts_as_a_dead_one() -> None:
    tanh = {"name": "act", "kind": "tanh", "saturated_share": 0.7}
    assert taken(look(10, layers=(tanh,))).values("activation", "act") == [0.7]


def test_the_order_is_that_of_the_model_and_without_places_that_of_the_numbers_in_the_names() -> None:
    known = taken(look(10, tensor("b", place=0), tensor("a", place=4), tensor("c", place=2)))
    assert known.names("weight") == ["b", "c", "a"]
    older = taken(look(10, tensor("layers.10.weight"), tensor("layers.9.weight"), tensor("layers.0.weight")))
    assert older.names("weight") == ["layers.0.weight", "layers.9.weight", "layers.10.weight"]


def test_a_layer_has_no_value_at_a_look_that_did_not_list_it_or_found_no_number() -> None:
    history = taken(
        look(10, tensor("a")), look(20, tensor("b")), look(30, tensor("a", gradient_norm=None)), look(40, tensor("a"))
    )
    assert history.values("gradient", "a") == [1.0, None, None, 1.0]
    assert history.values("weight", "a") == [2.0, None, 2.0, 2.0]
    assert history.values("gradient", "b") == [None, 1.0, None, None]


def test_a_long_run_keeps_a_bounded_number_of_looks_whose_neighbours_are_averaged() -> None:
    history = taken(*(look(step, tensor("a", gradient_norm=float(step))) for step in range(1, 4 * MOST_LOOKS + 2)))
    values = history.values("gradient", "a")
    assert MOST_LOOKS / 2 < len(values) <= MOST_LOOKS
    assert values[:2] == [4.5, 12.5], "the means of steps 1 to 8 and 9 to 16"
    assert history.looks.buckets[-1].last_step == 4 * MOST_LOOKS + 1


def test_a_network_of_many_layers_keeps_a_bounded_number_of_them() -> None:
    history = taken(look(10, *(tensor(f"layers.{number}") for number in range(MOST_LAYERS + 50))))
    assert len(history.names("gradient")) == MOST_LAYERS


def test_a_resumed_run_forgets_the_looks_after_its_checkpoint() -> None:
    history = RunHistory()
    for each in looks(4):
        history.take(each)
    history.take(Started(process_id=1, resumed=True, step=250))
    assert [bucket.last_step for bucket in history.layers.looks.buckets] == [100, 200]
    assert len(history.layers.values("activation", "layers.1")) == 2
    history.take(replace(next(looks(1)), step=300))
    assert history.layers.values("activation", "layers.1")[-1] == 0.0
