"""Which layers a table of a few rows shows."""

from __future__ import annotations

from workbench.processes.preview import Layer
from workbench.ui.panels.layer_rows import LayerRow, layer_rows

NETWORK = [
    Layer("flatten", "Flatten", [4], 0),
    Layer("blocks", "Sequential", [8], 144, is_group=True),
    Layer("blocks.0", "Block", [8], 72, is_group=True),
    Layer("blocks.0.linear", "Linear", [8], 72),
    Layer("blocks.0.relu", "ReLU", [8], 0),
    Layer("blocks.1", "Block", [8], 72, is_group=True),
    Layer("blocks.1.linear", "Linear", [8], 72),
    Layer("blocks.1.relu", "ReLU", [8], 0),
    Layer("head", "Linear", [2], 18),
]


def kinds(most: int) -> list[str]:
    return [f"{row.times} {row.layer.kind}" for row in layer_rows(NETWORK, most)]


def test_with_room_every_layer_is_shown_and_no_group() -> None:
    assert kinds(20) == ["1 Flatten", "1 Linear", "1 ReLU", "1 Linear", "1 ReLU", "1 Linear"]


def test_layers_that_change_nothing_are_left_out_first_and_equal_ones_stand_together() -> None:
    assert kinds(5) == ["1 Flatten", "2 Linear", "1 Linear"]
    assert layer_rows(NETWORK, 5)[1] == LayerRow(NETWORK[3], 2)
    assert layer_rows(NETWORK, 5)[1].parameters == 144


def test_then_the_insides_of_groups() -> None:
    deep = [*NETWORK[:-1], *(Layer(f"tail.{n}", "Linear", [n], n) for n in range(1, 5)), NETWORK[-1]]
    deep.insert(-5, Layer("tail", "Sequential", [4], 10, is_group=True))
    assert [f"{row.times} {row.layer.kind}" for row in layer_rows(deep, 4)] == [
        "1 Flatten",
        "1 Sequential",
        "1 Sequential",
        "1 Linear",
    ]


def test_the_parameters_of_the_rows_are_those_of_the_network() -> None:
    for most in range(1, 10):
        assert sum(row.parameters for row in layer_rows(NETWORK, most)) == 162


def test_no_layers_are_no_rows() -> None:
    assert layer_rows([], 5) == []
