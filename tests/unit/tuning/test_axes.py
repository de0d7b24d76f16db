"""Options whose values are numbers, or layers of one width, lie on axes; others do not."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.tuning.axes import Axes, axes_of
from workbench.tuning.near import near
from workbench.tuning.sampler import Sampler
from workbench.tuning.samplers import make_sampler
from workbench.tuning.space import SearchSpace

DEPTHS, WIDTHS = (1, 2, 3, 4, 5), (64, 128, 256, 512, 1024)
LAYERS = tuple((width,) * depth for depth, width in product(DEPTHS, WIDTHS))
OWN = (256, 256, 256)
PRESET = Preset().override([f"model.hidden={list(OWN)}"])
SPACE = SearchSpace.parse({"model.hidden": Range(choices=LAYERS)}, PRESET)


@pytest.mark.parametrize(
    ("options", "scales"),
    [
        ((64, 16, 32), ((16, 32, 64),)),
        ((0.5, 0.0), ((0.0, 0.5),)),
        (((64,), (128,), (64, 64), (128, 128)), ((1, 2), (64, 128))),
        (([64], [128]), ((1,), (64, 128))),
        (((64,), (64, 64)), ((1, 2), (64,))),
    ],
)
def test_numbers_and_layers_of_one_width_have_axes(options: tuple[Any, ...], scales: tuple[Any, ...]) -> None:
    axes = axes_of(options)
    assert isinstance(axes, Axes)
    assert axes.scales == scales
    assert [axes.option(axes.point(option)) for option in options] == list(options)


@pytest.mark.parametrize(
    "options",
    [
        ("relu", "gelu"),
        (True, False),
        ((0.9, 0.99), (0.9, 0.999)),
        ((), (64,)),
        ((64,), (128,), (64, 64)),
        ((128, 64), (64, 64)),
        (16, (16,)),
        (1, 1.0),
        (("a",), ("b",)),
        (),
    ],
)
def test_names_uneven_lists_and_grids_with_holes_have_none(options: tuple[Any, ...]) -> None:
    assert axes_of(options) is None


def test_what_is_none_of_the_options_has_no_point() -> None:
    axes = axes_of(LAYERS)
    assert axes is not None
    for option in (300, (64, 128), (300,)):
        with pytest.raises(KeyError):
            axes.point(option)


def test_near_lies_one_layer_or_one_width_away() -> None:
    found = {near(SPACE, PRESET, {"model.hidden": OWN}, Random(seed))["model.hidden"] for seed in range(60)}
    assert found == {(256, 256), (256,) * 4, (128,) * 3, (512,) * 3}


def test_tpe_learns_from_the_neighbours_of_layers() -> None:
    """The first ten are drawn by chance; without axes half of these seeds have to try 15 to 20 of the 25 options."""
    for seed in range(12):
        sampler = make_sampler("tpe", SPACE, PRESET, seed=seed, maximize=False)
        assert (512,) * 2 in [_try(sampler, number) for number in range(14)], seed


def _try(sampler: Sampler, number: int) -> tuple[int, ...]:
    suggestion = sampler.ask(number)
    assert suggestion is not None
    layers: tuple[int, ...] = suggestion.values["model.hidden"]
    sampler.tell(number, abs(len(layers) - 2) + abs(WIDTHS.index(layers[0]) - 3))
    return layers
