"""Values and their places on a scale from 0 to 1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tuning.dimensions import Dimension, Numbers, Options

REAL_LOG = Numbers("a", 1e-4, 1e-1, log=True)
WHOLE_LOG = Numbers("a", 1, 8, is_whole=True, log=True)
TENTHS = Numbers("a", 0.0, 0.5, step=0.1)
UNEVEN = Numbers("a", 0.0, 0.55, step=0.1)
WHOLE = Numbers("a", 1, 3, is_whole=True, step=1)
WIDTHS = Options("a", ((64,), (128, 64)))
NAMES = Options("a", ("relu", "gelu", "mish"))


@pytest.mark.parametrize(
    ("dimension", "places"),
    [
        (REAL_LOG, {0.0: 1e-4, 1 / 3: 1e-3, 0.5: 0.003162, 1.0: 1e-1}),
        (WHOLE_LOG, {0.0: 1, 0.99: 8, 1.0: 8}),
        (TENTHS, {0.0: 0.0, 0.5: 0.3, 0.99: 0.5, 1.0: 0.5}),
        (UNEVEN, {1.0: 0.5}),
        (WHOLE, {0.0: 1, 0.5: 2, 1.0: 3}),
        (Numbers("a", 0.99, 0.9999), {0.5: 0.99495}),
        (NAMES, {0.0: "relu", 0.5: "gelu", 1.0: "mish"}),
    ],
)
def test_places_are_those_of_the_scale(dimension: Dimension, places: dict[float, object]) -> None:
    assert {place: dimension.at(place) for place in places} == places


@pytest.mark.parametrize("dimension", [REAL_LOG, WHOLE_LOG, TENTHS, UNEVEN, WHOLE, WIDTHS, NAMES])
@given(place=st.floats(0, 1))
def test_every_place_has_a_value_whose_place_is_its_own(dimension: Dimension, place: float) -> None:
    value = dimension.at(place)
    assert dimension.contains(value)
    assert dimension.at(dimension.place(value)) == value


def test_grids() -> None:
    assert REAL_LOG.grid(4) == [1e-4, 1e-3, 1e-2, 1e-1]
    assert TENTHS.grid(9) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert TENTHS.grid(3) == [0.0, 0.3, 0.5]
    assert WHOLE_LOG.grid(8) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert NAMES.grid(1) == ["relu", "gelu", "mish"]


def test_of_many_lists_of_widths_a_dry_run_tries_the_ends_and_of_other_choices_all() -> None:
    layers = Options("a", tuple((width,) * count for count in (1, 2, 3) for width in (64, 256, 1024)))
    assert layers.extremes == [(64,), (64, 64, 64), (1024, 1024, 1024)]
    assert Options("a", ((), (300,), (20, 20))).extremes == [(), (300,), (20, 20)]
    assert Options("a", (16, 64, 32)).extremes == [16, 64, 32]
    assert Options("a", (("a",), ("b",), ("c",))).extremes == [("a",), ("b",), ("c",)]
    assert NAMES.extremes == ["relu", "gelu", "mish"]


def test_what_is_outside_is_not_contained() -> None:
    assert not REAL_LOG.contains(0.2)
    assert not TENTHS.contains(0.25)
    assert not TENTHS.contains("0.1")
    assert not WHOLE.contains(True)
    assert REAL_LOG.place(0.0) == 0.0
    assert REAL_LOG.place(5.0) == 1.0
    assert not Options("a", (1, 2)).contains(True)
    assert WIDTHS.contains([128, 64])
