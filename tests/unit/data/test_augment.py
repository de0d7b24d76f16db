from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workbench.data.augment import augment

MANY = 200


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(n: int = MANY, height: int = 5, width: int = 6) -> Tensor:
    """Images whose pixels all differ and are not 0."""
    return torch.arange(1, n * 2 * height * width + 1).float().reshape(n, 2, height, width)


def test_without_augmentation_images_stay_unchanged() -> None:
    images = numbered()
    assert torch.equal(augment(images, flip=False, shift=0, cutout=0), images)


def test_some_images_are_flipped_and_some_are_not() -> None:
    images = numbered()
    mirrored = augment(images, flip=True, shift=0, cutout=0, generator=seeded())
    is_flipped = (mirrored == images.flip(3)).flatten(1).all(1)
    assert torch.equal(~is_flipped, (mirrored == images).flatten(1).all(1))
    assert MANY / 4 < int(is_flipped.sum()) < 3 * MANY / 4


def test_flipping_twice_restores_the_images() -> None:
    images = numbered()
    once = augment(images, flip=True, shift=0, cutout=0, generator=seeded(3))
    assert torch.equal(augment(once, flip=True, shift=0, cutout=0, generator=seeded(3)), images)


def shifted(image: Tensor, down: int, right: int) -> Tensor:
    """The image (channels, height, width) shifted by whole pixels and padded with zeros."""
    _, height, width = image.shape
    moved = torch.zeros_like(image)
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                moved[:, row, column] = image[:, row - down, column - right]
    return moved


def test_an_image_is_shifted_by_at_most_this_many_pixels_in_each_direction() -> None:
    images = numbered()
    results = augment(images, flip=False, shift=1, cutout=0, generator=seeded())
    seen = set()
    for image, result in zip(images, results, strict=True):
        moves = [(d, r) for d in (-1, 0, 1) for r in (-1, 0, 1) if torch.equal(shifted(image, d, r), result)]
        assert len(moves) == 1
        seen.add(moves[0])
    assert len(seen) == 9


@settings(max_examples=25, deadline=None)
@given(cutout=st.integers(1, 8), height=st.integers(2, 7), width=st.integers(2, 7), seed=st.integers(0, 2**31))
def test_a_square_around_a_pixel_is_blanked_in_all_channels_and_nothing_else(
    cutout: int, height: int, width: int, seed: int
) -> None:
    images = numbered(16, height, width)
    results = augment(images, flip=False, shift=0, cutout=cutout, generator=seeded(seed))
    for image, result in zip(images, results, strict=True):
        blank = result[0] == 0
        assert torch.equal(result, torch.where(blank, 0.0, image))
        squares = [
            square
            for row in range(height)
            for column in range(width)
            if torch.equal(square := _square(height, width, row - cutout // 2, column - cutout // 2, cutout), blank)
        ]
        assert squares, "the blank pixels are no square around a pixel of the image"


def _square(height: int, width: int, top: int, left: int, side: int) -> Tensor:
    """The part of a square that lies on the image."""
    inside = torch.zeros(height, width, dtype=torch.bool)
    inside[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = True
    return inside


def test_squares_are_at_different_places() -> None:
    results = augment(numbered(), flip=False, shift=0, cutout=2, generator=seeded())
    assert len({tuple((image[0] == 0).flatten().tolist()) for image in results}) > 10


def test_all_augmentations_together_keep_shape_and_dtype_and_do_not_modify_their_input() -> None:
    images = numbered()
    before = images.clone()
    result = augment(images, flip=True, shift=2, cutout=3, generator=seeded())
    assert result.shape == images.shape
    assert result.dtype == images.dtype
    assert result.is_contiguous()
    assert torch.equal(images, before)
    new = set(result.flatten().tolist()) - {0.0}
    assert new <= set(images.flatten().tolist())


def test_the_same_generator_state_gives_the_same_images_and_the_global_one_is_the_default() -> None:
    images = numbered()
    first, second = (augment(images, flip=True, shift=2, cutout=3, generator=seeded(5)) for _ in range(2))
    assert torch.equal(first, second)
    torch.manual_seed(5)
    assert torch.equal(augment(images, flip=True, shift=2, cutout=3), first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_other_float_dtypes_stay_unchanged(dtype: torch.dtype) -> None:
    assert augment(torch.ones(4, 1, 8, 8, dtype=dtype), flip=True, shift=1, cutout=2).dtype == dtype
