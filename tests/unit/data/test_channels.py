from __future__ import annotations

import pytest

from workbench.data.channels import channels_axis


@pytest.mark.parametrize(
    ("sample", "axis"),
    [
        ((1, 28, 28), "first"),
        ((3, 224, 160), "first"),
        ((4, 16, 16), "first"),
        ((13, 64, 64), "first"),
        ((32, 8, 8), "first"),
        ((3, 8, 3), "first"),
        ((3, 3, 3), "first"),
        ((28, 28, 1), "last"),
        ((16, 16, 3), "last"),
        ((16, 16, 4), "last"),
        ((64, 48, 13), "last"),
        ((8, 8, 32), "last"),
        ((16, 2, 3), "last"),
        ((16, 16, 16), "unclear"),
        ((16, 4, 9), "unclear"),
        ((10, 12, 10), "unclear"),
    ],
)
def test_channels_are_recognized_from_the_shape_where_it_is_unambiguous(
    sample: tuple[int, int, int], axis: str
) -> None:
    assert channels_axis(sample) == axis
